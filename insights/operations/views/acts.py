"""What people do with an import of a workspace from the operations page. Canceling is on the import's own page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from core.http import redirect_to
from imports.models import Import
from imports.pipeline import queue
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id
from tenants.web.workspace_urls import outside


@allow("imports.cancel")
@require_POST
def retry(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """Offer an import to workers again. A second click does so once more, which changes nothing."""
    imp = get_object_or_404(Import, pk=import_id)
    if queue.retry(imp.pk):
        audit.record("import.retried", user_id=user_id(request), target=f"import {imp.pk}")
        messages.success(request, f"{imp.file_name}: workers were told to continue.")
    else:
        messages.info(request, f"{imp.file_name} has already ended.")
    return _back(request)


@allow("imports.cancel")
@require_POST
def move_to_front(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """Let an import go before the others of its workspace that wait."""
    imp = get_object_or_404(Import, pk=import_id)
    if queue.move_to_front(imp.pk):
        audit.record("import.moved_to_front", user_id=user_id(request), target=f"import {imp.pk}")
        messages.success(request, f"{imp.file_name} is next in its workspace.")
    else:
        messages.info(request, f"{imp.file_name} has already ended.")
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    return redirect_to(request, outside("operations"))
