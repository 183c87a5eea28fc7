"""Exports of contacts: asked for, followed, and fetched as a file, by the same permission and job as those of pages."""

from typing import Any, Literal

from django.http import FileResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router, Status
from pydantic import Field

from api import cursors
from api.problems import Problem, answers
from api.routes.contacts import StatusName
from api.routes.segments import RULE, read_rule
from api.schemas import Cursor, Id, Input, Limit, Moment, Output, Page
from api.scopes import Scope
from contacts.bulk import actions, export
from contacts.listing import rule_filter
from contacts.models import BulkAction, BulkState
from segments.models import Segment
from segments.rules import tree
from segments.rules.tree import Group, InSegment

router = Router(tags=["Exports"])
# Exports of a workspace that are under way at once: each reads all of its contacts in one statement.
MOST_ACTIVE = 5


class ExportBody(Input):
    """Which contacts, and how they are written. All parts must hold; without any, all living contacts."""

    segment: Id | None = Field(default=None, description="A segment whose members they are.", examples=[17])
    rule: dict[str, Any] | None = Field(default=None, description="A rule as segments have it.", examples=[RULE])
    q: str = Field(default="", max_length=200, description="As in the search box.", examples=[""])
    status: StatusName | None = Field(default=None, description="A status filter of the list.", examples=[None])  # type: ignore[valid-type]
    deleted: bool = Field(default=False, description="Deleted contacts instead of living ones.")
    mode: Literal["raw", "safe"] = Field(
        default="raw",
        description="safe: cells that a spreadsheet could take for a formula get an apostrophe. Imports read both.",
    )


class ExportOut(Output):
    """An export, under way or ended."""

    id: Id
    state: BulkState = Field(description="done: the file is ready.", examples=["done"])
    contacts: int = Field(description="In the file, or so far.", examples=[1204])
    total: int = Field(description="How many were meant when it began; 0 before they are counted.", examples=[1204])
    bytes: int | None = Field(description="Size of the file; null while there is none.", examples=[201_344])
    error: str = Field(description="Why it failed, in words.", examples=[""])
    created_at: Moment
    finished_at: Moment | None
    until: Moment | None = Field(description="Until when the file can be fetched.")


def _shown(action: BulkAction, *, days: int) -> dict[str, Any]:
    return {
        "id": action.pk,
        "state": action.state,
        "contacts": export.so_far(action) if action.active else action.done,
        "total": action.total,
        "bytes": action.result.get("bytes"),
        "error": action.error,
        "created_at": action.created_at,
        "finished_at": action.finished_at,
        "until": export.until(action, days=days),
    }


@router.post("/exports", auth=Scope("contacts.export"), response={202: ExportOut}, summary="Export contacts")
@answers(422, "rule_invalid")
def create_export(request: Any, body: ExportBody) -> Any:
    """Write contacts into a file, in the background: CSV with all fields. 409 while five exports are under
    way. An entry of the audit log says who has asked for whom."""
    selection = _selection(body)
    if BulkAction.objects.filter(kind="export", state__in=BulkAction.ACTIVE).count() >= MOST_ACTIVE:
        raise Problem(409, "conflict", f"{MOST_ACTIVE} exports are under way. Ask again when one has ended.")
    begun = actions.begin(
        "export", selection, user_id=request.user.pk, mode=body.mode, mark=body.mode == "safe", mail=False
    )
    return Status(202, _shown(begun, days=export.kept_days()))


def _selection(body: ExportBody) -> dict[str, Any]:
    """Whom the list of contacts would show. Raises Problem 422."""
    parts: list[Any] = []
    if body.segment is not None:
        if not Segment.objects.present().filter(pk=body.segment).exists():
            raise Problem(422, "rule_invalid", f"There is no segment with the ID {body.segment}.")
        parts.append(InSegment(body.segment))
    if body.rule is not None:
        parts.append(read_rule(body.rule))
    rule = ""
    if parts:
        rule = tree.dumps(read_rule(tree.plain(Group("all", tuple(parts)))))
    if len(rule) > rule_filter.MAX_LENGTH:
        raise Problem(422, "rule_invalid", "The rule is too long. Save it as a segment, and export that.")
    said = {"show": "deleted" if body.deleted else "", "status": body.status or "", "q": body.q.strip(), "rule": rule}
    return {name: value for name, value in said.items() if value}


@router.get("/exports", auth=Scope("contacts.export"), response=Page[ExportOut], summary="List exports")
@answers(422, "cursor_invalid")
def list_exports(request: Any, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """Exports of the workspace, by programs and on pages, the newest first."""
    found = BulkAction.objects.filter(kind="export").order_by("-pk")
    if after := cursors.decode(cursor, int):
        found = found.filter(pk__lt=after[0])
    rows, following = cursors.page(found[: limit + 1], limit, "pk")
    days = export.kept_days()
    return {"results": [_shown(action, days=days) for action in rows], "next": following}


def _export(export_id: int) -> BulkAction:
    action: BulkAction = get_object_or_404(BulkAction, pk=export_id, kind="export")
    return action


@router.get("/exports/{int:export_id}", auth=Scope("contacts.export"), response=ExportOut, summary="Read an export")
def read_export(request: Any, export_id: int) -> dict[str, Any]:
    """How far an export is."""
    return _shown(_export(export_id), days=export.kept_days())


@router.get(
    "/exports/{int:export_id}/file",
    auth=Scope("contacts.export"),
    summary="Download an export",
    openapi_extra={"responses": {200: {"description": "CSV", "content": {"text/csv": {"schema": {"type": "string"}}}}}},
)
@answers(410, "file_gone")
@answers(409, "conflict")
def download_export(request: Any, export_id: int) -> FileResponse:
    """The file. 409 while it is written or where that failed; 410 after its time, or since a person was erased."""
    action = _export(export_id)
    if action.state != BulkState.DONE:
        raise Problem(409, "conflict", "The file is not ready." if action.active else "The export has failed.")
    path = export.file_of(action, now=timezone.now())
    if path is None:
        raise Problem(410, "file_gone")
    name = f"contacts-{action.pk}.csv"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")
