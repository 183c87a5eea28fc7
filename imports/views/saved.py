"""Saved mappings: keep one, use one, and the page on which they are renamed and removed."""

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST, require_safe

from core.http import invalid, redirect_to, render_page
from imports.models import Import, Phase, SavedMapping
from imports.options import MAX_NAME
from imports.views import mapping
from imports.views.upload import workspace_of
from imports.wizard import column_choices, saved_mappings
from imports.wizard.forms import OptionsForm
from tenants import audit
from tenants.roles import allow
from tenants.web.request import WorkspaceRequest


@allow("imports.run")
@require_POST
def save(request: WorkspaceRequest, import_id: int) -> HttpResponse:
    """Keep what the mapping page shows under a name."""
    imp = get_object_or_404(Import.objects.select_for_update(), pk=import_id, phase=Phase.DRAFT)
    name = request.POST.get("saved_name", "").strip()
    form = OptionsForm(request.POST, may_revive=mapping.may_revive(request), workspace=workspace_of(request))
    if not form.is_valid():
        return mapping.show(request, imp, form=form, error=mapping.SEE_FIELDS)
    if not 0 < len(name) <= MAX_NAME:
        return mapping.show(request, imp, form=form, error=f"Enter a name of up to {MAX_NAME} characters.")
    try:
        with transaction.atomic():
            chosen = mapping.chosen(request, imp, form.options())
    except column_choices.BadMapping as problem:
        return mapping.show(request, imp, form=form, error=str(problem))
    user = request.user if request.user.is_authenticated else None
    saved_mappings.save(imp, name, columns=chosen, options=form.options(), user=user)
    audit.record("mapping.saved", user_id=request.user.pk, target=name)
    messages.success(request, f"Mapping saved as {name}. We will suggest it for files with the same columns.")
    return redirect_to(request, "imports:detail", imp.pk)


@allow("imports.run")
@require_POST
def use(request: WorkspaceRequest, import_id: int, saved_id: int) -> HttpResponse:
    """Give a saved mapping to an import that waits for one."""
    imp = get_object_or_404(Import.objects.select_for_update(), pk=import_id, phase=Phase.DRAFT)
    saved = get_object_or_404(SavedMapping, pk=saved_id, header_digest=saved_mappings.digest(imp.header))
    saved_mappings.apply(imp, saved)
    return redirect_to(request, "imports:detail", imp.pk)


@allow("imports.run")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    """All saved mappings of the workspace."""
    return render_page(request, "imports/saved.html", _context())


def _context() -> dict[str, object]:
    return {"mappings": SavedMapping.objects.select_related("created_by").order_by("name")[:200]}


@allow("imports.run")
@require_POST
def rename(request: WorkspaceRequest, saved_id: int) -> HttpResponse:
    """Give another name that nothing else has."""
    saved = get_object_or_404(SavedMapping, pk=saved_id)
    saved.name = request.POST.get("name", "").strip()
    if not 0 < len(saved.name) <= MAX_NAME:
        return invalid(
            request, "imports/saved.html", _context() | {"error": f"Enter a name of up to {MAX_NAME} characters."}
        )
    try:
        with transaction.atomic():
            saved.save(update_fields=["name"])
    except IntegrityError:
        error = f"The mapping {saved.name} already exists. Choose another name."
        return invalid(request, "imports/saved.html", _context() | {"error": error})
    return redirect_to(request, "imports:saved")


@allow("imports.run")
@require_POST
def delete(request: WorkspaceRequest, saved_id: int) -> HttpResponse:
    """Forget a saved mapping. Imports that used it keep theirs."""
    saved = get_object_or_404(SavedMapping, pk=saved_id)
    saved.delete()
    audit.record("mapping.deleted", user_id=request.user.pk, target=saved.name)
    messages.success(request, f"Mapping {saved.name} deleted.")
    return redirect_to(request, "imports:saved")
