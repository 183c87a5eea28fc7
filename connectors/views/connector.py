"""One connector: its files, how to reach it, and what can be done with it."""

import hashlib
from typing import Any

import asyncssh
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connectors import credentials, folders, instructions, manual_runs, pickup
from connectors.connector_form import ConnectorForm
from connectors.fetching import schedule
from connectors.models import Connector, ConnectorFile, FileState, Protocol
from connectors.servers import keys
from core import edit_conflicts
from core.http import invalid, not_found, redirect_to, render_page, stop_polling
from core.parse import parse_id
from imports.files import encodings
from imports.models import Import, SavedMapping
from tenants import audit
from tenants.isolation.context import current_tenant
from tenants.roles import allow
from tenants.tasks import defer
from tenants.web.request import WorkspaceRequest, user_id

PAGE = 50
BUSY = (FileState.WAITING, FileState.TAKEN, FileState.IMPORTING)


def found(connector_id: int, *, lock: bool = False) -> Connector:
    """A connector that is not deleted, else a 404."""
    connectors = Connector.objects.filter(deleted_at=None)
    connector: Connector = get_object_or_404(connectors.select_for_update() if lock else connectors, pk=connector_id)
    return connector


@allow("connectors.view")
@require_safe
def detail(request: WorkspaceRequest, connector_id: int) -> HttpResponse:
    return render_page(request, "connectors/detail.html", detail_context(request, found(connector_id)))


@allow("connectors.view")
@require_safe
def live(request: WorkspaceRequest, connector_id: int) -> HttpResponse:
    """The fragment with the files, which asks again while some are on their way."""
    context = _files(request, found(connector_id))
    response = render_page(request, "connectors/_files.html", context)
    return response if context["busy"] else stop_polling(response)


def detail_context(request: WorkspaceRequest, connector: Connector, **more: Any) -> dict[str, Any]:
    """What the page of a connector shows; `secret` only in the answer that has made it."""
    mapping = SavedMapping.objects.filter(pk=connector.mapping_id).first()
    return {
        "connector": connector,
        "mapping": mapping,
        **(_fetched(connector) if connector.fetches else _reached(request, connector)),
        "salt": _salt(connector),
        "log": audit.about(f"connector {connector.pk}", count=20) if request.membership.may("audit.view") else [],
        **_files(request, connector),
        **more,
    }


def _reached(request: WorkspaceRequest, connector: Connector) -> dict[str, Any]:
    """How programs reach the connector."""
    by_sftp = connector.protocol == Protocol.SFTP
    return {
        "to": instructions.address(request.workspace, connector),
        "steps": instructions.steps(request.workspace, connector),
        "fingerprint": keys.fingerprint() if by_sftp else keys.certificate_fingerprint(),
        "own_certificate": not settings.FTPS_CERTIFICATE,
    }


def _fetched(connector: Connector) -> dict[str, Any]:
    """Where files are fetched, and when."""
    key = connector.remote_host_key
    return {
        "schedule": schedule.words(every_minutes=connector.every_minutes, daily_at=connector.daily_at),
        "fingerprint": asyncssh.import_public_key(key).get_fingerprint() if key else "",
    }


def _files(request: WorkspaceRequest, connector: Connector) -> dict[str, Any]:
    before = parse_id(request.GET.get("before", ""))
    files = ConnectorFile.objects.filter(connector_id=connector.pk)
    if before is not None:
        files = files.filter(pk__lt=before)
    page = list(files.order_by("-pk")[: PAGE + 1])
    more, page = len(page) > PAGE, page[:PAGE]
    imports = {imp.pk: imp for imp in Import.objects.filter(pk__in=[f.import_id for f in page if f.import_id])}
    url = reverse("connectors:detail", args=[connector.pk])
    return {
        "connector": connector,
        "files": [(file, imports.get(file.import_id or 0)) for file in page],
        "older_url": f"{url}?before={page[-1].pk}" if more else None,
        "newer_url": url if before is not None else None,
        "busy": before is None and any(file.state in BUSY for file in page),
    }


EDITED = {
    "name": "Name", "mapping_id": "Mapping", "encoding": "Encoding", "public_keys": "Public keys", "networks": "Networks",
    "quiet_seconds": "Seconds of quiet", "max_bytes": "Largest file", "max_files": "Files at once",
}  # fmt: skip


@allow("connectors.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: WorkspaceRequest, connector_id: int) -> HttpResponse:
    """Change what a connector takes and from where. Connections that are open are closed."""
    connector = found(connector_id, lock=request.method == "POST")
    if connector.fetches:
        return not_found(request)
    if request.method != "POST":
        return render_page(request, "connectors/edit.html", _form(connector, ConnectorForm.of(connector)))
    form = ConnectorForm.read(request.POST, protocol=connector.protocol)
    if form.errors:
        return invalid(request, "connectors/edit.html", _form(connector, form))
    if refused := edit_conflicts.sentence(request.POST, connector, EDITED):
        messages.error(request, refused)
        return invalid(request, "connectors/edit.html", _form(connector, form))
    values = {name: value for name, value in form.values().items() if value != getattr(connector, name)}
    if values:
        before = {name: [getattr(connector, name), value] for name, value in values.items()}
        change(connector, **values)
        audit.record("connector.changed", user_id=user_id(request), target=target_of(connector), values=before)
    messages.success(request, "Connector saved.")
    return redirect_to(request, "connectors:detail", connector.pk)


def _form(connector: Connector, form: ConnectorForm) -> dict[str, Any]:
    return {
        "connector": connector,
        "seen": edit_conflicts.seen(connector, EDITED),
        "form": form,
        "protocols": Protocol.choices,
        "mappings": SavedMapping.objects.order_by("name")[:500],
        "encodings": list(encodings.CHOICES.items()),
    }


def change(connector: Connector, **values: Any) -> None:
    """Store values; sessions that were opened before are closed by the servers."""
    values["changed_at"] = timezone.now()
    for name, value in values.items():
        setattr(connector, name, value)
    connector.save(update_fields=list(values))
    look_again(connector)


def look_again(connector: Connector) -> None:
    """Let the sweep look at the folder, once the change is stored."""
    place = folders.of(current_tenant(), connector.pk)
    transaction.on_commit(place.unsettle)


def target_of(connector: Connector) -> str:
    return f"connector {connector.pk}"


@allow("connectors.manage")
@require_POST
def look(request: WorkspaceRequest, connector_id: int) -> HttpResponse:
    """Import what is complete now, without waiting for it to be quiet."""
    connector = found(connector_id)
    manual_runs.start(connector, user_id=user_id(request))
    messages.success(request, "Looking for complete files.")
    return redirect_to(request, "connectors:detail", connector.pk)


@allow("connectors.manage")
@require_POST
def renew(request: WorkspaceRequest, connector_id: int) -> HttpResponse:
    """A new password, shown in this answer and never again. A reload does not make yet another."""
    connector = found(connector_id, lock=True)
    if connector.fetches:
        return not_found(request)
    if request.POST.get("salt", "") != _salt(connector):
        messages.error(request, "The password was changed in the meantime. Change it again if you do not have it.")
        return redirect_to(request, "connectors:detail", connector.pk)
    secret = credentials.new_secret()
    change(connector, secret_hash=credentials.hashed(secret), secret_at=timezone.now())
    audit.record("connector.password_changed", user_id=user_id(request), target=target_of(connector))
    return render_page(request, "connectors/detail.html", detail_context(request, connector, secret=secret))


def _salt(connector: Connector) -> str:
    """Tells two passwords apart and says nothing of either."""
    return hashlib.sha256(connector.secret_hash.encode()).hexdigest()[:16]


@allow("connectors.manage")
@require_POST
def disable(request: WorkspaceRequest, connector_id: int) -> HttpResponse:
    connector = found(connector_id, lock=True)
    if connector.disabled_at is None:
        change(connector, disabled_at=timezone.now())
        audit.record("connector.disabled", user_id=user_id(request), target=target_of(connector))
    messages.success(request, "Connector disabled. Open connections are closed within seconds.")
    return redirect_to(request, "connectors:detail", connector.pk)


@allow("connectors.manage")
@require_POST
def enable(request: WorkspaceRequest, connector_id: int) -> HttpResponse:
    connector = found(connector_id, lock=True)
    if connector.disabled_at is not None:
        change(connector, disabled_at=None)
        audit.record("connector.enabled", user_id=user_id(request), target=target_of(connector))
    messages.success(request, "Connector enabled.")
    return redirect_to(request, "connectors:detail", connector.pk)


@allow("connectors.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: WorkspaceRequest, connector_id: int) -> HttpResponse:
    """Nobody can sign in any more; what was imported stays."""
    connector = found(connector_id, lock=request.method == "POST")
    waiting = ConnectorFile.objects.filter(connector_id=connector.pk, state=FileState.WAITING).count()
    if request.method != "POST":
        return render_page(request, "connectors/delete.html", {"connector": connector, "waiting": waiting})
    change(connector, deleted_at=timezone.now())
    audit.record("connector.deleted", user_id=user_id(request), target=target_of(connector), name=connector.name)
    messages.success(request, "Connector deleted.")
    return redirect_to(request, "connectors:list")


@allow("connectors.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def force(request: WorkspaceRequest, connector_id: int, file_id: int) -> HttpResponse:
    """Import a file as it is that waits because it looks incomplete."""
    connector = found(connector_id)
    file = get_object_or_404(ConnectorFile, pk=file_id, connector_id=connector.pk, state=FileState.WAITING)
    if request.method != "POST":
        return render_page(request, "connectors/force.html", {"connector": connector, "file": file})
    changed = ConnectorFile.objects.filter(
        pk=file.pk, state=FileState.WAITING, fingerprint=request.POST.get("print", "")
    )
    if not changed.update(forced=True):
        messages.error(request, "The file has changed in the meantime. Look at it again.")
        return redirect_to(request, "connectors:detail", connector.pk)
    look_again(connector)
    defer(pickup.TASK, tenant_id=request.workspace.pk, connector_id=connector.pk)
    audit.record("connector.file_forced", user_id=user_id(request), target=target_of(connector), file=file.name)
    messages.success(request, f"{file.name} is imported as it is.")
    return redirect_to(request, "connectors:detail", connector.pk)
