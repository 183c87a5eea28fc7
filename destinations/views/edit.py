"""A new data sync, and what people do with one: change, start, run, disable, repair, delete."""

import uuid
from dataclasses import dataclass
from datetime import time
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods, require_POST

from audiences import contact_lists
from audiences.contact_lists import ContactList
from core import edit_conflicts
from core.http import invalid, redirect_to, render_page
from core.parse import parse_id
from destinations import kinds, syncs
from destinations.models import Destination, Schedule, Sync
from destinations.syncs import BadSync
from destinations.views.detail import found
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_of

# What happens → what is said when it has been asked for.
SAID = {
    "start": "Data sync started.",
    "run_now": "A run was started.",
    "dry_run": "A dry run was started. Nothing is sent.",
    "full_resync": "All contacts are sent again.",
    "disable": "Data sync disabled.",
    "enable": "Data sync enabled.",
    "repair": "A new run was started.",
}


@dataclass
class SyncForm:
    """What somebody has entered. `wrong`: the key of the field that is wrong, and `why`; `error`: of none in particular."""

    name: str = ""
    list: str = ""
    schedule: str = Schedule.HOURLY
    daily_at: str = ""
    wrong: str = ""
    why: str = ""
    error: str = ""

    @classmethod
    def read(cls, data: Any) -> "SyncForm":
        """From a request."""
        given = {key: data.get(key, "").replace("\x00", "")[:200] for key in ("name", "list", "schedule", "daily_at")}
        return cls(**given)

    def refuse(self, problem: BadSync) -> None:
        """Take over what is wrong."""
        self.wrong, self.why = problem.field, str(problem)
        self.error = "" if problem.field in ("name", "list", "daily_at") else str(problem)

    def at(self) -> time | None:
        """The time of the day, for a schedule that needs one. Raises BadSync."""
        if self.schedule != Schedule.DAILY or not self.daily_at:
            return None
        try:
            return time.fromisoformat(self.daily_at)
        except ValueError:
            raise BadSync("Enter a time such as 03:00.", "daily_at") from None

    def of_list(self) -> ContactList:
        """The list that was chosen. Raises BadSync."""
        kind, _dot, pk = self.list.partition(".")
        number = parse_id(pk)
        if kind not in contact_lists.KINDS or number is None:
            raise BadSync("Choose a list.", "list")
        return ContactList(kind, number)


@allow("syncs.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorkspaceRequest) -> HttpResponse:
    """A draft: nothing is sent before somebody has reviewed and started it. The same form again finds the first one."""
    destinations = Destination.objects.filter(archived_at=None).order_by("name", "pk")
    if request.method != "POST":
        wanted = parse_id(request.GET.get("destination", ""))
        if wanted is None and len(destinations) != 1:
            return render_page(request, "destinations/form.html", _choice(request, list(destinations)))
        destination = get_object_or_404(destinations, pk=wanted) if wanted is not None else destinations[0]
        form = SyncForm(list=request.GET.get("list", "")[:40])
        return render_page(request, "destinations/form.html", _form(destination, form, token=uuid.uuid4().hex))
    destination = get_object_or_404(destinations, pk=parse_id(request.GET.get("destination", "")) or destinations[:1])
    form, token = SyncForm.read(request.POST), request.POST.get("token", "").replace("\x00", "")[:32]
    fields = target_fields(destination, request.POST)
    try:
        sync = syncs.create(
            destination, form.of_list(), name=form.name, target={f["key"]: f["value"] for f in fields},
            schedule=form.schedule, daily_at=form.at(), user=user_of(request), token=token or None,
        )  # fmt: skip
    except BadSync as problem:
        form.refuse(problem)
        for field in fields:
            field["error"] = str(problem) if field["key"] == problem.field else ""
        if any(field["error"] for field in fields):
            form.error = ""
        return invalid(request, "destinations/form.html", _form(destination, form, token=token, fields=fields))
    return redirect_to(request, "destinations:sync", sync.pk)


def _choice(request: WorkspaceRequest, destinations: list[Destination]) -> dict[str, Any]:
    """What the page shows that asks for a destination."""
    return {
        "destinations": [(one, kinds.of(one.kind).label) for one in destinations],
        "of_list": request.GET.get("list", "")[:40],
    }


def _form(destination: Destination, form: SyncForm, **more: Any) -> dict[str, Any]:
    """What the page of the form shows."""
    lists = [
        (label, [(f"{kind}.{pk}", name) for pk, name in contact_lists.choices(kind)])
        for kind, label in contact_lists.KINDS.items()
    ]
    return {
        "form": form,
        "destination": destination,
        "kind": kinds.of(destination.kind),
        "lists": [(f"{label}s", choices) for label, choices in lists if choices],
        "schedules": Schedule.choices,
        "fields": target_fields(destination, {}),
        **more,
    }


def target_fields(destination: Destination, data: Any) -> list[dict[str, Any]]:
    """The fields of the list at a destination, with what was entered."""
    return fields_of(kinds.form(destination.kind).TARGET, data)


def fields_of(fields: Any, data: Any) -> list[dict[str, Any]]:
    """Fields of a kind (destinations.kinds.Field) for the template, with what was entered."""
    deciding = {field.when[0] for field in fields if getattr(field, "when", None)}
    return [
        {
            **field._asdict(),
            "decides": field.key in deciding,
            "value": data.get(f"field-{field.key}", "").replace("\x00", "")[:8_000],
            "error": "",
        }
        for field in fields
    ]


EDITED = {"name": "Name", "schedule": "Schedule", "daily_at": "Time of day"}


@allow("syncs.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: WorkspaceRequest, sync_id: int) -> HttpResponse:
    """Change name and schedule."""
    sync, destination = found(sync_id, lock=request.method == "POST")
    context: dict[str, Any] = {"sync": sync, "seen": edit_conflicts.seen(sync, EDITED)}
    if request.method != "POST":
        at = sync.daily_at.strftime("%H:%M") if sync.daily_at else ""
        form = SyncForm(name=sync.name, schedule=sync.schedule, daily_at=at)
        return render_page(request, "destinations/form.html", {**context, **_form(destination, form)})
    form = SyncForm.read(request.POST)
    if refused := edit_conflicts.sentence(request.POST, sync, EDITED):
        messages.error(request, refused)
        return invalid(request, "destinations/form.html", {**context, **_form(destination, form)})
    try:
        syncs.edit(sync, name=form.name, schedule=form.schedule, daily_at=form.at(), user=user_of(request))
    except BadSync as problem:
        form.refuse(problem)
        return invalid(request, "destinations/form.html", {**context, **_form(destination, form)})
    messages.success(request, "Data sync saved.")
    return redirect_to(request, "destinations:sync", sync.pk)


@allow("syncs.edit")
@require_POST
def act(request: WorkspaceRequest, sync_id: int, verb: str) -> HttpResponse:
    """One of the buttons: a key of SAID, and a function of destinations.syncs."""
    sync, _destination = found(sync_id, lock=True)
    try:
        getattr(syncs, verb)(sync, user=user_of(request))
    except BadSync as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, SAID[verb])
    return redirect_to(request, "destinations:sync", sync.pk)


@allow("syncs.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: WorkspaceRequest, sync_id: int) -> HttpResponse:
    """Take everybody out of the list at the destination, then forget the sync; asked before."""
    sync, destination = found(sync_id, lock=request.method == "POST")
    if request.method != "POST":
        return render_page(request, "destinations/delete.html", {"sync": sync, "destination": destination})
    syncs.delete(sync, user=user_of(request), keep_people=request.POST.get("keep", "") == "1")
    if Sync.objects.filter(pk=sync.pk, archived_at=None).exists():
        messages.success(request, f"The contacts are being removed from the list at {destination.name}.")
        return redirect_to(request, "destinations:sync", sync.pk)
    messages.success(request, "Data sync deleted.")
    return redirect_to(request, "destinations:list")
