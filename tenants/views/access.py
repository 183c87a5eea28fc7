"""Settings of the workspace: what it asks of those who open it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_POST, require_safe

from core.http import invalid, redirect_to, render_page
from tenants import audit, second_factor
from tenants.models import Membership, Tenant
from tenants.roles import allow
from tenants.views.settings import tabs
from tenants.web.request import WorkspaceRequest, user_id

OWN_FIRST = "Set up your own second factor first. Otherwise you could not open this workspace yourself."


def _context(request: WorkspaceRequest, problem: str = "") -> dict[str, Any]:
    members = list(Membership.objects.select_related("user").order_by("user__email"))
    having = second_factor.holders([member.user_id for member in members])
    return {
        "problem": problem,
        "has_one": user_id(request) in having,
        "members": len(members),
        "without": [member.user for member in members if member.user_id not in having],
        "tabs": tabs("tenants:access"),
    }


@allow("settings.manage")
@require_safe
def access(request: WorkspaceRequest) -> HttpResponse:
    """Whether members need a second factor, and who has none."""
    return render_page(request, "tenants/access.html", _context(request))


@allow("settings.manage")
@require_POST
def save(request: WorkspaceRequest) -> HttpResponse:
    """Ask for a second factor from the next request on, or no longer."""
    wanted = request.POST.get("needs_second_factor") == "on"
    if wanted and not (second_factor.exists(user_id(request)) and second_factor.is_shown(request)):
        return invalid(request, "tenants/access.html", _context(request, OWN_FIRST))
    tenant = Tenant.objects.select_for_update().get(pk=request.workspace.pk)
    if tenant.needs_second_factor != wanted:
        tenant.needs_second_factor = wanted
        tenant.save(update_fields=["needs_second_factor"])
        audit.record("settings.second_factor", user_id=user_id(request), before=not wanted, after=wanted)
        messages.success(
            request, "A second factor is now needed." if wanted else "A second factor is no longer needed."
        )
    return redirect_to(request, "tenants:access")
