"""Imports: made of files, started, watched, undone; their rows in error, corrected and imported again."""

from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router
from pydantic import Field

from api import cursors
from api.schemas import Cursor, Id, Limit, Moment, Output, Page
from api.scopes import Scope
from imports.models import Import, Status
from imports.results import outcome

router = Router(tags=["Imports"])


class ImportOut(Output):
    """An import in the list."""

    id: Id
    url: str = Field(description="Its page.", examples=["https://cdp.example.com/w/nordvik/imports/17/"])
    file_name: str = Field(examples=["contacts.csv"])
    description: str = Field(examples=["Nightly export of the shop"])
    origin: str = Field(description="browser, command, api, mended …", examples=["api"])
    status: Status = Field(examples=["imported"])
    phase: str = Field(description="The step of the work.", examples=["done"])
    ended: bool = Field(examples=[True])
    created_at: Moment
    finished_at: Moment | None
    rows: int | None = Field(description="Null until the file is read.", examples=[1204])
    created: int = Field(examples=[1000])
    updated: int = Field(examples=[150])
    unchanged: int = Field(examples=[40])
    duplicates: int = Field(examples=[4])
    skipped: int = Field(examples=[0])
    in_error: int = Field(examples=[10])


class ImportDetail(ImportOut):
    """An import with all counts."""

    reason: str = Field(description="Code of the problem of a failed import, or empty.", examples=[""])
    sentence: str = Field(description="The problem in words, or empty.", examples=[""])
    not_reached: int = Field(description="Rows that a canceled or failed import did not reach.", examples=[0])
    matched_visitors: int = Field(examples=[12])
    events: int = Field(description="Events added.", examples=[0])
    events_known: int = Field(description="Events that were known.", examples=[0])
    issues_by_code: dict[str, int] = Field(examples=[{"email_invalid": 10}])
    seconds: float = Field(description="Seconds of work.", examples=[4.2])


def listed(request: Any, imp: Import) -> dict[str, Any]:
    """An import as ImportOut."""
    names = ("file_name", "description", "origin", "status", "phase", "ended", "created_at", "finished_at", "rows")
    return {
        "id": imp.pk,
        "url": outcome.url_of(request.workspace, imp),
        **{name: getattr(imp, name) for name in (*names, *Import.OUTCOMES)},
    }


def detailed(request: Any, imp: Import) -> dict[str, Any]:
    """An import as ImportDetail."""
    return {**listed(request, imp), **outcome.describe(request.workspace, imp), "sentence": outcome.sentence(imp)}


@router.get("/imports", auth=Scope("imports.view"), response=Page[ImportOut], summary="List imports")
def list_imports(request: Any, status: Status | None = None, cursor: Cursor = "", limit: Limit = 50) -> dict[str, Any]:
    """Imports, the newest first, of one status or all."""
    imports = Import.objects.order_by("-pk")
    if status:
        imports = imports.filter(status=status)
    if after := cursors.decode(cursor, int):
        imports = imports.filter(pk__lt=after[0])
    shown, following = cursors.page(imports[: limit + 1], limit, "pk")
    return {"results": [listed(request, imp) for imp in shown], "next": following}


@router.get("/imports/{int:import_id}", auth=Scope("imports.view"), response=ImportDetail, summary="Read an import")
def read_import(request: Any, import_id: int) -> dict[str, Any]:
    """An import with its counts, and how often each problem was found."""
    return detailed(request, get_object_or_404(Import, pk=import_id))
