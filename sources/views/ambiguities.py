"""Visitors and rows that point at two people: the list, the evidence, and what members decide."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from contacts.errors import NotAllowed
from core import formatting
from core.http import redirect_to, render_page
from core.parse import parse_id
from sources.ambiguities import closing, counts, decisions, evidence, inbox_filter
from sources.ambiguities.inbox_filter import InboxFilter
from sources.models import Ambiguity, AmbiguityState
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id

PAGE = 40
VIEWS = {"": AmbiguityState.OPEN, "left": AmbiguityState.LEFT, "decided": AmbiguityState.DECIDED}
_ROUTES = {"": "sources:ambiguities", "left": "sources:ambiguities_left", "decided": "sources:ambiguities_decided"}


@allow("contacts.view")
@require_safe
def listing(request: WorkspaceRequest, view: str = "") -> HttpResponse:
    """Those of one state, the newest first, and the one that is open beside them."""
    before = parse_id(request.GET.get("before", ""))
    workspace: Any = request.workspace
    asked = InboxFilter.of(request.GET.dict())
    wanted = asked.condition(region=workspace.country or None)
    items = Ambiguity.objects.filter(wanted, state=VIEWS[view]).select_related("decided_by").order_by("-pk")
    if before is not None:
        items = items.filter(pk__lt=before)
    shown = list(items[: PAGE + 1])
    page = shown[:PAGE]
    chosen = parse_id(request.GET.get("item", ""))
    one = (
        Ambiguity.objects.select_related("decided_by").filter(pk=chosen).first()
        if chosen
        else (page[0] if page else None)
    )
    if chosen and one is None:
        raise Http404
    address = {**asked.address, "before": str(before or "")}
    names = evidence.names([*page, *([one] if one else [])])
    following = _after(page, one)
    found = evidence.dossier(one) if one else None
    context: dict[str, Any] = {
        "view": view,
        "title": VIEWS[view].label,
        "groups": _groups(page, names, address),
        "one": one,
        "name": names.get(one.pk, "") if one else "",
        "found": found,
        "merge_query": urlencode([("id", c.pk) for c in found.contacts]) if found else "",
        "tabs": tabs(view),
        "total": counts.of_state(VIEWS[view]),
        "next_id": following or "",
        "skip_url": _url(address, item=str(following)) if following else None,
        "older_url": _url(asked.address, before=str(page[-1].pk)) if len(shown) > PAGE else None,
        "newest_url": asked.link if before else None,
        "asked": asked,
        "origins": inbox_filter.origins(VIEWS[view]),
        "why": closing.REASONS.get((one.undo or {}).get("why", ""), "") if one else "",
        "until": decisions.undo_until(one) if one else None,
        "days": decisions.UNDO_DAYS,
    }
    return render_page(request, "sources/ambiguities.html", context)


def _after(page: list[Ambiguity], one: Ambiguity | None) -> int | None:
    """The one after this in the list; from the last on, the first."""
    ids = [item.pk for item in page if one is None or item.pk != one.pk]
    behind = [pk for pk in ids if one is not None and pk < one.pk]
    return next(iter(behind or ids), None)


def _groups(page: list[Ambiguity], names: dict[int, str], address: dict[str, str]) -> list[tuple[str, list[Any]]]:
    """(title, [(item, who, what, address)]) of visitors and of rows."""
    groups = []
    for title, items in (
        ("Visitors", [i for i in page if i.visitor_id]),
        ("Rows of imports", [i for i in page if not i.visitor_id]),
    ):
        if items:
            groups.append((title, [(i, names[i.pk], _what(i), _url(address, item=str(i.pk))) for i in items]))
    return groups


def _what(item: Ambiguity) -> str:
    if item.visitor_id:
        return f"Visitor {item.visitor_id}"
    return f"Import {item.import_id}, line {formatting.number(item.row_no)}"


def _url(address: dict[str, str], **more: str) -> str:
    query = urlencode({name: value for name, value in {**address, **more}.items() if value})
    return f"?{query}" if query else ""


def tabs(current: str) -> list[dict[str, Any]]:
    """The tabs of resolved contacts; `current` is the view of this page, or "matched"."""
    shown: list[dict[str, Any]] = [
        {"label": "Matched", "url": reverse("sources:resolved"), "count": None, "current": current == "matched"}
    ]
    for view, state in VIEWS.items():
        shown.append(
            {"label": state.label, "url": reverse(_ROUTES[view]), "count": formatting.number(counts.of_state(state)),
             "current": view == current}
        )  # fmt: skip
    return shown


@allow("contacts.edit")
@require_POST
def decide(request: WorkspaceRequest, ambiguity_id: int) -> HttpResponse:
    """Say which contact it is, make the contacts one, or leave it undecided."""
    choice = request.POST.get("choice", "")[:20]
    back = _back(request, parse_id(request.POST.get("next_id", "")))
    try:
        one = decisions.decide(ambiguity_id, choice, user_id=user_id(request))
    except Ambiguity.DoesNotExist:
        raise Http404 from None
    except NotAllowed as problem:
        messages.warning(request, str(problem))
        return redirect_to(request, _back(request, ambiguity_id))
    counts.forget()
    messages.success(request, _said(one), extra_tags=reverse("sources:undo_ambiguity", args=[one.pk]))
    return redirect_to(request, back)


def _back(request: WorkspaceRequest, item: int | None) -> str:
    view = request.POST.get("view", "")
    to = reverse(_ROUTES[view if view in _ROUTES else ""])
    return f"{to}{_url(InboxFilter.of(request.POST.dict()).address, item=str(item or ''))}"


def _said(one: Ambiguity) -> str:
    if one.state == AmbiguityState.LEFT:
        return "Left undecided. It opens again if new evidence arrives."
    what = f"Visitor {one.visitor_id}" if one.visitor_id else f"Line {one.row_no} of import {one.import_id}"
    if one.visitor_id:
        return f"{what} is contact {one.contact_id}."
    return f"{what} is contact {one.contact_id}. Import the corrected rows on the page of the import to apply it."


@allow("contacts.edit")
@require_POST
def undo(request: WorkspaceRequest, ambiguity_id: int) -> HttpResponse:
    """Reverse a decision; it is to be decided again."""
    get_object_or_404(Ambiguity, pk=ambiguity_id)
    try:
        one = decisions.undo(ambiguity_id, user_id=user_id(request))
    except NotAllowed as problem:
        messages.warning(request, str(problem))
        return redirect_to(request, f"{reverse('sources:ambiguities_decided')}?item={ambiguity_id}")
    counts.forget()
    messages.success(request, "Undone. You can decide it again.")
    return redirect_to(request, f"{reverse('sources:ambiguities')}?item={one.pk}")
