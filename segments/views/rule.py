"""The rule builder: as smart search over the lists of contacts, and for dynamic segments."""

import time
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from contacts.listing import status_filters
from contacts.listing.status_filters import FILTERS
from contacts.models import Contact
from core.http import redirect_to, render_page
from segments import dynamic
from segments.models import Segment
from segments.rules import compiler, rule_form, rule_text, tree
from segments.rules.activity_conditions import WHERE
from segments.rules.rule_form import RuleFormGroup
from segments.rules.tree import RuleError
from tenants.roles import allow
from tenants.web.request import user_id

SAMPLE = 5


@allow("segments.view")
@require_http_methods(["GET", "HEAD", "POST"])
def search(request: HttpRequest) -> HttpResponse:
    """Smart search: a rule is put together and shown as a list of contacts. POST: the form after a button, or the list."""
    block = rule_form.read(request.POST) if request.method == "POST" else _given(request)
    return _answer(request, block, action=reverse("segments:search"))


@allow("segments.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new dynamic segment, from nothing or from a smart search. POST: the form after a button, or kept."""
    block = rule_form.read(request.POST) if request.method == "POST" else _given(request)
    return _answer(request, block, action=reverse("segments:new"), name="", saves=True)


@allow("segments.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Another rule, or another name, for a dynamic segment."""
    segment = get_object_or_404(Segment, pk=segment_id, rule__isnull=False)
    block = rule_form.read(request.POST) if request.method == "POST" else rule_form.of_rule(tree.parse(segment.rule))
    action = reverse("segments:edit", args=[segment.pk])
    return _answer(request, block, action=action, name=segment.name, segment=segment, saves=True)


def _given(request: HttpRequest) -> RuleFormGroup:
    try:
        return rule_form.of_rule(tree.loads(request.GET["rule"]) if request.GET.get("rule") else None)
    except RuleError:
        messages.error(request, "The rule in the address is damaged. Start with an empty one.")
        return rule_form.of_rule(None)


def _answer(
    request: HttpRequest,
    block: RuleFormGroup,
    *,
    action: str,
    name: str = "",
    segment: Segment | None = None,
    saves: bool = False,
) -> HttpResponse:
    scope = compiler.context(inside=segment.pk if segment else None)
    whole, do = rule_form.validate(block, scope), request.POST.get("do", "")
    rule, error = rule_form.rule_of(block), ""
    if do in ("show", "save") and rule is not None and rule_form.is_complete(block):
        try:
            if do == "show":
                return _to_list(request, tree.dumps(tree.loads(tree.dumps(rule))))
            kept = dynamic.save_dynamic_segment(
                rule, request.POST.get("name", ""), user_id=user_id(request), segment=segment
            )
        except (dynamic.BadSegment, RuleError) as problem:
            error = str(problem)
        else:
            messages.success(request, f"Segment {kept.name} saved. It contains all contacts that match its rule.")
            return redirect_to(request, "segments:detail", kept.pk)
    shown = _shown(request, block, scope, whole, pressed=do in ("show", "save"))
    given = request.POST.get("name", name)
    context = {**shown, "action": action, "name": given, "segment": segment, "saves": saves, "error": error}
    fragment = request.headers.get("HX-Target") == "segments-builder"
    return render_page(request, "segments/_builder.html" if fragment else "segments/rule.html", context,
                status=422 if do in ("show", "save") else 200)  # fmt: skip


def _to_list(request: HttpRequest, rule: str) -> HttpResponse:
    show = {"show": "deleted"} if request.POST.get("show") == "deleted" else {}
    return redirect_to(request, f"{reverse('contacts:list')}?{urlencode({'rule': rule, **show})}")


def _shown(
    request: HttpRequest, block: RuleFormGroup, scope: compiler.Context, whole: Any, *, pressed: bool
) -> dict[str, Any]:
    rule, begun = rule_form.rule_of(block), time.perf_counter()
    show = request.POST.get("show", request.GET.get("show", ""))
    contacts = Contact.objects.exclude(deleted_at=None) if show == "deleted" else Contact.objects.living()
    total = rule_form.count(block, whole, scope, contacts=contacts) if rule else 0
    return {
        "top": block,
        "matches": rule_form.MATCH_WORDS.items(),
        "wheres": WHERE,
        "choices": rule_form.choices(scope),
        "segments": rule_form.segments(but=next(iter(scope.inside), None)),
        "total": total,
        "everybody": status_filters.count(status_filters.cells(), FILTERS[""], deleted=show == "deleted"),
        "took": (time.perf_counter() - begun) * 1000,
        "sample": contacts.filter(whole).order_by("-pk")[:SAMPLE] if total else [],
        "phrases": rule_text.phrases(rule) if rule else [],
        "unfinished": sum(1 for line in rule_form.lines(block) if line.node is None),
        "pressed": pressed,
        "rule": tree.dumps(rule) if rule else "",
        "show": show,
    }
