"""Duplicates by the API: the groups that the pages show, and what is decided."""

import pytest

from contacts.linkage import queries
from contacts.models import Contact, ProbablePair
from tenants.isolation.context import tenant_context
from tests.api.helpers import Program, problem, program
from tests.cast import Actor


@pytest.fixture
def sync(alice: Actor) -> Program:
    with tenant_context(alice.workspace.pk):
        for name, email in (
            ("Ann", "a@example.com"),
            ("Anna", "a@example.com"),
            ("Ben", "b@example.com"),
            ("Bea", "b@example.com"),
        ):
            Contact.objects.create(first_name=name, email=email, phone="+442079460011" if name == "Ann" else None)
    return program(alice)


@pytest.fixture
def group(sync: Program) -> int:
    with tenant_context(sync.workspace.pk):
        low, high = sorted(Contact.objects.filter(email="a@example.com").values_list("pk", flat=True))
        detail = {"parts": [["email", 4, 9.0, 2]], "people": 4, "household": 0.0}
        queries.replace_pairs(
            [
                {
                    "low": low,
                    "high": high,
                    "group": low,
                    "strength": 9.0,
                    "bits": 9.0,
                    "head": True,
                    "detail": detail,
                    "print": "x",
                }
            ]
        )
    return int(low)


def test_groups_by_address_and_their_members(sync: Program) -> None:
    said = sync.get("duplicates/email").json()
    assert (said["results"], said["next"]) == (
        [{"value": "a@example.com", "contacts": 2}, {"value": "b@example.com", "contacts": 2}], None,
    )  # fmt: skip
    assert [g["value"] for g in sync.get("duplicates/email", q="b@").json()["results"]] == ["b@example.com"]
    assert sync.get("duplicates/phone").json()["results"] == []
    members = sync.get("duplicates/email/members", value="a@example.com").json()
    assert ([c["first_name"] for c in members["results"]], members["more"]) == (["Ann", "Anna"], False)
    assert problem(sync.get("duplicates/name")) == (422, "parameters_invalid")
    assert problem(sync.get("duplicates/email", cursor="x")) == (422, "cursor_invalid")


def test_groups_go_on_behind_a_cursor(sync: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from contacts.duplicates import exact

    monkeypatch.setattr(exact, "GROUPS", 1)
    first = sync.get("duplicates/email").json()
    second = sync.get("duplicates/email", cursor=first["next"]).json()
    assert [g["value"] for page in (first, second) for g in page["results"]] == ["a@example.com", "b@example.com"]
    assert second["next"] is None


def test_probable_ones_are_read_and_decided(sync: Program, group: int) -> None:
    (shown,) = sync.get("probable-duplicates").json()["results"]
    assert (shown["id"], shown["name"]) == (group, "Ann")
    assert shown["probability"] > 0.99
    detail = sync.get(f"probable-duplicates/{group}").json()
    assert [c["first_name"] for c in detail["contacts"]] == ["Ann", "Anna"]
    (pair,) = detail["pairs"]
    assert pair["contacts"] == [c["id"] for c in detail["contacts"]]
    assert pair["reasons"][0].startswith("e-mail")
    assert sync.post(f"probable-duplicates/{group}/decision", {"decision": "not_same"}).status_code == 200
    assert sync.get("probable-duplicates").json()["results"] == []
    assert len(sync.get("probable-duplicates", decision="not_same").json()["results"]) == 1
    with tenant_context(sync.workspace.pk):
        assert ProbablePair.objects.get().decided_by_id == sync.user.pk
    for cursor in ("x", "WyJ4Il0", "WyJuYW5fMSJd"):
        assert problem(sync.get("probable-duplicates", cursor=cursor)) == (422, "cursor_invalid")
    assert sync.post(f"probable-duplicates/{group}/decision", {"decision": "same"}).status_code == 422


def test_strangers_decide_nothing(sync: Program, group: int, charlie: Actor) -> None:
    stranger = program(charlie)
    assert problem(stranger.post(f"probable-duplicates/{group}/decision", {"decision": "later"})) == (404, "not_found")
    assert stranger.get("duplicates/email/members", value="a@example.com").json()["results"] == []
    with tenant_context(sync.workspace.pk):
        assert ProbablePair.objects.get().decision == ""
