"""What programs do to contacts: the functions of the pages, with the way back."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts.bulk import actions
from contacts.models import BulkAction, ConsentRecord, Contact
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.api.helpers import Program, problem, program
from tests.api.routes.test_contacts import furnish, id_of, upsert
from tests.cast import Actor
from tests.workspace_copies import copy_workspace


@pytest.fixture
def sync(alice: Actor) -> Program:
    copy_workspace(alice, furnish)
    return program(alice)


def put(sync: Program, path: str, data: Any) -> Any:
    return sync.call("PUT", path, data=json.dumps(data), content_type="application/json")


def test_statuses_become_stricter_and_milder_only_with_the_scope(sync: Program, bob: Actor) -> None:
    path = f"contacts/{id_of(sync, 'Ann')}/statuses"
    said = put(sync, path, {"email": "unsubscribed", "phone": "blacklisted"}).json()["contact"]
    assert (said["email_status"]["status"], said["phone_status"]["status"]) == ("unsubscribed", "blacklisted")
    assert problem(put(sync, path, {"email": "active"})) == (409, "conflict")
    assert problem(put(program(bob), path, {"email": "active", "milder": True})) == (403, "setting_not_permitted")
    said = put(sync, path, {"email": "active", "milder": True}).json()["contact"]
    assert (said["email_status"]["status"], said["phone_status"]["status"]) == ("active", "blacklisted")
    for body in ({}, {"email": "gone"}, {"phone": "unsubscribed"}, {"email": None}):
        assert put(sync, path, body).status_code == 422


def test_unsubscribing_can_be_undone(sync: Program) -> None:
    ann = id_of(sync, "Ann")
    done = sync.post(f"contacts/{ann}/unsubscribe").json()
    assert done["contact"]["email_status"]["status"] == "unsubscribed"
    assert problem(sync.post(f"contacts/{ann}/unsubscribe")) == (409, "conflict")
    assert sync.post(f"undo/{done['undo']}").json()["contact"]["email_status"]["status"] == "active"
    assert problem(sync.post(f"undo/{done['undo']}")) == (409, "conflict")
    with tenant_context(sync.workspace.pk):
        entry = AuditEntry.objects.get(verb="contact.unsubscribed")
        assert (entry.user_id, entry.detail["by"]) == (sync.user.pk, "API token Sync")


def test_a_consent_is_recorded_and_changes_no_status(sync: Program) -> None:
    ann = id_of(sync, "Ann")
    upsert(sync, {"external_id": "C-1", "email_status": "unsubscribed"})
    made = sync.post(f"contacts/{ann}/consents", {"wording": "Yes.", "at": "2026-05-31T10:00:00Z"})
    assert made.status_code == 201, made.content
    said = made.json()["contact"]
    assert [(c["wording"], c["at"]) for c in said["consents"]] == [("Yes.", "2026-05-31T10:00:00Z")]
    assert said["email_status"]["status"] == "unsubscribed"
    later = (timezone.now() + timedelta(days=1)).isoformat()
    for body in (
        {"wording": ""},
        {"wording": "Yes.", "at": later},
        {"wording": "Yes.", "at": "2026-05-31T10:00:00"},
        {},
    ):
        assert sync.post(f"contacts/{ann}/consents", body).status_code == 422, body
    with tenant_context(sync.workspace.pk):
        assert ConsentRecord.objects.get().said_by_id == sync.user.pk


def test_deleting_restoring_and_undoing(sync: Program) -> None:
    ann = id_of(sync, "Ann")
    assert problem(sync.call("DELETE", f"contacts/{ann}?reason=Nothing")) == (422, "parameters_invalid")
    gone = sync.call("DELETE", f"contacts/{ann}?reason=Duplicate").json()
    assert (gone["contact"]["deleted_reason"], gone["contact"]["deleted_at"] is None) == ("Duplicate", False)
    assert problem(sync.call("DELETE", f"contacts/{ann}")) == (409, "conflict")
    assert sync.post(f"undo/{gone['undo']}").json()["contact"]["deleted_at"] is None
    sync.call("DELETE", f"contacts/{ann}")
    upsert(sync, {"external_id": "C-9", "email": "zoe@example.com"})
    with tenant_context(sync.workspace.pk):
        Contact.objects.filter(email="zoe@example.com").update(external_id="C-1")
    answer = sync.post(f"contacts/{ann}/restore", {})
    assert problem(answer) == (409, "conflict")
    assert "external ID C-1" in answer.json()["detail"]
    back = sync.post(f"contacts/{ann}/restore", {"without_external_id": True}).json()
    assert (back["contact"]["deleted_at"], back["contact"]["external_id"]) == (None, None)


def test_merging_with_a_survivor_and_taking_it_apart(sync: Program) -> None:
    ann, ben = id_of(sync, "Ann"), id_of(sync, "Ben")
    made = sync.post("contacts/merge", {"contacts": [ann, ben], "survivor": ben, "values": {"city": ann}})
    assert made.status_code == 200, made.content
    said = made.json()
    assert (said["contact"]["id"], said["contact"]["fields"]["city"]) == (ben, "Riga")
    assert [m["contacts"] for m in said["contact"]["merges"]] == [[ann]]
    assert sync.get(f"contacts/{ann}").json()["merged_into"] == ben
    assert sync.post("contacts/merge", {"contacts": [ann, ben]}).json()["merge_id"] is None
    apart = sync.post(f"merges/{said['merge_id']}/undo").json()
    assert (apart["kept"], apart["restored"], apart["contact"]["fields"]["city"]) == (0, [ann], "Oslo")
    assert sync.get(f"contacts/{ann}").json()["deleted_at"] is None
    for body in (
        {"contacts": [ann]}, {"contacts": [ann, ben], "survivor": 999}, {"contacts": [ann, ben], "rule": "best"},
        {"contacts": list(range(1, 12))},
    ):  # fmt: skip
        assert sync.post("contacts/merge", body).status_code == 422, body
    assert problem(sync.post("contacts/merge", {"contacts": [ann, 999_999]})) == (404, "not_found")


def test_erasing_needs_its_scope_the_word_and_deleted_contacts(sync: Program, bob: Actor) -> None:
    ann = id_of(sync, "Ann")
    assert problem(program(bob).post("contacts/erase", {"contacts": [ann], "confirm": "ERASE"})) == (
        403,
        "scope_missing",
    )
    assert problem(sync.post("contacts/erase", {"contacts": [ann], "confirm": "ERASE"})) == (409, "conflict")
    sync.call("DELETE", f"contacts/{ann}")
    assert problem(sync.post("contacts/erase", {"contacts": [ann], "confirm": "erase"})) == (422, "parameters_invalid")
    assert problem(sync.post("contacts/erase", {"contacts": [ann, 999_999], "confirm": "ERASE"})) == (404, "not_found")
    begun = sync.post("contacts/erase", {"contacts": [ann], "confirm": "ERASE"})
    assert begun.status_code == 202, begun.content
    action = begun.json()["id"]
    cursor = sync.get("contacts/changes").json()["next"]
    actions.work(sync.workspace.pk, action)
    done = sync.get(f"bulk-actions/{action}").json()
    assert (done["kind"], done["state"], done["done"]) == ("erase", "done", 1)
    assert problem(sync.get(f"contacts/{ann}")) == (404, "not_found")
    (change,) = sync.get("contacts/changes", cursor=cursor).json()["results"]
    assert (change["kind"], change["contact_id"], change["contact"]) == ("erased", ann, None)
    answer = upsert(sync, {"email": "ann@example.com"})
    assert (problem(answer), answer.json()["errors"][0]["code"]) == ((422, "contact_skipped"), "contact_suppressed")


def test_strangers_find_nothing(sync: Program, charlie: Actor) -> None:
    stranger, ann, ben = program(charlie), id_of(sync, "Ann"), id_of(sync, "Ben")
    sync.call("DELETE", f"contacts/{ann}")
    assert problem(stranger.post("contacts/merge", {"contacts": [ann, ben]})) == (404, "not_found")
    assert problem(stranger.post("contacts/erase", {"contacts": [ann], "confirm": "ERASE"})) == (404, "not_found")
    assert problem(stranger.post(f"contacts/{ann}/restore", {})) == (404, "not_found")
    with tenant_context(sync.workspace.pk):
        assert not BulkAction.objects.exists()
        assert Contact.objects.get(pk=ann).deleted_at is not None
