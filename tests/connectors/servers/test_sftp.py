"""Files by SFTP: what a user can do there, with real clients, and what becomes of the files."""

import asyncio
import json
import os
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncssh
import paramiko
import psutil
import pytest
from django.core.cache import cache

from connectors.models import Connector
from connectors.servers import keys
from connectors.servers import sftp as server_module
from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.connectors import scene
from tests.connectors.clients import lftp_command, needs, openssh_command, run
from tests.connectors.scene import CSV, PASSWORD, Sftp, asyncssh_client, names, pick_up, place_of, user_name

LINES = CSV.splitlines(keepends=True)
Work = Callable[[asyncssh.SFTPClient], Awaitable[object]]


@pytest.fixture
def made(alice: Actor) -> Connector:
    cache.clear()
    return scene.connector(alice.workspace)


@pytest.fixture
def user(alice: Actor, made: Connector) -> str:
    return user_name(alice.workspace, made)


@pytest.fixture
def incoming(alice: Actor, made: Connector) -> Path:
    return place_of(alice.workspace, made).incoming


def do(sftp: Sftp, user: str, work: Work, **more: Any) -> None:
    """Something with a client by asyncssh."""

    async def session() -> None:
        async with asyncssh_client(sftp, user, **more) as client, client.start_sftp_client() as files:
            await work(files)

    asyncio.run(session())


async def put(files: asyncssh.SFTPClient, text: str = CSV, *, name: str = "in/customers.csv") -> None:
    async with files.open(name, "wb") as file:
        await file.write(text.encode())


def test_a_file_is_uploaded_and_imported_and_its_result_is_beside_it(
    alice: Actor, sftp: Sftp, made: Connector, user: str
) -> None:
    tenant = alice.workspace

    async def work(files: asyncssh.SFTPClient) -> None:
        await put(files, CSV + "not-an-address,Eve,Hull\n")
        assert await files.listdir("/") == ["in", "done", "failed"]

    do(sftp, user, work)
    [file] = pick_up(tenant, made)
    assert (file.state, file.name, file.note) == ("imported", "customers.csv", "")
    with tenant_context(tenant.pk):
        assert Contact.objects.count() == 2
    done = place_of(tenant, made).jail / "done"
    archived = file.archived_as.removeprefix("done/")
    assert names(done) == [archived, f"{archived}.errors.csv", f"{archived}.result.json"]
    told: dict[str, Any] = json.loads((done / f"{archived}.result.json").read_text())
    assert (told["status"], told["import"]["created"], told["import"]["in_error"]) == ("imported", 2, 1)
    assert '"not-an-address","Eve","Hull","4"' in (done / f"{archived}.errors.csv").read_text()
    assert {oct(path.stat().st_mode & 0o777) for path in done.iterdir()} == {"0o600"}
    assert names(place_of(tenant, made).incoming) == names(place_of(tenant, made).taken) == []


def test_a_wrong_password_and_an_unknown_user_are_refused(sftp: Sftp, made: Connector, user: str) -> None:
    async def nothing(_files: asyncssh.SFTPClient) -> None:
        raise AssertionError("came in")

    for name, password in ((user, "wrong"), ("nobody.orders", PASSWORD), (made.login, PASSWORD), (user, "")):
        with pytest.raises(asyncssh.PermissionDenied):
            do(sftp, name, nothing, password=password)


def test_a_key_opens_and_another_one_does_not(alice: Actor, sftp: Sftp, made: Connector, user: str) -> None:
    mine, other = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    with tenant_context(alice.workspace.pk):
        Connector.objects.update(public_keys=mine.export_public_key().decode().strip() + " shop")

    do(sftp, user, put, password=None, client_keys=[mine])
    with pytest.raises(asyncssh.PermissionDenied):
        do(sftp, user, put, password=None, client_keys=[other])
    do(sftp, user, put, client_keys=[other])
    with tenant_context(alice.workspace.pk):
        Connector.objects.update(networks="203.0.113.0/24")
    with pytest.raises((asyncssh.PermissionDenied, asyncssh.DisconnectError)):
        do(sftp, user, put, password=None, client_keys=[mine])


def test_there_is_no_shell_and_no_forwarding(sftp: Sftp, user: str) -> None:
    async def session() -> None:
        async with asyncssh_client(sftp, user) as client:
            for command in ("id", None):
                with pytest.raises(asyncssh.ChannelOpenError):
                    await client.create_process(command)
            with pytest.raises(asyncssh.ChannelOpenError):
                await client.open_connection("127.0.0.1", 22)
            with pytest.raises(asyncssh.ChannelListenError):
                await client.start_server(lambda *_: None, "127.0.0.1", 0)
            with pytest.raises((asyncssh.SFTPError, OSError, asyncssh.Error)):
                await asyncssh.scp(__file__, (client, "in/scp.csv"))

    asyncio.run(session())


REFUSED: dict[str, Work] = {
    "mkdir": lambda files: files.mkdir("in/sub"),
    "rmdir": lambda files: files.rmdir("done"),
    "symlink": lambda files: files.symlink("/etc/passwd", "in/link.csv"),
    "hard link": lambda files: files.link("in/customers.csv", "in/second.csv"),
    "readlink": lambda files: files.readlink("in/customers.csv"),
    "outside": lambda files: put(files, name="../../escape.csv"),
    "above": lambda files: files.stat("/etc/passwd"),
    "the root": lambda files: put(files, name="/customers.csv"),
    "done": lambda files: put(files, name="done/x.csv"),
    "below in": lambda files: put(files, name="in/sub/x.csv"),
    "line break": lambda files: put(files, name="in/a\nb.csv"),
    "control": lambda files: put(files, name="in/a\x1b[2Jb.csv"),
    "backslash": lambda files: put(files, name="in/..\\x.csv"),
    "too long": lambda files: put(files, name="in/" + "x" * 201),
    "a folder": lambda files: put(files, name="in"),
    "rename out": lambda files: files.rename("in/customers.csv", "done/customers.csv"),
    "rename over": lambda files: files.rename("in/customers.csv", "in/other.csv"),
    "truncate": lambda files: files.truncate("in/customers.csv", 3),
    "space of the disk": lambda files: files.statvfs("/"),
    "list of a file": lambda files: files.listdir("in/customers.csv"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_leads_outside_is_refused(sftp: Sftp, user: str, incoming: Path, what: str) -> None:
    async def work(files: asyncssh.SFTPClient) -> None:
        await put(files)
        await put(files, name="in/other.csv")
        with pytest.raises(asyncssh.SFTPError):
            await REFUSED[what](files)

    do(sftp, user, work)
    assert names(incoming.parent) == ["done", "failed", "in"]
    assert names(incoming) == ["customers.csv", "other.csv"]
    assert (incoming / "customers.csv").read_text() == CSV


def test_times_and_rights_are_taken_note_of_and_not_kept(sftp: Sftp, user: str, incoming: Path) -> None:
    async def work(files: asyncssh.SFTPClient) -> None:
        await put(files)
        await files.utime("in/customers.csv", (0, 0))
        await files.chmod("in/customers.csv", 0o777)
        async with files.open("in/customers.csv") as file:
            assert await file.read() == CSV

    do(sftp, user, work)
    about = (incoming / "customers.csv").stat()
    assert oct(about.st_mode & 0o777) == "0o600"
    assert time.time() - about.st_mtime < 3_600


def test_renames_as_programs_do_them(alice: Actor, sftp: Sftp, made: Connector, user: str, incoming: Path) -> None:
    async def work(files: asyncssh.SFTPClient) -> None:
        await put(files, "old", name="in/customers.csv")
        await put(files, name="in/customers.csv.filepart")
        with pytest.raises(asyncssh.SFTPError):
            await files.rename("in/customers.csv.filepart", "in/customers.csv")
        await files.posix_rename("in/customers.csv.filepart", "in/customers.csv")

    do(sftp, user, work)
    assert names(incoming) == ["customers.csv"]
    assert [file.state for file in pick_up(alice.workspace, made)] == ["imported"]


def test_what_broke_off_waits_and_is_resumed(
    alice: Actor, sftp: Sftp, made: Connector, user: str, incoming: Path
) -> None:
    """The connection is lost between two rows, while the file is open: the server closes it, and must not take it."""
    part = "".join(LINES[:2])

    async def break_off() -> None:
        async with asyncssh_client(sftp, user) as client:
            files = await client.start_sftp_client()
            file = await files.open("in/customers.csv", "wb")
            await file.write(part.encode())
            client.abort()
            await client.wait_closed()

    asyncio.run(break_off())
    until(lambda: not uploads_open())
    [file] = pick_up(alice.workspace, made)
    assert file.state == "waiting"
    assert "broke off" in file.note

    async def resume(files: asyncssh.SFTPClient) -> None:
        known = (await files.stat("in/customers.csv")).size
        assert known == len(part)
        async with files.open("in/customers.csv", asyncssh.FXF_WRITE, encoding="utf-8") as file:
            await file.write(CSV[known:], known)

    do(sftp, user, resume)
    [file] = pick_up(alice.workspace, made)
    assert (file.state, file.size) == ("imported", len(CSV))


def test_an_open_file_is_never_taken(alice: Actor, sftp: Sftp, made: Connector, user: str) -> None:
    async def work(files: asyncssh.SFTPClient) -> None:
        async with files.open("in/customers.csv", "wb") as file:
            await file.write(CSV.encode())
            found = await asyncio.to_thread(in_thread, lambda: pick_up(alice.workspace, made))
            assert [(f.state, f.note) for f in found] == [("waiting", "")]

    do(sftp, user, work)
    assert [file.state for file in pick_up(alice.workspace, made)] == ["imported"]


def test_a_session_ends_when_its_connector_changes(alice: Actor, sftp: Sftp, made: Connector, user: str) -> None:
    async def session() -> None:
        async with asyncssh_client(sftp, user) as client:
            files = await client.start_sftp_client()
            await put(files)
            await asyncio.to_thread(in_thread, lambda: alice.post(f"connectors/{made.pk}/disable/"))
            await asyncio.to_thread(sftp.run, server_module.close_changed())
            await client.wait_closed()

    asyncio.run(session())
    with pytest.raises(asyncssh.PermissionDenied):
        do(sftp, user, put)


def test_one_workspace_never_sees_another(alice: Actor, charlie: Actor, sftp: Sftp, user: str) -> None:
    other = user_name(charlie.workspace, scene.connector(charlie.workspace))
    do(sftp, user, put)

    async def look(files: asyncssh.SFTPClient) -> None:
        assert await files.listdir("in") == []
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await files.stat("in/customers.csv")

    do(sftp, other, look)


def test_the_quota_is_told(alice: Actor, sftp: Sftp, made: Connector, user: str) -> None:
    with tenant_context(alice.workspace.pk):
        Connector.objects.update(max_bytes=1_000)

    async def work(files: asyncssh.SFTPClient) -> None:
        with pytest.raises(asyncssh.SFTPError, match="limit is reached"):
            await put(files, "x" * 2_000)

    do(sftp, user, work)
    [file] = pick_up(alice.workspace, made)
    assert file.state == "waiting"


def test_the_host_key_is_made_once_and_ours_alone(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    assert keys.fingerprint() == ""
    first = keys.host_key()
    assert keys.host_key().public_data == first.public_data
    assert keys.fingerprint() == first.get_fingerprint()
    assert oct((tmp_path / "sftp_host_key").stat().st_mode & 0o777) == "0o600"
    path = keys.certificate()
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert len(keys.certificate_fingerprint()) == 95
    settings.FTPS_CERTIFICATE = str(tmp_path / "named.pem")
    assert keys.certificate() == tmp_path / "named.pem"


# --- programs --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def key(alice: Actor, sftp: Sftp, made: Connector, tmp_path: Path) -> tuple[Path, Path]:
    """A private key that the connector knows, and the file of known hosts."""
    private, hosts = tmp_path / "id", tmp_path / "hosts"
    own = asyncssh.generate_private_key("ssh-ed25519")
    private.write_bytes(own.export_private_key())
    private.chmod(0o600)
    hosts.write_text(f"[127.0.0.1]:{sftp.port} {sftp.key.export_public_key().decode()}")
    with tenant_context(alice.workspace.pk):
        Connector.objects.update(public_keys=own.export_public_key().decode().strip())
    return private, hosts


@needs("sftp")
def test_openssh_uploads_resumes_and_renames(
    alice: Actor, sftp: Sftp, made: Connector, user: str, key: tuple[Path, Path], tmp_path: Path, incoming: Path
) -> None:
    local = tmp_path / "customers.csv"
    local.write_text(CSV)
    command = openssh_command(sftp.port, user, *key)
    done = run(command, input=f"put -p {local} in/customers.csv.part\nls -l in\n")
    assert done.returncode == 0, done.stderr
    assert "customers.csv.part" in done.stdout
    (incoming / "customers.csv.part").write_text(CSV[:30])
    script = f"reput {local} in/customers.csv.part\nrename in/customers.csv.part in/customers.csv\n"
    done = run(command, input=script)
    assert done.returncode == 0, done.stderr
    [file] = pick_up(alice.workspace, made)
    assert (file.state, file.size) == ("imported", len(CSV))
    for script in ("ln in/a in/b", "ln -s /etc in/etc", "mkdir in/x", "get /etc/passwd", "cd /etc", "chown 0 in"):
        assert run(command, input=f"{script}\n").returncode != 0 or script.startswith("chown")


@needs("lftp")
def test_lftp_uploads_by_sftp(
    alice: Actor, sftp: Sftp, made: Connector, user: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "customers.csv").write_text(CSV)
    monkeypatch.setenv("HOME", str(tmp_path))
    script = f"put -O in {tmp_path / 'customers.csv'}; cls -l in"
    done = run(lftp_command(f"sftp://127.0.0.1:{sftp.port}", user, PASSWORD, script))
    assert done.returncode == 0, done.stderr
    assert [file.state for file in pick_up(alice.workspace, made)] == ["imported"]


def test_paramiko_uploads_resumes_and_renames(
    alice: Actor, sftp: Sftp, made: Connector, user: str, incoming: Path, tmp_path: Path
) -> None:
    local = tmp_path / "customers.csv"
    local.write_text(CSV)
    with socket.create_connection(("127.0.0.1", sftp.port)) as plain, paramiko.Transport(plain) as transport:
        transport.connect(username=user, password=PASSWORD)
        with paramiko.SFTPClient.from_transport(transport) or pytest.fail("no SFTP") as files:
            files.put(str(local), "in/customers.csv.tmp")
            (incoming / "customers.csv.tmp").write_text(CSV[:30])
            with files.open("in/customers.csv.tmp", "r+") as file:
                file.seek(30)
                file.write(CSV[30:])
            files.posix_rename("in/customers.csv.tmp", "in/customers.csv")
            with files.open("in/second.csv", "a") as file:
                file.write(CSV[:20])
            with files.open("in/second.csv", "a") as file:
                file.write(CSV[20:])
            assert sorted(files.listdir("in")) == ["customers.csv", "second.csv"]
            assert files.stat("in/second.csv").st_size == len(CSV)
    assert [file.state for file in pick_up(alice.workspace, made)] == ["imported", "same"]


@needs("sftp")
def test_a_program_that_is_killed_leaves_no_import(
    alice: Actor, sftp: Sftp, made: Connector, user: str, key: tuple[Path, Path], tmp_path: Path, incoming: Path
) -> None:
    big = tmp_path / "big.csv"
    big.write_text(LINES[0] + "".join(f"p{n}@example.com,P,Leeds\n" for n in range(400_000)))
    command = openssh_command(sftp.port, user, *key)
    with subprocess.Popen([*command[:-1], "-l", "16000", command[-1]], stdin=subprocess.PIPE) as program:
        assert program.stdin is not None
        program.stdin.write(f"put {big} in/big.csv\n".encode())
        program.stdin.flush()
        arrived = incoming / "big.csv"
        until(lambda: arrived.exists() and arrived.stat().st_size > 100_000)
        assert program.poll() is None
        program.kill()
    until(lambda: not uploads_open())
    [file] = pick_up(alice.workspace, made)
    assert file.state == "waiting"
    assert scene.imports(alice.workspace) == []


def test_twenty_clients_at_once(alice: Actor, sftp: Sftp, made: Connector, user: str) -> None:
    async def one(number: int) -> None:
        async with asyncssh_client(sftp, user) as client, client.start_sftp_client() as files:
            await put(files, LINES[0] + f"p{number}@example.com,P,Leeds\n" * 200, name=f"in/{number}.csv")

    async def everybody() -> None:
        await asyncio.gather(*(one(number) for number in range(20)))

    asyncio.run(everybody())
    found = pick_up(alice.workspace, made)
    assert [file.state for file in found] == ["imported"] * 20
    assert sorted(int(file.name[:-4]) for file in found) == list(range(20))


@pytest.mark.faults
def test_a_gigabyte_goes_through_without_memory(sftp: Sftp, alice: Actor, made: Connector, user: str) -> None:
    """As far as the folder: what an import of such a file needs is measured by the benchmarks. A quarter of it in the usual
    suite, all by `make faults`."""
    block = os.urandom(1 << 20)
    size = (1_000 if "CDP_FAULTS" in os.environ else 250) << 20
    process = psutil.Process()
    with tenant_context(alice.workspace.pk):
        type(alice.workspace).objects.filter(pk=alice.workspace.pk).update(max_upload_bytes=2 * size)

    async def session() -> int:
        most = 0
        async with (
            asyncssh_client(sftp, user) as client,
            client.start_sftp_client() as files,
            files.open("in/big.bin.part", "wb") as file,
        ):
            for n in range(size // len(block)):
                await file.write(block, n * len(block))
                most = max(most, process.memory_info().rss)
        return most

    before = process.memory_info().rss
    most = asyncio.run(session())
    assert (place_of(alice.workspace, made).incoming / "big.bin.part").stat().st_size == size
    assert most - before < 100 << 20, "client and server together"


# --- waiting ---------------------------------------------------------------------------------------------------------------


def uploads_open() -> bool:
    from connectors import jail

    return bool(jail._open_uploads)


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        os.sched_yield()


def in_thread(work: Callable[[], Any]) -> Any:
    """What asks the database in a thread leaves no connection behind."""
    from django.db import connection

    try:
        return work()
    finally:
        connection.close()
