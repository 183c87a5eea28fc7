"""The builder of an audience: lists and conditions, with the size after each of them, counted anew at every change."""

import time
import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from audiences import audience_form, contact_lists, definition, funnel, lifecycle, usage
from audiences.audience_form import SIDES, AudienceForm
from audiences.definition import CONDITIONS, KINDS
from audiences.models import Audience, Use
from core.http import redirect_to, render_page
from segments.rules import contact_sample
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id

ICONS = {"source": "database", "segment": "blend", "lookalike": "user-plus"}
TITLES = {
    "include": ("Include", "contacts in at least one of these"),
    "exclude": ("Exclude", "contacts in any of these"),
}


@allow("audiences.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorkspaceRequest) -> HttpResponse:
    """A new audience, from nothing, from the lists of an address (`include=source:3`) or as a copy (`copy=7`)."""
    if request.method != "POST":
        return _page(request, _begin(request), token=uuid.uuid4().hex)
    form, token = audience_form.read(request.POST), request.POST.get("token", "").replace("\x00", "")[:32]
    if (do := request.POST.get("do", "")) != "save":
        return _page(request, form, token=token, focus=audience_form.edit(form, do))
    audience = lifecycle.create(form, user_id=user_id(request), token=token)
    if audience is None:
        return _page(request, form, token=token, status=422)
    messages.success(request, f"Audience {audience.name} saved. It is built now and follows every change.")
    return redirect_to(request, "audiences:detail", audience.pk)


def _begin(request: WorkspaceRequest) -> AudienceForm:
    copied = Audience.objects.filter(pk=_number(request.GET.get("copy", ""))).first()
    return lifecycle.copy_of(copied) if copied else audience_form.empty(request.GET.getlist("include")[:20])


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


@allow("audiences.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: WorkspaceRequest, audience_id: int) -> HttpResponse:
    """Other lists, conditions or another name for an audience, with who would enter and leave."""
    do = request.POST.get("do", "")
    present = Audience.objects.filter(archived_at=None)
    audience = get_object_or_404(present.select_for_update() if do == "save" else present, pk=audience_id)
    if request.method != "POST":
        saved = audience_form.of_audience(audience, definition.of_plain(audience.definition))
        return _page(request, saved, audience=audience, seen=lifecycle.version_of(audience))
    form, seen = audience_form.read(request.POST), request.POST.get("seen", "")
    if do != "save":
        return _page(request, form, audience=audience, seen=seen, focus=audience_form.edit(form, do))
    version = lifecycle.version_of(audience)
    try:
        if lifecycle.change(audience, form, seen=seen, user_id=user_id(request)):
            messages.success(request, f"Audience {audience.name} saved.")
            return redirect_to(request, "audiences:detail", audience.pk)
    except lifecycle.ChangedSince as problem:
        form.errors["changed"], seen = str(problem), version
    return _page(request, form, audience=present.get(pk=audience_id), seen=seen, status=422)


def _page(
    request: WorkspaceRequest, form: AudienceForm, *, audience: Audience | None = None, token: str = "",
    seen: str = "", focus: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    """The builder with a form. `focus`: the ID of the element that gets it."""
    context = {
        "form": form, "audience": audience, "token": token, "seen": seen, "focus": focus,
        "action": reverse("audiences:edit", args=[audience.pk]) if audience else reverse("audiences:new"),
        "purposes": Use.choices,
        "uses": usage.uses([audience.pk])[audience.pk] if audience else [],
        **shown(form, saved=audience.segment_id if audience else None),
    }  # fmt: skip
    fragment = request.headers.get("HX-Target") == "audience-builder"
    template = "audiences/_builder.html" if fragment else "audiences/builder.html"
    return render_page(request, template, context, status=status)


def shown(form: AudienceForm, *, saved: int | None) -> dict[str, Any]:
    """What the builder shows of a form: its rows with sizes, the funnel, the change, the words."""
    begun = time.perf_counter()
    said = form.definition
    names = contact_lists.names(said.lists)
    found = funnel.of_cells(funnel.count(said, saved=saved), said, form.use, names=names)
    took = (time.perf_counter() - begun) * 1000
    choices = {kind: contact_lists.choices(kind) for kind in KINDS}
    return {
        "sides": [_side(form, side, found, choices) for side in SIDES],
        "conditions": [
            (one, key in form.conditions or key in form.forced, key in form.forced, found.less(key))
            for key, one in CONDITIONS.items()
        ],
        "suppressed": definition.suppressed(form.use),
        "suppressed_less": found.less(definition.SUPPRESSED),
        "funnel": found,
        "words": definition.words(said, form.use, names),
        "everybody": contact_sample.total(),
        "took": took,
    }


def _side(form: AudienceForm, side: str, found: funnel.Funnel, choices: dict[str, Any]) -> dict[str, Any]:
    title, how = TITLES[side]
    rows = []
    for i, row in enumerate(getattr(form, side)):
        one = contact_lists.ContactList(row.kind, row.pk) if row.pk is not None else None
        known = {pk for pk, _name in choices[row.kind]}
        rows.append({
            "id": f"{side}-{i}", "number": i, "row": row, "icon": ICONS[row.kind],
            "kind": contact_lists.KINDS[row.kind],
            "choices": choices[row.kind], "gone": row.pk is not None and row.pk not in known,
            "size": found.sizes.get(one) if one else None,
        })  # fmt: skip
    step = next((step for step in found.steps if step.key == side), None)
    return {
        "key": side, "title": title, "how": how, "rows": rows, "error": form.errors.get(side, ""),
        "count": None if step is None else step.remain if side == "include" else step.less,
        "kinds": [(kind, contact_lists.KINDS[kind]) for kind in KINDS],
    }  # fmt: skip
