"""The rule builder: as smart search over the lists of contacts, and for dynamic segments."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from core.http import redirect_to, render_page
from segments import dynamic
from segments.models import Segment
from segments.rules import (
    compiler,
    contact_sample,
    form_edits,
    periods,
    rule_counts,
    rule_form,
    rule_text,
    sentence,
    tree,
    vocabulary,
)
from segments.rules.property_filters import FILTERS as PROPERTY_FILTERS
from segments.rules.rule_form import RuleForm, RuleFormGroup
from segments.rules.tree import RuleError
from tenants.roles import allow
from tenants.web.request import user_id


@dataclass(frozen=True)
class Builder:
    """One use of the rule builder: where its form is sent, and what it saves (`saves`: a segment; None is a new one)."""

    action: str
    saves: bool = False
    segment: Segment | None = None

    @property
    def scope(self) -> compiler.Context:
        return compiler.context(inside=self.segment.pk if self.segment else None)


@allow("segments.view")
@require_http_methods(["GET", "HEAD", "POST"])
def search(request: HttpRequest) -> HttpResponse:
    """Smart search: a rule is put together and shown as a list of contacts. POST: the form after a button, or the list."""
    builder = Builder(reverse("segments:search"))
    return _posted(request, builder) if request.method == "POST" else _page(request, builder, _given(request))


@allow("segments.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A new dynamic segment, from nothing or from a smart search. POST: the form after a button, or kept."""
    builder = Builder(reverse("segments:new"), saves=True)
    return _posted(request, builder) if request.method == "POST" else _page(request, builder, _given(request))


@allow("segments.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Another rule, or another name, for a dynamic segment."""
    segment = get_object_or_404(Segment.objects.dynamic(), pk=segment_id)
    builder = Builder(reverse("segments:edit", args=[segment.pk]), saves=True, segment=segment)
    if request.method == "POST":
        return _posted(request, builder)
    return _page(request, builder, rule_form.of_rule(tree.parse(segment.rule)))


def _given(request: HttpRequest) -> RuleFormGroup:
    try:
        return rule_form.of_rule(tree.loads(request.GET["rule"]) if request.GET.get("rule") else None)
    except RuleError:
        messages.error(request, "The rule in the address is damaged. Start with an empty one.")
        return rule_form.of_rule(None)


def _posted(request: HttpRequest, builder: Builder) -> HttpResponse:
    """What a button leads to: the list, the saved segment, or the form again."""
    top, do = rule_form.read(request.POST), request.POST.get("do", "")
    if do == "sentence":
        return _sentence(request, builder)
    if do == "count":
        return _exact(request, rule_form.validate(top, builder.scope))
    if do not in ("show", "save"):
        edited = form_edits.apply(top, do)
        focus = form_edits.focus(edited, do) if edited else ""
        return _page(request, builder, edited[0] if edited else top, focus=focus)
    form = rule_form.validate(top, builder.scope)
    if form.rule is None or not form.complete:
        return _page(request, builder, form, refused=form.problem, status=422)
    if do == "show":
        return _to_list(request, tree.dumps(form.rule))
    name = request.POST.get("name", "")
    try:
        kept = dynamic.save_dynamic_segment(
            form.rule, name, user_id=user_id(request), segment=builder.segment, seen=request.POST.get("seen")
        )
    except dynamic.ChangedSince as problem:
        return _page(request, builder, form, refused=str(problem), seen=_version(builder), status=422)
    except (dynamic.BadSegment, RuleError) as problem:
        return _page(request, builder, form, refused=str(problem), status=422)
    messages.success(request, f"Segment {kept.name} saved. It contains all contacts that match its rule.")
    return redirect_to(request, "segments:detail", kept.pk)


def _version(builder: Builder) -> str:
    """That of the segment as it is now; empty for a new one."""
    known = Segment.objects.filter(pk=builder.segment.pk).first() if builder.segment else None
    return dynamic.version_of(known) if known else ""


def _sentence(request: HttpRequest, builder: Builder) -> HttpResponse:
    """The form that a sentence fills, and what of it was not understood; the form as it was where nothing was."""
    text, scope = " ".join(request.POST.get("sentence", "").replace("\x00", "").split()), builder.scope
    understood = sentence.read(text, vocabulary.of_workspace(scope))
    top = rule_form.of_rule(understood.rule) if understood.rule else _before(request, builder)
    told = {"text": text, "pieces": understood.pieces(text), "missed": understood.missed, "rule": understood.rule}
    return _page(request, builder, top, told=told)


def _before(request: HttpRequest, builder: Builder) -> RuleFormGroup:
    """The form as it was: what was sent along, or without script, which sends the sentence alone, how it began."""
    if "match:" in request.POST:
        return rule_form.read(request.POST)
    return rule_form.of_rule(tree.parse(builder.segment.rule) if builder.segment else None)


def _exact(request: HttpRequest, form: RuleForm) -> HttpResponse:
    """The figures that were estimated, exact, each for its place on the page."""
    begun, deleted = time.perf_counter(), request.POST.get("show") == "deleted"
    counts = rule_counts.count(form, deleted=deleted, patient=True)
    context = {
        "form": form,
        "counts": counts,
        "everybody": contact_sample.total(deleted=deleted),
        "took": (time.perf_counter() - begun) * 1000,
        "tried": True,
        "apart": True,
    }
    return render_page(request, "segments/_counts.html", context)


def _to_list(request: HttpRequest, rule: str) -> HttpResponse:
    show = {"show": "deleted"} if request.POST.get("show") == "deleted" else {}
    return redirect_to(request, f"{reverse('contacts:list')}?{urlencode({'rule': rule, **show})}")


def _page(
    request: HttpRequest,
    builder: Builder,
    form: RuleFormGroup | RuleForm,
    *,
    focus: str = "",
    refused: str = "",
    told: Mapping[str, Any] | None = None,
    seen: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """The builder with a form. `focus`: the ID of the element that gets it. `refused`: why it was not shown or saved.
    `told`: the sentence that has filled it. `seen`: the version of the segment that the person has in front of them."""
    form = form if isinstance(form, RuleForm) else rule_form.validate(form, builder.scope)
    context = {
        **_shown(request, form),
        "action": builder.action,
        "saves": builder.saves,
        "segment": builder.segment,
        "seen": request.POST.get("seen", _version(builder)) if seen is None else seen,
        "name": request.POST.get(
            "name", builder.segment.name if builder.segment else request.GET.get("name", "")[:120]
        ),
        "error": refused,
        "told": told or {},
        "focus": focus,
        "pressed": status == 422,
    }
    fragment = request.headers.get("HX-Target") == "segments-builder"
    return render_page(request, "segments/_builder.html" if fragment else "segments/rule.html", context, status=status)


def _shown(request: HttpRequest, form: RuleForm) -> dict[str, Any]:
    """What the builder shows of a form: its lines, how many contacts match, some of them, the rule in words."""
    begun, show = time.perf_counter(), request.POST.get("show", request.GET.get("show", ""))
    counts = rule_counts.count(form, deleted=show == "deleted")
    return {
        "form": form,
        "possible": form_edits.possible(form.top),
        "edits": form_edits.MENU,
        "matches": rule_form.MATCH_WORDS.items(),
        "filters": PROPERTY_FILTERS.values(),
        "periods": periods.KINDS.items(),
        "units": tree.UNITS,
        "parts": tree.CALENDAR,
        "choices": rule_form.choices(form.scope),
        "segments": rule_form.segments(but=next(iter(form.scope.inside), None)),
        "counts": counts,
        "everybody": contact_sample.total(deleted=show == "deleted"),
        "took": (time.perf_counter() - begun) * 1000,
        "phrases": rule_text.phrases(form.rule) if form.rule else [],
        "rule": tree.dumps(form.rule) if form.rule and not form.problem else "",
        "show": show,
    }
