"""Sources, match reports and resolved contacts by the API."""

from typing import Any

import pytest

from sources import refresh
from sources.models import Origin, Source, SourceType
from tenants.isolation.context import tenant_context
from tests.api.helpers import Program, problem, program
from tests.api.routes.test_contacts import furnish, id_of
from tests.cast import Actor
from tests.segments.scene import static
from tests.tracking.helpers import device, hit, site_of, stored
from tests.workspace_copies import copy_workspace


@pytest.fixture
def sync(alice: Actor) -> Program:
    copy_workspace(alice, furnish)
    site = site_of(alice.workspace)
    on = device()
    stored(site, hit(on), hit(on, "identify", email="ann@example.com"))
    return program(alice)


@pytest.fixture
def club(sync: Program) -> int:
    ann, ben = id_of(sync, "Ann"), id_of(sync, "Ben")
    with tenant_context(sync.workspace.pk):
        vip = static("VIP", [ann, ben])
        source: Any = Source.objects.create(
            name="Club", type=SourceType.CUSTOMERS, origin=Origin.SEGMENTS, segments=[vip.pk], created_by=sync.user
        )
        refresh.begin(source)
    refresh.work(sync.workspace.pk, source.pk)
    return int(source.pk)


def test_sources_with_their_reports_and_members(sync: Program, club: int, alice: Actor) -> None:
    (shown,) = sync.get("sources").json()["results"]
    assert (shown["id"], shown["name"], shown["contacts"], shown["matched"], shown["match_rate"]) == (
        club,
        "Club",
        2,
        1,
        0.5,
    )
    assert sync.get(f"sources/{club}").json() == shown
    report = sync.get(f"sources/{club}/match-report").json()
    assert {p["key"]: p["count"] for p in report["parts"]} == {
        "external_id": 0, "email": 1, "phone": 0, "ambiguous": 0, "unseen": 1,
    }  # fmt: skip
    assert sum(p["count"] for p in report["parts"]) == report["contacts"]
    assert [day["matched"] for day in report["growth"]] == [1]
    (ann,) = sync.get(f"sources/{club}/members").json()["results"]
    assert (ann["contact"]["first_name"], ann["matched_by"]) == ("Ann", "email")
    (ben,) = sync.get(f"sources/{club}/members", matched="false").json()["results"]
    assert (ben["contact"]["first_name"], ben["matched_by"]) == ("Ben", None)
    narrow = program(alice, "sources.view")
    assert problem(narrow.get(f"sources/{club}/members")) == (403, "scope_missing")


def test_a_removed_source_is_not_there(sync: Program, club: int) -> None:
    with tenant_context(sync.workspace.pk):
        Source.objects.update(archived_at="2026-05-31T10:00:00Z")
    assert sync.get("sources").json()["results"] == []
    for path in (f"sources/{club}", f"sources/{club}/match-report", f"sources/{club}/members"):
        assert problem(sync.get(path)) == (404, "not_found")


def test_resolved_contacts_with_filters(sync: Program, club: int) -> None:
    (ann,) = sync.get("resolved-contacts").json()["results"]
    assert (ann["contact"]["first_name"], ann["visits"], ann["matched_by"]) == ("Ann", 1, "email")
    assert [s["name"] for s in ann["sources"]] == ["Club"]
    for query in (
        {"q": "ann"},
        {"source": club},
        {"visits": "1"},
        {"kind": "new"},
        {"page": "shop.example"},
        {"oldest": "true"},
    ):
        assert len(sync.get("resolved-contacts", **query).json()["results"]) == 1, query
    for query in ({"q": "ben"}, {"visits": "more"}, {"kind": "returning"}, {"region": "LV"}, {"until": "2001-01-01"}):
        assert sync.get("resolved-contacts", **query).json()["results"] == [], query
    for query in (
        {"visits": "9"},
        {"region": "XX"},
        {"cursor": "x"},
        {"cursor": "WyJ4Il0"},
        {"since": "soon"},
        {"limit": "0"},
    ):
        assert sync.get("resolved-contacts", **query).status_code == 422, query


def test_strangers_see_none(sync: Program, club: int, charlie: Actor) -> None:
    stranger = program(charlie)
    assert stranger.get("resolved-contacts").json()["results"] == []
    assert stranger.get("resolved-contacts", source=club).json()["results"] == []
    assert problem(stranger.get(f"sources/{club}/members")) == (404, "not_found")
