"""All connectors, and a new one."""

import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from connectors import credentials, folders
from connectors.connector_form import ConnectorForm, free_login
from connectors.models import Connector, ConnectorFile, FileState, Protocol
from connectors.views.connector import detail_context
from core.http import invalid, redirect_to, render_page
from imports.files import encodings
from imports.models import SavedMapping
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id

MOST = 200


@allow("connectors.view")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    connectors = list(Connector.objects.filter(deleted_at=None).order_by("name", "pk")[:MOST])
    mappings = dict(SavedMapping.objects.values_list("pk", "name"))
    waiting = Q(state=FileState.WAITING)
    about = {
        row["connector_id"]: row
        for row in ConnectorFile.objects.filter(connector_id__in=[c.pk for c in connectors])
        .values("connector_id")
        .annotate(files=Count("pk", filter=~waiting), waiting=Count("pk", filter=waiting), last=Max("taken_at"))
    }
    rows = [(c, mappings.get(c.mapping_id or 0, ""), about.get(c.pk, {})) for c in connectors]
    return render_page(request, "connectors/list.html", {"rows": rows, "most": MOST})


@allow("connectors.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: WorkspaceRequest) -> HttpResponse:
    """A new connector. Its password is shown in the answer and never again; the same form again finds the first one."""
    if request.method != "POST":
        return render_page(request, "connectors/edit.html", form_context(ConnectorForm(), token=uuid.uuid4().hex))
    form, token = ConnectorForm.read(request.POST), request.POST.get("token", "").replace("\x00", "")[:32]
    if form.errors:
        return invalid(request, "connectors/edit.html", form_context(form, token=token))
    secret, now = credentials.new_secret(), timezone.now()
    try:
        with transaction.atomic():
            connector: Connector = Connector.objects.create(
                **form.values(), protocol=form.protocol, login=free_login(form.name), created_by_id=user_id(request),
                secret_hash=credentials.hashed(secret), secret_at=now, token=token or None,
            )  # fmt: skip
    except IntegrityError:
        return redirect_to(request, "connectors:detail", Connector.objects.get(token=token).pk)
    folders.of(request.workspace.pk, connector.pk).make()
    audit.record(
        "connector.added", user_id=user_id(request), target=f"connector {connector.pk}", name=connector.name,
        protocol=connector.protocol,
    )  # fmt: skip
    return render_page(request, "connectors/detail.html", detail_context(request, connector, secret=secret))


def form_context(form: ConnectorForm, **more: Any) -> dict[str, Any]:
    """What the page of the form shows."""
    return {
        "form": form,
        "protocols": Protocol.choices,
        "mappings": SavedMapping.objects.order_by("name")[:500],
        "encodings": list(encodings.CHOICES.items()),
        **more,
    }
