"""Destinations: accounts and places that data syncs send to; connected, connected again, disconnected, removed."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.http import invalid, not_found, redirect_to, render_page
from destinations import connections, kinds, syncs
from destinations import sign_in as signs_in
from destinations.connections import BadConnection
from destinations.models import Destination
from destinations.views import sign_in
from destinations.views.edit import fields_of
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_of


def found(destination_id: int, *, lock: bool = False) -> Destination:
    """A destination that was not removed, else a 404."""
    present = Destination.objects.filter(archived_at=None)
    destination: Destination = get_object_or_404(present.select_for_update() if lock else present, pk=destination_id)
    return destination


@allow("syncs.view")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    used = dict(syncs.present().values("destination_id").annotate(n=Count("pk")).values_list("destination_id", "n"))
    rows = [
        {"destination": one, "kind": kinds.of(one.kind).label, "syncs": used.get(one.pk, 0)}
        for one in Destination.objects.filter(archived_at=None).order_by("name", "pk")
    ]
    return render_page(request, "destinations/destinations.html", {"rows": rows})


@allow("syncs.view")
@require_safe
def detail(request: WorkspaceRequest, destination_id: int) -> HttpResponse:
    return render_page(request, "destinations/destination.html", _about(found(destination_id)))


def _about(destination: Destination) -> dict[str, Any]:
    """What the page of a destination shows."""
    account = [
        (field.label, destination.settings.get(field.key, ""))
        for field in kinds.form(destination.kind).ACCOUNT
        if not field.secret
    ]
    return {
        "destination": destination,
        "kind": kinds.of(destination.kind),
        "account": account,
        "syncs": connections.usage(destination),
    }


@allow("destinations.manage")
@require_safe
def kinds_of(request: WorkspaceRequest) -> HttpResponse:
    """Choose what to send to."""
    rows = [
        {"url": f"{reverse('destinations:connect_kind', args=[key])}{query}", "label": label, "kind": kinds.of(key)}
        for key, _label in kinds.choices()
        for query, label in _ways(key)
    ]
    return render_page(request, "destinations/kinds.html", {"rows": rows})


def _ways(kind: str) -> list[tuple[str, str]]:
    """(query, label) of the forms of a kind: one, or one for each choice that other fields depend on."""
    fields = kinds.form(kind).ACCOUNT
    deciding = {field.when[0] for field in fields if field.when}
    label = kinds.of(kind).label
    ways = [
        (f"?{urlencode({f'field-{field.key}': value})}", f"{label}: {choice[0].lower()}{choice[1:]}")
        for field in fields
        if field.key in deciding
        for value, choice in field.choices
    ]
    return ways or [("", label)]


@allow("destinations.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: WorkspaceRequest, kind: str) -> HttpResponse:
    """A new destination. The same form again finds the first one."""
    if kind not in kinds.names():
        return not_found(request)
    if request.method != "POST":
        context = _form(kind, request.GET, name=kinds.of(kind).label, token=uuid.uuid4().hex)
        return _shown(render_page(request, "destinations/connect.html", context), context)
    name = request.POST.get("name", "").replace("\x00", "")[:200]
    token = request.POST.get("token", "").replace("\x00", "")[:32]
    context = _form(kind, request.POST, name=name, token=token)
    given = {field["key"]: field["value"] for field in context["fields"]}
    if request.POST.get("how") == "sign_in" and context["signs_in"]:
        return sign_in.begin(request, kind, remembered={"name": name, "account": _open(context), "token": token})
    try:
        destination = connections.connect(
            kind, name=name, account=given, secret=given, user=user_of(request), token=token or None
        )
    except BadConnection as problem:
        return _shown(invalid(request, "destinations/connect.html", _refused(context, problem)), context)
    if made := connections.made_here(destination, given):
        return render_page(request, "destinations/destination.html", {**_about(destination), "made": made})
    messages.success(request, "Destination added. The dry run of a data sync tests the connection.")
    return redirect_to(request, "destinations:destination", destination.pk)


def _form(kind: str, data: Any, **more: Any) -> dict[str, Any]:
    """What the page of the form shows. Secrets that were entered are not shown again."""
    return {
        "kind": kinds.of(kind),
        "key": kind,
        "fields": fields_of(kinds.asked(kind, _chosen(kind, data)), data),
        "signs_in": signs_in.is_offered(kind),
        **more,
    }


def _chosen(kind: str, data: Any) -> dict[str, str]:
    """What was chosen in fields that others depend on."""
    fields = [field for field in kinds.form(kind).ACCOUNT if field.choices]
    return {field.key: data.get(f"field-{field.key}", "") for field in fields}


def _open(context: dict[str, Any]) -> dict[str, str]:
    """What was entered and is no secret."""
    return {field["key"]: field["value"] for field in context["fields"] if not field["secret"]}


def _shown(response: HttpResponse, context: dict[str, Any]) -> HttpResponse:
    """The page, whose form may lead to the network where people can sign in there."""
    return sign_in.lets_go(response, context["key"]) if context["signs_in"] else response


def _refused(context: dict[str, Any], problem: BadConnection) -> dict[str, Any]:
    shown = {**context, "name_error": str(problem) if problem.field == "name" else ""}
    for field in shown["fields"]:
        field["error"] = str(problem) if field["key"] == problem.field else ""
        field["value"] = "" if field["secret"] else field["value"]
    known = shown["name_error"] or any(field["error"] for field in shown["fields"])
    return {**shown, "error": "" if known else str(problem)}


@allow("destinations.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def reconnect(request: WorkspaceRequest, destination_id: int) -> HttpResponse:
    """Give a destination another token or password; its settings can change, too."""
    destination = found(destination_id, lock=request.method == "POST")
    if request.method != "POST":
        stored = {f"field-{key}": str(value) for key, value in destination.settings.items()}
        context = _form(destination.kind, stored, destination=destination)
        return _shown(render_page(request, "destinations/connect.html", context), context)
    context = _form(destination.kind, request.POST, destination=destination)
    given = {field["key"]: field["value"] for field in context["fields"]}
    if request.POST.get("how") == "sign_in" and context["signs_in"]:
        remembered = {"destination": destination.pk, "account": _open(context)}
        return sign_in.begin(request, destination.kind, remembered=remembered)
    try:
        connections.reconnect(destination, account=given, secret=given, user=user_of(request))
    except BadConnection as problem:
        return _shown(invalid(request, "destinations/connect.html", _refused(context, problem)), context)
    messages.success(request, "Destination connected. Repair its failed data syncs to run them again.")
    return redirect_to(request, "destinations:destination", destination.pk)


@allow("destinations.manage")
@require_POST
def disconnect(request: WorkspaceRequest, destination_id: int) -> HttpResponse:
    """Destroy the stored token."""
    connections.disconnect(found(destination_id, lock=True), user=user_of(request))
    messages.success(request, "Destination disconnected.")
    return redirect_to(request, "destinations:destination", destination_id)


@allow("destinations.manage")
@require_POST
def remove(request: WorkspaceRequest, destination_id: int) -> HttpResponse:
    """Remove a destination that no data sync uses."""
    try:
        connections.remove(found(destination_id, lock=True), user=user_of(request))
    except BadConnection as problem:
        messages.error(request, str(problem))
        return redirect_to(request, "destinations:destination", destination_id)
    messages.success(request, "Destination removed.")
    return redirect_to(request, "destinations:destinations")
