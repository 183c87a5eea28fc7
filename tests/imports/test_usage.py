"""Limits of a workspace: what is refused, what waits, and that both end when there is room again."""

import io
import json
import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connectors import cleanup as connector_cleanup
from contacts.bulk import actions
from contacts.models import BulkAction, Contact
from core import file_store
from imports import cleanup, usage
from imports.files.reader import FileProblem
from imports.models import Import, Phase, Status
from imports.options import Options
from imports.pipeline import queue, worker
from imports.results import progress
from imports.wizard import column_choices, upload
from segments.models import Segment
from tenants import limits
from tenants.closing import export_job
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Tenant
from tests.cast import Actor
from tests.connectors import scene
from tests.imports.helpers import bring, receive

PEOPLE = "email\na@example.com\nb@example.com\nc@example.com\n"


def limited(who: Actor, **values: int | None) -> Tenant:
    limits.set_limits(who.workspace, **values)
    return Tenant.objects.get(pk=who.workspace.pk)


def begun(tenant: Tenant, content: str) -> Import:
    """An import that was started and that no worker has seen."""
    imp = receive(tenant, content)
    with tenant_context(tenant.pk):
        options = Options.parse({})
        upload.start(
            imp, options=options, columns=column_choices.apply_choices(imp, {}, options=options), auto_start=True
        )
    return imp


def again(imp: Import) -> Import:
    with tenant_context(imp.tenant_id):
        found: Import = Import.objects.get(pk=imp.pk)
    return found


def run(imp: Import) -> Import:
    while worker.step(imp.tenant_id, imp.pk):
        pass
    return again(imp)


def test_a_file_beyond_the_storage_is_refused_and_nothing_is_left(alice: Actor) -> None:
    tenant = limited(alice, stored_mb=1)
    receive(tenant, "email\n" + "x" * 600_000 + "@example.com\n")
    with pytest.raises(FileProblem) as refused:
        receive(tenant, "email\n" + "y" * 600_000 + "@example.com\n")
    assert refused.value.code == "storage_full"
    assert refused.value.facts["limit"] == 1_000_000
    with tenant_context(tenant.pk):
        assert Import.objects.count() == 1
        Import.objects.update(file_removed_at="2026-01-01T00:00:00Z")
    receive(tenant, "email\n" + "z" * 600_000 + "@example.com\n")


def test_every_file_that_is_stored_counts(
    alice: Actor, bob: Actor, charlie: Actor, settings: Any, tmp_path: Path
) -> None:
    """Against the folders themselves, of each kind in turn, and nothing of another workspace."""
    settings.CONNECTOR_DIR = str(tmp_path / "connectors")
    own = alice.workspace.pk
    receive(charlie.workspace, PEOPLE)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "email\n" + "".join(f"person{number}@example.com\n" for number in range(500)))
    receive(alice.workspace, packed.getvalue(), name="a.zip")
    bring(alice.workspace, PEOPLE, user=alice.user)
    with tenant_context(own):
        segment = Segment.objects.create(name="Club")
        action = actions.begin("export", {"all": True}, user_id=alice.user.pk, mode="raw", mark=False)
        export, _new = export_job.ask(alice.user)
    file = SimpleUploadedFile("club.csv", PEOPLE.encode())
    alice.post(f"segments/{segment.pk}/upload/", {"file": file, "mode": "add", "once": "x"})
    actions.work(own, action.pk)
    export_job.work(own, export.pk)
    made = scene.connector(alice.workspace)
    place = scene.place_of(alice.workspace, made)
    (place.incoming / "a.csv").write_text(scene.CSV)
    scene.pick_up(alice.workspace, made)
    with tenant_context(own), CaptureQueriesContext(connection) as asked:
        found = usage.stored()
    assert len([query for query in asked.captured_queries if "SELECT" in query["sql"]]) == len(settings.STORED_FILES)
    on_disk = {name: file_store.size_of_folder(name) for name in (str(own), f"exports/{own}")}
    with tenant_context(own):
        assert Import.objects.count() == 4, "and that of the connector, and its sample"
    assert found["Files of imports"] + found["Files of segments"] == on_disk[str(own)]
    assert found["Files of segments"] == len(PEOPLE)
    assert found["Exports of contacts"] + found["Exports of everything"] == on_disk[f"exports/{own}"]
    assert found["Files of connectors"] == sum(p.stat().st_size for p in place.root.rglob("*") if p.is_file()) > 0
    assert all(found.values())
    page = " ".join(alice.get("settings/workspace/").content.decode().split())
    for label in settings.STORED_FILES:
        assert label in page
    with tenant_context(charlie.workspace.pk):
        assert usage.stored_bytes() == len(PEOPLE)


def test_a_file_counts_until_its_removal_is_said(alice: Actor, settings: Any, tmp_path: Path) -> None:
    settings.CONNECTOR_DIR = str(tmp_path / "connectors")
    imp, made = bring(alice.workspace, PEOPLE), scene.connector(alice.workspace)
    place = scene.place_of(alice.workspace, made)
    place.make()
    (place.incoming / "waits.csv.part").write_text("x" * 500)
    connector_cleanup.run(alice.workspace)
    with tenant_context(alice.workspace.pk):
        assert usage.stored()["Files of connectors"] == 500
        before = usage.stored()["Files of imports"]
        cleanup.remove_file(imp, timezone.now())
        assert usage.stored()["Files of imports"] == before - len(PEOPLE)
    (place.incoming / "waits.csv.part").unlink()
    connector_cleanup.run(alice.workspace)
    with tenant_context(alice.workspace.pk):
        assert usage.stored()["Files of connectors"] == 0


def test_exports_count_against_the_limit(alice: Actor) -> None:
    tenant = limited(alice, stored_mb=1)
    with tenant_context(tenant.pk):
        BulkAction.objects.create(kind="export", state="done", result={"file": "x.csv", "bytes": 999_990})
    with pytest.raises(FileProblem) as refused:
        receive(tenant, PEOPLE)
    assert (refused.value.code, refused.value.facts["used"]) == ("storage_full", 999_990)


def test_an_import_beyond_the_contacts_is_refused_before_it_writes(alice: Actor) -> None:
    bring(alice.workspace, "email\na@example.com\n")
    tenant = limited(alice, contacts=2)
    done = bring(tenant, PEOPLE)
    assert (done.status, done.reason) == (Status.FAILED, "contacts_full")
    assert done.reason_facts == {"limit": 2, "found": 3, "created": 2, "now": 1}
    with tenant_context(tenant.pk):
        assert Contact.objects.count() == 1
    page = alice.get(f"imports/{done.pk}/").content.decode()
    assert "This import would create 2 contacts" in page
    tenant = limited(alice, contacts=3)
    assert bring(tenant, PEOPLE).status == Status.IMPORTED


def test_one_that_creates_nobody_is_never_refused(alice: Actor) -> None:
    bring(alice.workspace, PEOPLE)
    assert bring(limited(alice, contacts=1), PEOPLE).status == Status.IMPORTED


def test_contacts_that_came_after_the_review_count(alice: Actor) -> None:
    tenant = limited(alice, contacts=4)
    imp = bring(tenant, PEOPLE, review=True)
    assert imp.status == Status.READY
    bring(tenant, "email\nx@example.com\ny@example.com\n")
    alice.post(f"imports/{imp.pk}/start/")
    done = run(imp)
    assert done.status != Status.IMPORTED
    with tenant_context(tenant.pk):
        assert Contact.objects.count() == 2


def test_so_many_run_and_the_next_waits_for_its_turn(alice: Actor) -> None:
    tenant = limited(alice, imports=1)
    first, second, third = (begun(tenant, f"email\n{name}@example.com\n") for name in "abc")
    assert not worker.step(tenant.pk, second.pk)
    assert worker.step(tenant.pk, first.pk)  # it has read its file
    assert not worker.step(tenant.pk, second.pk)
    with tenant_context(tenant.pk):
        assert [queue.waits_for_turn(again(imp)) for imp in (first, second, third)] == [0, 1, 2]
        seen = progress.of(again(second))
    assert (seen.running_before, seen.stuck) == (1, False)
    assert "waiting for others" in alice.get(f"imports/{second.pk}/").content.decode()
    with tenant_context(tenant.pk):
        queue.move_to_front(third.pk)
    assert run(first).status == Status.IMPORTED
    assert not worker.step(tenant.pk, second.pk)
    assert run(third).status == Status.IMPORTED
    assert run(second).status == Status.IMPORTED


def test_one_that_waits_can_be_canceled(alice: Actor) -> None:
    tenant = limited(alice, imports=1)
    first, second = begun(tenant, PEOPLE), begun(tenant, "email\nz@example.com\n")
    worker.step(tenant.pk, first.pk)
    with tenant_context(tenant.pk):
        Import.objects.filter(pk=second.pk).update(cancel_requested=True)
    assert run(second).status == Status.CANCELED
    assert run(first).phase == Phase.DONE


def test_others_do_not_wait(alice: Actor, charlie: Actor) -> None:
    tenant = limited(alice, imports=1)
    worker.step(tenant.pk, begun(tenant, PEOPLE).pk)
    assert run(begun(charlie.workspace, PEOPLE)).status == Status.IMPORTED


def command(*arguments: str) -> dict[str, Any]:
    said = StringIO()
    call_command("set_limits", *arguments, stdout=said)
    found: dict[str, Any] = json.loads(said.getvalue())
    return found


def test_the_command_sets_them_and_gives_back_the_defaults(alice: Actor, settings: Any) -> None:
    slug = alice.workspace.slug
    assert command(slug) == {"workspace": slug, "imports": None, "stored_bytes": None, "contacts": None}
    assert command(slug, "--imports", "3", "--stored-mb", "10")["stored_bytes"] == 10_000_000
    settings.MOST_IMPORTS, settings.MOST_CONTACTS = 7, 500
    assert command(slug)["imports"] == 3
    assert command(slug, "--imports", "default") == {
        "workspace": slug, "imports": 7, "stored_bytes": 10_000_000, "contacts": 500,
    }  # fmt: skip
    for wrong in ("0", "-1", "x", "1.5", "9" * 20):
        with pytest.raises(CommandError):
            command(slug, f"--contacts={wrong}")
    with pytest.raises(CommandError):
        command("no-such-workspace")
    with tenant_context(alice.workspace.pk):
        assert AuditEntry.objects.filter(verb="workspace.limits").count() == 2
    page = alice.get("settings/workspace/").content.decode()
    assert "0 of 500" in page
