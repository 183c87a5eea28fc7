"""The mapping page is kept at every change, follows what is chosen, and can be come back to from the review."""

from typing import Any

import pytest
from django.db import connection

from contacts import write_lock
from contacts.models import Attribute, Contact, WriteLock
from core import file_store
from imports.files import stored_file
from imports.models import Import, Phase, RejectedRow, RowIssue, Unit
from imports.options import Options
from imports.pipeline import worker
from imports.wizard import column_choices, drafts, upload
from tenants import file_removals
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Tenant
from tests.cast import Actor
from tests.imports.helpers import again, bring, flat, proved, receive, work

FILE = "email;apavu_izm;Notiz;dzimis\nann@example.com;42;hello;1988-04-03\nbob@example;43;;1990-12-31\n"
PAGE = {
    "column-0": "email", "column-1": "new", "label-1": "Shoe size", "key-1": "shoe_size", "type-1": "integer",
    "column-2": "skip", "column-3": "birthday", "mode": "update_only", "existing": "only_empty", "blank": "clear",
    "duplicates": "first", "bad_value": "drop", "identify_by": "email", "country": "LV", "zone": "Europe/Riga",
    "segments": "Fair\nNews", "description": "Autumn", "endpoint": "Shop", "happened": "not a date yet",
}  # fmt: skip
HTMX = {"HX-Request": "true"}


def address(imp: Import, rest: str = "") -> str:
    return f"imports/{imp.pk}/{rest}"


@pytest.fixture
def tenant(alice: Actor) -> Tenant:
    return alice.workspace


@pytest.fixture
def draft(tenant: Tenant) -> Import:
    return receive(tenant, FILE)


def test_what_was_chosen_is_there_when_somebody_comes_back(alice: Actor, tenant: Tenant, draft: Import) -> None:
    """Also what could not be checked: a date that is none."""
    assert alice.post(address(draft, "draft/"), PAGE, headers=HTMX).status_code == 200
    page = alice.get(address(draft)).content.decode()
    for shown in ('value="Shoe size"', 'value="shoe_size"', "not a date yet", "Autumn", "Fair\nNews"):
        assert shown in page, shown
    context = alice.get(address(draft)).context
    assert [row["target"] for row in context["columns"]] == ["email", "new", "skip", "birthday"]
    assert context["columns"][1]["type"] == "integer"
    initial = context["form"].initial
    assert {name: initial[name] for name in PAGE if name in context["form"].fields} == {
        name: value for name, value in PAGE.items() if name in context["form"].fields
    }
    with tenant_context(tenant.pk):
        assert not Attribute.objects.filter(key="shoe_size").exists(), "a draft makes nothing"


def test_without_a_script_the_draft_is_kept_by_a_button(alice: Actor, draft: Import) -> None:
    answer = alice.post(address(draft, "draft/"), PAGE, follow=True)
    assert "Draft saved." in answer.content.decode()
    assert answer.context["columns"][1]["target"] == "new"


def test_only_the_page_is_kept(alice: Actor, tenant: Tenant, draft: Import) -> None:
    strange = {"column-99": "email", "revive_confirmed": "on", "evil": "x", "label-1": "x" * 9_000}
    alice.post(address(draft, "draft/"), PAGE | strange, headers=HTMX)
    kept = drafts.form(again(tenant, draft))
    assert not {"column-99", "revive_confirmed", "evil"} & kept.keys()
    assert len(kept["label-1"]) == drafts.MOST


def test_a_draft_is_kept_only_while_it_is_one(alice: Actor, tenant: Tenant) -> None:
    done = bring(tenant, "email\nann@example.com\n")
    answer = alice.post(address(done, "draft/"), PAGE)
    assert answer.status_code == 302
    assert "form" not in again(tenant, done).draft


def test_the_sum_follows_every_choice(alice: Actor, draft: Import) -> None:
    said = alice.post(address(draft, "draft/"), PAGE, headers=HTMX).content.decode()
    assert "4 columns: 2 mapped, <b>1 new field will be created</b>, 1 skipped" in flat(said)
    assert "Will be created" in flat(said)
    more = PAGE | {"column-2": "new", "label-2": "Note", "key-2": "note", "type-2": "text"}
    said = alice.post(address(draft, "draft/"), more, headers=HTMX).content.decode()
    assert "2 mapped, <b>2 new fields will be created</b>, 0 skipped" in flat(said)
    said = alice.post(address(draft, "draft/"), PAGE | {"column-3": "email"}, headers=HTMX).content.decode()
    assert "2 need a decision" in flat(said)


# --- a new field has a name -------------------------------------------------------------------------------------------


def started(alice: Actor, imp: Import, **more: str) -> Any:
    return alice.post(address(imp, "start/"), {**PAGE, "happened": "", "mode": "create_and_update", **more})


def test_a_new_field_has_the_name_and_key_of_the_page(alice: Actor, tenant: Tenant, draft: Import) -> None:
    assert started(alice, draft).status_code == 302
    with tenant_context(tenant.pk):
        made = Attribute.objects.get(key="shoe_size")
        assert (made.label, made.type) == ("Shoe size", "integer")


def test_the_key_is_made_from_the_name(alice: Actor, tenant: Tenant, draft: Import) -> None:
    started(alice, draft, **{"key-1": "", "label-1": "Größe (EU)"})
    with tenant_context(tenant.pk):
        assert Attribute.objects.get(label="Größe (EU)").key == "grosse_eu"


@pytest.mark.parametrize("label", ["City", "E-mail status", "changed_at", "Created by", "Contact ID", "Known already"])
def test_a_name_of_another_column_asks_for_another(alice: Actor, tenant: Tenant, draft: Import, label: str) -> None:
    with tenant_context(tenant.pk):
        Attribute.objects.create(key="known", label="Known already", type="text")
    said = alice.post(address(draft, "draft/"), PAGE | {"label-1": label, "key-1": "other"}, headers=HTMX)
    assert f"Exports already have a column named {label}." in said.content.decode()
    answer = started(alice, draft, **{"label-1": label, "key-1": "other"})
    assert answer.status_code == 422
    row = answer.context["columns"][1]
    assert row["needs"]
    assert row["wrong"]
    assert row["new"].label == label
    assert started(alice, draft, **{"label-1": "Better", "key-1": "better"}).status_code == 302


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"label-1": ""}, "Enter a name for the new field."),
        ({"key-1": "Shoe Size"}, "Enter an unused column name"),
        ({"key-1": "city"}, "Enter an unused column name"),
        ({"key-1": "taken"}, "The field taken already exists."),
        ({"key-1": "gone"}, "The field gone already exists."),
        ({"column-2": "new", "label-2": "shoe SIZE", "key-2": "b"}, "Two new fields have this name."),
        ({"column-2": "new", "label-2": "Other", "key-2": "shoe_size"}, "Two new fields have this name."),
    ],
)
def test_what_speaks_against_a_new_field(alice: Actor, tenant: Tenant, draft: Import, more: Any, said: str) -> None:
    with tenant_context(tenant.pk):
        Attribute.objects.create(key="taken", label="Taken", type="text")
        Attribute.objects.create(key="gone", label="Gone", type="integer", archived_at="2026-01-01T00:00Z")
    assert said in alice.post(address(draft, "draft/"), PAGE | more, headers=HTMX).content.decode()


def test_the_command_names_new_fields_too(tenant: Tenant) -> None:
    bring(tenant, "email,x\nann@example.com,1\n", maps={"x": "new:integer:stars:Stars given"})
    with tenant_context(tenant.pk):
        assert Attribute.objects.get(key="stars").label == "Stars given"


# --- back from the review -----------------------------------------------------------------------------------------------


def reviewed(alice: Actor, tenant: Tenant, imp: Import) -> Import:
    started(alice, imp)
    found = work(tenant, imp)
    assert found.phase == Phase.REVIEW
    return found


def has_staging(tenant: Tenant, imp: Import) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE %s", [f"t{tenant.pk}_i{imp.pk}_%"])
        return bool(cursor.fetchone()[0])


def test_back_to_the_mapping_with_everything_kept(alice: Actor, tenant: Tenant, draft: Import) -> None:
    imp = reviewed(alice, tenant, draft)
    before = imp.mapping
    with tenant_context(tenant.pk):
        assert has_staging(tenant, imp)
    page = alice.post(address(imp, "reopen/"), follow=True)
    assert "Where does each column go?" in page.content.decode()
    assert [row["target"] for row in page.context["columns"]] == ["email", "shoe_size", "skip", "birthday"]
    kept = page.context["form"].initial
    for name in (
        "existing",
        "blank",
        "duplicates",
        "bad_value",
        "identify_by",
        "country",
        "zone",
        "segments",
        "description",
    ):
        assert kept[name] == PAGE[name], name
    now = again(tenant, imp)
    assert (now.phase, now.status, now.mapping) == (Phase.DRAFT, "preparing", before)
    assert (now.rows, now.review, now.in_error, now.created, now.contacts_version) == (None, {}, 0, 0, None)
    with tenant_context(tenant.pk):
        for rows in (Unit, RowIssue, RejectedRow):
            assert not rows.objects.filter(import_id=imp.pk).exists()
        assert not has_staging(tenant, imp)
        assert WriteLock.objects.filter(holder=imp.pk).count() == 0
        assert AuditEntry.objects.filter(verb="import.reopened", object=f"import {imp.pk}").count() == 1
        assert Contact.objects.count() == 0


def test_and_on_again_with_another_mapping(alice: Actor, tenant: Tenant, draft: Import) -> None:
    imp = reviewed(alice, tenant, draft)
    alice.post(address(imp, "reopen/"))
    alice.post(address(imp, "reopen/"))  # a second click
    changed = {"column-1": "shoe_size", "column-2": "last_name", "bad_value": "error"}
    assert started(alice, imp, **changed).status_code == 302
    found = work(tenant, imp)
    assert (found.phase, found.created, found.in_error) == (Phase.REVIEW, 1, 1)
    alice.post(address(imp, "confirm/"))
    done = work(tenant, imp)
    proved(tenant, done)
    with tenant_context(tenant.pk):
        assert Contact.objects.get().last_name == "hello"


@pytest.mark.parametrize("late", ["started", "canceled", "done", "draft"])
def test_what_was_started_stays_started(alice: Actor, tenant: Tenant, draft: Import, late: str) -> None:
    imp = draft
    if late != "draft":
        imp = reviewed(alice, tenant, draft)
        with tenant_context(tenant.pk):
            if late == "canceled":
                upload.cancel(imp)
            else:
                upload.confirm(imp)
        if late == "done":
            work(tenant, imp)
    phase = again(tenant, imp).phase
    alice.post(address(imp, "reopen/"))
    assert again(tenant, imp).phase == phase
    with tenant_context(tenant.pk):
        assert not AuditEntry.objects.filter(verb="import.reopened").exists()


def test_a_late_message_does_no_harm(alice: Actor, tenant: Tenant, draft: Import) -> None:
    imp = reviewed(alice, tenant, draft)
    alice.post(address(imp, "reopen/"))
    worker.work(tenant.pk, imp.pk)
    assert again(tenant, imp).phase == Phase.DRAFT


# --- what is running ------------------------------------------------------------------------------------------------------


def queued(tenant: Tenant) -> Import:
    imp = receive(tenant, "email\nann@example.com\n")
    with tenant_context(tenant.pk):
        upload.start(imp, options=Options(), columns=column_choices.apply_choices(imp, {}), auto_start=True)
        Import.objects.filter(pk=imp.pk).update(phase=Phase.QUEUED)
    return again(tenant, imp)


def test_nobody_else_writes_and_nobody_is_said_to(alice: Actor, tenant: Tenant) -> None:
    page = alice.get(address(queued(tenant))).content.decode()
    assert "Waiting for a worker" in page
    assert "is writing" not in page
    assert "is writing" not in alice.get("imports/live/").content.decode()


def test_somebody_else_writes(alice: Actor, tenant: Tenant) -> None:
    first = queued(tenant)
    with tenant_context(tenant.pk):
        write_lock.acquire(write_lock.lock(), first.pk + 1_000)
    page = alice.get(address(first)).content.decode()
    assert "Waiting for another import" in page
    assert "Another import is running in this workspace." in page


def test_somebody_else_is_before(alice: Actor, tenant: Tenant) -> None:
    queued(tenant)
    assert "Waiting for another import" in alice.get(address(queued(tenant))).content.decode()


def test_time_counts_from_the_start_of_the_step(alice: Actor, tenant: Tenant) -> None:
    """Somebody thinks about the mapping for an hour: nothing is stuck, and the hour is no work."""
    imp = receive(tenant, "email\nann@example.com\n")
    with tenant_context(tenant.pk):
        Import.objects.filter(pk=imp.pk).update(phase_at="2026-01-01T00:00Z", created_at="2026-01-01T00:00Z")
        upload.start(imp, options=Options(), columns=column_choices.apply_choices(imp, {}), auto_start=False)
    page = alice.get(address(imp)).content.decode()
    assert "Stuck" not in page
    assert "in this step" in page
    assert work(tenant, imp).seconds < 600


def test_the_number_of_workers_follows(alice: Actor, tenant: Tenant) -> None:
    for path in (address(queued(tenant), "live/"), "imports/live/"):
        assert 'id="workers" hx-swap-oob="true"' in alice.get(path).content.decode()
    assert alice.get("imports/").content.decode().count('id="workers"') == 1


# --- the copy in UTF-8 ----------------------------------------------------------------------------------------------------


def test_the_copy_goes_when_somebody_comes_back_and_another_check_makes_its_own(alice: Actor) -> None:
    """Whenever the removal happens: here after the next check, which must not lose its copy by it."""
    tenant = alice.workspace
    imp = bring(tenant, "email,first_name\nann@example.com,Zoë\n".encode("utf-16"), review=True)
    first = file_store.path_of(stored_file.utf8_name(imp.path))
    assert "Zoë" in first.read_text()
    assert alice.post(address(imp, "reopen/")).status_code == 302
    assert first.is_file(), "the request removes nothing"
    with tenant_context(tenant.pk):
        found = Import.objects.get(pk=imp.pk)
        upload.start(found, options=Options.parse({}), columns=found.mapping, auto_start=False)
    checked = work(tenant, imp)
    second = file_store.path_of(stored_file.utf8_name(imp.path, checked.reopened))
    assert (checked.phase, checked.rows, second != first) == (Phase.REVIEW, 1, True)
    file_removals.work(tenant.pk)
    assert (first.exists(), second.is_file()) == (False, True)
    with tenant_context(tenant.pk):
        upload.confirm(imp)
    work(tenant, imp)
    with tenant_context(tenant.pk):
        assert Contact.objects.get().first_name == "Zoë"
    file_removals.work(tenant.pk)
    assert not second.exists(), "the import has ended"
    assert file_store.path_of(imp.path).is_file()
