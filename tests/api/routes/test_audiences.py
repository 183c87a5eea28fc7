"""Audiences by the API: counted, made, changed, deleted and restored; members; the same as on their pages."""

import json
from typing import Any

import pytest

from audiences.models import Audience
from contacts.models import Contact
from segments.models import Segment
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.api.helpers import Program, problem, program
from tests.audiences import scene
from tests.cast import Actor


@pytest.fixture
def sync(alice: Actor) -> Program:
    return program(alice)


@pytest.fixture
def lists(sync: Program) -> dict[str, int]:
    """A source of five people, of whom two agreed to ads, and a segment of one of these."""
    with tenant_context(sync.workspace.pk):
        people = [
            scene.contact(f"p{n}@example.com", ads) for n, ads in enumerate(("granted", "granted", "denied", None, ""))
        ]
        return {"source": scene.source("Fair", people).pk, "segment": scene.segment("Staff", people[:1]).pk}


def of(kind: str, pk: int) -> dict[str, Any]:
    return {"kind": kind, "id": pk}


def body(lists: dict[str, int], **more: Any) -> dict[str, Any]:
    return {"name": "Fair, ads", "use": "meta", "include": [of("source", lists["source"])], **more}


def patch(sync: Program, pk: int, **changes: Any) -> Any:
    return sync.call("PATCH", f"audiences/{pk}", data=json.dumps(changes), content_type="application/json")


def test_an_audience_is_counted_made_built_and_read(sync: Program, lists: dict[str, int]) -> None:
    asked = {"use": "meta", "include": [of("source", lists["source"])], "exclude": [of("segment", lists["segment"])]}
    counted = sync.post("audiences/preview", asked)
    assert counted.status_code == 200, counted.content
    said = counted.json()
    assert [(s["key"], s["remain"], s["less"]) for s in said["steps"]] == [
        ("include", 5, 0), ("exclude", 4, 1), ("ads", 1, 3), ("valid", 1, 0), ("suppressed", 1, 0),
    ]  # fmt: skip
    assert said["steps"][2]["reasons"] == [
        {"reason": "never asked", "contacts": 2}, {"reason": "said no", "contacts": 1},
    ]  # fmt: skip
    assert [(one["name"], one["contacts"]) for one in said["lists"]] == [("Fair", 5), ("Staff", 1)]
    assert (said["size"], said["enter"], said["leave"]) == (1, 1, 0)
    with tenant_context(sync.workspace.pk):
        assert not Audience.objects.exists()
    made = sync.post("audiences", {"name": " Fair,  ads ", **asked})
    assert made.status_code == 201, made.content
    assert (made.json()["name"], made.json()["size"], made.json()["state"]) == ("Fair, ads", None, "building")
    assert made.json()["conditions"] == ["ads", "valid", "suppressed"]
    scene.run_all(sync.workspace)
    pk = made.json()["id"]
    read = sync.get(f"audiences/{pk}").json()
    assert (read["size"], read["state"]) == (1, "ready")
    assert read["words"].startswith("Contacts in Fair but not in Staff, who agreed to ads")
    assert sync.get("audiences").json()["results"] == [read]
    again = sync.get(f"audiences/{pk}/funnel").json()
    assert (again["steps"], again["enter"], again["leave"]) == (said["steps"], 0, 0)
    with tenant_context(sync.workspace.pk):
        entry = AuditEntry.objects.get(verb="audience.created")
        assert (entry.object, entry.user_id) == (f"audience {pk}", sync.user.pk)


def test_a_request_with_a_key_makes_one_audience(sync: Program, lists: dict[str, int]) -> None:
    first, second = (sync.post("audiences", body(lists), Idempotency_Key="one") for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert problem(sync.post("audiences", body(lists))) == (409, "conflict"), "the name is taken"
    with tenant_context(sync.workspace.pk):
        assert Audience.objects.count() == 1


def test_an_audience_is_changed_by_what_is_sent_alone(sync: Program, lists: dict[str, int]) -> None:
    made = sync.post("audiences", body(lists, description="Booth")).json()
    changed = patch(sync, made["id"], use="email", conditions=["email"], exclude=[of("segment", lists["segment"])])
    assert changed.status_code == 200, changed.content
    said = changed.json()
    assert (said["name"], said["description"], said["use"]) == ("Fair, ads", "Booth", "email")
    assert (said["include"], said["conditions"]) == (made["include"], ["email", "suppressed"])
    scene.run_all(sync.workspace)
    assert sync.get(f"audiences/{made['id']}").json()["size"] == 4
    assert problem(patch(sync, made["id"], version=made["version"], name="Late")) == (409, "conflict")
    assert patch(sync, made["id"], version=said["version"], name="In time").json()["name"] == "In time"
    assert problem(patch(sync, made["id"], include=[of("source", 999_999)])) == (422, "definition_invalid")
    same = [of("source", lists["source"])]
    assert problem(patch(sync, made["id"], exclude=same)) == (422, "definition_invalid")


def test_it_is_deleted_and_restored_unless_something_uses_it(sync: Program, lists: dict[str, int]) -> None:
    pk = sync.post("audiences", body(lists)).json()["id"]
    with tenant_context(sync.workspace.pk):
        from destinations.models import Destination, Sync

        place = Destination.objects.create(kind="meta", name="Ads", secret="x")
        own = {"destination_id": place.pk, "list_kind": "audience"}
        use = Sync.objects.create(name="To Meta", list_id=pk, **own)
        Sync.objects.create(name="Other", list_id=pk + 1, **own)
    assert problem(sync.call("DELETE", f"audiences/{pk}")) == (409, "conflict")
    assert [one["name"] for one in sync.get(f"audiences/{pk}/syncs").json()["results"]] == ["To Meta"]
    with tenant_context(sync.workspace.pk):
        use.delete()
    gone = sync.call("DELETE", f"audiences/{pk}")
    assert gone.status_code == 200, gone.content
    assert gone.json()["archived_at"]
    assert sync.get("audiences").json()["results"] == []
    assert [one["id"] for one in sync.get("audiences", deleted="true").json()["results"]] == [pk]
    for path in ("members", "funnel", "syncs"):
        assert problem(sync.get(f"audiences/{pk}/{path}")) == (404, "not_found")
    assert problem(sync.call("DELETE", f"audiences/{pk}")) == (404, "not_found")
    other = sync.post("audiences", body(lists)).json()["id"]
    assert problem(sync.post(f"audiences/{pk}/restore", {})) == (409, "conflict")
    back = sync.post(f"audiences/{pk}/restore", {"name": "Fair again"}).json()
    assert (back["name"], back["archived_at"], back["state"]) == ("Fair again", None, "building")
    assert sync.post(f"audiences/{pk}/restore", {"name": "x"}).json()["name"] == "Fair again", "it was not deleted"
    assert [one["id"] for one in sync.get("audiences", limit=1).json()["results"]] == [other]
    assert sync.post(f"audiences/{pk}/refresh").status_code == 200


def test_members_are_read_page_by_page_without_those_deleted(
    sync: Program, alice: Actor, lists: dict[str, int]
) -> None:
    pk = sync.post("audiences", body(lists, use="file")).json()["id"]
    scene.run_all(sync.workspace)
    with tenant_context(sync.workspace.pk):
        Contact.objects.filter(email="p1@example.com").update(deleted_at="2026-05-31T10:00:00Z")
    seen, cursor = [], ""
    while cursor is not None:
        page = sync.get(f"audiences/{pk}/members", limit=2, cursor=cursor).json()
        seen += [one["contact"]["email"] for one in page["results"]]
        cursor = page["next"]
    assert seen == [f"p{n}@example.com" for n in (0, 2, 3, 4)]
    narrow = program(alice, "audiences.view")
    assert problem(narrow.get(f"audiences/{pk}/members")) == (403, "scope_missing")
    assert problem(narrow.get(f"audiences/{pk}/syncs")) == (403, "scope_missing")
    assert problem(narrow.post("audiences", body(lists))) == (403, "scope_missing")
    assert (
        narrow.post("audiences/preview", {"use": "file", "include": [of("source", lists["source"])]}).status_code == 200
    )


@pytest.mark.parametrize(
    "changes",
    [{"include": []}, {"include": [{"kind": "audience", "id": 1}]}, {"include": [{"kind": "source", "id": 0}]},
     {"include": [{"kind": "source", "id": n} for n in range(1, 22)]}, {"conditions": ["rich"]}, {"use": "fax"},
     {"name": " "}, {"name": "x" * 121}, {"include": [{"kind": "source", "id": 999_999}]}, {"surprise": 1}],
)  # fmt: skip
def test_bad_definitions_are_refused_before_anything_is_counted(
    sync: Program, lists: dict[str, int], changes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audiences.funnel.count", lambda *_args, **_more: pytest.fail("it was counted"))
    assert sync.post("audiences", body(lists, **changes)).status_code == 422
    if "name" not in changes:
        asked = {name: value for name, value in body(lists, **changes).items() if name != "name"}
        assert sync.post("audiences/preview", asked).status_code == 422
    with tenant_context(sync.workspace.pk):
        assert not Audience.objects.exists()
        assert not Segment.everything.filter(purpose="audience").exists()


def test_lists_of_another_workspace_do_not_exist(sync: Program, lists: dict[str, int], charlie: Actor) -> None:
    stranger = program(charlie)
    pk = sync.post("audiences", body(lists)).json()["id"]
    assert stranger.get("audiences").json()["results"] == []
    assert problem(stranger.get(f"audiences/{pk}")) == (404, "not_found")
    assert problem(stranger.post("audiences", body(lists))) == (422, "definition_invalid")
    asked = {"use": "file", "include": [of("source", lists["source"])]}
    assert problem(stranger.post("audiences/preview", asked)) == (422, "definition_invalid")


def test_a_viewer_reads_and_writes_nothing(sync: Program, lists: dict[str, int], member: Any) -> None:
    viewer = program(member("viewer"))
    pk = sync.post("audiences", body(lists)).json()["id"]
    assert viewer.get(f"audiences/{pk}").status_code == 200
    assert problem(viewer.post("audiences", body(lists))) == (403, "scope_missing")
    assert problem(viewer.call("DELETE", f"audiences/{pk}")) == (403, "scope_missing")
