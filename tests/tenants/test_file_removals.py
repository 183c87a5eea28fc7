"""Stored files go after the commit that says so: never within a transaction, never before it, and not by halves."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from connectors import contact_data, folders
from connectors.models import Connector
from contacts.bulk import export
from contacts.bulk.export_retention import Exports
from contacts.models import BulkAction, BulkState
from core import file_store
from core.file_store import StoreUnavailable
from imports import segment_upload
from imports.files import stored_file
from imports.models import Import, Phase, SegmentUpload, Status
from imports.pipeline import transitions
from imports.retention import Files
from imports.wizard import configuration, upload
from tenants import file_removals, pending_work, tasks
from tenants.closing import export_job
from tenants.isolation.context import tenant_context
from tenants.models import FileRemoval, Tenant, WorkspaceExport
from tenants.retention import job
from tests.cast import Actor
from tests.imports.helpers import bring, receive
from tests.imports.minimal_workbook import sheet_xml, workbook
from tests.segments.scene import static

ROWS = "email\nann@example.com\n"


def stored(name: str) -> Path:
    path = file_store.path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ROWS)
    return path


def noted(who: Actor) -> list[str]:
    with tenant_context(who.workspace.pk):
        return list(FileRemoval.objects.order_by("pk").values_list("name", flat=True))


def _in_vain(who: Actor, remove: Callable[[], Any]) -> None:
    """A transaction that fails at its end."""
    with tenant_context(who.workspace.pk):
        remove()
        raise ZeroDivisionError


def import_file(who: Actor) -> tuple[Path, Callable[[], Any]]:
    imp = bring(who.workspace, ROWS)
    later = timezone.now() + timedelta(days=1)
    return file_store.path_of(imp.path), lambda: Files().step(before=later, progress={})


def segment_file(who: Actor) -> tuple[Path, Callable[[], Any]]:
    with tenant_context(who.workspace.pk):
        segment = static("Club", [])
    file = SimpleUploadedFile("club.csv", ROWS.encode())
    assert who.post(f"segments/{segment.pk}/upload/", {"file": file, "mode": "add", "once": "x"}).status_code == 302
    with tenant_context(who.workspace.pk):
        upload = SegmentUpload.objects.get()
    return file_store.path_of(upload.path), lambda: segment_upload.remove_file(upload, now=timezone.now())


def _export(who: Actor) -> Path:
    path = stored(f"exports/{who.workspace.pk}/x.csv")
    long_ago = timezone.now() - timedelta(days=8)
    with tenant_context(who.workspace.pk):
        BulkAction.objects.create(kind="export", state=BulkState.DONE, finished_at=long_ago, result={"file": "x.csv"})
    return path


def old_export(who: Actor) -> tuple[Path, Callable[[], Any]]:
    return _export(who), lambda: Exports().step(before=timezone.now() - timedelta(days=7), progress={})


def export_of_erased(who: Actor) -> tuple[Path, Callable[[], Any]]:
    return _export(who), export.forget_all


def old_workspace_export(who: Actor) -> tuple[Path, Callable[[], Any]]:
    path = stored(f"exports/{who.workspace.pk}/all.zip")
    with tenant_context(who.workspace.pk):
        long_ago = timezone.now() - timedelta(days=8)
        WorkspaceExport.objects.create(state=export_job.State.DONE, finished_at=long_ago, file="all.zip")
    return path, lambda: export_job.waiting(who.workspace.pk)


# Bytes that are "ann@example.com" in another encoding than UTF-8, so that a copy is made.
WIDE = "email\nann@example.com\n".encode("utf-16")


def utf8_copy_of_review(who: Actor) -> tuple[Path, Callable[[], Any]]:
    imp = bring(who.workspace, WIDE, review=True)
    assert imp.phase == Phase.REVIEW
    return file_store.path_of(stored_file.utf8_name(imp.path)), lambda: upload.reopen(imp)


def utf8_copy_of_end(who: Actor) -> tuple[Path, Callable[[], Any]]:
    path, _reopen = utf8_copy_of_review(who)
    with tenant_context(who.workspace.pk):
        imp = Import.objects.get()
    return path, lambda: transitions.finish_import(imp, Status.CANCELED, reason="canceled")


def text_of_the_sheet_before(who: Actor) -> tuple[Path, Callable[[], Any]]:
    more = sheet_xml([["email"], ["bob@example.com"]]).encode()
    pages = {"xl/worksheets/sheet2.xml": more}
    imp = receive(
        who.workspace, workbook([["email"], ["ann@example.com"]], sheets=("One", "Two"), more=pages), name="b.xlsx"
    )
    path = file_store.path_of(imp.path)

    def take() -> None:
        upload.select_sheet(Import.objects.get(pk=imp.pk), who.workspace, "Two")
        assert "ann@example.com" in path.read_text(), "the row still names this text"

    return path, take


def connector_file(who: Actor) -> tuple[Path, Callable[[], Any]]:
    with tenant_context(who.workspace.pk):
        login = f"shop{who.workspace.pk}"
        made = Connector.objects.create(name="Shop", login=login, protocol="sftp", secret_at=timezone.now())
    place = folders.of(who.workspace.pk, made.pk)
    place.root.mkdir(parents=True)
    place.make()
    path = place.jail / "done" / f"20260531T100000Z-1-{'größe ' * 25}: 100 %.csv"
    path.write_text(ROWS)
    return path, lambda: contact_data.erase([17], [("email", "ann@example.com")])


KINDS = (
    import_file, segment_file, old_export, export_of_erased, old_workspace_export, utf8_copy_of_review, utf8_copy_of_end,
    text_of_the_sheet_before, connector_file,
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_files_go_after_the_commit_and_outside_of_transactions(
    alice: Actor, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, remove = kind(alice)
    file_removals.work(alice.workspace.pk)
    really = file_store.remove
    asked: list[str] = []

    def outside(*names: str) -> None:
        assert not connection.in_atomic_block, "a bucket is asked within a transaction"
        asked.extend(names)
        really(*names)

    unlink = Path.unlink

    def outside_too(path: Path, **how: Any) -> None:
        assert not connection.in_atomic_block, "a file is removed within a transaction"
        asked.append(str(path))
        unlink(path, **how)

    monkeypatch.setattr(file_store, "remove", outside)
    monkeypatch.setattr(Path, "unlink", outside_too)
    with pytest.raises(ZeroDivisionError):
        _in_vain(alice, remove)
    assert path.is_file(), "the transaction failed, so the row still names the file"
    assert noted(alice) == []
    with tenant_context(alice.workspace.pk):
        remove()
    assert path.is_file()
    file_removals.work(alice.workspace.pk)
    assert not path.exists()
    assert str(path) in {str(file_store.path_of(name)) for name in asked}
    assert noted(alice) == []
    assert alice.workspace.pk not in pending_work.waiting(file_removals.WAKE)


def test_a_store_that_is_away_is_asked_again(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stored(f"{alice.workspace.pk}/a.csv")
    with tenant_context(alice.workspace.pk):
        file_removals.add(f"{alice.workspace.pk}/a.csv")

    def away(*_names: str) -> None:
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(file_store, "remove", away)
        tasks.remove_files()
        with pytest.raises(StoreUnavailable):
            file_removals.work(alice.workspace.pk)
    assert path.is_file()
    assert noted(alice) == [f"{alice.workspace.pk}/a.csv"]
    tasks.remove_files()
    assert not path.exists()


def test_a_file_that_cannot_be_removed_does_not_stop_the_others(alice: Actor) -> None:
    own = alice.workspace.pk
    broken = file_store.path_of(f"{own}/broken.csv")
    broken.mkdir(parents=True)
    others = [stored(f"{own}/{number}.csv") for number in range(3)]
    with tenant_context(own):
        file_removals.add(f"{own}/0.csv", f"{own}/broken.csv", f"{own}/1.csv", f"{own}/2.csv", f"{own}/never-was.csv")
    file_removals.work(own)
    assert not any(path.exists() for path in others)
    assert noted(alice) == [f"{own}/broken.csv"]
    assert own in pending_work.waiting(file_removals.WAKE)
    broken.rmdir()
    file_removals.work(own)
    assert noted(alice) == []


def test_of_a_closed_workspace_they_go_too(alice: Actor) -> None:
    path = stored(f"{alice.workspace.pk}/a.csv")
    with tenant_context(alice.workspace.pk):
        file_removals.add(f"{alice.workspace.pk}/a.csv")
    Tenant.objects.filter(pk=alice.workspace.pk).update(closed_at=timezone.now())
    tasks.remove_files()
    assert not path.exists()


def test_retention_needs_no_store(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    _export(alice)
    monkeypatch.setattr(file_store, "remove", None)
    job.work(alice.workspace.pk)
    assert noted(alice) == [f"exports/{alice.workspace.pk}/x.csv"]


# Removes one file at a time, and stops before or after the moment that its second argument names.
WORKER = """
import sys, django
django.setup()
from core import file_store
from tenants import file_removals
at, own = sys.argv[1], int(sys.argv[2])
file_removals.AT_ONCE, really = 1, file_store.remove
def halt(when):
    if when == at:
        print("halted", flush=True)
        sys.stdin.read()
def remove(*names):
    halt("before")
    really(*names)
    halt("after")
file_store.remove = remove
file_removals.work(own)
print("done", flush=True)
"""


@pytest.mark.faults
@pytest.mark.xdist_group("alone")
def test_kill_9_leaves_no_file_and_no_note(alice: Actor) -> None:
    own = alice.workspace.pk
    names = [f"{own}/{number}.csv" for number in range(4)]
    paths = [stored(name) for name in names]
    with tenant_context(own):
        file_removals.add(*names)
    for at, left in (("before", 4), ("after", 3)):
        program = subprocess.Popen(
            [sys.executable, "-c", WORKER, at, str(own)], env=os.environ.copy(), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with program:
            assert program.stdout is not None
            assert program.stdout.readline().strip() == "halted"
            os.kill(program.pid, signal.SIGKILL)
        assert (sum(path.exists() for path in paths), len(noted(alice))) == (left, 4)
    file_removals.work(own)
    assert not any(path.exists() for path in paths)
    assert noted(alice) == []


def test_a_workbook_that_is_refused_after_its_sheet_was_taken_leaves_nothing(alice: Actor) -> None:
    pages = {"xl/worksheets/sheet2.xml": sheet_xml([["email"], ["bob@example.com"]]).encode()}
    book = workbook([["email"], ["ann@example.com"]], sheets=("One", "Two"), more=pages)
    wanted = {"sheet": "Two", "map.email": "no_such_field"}
    with pytest.raises(configuration.REFUSALS), tenant_context(alice.workspace.pk):
        configuration.create(
            [book], file_name="b.xlsx", tenant=alice.workspace, user=None, origin="api", wanted=wanted, review=False
        )
    assert list(file_store.path_of(str(alice.workspace.pk)).iterdir()) == []
