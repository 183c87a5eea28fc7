"""The private servers: started, stopped, killed, taken over, and closed to everybody else."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cdp.stack.embedded import Postgres, Valkey, apply_stack_env, running_stack
from cdp.stack.machine import GB, StartError, postgres_options, take_lock
from cdp.stack.supervisor import running, wait_until
from tests.servers import ask, new_home, throw_away

pytestmark = pytest.mark.faults
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root switches users")
LEAVE = """
import os, sys; from pathlib import Path; from cdp.stack.embedded import Postgres
Postgres(Path(sys.argv[1]), throwaway=True).start()
os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope="module")
def finished_home() -> Iterator[Path]:
    """A home with a cluster in it, made once because that takes most of a second."""
    path = new_home()
    with contextlib.closing(take_lock(path / "lock")):
        server = Postgres(path, throwaway=True)
        server.start()
        server.stop()
        yield path
    throw_away(path)


@pytest.fixture
def home(empty_home: Path, finished_home: Path) -> Path:
    """A copy of the finished home, with its own port."""
    subprocess.run(["cp", "-a", finished_home / "postgres", empty_home], check=True)
    (empty_home / "postgres" / "port").unlink()
    return empty_home


@pytest.fixture
def postgres(home: Path) -> Iterator[Postgres]:
    """A server that the test starts, and that is stopped whatever happens."""
    server = Postgres(home, throwaway=True)
    yield server
    server.stop()


def test_the_roles_are_as_small_as_promised(postgres: Postgres) -> None:
    urls = postgres.start()
    roles = ask(
        urls.app,
        """select rolname, rolcanlogin, rolsuper or rolbypassrls or rolcreatedb or rolcreaterole or rolreplication
           from pg_roles where rolname like 'cdp%' order by 1""",
    )
    assert roles == [("cdp_app", True, False), ("cdp_owner", True, False)]
    facts = "select pg_get_userbyid(datdba), datlocprovider, datlocale, pg_encoding_to_char(encoding) from pg_database"
    assert ask(urls.app, f"{facts} where datname = 'cdp'") == [("cdp_owner", "b", "C.UTF-8", "UTF8")]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(urls.app, "create table public.forbidden (a int)")
    ask(urls.owner, "create table public.allowed (a int)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(urls.app, "select a from public.allowed")


def test_nobody_comes_in_without_the_password(postgres: Postgres) -> None:
    urls = postgres.start()
    for role in ("postgres", "cdp_owner", "cdp_app"):
        for password in ("", "wrong"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(host="127.0.0.1", port=postgres.port, user=role, password=password, dbname="cdp")
    for name in ("superuser", "owner", "app"):
        assert stat.S_IMODE((postgres.folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(postgres.log.stat().st_mode) == 0o600
    words = psutil.Process(postgres.pid).cmdline()
    assert words
    assert not any(secret in " ".join(words) for secret in (urls.app, urls.owner))


def test_committed_rows_outlive_a_kill_and_a_restart(postgres: Postgres, home: Path) -> None:
    urls = postgres.start()
    ask(urls.owner, "create table public.kept as select 1 as a")
    os.kill(postgres.pid or 0, signal.SIGKILL)
    assert wait_until(lambda: not postgres.alive(), seconds=5)
    postgres.spawn()
    postgres.wait()
    assert ask(urls.owner, "select a from public.kept") == [(1,)]
    assert postgres.stop() == 0
    again = Postgres(home, throwaway=True)
    try:
        assert again.start() == urls, "same port, same passwords"
        assert ask(urls.owner, "select a from public.kept") == [(1,)]
    finally:
        again.stop()


def test_backends_of_a_killed_server_do_not_block_the_next(postgres: Postgres) -> None:
    urls = postgres.start()
    with (
        contextlib.closing(psycopg.connect(urls.superuser)) as idle,
        contextlib.closing(psycopg.connect(urls.superuser)) as busy,
    ):
        idle.execute("begin")
        busy.pgconn.send_query(b"select count(*) from generate_series(1, 1e12::bigint)")
        os.kill(postgres.pid or 0, signal.SIGKILL)
        assert wait_until(lambda: not postgres.alive(), seconds=5)
        postgres.spawn()
        postgres.wait(seconds=20)
    assert ask(urls.app, "select 1") == [(1,)]


def test_a_pid_file_that_names_a_stranger_is_ignored_and_the_stranger_lives(postgres: Postgres) -> None:
    postgres.start()
    postgres.stop()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (postgres.data / "postmaster.pid").write_text(f"{stranger.pid}\n{postgres.data}\n")
        postgres.start()
        assert stranger.poll() is None
        stranger.kill()


def test_a_half_made_cluster_is_made_again(empty_home: Path) -> None:
    server = Postgres(empty_home, throwaway=True)
    half = server.folder / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    try:
        assert ask(server.start().app, "select 1") == [(1,)]
    finally:
        server.stop()


def test_two_owners_of_one_home_are_refused(postgres: Postgres, home: Path) -> None:
    urls = postgres.start()
    with pytest.raises(StartError, match="in use"):
        Postgres(home, throwaway=True).start()
    assert ask(urls.app, "select 1") == [(1,)]


def test_an_orphan_of_a_dead_parent_is_replaced(home: Path) -> None:
    subprocess.run([sys.executable, "-c", LEAVE, home])
    server = Postgres(home, throwaway=True)
    orphans = server.leftovers()
    assert orphans
    try:
        assert ask(server.start().app, "select 1") == [(1,)]
        assert not any(running(process) for process in orphans)
    finally:
        server.stop()


def test_a_taken_port_is_left_to_its_owner(empty_home: Path) -> None:
    server = Valkey(empty_home, throwaway=True)
    server.start()
    server.stop()
    with socket.create_server(("127.0.0.1", server.port)):
        with pytest.raises(StartError, match="taken"):
            Valkey(empty_home, port=server.port).start()
        other = Valkey(empty_home, throwaway=True)
        other.start()
        other.stop()
    assert other.port != server.port


def test_valkey_keeps_its_data_and_wants_its_password(empty_home: Path) -> None:
    server = Valkey(empty_home)
    url = server.start()
    try:
        with redis.Redis.from_url(url) as client:
            client.set("kept", "1")
            client.execute_command("WAITAOF", 1, 0, 2000)
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        os.kill(server.pid or 0, signal.SIGKILL)
        assert wait_until(lambda: not server.alive(), seconds=5)
        server.spawn()
        server.wait()
        with redis.Redis.from_url(url) as client:
            assert client.get("kept") == b"1"
        with (
            redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.get("kept")
    finally:
        assert server.stop() == 0


def test_too_little_shared_memory_means_a_smaller_server(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    too_much = postgres_options(memory=GB, disk=GB, throwaway=True, small=False) | {"shared_buffers": "900GB"}
    sizes = {True: postgres_options(memory=GB, disk=GB, throwaway=True, small=True), False: too_much}
    monkeypatch.setattr("cdp.stack.embedded.postgres_options", lambda *, small, **_: sizes[small])
    assert ask(postgres.start().app, "show shared_buffers") == [("64MB",)]


def test_no_stack_is_found_where_none_runs(tmp_path: Path) -> None:
    assert running_stack(tmp_path) is None
    (tmp_path / "stack.json").write_text("{}")
    (tmp_path / "lock").touch()
    assert running_stack(tmp_path) is None, "the note of a stack that was killed"
    with pytest.raises(StartError, match="No stack"):
        apply_stack_env(tmp_path)
