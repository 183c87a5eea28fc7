"""The list of contacts: search, order, keyset pages."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from cdp.http import page
from contacts import changes, search
from contacts.models import Contact
from tenants.roles import allow

PAGE = 50
# A search that finds more is told as "more than": counting all of them would take longer than finding them.
COUNTED = 10_000
ORDERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "-created": ("Created, newest first", ("-pk",)),
    "created": ("Created, oldest first", ("pk",)),
    "-changed": ("Changed, newest first", ("-changed_at", "-pk")),
    "changed": ("Changed, oldest first", ("changed_at", "pk")),
}


@allow("contacts.view")
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Contacts that the search means, in pages that stay fast however far one turns."""
    workspace: Any = request.workspace  # type: ignore[attr-defined]
    query = request.GET.get("q", "").strip()
    order = request.GET.get("order", "-created")
    order = order if order in ORDERS else "-created"
    wanted = Contact.objects.living().filter(search.condition(query, region=workspace.country or None))
    shown = _page(wanted, order, request.GET.get("after", ""), query)
    context = {
        "contacts": shown[:PAGE],
        "q": query,
        "order": order,
        "orders": [(key, label) for key, (label, _by) in ORDERS.items()],
        "shown_text": f"{min(len(shown), PAGE)} shown",
        "older_url": _next(order, query, shown[PAGE - 1]) if len(shown) > PAGE else None,
        "first_url": f"?{urlencode({'q': query, 'order': order})}" if request.GET.get("after") else None,
        **_total(wanted, query),
    }
    context["everybody"] = bool(context["total"]) or Contact.objects.living().exists()
    fragment = request.headers.get("HX-Target") == "contacts-list"
    return page(request, "contacts/_list.html" if fragment else "contacts/list.html", context)


def _page(wanted: Any, order: str, key: str, query: str) -> list[Contact]:
    """One contact more than the page shows. By change, all contacts are read from the order of changes."""
    if "changed" in order and not query:
        return changes.in_order(newest_first=order.startswith("-"), after=_place(key), count=PAGE + 1)
    return list(wanted.filter(_after(order, key)).order_by(*ORDERS[order][1])[: PAGE + 1])


def _place(key: str) -> tuple[datetime, int] | None:
    number, _sep, time = key.partition("_")
    at = _moment(time)
    return (at, int(number)) if at and number.isascii() and number.isdigit() and len(number) < 18 else None


def _total(wanted: Any, query: str) -> dict[str, Any]:
    if not query:
        return {"total": changes.total(), "more": False}
    found = wanted.order_by()[: COUNTED + 1].count()
    return {"total": min(found, COUNTED), "more": found > COUNTED}


def _next(order: str, query: str, last: Contact) -> str:
    at = last.changed_at.isoformat() if "changed" in order else ""
    return f"?{urlencode({'q': query, 'order': order, 'after': f'{last.pk}_{at}'})}"


def _after(order: str, key: str) -> Q:
    """The condition for rows behind a key of the form `id_time`. A key that cannot be read means the first page."""
    number, _sep, time = key.partition("_")
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        return Q()
    pk, at = int(number), _moment(time)
    if "changed" not in order:
        return Q(pk__lt=pk) if order.startswith("-") else Q(pk__gt=pk)
    if at is None:
        return Q()
    if order.startswith("-"):
        return Q(changed_at__lt=at) | Q(changed_at=at, pk__lt=pk)
    return Q(changed_at__gt=at) | Q(changed_at=at, pk__gt=pk)


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found and found.tzinfo else None
