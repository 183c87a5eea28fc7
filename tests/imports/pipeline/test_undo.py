"""Undo takes back what an import did and nothing else; the undo of the undo brings it back (docs/undo.md)."""

import os
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from contacts.models import Change, Contact, SilentChange, UndoArchive
from imports import cleanup
from imports.models import Import, Listing, RowEffect, Status
from imports.pipeline import transitions, undo, worker
from segments import membership
from segments.models import Member, Segment
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.imports.helpers import again, bring, work
from tracking.models import Event, EventKey

# `CDP_UNDO_ROWS=100000` makes the files as large.
ROWS = int(os.environ.get("CDP_UNDO_ROWS", "20"))
FIRST = "email,phone,external_id,first_name,city\n" + "".join(
    f"p{i}@example.com,+447400{i:06},C-{i},First{i},Riga\n" for i in range(ROWS)
)
SECOND = "email,phone,external_id,first_name,last_name,city\n" + "".join(
    f"P{i}@example.com,{f'+447401{i:06}' if i % 10 == 3 else ''},C-{i},{'Other' if i % 2 else f'First{i}'},Last{i},"
    f"{'Oslo' if i % 3 else 'Riga'}\n"
    for i in range(5, ROWS + ROWS // 2)
)


def state(tenant: Tenant) -> dict[str, Any]:
    """Every column of every contact, and members, visitors and events."""
    with tenant_context(tenant.pk), connection.cursor() as cursor:
        found = {}
        for table, key in (
            ("contact", "id"),
            ("segment_member", "contact_id, segment_id"),
            ("event", "id"),
            ("event_key", "key"),
        ):
            cursor.execute(f"SELECT * FROM {table} WHERE tenant_id = %s ORDER BY {key}", [tenant.pk])
            found[table] = cursor.fetchall()
        return found


def touched(tenant: Tenant, imp: Import) -> int:
    with tenant_context(tenant.pk):
        return int(RowEffect.objects.filter(import_id=imp.pk).count())


def turn(tenant: Tenant, imp: Import, turning: str) -> Import:
    with tenant_context(tenant.pk):
        assert undo.request(imp, turning, user=None)
    return work(tenant, imp)


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"existing": "only_empty"},
        {"blank": "clear"},
        {"mode": "update_only"},
        {"mode": "create_only"},
        {"duplicates": "first"},
        {"segments": ["Old", "New"], "action_created": "Came", "action_existing": "Came again"},
    ],
    ids=str,
)
def test_afterwards_everything_is_as_before(tenant: Tenant, policy: dict[str, Any]) -> None:
    bring(tenant, FIRST, segment="Old")
    before = state(tenant)
    imp = bring(tenant, SECOND, **policy)
    after = state(tenant)
    assert before != after
    undone = turn(tenant, imp, "undo")
    assert undone.status == Status.UNDONE
    assert state(tenant) == before
    assert undone.undo_report["kept"] == undone.undo_report["kept_values"] == 0
    assert undone.undo_report["reversed"] == imp.created + imp.updated
    back = turn(tenant, undone, "redo")
    assert back.status == Status.IMPORTED
    assert state(tenant) == after
    with tenant_context(tenant.pk):
        assert not UndoArchive.objects.exists()


def test_what_somebody_has_changed_since_stays(tenant: Tenant) -> None:
    bring(tenant, FIRST)
    imp = bring(tenant, SECOND)
    with tenant_context(tenant.pk):
        changed = Contact.objects.get(external_id="C-7")
        made = Contact.objects.get(external_id=f"C-{ROWS + 5}")
    edits = f"external_id,city,first_name\nC-7,Tartu,\nC-{ROWS + 5},,Edited\n"
    later = bring(tenant, edits)
    assert (later.updated, later.in_error) == (2, 0)
    undone = turn(tenant, imp, "undo")
    with tenant_context(tenant.pk):
        changed.refresh_from_db()
        made.refresh_from_db()
        assert changed.attributes["city"] == "Tartu"
        assert (changed.first_name, changed.last_name) == ("First7", None)
        assert (made.first_name, made.last_name) == ("Edited", f"Last{ROWS + 5}")
        assert not Contact.objects.filter(external_id=f"C-{ROWS + 6}").exists()
        results = dict(RowEffect.objects.filter(import_id=imp.pk).values_list("contact_id", "undone"))
    assert (results[changed.pk], results[made.pk]) == ("p", "k")
    assert undone.undo_report["kept"] + undone.undo_report["listed"] == 1
    assert undone.undo_report["kept_values"] == 1


def test_contacts_that_others_use_are_kept(tenant: Tenant) -> None:
    imp = bring(tenant, FIRST)
    with tenant_context(tenant.pk):
        used, ordered, free = (Contact.objects.get(external_id=f"C-{i}") for i in range(3))
        segment = membership.named("By hand")
        Member.objects.create(tenant_id=tenant.pk, segment_id=segment.pk, contact_id=used.pk, added_at=timezone.now())
    bring(tenant, "external_id,Order\nC-1,O-1\n", task="orders", maps={"Order": "event.id"})
    undone = turn(tenant, imp, "undo")
    with tenant_context(tenant.pk):
        assert set(Contact.objects.values_list("pk", flat=True)) == {used.pk, ordered.pk}
        assert not Contact.objects.filter(pk=free.pk).exists()
    assert (undone.undo_report["kept"], undone.undo_report["listed"]) == (1, 1)


def test_undo_in_the_opposite_order_takes_all_out(tenant: Tenant) -> None:
    first, second = bring(tenant, FIRST), bring(tenant, SECOND)
    turn(tenant, second, "undo")
    turn(tenant, first, "undo")
    with tenant_context(tenant.pk):
        assert not Contact.objects.exists()


def test_a_file_can_be_imported_again_after_its_undo(tenant: Tenant) -> None:
    turn(tenant, bring(tenant, FIRST), "undo")
    imp = bring(tenant, FIRST)
    assert (imp.created, imp.skipped) == (ROWS, 0)


def test_a_redo_leaves_out_whose_identifiers_are_taken(tenant: Tenant) -> None:
    undone = turn(tenant, bring(tenant, FIRST), "undo")
    bring(tenant, "email,external_id\np0@example.com,\n,C-1\n")
    back = turn(tenant, undone, "redo")
    assert back.undo_report["impossible"] == 2
    with tenant_context(tenant.pk):
        assert Contact.objects.count() == ROWS


def test_events_and_their_keys_come_and_go(tenant: Tenant) -> None:
    file = "email,Order,Total,When\n" + "".join(
        f"a@example.com,O-{i},{i}.50,2026-03-0{i}T10:00Z\n" for i in range(1, 6)
    )
    maps = {"Order": "event.id", "Total": "event.amount", "When": "event.time"}
    imp = bring(tenant, file, task="orders", maps=maps)
    assert (imp.created, imp.duplicates, imp.events_added) == (1, 4, 5)
    before = state(tenant)
    undone = turn(tenant, imp, "undo")
    with tenant_context(tenant.pk):
        assert not Event.objects.exists()
        assert not EventKey.objects.exists()
    assert undone.undo_report["events"] == 5
    turn(tenant, undone, "redo")
    assert state(tenant) == before


def test_it_can_be_asked_for_once_and_in_time_only(tenant: Tenant) -> None:
    imp = bring(tenant, FIRST)
    with tenant_context(tenant.pk):
        assert undo.request(imp, "undo", user=None)
        assert not undo.request(imp, "undo", user=None)
    worker.work(tenant.pk, imp.pk)
    with tenant_context(tenant.pk):
        assert not undo.request(imp, "undo", user=None)
        with time_machine.travel(timezone.now() + timedelta(days=31), tick=False):
            assert not undo.request(imp, "redo", user=None)
        assert undo.request(imp, "redo", user=None)


def test_an_undo_is_noted_in_the_order_of_changes(tenant: Tenant) -> None:
    bring(tenant, FIRST)
    imp = bring(tenant, SECOND)
    turn(tenant, imp, "undo")
    with tenant_context(tenant.pk):
        assert SilentChange.objects.count() == imp.created + imp.updated
        # Everybody has one place, at the time that they carry; nobody else stands there.
        for contact in Contact.objects.all():
            assert Change.objects.filter(contact_id=contact.pk, at=contact.changed_at).exists()


def test_a_cancel_can_take_back_what_was_written(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    from imports.wizard import upload

    monkeypatch.setattr(transitions, "WRITE_ROWS", 5)
    bring(tenant, FIRST)
    before = state(tenant)
    imp = bring(tenant, SECOND, review=True)
    with tenant_context(tenant.pk):
        upload.confirm(imp)
    while not touched(tenant, imp):
        worker.step(tenant.pk, imp.pk)
    with tenant_context(tenant.pk):
        assert upload.cancel(imp, take_back=True)
    worker.work(tenant.pk, imp.pk)
    done = again(tenant, imp)
    assert done.status == Status.CANCELED
    assert done.undone_at
    assert state(tenant) == before
    with tenant_context(tenant.pk):
        assert not Segment.objects.exists()


def test_an_undo_that_was_given_up_goes_on_where_it_stopped(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "ROWS", 8)
    bring(tenant, FIRST)
    before = state(tenant)
    imp = bring(tenant, SECOND)
    with tenant_context(tenant.pk):
        undo.request(imp, "undo", user=None)
    while not undone_rows(tenant, imp):
        worker.step(tenant.pk, imp.pk)
    with tenant_context(tenant.pk):
        transitions.finish_import(again(tenant, imp), Status.FAILED, reason="worker_lost")
    assert 0 < undone_rows(tenant, imp) < imp.created + imp.updated
    assert turn(tenant, again(tenant, imp), "undo").status == Status.UNDONE
    assert state(tenant) == before
    with tenant_context(tenant.pk):
        assert set(RowEffect.objects.filter(import_id=imp.pk).values_list("undone", flat=True)) == {"r"}


def undone_rows(tenant: Tenant, imp: Import) -> int:
    with tenant_context(tenant.pk):
        return int(RowEffect.objects.filter(import_id=imp.pk, undone__isnull=False).count())


# --- what a later import lists stays ----------------------------------------------------------------------------------

FI = "email,first name\nfi@example.com,Fi\n"


@pytest.mark.parametrize(
    ("second", "options"),
    [
        (FI + "gu@example.com,Gu\n", {}),
        ("email\nfi@example.com\n", {}),
        ("email,first name\nfi@example.com,\n", {}),
        ("email,first name\nfi@example.com,Fi\nfi@example.com,Fi\n", {}),
        (FI, {"mode": "create_only"}),
        (FI, {"mode": "update_only"}),
        (FI, {"existing": "only_empty"}),
    ],
)
def test_who_is_listed_by_a_later_import_stays(tenant: Tenant, second: str, options: dict[str, Any]) -> None:
    first = bring(tenant, FI)
    bring(tenant, second, **options)
    first = turn(tenant, first, "undo")
    with tenant_context(tenant.pk):
        assert Contact.objects.get(email="fi@example.com").first_name == "Fi"
    assert (first.undo_report["listed"], first.undo_report["kept"], first.undo_report["reversed"]) == (1, 0, 0)
    assert ("rows not undone: a later import contains the same contacts", 1) in undo.report_lines(first)
    first = turn(tenant, first, "redo")
    assert first.status == "imported"


def test_an_earlier_or_undone_list_keeps_nobody(tenant: Tenant) -> None:
    bring(tenant, "email\ngu@example.com\n")
    first = bring(tenant, FI)
    second = bring(tenant, FI)
    with tenant_context(tenant.pk):
        Import.objects.filter(pk=second.pk).update(undone_at=timezone.now())
    turn(tenant, first, "undo")
    with tenant_context(tenant.pk):
        assert list(Contact.objects.values_list("email", flat=True)) == ["gu@example.com"]


def test_values_and_segments_that_a_later_list_repeats_stay(tenant: Tenant) -> None:
    bring(tenant, "email,city,company\nfi@example.com,Oslo,Old\n")
    first = bring(tenant, "email,city,company\nfi@example.com,Riga,New\n", segments=["Both", "First"])
    bring(tenant, "email,city\nfi@example.com,Riga\n", segments=["Both"])
    turn(tenant, first, "undo")
    with tenant_context(tenant.pk):
        contact = Contact.objects.get()
        assert contact.attributes == {"city": "Riga", "company": "Old"}
        ids = Member.objects.values_list("segment_id", flat=True)
        assert [s.name for s in Segment.objects.filter(pk__in=list(ids))] == ["Both"]


def test_a_list_that_fills_gaps_says_nothing_of_values(tenant: Tenant) -> None:
    bring(tenant, "email,city\nfi@example.com,Oslo\n")
    first = bring(tenant, "email,city\nfi@example.com,Riga\n")
    bring(tenant, "email,city\nfi@example.com,Bergen\n", existing="only_empty")
    turn(tenant, first, "undo")
    with tenant_context(tenant.pk):
        assert Contact.objects.get().attributes == {"city": "Oslo"}


def test_lists_go_when_no_undo_can_ask_for_them(tenant: Tenant) -> None:
    bring(tenant, FI)
    bring(tenant, FI)
    with tenant_context(tenant.pk):
        assert Listing.objects.count() == 1
    cleanup.workspace(tenant, now=timezone.now() + timedelta(days=undo.UNDO_DAYS - 1))
    with tenant_context(tenant.pk):
        assert Listing.objects.count() == 1
    cleanup.workspace(tenant, now=timezone.now() + timedelta(days=undo.UNDO_DAYS + 1))
    with tenant_context(tenant.pk):
        assert Listing.objects.count() == 0
