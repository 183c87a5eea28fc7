"""A pytest plugin: a throwaway PostgreSQL and Valkey, migrated, before anything reads the settings.

Loaded by `-p tests.servers` because pytest-django reads the settings before any conftest is imported; given by hand where
tests are shared out (`-n`), as those processes do not read it from the configuration. The tests run as
the plain application role against the migrated schema; it cannot truncate, so nothing is cleaned: every test makes its
own workspace and the whole cluster is thrown away.
"""

import atexit
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cdp.stack.embedded import DatabaseUrls, Postgres, Server, Valkey
from cdp.stack.machine import is_locked, open_home, take_lock

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "cdp-tests-"
# Settings that can be read and lead to nothing.
NOWHERE = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "none",
}


class Servers:
    """The two servers of one test run and the folder they live in."""

    def __init__(self) -> None:
        self.home = new_home()
        self.watchdog = watch_over(self.home)
        self.lock = take_lock(self.home / "lock")
        self.postgres = Postgres(self.home, throwaway=True)
        self.valkey = Valkey(self.home, throwaway=True)

    def start(self) -> None:
        """Start both together, set the environment, migrate as the owner."""
        atexit.register(self.stop)
        with ThreadPoolExecutor(2) as pool:
            database, redis_url = pool.submit(self.postgres.start), pool.submit(self.valkey.start)
        self.set_environment(database.result(), redis_url=redis_url.result())

    def set_environment(self, database: DatabaseUrls, *, redis_url: str) -> None:
        """Say where the servers are, to this process and its children, and make the tables."""
        os.environ |= {
            "DATABASE_URL": database.app,
            "OWNER_DATABASE_URL": database.owner,
            "REDIS_URL": redis_url,
            "SECRET_KEY": secrets.token_urlsafe(32),
            "CDP_HOME": str(self.home),
            "MAIL_DIR": str(self.home / "mail"),
            "CDP_PASSWORD_HASHER": "fast",
        }
        migrate = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--skip-checks", "--verbosity=0"],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": database.owner},
            capture_output=True,
            text=True,
        )
        if migrate.returncode:
            raise pytest.UsageError(f"The migrations failed:\n{migrate.stdout}{migrate.stderr}")

    def stop(self) -> None:
        """Stop both and leave nothing behind; may be called twice."""
        atexit.unregister(self.stop)
        self.valkey.stop()
        self.postgres.stop()
        self.lock.close()
        throw_away(self.home)
        if self.watchdog.stdin:
            self.watchdog.stdin.close()
        self.watchdog.wait(60)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """The end of the test run."""
        self.stop()


def watch_over(*what: str | Path) -> "subprocess.Popen[bytes]":
    """A process that ends the servers of a home, or `--process` and its number, when we are gone, however we go: it waits
    for the end of a pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.watchdog", *map(str, what)], cwd=ROOT, stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


@contextlib.contextmanager
def program(command: Sequence[str], **options: Any) -> "Iterator[subprocess.Popen[bytes]]":
    """A program that is ended with the block, and also when we are killed inside of it."""
    with subprocess.Popen(command, cwd=ROOT, **options) as process:
        watchdog = watch_over("--process", str(process.pid))
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(60)
            if watchdog.stdin:
                watchdog.stdin.close()
            watchdog.wait(60)


def new_home() -> Path:
    """A state folder that the servers' user may enter; pytest's own folders are closed to others."""
    return open_home(Path(tempfile.mkdtemp(prefix=PREFIX)))


def ask(url: str, question: str) -> list[tuple[Any, ...]]:
    """The answer to one statement, committed."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(question)
        return cursor.fetchall() if cursor.description else []


def throw_away(home: Path) -> None:
    """End what may still run on a home and remove its files, also those a root keeps elsewhere."""
    servers: list[Server] = [Postgres(home), Valkey(home)]
    for server in servers:
        server.end_leftovers()
        shutil.rmtree(server.folder, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)


def throw_away_abandoned() -> None:
    """Remove the homes of test runs that were killed: ours, older than a minute, their lock free."""
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            facts = home.stat()
        except FileNotFoundError:
            continue  # Another run has just thrown it away.
        if facts.st_uid == os.getuid() and time.time() - facts.st_mtime > 60 and not is_locked(home / "lock"):
            throw_away(home)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Start before any other plugin looks at the settings."""
    asked = early_config.known_args_namespace
    if asked.help or asked.version:
        return (yield)
    if getattr(asked, "numprocesses", None) and "PYTEST_XDIST_WORKER" not in os.environ:
        # This process only hands tests out, to processes that each have servers of their own.
        os.environ |= NOWHERE
    else:
        throw_away_abandoned()
        servers = Servers()
        early_config.pluginmanager.register(servers, "cdp-servers")
        try:
            servers.start()
        except BaseException:
            servers.stop()
            raise
    return (yield)


def main(command: list[str]) -> int:
    """Run a command against servers of its own: `python -m tests.servers COMMAND...`."""
    servers = Servers()
    try:
        servers.start()
        with subprocess.Popen(command, cwd=ROOT) as process:
            # Ctrl-C reaches the command by itself; we wait for its end.
            signal.signal(signal.SIGINT, lambda *_: None)
            signal.signal(signal.SIGTERM, lambda *_: process.terminate())
            return process.wait()
    finally:
        servers.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
