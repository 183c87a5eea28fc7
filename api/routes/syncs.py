"""Data syncs: what is sent where, and each run. They are made and started on pages, after a look at who is sent."""

from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router
from pydantic import Field

from api import cursors
from api.problems import answers
from api.routes import audiences
from api.schemas import Cursor, Id, Limit, Moment, Output, Page
from api.scopes import Scope, require
from destinations import syncs
from destinations.models import RunKind, RunState, Sync, SyncRun, SyncState
from tenants.web import workspace_urls

router = Router(tags=["Data syncs"])


class SyncOut(Output):
    """A list of contacts that a list at a destination follows."""

    id: Id
    url: str = Field(description="Its page.", examples=["https://cdp.example.com/w/nordvik/syncs/4/"])
    name: str = Field(examples=["Newsletter to Google"])
    destination: str = Field(description="The connection.", examples=["Nordvik Ads"])
    kind: str = Field(description="What it connects to.", examples=["Google Ads"])
    list_kind: str = Field(description="source, segment, audience or lookalike.", examples=["audience"])
    list_id: Id
    list_name: str = Field(examples=["Newsletter, ads"])
    schedule: str = Field(examples=["hourly"])
    state: SyncState = Field(examples=["healthy"])
    error: str = Field(description="Why it failed, in words.", examples=[""])
    members: int = Field(description="Contacts that the destination was told of.", examples=[1180])
    last_run_at: Moment | None
    next_run_at: Moment | None
    created_at: Moment


class RunOut(Output):
    """A run of a data sync, in contacts."""

    id: Id
    kind: RunKind = Field(description="run, dry, full or removal.", examples=["run"])
    state: RunState = Field(examples=["ended"])
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    processed: int = Field(description="In the list.", examples=[1204])
    added: int = Field(examples=[30])
    changed: int = Field(examples=[4])
    removed: int = Field(examples=[2])
    left_out: dict[str, int] = Field(description="Not sent, by reason.", examples=[{"never_asked": 24}])
    rejected: dict[str, int] = Field(description="Refused by the destination, by reason.", examples=[{}])
    batches: int = Field(description="Requests.", examples=[1])
    error: str = Field(examples=[""])


def _sync(request: Any, row: syncs.Summary) -> dict[str, Any]:
    sync = row.sync
    names = ("name", "list_kind", "list_id", "schedule", "state", "error", "members", "last_run_at", "created_at")
    return {
        "id": sync.pk,
        "url": workspace_urls.absolute(workspace_urls.inside(request.workspace.slug, "destinations:sync", sync.pk)),
        "destination": row.destination.name,
        "kind": row.kind_label,
        "list_name": row.list_name,
        "next_run_at": row.next_run_at,
        **{name: getattr(sync, name) for name in names},
    }


def _page(request: Any, found: Any, cursor: str, limit: int) -> dict[str, Any]:
    if after := cursors.decode(cursor, int):
        found = found.filter(pk__lt=after[0])
    rows, following = cursors.page(found.order_by("-pk")[: limit + 1], limit, "pk")
    return {"results": [_sync(request, row) for row in syncs.summaries(rows)], "next": following}


@router.get("/syncs", auth=Scope("syncs.view"), response=Page[SyncOut], summary="List data syncs")
@answers(422, "cursor_invalid")
def list_syncs(request: Any, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """Data syncs, the newest first."""
    return _page(request, syncs.present(), cursor, limit)


@router.get(
    "/audiences/{int:audience_id}/syncs", auth=Scope("syncs.view"), response=Page[SyncOut],
    summary="List data syncs of an audience",
)  # fmt: skip
@answers(422, "cursor_invalid")
def list_audience_syncs(request: Any, audience_id: int, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """The data syncs that send an audience, the newest first. Needs the scope audiences.view, too."""
    require(request, "audiences.view")
    audience = audiences.present(audience_id)
    return _page(request, syncs.present().filter(list_kind="audience", list_id=audience.pk), cursor, limit)


@router.get("/syncs/{int:sync_id}", auth=Scope("syncs.view"), response=SyncOut, summary="Read a data sync")
def read_sync(request: Any, sync_id: int) -> dict[str, Any]:
    """A data sync with its state."""
    return _sync(request, syncs.summary(get_object_or_404(syncs.present(), pk=sync_id)))


@router.get("/syncs/{int:sync_id}/runs", auth=Scope("syncs.view"), response=Page[RunOut], summary="List runs")
@answers(422, "cursor_invalid")
def list_runs(request: Any, sync_id: int, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """The runs of a data sync, the latest first: who was added, removed, not sent and refused, and why."""
    sync: Sync = get_object_or_404(syncs.present(), pk=sync_id)
    before = cursors.decode(cursor, int)
    found = syncs.runs(sync, before=before[0] if before else None, count=limit + 1)
    rows, following = cursors.page(found, limit, "pk")
    return {"results": [_run(row) for row in rows], "next": following}


def _run(run: SyncRun) -> dict[str, Any]:
    return {"id": run.pk, **{name: getattr(run, name) for name in RunOut.model_fields if name != "id"}}
