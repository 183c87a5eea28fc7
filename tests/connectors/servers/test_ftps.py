"""Files by FTPS: what a user can do there, with real clients, and what becomes of the files."""

import contextlib
import ftplib
import io
import os
import re
import socket
import ssl
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.utils import timezone

from connectors.models import Connector
from connectors.servers import ftps, keys
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.connectors import scene
from tests.connectors.clients import curl_command, lftp_command, needs, run
from tests.connectors.scene import CSV, PASSWORD, names, pick_up, place_of, user_name

LINES = CSV.splitlines(keepends=True)


class Client(ftplib.FTP_TLS):
    """ftplib, whose data channels take up the session of the control channel when `reuse` is set."""

    reuse = True
    reused: bool | None = None

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        plain, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321  with TLS below
        session = self.sock.session if self.reuse and isinstance(self.sock, ssl.SSLSocket) else None
        data = self.context.wrap_socket(plain, server_hostname=self.host, session=session)
        self.reused, self.version = data.session_reused, data.version()
        return data, size


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ftps.Server]:
    path = tmp_path_factory.mktemp("keys") / "ftps.pem"
    path.write_bytes(keys.self_signed("127.0.0.1", now=timezone.now()))
    server = ftps.Server(host="127.0.0.1", port=0, certificate=path)
    server.server.handler.auth_failed_timeout = 0
    server.start()
    yield server
    server.stop()


@pytest.fixture
def made(alice: Actor) -> Connector:
    return scene.connector(alice.workspace, protocol="ftps")


def any_certificate() -> ssl.SSLContext:
    """A client that takes any certificate, for TLS 1.3 alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


@pytest.fixture
def client(server: ftps.Server, alice: Actor, made: Connector) -> Iterator[Client]:
    client = connect(server, user_name(alice.workspace, made))
    yield client
    client.close()


def connect(server: ftps.Server, user: str) -> Client:
    client = Client(context=any_certificate(), timeout=20)
    client.connect("127.0.0.1", server.port)
    client.login(user, PASSWORD)
    client.prot_p()
    client.cwd("in")
    return client


def put(client: Client, text: str = CSV, *, command: str = "STOR customers.csv", rest: int | None = None) -> str:
    return client.storbinary(command, io.BytesIO(text.encode()), rest=rest)


def break_off(client: Client, text: str, *, command: str = "STOR customers.csv") -> None:
    """Send a part and let the connection go as a program does that dies."""
    client.voidcmd("TYPE I")
    with client.transfercmd(command) as data:
        data.sendall(text.encode())
        data.shutdown(socket.SHUT_RDWR)


def test_a_file_is_uploaded_and_imported(client: Client, alice: Actor, made: Connector) -> None:
    assert put(client).startswith("226")
    assert (client.reused, client.version) == (True, "TLSv1.3")
    client.quit()
    [file] = pick_up(alice.workspace, made)
    assert (file.state, file.note) == ("imported", "")


def test_a_data_channel_without_the_session_is_taken_too(client: Client, alice: Actor, made: Connector) -> None:
    client.reuse = False
    put(client)
    assert client.reused is False
    assert [file.state for file in pick_up(alice.workspace, made)] == ["imported"]


def test_what_breaks_off_between_two_rows_is_told_and_waits(client: Client, alice: Actor, made: Connector) -> None:
    """Nothing in the file tells it from a whole one."""
    break_off(client, "".join(LINES[:2]))
    with pytest.raises(ftplib.error_temp, match="before the upload was complete"):
        client.voidresp()
    [file] = pick_up(alice.workspace, made)
    assert file.state == "waiting"
    assert "broke off" in file.note
    assert scene.imports(alice.workspace) == []


def test_what_broke_off_is_resumed(client: Client, alice: Actor, made: Connector) -> None:
    half = CSV[: len(CSV) // 2]
    break_off(client, half)
    with pytest.raises(ftplib.error_temp):
        client.voidresp()
    client.voidcmd("TYPE I")
    assert client.size("customers.csv") == len(half)
    put(client, CSV[len(half) :], rest=len(half))
    [file] = pick_up(alice.workspace, made)
    assert (file.state, file.size) == ("imported", len(CSV))


def test_append_goes_on_too(client: Client, alice: Actor, made: Connector) -> None:
    half = CSV[: len(CSV) // 2]
    put(client, half)
    put(client, CSV[len(half) :], command="APPE customers.csv")
    [file] = pick_up(alice.workspace, made)
    assert (file.state, file.size) == ("imported", len(CSV))


def test_a_position_behind_the_end_is_refused(client: Client) -> None:
    put(client, "abc")
    with pytest.raises(ftplib.error_perm, match="554"):
        put(client, "x", rest=10)


def test_the_announced_size_holds_a_file_back(client: Client, alice: Actor, made: Connector) -> None:
    client.voidcmd("TYPE I")
    client.voidcmd(f"ALLO {len(CSV)}")
    put(client, "".join(LINES[:2]))
    [file] = pick_up(alice.workspace, made)
    assert file.state == "waiting"
    assert f"{len(CSV)} were announced" in file.note
    client.voidcmd(f"ALLO {len(CSV)}")
    put(client)
    [file] = pick_up(alice.workspace, made)
    assert file.state == "imported"


def test_what_was_announced_counts_once_and_in_binary_mode_alone(client: Client, alice: Actor, made: Connector) -> None:
    client.voidcmd("ALLO 999")
    client.storlines("STOR customers.csv", io.BytesIO(CSV.encode()))
    assert [file.state for file in pick_up(alice.workspace, made)] == ["imported"]
    with pytest.raises(ftplib.error_perm, match="501"):
        client.voidcmd("ALLO many")


def test_an_aborted_upload_waits(client: Client, alice: Actor, made: Connector) -> None:
    client.voidcmd("TYPE I")
    data = client.transfercmd("STOR customers.csv")
    data.sendall("".join(LINES[:2]).encode())
    while (place_of(alice.workspace, made).incoming / "customers.csv").stat().st_size == 0:
        pass
    client.putcmd("ABOR")
    assert client.getmultiline()[:3] in ("426", "225", "226")
    data.close()
    [file] = pick_up(alice.workspace, made)
    assert file.state == "waiting"


def test_a_rename_finishes_an_upload(client: Client, alice: Actor, made: Connector) -> None:
    put(client, command="STOR customers.csv.part")
    assert [file.state for file in pick_up(alice.workspace, made)] == ["waiting"]
    client.rename("customers.csv.part", "customers.csv")
    [file] = pick_up(alice.workspace, made)
    assert (file.state, file.name) == ("imported", "customers.csv")


def test_folders_are_listed_and_files_read_and_removed(client: Client, alice: Actor, made: Connector) -> None:
    put(client)
    assert sorted(client.nlst("/")) == ["done", "failed", "in"]
    assert client.nlst() == ["customers.csv"]
    about = dict(client.mlsd("", ["type", "size"]))
    assert about["customers.csv"] == {"type": "file", "size": str(len(CSV))}
    lines: list[str] = []
    client.dir(lines.append)
    assert len(lines) == 1
    assert "cdp" in lines[0]
    assert "customers.csv" in lines[0]
    read: list[bytes] = []
    client.retrbinary("RETR customers.csv", read.append)
    assert b"".join(read).decode() == CSV
    client.voidcmd("MFMT 20200101000000 customers.csv")
    client.delete("customers.csv")
    assert client.nlst() == []
    put(client)
    pick_up(alice.workspace, made)
    [name] = [name for name in client.nlst("/done") if name.endswith(".result.json")]
    client.retrbinary(f"RETR /done/{name}", read.append)
    assert b'"status": "imported"' in b"".join(read)


REFUSED = [
    "MKD sub", "RMD /done", "STOR /customers.csv", "STOR /done/x.csv", "RETR ../../../etc/passwd", "CWD /etc", "CWD ..\\..",
    "RNFR /etc/passwd", "DELE /etc/passwd", "SIZE /etc/passwd", "PORT 127,0,0,1,7,208", "EPRT |1|127.0.0.1|2000|", "STOU",
    "SITE CHMOD 777 x", "STOR a\x1bb", "APPE /failed/x.csv", "CWD customers.csv", "LIST /in/sub/x", "STAT /etc",
]  # fmt: skip


@pytest.mark.parametrize("command", REFUSED)
def test_what_leads_outside_is_refused(client: Client, alice: Actor, made: Connector, command: str) -> None:
    put(client)
    client.voidcmd("TYPE I")
    with pytest.raises(ftplib.error_perm):
        client.voidcmd(command)
    assert names(place_of(alice.workspace, made).jail) == ["done", "failed", "in"]
    assert names(place_of(alice.workspace, made).incoming) == ["customers.csv"]


def test_a_name_that_is_no_text_is_refused(client: Client) -> None:
    assert isinstance(client.sock, ssl.SSLSocket)
    client.sock.sendall(b"DELE a\xff\xfeb\r\n")
    with pytest.raises(ftplib.error_perm, match="501"):
        client.voidresp()


def test_nothing_is_taken_without_tls(server: ftps.Server, alice: Actor, made: Connector) -> None:
    with ftplib.FTP(timeout=20) as plain:  # noqa: S321  which is what is refused
        plain.connect("127.0.0.1", server.port)
        for command in (f"USER {user_name(alice.workspace, made)}", f"PASS {PASSWORD}"):
            with pytest.raises(ftplib.error_perm, match="550 SSL/TLS required on the control channel"):
                plain.voidcmd(command)
    client = connect(server, user_name(alice.workspace, made))
    client.prot_c()
    for command in ("PASV", "EPSV"):
        with pytest.raises(ftplib.error_perm, match="550 SSL/TLS required on the data channel"):
            client.voidcmd(command)
    client.close()


def test_old_versions_of_tls_are_refused(server: ftps.Server) -> None:
    context = any_certificate()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    client = Client(context=context, timeout=20)
    client.connect("127.0.0.1", server.port)
    with pytest.raises((ssl.SSLError, OSError)):
        client.auth()
    client.close()


def test_wrong_passwords_and_users_of_sftp_are_refused(server: ftps.Server, alice: Actor, made: Connector) -> None:
    other = scene.connector(alice.workspace, protocol="sftp", login="other")
    for user, password in (
        (user_name(alice.workspace, made), "wrong"), (user_name(alice.workspace, other), PASSWORD), ("anonymous", "x")
    ):  # fmt: skip
        client = Client(context=any_certificate(), timeout=20)
        client.connect("127.0.0.1", server.port)
        with pytest.raises(ftplib.error_perm, match="530"):
            client.login(user, password)
        client.close()


def test_a_disabled_connector_ends_its_sessions(
    client: Client, alice: Actor, made: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ftps, "LOOK_SECONDS", 0)
    put(client)
    alice.post(f"connectors/{made.pk}/disable/")
    with pytest.raises(ftplib.error_temp, match="421"):
        client.voidcmd("NOOP")


def test_quotas_are_told(client: Client, alice: Actor, made: Connector) -> None:
    with tenant_context(alice.workspace.pk):
        Connector.objects.update(max_files=1, max_bytes=100)
    limited = Client(context=any_certificate(), timeout=20)
    assert client.host
    limited.connect("127.0.0.1", client.port)
    limited.login(user_name(alice.workspace, made), PASSWORD)
    limited.prot_p()
    limited.cwd("in")
    with pytest.raises((ftplib.error_temp, OSError)):
        put(limited, "x" * 200)
    with pytest.raises(ftplib.error_perm, match="limit of this connector"):
        put(limited, "x", command="STOR second.csv")
    limited.close()
    [file] = pick_up(alice.workspace, made)
    assert file.state == "waiting"


def test_one_workspace_never_sees_another(server: ftps.Server, client: Client, charlie: Actor) -> None:
    put(client)
    other = connect(server, user_name(charlie.workspace, scene.connector(charlie.workspace, protocol="ftps")))
    assert other.nlst() == []
    put(other, "other")
    assert client.nlst() == ["customers.csv"]
    other.close()


# --- programs --------------------------------------------------------------------------------------------------------------


@needs("curl")
def test_curl_uploads_renames_and_resumes(server: ftps.Server, alice: Actor, made: Connector, tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(CSV)
    to = (server.port, user_name(alice.workspace, made), PASSWORD)
    part = place_of(alice.workspace, made).incoming / "customers.csv.part"
    upload: list[str | Path] = ["-T", tmp_path / "customers.csv"]
    done = run(curl_command(*to, *upload, path="in/customers.csv.part"))
    assert done.returncode == 0, done.stderr
    part.write_text(CSV[:40])
    rename = ["-Q", "-RNFR customers.csv.part", "-Q", "-RNTO customers.csv"]
    done = run(curl_command(*to, "--continue-at", "-", *upload, *rename, path="in/customers.csv.part"))
    assert done.returncode == 0, done.stderr
    [file] = pick_up(alice.workspace, made)
    assert (file.state, file.name, file.size) == ("imported", "customers.csv", len(CSV))


@needs("curl")
def test_curl_takes_up_the_session_on_the_data_channel(
    server: ftps.Server, alice: Actor, made: Connector, tmp_path: Path
) -> None:
    (tmp_path / "customers.csv").write_text(CSV)
    command = curl_command(
        server.port, user_name(alice.workspace, made), PASSWORD, "-v", "-T", tmp_path / "customers.csv"
    )
    done = run(command)
    assert done.returncode == 0, done.stderr
    assert "TLSv1.3" in done.stderr
    assert re.search(r"SSL re-?using session ID", done.stderr)


@needs("curl")
def test_curl_without_tls_sends_nothing(server: ftps.Server, alice: Actor, made: Connector, tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(CSV)
    user = f"{user_name(alice.workspace, made)}:{PASSWORD}"
    plain = ["curl", "-sS", "-u", user, "-T", str(tmp_path / "customers.csv"), f"ftp://127.0.0.1:{server.port}/in/"]
    assert run(plain).returncode != 0
    assert names(place_of(alice.workspace, made).incoming) == []


@needs("lftp")
def test_lftp_uploads_by_a_temporary_name_and_resumes(
    server: ftps.Server, alice: Actor, made: Connector, tmp_path: Path
) -> None:
    (tmp_path / "customers.csv").write_text(CSV)
    to = (f"ftp://127.0.0.1:{server.port}", user_name(alice.workspace, made), PASSWORD)
    local = tmp_path / "customers.csv"
    incoming = place_of(alice.workspace, made).incoming
    done = run(lftp_command(*to, f"set xfer:use-temp-file yes; put -O in {local}"))
    assert done.returncode == 0, done.stderr
    assert names(incoming) == ["customers.csv"]
    (incoming / "customers.csv").write_text(CSV[:30])
    done = run(lftp_command(*to, f"put -c -O in {local}; cls in"))
    assert done.returncode == 0, done.stderr
    [file] = pick_up(alice.workspace, made)
    assert (file.state, file.size) == ("imported", len(CSV))


@needs("curl")
@pytest.mark.faults
def test_a_gigabyte_goes_through_without_memory(
    server: ftps.Server, alice: Actor, made: Connector, tmp_path: Path
) -> None:
    """A quarter of it in the usual suite, all by `make faults`."""
    size = (1_000 if "CDP_FAULTS" in os.environ else 250) << 20
    Tenant.objects.filter(pk=alice.workspace.pk).update(max_upload_bytes=2 * size)
    with (tmp_path / "big.bin").open("wb") as file:
        file.truncate(size)
    process = psutil.Process()
    before = most = process.memory_info().rss
    user = user_name(alice.workspace, made)
    command = curl_command(server.port, user, PASSWORD, "-T", tmp_path / "big.bin", path="in/big.bin.part")
    with subprocess.Popen(command) as program:
        while program.poll() is None:
            most = max(most, process.memory_info().rss)
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(0.05)
    assert program.returncode == 0
    assert (place_of(alice.workspace, made).incoming / "big.bin.part").stat().st_size == size
    assert most - before < 50 << 20


@needs("curl")
def test_a_program_that_is_killed_leaves_no_import(
    server: ftps.Server, alice: Actor, made: Connector, tmp_path: Path
) -> None:
    big = tmp_path / "big.csv"
    big.write_text(LINES[0] + "".join(f"p{n}@example.com,P,Leeds\n" for n in range(400_000)))
    command = curl_command(server.port, user_name(alice.workspace, made), PASSWORD, "--limit-rate", "2M", "-T", big)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        arrived = place_of(alice.workspace, made).incoming / "big.csv"
        while not (arrived.exists() and arrived.stat().st_size > 100_000):
            assert program.poll() is None
        program.kill()
    [file] = pick_up(alice.workspace, made)
    assert file.state == "waiting"
    assert scene.imports(alice.workspace) == []
