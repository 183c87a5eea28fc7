"""Before a workspace: which one, and the way in by invitation."""

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from core.http import invalid, render_page
from tenants.members import invitations
from tenants.members.forms import AcceptForm, KnownAccountForm, NewAccountForm, NewWorkspaceForm
from tenants.models import User
from tenants.roles import public, signed_in
from tenants.web import workspace_urls
from tenants.web.request import user_of
from tenants.workspaces import TooManyWorkspaces, closed_of, found, left_for, workspaces_of


@signed_in
@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Into the only workspace, or a list of them, with those that one has closed."""
    user = user_of(request)
    places, closed = workspaces_of(user.pk), closed_of(user.pk)
    if len(places) == 1 and not closed and "all" not in request.GET:
        return redirect(places[0].url)
    return render_page(request, "tenants/home.html", {"places": places, "closed": closed, "left": left_for(user)})


@signed_in
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_workspace(request: HttpRequest) -> HttpResponse:
    """Create a workspace and go into it as its owner."""
    user = user_of(request)
    form = NewWorkspaceForm(request.POST if request.method == "POST" else None)
    context = {"form": form, "left": left_for(user), "most": settings.WORKSPACES_PER_PERSON}
    if request.method != "POST":
        return render_page(request, "tenants/new_workspace.html", context)
    if form.is_valid():
        try:
            tenant = found(user, **form.cleaned_data)
        except TooManyWorkspaces:
            return invalid(request, "tenants/new_workspace.html", {**context, "left": 0})
        return redirect(workspace_urls.inside(tenant.slug, "tenants:start"))
    return invalid(request, "tenants/new_workspace.html", context)


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
