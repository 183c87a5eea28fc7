"""Doing something to many contacts: the preview with its effects, the progress, the result with the way back."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts.bulk import actions as bulk_actions
from contacts.bulk import export as contact_export
from contacts.duplicates import exact
from contacts.listing import rule_filter
from contacts.models import BulkAction, BulkState, Contact, ItemState
from core.http import redirect_to, render_page, stop_polling
from core.parse import parse_ids
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id

SHOWN = 100
# What says whom a list shows, and how long each may be.
_FILTERS = {"show": 20, "status": 40, "q": 200, "rule": rule_filter.MAX_LENGTH}


@allow("contacts.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def prepare(request: WorkspaceRequest, kind: str) -> HttpResponse:
    """GET, or POST with `preview`: whom the action would be about, what it does and what can be chosen. POST: begins it."""
    return _prepare(request, kind)


@allow("contacts.export")
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: WorkspaceRequest) -> HttpResponse:
    """The same for an export, which needs a permission of its own."""
    return _prepare(request, "export")


@allow("contacts.erase")
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: WorkspaceRequest) -> HttpResponse:
    """The same for erasing for good, which admins alone may do."""
    return _prepare(request, "erase")


def _prepare(request: WorkspaceRequest, kind: str) -> HttpResponse:
    given, does = sent(request)
    selection, options = selection_of(given), bulk_actions.action_types()[kind].options(given)
    if does and options is not None:
        return begun(request, kind, selection, **options)
    shown = _duplicates(given) if kind == "duplicates" else preview(kind, selection)
    return render_page(request, "contacts/bulk.html", shown, status=422 if does else 200)


def sent(request: WorkspaceRequest) -> tuple[QueryDict, bool]:
    """What was sent, and whether to act on it: a selection comes by POST with `preview`, so that no address has its IDs."""
    given = request.POST if request.method == "POST" else request.GET
    return given, request.method == "POST" and given.get("preview") != "1"


def begun(request: WorkspaceRequest, kind: str, selection: dict[str, Any], **options: Any) -> HttpResponse:
    """Begin an action, once for each form, and go to its page."""
    token = request.POST.get("token", "")[:32] or None
    action = bulk_actions.begin(kind, selection, user_id=user_id(request), token=token, **options)
    return redirect_to(request, "contacts:bulk_action", action.pk)


def preview(kind: str, selection: dict[str, Any]) -> dict[str, Any]:
    """What every preview shows: how many are selected, and for how many of them the action makes sense."""
    known, contacts = bulk_actions.action_types()[kind], bulk_actions.selected(selection)
    fields = [("id", pk) for pk in selection["ids"]] if "ids" in selection else [*selection.items(), ("all", "1")]
    selected, count = contacts.count(), known.wanted(contacts).count()
    back = reverse("contacts:list")
    return {"kind": kind, "fields": fields, "back": back, **_preview(known, selected, count)}


def _duplicates(given: Mapping[str, Any]) -> dict[str, Any]:
    """The same for removing duplicates: of all groups that share a value, not of a selection."""
    by = str(given.get("by")) if given.get("by") in exact.KINDS else "email"
    totals, known = exact.totals(by), bulk_actions.action_types()["duplicates"]
    back = reverse("contacts:duplicates" if by == "email" else "contacts:duplicates_phone")
    told = _preview(known, totals.contacts, totals.contacts - totals.values, by=by)
    return {"kind": "duplicates", "fields": [("by", by)], "back": back, **told}


def _preview(known: bulk_actions.BulkActionType, selected: int, count: int, **options: Any) -> dict[str, Any]:
    """What the action would do, in its words, and the token that makes a double click one action."""
    return {
        "what": known,
        "selected": selected,
        "effects": known.effects(selected, count, **options),
        "count": count,
        "button": known.asking(count),
        "token": secrets.token_hex(16),
    }


def selection_of(given: QueryDict) -> dict[str, Any]:
    """Whom a form means: the IDs that were ticked, or everything that the list shows."""
    ids = parse_ids(given.getlist("id"))[:1_000]
    if ids and given.get("all") != "1":
        return {"ids": ids}
    return {name: str(given[name]).replace("\x00", "")[:most] for name, most in _FILTERS.items() if given.get(name)}


@allow("contacts.view")
@require_safe
def actions(request: WorkspaceRequest) -> HttpResponse:
    """The latest bulk actions of the workspace."""
    recent = BulkAction.objects.select_related("created_by").order_by("-pk")[:SHOWN]
    kinds = bulk_actions.action_types()
    return render_page(
        request, "contacts/bulk_actions.html", {"rows": [(a, kinds[a.kind], outcome_sentence(a)) for a in recent]}
    )


@allow("contacts.view")
@require_safe
def action(request: WorkspaceRequest, action_id: int) -> HttpResponse:
    """One bulk action: its progress, or its result. The part that changes renews itself."""
    bulk = get_object_or_404(BulkAction, pk=action_id)
    if request.headers.get("HX-Target") == "contacts-bulk-progress":
        answer = render_page(request, "contacts/_bulk_progress.html", _shown(bulk))
        return answer if bulk.active else stop_polling(answer)
    return render_page(request, "contacts/bulk_action.html", _shown(bulk))


def _shown(bulk: BulkAction) -> dict[str, Any]:
    kind = bulk_actions.action_types()[bulk.kind]
    through = bulk.undone + bulk.kept if bulk.state == BulkState.UNDOING else bulk.done + bulk.skipped
    if bulk.kind == "export" and bulk.active:
        through = contact_export.so_far(bulk)
    return {
        "action": bulk,
        "what": kind,
        "through": through,
        "of": bulk.done if bulk.state == BulkState.UNDOING else bulk.total,
        "sentence": outcome_sentence(bulk),
        "title": outcome_sentence(bulk) if not bulk.active else _pending_sentence(kind, bulk),
        "can_undo": kind.undoable and bulk.state in (BulkState.DONE, BulkState.CANCELED) and bulk.done > 0,
        "file": contact_export.file_of(bulk, now=timezone.now()) if bulk.kind == "export" else None,
        "days": contact_export.kept_days(),
        "examples": _examples(bulk),
    }


def _pending_sentence(kind: bulk_actions.BulkActionType, bulk: BulkAction) -> str:
    """What an action that is under way was asked to do; before it has counted whom it is about, without their number."""
    return kind.asking(bulk.total) if bulk.total else kind.label


def outcome_sentence(bulk: BulkAction) -> str:
    """What has become of an action, in a sentence."""
    if bulk.state in (BulkState.GATHERING, BulkState.WORKING):
        return "Running"
    return "Undoing" if bulk.state == BulkState.UNDOING else bulk_actions.headline(bulk)


def _examples(bulk: BulkAction) -> list[Contact]:
    """Contacts that the action has skipped, or that its undo has kept: the first of them."""
    if bulk.kind == "pairs":
        return []  # its items are pairs
    state = ItemState.KEPT if bulk.state == BulkState.UNDONE else ItemState.SKIPPED
    ids = bulk_actions.items_in(bulk, state, 20)
    return list(Contact.objects.filter(pk__in=ids).order_by("pk"))


def _mine(request: WorkspaceRequest, action_id: int) -> None:
    """404 unless the person may do what the action does: to stop it, or to take it back, needs the same permission."""
    bulk = get_object_or_404(BulkAction, pk=action_id)
    if not request.membership.may(bulk_actions.action_types()[bulk.kind].permission):
        raise Http404


@allow("contacts.edit")
@require_POST
def undo(request: WorkspaceRequest, action_id: int) -> HttpResponse:
    """Take a bulk action back."""
    _mine(request, action_id)
    bulk_actions.undo(action_id, user_id=user_id(request))
    return redirect_to(request, "contacts:bulk_action", action_id)


@allow("contacts.edit")
@require_POST
def cancel(request: WorkspaceRequest, action_id: int) -> HttpResponse:
    """Stop a bulk action."""
    _mine(request, action_id)
    if bulk_actions.cancel(action_id, user_id=user_id(request)).state == BulkState.CANCELED:
        messages.success(request, "Action canceled. You can undo what was done so far.")
    return redirect_to(request, "contacts:bulk_action", action_id)


@allow("contacts.export")
@require_safe
def download(request: WorkspaceRequest, action_id: int) -> HttpResponseBase:
    """The file of an export, until it is deleted."""
    bulk = get_object_or_404(BulkAction, pk=action_id, kind="export")
    path = contact_export.file_of(bulk, now=timezone.now())
    if path is None:
        return render_page(request, "contacts/bulk_action.html", _shown(bulk), status=410)
    name = f"contacts {timezone.localtime(bulk.finished_at):%Y-%m-%d %H%M}.csv"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")
