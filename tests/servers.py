"""A pytest plugin: a throwaway PostgreSQL and Valkey, migrated, before anything reads the settings.

Loaded by `-p tests.servers` because pytest-django reads the settings before any conftest is imported; given by hand where
tests are shared out (`-n`), as those processes do not read it from the configuration. The tests run as
the plain application role against the migrated schema; it cannot truncate, so nothing is cleaned: every test makes its
own workspace and the whole cluster is thrown away.

Where tests are shared out there is one PostgreSQL and one Valkey for the whole run, started by the process that hands the
tests out. Each process that runs tests has a copy of the migrated database, a database of Valkey and a state folder.
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
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from cdp.stack.embedded import DatabaseUrls, Postgres, Server, Valkey
from cdp.stack.machine import is_locked, open_home, take_lock

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "cdp-tests-"
# Where a process that runs a share of the tests may make its own database.
SUPERUSER = "CDP_TESTS_SUPERUSER_URL"
# Where the tables are not what a run is about, only its servers, it saves the two seconds that making them takes.
NO_TABLES = "CDP_TESTS_NO_TABLES"
# So many databases a Valkey has by itself. The first one is nobody's share.
VALKEY_DATABASES = 16


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
            SUPERUSER: database.superuser,
        }
        if NO_TABLES in os.environ:
            return
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


def take_share(worker: str) -> None:
    """Give this process, one of several (`gw0`, `gw1` …), a database, a part of Valkey and a folder of its own."""
    number = int(worker.removeprefix("gw")) + 1
    if number >= VALKEY_DATABASES:
        raise pytest.UsageError(f"At most {VALKEY_DATABASES - 1} processes can share the servers of the tests.")
    home = open_home(Path(os.environ["CDP_HOME"]) / worker)
    os.environ |= {
        "REDIS_URL": address_of(os.environ["REDIS_URL"], str(number)),
        "CDP_HOME": str(home),
        "MAIL_DIR": str(home / "mail"),
        **copy_database(f"cdp_{worker}"),
    }


def copy_database(name: str) -> dict[str, str]:
    """A copy of the migrated database. Rights on the database itself are not copied: see cdp/stack/roles.sql."""
    addresses = {key: os.environ[key] for key in ("DATABASE_URL", "OWNER_DATABASE_URL", SUPERUSER)}
    template = urlsplit(addresses[SUPERUSER]).path.removeprefix("/")
    with psycopg.connect(address_of(addresses[SUPERUSER], "postgres"), autocommit=True) as connection:
        for statement in (
            "create database {name} template {template} owner cdp_owner",
            "revoke all on database {name} from public",
            "grant connect, temporary on database {name} to cdp_app",
        ):
            connection.execute(sql.SQL(statement).format(name=sql.Identifier(name), template=sql.Identifier(template)))
    return {key: address_of(address, name) for key, address in addresses.items()}


def address_of(url: str, database: str) -> str:
    """The same server, another database."""
    return urlsplit(url)._replace(path=f"/{database}").geturl()


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
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:  # its watchdog ends its children, too
                process.kill()
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
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        take_share(worker)
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
