"""Connectors that fetch files: add one, change it, forget the host key that was seen first."""

import uuid
from typing import Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from connectors import folders
from connectors.connector_form import free_login
from connectors.fetch_form import PLACES, SECRETS, FetchForm
from connectors.fetching import job, schedule
from connectors.models import Connector, Protocol
from connectors.views.connector import change, found, target_of
from core import edit_conflicts
from core.http import invalid, not_found, redirect_to, render_page
from imports.files import encodings
from imports.models import SavedMapping
from tenants import audit, pending_work
from tenants.roles import allow
from tenants.tasks import defer
from tenants.web.request import WorkspaceRequest, user_id


@allow("connectors.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorkspaceRequest) -> HttpResponse:
    """A new connector that fetches; the first turn begins at once. The same form again finds the first one."""
    protocol = request.GET.get("from", "") or request.POST.get("protocol", "")
    if request.method != "POST":
        return render_page(request, "connectors/fetch.html", _page(FetchForm.blank(protocol), token=uuid.uuid4().hex))
    form, token = (
        FetchForm.read(request.POST, protocol=protocol),
        request.POST.get("token", "").replace("\x00", "")[:32],
    )
    if form.errors:
        return invalid(request, "connectors/fetch.html", _page(form, token=token))
    try:
        with transaction.atomic():
            connector: Connector = Connector.objects.create(
                **form.values(), protocol=form.protocol, login=free_login(form.name), created_by_id=user_id(request),
                token=token or None, next_at=timezone.now(),
            )  # fmt: skip
    except IntegrityError:
        return redirect_to(request, "connectors:detail", Connector.objects.get(token=token).pk)
    folders.of(request.workspace.pk, connector.pk).make()
    _begin(request, connector)
    audit.record(
        "connector.added", user_id=user_id(request), target=target_of(connector), name=connector.name,
        protocol=connector.protocol,
    )  # fmt: skip
    messages.success(request, "Connector added. Looking for files.")
    return redirect_to(request, "connectors:detail", connector.pk)


def _begin(request: WorkspaceRequest, connector: Connector) -> None:
    """Let the sweep look at the workspace, and a worker at the place."""
    pending_work.mark_pending(job.WAKE)
    defer(job.TASK, tenant_id=request.workspace.pk, connector_id=connector.pk)


@allow("connectors.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: WorkspaceRequest, connector_id: int) -> HttpResponse:
    """Change where, what and when. A secret that is left empty stays."""
    connector = found(connector_id, lock=request.method == "POST")
    if not connector.fetches:
        return not_found(request)
    if request.method != "POST":
        return render_page(request, "connectors/fetch.html", _page(FetchForm.of(connector), connector=connector))
    form = FetchForm.read(request.POST, protocol=connector.protocol, known=connector)
    if form.errors:
        return invalid(request, "connectors/fetch.html", _page(form, connector=connector))
    if refused := edit_conflicts.sentence(request.POST, connector, _SHOWN):
        messages.error(request, refused)
        return invalid(request, "connectors/fetch.html", _page(form, connector=connector))
    values = form.values(connector)
    shown = {name: [getattr(connector, name), value] for name, value in values.items() if name in _SHOWN}
    changed = {name: pair for name, pair in shown.items() if pair[0] != pair[1]}
    change(connector, **values, next_at=timezone.now())
    audit.record(
        "connector.changed", user_id=user_id(request), target=target_of(connector),
        values={name: [str(before), str(after)] for name, (before, after) in changed.items()},
        secret="changed" if "remote_secret" in values else "",
    )  # fmt: skip
    _begin(request, connector)
    messages.success(request, "Connector saved.")
    return redirect_to(request, "connectors:detail", connector.pk)


_SHOWN = {
    "name": "Name", "mapping_id": "Mapping", "remote": "Place", "pattern": "Pattern", "every_minutes": "Minutes between",
    "daily_at": "Time of day", "quiet_seconds": "Seconds of quiet", "encoding": "Encoding",
}  # fmt: skip


@allow("connectors.manage")
@require_POST
def forget_key(request: WorkspaceRequest, connector_id: int) -> HttpResponse:
    """Trust the host key that the server shows next."""
    connector = found(connector_id, lock=True)
    if connector.protocol != Protocol.FETCH_SFTP:
        return not_found(request)
    change(connector, remote_host_key="", next_at=timezone.now())
    audit.record("connector.host_key_forgotten", user_id=user_id(request), target=target_of(connector))
    messages.success(request, "Host key forgotten. The one that the server shows next is trusted.")
    return redirect_to(request, "connectors:detail", connector.pk)


def _page(form: FetchForm, connector: Connector | None = None, **more: Any) -> dict[str, Any]:
    return {
        "form": form,
        "fields": [
            (name, label, example, needed, form.place.get(name, ""), form.errors.get(name, ""))
            for name, (label, example, needed) in PLACES[form.protocol].items()
        ],
        "secret_errors": [form.errors[name] for name in SECRETS[form.protocol] if name in form.errors],
        "choices": [(str(minutes), words) for minutes, words in schedule.CHOICES.items()],
        "mappings": SavedMapping.objects.order_by("name")[:500],
        "encodings": list(encodings.CHOICES.items()),
        "connector": connector,
        "seen": edit_conflicts.seen(connector, _SHOWN) if connector else "",
        **more,
    }
