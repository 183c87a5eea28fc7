"""The list of imports, live: search, filters, order, sums, and all of it as a file."""

from typing import Any

from django.db.models import Count, Sum
from django.http import HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from core.http import render_page
from imports import csv_output
from imports.models import Import, Status
from imports.pipeline import undo
from imports.problems import catalogue as problem_catalogue
from imports.results import import_list, progress
from imports.results.import_list import FILTERS, RUNNING, ImportListQuery
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest

PAGE = 25
# Running imports that have a card of their own on top.
CARDS = 3
# Columns of the table that sort it: name → label, whether it is a number.
SORTED = {"errors": ("In error", True), "imported": ("Imported", True), "date": ("Started", False)}


@allow("imports.view")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    """Imports, newest first unless asked otherwise, with the running ones on top."""
    return render_page(request, "imports/list.html", _context(request))


@allow("imports.view")
@require_safe
def live(request: WorkspaceRequest) -> HttpResponse:
    """The part of the list that renews itself."""
    return render_page(request, "imports/_list.html", _context(request))


@allow("imports.view")
@require_safe
def download(request: WorkspaceRequest) -> StreamingHttpResponse:
    """The list as CSV: what is asked for, all pages of it."""
    query = ImportListQuery.of(request.GET.dict())
    lines = csv_output.streamed(request.workspace.pk, import_list.lines(query))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="imports.csv"'
    return response


def _context(request: WorkspaceRequest) -> dict[str, Any]:
    query = ImportListQuery.of(request.GET.dict())
    rows = import_list.page(query, rows=PAGE + 1)
    running = [_card(imp) for imp in Import.objects.filter(RUNNING).order_by("-pk")[:CARDS]]
    return {
        "query": query,
        "imports": _rows(rows[:PAGE], {card["import"].pk for card in running if card["stuck"]}),
        "running": running,
        "is_live": bool(running),
        "live_query": query.querystring(after=query.after),
        "csv_query": query.querystring(),
        "older_url": f"?{query.querystring(after=import_list.key(query, rows[PAGE - 1]))}"
        if len(rows) > PAGE
        else None,
        "newest_url": f"?{query.querystring()}" if query.after else None,
        "tabs": _tabs(query),
        "heads": _heads(query),
        "creators": import_list.creators(),
        "origins": import_list.origins(),
        "sums": import_list.sums(query),
        "totals": Import.objects.aggregate(imports=Count("pk"), rows=Sum("rows")),
    }


def _card(imp: Import) -> dict[str, Any]:
    """A running import: its progress, or that of its undo."""
    if imp.undo_direction:
        return {"import": imp, "turned": undo.progress(imp), "stuck": False}
    now = progress.of(imp)
    return {"import": imp, "progress": now, "stuck": now.stuck}


def _rows(imports: list[Import], stuck: set[int]) -> list[dict[str, Any]]:
    """What a row of the table shows. A failed import has what it wrote, not what it had planned."""
    parents = Import.objects.in_bulk({imp.parent_id for imp in imports if imp.parent_id})
    rows = []
    for imp in imports:
        entry: Any = imp
        counts = imp.counts | {"created": entry.wrote_new, "updated": entry.wrote_old}
        reason = problem_catalogue.title(imp.reason) if imp.status == Status.FAILED else ""
        shown = {"import": imp, "counts": counts if imp.ended else None, "imported": entry.good, "reason": reason}
        rows.append(shown | {"stuck": imp.pk in stuck, "parent": parents.get(imp.parent_id)})
    return rows


def _tabs(query: ImportListQuery) -> list[dict[str, Any]]:
    counts = Import.objects.aggregate(**{name or "all": Count("pk", filter=c) for name, (_l, c) in FILTERS.items()})
    return [
        {
            "label": label,
            "url": f"?{query.querystring(show=name)}",
            "count": counts[name or "all"],
            "current": name == query.show,
            "bad": name == "errors",
        }
        for name, (label, _c) in FILTERS.items()
        if counts[name or "all"] or name in ("", "imported", query.show)
    ]


def _heads(query: ImportListQuery) -> dict[str, dict[str, Any]]:
    """Heads of the columns that sort: a first click shows the largest or latest first, a second one turns it around."""
    heads = {}
    for name, (label, is_number) in SORTED.items():
        down, current = query.order == f"-{name}", query.order.removeprefix("-") == name
        heads[name] = {
            "label": label,
            "number": is_number,
            "url": f"?{query.querystring(order=name if down else f'-{name}')}",
            "sorted": ("descending" if down else "ascending") if current else "",
        }
    return heads
