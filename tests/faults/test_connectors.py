"""Clients, file servers and workers are killed with SIGKILL while files are uploaded and picked up.

Three rounds in the usual suite, fifty by `make faults`. In the end each file that a client has completed is imported exactly
once, with all of its rows; none that was given up is.
"""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import psycopg
import pytest

from tests.connectors.clients import curl_command, lftp_command, openssh_command, run
from tests.faults.stack import Stack, result

pytestmark = [pytest.mark.faults, pytest.mark.long]
ROUNDS = max(3, int(os.environ.get("CDP_FAULTS", "3")))
ROWS = 20_000
PASSWORD = "a-password-of-the-tests"
SETUP = """
import json, sys
from django.utils import timezone
from connectors import credentials, folders, logins
from connectors.models import Connector
from imports.models import Import
from imports.options import Options
from imports.wizard import saved_mappings
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
tenant = Tenant.objects.get(slug="dropped")
told = {}
with tenant_context(tenant.pk):
    imp = Import.objects.get()
    mapping = saved_mappings.save(imp, "Layout", columns=imp.mapping, options=Options(), user=None)
    for protocol in ("sftp", "ftps"):
        made = Connector.objects.create(
            name=protocol, login=protocol, protocol=protocol, mapping_id=mapping.pk, quiet_seconds=1,
            secret_hash=credentials.hashed(PASSWORD), secret_at=timezone.now(), public_keys=KEY)
        folders.of(tenant.pk, made.pk).make()
        told[protocol] = [logins.user_name(tenant, made), str(folders.of(tenant.pk, made.pk).root)]
sys.stdout.write(json.dumps(told))
"""
# Programs that send what is missing of a file, fast or slowly: address, user, password, file, name, seconds between pieces.
PARAMIKO = """
import os, sys, time
import paramiko
port, user, password, local, name, pause = sys.argv[1:]
with paramiko.Transport(("127.0.0.1", int(port))) as transport:
    transport.connect(username=user, password=password)
    with paramiko.SFTPClient.from_transport(transport) as files, open(local, "rb") as content:
        there = name in files.listdir("in") and files.stat("in/" + name).st_size
        content.seek(there or 0)
        with files.open("in/" + name, "r+" if there else "w") as remote:
            remote.seek(there or 0)
            while piece := content.read(16_384):
                remote.write(piece)
                time.sleep(float(pause))
"""
ASYNCSSH = """
import asyncio, sys
import asyncssh
port, user, password, local, name, pause = sys.argv[1:]
async def main():
    about = {"username": user, "password": password, "known_hosts": None, "config": None, "agent_path": None}
    async with asyncssh.connect("127.0.0.1", int(port), **about) as client, client.start_sftp_client() as files:
        there = await files.exists("in/" + name) and (await files.stat("in/" + name)).size
        flags = asyncssh.FXF_WRITE | (0 if there else asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC)
        with open(local, "rb") as content:
            content.seek(at := there or 0)
            async with files.open("in/" + name, flags, encoding=None) as remote:
                while piece := content.read(16_384):
                    at += await remote.write(piece, at)
                    await asyncio.sleep(float(pause))
asyncio.run(main())
"""
SCRIPTS = {"paramiko": PARAMIKO, "asyncssh": ASYNCSSH}
IMPORTED = """
SELECT file_name, count(*), min(rows), min(status) FROM "import" WHERE tenant_id = %s AND origin = 'connector'
GROUP BY file_name"""
OPEN = "SELECT count(*) FROM connector_file WHERE tenant_id = %s AND archived_at IS NULL AND state <> 'waiting'"


@dataclass
class Scene:
    """What a round needs to know."""

    stack: Stack
    tenant_id: int
    users: dict[str, str]
    roots: dict[str, Path]
    folder: Path

    @property
    def url(self) -> str:
        return f"ftp://127.0.0.1:{self.stack.info['ftps_port']}"

    def incoming(self, protocol: str, name: str) -> Path:
        return self.roots[protocol] / "jail" / "in" / name

    def sftp(self, *lines: str) -> tuple[list[str], str]:
        command = openssh_command(
            self.stack.info["sftp_port"], self.users["sftp"], self.folder / "id", self.folder / "hosts"
        )
        return command, "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("connectors")
    stack = Stack(folder / "home")
    tenant_id = stack.workspace("dropped")
    assert result(stack.bring(people(folder / "sample.csv", 0, rows=2), "dropped"))["status"] == "imported"
    key = asyncssh.generate_private_key("ssh-ed25519")
    (folder / "id").write_bytes(key.export_private_key())
    (folder / "id").chmod(0o600)
    facts = f"PASSWORD = {PASSWORD!r}\nKEY = {key.export_public_key().decode().strip()!r}\n"
    done = stack.manage("shell", "--verbosity", "0", "-c", facts + SETUP)
    out, err = done.communicate(timeout=60)
    assert done.returncode == 0, err.decode()
    told = json.loads(out)
    host = asyncssh.read_private_key(str(stack.home / "sftp_host_key")).export_public_key().decode()
    (folder / "hosts").write_text(f"[127.0.0.1]:{stack.info['sftp_port']} {host}")
    users = {name: user for name, (user, _root) in told.items()}
    yield Scene(stack, tenant_id, users, {name: Path(root) for name, (_user, root) in told.items()}, folder)
    assert stack.stop() == 0


def people(path: Path, number: int, *, rows: int = ROWS) -> Path:
    """A file of a round: nobody in it is in another one."""
    lines = [f"r{number}p{n}@example.com,First{n},Town{n % 7}\n" for n in range(rows)]
    path.write_text("email,first_name,city\n" + "".join(lines))
    return path


def until(what: str, condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def upload_command(scene: Scene, client: str, local: Path, name: str, *, slow: bool) -> tuple[list[str], str]:
    """A client that uploads; slow enough to be killed in the middle."""
    if client == "curl":
        limit = ["--limit-rate", "300K"] if slow else []
        to = (scene.stack.info["ftps_port"], scene.users["ftps"], PASSWORD)
        return curl_command(*to, *limit, "-T", local, path=f"in/{name}"), ""
    if client == "lftp":
        limit = ["set net:limit-rate 0:300000; "] if slow else [""]
        return lftp_command(scene.url, scene.users["ftps"], PASSWORD, f"{limit[0]}put {local} -o in/{name}"), ""
    if client in SCRIPTS:
        return script_command(scene, client, local, name, slow=slow), ""
    command, script = scene.sftp(f"put {local} in/{name}")
    return ([*command[:-1], "-l", "2400", command[-1]] if slow else command), script


def script_command(scene: Scene, client: str, local: Path, name: str, *, slow: bool) -> list[str]:
    """A program that sends what is missing."""
    to = [str(scene.stack.info["sftp_port"]), scene.users["sftp"], PASSWORD, str(local), name]
    return [sys.executable, "-W", "ignore", "-c", SCRIPTS[client], *to, "0.05" if slow else "0"]


def resume(scene: Scene, client: str, local: Path, name: str) -> None:
    """Go on where the upload has ended; the server may just be starting anew."""
    end = time.monotonic() + 60
    while True:
        script = ""
        if client == "curl":
            to = (scene.stack.info["ftps_port"], scene.users["ftps"], PASSWORD)
            command = curl_command(*to, "-C", "-", "-T", local, path=f"in/{name}")
        elif client == "lftp":
            command = lftp_command(scene.url, scene.users["ftps"], PASSWORD, f"put -c {local} -o in/{name}")
        elif client in SCRIPTS:
            command = script_command(scene, client, local, name, slow=False)
        else:
            command, script = scene.sftp(f"reput {local} in/{name}")
        done = run(command, input=script)
        if done.returncode == 0:
            return
        assert time.monotonic() < end, f"{client} could not go on with {name}: {done.stderr}"
        time.sleep(0.2)


def rename(scene: Scene, client: str, old: str, new: str) -> None:
    if client in ("sftp", *SCRIPTS):
        command, script = scene.sftp(f"rename in/{old} in/{new}")
        done = run(command, input=script)
    else:
        done = run(lftp_command(scene.url, scene.users["ftps"], PASSWORD, f"mv in/{old} in/{new}"))
    assert done.returncode == 0, done.stderr


def kill_server(scene: Scene) -> None:
    """The process of the file servers; it is started anew by itself."""
    for process in scene.stack._find(lambda c: "serve_files" in c):
        process.kill()


def is_served(scene: Scene) -> bool:
    """Whether both servers answer."""
    try:
        for name in ("sftp_port", "ftps_port"):
            with socket.create_connection(("127.0.0.1", scene.stack.info[name]), 5) as greeted:
                if not greeted.recv(4):
                    return False
    except OSError:
        return False
    return True


def test_each_complete_file_is_imported_once_and_no_partial_one(scene: Scene) -> None:
    rng = random.Random(os.environ.get("CDP_FAULTS_SEED", "1"))
    clients = ["asyncssh", *(name for name in ("curl", "lftp", "sftp") if shutil.which(name)), "paramiko"]
    missing = {"curl", "lftp", "sftp"} - set(clients)
    if missing:
        pytest.skip(f"not on this machine: {', '.join(sorted(missing))}")
    wanted: dict[str, int] = {}
    given_up: list[str] = []
    for number in range(1, ROUNDS + 1):
        client = clients[number % len(clients)]
        # The first three rounds are one of each kind; the usual suite has no more.
        ending = ("resumed", "given up", "renamed")[number % 3]
        name = f"round-{number}.csv"
        to = f"{name}.part" if ending == "renamed" else name
        local = people(scene.folder / name, number, rows=ROWS + number)
        command, script = upload_command(scene, client, local, to, slow=True)
        protocol = "ftps" if client in ("curl", "lftp") else "sftp"
        arrived = scene.incoming(protocol, to)
        until("the file servers did not come back", lambda: is_served(scene))
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
        ) as program:
            assert program.stdin is not None
            program.stdin.write(script)
            program.stdin.flush()
            least = rng.randrange(1, local.stat().st_size * 2 // 3)
            until(f"{client} sends nothing", lambda at=arrived, n=least: at.exists() and at.stat().st_size >= n)  # type: ignore[misc]
            kind = rng.choice(["client", "server", "server and client"])
            if "server" in kind:
                kill_server(scene)
            if "client" in kind:
                program.kill()
            program.stdin.close()
            if kind == "server":
                program.kill()  # some go on by themselves; here the next one does
        size = local.stat().st_size
        if arrived.exists() and arrived.stat().st_size >= size:
            ending = "resumed"  # it was faster than the kill
        if ending == "given up":
            given_up.append(name)
            continue
        resume(scene, client, local, to)
        if ending == "renamed":
            rename(scene, client, to, name)
        wanted[name] = ROWS + number
        if rng.random() < 0.5:
            time.sleep(rng.random() * 8)  # somewhere in the pick-up
            scene.stack.kill_worker_child(rng)
    until("files are still on their way", lambda: is_quiet(scene, wanted), seconds=180 + ROUNDS * 10)
    with scene.stack.database(scene.tenant_id) as connection:
        found = {row[0]: row[1:] for row in connection.execute(IMPORTED, [scene.tenant_id]).fetchall()}
        people_there = connection.execute(
            "SELECT count(*) FROM contact WHERE tenant_id = %s AND email LIKE 'r%%p%%'", [scene.tenant_id]
        ).fetchone()
    assert found == {name: (1, rows, "imported") for name, rows in wanted.items()}
    assert people_there == (sum(wanted.values()) + 2,), "and the two of the sample"
    assert not set(given_up) & set(found)


def is_quiet(scene: Scene, wanted: dict[str, int]) -> bool:
    """Whether all that was completed is archived."""
    try:
        with scene.stack.database(scene.tenant_id) as connection:
            ended: Any = connection.execute(
                "SELECT count(*) FROM connector_file WHERE tenant_id = %s AND archived_at IS NOT NULL",
                [scene.tenant_id],
            ).fetchone()
            still: Any = connection.execute(OPEN, [scene.tenant_id]).fetchone()
    except psycopg.OperationalError:
        return False
    return bool(still[0] == 0 and ended[0] >= len(wanted))
