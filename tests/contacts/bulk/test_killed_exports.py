"""Programs are killed with SIGKILL while they write a file of an export: no part of it stays, and no byte is counted.

All exports that are stored are here; the others are streamed to whoever asks, and are no files (the test at the end).
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from contacts.bulk import actions, export
from contacts.models import BulkAction, BulkState, Contact
from core import file_store
from imports import usage
from tenants import file_removals
from tenants.closing import export_job
from tenants.isolation.context import tenant_context
from tenants.models import WorkspaceExport
from tests.cast import Actor

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("alone")]
# Works on an export, and waits to be killed: in the middle of the file, when it is whole, or when the store has it.
WORKER = """
import sys, django
django.setup()
from contacts.bulk import actions, export
from core import file_store
from tenants.closing import archive, export_job
at, kind, own, number = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
def halt(when):
    if when == at:
        print("halted", flush=True)
        sys.stdin.read()
def halfway(write):
    def writing(file, *rest, **more):
        file.write("x" * 100_000 if kind == "contacts" else b"x" * 100_000)
        file.flush()
        halt("middle")
        done = write(file, *rest, **more)
        file.flush()
        halt("whole")
        return done
    return writing
writer, keep = export if kind == "contacts" else archive, file_store.keep
writer.write = halfway(writer.write)
def kept(name):
    keep(name)
    halt("kept")
file_store.keep = kept
{"contacts": actions.work, "workspace": export_job.work}[kind](own, number)
"""


@dataclass
class Job:
    """An export of a kind that somebody has asked for."""

    kind: str
    who: Actor
    number: int
    work: Callable[[int, int], None]
    model: Any

    def killed(self, at: str) -> None:
        own = self.who.workspace.pk
        arguments = [sys.executable, "-c", WORKER, at, self.kind, str(own), str(self.number)]
        with subprocess.Popen(
            arguments, env=os.environ.copy(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as program:
            assert program.stdout is not None
            assert program.stdout.readline() == "halted\n"
            os.kill(program.pid, signal.SIGKILL)
        cache.clear()  # the time in which a file is given to the store is over

    def files(self) -> list[Path]:
        return sorted(file_store.path_of(f"exports/{self.who.workspace.pk}").iterdir())

    def row(self) -> Any:
        with tenant_context(self.who.workspace.pk):
            return self.model.objects.get(pk=self.number)

    def counted(self) -> int:
        with tenant_context(self.who.workspace.pk):
            return usage.stored_bytes()


@pytest.fixture(params=["contacts", "segment", "workspace"])
def job(request: pytest.FixtureRequest, alice: Actor) -> Job:
    with tenant_context(alice.workspace.pk):
        for number in range(30):
            Contact.objects.create(email=f"a{number}@example.com", origin="manual")
        if request.param == "workspace":
            made, _is_new = export_job.ask(alice.user)
            return Job("workspace", alice, made.pk, export_job.work, WorkspaceExport)
        chosen = {"all": True} if request.param == "contacts" else {"ids": [Contact.objects.earliest("pk").pk]}
        action = actions.begin("export", chosen, user_id=alice.user.pk, mode="raw", mark=False)
        return Job("contacts", alice, action.pk, actions.work, BulkAction)


@pytest.mark.parametrize("at", ["middle", "whole", "kept"])
def test_who_comes_next_makes_one_whole_file(job: Job, at: str) -> None:
    job.killed(at)
    (part,) = job.files()
    assert (part.stat().st_size >= 100_000, job.counted()) == (True, 0)
    job.work(job.who.workspace.pk, job.number)
    file_removals.work(job.who.workspace.pk)
    (file,) = job.files()
    assert job.row().state == "done"
    assert b"x" * 1000 not in file.read_bytes(), "nothing of the part is in it"
    assert job.counted() == file.stat().st_size


def test_the_last_one_that_is_killed_leaves_nothing(job: Job) -> None:
    for at in ("middle", "kept", "whole"):
        job.killed(at)
    job.work(job.who.workspace.pk, job.number)
    assert job.row().state == "failed"
    file_removals.work(job.who.workspace.pk)
    assert job.files() == []
    assert job.counted() == 0


def test_who_cancels_it_after_a_kill_leaves_nothing(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        action = actions.begin("export", {"all": True}, user_id=alice.user.pk, mode="raw", mark=False)
    made = Job("contacts", alice, action.pk, actions.work, BulkAction)
    made.killed("middle")
    assert len(made.files()) == 1
    assert alice.post(f"contacts/actions/{action.pk}/cancel/").status_code == 302
    assert made.row().state == BulkState.CANCELED
    file_removals.work(alice.workspace.pk)
    assert made.files() == []


def test_who_was_taken_for_dead_does_not_touch_the_file_of_the_next(alice: Actor) -> None:
    """A worker that has lost its connection goes on writing for a while: not to what the next one writes."""
    with tenant_context(alice.workspace.pk):
        Contact.objects.create(email="ann@example.com", origin="manual")
        action = actions.begin("export", {"all": True}, user_id=alice.user.pk, mode="raw", mark=False)
        path = export.folder() / f"contacts-{action.pk}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as old:
        actions.work(alice.workspace.pk, action.pk)
        old.write("x" * 100_000)
    assert "ann@example.com" in path.read_text()
    assert "xxx" not in path.read_text()


def test_all_kinds_of_stored_exports_are_here() -> None:
    """Who keeps a file in the store is known: files of people that come in, and these exports."""
    keeping = set()
    for app in (
        "api",
        "audiences",
        "connectors",
        "contacts",
        "destinations",
        "insights",
        "segments",
        "sources",
        "tenants",
    ):
        for path in (ROOT / app).rglob("*.py"):
            if re.search(r"file_store\.(keep|path_of)\(", path.read_text()):
                keeping.add(str(path.relative_to(ROOT)))
    assert keeping == {"contacts/bulk/export.py", "tenants/closing/export_job.py"}
