"""Before a workspace: which one, and the way in by invitation."""

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from core.http import invalid, render_page
from tenants.members import invitations
from tenants.members.forms import AcceptForm, KnownAccountForm, NewAccountForm
from tenants.models import User
from tenants.roles import public, signed_in
from tenants.web import workspace_urls
from tenants.workspaces import workspaces_of


@signed_in
@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Into the only workspace, or a list of them."""
    places = workspaces_of(request.user.pk or 0)
    if len(places) == 1:
        return redirect(places[0].url)
    return render_page(request, "tenants/home.html", {"places": places})


@public
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation, once, and be signed in.

    Somebody new chooses name and password. Who has an account says its password, unless signed in with it: the link alone
    must not open an account that belongs to other workspaces, too.
    """
    try:
        invited = invitations.read(token)
        if invited.user is not None and not invited.user.is_active:
            return render_page(request, "account/account_inactive.html")
        form = _form(request, invited)
        if request.method == "POST" and form.is_valid():
            user = invitations.accept(invited, **form.account())
            start = workspace_urls.inside(invited.slug, "tenants:start")
            # As at the door: an account with a second factor is asked for it before it is signed in.
            return redirect(start) if request.user.pk == user.pk else _sign_in(request, user, start)
    except invitations.Expired:
        return render_page(request, "tenants/invitation_over.html", status=410)
    except invitations.Known:
        return redirect("invitation", token)
    answer = invalid if request.method == "POST" else render_page
    return answer(request, "tenants/invitation.html", {"form": form, "invitation": invited})


def _sign_in(request: HttpRequest, user: User, to: str) -> HttpResponse:
    if request.user.is_authenticated:
        logout(request)  # somebody else, in whose browser the link was opened
    answer: HttpResponse = perform_login(request, Login(user=user, redirect_url=to))
    return answer


def _form(request: HttpRequest, invited: invitations.Found) -> AcceptForm:
    given = request.POST if request.method == "POST" else None
    if invited.user is None:
        return NewAccountForm(given, email=invited.email)
    if request.user.pk == invited.user.pk:
        return AcceptForm(given)
    return KnownAccountForm(given, email=invited.email, request=request)
