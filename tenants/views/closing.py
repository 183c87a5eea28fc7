"""The workspace itself: its name, everything of it as a file, closing and reopening it."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.http import invalid, not_found, redirect_to, render_page
from tenants import tasks, workspaces
from tenants.closing import export_job, lifecycle
from tenants.closing.lifecycle import GRACE_DAYS, Gone, WrongName
from tenants.members.forms import NameForm
from tenants.models import Membership, Tenant, WorkspaceExport
from tenants.roles import Role, allow, works_when_closed
from tenants.views.settings import tabs
from tenants.web.request import WorkspaceRequest, user_of


def _export(export: WorkspaceExport | None) -> dict[str, Any]:
    """What the part of the page with the export shows."""
    done, of, rows = (
        export_job.so_far(export) if export and export.state == WorkspaceExport.State.RUNNING else (0, 0, 0)
    )
    return {
        "export": export,
        "is_active": export is not None and export.state in WorkspaceExport.ACTIVE,
        "is_there": export is not None and export_job.path_of(export, now=timezone.now()) is not None,
        "files_done": done,
        "files": of,
        "rows": rows,
        "keep_days": export_job.kept_days(),
    }


@allow("settings.manage")
@require_safe
def overview(request: WorkspaceRequest) -> HttpResponse:
    """Its name, its export, and the way to its end."""
    form = NameForm(initial={"name": request.workspace.name})
    return render_page(request, "tenants/workspace.html", _overview(request.workspace, form))


def _overview(workspace: Tenant, form: NameForm) -> dict[str, Any]:
    used = import_string(settings.WORKSPACE_USAGE)(workspace)
    return {
        "form": form,
        "used": used,
        "tabs": tabs("tenants:workspace"),
        "days": GRACE_DAYS,
        **_export(export_job.latest()),
    }


@allow("workspace.manage")
@require_POST
def rename(request: WorkspaceRequest) -> HttpResponse:
    form = NameForm(request.POST)
    if not form.is_valid():
        return invalid(request, "tenants/workspace.html", _overview(request.workspace, form))
    changed = workspaces.rename(request.workspace, name=form.cleaned_data["name"], user=user_of(request))
    messages.success(request, "Workspace renamed." if changed else "No changes to save.")
    return redirect_to(request, "tenants:workspace")


@allow("workspace.manage")
@works_when_closed
@require_POST
def export(request: WorkspaceRequest) -> HttpResponse:
    """Have everything made one file."""
    made, is_new = export_job.ask(user_of(request))
    tasks.defer(export_job.TASK, tenant_id=request.workspace.pk, export_id=made.pk)
    messages.success(request, "The export was started." if is_new else "An export is running already.")
    return _back(request)


@allow("workspace.manage")
@works_when_closed
@require_safe
def export_progress(request: WorkspaceRequest) -> HttpResponse:
    """The part of the page that renews itself."""
    return render_page(request, "tenants/_workspace_export.html", _export(export_job.latest()))


@allow("workspace.manage")
@works_when_closed
@require_safe
def export_file(request: WorkspaceRequest, export_id: int) -> HttpResponseBase:
    """The file, as long as it is there."""
    made = get_object_or_404(WorkspaceExport, pk=export_id)
    path = export_job.path_of(made, now=timezone.now())
    if path is None or made.finished_at is None:
        return not_found(request)
    name = f"{request.workspace.slug} {timezone.localtime(made.finished_at):%Y-%m-%d %H%M}.zip"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="application/zip")


@allow("workspace.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: WorkspaceRequest) -> HttpResponse:
    """Say what closing means, then do it for who types the name of the workspace."""
    context: dict[str, Any] = {
        "days": GRACE_DAYS,
        "members": Membership.objects.count(),
        "erase_at": timezone.now() + lifecycle.GRACE,
        **_export(export_job.latest()),
    }
    if request.method != "POST":
        return render_page(request, "tenants/close.html", context)
    try:
        lifecycle.close(request.workspace, name=request.POST.get("name", ""), user=user_of(request))
    except WrongName:
        return invalid(request, "tenants/close.html", {**context, "typed": request.POST.get("name", "")[:200]})
    return redirect_to(request, "tenants:closed")


@allow("workspace.manage")
@works_when_closed
@require_safe
def closed(request: WorkspaceRequest) -> HttpResponse:
    """The only page of a closed workspace: when its data goes, its export, and the way back."""
    if request.workspace.closed_at is None:
        return redirect_to(request, "tenants:start")
    owners = Membership.objects.filter(role=Role.OWNER).count()
    return render_page(request, "tenants/closed.html", {"owners": owners, **_export(export_job.latest())})


@allow("workspace.manage")
@works_when_closed
@require_POST
def reopen(request: WorkspaceRequest) -> HttpResponse:
    try:
        if lifecycle.reopen(request.workspace, user=user_of(request)):
            messages.success(request, f"{request.workspace.name} is open again.")
    except Gone:
        return not_found(request)
    return redirect_to(request, "tenants:start")


def _back(request: WorkspaceRequest) -> HttpResponse:
    """To the page from which the export was asked for."""
    if request.workspace.closed_at is not None:
        return redirect_to(request, "tenants:closed")
    return redirect_to(request, "tenants:close" if request.POST.get("from") == "close" else "tenants:workspace")
