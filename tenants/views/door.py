"""Before a workspace: which one, and the way in by invitation."""

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from cdp.http import invalid, not_found, page
from tenants import invitations
from tenants.access import places_of
from tenants.forms import AcceptForm
from tenants.roles import public, signed_in


@signed_in
@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Into the only workspace, or a list of them."""
    places = places_of(request.user.pk or 0)
    if len(places) == 1:
        return redirect(places[0].url)
    return page(request, "tenants/home.html", {"places": places})


@public
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation: somebody new chooses name and password, a known person signs in."""
    try:
        found = invitations.read(token)
    except invitations.Expired:
        return not_found(request)
    form = AcceptForm(request.POST if request.method == "POST" else None, needs_password=found.is_new)
    context: dict[str, Any] = {"form": form, "invitation": found}
    if request.method != "POST":
        return page(request, "tenants/invitation.html", context)
    if not form.is_valid():
        return invalid(request, "tenants/invitation.html", context)
    user = invitations.accept(found, **form.cleaned_data)
    if found.is_new:
        login(request, user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return redirect("home")
