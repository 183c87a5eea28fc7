"""Contacts by the API: made, changed, read, searched and followed, by the rules of imports."""

import json
from typing import Any

import pytest
from django.db import connection

from contacts import write_lock
from contacts.models import Attribute, ConsentRecord, Contact, WriteLock
from segments.models import Member, Segment
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.api.helpers import Program, problem, program
from tests.cast import Actor
from tests.imports.helpers import bring
from tests.segments.scene import static
from tests.workspace_copies import copy_workspace

PEOPLE = (
    "external_id,email,phone,first_name,city\n"
    "C-1,ann@example.com,+442079460011,Ann,Riga\n"
    "C-2,ben@example.com,+442079460012,Ben,Oslo\n"
    "C-3,cay@example.com,,Cay,Riga\n"
)


def furnish(who: Actor) -> None:
    """Three contacts of a file, and some fields."""
    with tenant_context(who.workspace.pk):
        Attribute.objects.create(key="score", label="Score", type="decimal")
        Attribute.objects.create(key="colors", label="Colors", type="choices", options={"red": "Red", "blue": "Blue"})
    bring(who.workspace, PEOPLE)


@pytest.fixture
def sync(alice: Actor) -> Program:
    copy_workspace(alice, furnish)
    return program(alice)


def id_of(sync: Program, name: str) -> int:
    with tenant_context(sync.workspace.pk):
        return int(Contact.objects.get(first_name=name).pk)


def upsert(sync: Program, contact: dict[str, Any], **settings: Any) -> Any:
    return sync.post("contacts", {"contact": contact, "settings": settings})


# --- one ----------------------------------------------------------------------------------------------------------------


def test_a_contact_is_made_once_and_then_changed(sync: Program) -> None:
    made = upsert(sync, {"email": "Eve@Example.com", "city": "Riga", "colors": ["Red", "blue"]})
    assert made.status_code == 201, made.content
    contact = made.json()["contact"]
    assert (contact["email"], contact["origin"], contact["fields"]) == (
        "eve@example.com", "api", {"city": "Riga", "colors": ["red", "blue"]},
    )  # fmt: skip
    again = upsert(sync, {"email": "eve@example.com", "city": "Oslo"})
    assert (again.status_code, again.json()["outcome"], again.json()["contact"]["id"]) == (
        200,
        "updated",
        contact["id"],
    )
    assert upsert(sync, {"email": "eve@example.com", "city": "Oslo"}).json()["outcome"] == "unchanged"
    with tenant_context(sync.workspace.pk):
        entry = AuditEntry.objects.get(verb="contact.created", object=f"contact {contact['id']}")
        assert (entry.user_id, entry.detail["fields"]) == (sync.user.pk, ["city", "colors", "email"])
        assert entry.detail["by"] == "API token Sync"
    assert "Contact created" in sync.get(f"contacts/{contact['id']}/activity").json()["results"][-1]["text"]


def test_what_one_call_has_changed_is_in_the_history_and_can_be_undone(sync: Program) -> None:
    ann = id_of(sync, "Ann")
    changes = {
        "city": "Oslo",
        "score": 7,
        "first_name": "Anne",
        "email": "Anne@example.com",
        "email_status": "unsubscribed",
    }
    before = sync.get(f"contacts/{ann}").json()
    done = upsert(sync, {"external_id": "C-1", **changes}).json()
    assert (done["outcome"], done["contact"]["email_status"]["status"]) == ("updated", "unsubscribed")
    with tenant_context(sync.workspace.pk):
        entry = AuditEntry.objects.get(pk=done["undo"])
        assert (entry.verb, set(entry.detail["values"])) == ("contact.edited", set(changes))
    assert "city: Riga → Oslo" in sync.get(f"contacts/{ann}/activity").json()["results"][0]["text"]
    back = sync.post(f"undo/{done['undo']}").json()["contact"]
    same = ("external_id", "email", "phone", "first_name", "last_name", "fields", "email_status", "phone_status")
    assert {name: back[name] for name in same} == {name: before[name] for name in same}
    again = upsert(sync, {"external_id": "C-1", "city": "Oslo"}).json()
    upsert(sync, {"external_id": "C-1", "city": "Rome"})
    assert problem(sync.post(f"undo/{again['undo']}")) == (409, "conflict")
    assert upsert(sync, {"external_id": "C-1", "city": "Rome"}).json()["undo"] is None
    assert upsert(sync, {"email": "new@example.com"}).json()["undo"] is None


def test_digits_of_numbers_arrive_and_leave_as_they_were(sync: Program) -> None:
    body = '{"contact": {"external_id": "C-1", "score": 123456789012345678901234.50}}'
    answer = sync.call("POST", "contacts", data=body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert b'"score":123456789012345678901234.50' in answer.content
    assert b'"score":123456789012345678901234.50' in sync.get(f"contacts/{id_of(sync, 'Ann')}").content


def test_what_is_wrong_is_said_by_field(sync: Program) -> None:
    answer = upsert(sync, {"email": "nobody@", "score": "many", "shoe": 1})
    assert problem(answer) == (422, "contact_invalid")
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [
        ("shoe", "unknown_target"), ("email", "not_an_email"), ("score", "not_a_number"),
    ]  # fmt: skip
    assert all(e["message"].endswith(".") for e in answer.json()["errors"])
    assert problem(upsert(sync, {"email": "zoe@example.com"}, mode="update_only")) == (422, "contact_skipped")
    assert problem(upsert(sync, {})) == (422, "contact_invalid")


def test_a_change_by_id_empties_what_is_null_and_leaves_the_rest(sync: Program) -> None:
    ann = id_of(sync, "Ann")
    answer = sync.call(
        "PATCH", f"contacts/{ann}", data=json.dumps({"contact": {"city": None, "last_name": "Lee"}}),
        content_type="application/json",
    )  # fmt: skip
    assert answer.status_code == 200, answer.content
    contact = answer.json()["contact"]
    assert (contact["fields"], contact["name"], contact["email"]) == ({}, "Ann Lee", "ann@example.com")
    taken = sync.call(
        "PATCH", f"contacts/{ann}", data='{"contact": {"email": "ben@example.com"}}', content_type="application/json"
    )
    assert taken.json()["contact"]["email"] == "ann@example.com", "an address of another contact is not taken"


def test_nobody_comes_back_without_the_scope(sync: Program, alice: Actor, bob: Actor) -> None:
    ann = id_of(sync, "Ann")
    assert sync.call("DELETE", f"contacts/{ann}").status_code == 200
    assert problem(upsert(sync, {"external_id": "C-1"})) == (422, "contact_skipped")
    marketer = program(bob)
    for settings in ({"deleted": "restore"}, {"consent": "file"}):
        assert problem(upsert(marketer, {"external_id": "C-1"}, **settings)) == (403, "setting_not_permitted")
    assert upsert(sync, {"external_id": "C-1"}, deleted="restore").status_code == 200


def test_segments_need_their_own_scope(sync: Program, alice: Actor) -> None:
    narrow = program(alice, "contacts.edit", "contacts.view")
    assert problem(upsert(narrow, {"external_id": "C-1", "row.segments": ["VIP"]})) == (403, "scope_missing")
    assert problem(upsert(narrow, {"external_id": "C-1"}, segments=["VIP"])) == (403, "scope_missing")
    assert (
        upsert(sync, {"external_id": "C-1", "row.segments": ["VIP"]}).json()["contact"]["segments"][0]["name"] == "VIP"
    )
    assert narrow.get(f"contacts/{id_of(sync, 'Ann')}").json()["segments"] is None
    assert problem(upsert(narrow, {"external_id": "C-1", "segments": ["VIP"]})) == (403, "scope_missing")
    with tenant_context(sync.workspace.pk):
        assert Member.objects.count() == 1


def test_segments_have_a_short_name_unless_a_field_is_called_so(sync: Program) -> None:
    assert upsert(sync, {"external_id": "C-1", "segments": ["VIP"]}).json()["contact"]["segments"][0]["name"] == "VIP"
    with tenant_context(sync.workspace.pk):
        Attribute.objects.create(key="segments", label="Market segments", type="text")
    said = upsert(sync, {"external_id": "C-2", "segments": "B2B", "row.segments": ["VIP"]}).json()["contact"]
    assert (said["fields"]["segments"], said["segments"][0]["name"]) == ("B2B", "VIP")


# --- many ---------------------------------------------------------------------------------------------------------------


def test_each_of_many_has_an_answer(sync: Program) -> None:
    items = [
        {"external_id": "C-1", "city": "Oslo"},
        {"email": "@"},
        {"email": "new@example.com"},
        {"email": "new@example.com"},
    ]
    answer = sync.post("contacts/bulk", {"contacts": items, "settings": {"duplicates": "first"}})
    assert answer.status_code == 200, answer.content
    said = answer.json()
    with tenant_context(sync.workspace.pk):
        entry = AuditEntry.objects.get(verb="contacts.upserted")
        assert (entry.user_id, entry.detail["created"], entry.detail["updated"]) == (sync.user.pk, 1, 1)
    assert said["counts"] == {"created": 1, "updated": 1, "unchanged": 0, "duplicate": 1, "skipped": 0, "error": 1}
    assert [(i["index"], i["outcome"]) for i in said["items"]] == [
        (0, "updated"), (1, "error"), (2, "created"), (3, "duplicate"),
    ]  # fmt: skip
    assert said["items"][1]["problems"][0]["field"] == "email"
    assert said["items"][3]["contact_id"] == said["items"][2]["contact_id"]
    assert said["items"][3]["problems"] == [
        {"field": "", "code": "duplicate_of_item",
         "detail": "This item identifies the same contact as item 2 and was combined with it."},
    ]  # fmt: skip


def test_an_answer_with_many_items_fits_its_schema(sync: Program) -> None:
    from api.routes.contacts import BulkOut

    answer = sync.post("contacts/bulk", {"contacts": [{"email": "@"}, {"email": "new@example.com"}]})
    BulkOut.model_validate(answer.json())


@pytest.mark.parametrize(
    "body",
    [
        {"contacts": []}, {"contacts": [[]]}, {"contacts": [1]}, {"contacts": {}}, {"contacts": [{}] * 5_001}, {},
        {"contacts": [{"email": "a@example.com"}], "settings": {"mode": "no"}},
        {"contacts": [{"email": "a@example.com"}], "settings": {"country": "Nowhere"}},
        {"contacts": [{"email": "a@example.com"}], "settings": {"zone": "../etc"}},
        {"contacts": [{"email": "a@example.com"}], "settings": {"happened": "soon"}},
        {"contacts": [{"email": "a@example.com"}], "settings": {"segments": ["x" * 121]}},
        {"contacts": [{"email": "a@example.com"}], "surprise": 1},
    ],
)  # fmt: skip
def test_bad_requests_are_refused_and_write_nothing(sync: Program, body: Any) -> None:
    answer = sync.post("contacts/bulk", body)
    assert answer.status_code == 422, answer.content
    problem(answer)
    with tenant_context(sync.workspace.pk):
        assert Contact.objects.count() == 3


def test_an_import_that_writes_is_waited_for_outside(sync: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_lock, "PATIENCE_SECONDS", 0)
    with tenant_context(sync.workspace.pk):
        WriteLock.objects.update(holder=7)
    answer = sync.post("contacts/bulk", {"contacts": [{"email": "new@example.com"}]})
    assert problem(answer) == (409, "busy")
    assert answer.headers["Retry-After"] == "5"


def test_the_same_key_is_the_same_call(sync: Program) -> None:
    body = {"contacts": [{"email": "new@example.com"}]}
    first, second = (sync.post("contacts/bulk", body, Idempotency_Key="k1") for _ in range(2))
    assert first.content == second.content
    assert second.json()["counts"]["created"] == 1


# --- read ---------------------------------------------------------------------------------------------------------------


def test_a_contact_is_read_with_all_that_is_known(sync: Program) -> None:
    ann = id_of(sync, "Ann")
    upsert(sync, {"external_id": "C-1", "email": "ann.new@example.com", "email_status": "unsubscribed"})
    with tenant_context(sync.workspace.pk):
        ConsentRecord.objects.create(contact_id=ann, wording="Yes.")
        static("VIP", [ann])
    said = sync.get(f"contacts/{ann}").json()
    assert [(a["kind"], a["value"]) for a in said["aliases"]] == [("email", "ann@example.com")]
    assert (said["email_status"]["status"], said["email_status"]["reason"]) == ("unsubscribed", "set by the API")
    assert [s["name"] for s in said["segments"]] == ["VIP"]
    assert [c["wording"] for c in said["consents"]] == ["Yes."]
    assert said["created_at"].endswith("Z")
    assert said["url"].endswith(f"/w/{sync.workspace.slug}/contacts/{ann}/")


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [contact["first_name"] for contact in answer.json()["results"]]


def test_contacts_are_found_by_text_status_and_rule(sync: Program) -> None:
    upsert(sync, {"external_id": "C-2", "email_status": "unsubscribed"})
    assert names(sync.get("contacts")) == ["Cay", "Ben", "Ann"]
    assert names(sync.get("contacts", q="ann@")) == ["Ann"]
    assert names(sync.get("contacts", q="+44 20 7946 0012")) == ["Ben"]
    assert names(sync.get("contacts", status="email.unsubscribed")) == ["Ben"]
    rule = {"v": 1, "all": [{"attribute": "city", "op": "is", "values": ["Riga"]}]}
    assert names(sync.post("contacts/search", {"rule": rule, "order": "created"})) == ["Ann", "Cay"]
    sync.call("DELETE", f"contacts/{id_of(sync, 'Ann')}")
    assert names(sync.post("contacts/search", {"rule": rule})) == ["Cay"]
    assert names(sync.get("contacts", deleted="true")) == ["Ann"]
    assert names(sync.post("contacts/search", {"rule": rule, "deleted": True, "order": "deleted"})) == ["Ann"]


@pytest.mark.parametrize("order", ["-created", "created", "-changed", "changed", "-rating", "rating"])
def test_pages_show_everybody_once(sync: Program, order: str) -> None:
    found, cursor = list[str](), ""
    while True:
        answer = sync.get("contacts", order=order, limit=1, cursor=cursor)
        found += names(answer)
        cursor = answer.json()["next"]
        if cursor is None:
            break
    assert sorted(found) == ["Ann", "Ben", "Cay"]


@pytest.mark.parametrize(
    "path", ["contacts", "contacts?q=example.com", "contacts/changes?cursor={cursor}", "segments/{segment}/members"]
)
def test_a_longer_list_takes_no_more_statements(sync: Program, path: str) -> None:
    cursor = sync.get("contacts/changes").json()["next"]
    segment = sync.post("segments", {"name": "All"}).json()["id"]

    def more(first: int) -> None:
        items = [{"email": f"p{n}@example.com", "row.segments": ["All"]} for n in range(first, first + 20)]
        assert sync.post("contacts/bulk", {"contacts": items}).status_code == 200

    def statements() -> int:
        seen: list[str] = []

        def note(execute: Any, sql: Any, *rest: Any) -> Any:
            seen.append(str(sql))
            return execute(sql, *rest)

        with connection.execute_wrapper(note):
            answer = sync.get(path.format(cursor=cursor, segment=segment))
        assert len(answer.json()["results"]) >= 20
        return len(seen)

    more(0)
    few = statements()
    more(20)
    assert statements() == few


@pytest.mark.parametrize(
    "body",
    [
        {"rule": {}}, {"rule": {"v": 1, "all": [{"attribute": "nothing", "op": "is", "values": ["x"]}]}},
        {"rule": {"v": 1, "all": [{"segment": 999, "op": "in"}]}}, {"rule": {"v": 99, "all": []}}, {"rule": {"all": [[]]}},
        {"order": "deleted"}, {"status": "nothing"}, {"cursor": "x"}, {"cursor": "WyJ4Il0"}, {"limit": 0}, {"limit": 201},
        {"q": "x" * 201}, {"q": 5},
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_refused(sync: Program, body: Any) -> None:
    answer = sync.post("contacts/search", body)
    assert answer.status_code == 422, answer.content
    problem(answer)


def test_activity_has_events_and_what_people_did(sync: Program) -> None:
    ann = id_of(sync, "Ann")
    order = {
        "kind": "order",
        "id": "O-1",
        "contact": {"external_id": "C-1"},
        "amount": 12.5,
        "time": "2026-05-31T10:00:00Z",
    }
    assert sync.post("events", {"events": [order]}).status_code == 200
    sync.call("POST", f"contacts/{ann}/unsubscribe")
    said = sync.get(f"contacts/{ann}/activity").json()["results"]
    assert [(a["kind"], a["name"]) for a in said] == [("change", None), ("change", None), ("order", "order")]
    assert "Created by import" in said[1]["text"]
    assert said[2]["properties"] == {"amount": 12.5}
    first = sync.get(f"contacts/{ann}/activity", limit=1).json()
    rest = sync.get(f"contacts/{ann}/activity", limit=200, cursor=first["next"]).json()
    assert first["results"] + rest["results"] == said
    assert [a["kind"] for a in sync.get(f"contacts/{ann}/activity", kind="order").json()["results"]] == ["order"]
    for query in ({"kind": "nothing"}, {"cursor": "x"}, {"cursor": "WyJ4Il0"}):
        assert sync.get(f"contacts/{ann}/activity", **query).status_code == 422


# --- changes ------------------------------------------------------------------------------------------------------------


def test_changes_are_followed(sync: Program) -> None:
    start = sync.get("contacts/changes").json()
    assert start["results"] == []
    upsert(sync, {"email": "new@example.com"})
    upsert(sync, {"external_id": "C-1", "city": "Oslo"})
    sync.call("DELETE", f"contacts/{id_of(sync, 'Ben')}")
    found, cursor, more = list[Any](), start["next"], True
    while more:
        page = sync.get("contacts/changes", cursor=cursor, limit=2).json()
        found, cursor, more = found + page["results"], page["next"], page["more"]
    assert [(c["kind"], c["contact"]["email"]) for c in found] == [
        ("created", "new@example.com"), ("changed", "ann@example.com"), ("deleted", "ben@example.com"),
    ]  # fmt: skip
    assert sync.get("contacts/changes", cursor=cursor).json()["results"] == []
    for bad in ("x", "W10", "a" * 3_000):
        assert problem(sync.get("contacts/changes", cursor=bad)) == (422, "cursor_invalid")


def test_a_cursor_of_long_ago_is_gone(sync: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    from contacts import change_feed

    cursor = sync.get("contacts/changes").json()["next"]
    monkeypatch.setattr(change_feed, "FOLLOWED", timedelta(0))
    assert problem(sync.get("contacts/changes", cursor=cursor)) == (410, "cursor_expired")


# --- strangers ----------------------------------------------------------------------------------------------------------


def test_another_workspace_has_none_of_it(sync: Program, charlie: Actor) -> None:
    stranger, ann = program(charlie), id_of(sync, "Ann")
    cursor = sync.get("contacts/changes").json()["next"]
    upsert(sync, {"external_id": "C-1", "city": "Oslo"})
    assert problem(stranger.get(f"contacts/{ann}")) == (404, "not_found")
    assert stranger.get("contacts").json()["results"] == []
    assert stranger.get("contacts/changes", cursor=cursor).json()["results"] == []
    said = upsert(stranger, {"contact_id": ann, "city": "Rome"})
    assert problem(said) == (422, "contact_invalid")
    assert b"ann@" not in said.content
    made = upsert(stranger, {"email": "ann@example.com"}).json()
    assert made["outcome"] == "created"
    with tenant_context(sync.workspace.pk):
        assert Contact.objects.get(pk=ann).attributes["city"] == "Oslo"
        assert not Segment.objects.exists()
