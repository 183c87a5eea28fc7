"""Segments by the API: read, counted, made, changed, and changed back."""

import json
from typing import Any

import pytest

from contacts.models import Contact
from segments.models import Member, Segment, SegmentEdit
from tenants.isolation.context import tenant_context
from tests.api.helpers import Program, problem, program
from tests.api.routes.test_contacts import furnish, id_of
from tests.cast import Actor
from tests.segments import members
from tests.segments.scene import static
from tests.workspace_copies import copy_workspace

RIGA = {"v": 1, "all": [{"attribute": "city", "op": "is", "values": ["Riga"]}]}


@pytest.fixture
def sync(alice: Actor) -> Program:
    copy_workspace(alice, furnish)
    return program(alice)


@pytest.fixture
def vip(sync: Program) -> int:
    ann = id_of(sync, "Ann")
    with tenant_context(sync.workspace.pk):
        return int(static("VIP", [ann]).pk)


def put(sync: Program, path: str, data: Any) -> Any:
    return sync.call("PUT", path, data=json.dumps(data), content_type="application/json")


def inside(sync: Program, segment_id: int) -> set[str]:
    with tenant_context(sync.workspace.pk):
        ids = Member.objects.filter(segment_id=segment_id).values("contact_id")
        return set(Contact.objects.filter(pk__in=ids).values_list("first_name", flat=True))


def test_segments_are_made_listed_and_read(sync: Program, vip: int) -> None:
    made = sync.post("segments", {"name": " Fair  2026 ", "description": "Booth"})
    assert made.status_code == 201, made.content
    assert (made.json()["name"], made.json()["kind"], made.json()["size"]) == ("Fair 2026", "static", 0)
    ruled = sync.post("segments", {"name": "Riga", "description": "Of the city", "rule": RIGA}).json()
    assert (ruled["kind"], ruled["size"], ruled["conditions"], ruled["description"]) == (
        "dynamic", None, ["City is Riga"], "Of the city",
    )  # fmt: skip
    members.run_all(sync.workspace)
    said = sync.get("segments").json()["results"]
    assert [(s["name"], s["kind"], s["size"], s["state"]) for s in said] == [
        ("Riga", "dynamic", 2, "ready"), ("Fair 2026", "static", 0, "ready"), ("VIP", "static", 1, "ready"),
    ]  # fmt: skip
    assert [s["name"] for s in sync.get("segments", kind="static", limit=1).json()["results"]] == ["Fair 2026"]
    assert sync.get(f"segments/{ruled['id']}").json()["rule"] == RIGA
    assert problem(sync.post("segments", {"name": "VIP"})) == (409, "conflict")
    assert problem(sync.post("segments", {"name": "VIP", "rule": RIGA})) == (409, "conflict")
    for body in (
        {"name": "  "},
        {"name": "x" * 121},
        {"name": "x", "rule": {}},
        {"name": "x", "rule": {"v": 1, "all": []}},
    ):
        assert sync.post("segments", body).status_code == 422, body
    with tenant_context(sync.workspace.pk):
        assert {s.created_by_id for s in Segment.objects.exclude(name="VIP")} == {sync.user.pk}


def test_members_are_read_page_by_page(sync: Program, alice: Actor, vip: int) -> None:
    sync.post(f"segments/{vip}/members", {"external_ids": ["C-2", "C-3"]})
    first = sync.get(f"segments/{vip}/members", limit=2).json()
    second = sync.get(f"segments/{vip}/members", limit=2, cursor=first["next"]).json()
    shown = [(m["contact"]["first_name"], m["added_at"] is None) for m in first["results"] + second["results"]]
    assert shown == [("Ann", False), ("Ben", False), ("Cay", False)]
    assert second["next"] is None
    assert problem(sync.get(f"segments/{vip}/members", cursor="x")) == (422, "cursor_invalid")
    narrow = program(alice, "segments.view")
    assert problem(narrow.get(f"segments/{vip}/members")) == (403, "scope_missing")


def test_a_rule_is_counted_and_nothing_is_stored(sync: Program) -> None:
    said = sync.post("segments/count", {"rule": RIGA}).json()
    assert said == {"count": 2, "exact": True, "conditions": ["City is Riga"]}
    sync.call("DELETE", f"contacts/{id_of(sync, 'Ann')}")
    assert sync.post("segments/count", {"rule": RIGA, "deleted": True}).json()["count"] == 1
    for rule in ({}, {"v": 1, "all": []}, {"v": 1, "all": [{"attribute": "no", "op": "is", "values": ["x"]}]},
                 {"v": 1, "all": [{"segment": 999_999, "op": "in"}]}):  # fmt: skip
        assert problem(sync.post("segments/count", {"rule": rule})) == (422, "rule_invalid"), rule
    with tenant_context(sync.workspace.pk):
        assert not Segment.objects.exists()


def test_members_are_added_removed_replaced_and_that_undone(sync: Program, vip: int) -> None:
    ben, cay = id_of(sync, "Ben"), id_of(sync, "Cay")
    added = sync.post(
        f"segments/{vip}/members", {"contacts": [ben, 999_999], "emails": ["CAY@example.com", "no@example.com"]}
    )
    assert added.status_code == 200, added.content
    said = added.json()
    assert (said["added"], said["removed"], said["unknown"], said["size"]) == (2, 0, [999_999, "no@example.com"], 3)
    assert sync.post(f"segments/{vip}/members", {"contacts": [ben]}).json()["edit_id"] is None
    gone = sync.post(f"segments/{vip}/members/remove", {"external_ids": ["C-1", "C-9"]}).json()
    assert (gone["removed"], gone["unknown"], gone["size"]) == (1, ["C-9"], 2)
    assert put(sync, f"segments/{vip}/members", {"contacts": [cay]}).status_code == 422, "the word is needed"
    only = put(
        sync, f"segments/{vip}/members", {"contacts": [cay], "external_ids": ["C-1"], "confirm": "REPLACE"}
    ).json()
    assert (only["added"], only["removed"], inside(sync, vip)) == (1, 1, {"Ann", "Cay"})
    back = sync.post(f"segment-edits/{only['edit_id']}/undo").json()
    assert (back["added"], back["removed"], inside(sync, vip)) == (1, 1, {"Ben", "Cay"})
    assert sync.post(f"segment-edits/{only['edit_id']}/undo").json()["added"] == 0
    assert sync.post(f"segment-edits/{gone['edit_id']}/undo").json()["size"] == 3
    with tenant_context(sync.workspace.pk):
        assert {edit.user_id for edit in SegmentEdit.objects.all()} == {sync.user.pk}
    emptied = put(sync, f"segments/{vip}/members", {"confirm": "REPLACE"}).json()
    assert (emptied["removed"], emptied["size"]) == (3, 0)


def test_nobody_is_put_into_a_dynamic_or_deleted_segment(sync: Program, vip: int) -> None:
    ruled = sync.post("segments", {"name": "Riga", "rule": RIGA}).json()["id"]
    assert problem(sync.post(f"segments/{ruled}/members", {"external_ids": ["C-1"]})) == (409, "conflict")
    with tenant_context(sync.workspace.pk):
        Segment.objects.filter(pk=vip).update(archived_at="2026-05-31T10:00:00Z")
    assert problem(sync.post(f"segments/{vip}/members", {"external_ids": ["C-1"]})) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [{"contacts": [0]}, {"contacts": ["x"]}, {"contacts": [2**63]}, {"contacts": list(range(1, 5_002))}, {"emails": [1]},
     {"contacts": list(range(1, 3_000)), "external_ids": ["x"] * 3_000}, {"surprise": 1}],
)  # fmt: skip
def test_bad_lists_are_refused(sync: Program, vip: int, body: Any) -> None:
    assert sync.post(f"segments/{vip}/members", body).status_code == 422
    assert inside(sync, vip) == {"Ann"}


def test_contacts_of_another_workspace_are_unknown(sync: Program, vip: int, charlie: Actor) -> None:
    stranger = program(charlie)
    own = stranger.post("segments", {"name": "Mine"}).json()["id"]
    said = stranger.post(f"segments/{own}/members", {"contacts": [id_of(sync, "Ann")], "external_ids": ["C-1"]}).json()
    assert (said["added"], len(said["unknown"])) == (0, 2)
    assert problem(stranger.post("segments/count", {"rule": {"v": 1, "all": [{"segment": vip, "op": "in"}]}}))[0] == 422
