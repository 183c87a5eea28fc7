"""Settings of the workspace: for how long each kind of data is stored, with a preview of what a shorter rule removes."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.http import require_POST, require_safe

from core.formatting import day
from core.http import invalid, redirect_to, render_page
from tenants.retention import rules
from tenants.retention.kinds import SHOWN, Found, Kind, kinds
from tenants.retention.rules import Changed, Current, NotConfirmed
from tenants.roles import allow
from tenants.views.settings import tabs
from tenants.web.request import WorkspaceRequest, user_id


def _kind(key: str) -> Kind:
    """The kind of an address. Raises Http404."""
    found = kinds().get(key)
    if found is None:
        raise Http404
    return found


def _days(typed: str) -> int | None:
    """What was typed as a number of days, None for nothing. Raises ValueError with a sentence."""
    text = typed.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise ValueError(f"“{text[:40]}” is not a number of days.")
    return int(text)


@allow("settings.manage")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    """All rules, what is about to change, and the last removals."""
    elsewhere = [line for path in settings.RETENTION_ELSEWHERE for line in import_string(path)()]
    shown = [{"rule": rule, **_words(rule)} for rule in rules.current()]
    return render_page(
        request,
        "tenants/retention.html",
        {"rules": shown, "elsewhere": elsewhere, "tabs": tabs("tenants:retention")},
    )


def _words(rule: Current) -> dict[str, Any]:
    """A rule as pages say it."""
    row = rule.row
    return {
        "kind": rule.kind,
        "now": rules.in_words(rule.kind, rule.days),
        "next": rules.in_words(rule.kind, row.next_days) if row and rule.waits else "",
    }


@allow("settings.manage")
@require_safe
def stored(request: WorkspaceRequest, data_kind: str) -> HttpResponse:
    """How much of a kind there is now: a part of the list, loaded by itself, since counting takes a moment."""
    known = _kind(data_kind)
    found = known.find(before=None, most=SHOWN)
    return render_page(request, "tenants/_retention_stored.html", {"found": found, "noun": _noun(known, found)})


def _noun(kind: Kind, found: Found) -> str:
    return kind.nouns[0 if found.count == 1 else 1]


@allow("settings.manage")
@require_safe
def edit(request: WorkspaceRequest, data_kind: str) -> HttpResponse:
    """The rule of a kind; with `days`, what that rule would do. `days` is empty for no limit."""
    known = _kind(data_kind)
    rule = rules.of(known)
    if "days" not in request.GET:
        return render_page(request, "tenants/edit_retention.html", _form(rule, _typed(rule.days)))
    return _previewed(request, rule, request.GET["days"])


def _typed(days: int | None) -> str:
    return "" if days is None else str(days)


def _form(rule: Current, typed: str, **more: Any) -> dict[str, Any]:
    return {"rule": rule, **_words(rule), "typed": typed[:40], "tabs": tabs("tenants:retention"), **more}


def _previewed(request: WorkspaceRequest, rule: Current, typed: str, *, refused: bool = False) -> HttpResponse:
    """The page with the preview; 422 where something has to be corrected or confirmed first."""
    try:
        days = _days(typed)
        if problem := rules.problem_of(rule.kind, days):
            raise ValueError(problem)
    except ValueError as problem:
        return invalid(request, "tenants/edit_retention.html", _form(rule, typed, error=str(problem)))
    now = timezone.now()
    found = rules.preview(rule.kind, days, now=now) if rules.is_shorter(days, rule.days) else Found(0)
    shown = _form(
        rule, typed, wanted=rules.in_words(rule.kind, days), found=found, noun=_noun(rule.kind, found),
        is_same=days == rule.days, is_shorter=rules.is_shorter(days, rule.days), previewed=True,
        starts=now + rules.GRACE, before=now - timedelta(days=days or 0), hours=rules.GRACE // timedelta(hours=1),
    )  # fmt: skip
    return (
        invalid(request, "tenants/edit_retention.html", shown)
        if refused
        else render_page(request, "tenants/edit_retention.html", shown)
    )


@allow("settings.manage")
@require_POST
def save(request: WorkspaceRequest, data_kind: str) -> HttpResponse:
    """Set a rule. One that removes something needs `confirmed`, which the preview sends."""
    known, typed = _kind(data_kind), request.POST.get("days", "")
    try:
        row = rules.change(
            known,
            _days(typed),
            user_id=user_id(request),
            seen=request.POST.get("seen", ""),
            confirmed=request.POST.get("confirmed") == "on",
        )
    except ValueError as problem:
        return invalid(request, "tenants/edit_retention.html", _form(rules.of(known), typed, error=str(problem)))
    except Changed:
        messages.error(request, "This rule was changed while you were editing it. Check the preview and save again.")
        return _previewed(request, rules.of(known), typed, refused=True)
    except NotConfirmed:
        return _previewed(request, rules.of(known), typed, refused=True)
    if row.next_at is None:
        messages.success(request, f"{known.label}: rule saved.")
    else:
        messages.success(request, f"{known.label}: rule saved. Removal begins {day(row.next_at)}; undo it until then.")
    return redirect_to(request, "tenants:retention")


@allow("settings.manage")
@require_POST
def undo(request: WorkspaceRequest, data_kind: str) -> HttpResponse:
    """Let the rule go on that held before, as long as the other one does not hold yet."""
    known = _kind(data_kind)
    if rules.undo(known, user_id=user_id(request)):
        messages.success(request, f"{known.label}: change undone. Nothing was removed.")
    else:
        messages.error(request, f"{known.label}: no change is waiting. It was undone already, or it now applies.")
    return redirect_to(request, "tenants:retention")
