"""Settings of the workspace: single sign-on. Admins see it, owners set it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_POST, require_safe

from core import edit_conflicts
from core.http import invalid, redirect_to, render_page
from tenants import audit, provider_sessions, second_factor
from tenants.models import IdentityProvider, ProviderLink
from tenants.roles import allow
from tenants.single_sign_on import domains, exchange, provider_settings
from tenants.single_sign_on.domains import BadDomain
from tenants.single_sign_on.provider_settings import NotYet, ProviderForm
from tenants.views.settings import tabs
from tenants.web.request import WorkspaceRequest, user_id

PAGE = "tenants/single_sign_on.html"
EDITED = {"issuer": "Issuer", "client_id": "Client ID", "join_role": "Role of new people"}


def _context(request: WorkspaceRequest, **more: Any) -> dict[str, Any]:
    provider = IdentityProvider.objects.first()
    form = ProviderForm(initial=provider_settings.initial(request.workspace, provider), has_secret=provider is not None)
    return {
        "form": form,
        "provider": provider,
        "seen": edit_conflicts.seen(provider, EDITED) if provider else "",
        "is_owner": request.membership.may("single_sign_on.manage"),
        "callback": exchange.callback_url(request.workspace.pk),
        "domains": domains.of_workspace(request.workspace.pk),
        "linked": ProviderLink.objects.count(),
        "tabs": tabs("tenants:single_sign_on"),
        **more,
    }


@allow("settings.manage")
@require_safe
def overview(request: WorkspaceRequest) -> HttpResponse:
    """The provider, its domains, and whether members have to sign in by it."""
    return render_page(request, PAGE, _context(request))


@allow("single_sign_on.manage")
@require_POST
def save(request: WorkspaceRequest) -> HttpResponse:
    """Set the provider. Its address is resolved, nothing is read from it: that is what testing it is for."""
    provider = IdentityProvider.objects.select_for_update().first()
    form = ProviderForm(request.POST, has_secret=provider is not None)
    refused = edit_conflicts.sentence(request.POST, provider, EDITED) if provider else ""
    if refused:
        messages.error(request, refused)
    if refused or not form.is_valid():
        return invalid(request, PAGE, _context(request, form=form))
    provider_settings.save(request.workspace, form.cleaned_data, user_id=user_id(request))
    messages.success(request, "Single sign-on saved. Test the connection next.")
    return redirect_to(request, "tenants:single_sign_on")


@allow("single_sign_on.manage")
@require_POST
def turn_off(request: WorkspaceRequest) -> HttpResponse:
    """Members sign in with their passwords again."""
    provider_settings.turn_off(request.workspace, user_id=user_id(request))
    messages.success(request, "Single sign-on is off. Save it again to turn it on.")
    return redirect_to(request, "tenants:single_sign_on")


@allow("single_sign_on.manage")
@require_POST
def require(request: WorkspaceRequest) -> HttpResponse:
    """Let members in by the provider only, from the next request on, or no longer."""
    has_factor = (
        second_factor.exists(user_id(request))
        and second_factor.is_shown(request)
        and not provider_sessions.is_alone(request)
    )
    wanted = request.POST.get("required") == "on"
    try:
        provider_settings.require(
            request.workspace, wanted=wanted, owner_has_factor=has_factor, user_id=user_id(request)
        )
    except NotYet as problem:
        return invalid(request, PAGE, _context(request, not_yet=str(problem)))
    messages.success(request, "Single sign-on is now required." if wanted else "It is no longer required.")
    return redirect_to(request, "tenants:single_sign_on")


@allow("single_sign_on.manage")
@require_POST
def add_domain(request: WorkspaceRequest) -> HttpResponse:
    """Name a domain. It waits for the approval of those who run the platform."""
    given = request.POST.get("domain", "")
    try:
        domain = domains.add(request.workspace.pk, given)
    except BadDomain as problem:
        return invalid(request, PAGE, _context(request, bad_domain=str(problem), domain=given[:253]))
    audit.record("settings.domain_added", user_id=user_id(request), target=domain[:120])
    messages.success(request, f"{domain} is waiting for approval.")
    return redirect_to(request, "tenants:single_sign_on")


@allow("single_sign_on.manage")
@require_POST
def remove_domain(request: WorkspaceRequest) -> HttpResponse:
    """Its people no longer sign in by the provider. It can be added and approved again."""
    domain = request.POST.get("domain", "")[:253]
    if domains.remove(request.workspace.pk, domain):
        audit.record("settings.domain_removed", user_id=user_id(request), target=domain[:120])
        messages.success(request, f"{domain} removed.")
    return redirect_to(request, "tenants:single_sign_on")
