"""New processes for old ones, without a request refused or a task lost: after an update, `manage.py restart`.

Web servers share a port on Linux, so the new one is listening before the old one is asked to go. Elsewhere the server's main
process holds the port and replaces its processes on SIGHUP. Workers overlap as well: the old one hands its tasks back. The
others stop first: there is one beat only, hits wait in the inbox, and clients of the file servers go on where they were.
"""

import argparse
import copy
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from cdp.stack.embedded import apply_stack_env, running_stack
from cdp.stack.machine import StartError
from cdp.stack.supervisor import Child, Supervisor, Watch, stop_all, wait_until, write_private

ROOT = Path(__file__).resolve().parents[2]
ASK = signal.SIGUSR1
# In the home: what came of the last renewal.
NOTE = "renewed.json"
READY_SECONDS, WHOLE_SECONDS = 90.0, 400.0
OVERLAPPING = ("web", "worker")
PROGRAMS = (*OVERLAPPING, "beat", "drain", "files")


def renew(supervisor: Supervisor, note: Path) -> None:
    """Replace every program. One whose successor does not come up stays, and the note says so."""
    failed = []
    for child in [child for child in supervisor.children if child.name in PROGRAMS]:
        if supervisor.stopping:
            return
        if child.name not in OVERLAPPING:
            stop_all([child])
            supervisor.restart(child, watch=_watch(supervisor, child), now=time.monotonic())
        elif not _replace(supervisor, child):
            failed.append(child.name)
            supervisor.say(f"The new {child.name} does not come up, so the old one stays; see {child.log}")
    write_private(note, json.dumps({"failed": failed}))


def _replace(supervisor: Supervisor, old: Child) -> bool:
    """Start another of the kind and let the old one go once it is there."""
    if old.name == "web" and sys.platform != "linux":
        assert old.process
        old.process.send_signal(signal.SIGHUP)
        return True
    new = copy.copy(old)
    new.process = None
    new.spawn()
    supervisor.note(new)
    ready = _ready(new, like=_size(old))
    if (
        not wait_until(lambda: supervisor.stopping or not new.alive() or ready(), seconds=READY_SECONDS, pause=0.1)
        or not ready()
    ):
        stop_all([new])
        supervisor.note()
        return False
    supervisor.children[supervisor.children.index(old)] = new
    _watch(supervisor, new)
    stop_all([old])
    supervisor.note()
    return True


def _watch(supervisor: Supervisor, child: Child) -> Watch:
    watch = supervisor.watches[child.name] = Watch(since=time.monotonic())
    return watch


def _size(child: Child) -> int:
    """How many processes of it do the work."""
    return max(1, len(_busy(child)))


def _busy(child: Child) -> list[psutil.Process]:
    """The processes of a program that take work: those of a web server that listen, the pool of a worker."""
    try:
        family: list[psutil.Process] = psutil.Process(child.pid).children()
        if child.name != "web":
            return family
        return [one for one in family if any(c.status == psutil.CONN_LISTEN for c in one.net_connections("tcp"))]
    except psutil.Error:
        return []


def _ready(child: Child, *, like: int) -> Callable[[], bool]:
    return lambda: len(_busy(child)) >= like


def main(argv: Sequence[str]) -> int:
    """`manage.py restart`: migrate, then let the stack of a home renew its programs; 0 when all are new."""
    parser = argparse.ArgumentParser(prog="manage.py restart", description="Replace the programs of a running stack.")
    add_arguments(parser)
    home = Path(parser.parse_args(argv).home).resolve()
    try:
        stack = running_stack(home)
        apply_stack_env(home)
        assert stack
        owner = {"DATABASE_URL": stack["owner_database_url"]}
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=ROOT, env=os.environ | owner, check=True
        )
        note = home / NOTE
        note.unlink(missing_ok=True)
        os.kill(stack["pid"], ASK)
        if not wait_until(note.exists, seconds=WHOLE_SECONDS, pause=0.1):
            raise StartError(f"The stack has not answered. See {home / 'log'}.")
    except (StartError, subprocess.CalledProcessError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    told = json.loads(note.read_text())
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if told["failed"] else 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The home of `up`."""
    parser.add_argument("--home", default=os.environ.get("CDP_HOME") or ROOT / ".home", help="state folder")
