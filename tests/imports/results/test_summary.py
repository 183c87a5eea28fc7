"""How it was imported: told on the result page; and how long what is kept for it stays."""

import gzip
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import time_machine
from django.conf import settings
from django.utils import timezone

from contacts.models import UndoArchive
from imports import cleanup, tasks
from imports.models import Import, Unit
from imports.pipeline import undo
from imports.results import summary
from tenants import file_removals
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, FileRemoval, Tenant
from tenants.retention import job
from tests.cast import Actor
from tests.imports.helpers import again, bring, receive, work

FILE = "email;city;shoe\nann@example.com;Riga;38\nnot-an-address;Oslo;39\n"


def path_of(imp: Import) -> Path:
    return Path(settings.UPLOAD_DIR) / imp.path


def brought(alice: Actor) -> Import:
    imp = bring(alice.workspace, FILE, user=alice.user, existing="only_empty", segment="Fair", country="LV")
    with tenant_context(alice.workspace.pk):
        Import.objects.filter(pk=imp.pk).update(description="Leads of stand B12", file_name="fäir.csv")
    return again(alice.workspace, imp)


def test_the_page_tells_settings_columns_dialect_and_time(alice: Actor) -> None:
    page = alice.get(f"imports/{brought(alice).pk}/").content.decode()
    how = page[page.index('id="how"') :]
    for words in ("Keep them; fill in empty fields only", "Create and update", "Fair", "LV", "; semicolon"):
        assert words in how, words
    for words in ("Leads of stand B12", "Browser", "not imported", "E-mail", "Verify", "available until"):
        assert words in how, words


def test_the_time_of_a_phase_is_that_of_the_clock(alice: Actor) -> None:
    """From the first part taken to the last one done, though two workers did two parts at once."""
    imp = brought(alice)
    with tenant_context(alice.workspace.pk):
        now = timezone.now()
        Unit.objects.filter(import_id=imp.pk).delete()
        for no, (start, stop) in enumerate(((0, 40), (10, 60), (70, 90))):
            Unit.objects.create(
                import_id=imp.pk, kind="apply", no=no, start=0, stop=0, seconds=50,
                claimed_at=now + timedelta(seconds=start), done_at=now + timedelta(seconds=stop),
            )  # fmt: skip
        (phase,) = summary.timings(imp)
    assert (phase["parts"], phase["took"], phase["work"]) == (3, 90, 150)


def test_a_description_can_be_changed_after_the_end(alice: Actor, member: Callable[[str], Actor]) -> None:
    imp = brought(alice)
    alice.post(f"imports/{imp.pk}/describe/", {"description": "  Leads of  stand C1 "})
    assert again(alice.workspace, imp).description == "Leads of stand C1"
    with tenant_context(alice.workspace.pk):
        entry = AuditEntry.objects.get(verb="import.described")
    assert entry.detail == {"before": "Leads of stand B12", "after": "Leads of stand C1"}
    page = alice.post(f"imports/{imp.pk}/describe/", {"description": "x" * 301}, follow=True).content.decode()
    assert "at most 300 characters. This one has 301" in page
    assert member("viewer").post(f"imports/{imp.pk}/describe/", {"description": "x"}).status_code == 404
    assert again(alice.workspace, imp).description == "Leads of stand C1"


def test_the_original_comes_back_byte_by_byte(alice: Actor, member: Callable[[str], Actor]) -> None:
    imp = brought(alice)
    answer = alice.get(f"imports/{imp.pk}/original/")
    assert answer.getvalue() == FILE.encode()
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "f%C3%A4ir.csv" in answer.headers["Content-Disposition"]
    packed = gzip.compress(FILE.encode())
    other = bring(alice.workspace, packed, user=alice.user)
    assert alice.get(f"imports/{other.pk}/original/").getvalue() == packed
    ops = member("ops")
    assert ops.get(f"imports/{imp.pk}/original/").status_code == 404
    assert "/original/" not in ops.get(f"imports/{imp.pk}/").content.decode()


def test_files_go_when_their_time_is_over(alice: Actor) -> None:
    Tenant.objects.filter(pk=alice.workspace.pk).update(keep_files_days=7)
    imp, waiting = brought(alice), receive(alice.workspace, FILE)
    path_of(imp).with_suffix(".original").write_bytes(b"packed")
    with time_machine.travel(timezone.now() + timedelta(days=6, hours=23), tick=False):
        job.work(alice.workspace.pk)
        assert path_of(imp).is_file()
    with time_machine.travel(timezone.now() + timedelta(days=8), tick=False):
        job.work(alice.workspace.pk)
        job.work(alice.workspace.pk)
    assert again(alice.workspace, imp).file_removed_at
    for is_removed in (False, True):
        if is_removed:
            file_removals.work(alice.workspace.pk)
        assert path_of(imp).exists() is not is_removed
        assert path_of(imp).with_suffix(".original").exists() is not is_removed
        page = alice.get(f"imports/{imp.pk}/").content.decode()
        assert "removed" in page
        assert "/original/" not in page
        for what in ("original/", "rows/created.csv"):
            answer = alice.get(f"imports/{imp.pk}/{what}")
            assert (answer.status_code, "The file is no longer stored" in answer.content.decode()) == (410, True)
    assert path_of(waiting).is_file(), "a draft still needs it"


def test_undos_become_final_after_thirty_days(alice: Actor) -> None:
    imp, kept = brought(alice), bring(alice.workspace, "email\nb@example.com\n")
    with tenant_context(alice.workspace.pk):
        undo.request(imp, "undo", user=alice.user)
    work(alice.workspace, imp)
    now = timezone.now()
    assert cleanup.workspace(alice.workspace, now=now + timedelta(days=29, hours=23)) == 0
    with time_machine.travel(now + timedelta(days=15), tick=False):
        with tenant_context(alice.workspace.pk):
            undo.request(kept, "undo", user=alice.user)
        work(alice.workspace, kept)
    assert cleanup.workspace(alice.workspace, now=now + timedelta(days=30, hours=1)) == 1
    with tenant_context(alice.workspace.pk):
        assert {w.import_id for w in UndoArchive.objects.all()} == {kept.pk}
    assert cleanup.workspace(alice.workspace, now=now + timedelta(days=30, hours=1)) == 0


def test_one_file_does_not_stop_the_others(alice: Actor, charlie: Actor) -> None:
    imp = brought(alice)
    broken = bring(charlie.workspace, FILE)
    path_of(broken).unlink()
    path_of(broken).mkdir()  # cannot be removed as a file
    other = bring(charlie.workspace, FILE)
    with time_machine.travel(timezone.now() + timedelta(days=31), tick=False):
        tasks.tidy()
        for who in (charlie, alice):
            job.work(who.workspace.pk)
            file_removals.work(who.workspace.pk)
    assert not path_of(imp).exists()
    assert not path_of(other).exists()
    assert again(charlie.workspace, broken).file_removed_at is not None
    with tenant_context(charlie.workspace.pk):
        assert FileRemoval.objects.get().name == broken.path, "tried again"


def test_mended_rows_name_where_they_come_from(alice: Actor) -> None:
    parent = brought(alice)
    child = bring(alice.workspace, "email\nc@example.com\n")
    with tenant_context(alice.workspace.pk):
        Import.objects.filter(pk=child.pk).update(parent_id=parent.pk, origin="mended")
    for page in (f"imports/{child.pk}/", "imports/?origin=mended"):
        assert f'Corrected rows of <a href="{alice.url(f"imports/{parent.pk}/")}">' in alice.get(page).content.decode()
