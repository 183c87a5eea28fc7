"""What the page of an import shows of sources: its match report, and the way to make it one."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core.http import redirect_to, render_page
from imports.models import Import
from sources import match_report, refresh
from sources.models import Origin, Source, SourceState, SourceType
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest, user_id


@allow("sources.view")
@require_safe
def of_import(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """The fragment of an import: the source that it becomes, or the offer to make it one, with its match report."""
    imp = get_object_or_404(Import, pk=import_id)
    source = refresh.of_import(imp.pk)
    context: dict[str, Any] = {"import": imp, "source": source}
    if imp.ended and imp.imported:
        counts = match_report.parts(source) if source and source.refreshed_at else match_report.of_import(imp.pk)
        context |= {"counts": counts, "total": sum(part.count for part in counts)}
    return render_page(request, "sources/_of_import.html", context)


@allow("sources.edit")
@require_POST
def from_import(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """Make an import a source. A second click finds the first one."""
    imp = get_object_or_404(Import.objects.select_for_update(), pk=import_id)
    source = refresh.of_import(imp.pk)
    if source is None:
        name = imp.file_name[:120]
        source = Source.objects.create(
            name=name, type=SourceType.CUSTOMERS, origin=Origin.FILE, import_id=imp.pk, created_by_id=user_id(request),
            state=SourceState.WAITING,
        )  # fmt: skip
        audit.record("source.created", user_id=user_id(request), target=name, origin=Origin.FILE, import_id=imp.pk)
        refresh.watch()
        refresh.look_at_import(source)
    return redirect_to(request, reverse("sources:detail", args=[source.pk]))
