"""Settings of the workspace: the rules of its imports."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core import edit_conflicts
from core.http import invalid, not_found, redirect_to, render_page
from tenants import import_rules
from tenants.import_rules import PRESETS, ImportRulesForm
from tenants.models import Tenant
from tenants.roles import allow
from tenants.web.navigation import SETTINGS_PAGES
from tenants.web.request import WorkspaceRequest

_FORM = ImportRulesForm.base_fields
# The rules as the form calls them.
LABELS = {
    name: str(_FORM[name].label if name in _FORM else "Maximum file size in bytes") for name in import_rules.FIELDS
}


def tabs(current: str) -> list[dict[str, Any]]:
    """The pages of the settings for ui/tabs.html."""
    return [
        {"label": label, "url": reverse(route), "count": None, "current": route == current}
        for label, route in SETTINGS_PAGES
    ]


@allow("settings.manage")
@require_safe
def rules(request: WorkspaceRequest) -> HttpResponse:
    """Limits of files, and how values are judged."""
    return render_page(request, "tenants/import_rules.html", _context(request))


def _context(request: WorkspaceRequest, form: ImportRulesForm | None = None) -> dict[str, Any]:
    tenant: Tenant = request.workspace
    on = import_rules.in_force(tenant)
    return {
        "form": form or ImportRulesForm(initial=import_rules.initial(tenant)),
        "seen": edit_conflicts.seen(tenant, LABELS),
        "presets": [(name, preset, name in on) for name, preset in PRESETS.items()],
        "tabs": tabs("tenants:settings"),
    }


@allow("settings.manage")
@require_POST
def save_rules(request: WorkspaceRequest) -> HttpResponse:
    form = ImportRulesForm(request.POST)
    tenant = Tenant.objects.select_for_update().get(pk=request.workspace.pk)
    if refused := edit_conflicts.sentence(request.POST, tenant, LABELS):
        messages.error(request, refused)
    if refused or not form.is_valid():
        return invalid(request, "tenants/import_rules.html", _context(request, form))
    return _save(request, form.values(), "Import rules saved.")


@allow("settings.manage")
@require_POST
def use_preset(request: WorkspaceRequest) -> HttpResponse:
    """Set the rules of a preset; all others stay as they are."""
    preset = PRESETS.get(request.POST.get("preset", ""))
    if preset is None:
        return not_found(request)
    return _save(request, preset.values, f"“{preset.label}” is now in use.")


def _save(request: WorkspaceRequest, values: Any, said: str) -> HttpResponse:
    changed = import_rules.save(request.workspace, values, user_id=request.user.pk)
    messages.success(request, said if changed else "No changes to save.")
    return redirect_to(request, "tenants:settings")
