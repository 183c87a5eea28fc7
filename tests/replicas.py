"""A replica of the tests' own PostgreSQL: a real one, by pg_basebackup and streaming, on a port of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.db import connection, connections

from cdp.stack.embedded import DatabaseUrls, Postgres
from cdp.stack.machine import StartError, open_home
from cdp.stack.supervisor import wait_until
from tenants.isolation import replica
from tests.servers import SUPERUSER, throw_away, watch_over


class Replica(Postgres):
    """Follows the server of the tests, which other tests write to at the same time."""

    def make_cluster(self) -> None:
        """A copy of all files of the primary, with where to go on."""
        if (self.data / "PG_VERSION").exists():
            return
        primary = urlsplit(os.environ[SUPERUSER])
        argv: list[str | Path] = [self.bin / "pg_basebackup", "--pgdata", self.data, "--write-recovery-conf"]
        argv += [
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
            f"--dbname={primary._replace(path='').geturl()}",
        ]
        self.launch(argv)
        assert self.process
        if self.process.wait():
            raise StartError(f"pg_basebackup failed:\n{self.log.read_text()[-2000:]}")

    def make_database(self) -> DatabaseUrls:
        """It has those of the primary, with their passwords, on another port."""
        return DatabaseUrls(
            *(self._here(os.environ[name]) for name in ("DATABASE_URL", "OWNER_DATABASE_URL", SUPERUSER))
        )

    def _here(self, url: str) -> str:
        parts = urlsplit(url)
        return parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{self.port}").geturl()

    def run(self, statement: str) -> None:
        with psycopg.connect(self._here(os.environ[SUPERUSER]), autocommit=True) as superuser:
            superuser.execute(statement)

    def kill(self) -> None:
        """End it at once, without a word to its clients."""
        assert self.process
        self.process.kill()
        self.process.wait()
        self.end_leftovers()

    def start_again(self) -> None:
        self.spawn()
        self.wait()

    def pause(self) -> None:
        """Keep receiving, and repeat nothing. Waits until it holds."""
        self.run("SELECT pg_wal_replay_pause()")
        with psycopg.connect(self._here(os.environ[SUPERUSER]), autocommit=True) as superuser:
            state = "SELECT pg_get_wal_replay_pause_state() = 'paused'"
            wait_until(lambda: bool((superuser.execute(state).fetchone() or [False])[0]), seconds=30)

    def resume(self) -> None:
        self.run("SELECT pg_wal_replay_resume()")

    def catch_up(self) -> None:
        """Wait until it has all that is written by now."""
        replica._latest = None
        place = replica.written()
        wait_until(lambda: replica._numbers(place) <= replica.look(again=True).place, seconds=60)


@contextmanager
def follow(home: Path) -> Iterator[Replica]:
    """A replica, set as the one of this process for as long as the block runs."""
    watchdog = watch_over(open_home(home))
    server = Replica(home, throwaway=True)
    urls = server.start()
    parts = urlsplit(urls.app)
    connections.databases[replica.ALIAS] = {
        **connections.databases["default"], "PORT": parts.port, "HOST": parts.hostname,
        "OPTIONS": {**connections.databases["default"]["OPTIONS"], "connect_timeout": 2},
    }  # fmt: skip
    replica._latest = None
    try:
        assert connection.settings_dict["NAME"] == connections[replica.ALIAS].settings_dict["NAME"]
        yield server
    finally:
        connections[replica.ALIAS].close()
        del connections[replica.ALIAS], connections.databases[replica.ALIAS]
        replica._latest = None
        server.stop()
        throw_away(home)
        if watchdog.stdin:
            watchdog.stdin.close()
        watchdog.wait(60)
