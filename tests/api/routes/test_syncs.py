"""Data syncs by the API: listed and read, with their runs; nothing of their secrets."""

import pytest

from destinations.models import Destination, Sync, SyncRun
from tenants.isolation.context import tenant_context
from tests.api.helpers import Program, problem, program
from tests.cast import Actor


@pytest.fixture
def sync(alice: Actor) -> Program:
    return program(alice)


@pytest.fixture
def kept(sync: Program) -> int:
    """A data sync with three runs."""
    with tenant_context(sync.workspace.pk):
        place = Destination.objects.create(kind="meta", name="Ads", secret="hush-hush")
        made = Sync.objects.create(
            name="Fair", destination_id=place.pk, list_kind="segment", list_id=1, settings={"audience_id": "600123"}
        )
        for n in range(3):
            SyncRun.objects.create(sync_id=made.pk, processed=n, left_out={"never_asked": n}, rejected={"odd": 1})
        return int(made.pk)


def test_syncs_and_their_runs_are_read(sync: Program, kept: int) -> None:
    said = sync.get(f"syncs/{kept}")
    assert (said.json()["kind"], said.json()["destination"], said.json()["state"]) == ("Meta", "Ads", "draft")
    listed = sync.get("syncs")
    assert listed.json()["results"] == [said.json()]
    assert b"hush" not in said.content + listed.content
    first = sync.get(f"syncs/{kept}/runs", limit=2).json()
    rest = sync.get(f"syncs/{kept}/runs", limit=2, cursor=first["next"]).json()
    assert [run["processed"] for run in first["results"] + rest["results"]] == [2, 1, 0]
    assert (rest["next"], rest["results"][0]["left_out"], rest["results"][0]["rejected"]) == (
        None, {"never_asked": 0}, {"odd": 1},
    )  # fmt: skip


def test_removed_and_foreign_syncs_are_not_found(sync: Program, kept: int, charlie: Actor) -> None:
    stranger = program(charlie)
    for path in (f"syncs/{kept}", f"syncs/{kept}/runs"):
        assert problem(stranger.get(path)) == (404, "not_found")
    assert stranger.get("syncs").json()["results"] == []
    with tenant_context(sync.workspace.pk):
        Sync.objects.filter(pk=kept).update(archived_at="2026-05-31T10:00:00Z")
    assert problem(sync.get(f"syncs/{kept}/runs")) == (404, "not_found")
