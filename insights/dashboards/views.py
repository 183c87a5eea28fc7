"""Dashboards: three pages, each of parts that load by themselves, and the tables of parts as files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from core.http import not_found, redirect_to, render_page
from insights.dashboards import analytics, audience, contact_base, guide
from insights.dashboards.date_range import PRESETS, DashboardQuery
from insights.dashboards.parts import Asked, Part
from tenants.roles import allow, tolerates_lag
from tenants.web.request import WorkspaceRequest, user_id
from tracking import tally_rebuild
from tracking.models import Site

# Page → its tab, parts, and whether a site can be chosen.
PAGES: dict[str, tuple[str, Sequence[Part], bool]] = {
    "audience": ("Audience", audience.PARTS, True),
    "analytics": ("Analytics", analytics.PARTS, True),
    "base": ("Contact base", contact_base.PARTS, False),
}
SITES = 200


@allow("dashboards.view")
@tolerates_lag
@require_safe
def page(request: WorkspaceRequest, name: str) -> HttpResponse:
    """A page: its head at once, and the room in which its parts appear."""
    asked = _asked(request)
    _label, parts, by_site = PAGES[name]
    steps = guide.steps(request.membership) if name == "audience" else []
    hidden = bool(steps) and guide.is_hidden(user_id(request))
    context = {
        **_frame(name, asked),
        "parts": [(part, _part_url(name, part) + asked.query.link()) for part in parts],
        "sites": list(Site.objects.order_by("name").values_list("pk", "name")[:SITES]) if by_site else [],
        "live_url": reverse("insights:live") + asked.query.link() if name == "analytics" else "",
        "steps": steps, "done": sum(step.done for step in steps), "hidden": hidden,
        # While the tallies are made anew, figures of visitors and orders are not whole.
        "recounted": tally_rebuild.progress() if by_site else None,
        "guided": bool(steps) and not hidden and not all(step.done for step in steps),
    }  # fmt: skip
    return render_page(request, "insights/dashboard.html", context)


@allow("dashboards.view")
@tolerates_lag
@require_safe
def part(request: WorkspaceRequest, name: str, key: str) -> HttpResponse:
    """One part of a page: as a fragment, or for a browser without scripts as a page of its own."""
    asked, found = _asked(request), _find(name, key)
    shown = found.build(asked)
    context = {
        **_frame(name, asked), "part": found, **shown.context,
        "tables": [(table, _csv_url(name, table.key) + asked.query.link()) for table in shown.tables],
    }  # fmt: skip
    template = "insights/_part.html" if request.headers.get("HX-Request") else "insights/part.html"
    return render_page(request, template, context)


@allow("dashboards.view")
@tolerates_lag
@require_safe
def live(request: WorkspaceRequest) -> HttpResponse:
    """Who is on the sites now; asks again by itself."""
    asked = _asked(request)
    context = {**analytics.LIVE.build(asked).context, "live_url": reverse("insights:live") + asked.query.link()}
    return render_page(request, "insights/_live.html", context)


@allow("dashboards.view")
@tolerates_lag
@require_safe
def table_csv(request: WorkspaceRequest, name: str, key: str) -> HttpResponse | StreamingHttpResponse:
    """A table of a part as a file."""
    asked = _asked(request)
    owner = next(part for part in PAGES[name][1] if key in part.tables)
    table = next((table for table in owner.build(asked).tables if table.key == key), None)
    if table is None:
        return not_found(request)
    response = HttpResponse("".join(table.lines()), content_type="text/csv; charset=utf-8")
    span = asked.query.span
    response["Content-Disposition"] = f'attachment; filename="{key}-{span.first}-{span.last}.csv"'
    return response


@allow("dashboards.view")
@require_POST
def hide_guide(request: WorkspaceRequest) -> HttpResponse:
    """Do not show the first steps to this person any more, or show them again."""
    (guide.show if request.POST.get("show") else guide.hide)(user_id(request))
    return redirect_to(request, "insights:audience")


def _asked(request: WorkspaceRequest) -> Asked:
    now: datetime = timezone.now()
    today = now.astimezone(ZoneInfo(request.workspace.time_zone or "UTC")).date()
    return Asked(DashboardQuery.of(request.GET, today=today), request.workspace, request.membership, now)


def _frame(name: str, asked: Asked) -> dict[str, Any]:
    query = asked.query
    return {
        "name": name, "query": query, "span": query.span, "page_label": PAGES[name][0],
        "before": analytics.span_before(query.span),
        "tabs": [
            {"label": label, "url": reverse(f"insights:{key}") + query.link(), "count": None, "current": key == name}
            for key, (label, _parts, _by_site) in PAGES.items()
        ],
        "presets": [(query.link(days=str(days)), label, query.preset == days) for days, label in PRESETS.items()],
        "page_url": reverse(f"insights:{name}") + query.link(),
    }  # fmt: skip


def _find(name: str, key: str) -> Part:
    return next(part for part in PAGES[name][1] if part.key == key)


def _part_url(name: str, part: Part) -> str:
    return reverse(f"insights:{name}_{part.key}")


def _csv_url(name: str, key: str) -> str:
    return reverse(f"insights:{name}_{key}_csv")
