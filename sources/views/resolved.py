"""Resolved contacts: the list with its filters, and the same as a file."""

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from contacts.values.vocabulary import COUNTRY_CODES
from core import places
from core.http import render_page
from imports import csv_output
from sources.models import Source
from sources.resolved_contacts import export, listing
from sources.resolved_contacts.listing import CHOICES, ResolvedQuery
from sources.views.ambiguities import tabs
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest
from tracking.models import ContactVisit, Site, Visitor

# What the first choice of a filter is called.
_ANY = {
    "seen": "Last visit: any time", "time": "Any time of day", "visits": "Any number of visits", "spent": "Any time spent",
    "stage": "Any funnel stage", "kind": "New and returning",
}  # fmt: skip
_LABELS = {
    "seen": "Last visit", "time": "Time of day", "visits": "Number of visits", "spent": "Time spent",
    "stage": "Funnel stage", "kind": "New or returning",
}  # fmt: skip


@allow("contacts.view")
@require_safe
def resolved(request: WorkspaceRequest) -> HttpResponse:
    """Contacts that visitors of the sites turned out to be, the last visit first."""
    query = _query(request)
    fragment = request.headers.get("HX-Target") == "resolved-list"
    shown = listing.page(query, now=timezone.now())
    context = {
        "query": query,
        "page": shown,
        "newer_url": f"?{query.querystring(before=shown.newer)}" if shown.newer else None,
        "older_url": f"?{query.querystring(after=shown.older)}" if shown.older else None,
        "exported": [(name, value) for name, value in {**query.filters(), "q": query.q, "order": query.order}.items()],
    }
    if fragment:
        return render_page(request, "sources/_resolved_found.html", context | _filters(query))
    return render_page(request, "sources/resolved.html", context | _frame(query))


@allow("contacts.export")
@require_POST
def resolved_csv(request: WorkspaceRequest) -> StreamingHttpResponse:
    """What the list shows, as a file; who took it is in the audit log."""
    query, tenant_id = _query(request), int(request.workspace.pk)
    audit.record("contact.exported", user_id=request.user.pk, target="resolved contacts", filters=query.filters())
    lines = csv_output.streamed(tenant_id, export.lines(query, now=timezone.now()))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="resolved contacts.csv"'
    return response


def _query(request: WorkspaceRequest) -> ResolvedQuery:
    workspace: Any = request.workspace
    given = request.POST if request.method == "POST" else request.GET
    return ResolvedQuery.of(given.dict(), country=workspace.country or None)


def _frame(query: ResolvedQuery) -> dict[str, Any]:
    """What is around the list and does not change with it."""
    return {
        "tabs": tabs("matched"),
        "any": query.q or query.filters() or ContactVisit.objects.exists(),
        "seen": Visitor.objects.exists(),
        "orders": CHOICES["order"].items(),
        **_filters(query),
    }


def _filters(query: ResolvedQuery) -> dict[str, Any]:
    selects = [
        {"name": name, "label": _LABELS[name], "any": _ANY[name], "choices": CHOICES[name].items(),
         "value": getattr(query, name)}
        for name in _LABELS
    ]  # fmt: skip
    sources = _named(Source.objects.filter(archived_at=None))
    sites = _named(Site.objects)
    others = (
        ("region", "Region", "Any region", places.countries(COUNTRY_CODES), query.region),
        ("source", "Source", "Any source", sources, str(query.source or "")),
        ("site", "Site", "Any site", sites, str(query.site or "")),
    )
    for name, label, any_, choices, value in others:
        selects.append({"name": name, "label": label, "any": any_, "choices": choices, "value": value})
    return {"selects": selects, "chips": _chips(query, selects)}


def _named(rows: Any) -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in rows.order_by("name", "pk").values_list("pk", "name")]


def _chips(query: ResolvedQuery, selects: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The filters that are set, each with the address without it."""
    words = {select["name"]: (select["label"], dict(select["choices"]).get(select["value"], "")) for select in selects}
    if query.seen == "range":
        days = [str(day) for day in (query.since, query.until) if day]
        words["seen"] = ("Last visit", (" to ".join(days) if len(days) == 2 else f"from {days[0]}" if query.since else
                                        f"until {days[0]}") if days else "own dates")  # fmt: skip
    words["page"] = ("Page", query.page)
    return [
        {"label": words[name][0], "value": words[name][1] or "not known here", "url": _without(query, name)}
        for name in query.filters()
        if name in words
    ]


def _without(query: ResolvedQuery, name: str) -> str:
    gone = {name: "", **({"since": "", "until": ""} if name == "seen" else {})}
    return f"?{query.querystring(**gone)}"
