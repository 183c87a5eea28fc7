"""The page of duplicates: groups by e-mail or by phone, and the members of the one that is open."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from cdp.http import page
from contacts import duplicates
from contacts.duplicates import GROUPS, KINDS, MEMBERS
from tenants.roles import allow


@allow("contacts.view")
@require_safe
def listing(request: HttpRequest, kind: str) -> HttpResponse:
    """Groups of one kind; with `value`, the contacts of that group beside them."""
    given = {name: request.GET.get(name, "").replace("\x00", "").strip()[:320] for name in ("q", "after", "value")}
    found = duplicates.groups(kind, search=given["q"], after=given["after"])
    value = given["value"] or (found[0].value if found else "")
    members = duplicates.members(kind, value) if value else []
    totals = {name: duplicates.totals(name) for name in KINDS}
    context = {
        "kind": kind,
        "label": "e-mail address" if kind == "email" else "phone number",
        "q": given["q"],
        "value": value,
        "groups": [(group, _url(given, value=group.value)) for group in found[:GROUPS]],
        "members": members[:MEMBERS],
        "many": len(members) > MEMBERS,
        "totals": totals[kind],
        "tabs": [_tab(name, totals[name], current=name == kind) for name in KINDS],
        "older_url": _url(given, after=found[GROUPS - 1].value, value="") if len(found) > GROUPS else None,
        "first_url": _url(given, after="", value="") if given["after"] else None,
        "here": request.get_full_path(),
    }
    return page(request, "contacts/duplicates.html", context)


def _url(given: dict[str, str], **changes: str) -> str:
    return f"?{urlencode({name: value for name, value in {**given, **changes}.items() if value})}"


def _tab(kind: str, totals: duplicates.Totals, *, current: bool) -> dict[str, Any]:
    return {
        "label": KINDS[kind],
        "url": reverse("contacts:duplicates" if kind == "email" else "contacts:duplicates_phone"),
        "count": totals.contacts,
        "current": current,
        "bad": False,
    }
