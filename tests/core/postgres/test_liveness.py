"""A server that answers nothing ends what waits for it; a statement that only takes long is left alone."""

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, connections

from core.postgres import liveness
from core.postgres.liveness import Liveness


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Liveness]:
    """This process serves people, and has little patience."""
    monkeypatch.setattr(liveness, "PATIENCE", 0.2)
    monkeypatch.setattr(liveness, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(liveness, "_watched", None)
    connection.close()
    assert liveness.of("default") is None
    liveness.watch()
    found = liveness.of("default")
    assert found is not None
    yield found
    connection.close()


@pytest.fixture
def dumb_server() -> Iterator[dict[str, Any]]:
    """It takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield {"host": "127.0.0.1", "port": server.getsockname()[1], "user": "x", "dbname": "x"}


def ask(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def test_a_slow_statement_goes_on(watched: Liveness, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[bool] = []
    answers = liveness._answers

    def counted(params: Any) -> bool:
        looks.append(answers(params))
        return looks[-1]

    monkeypatch.setattr(liveness, "_answers", counted)
    assert ask("SELECT 7 FROM pg_sleep(1)") == 7
    assert looks, "the server was asked"
    assert all(looks)
    assert not watched.silent


def test_a_silent_server_ends_what_waits(watched: Liveness, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(liveness, "_answers", lambda _params: False)
        with pytest.raises(OperationalError, match="answers nothing"):
            ask("SELECT 7 FROM pg_sleep(30)")
        assert connection.connection.closed
        connection.close()
        with pytest.raises(OperationalError, match="answers nothing"):
            ask("SELECT 7")  # not even another connection is tried
    assert watched.silent
    assert ask("SELECT 7") == 7
    assert not watched.silent


def test_a_server_that_says_no_is_there(dumb_server: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "CONNECT_SECONDS", 2)
    assert not liveness._answers(dumb_server)
    here = psycopg.conninfo.conninfo_to_dict(os.environ["DATABASE_URL"])
    assert liveness._answers(here)
    assert liveness._answers({**here, "dbname": "no_such_database"})
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert liveness._answers({**dumb_server, "port": port}), "refused by the system: it does not hang"


def test_one_asks_and_the_others_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slowly(_params: Any) -> bool:
        asked.set()
        return not go_on.wait(30)

    monkeypatch.setattr(liveness, "_answers", slowly)
    found = Liveness()
    found.silent = True

    def refused() -> None:
        with pytest.raises(psycopg.OperationalError):
            found.look({})

    first = threading.Thread(target=refused)
    first.start()
    assert asked.wait(30)
    with pytest.raises(psycopg.OperationalError):
        found.look({})
    go_on.set()
    first.join()


def test_what_works_in_the_background_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "_watched", None)
    monkeypatch.setattr(liveness, "PATIENCE", 0.1)
    monkeypatch.setattr(liveness, "_answers", None)
    connections["default"].close()
    assert ask("SELECT 7 FROM pg_sleep(0.5)") == 7
