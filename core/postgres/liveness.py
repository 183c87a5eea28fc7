"""Whether a server that a statement waits for is alive at all.

A server can take connections and answer nothing: stopped by its machine, or waiting for a disk. The network then sees
nothing wrong, and a page would wait for ever. A statement may also take long for a good reason. So who has waited for
PATIENCE asks the server for another connection: while it gives one, the statement goes on; once it does not within
CONNECT_SECONDS, the statement ends with OperationalError, as if the server were away, and its connection is closed. Until
the server answers again, one thread at a time asks, and all others are refused at once.

Only processes that serve people watch: what works in the background waits, and goes on when the server does.
"""

import threading
import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg import errors, waiting

PATIENCE, CONNECT_SECONDS = 4.0, 3
# What was found out is good for so long.
FRESH_SECONDS = 2.0
SENTENCE = "the database takes connections and answers nothing"


class Liveness:
    """What a process knows of one server."""

    def __init__(self) -> None:
        self.silent = False
        self._looked = 0.0
        self._looking = threading.Lock()

    def watch(self, connection: "psycopg.Connection[Any]", params: dict[str, Any]) -> None:
        """Let nothing on this connection wait for a server that does not answer."""

        def wait(gen: Generator[Any, Any, Any], interval: float = 0.1, timeout: float | None = None) -> Any:
            patient = self._patient(gen, connection, params)
            return waiting.wait(patient, connection.pgconn.socket, interval=interval, timeout=timeout)

        connection.wait = wait  # type: ignore[method-assign]

    def refuse_while_silent(self, params: dict[str, Any]) -> None:
        """Raise psycopg.OperationalError where the server did not answer last, and still does not."""
        if self.silent:
            self.look(params)

    def look(self, params: dict[str, Any]) -> None:
        """Ask the server, unless somebody has or is. Raises psycopg.OperationalError when it does not answer."""
        if time.monotonic() - self._looked > FRESH_SECONDS and self._looking.acquire(blocking=False):
            try:
                self.silent = not _answers(params)
                self._looked = time.monotonic()
            finally:
                self._looking.release()
        if self.silent:
            raise psycopg.OperationalError(SENTENCE)

    def _patient(
        self, gen: Generator[Any, Any, Any], connection: "psycopg.Connection[Any]", params: dict[str, Any]
    ) -> Generator[Any, Any, Any]:
        """What a statement waits for, with a look at the server each time that nothing has come for PATIENCE."""
        try:
            wanted, heard = next(gen), time.monotonic()
            while True:
                ready = yield wanted
                if ready != waiting.READY_NONE:
                    heard = time.monotonic()
                elif time.monotonic() - heard > PATIENCE:
                    self._look_for(connection, params)
                    heard = time.monotonic()
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value

    def _look_for(self, connection: "psycopg.Connection[Any]", params: dict[str, Any]) -> None:
        try:
            self.look(params)
        except psycopg.OperationalError:
            connection.pgconn.finish()
            raise


def _answers(params: dict[str, Any]) -> bool:
    """Whether the server gives a connection, or says why not, in time."""
    try:
        psycopg.connect(**{**params, "connect_timeout": CONNECT_SECONDS}).close()
    except errors.ConnectionTimeout:
        return False
    except psycopg.Error:
        return True  # it has said something, or the system has: whoever waits is told, too
    return True


_watched: dict[str, Liveness] | None = None


def watch() -> None:
    """This process serves people: none of its connections is to wait for a server that does not answer."""
    global _watched
    _watched = {} if _watched is None else _watched


def of(alias: str) -> Liveness | None:
    """What is known of the server of a database of the settings; None where the process does not watch."""
    return None if _watched is None else _watched.setdefault(alias, Liveness())
