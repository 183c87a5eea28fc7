"""The lists of contacts, living and deleted: search, status filters, orders, keyset pages in both directions."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from contacts.listing import contact_list, list_columns, status_filters
from contacts.listing.contact_list import SIZES, ListQuery
from contacts.listing.list_columns import Column
from contacts.listing.status_filters import FILTERS
from contacts.models import Contact
from contacts.profile import quick_actions
from core.http import redirect_to, render_page
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, safe_next

# So many columns beside the name fit beside the rail.
ROOM = 4


@allow("contacts.view")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    """Contacts that are asked for, in pages that stay fast however far one turns."""
    workspace: Any = request.workspace
    query = ListQuery.of(request.GET.dict(), region=workspace.country or None)
    chosen = request.membership.list_columns
    fragment = request.headers.get("HX-Target") == "contacts-list"
    return render_page(request, "contacts/_found.html" if fragment else "contacts/list.html", context(query, chosen))


@allow("contacts.view")
@require_POST
def choose_columns(request: WorkspaceRequest) -> HttpResponse:
    """Remember which columns the person wants to see in this workspace; back to the list."""
    membership: Any = request.membership
    usual = request.POST.get("usual") == "1"
    membership.list_columns = None if usual else list_columns.choose(request.POST.getlist("column"))
    membership.save(update_fields=["list_columns"])
    return redirect_to(request, safe_next(request) or "contacts:list")


def context(query: ListQuery, chosen: list[str] | None = None) -> dict[str, Any]:
    """What the list shows of what is asked for. `chosen`: the columns that the person wants."""
    cells = status_filters.cells()
    cached = contact_list.cached_rule_result(query)
    shown = contact_list.page(query, cached)
    by = quick_actions.deleted_by(shown.contacts) if query.deleted else {}
    counts, many = contact_list.counts(query)
    total, more = contact_list.total(query, counts, cached, more=many)
    columns = list_columns.columns(chosen)
    return {
        "query": query,
        "contacts": shown.contacts,
        "columns": columns,
        "most_columns": list_columns.MOST,
        **_table(shown.contacts, [column for column in columns if column.shown][: list_columns.MOST], by),
        "orders": [(key, order.label) for key, order in query.orders.items()],
        "sizes": SIZES,
        "rail": _rail(query, counts),
        "many": many,
        "total": total,
        "more": more,
        "of": status_filters.count(cells, FILTERS[""], deleted=query.deleted),
        "everybody": sum(cell.contacts for cell in cells),
        **_links(query, shown),
        "selection": [(n, v) for n, v in query.selection().items() if v],
        "phrases": query.rule_phrases,
    }


def _table(contacts: list[Contact], shown: list[Column], by: dict[int, str]) -> dict[str, Any]:
    """The shown columns, and a row for each contact: the contact, its acts, who deleted it, its cells."""
    rows = [(c, quick_actions.offered(c), by.get(c.pk, ""), list_columns.cells(c, shown)) for c in contacts]
    return {"shown": shown, "rows": rows, "wide": len(shown) > ROOM}


def _links(query: ListQuery, shown: contact_list.Page) -> dict[str, Any]:
    return {
        "newer_url": f"?{query.querystring(before=shown.newer)}" if shown.newer else None,
        "older_url": f"?{query.querystring(after=shown.older)}" if shown.older else None,
        "everything": urlencode({**{n: v for n, v in query.selection().items() if v}, "all": "1"}),
        "unruled": f"?{query.querystring(rule='')}",
        "searching": urlencode({n: v for n, v in (("rule", query.rule), ("show", query.selection()["show"])) if v}),
        "here": f"{reverse('contacts:list')}?{query.querystring(after=query.after, before=query.before)}",
    }


def _rail(query: ListQuery, cells: list[status_filters.StatusCount]) -> list[dict[str, Any]]:
    """The groups of filters with their counts. One filter at a time; a click on the one that is on takes it off."""
    views = [
        {"label": label, "url": f"?{query.querystring(show=show, status='')}", "tone": "", "current": current,
         "count": status_filters.count(cells, FILTERS[""], deleted=deleted)}
        for label, show, deleted, current in (
            ("All", "", False, not query.deleted and not query.status),
            ("Deleted only", "deleted", True, query.deleted and not query.status),
        )
    ]  # fmt: skip
    groups: dict[str, list[dict[str, Any]]] = {"Contacts": views}
    limited = status_filters.limit() is not None
    searching = bool(query.q or query.rule)
    for key, status_filter in FILTERS.items():
        if key and (limited or not status_filter.over):
            current = key == query.status
            groups.setdefault(status_filter.group, []).append(
                {
                    "label": status_filter.label,
                    "url": f"?{query.querystring(status='' if current else key)}",
                    "tone": status_filter.tone,
                    "current": current,
                    "count": contact_list.over(query)
                    if status_filter.over and searching
                    else status_filters.count(cells, status_filter, deleted=query.deleted),
                }
            )
    return [{"title": title, "filters": filters} for title, filters in groups.items()]
