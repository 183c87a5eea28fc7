"""What a file can look like: a template to begin with, and the reference of all columns."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from core.http import render_page
from imports.mapping import column_reference
from imports.mapping.value_formats import CHOICES, STRICT
from imports.views.upload import workspace_of
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest


@allow("imports.run")
@require_safe
def columns(request: WorkspaceRequest) -> HttpResponse:
    """Names, formats and examples of every column that the workspace knows."""
    forms = [label for kind in CHOICES.values() for key, label in kind.items() if key != STRICT]
    return render_page(request, "imports/columns.html", {"groups": column_reference.groups(), "forms": forms})


@allow("imports.run")
@require_safe
def template(request: WorkspaceRequest) -> HttpResponse:
    """A CSV with the workspace's columns and two rows that can be imported."""
    response = HttpResponse(
        "".join(column_reference.template(workspace_of(request))), content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = 'attachment; filename="contacts template.csv"'
    return response
