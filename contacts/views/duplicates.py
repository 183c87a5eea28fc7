"""The page of duplicates: groups by e-mail or by phone, and the members of the one that is open."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from contacts.duplicates import exact, merge
from contacts.duplicates.exact import GROUPS, KINDS, MEMBERS
from contacts.linkage import review
from contacts.models import Contact, Decision, Merge
from contacts.views.merge import compared
from core.http import render_page
from tenants.roles import allow

# So many contacts are compared side by side; of more, the person chooses which.
COMPARED = 4
LATELY = 100
_ROUTES = {"email": "contacts:duplicates", "phone": "contacts:duplicates_phone"}


@allow("contacts.view")
@require_safe
def listing(request: HttpRequest, kind: str) -> HttpResponse:
    """Groups of one kind; with `value`, the contacts of that group beside them."""
    given = {name: request.GET.get(name, "").replace("\x00", "").strip()[:320] for name in ("q", "after", "value")}
    groups = exact.groups(kind, search=given["q"], after=given["after"])
    value = given["value"] or (groups[0].value if groups else "")
    members = exact.members(kind, value) if value else []
    context = {
        "compare": 2 <= len(members) <= COMPARED,
        **(compared(members, request.GET, request.get_full_path()) if 2 <= len(members) <= COMPARED else {}),
        "kind": kind,
        "label": "e-mail address" if kind == "email" else "phone number",
        "q": given["q"],
        "value": value,
        "groups": [(group, _url(given, value=group.value)) for group in groups[:GROUPS]],
        "members": members[:MEMBERS],
        "most": merge.MAX_MERGED_CONTACTS,
        "many": len(members) > MEMBERS,
        "totals": exact.totals(kind),
        "tabs": tabs(kind),
        "older_url": _url(given, after=groups[GROUPS - 1].value, value="") if len(groups) > GROUPS else None,
        "first_url": _url(given, after="", value="") if given["after"] else None,
        "here": request.get_full_path(),
    }
    return render_page(request, "contacts/duplicates.html", context)


def _url(given: dict[str, str], **changes: str) -> str:
    return f"?{urlencode({name: value for name, value in {**given, **changes}.items() if value})}"


@allow("contacts.view")
@require_safe
def merged(request: HttpRequest) -> HttpResponse:
    """What was merged in the last 30 days, the latest first, with the way back."""
    since = timezone.now() - timedelta(days=merge.MERGE_UNDO_DAYS)
    made = list(Merge.objects.filter(made_at__gte=since).select_related("made_by").order_by("-pk")[:LATELY])
    contacts = Contact.objects.in_bulk([pk for m in made for pk in (m.contact_id, *m.losers)])
    rows = [(m, contacts.get(m.contact_id), [contacts[pk] for pk in m.losers if pk in contacts]) for m in made]
    context = {"rows": rows, "days": merge.MERGE_UNDO_DAYS, "here": request.path, "tabs": tabs("merged")}
    return render_page(request, "contacts/merged.html", context)


def tabs(current: str) -> list[dict[str, Any]]:
    """The tabs of all pages of duplicates."""
    shown = [_tab(kind, label, _ROUTES[kind], exact.totals(kind).contacts, current) for kind, label in KINDS.items()]
    lately = Merge.objects.filter(
        undone_at=None, made_at__gte=timezone.now() - timedelta(days=merge.MERGE_UNDO_DAYS)
    ).count()
    shown.append(_tab("probable", "Probable duplicates", "contacts:probable", review.count(Decision.OPEN), current))
    return [*shown, _tab("merged", "Recently merged", "contacts:merged", lately, current)]


def _tab(key: str, label: str, route: str, count: int, current: str) -> dict[str, Any]:
    return {"label": label, "url": reverse(route), "count": count, "current": key == current, "bad": False}
