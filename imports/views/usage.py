"""Where a field is used by imports."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core.http import render_page
from imports.models import Import, SavedMapping
from tenants.roles import allow

SHOWN = 5


@allow("imports.view")
@require_safe
def of_field(request: HttpRequest, key: str) -> HttpResponse:
    """The fragment of a field's page: the latest imports with a column for it, and saved mappings."""
    mapped = Import.objects.filter(mapping__contains=[{"target": key}])
    shown = {
        "count": mapped.count(),
        "imports": mapped.order_by("-pk")[:SHOWN],
        "saved": SavedMapping.objects.filter(columns__contains=[{"target": key}]).order_by("name"),
    }
    return render_page(request, "imports/_of_field.html", shown)
