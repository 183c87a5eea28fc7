"""The lists of contacts, living and deleted: search, status filters, orders, keyset pages in both directions."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from contacts.listing import contact_list, list_columns, rule_filter, status_filters
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
    asked = ListQuery.of(request.GET.dict(), region=workspace.country or None)
    chosen = request.membership.list_columns
    fragment = request.headers.get("HX-Target") == "contacts-list"
    return render_page(request, "contacts/_found.html" if fragment else "contacts/list.html", context(asked, chosen))


@allow("contacts.view")
@require_POST
def choose_columns(request: WorkspaceRequest) -> HttpResponse:
    """Remember which columns the person wants to see in this workspace; back to the list."""
    membership: Any = request.membership
    usual = request.POST.get("usual") == "1"
    membership.list_columns = None if usual else list_columns.choose(request.POST.getlist("column"))
    membership.save(update_fields=["list_columns"])
    return redirect_to(request, safe_next(request) or "contacts:list")


def context(asked: ListQuery, chosen: list[str] | None = None) -> dict[str, Any]:
    """What the list shows of what is asked for. `chosen`: the columns that the person wants."""
    cells = status_filters.cells()
    cached = contact_list.cached_rule_result(asked)
    shown = contact_list.page(asked, cached)
    by = quick_actions.deleted_by(shown.contacts) if asked.deleted else {}
    counts, many = contact_list.counts(asked)
    total, more = contact_list.total(asked, counts, cached, more=many)
    columns = list_columns.columns(chosen)
    return {
        "asked": asked,
        "contacts": shown.contacts,
        "columns": columns,
        "most_columns": list_columns.MOST,
        **_table(shown.contacts, [column for column in columns if column.shown][: list_columns.MOST], by),
        "orders": [(key, order.label) for key, order in asked.orders.items()],
        "sizes": SIZES,
        "rail": _rail(asked, counts),
        "many": many,
        "total": total,
        "more": more,
        "of": status_filters.count(cells, FILTERS[""], deleted=asked.deleted),
        "everybody": sum(cell.contacts for cell in cells),
        **_links(asked, shown),
        "selection": [(n, v) for n, v in asked.selection().items() if v],
        "phrases": rule_filter.phrases(asked.rule),
    }


def _table(contacts: list[Contact], shown: list[Column], by: dict[int, str]) -> dict[str, Any]:
    """The shown columns, and a row for each contact: the contact, its acts, who deleted it, its cells."""
    rows = [(c, quick_actions.offered(c), by.get(c.pk, ""), list_columns.cells(c, shown)) for c in contacts]
    return {"shown": shown, "rows": rows, "wide": len(shown) > ROOM}


def _links(asked: ListQuery, shown: contact_list.Page) -> dict[str, Any]:
    return {
        "newer_url": f"?{asked.query(before=shown.newer)}" if shown.newer else None,
        "older_url": f"?{asked.query(after=shown.older)}" if shown.older else None,
        "everything": urlencode({**{n: v for n, v in asked.selection().items() if v}, "all": "1"}),
        "unruled": f"?{asked.query(rule='')}",
        "searching": urlencode({n: v for n, v in (("rule", asked.rule), ("show", asked.selection()["show"])) if v}),
        "here": f"{reverse('contacts:list')}?{asked.query(after=asked.after, before=asked.before)}",
    }


def _rail(asked: ListQuery, cells: list[status_filters.StatusCount]) -> list[dict[str, Any]]:
    """The groups of filters with their counts. One filter at a time; a click on the one that is on takes it off."""
    views = [
        {"label": label, "url": f"?{asked.query(show=show, status='')}", "tone": "", "current": current,
         "count": status_filters.count(cells, FILTERS[""], deleted=deleted)}
        for label, show, deleted, current in (
            ("All", "", False, not asked.deleted and not asked.status),
            ("Deleted only", "deleted", True, asked.deleted and not asked.status),
        )
    ]  # fmt: skip
    groups: dict[str, list[dict[str, Any]]] = {"Contacts": views}
    limited = status_filters.limit() is not None
    searching = bool(asked.q or asked.rule)
    for key, status_filter in FILTERS.items():
        if key and (limited or not status_filter.over):
            current = key == asked.status
            groups.setdefault(status_filter.group, []).append(
                {
                    "label": status_filter.label,
                    "url": f"?{asked.query(status='' if current else key)}",
                    "tone": status_filter.tone,
                    "current": current,
                    "count": contact_list.over(asked)
                    if status_filter.over and searching
                    else status_filters.count(cells, status_filter, deleted=asked.deleted),
                }
            )
    return [{"title": title, "filters": filters} for title, filters in groups.items()]
