"""The list of imports, live."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from cdp.http import page
from imports import problems, progress
from imports.models import Import, Phase, Status
from tenants.roles import allow

PAGE = 25
RUNNING = Q(status__in=(Status.PREPARING, Status.IMPORTING)) & ~Q(phase=Phase.DRAFT)
# name → (label, condition)
FILTERS: dict[str, tuple[str, Q]] = {
    "": ("All", Q()),
    "running": ("Running", RUNNING),
    "mapping": ("Needs its mapping", Q(phase=Phase.DRAFT)),
    "review": ("Ready for review", Q(status=Status.READY)),
    "imported": ("Imported", Q(status=Status.IMPORTED)),
    "errors": ("With rows in error", Q(status=Status.IMPORTED, in_error__gt=0)),
    "failed": ("Failed", Q(status=Status.FAILED)),
    "canceled": ("Canceled", Q(status=Status.CANCELED)),
}
# Running imports that have a card of their own on top.
CARDS = 3


@allow("imports.view")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Imports, newest first, with the running ones on top."""
    return page(request, "imports/list.html", _context(request))


@allow("imports.view")
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The part of the list that renews itself."""
    return page(request, "imports/_list.html", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    asked = {
        "show": request.GET.get("show", "") if request.GET.get("show") in FILTERS else "",
        "q": request.GET.get("q", "").replace("\x00", "").strip()[:100],
        "before": _id(request.GET.get("before", "")),
    }
    imports = _wanted(**asked)
    rows = list(imports.order_by("-pk")[: PAGE + 1])
    running = [(imp, progress.of(imp)) for imp in Import.objects.filter(RUNNING).order_by("-pk")[:CARDS]]
    kept = {name: asked[name] for name in ("show", "q") if asked[name]}
    return {
        "imports": _rows(rows[:PAGE], {imp.pk for imp, now in running if now.stuck}),
        "running": running,
        "is_live": bool(running),
        "live_query": urlencode({name: value for name, value in asked.items() if value}),
        "older_url": f"?{urlencode(kept | {'before': rows[PAGE - 1].pk})}" if len(rows) > PAGE else None,
        "newest_url": f"?{urlencode(kept)}" if asked["before"] else None,
        "tabs": _tabs(asked["show"], asked["q"]),
        "totals": Import.objects.aggregate(imports=Count("pk"), rows=Sum("rows")),
        **asked,
    }


def _id(text: str) -> str:
    return text if text.isascii() and text.isdigit() and len(text) < 18 else ""


def _wanted(*, show: str, q: str, before: str) -> Any:
    imports = Import.objects.select_related("created_by").filter(FILTERS[show][1])
    if q:
        imports = imports.filter(file_name__icontains=q)
    return imports.filter(pk__lt=int(before)) if before else imports


def _rows(imports: list[Import], stuck: set[int]) -> list[dict[str, Any]]:
    """What a row of the table shows. A failed import has what it wrote, not what it had planned."""
    written = progress.written(imp for imp in imports if imp.status == Status.FAILED)
    rows = []
    for imp in imports:
        counts = imp.counts | written.get(imp.pk, {})
        reason = problems.title(imp.reason) if imp.status == Status.FAILED else ""
        imported = sum(counts[name] for name in ("created", "updated", "unchanged", "duplicates"))
        shown = {"import": imp, "counts": counts if imp.ended else None, "imported": imported, "reason": reason}
        rows.append(shown | {"stuck": imp.pk in stuck})
    return rows


def _tabs(chosen: str, q: str) -> list[dict[str, Any]]:
    counts = Import.objects.aggregate(**{name or "all": Count("pk", filter=c) for name, (_l, c) in FILTERS.items()})
    return [
        {
            "label": label,
            "url": f"?{urlencode({k: v for k, v in (('show', name), ('q', q)) if v})}",
            "count": counts[name or "all"],
            "current": name == chosen,
            "bad": name == "errors",
        }
        for name, (label, _c) in FILTERS.items()
        if counts[name or "all"] or name in ("", "imported", chosen)
    ]
