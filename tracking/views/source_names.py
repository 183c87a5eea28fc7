"""The settings page of endpoints, touchpoints and source actions: by which names imports say where data came from."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core.http import invalid, redirect_to, render_page
from tenants import audit
from tenants.roles import allow
from tenants.views import settings
from tracking import source_names as names
from tracking.models import SourceName

Kind = SourceName.Kind
WHAT_FOR = {
    Kind.ENDPOINT: "Where data comes from, such as an admin panel, a shop system or a till.",
    Kind.TOUCHPOINT: "Where contacts meet you: a channel or a site.",
    Kind.ACTION: "What contacts did, as shown in their activity.",
}


class NameForm(forms.Form):
    """A name, and for an endpoint the touchpoint that is meant when nothing else is said."""

    name = forms.CharField(label="Name", max_length=120)
    touchpoint = forms.CharField(
        label="Touchpoint",
        required=False,
        max_length=120,
        help_text="For endpoints: used when an import does not name a touchpoint.",
        widget=forms.TextInput(attrs={"list": "touchpoints"}),
    )

    def __init__(self, *args: Any, kind: str = Kind.ENDPOINT, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kind != Kind.ENDPOINT:
            del self.fields["touchpoint"]

    def clean_name(self) -> str:
        return _plain(self.cleaned_data["name"])

    def clean_touchpoint(self) -> str:
        return _plain(self.cleaned_data["touchpoint"])


def _plain(text: str) -> str:
    return " ".join(text.split())


class AddForm(NameForm):
    """A name with its kind."""

    kind = forms.ChoiceField(label="Type", choices=Kind)
    field_order = ("kind", "name", "touchpoint")


@allow("settings.manage")
@require_safe
def sources(request: HttpRequest) -> HttpResponse:
    """All names by kind."""
    return render_page(request, "tracking/sources.html", _context(AddForm()))


def _context(form: NameForm) -> dict[str, Any]:
    names = list(SourceName.objects.order_by("name"))
    groups = [(Kind(kind).label, words, [s for s in names if s.kind == kind]) for kind, words in WHAT_FOR.items()]
    return {"form": form, "groups": groups, "tabs": settings.tabs("tracking:sources"), "touchpoints": _touchpoints()}


def _touchpoints() -> list[str]:
    return list(names.names()[Kind.TOUCHPOINT].values())


@allow("settings.manage")
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    form = AddForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            made = names.add(data["kind"], data["name"], touchpoint=data["touchpoint"])
        except names.NotPossible as problem:
            form.add_error("name", str(problem))
        else:
            _note(request, "added", made)
            messages.success(request, f"“{made.name}” added.")
            return redirect_to(request, "tracking:sources")
    return invalid(request, "tracking/sources.html", _context(form))


@allow("settings.manage")
@require_safe
def edit(request: HttpRequest, name_id: int) -> HttpResponse:
    """One name, to be changed."""
    source = get_object_or_404(SourceName, pk=name_id)
    form = NameForm(initial={"name": source.name, "touchpoint": source.touchpoint}, kind=source.kind)
    return render_page(request, "tracking/source.html", _one(source, form))


def _one(source: SourceName, form: NameForm) -> dict[str, Any]:
    return {"source": source, "form": form, "tabs": settings.tabs("tracking:sources"), "touchpoints": _touchpoints()}


@allow("settings.manage")
@require_POST
def rename(request: HttpRequest, name_id: int) -> HttpResponse:
    source = get_object_or_404(SourceName.objects.select_for_update(), pk=name_id)
    before = {"name": source.name, "touchpoint": source.touchpoint}
    form = NameForm(request.POST, kind=source.kind)
    if form.is_valid():
        data = form.cleaned_data
        try:
            names.rename(source, data["name"], touchpoint=data.get("touchpoint", ""))
        except names.NotPossible as problem:
            form.add_error("name", str(problem))
        else:
            _note(request, "renamed", source, before=before)
            messages.success(request, f"“{source.name}” saved.")
            return redirect_to(request, "tracking:sources")
    # What could not be saved is not shown as if it were.
    return invalid(request, "tracking/source.html", _one(SourceName.objects.get(pk=name_id), form))


@allow("settings.manage")
@require_POST
def archive(request: HttpRequest, name_id: int, away: bool) -> HttpResponse:
    """Archive a name, or take it back. A second click changes nothing."""
    source = get_object_or_404(SourceName, pk=name_id)
    if names.archive(source, away=away):
        _note(request, "archived" if away else "restored", source)
        said = "archived. Imports no longer offer it." if away else "restored."
        back = reverse(f"tracking:{'restore' if away else 'archive'}_source", args=[source.pk])
        messages.success(request, f"“{source.name}” {said}", extra_tags=back)
    return redirect_to(request, "tracking:sources")


def _note(request: HttpRequest, verb: str, source: SourceName, **more: Any) -> None:
    said = {"kind": source.kind, "name": source.name, "touchpoint": source.touchpoint}
    audit.record(f"source.{verb}", user_id=request.user.pk, target=f"source name {source.pk}", **said, **more)
