"""The lists of contacts, living and deleted: search, status filters, orders, keyset pages in both directions."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from cdp.http import page
from contacts import acting, narrowing, people, statuses
from contacts.people import SIZES, Asked
from contacts.statuses import FILTERS
from tenants.roles import allow


@allow("contacts.view")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Contacts that are asked for, in pages that stay fast however far one turns."""
    workspace: Any = request.workspace  # type: ignore[attr-defined]
    asked = Asked.of(request.GET.dict(), region=workspace.country or None)
    fragment = request.headers.get("HX-Target") == "contacts-list"
    return page(request, "contacts/_people.html" if fragment else "contacts/list.html", context(asked))


def context(asked: Asked) -> dict[str, Any]:
    """What the list shows of what is asked for."""
    cells = statuses.cells()
    found = people.searched(asked)
    shown = people.page(asked, found)
    by = acting.deleted_by(shown.contacts) if asked.deleted else {}
    total, more = people.total(asked, cells, found)
    everybody = sum(cell.contacts for cell in cells)
    return {
        "asked": asked,
        "contacts": shown.contacts,
        "rows": [(contact, acting.offered(contact), by.get(contact.pk, "")) for contact in shown.contacts],
        "orders": [(key, order.label) for key, order in asked.orders.items()],
        "sizes": SIZES,
        "rail": _rail(asked, cells),
        "total": total,
        "more": more,
        "of": statuses.count(cells, FILTERS[""], deleted=asked.deleted),
        "everybody": everybody,
        "newer_url": f"?{asked.query(before=shown.newer)}" if shown.newer else None,
        "older_url": f"?{asked.query(after=shown.older)}" if shown.older else None,
        "everything": urlencode({**{n: v for n, v in asked.selection().items() if v}, "all": "1"}),
        "selection": [(n, v) for n, v in asked.selection().items() if v],
        "phrases": narrowing.phrases(asked.rule),
        "unruled": f"?{asked.query(rule='')}",
        "searching": urlencode({n: v for n, v in (("rule", asked.rule), ("show", asked.selection()["show"])) if v}),
        "here": f"{reverse('contacts:list')}?{asked.query(after=asked.after, before=asked.before)}",
    }


def _rail(asked: Asked, cells: list[statuses.Cell]) -> list[dict[str, Any]]:
    """The groups of filters with their counts. One filter at a time; a click on the one that is on takes it off."""
    views = [
        {"label": label, "url": f"?{asked.query(show=show, status='')}", "tone": "", "current": current,
         "count": statuses.count(cells, FILTERS[""], deleted=deleted)}
        for label, show, deleted, current in (
            ("All", "", False, not asked.deleted and not asked.status),
            ("Deleted only", "deleted", True, asked.deleted and not asked.status),
        )
    ]  # fmt: skip
    groups: dict[str, list[dict[str, Any]]] = {"Contacts": views}
    limited = statuses.limit() is not None
    for key, found in FILTERS.items():
        if key and (limited or not found.over):
            current = key == asked.status
            groups.setdefault(found.group, []).append(
                {
                    "label": found.label,
                    "url": f"?{asked.query(status='' if current else key)}",
                    "tone": found.tone,
                    "current": current,
                    "count": statuses.count(cells, found, deleted=asked.deleted),
                }
            )
    return [{"title": title, "filters": filters} for title, filters in groups.items()]
