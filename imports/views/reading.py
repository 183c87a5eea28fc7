"""How a file is read: by another encoding or separator, from another line, another sheet. The mapping page follows."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from core.http import redirect_to
from imports.files.reader import FileProblem
from imports.models import Import, Phase
from imports.views import mapping
from imports.views.upload import spoken, workspace_of
from imports.wizard import column_choices, upload
from imports.wizard.forms import DialectForm
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest


@allow("imports.run")
@require_POST
def read_again(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """Read the file by other means: the preview follows at once."""
    imp = get_object_or_404(Import.objects.select_for_update(), pk=import_id, phase=Phase.DRAFT)
    try:
        column_choices.reread_file(imp, workspace_of(request), DialectForm.changes(request.POST, imp.dialect))
    except FileProblem as problem:
        said = spoken(problem.code, problem.facts)
        return mapping.show(request, imp, error=f"{said['sentence']} {said['remedy']}")
    return redirect_to(request, "imports:detail", imp.pk)


def _wish(value: str | None, yes: str) -> bool | None:
    return None if value is None else value == yes


@allow("imports.run")
@require_POST
def take_sheet(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """Take a sheet of the workbook, filled or without what it hides: its columns and first rows follow at once."""
    imp = get_object_or_404(Import.objects.select_for_update(), pk=import_id, phase=Phase.DRAFT)
    try:
        upload.select_sheet(
            imp,
            workspace_of(request),
            request.POST.get("sheet", ""),
            fill=_wish(request.POST.get("merged"), "fill"),
            skip_hidden=_wish(request.POST.get("hidden"), "skip"),
        )
    except FileProblem as problem:
        said = spoken(problem.code, problem.facts)
        return mapping.show(request, imp, error=f"{said['sentence']} {said['remedy']}")
    except upload.BadSheet as problem:
        return mapping.show(request, imp, error=str(problem))
    return redirect_to(request, "imports:detail", imp.pk)
