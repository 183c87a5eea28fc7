"""The list of imports, live."""

from typing import Any

from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from cdp.http import page
from imports import progress
from imports.models import Import, Status
from tenants.roles import allow

PAGE = 25
RUNNING = (Status.PREPARING, Status.IMPORTING)
# name → (label, condition)
FILTERS: dict[str, tuple[str, Q]] = {
    "": ("All", Q()),
    "running": ("Running", Q(status__in=RUNNING)),
    "review": ("Ready for review", Q(status=Status.READY)),
    "imported": ("Imported", Q(status=Status.IMPORTED)),
    "errors": ("With rows in error", Q(status=Status.IMPORTED, in_error__gt=0)),
    "failed": ("Failed", Q(status=Status.FAILED)),
    "canceled": ("Canceled", Q(status=Status.CANCELED)),
}


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
    chosen = request.GET.get("show", "")
    query = request.GET.get("q", "").strip()[:100]
    before = request.GET.get("before", "")
    imports = Import.objects.select_related("created_by").filter(FILTERS.get(chosen, FILTERS[""])[1])
    if query:
        imports = imports.filter(file_name__icontains=query)
    if before.isascii() and before.isdigit() and len(before) < 18:
        imports = imports.filter(pk__lt=int(before))
    rows = list(imports.order_by("-pk")[: PAGE + 1])
    running = [i for i in rows if i.status in RUNNING and i.phase != "draft"]
    return {
        "imports": rows[:PAGE],
        "running": [(i, progress.of(i)) for i in running[:3]],
        "is_live": bool(running),
        "older": rows[PAGE - 1].pk if len(rows) > PAGE else None,
        "show": chosen,
        "q": query,
        "tabs": _tabs(chosen),
        "totals": Import.objects.aggregate(imports=Count("pk"), rows=Sum("rows")),
    }


def _tabs(chosen: str) -> list[dict[str, Any]]:
    counts = Import.objects.aggregate(**{name or "all": Count("pk", filter=q) for name, (_l, q) in FILTERS.items()})
    return [
        {
            "label": label,
            "url": f"?show={name}" if name else "?",
            "count": counts[name or "all"],
            "current": name == chosen,
            "bad": name == "errors",
        }
        for name, (label, _q) in FILTERS.items()
    ]
