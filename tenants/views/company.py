"""Signing in with the account of a company: on to its provider, back from it, and linking an account that exists.

These pages are outside of workspaces, so that no transaction is open while a provider is asked.
"""

import time
from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.core import ratelimit
from django import forms
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from redis.exceptions import RedisError

from core.http import invalid, not_found, render_page
from tenants import provider_sessions, second_factor
from tenants.access_requirements import Missing, missing
from tenants.accounts import failed_sign_ins
from tenants.isolation.context import tenant_context
from tenants.members.forms import KnownAccountForm
from tenants.models import IdentityProvider, Membership, Tenant, User
from tenants.roles import Role, may, public, signed_in
from tenants.single_sign_on import domains, exchange, people, provider_settings
from tenants.single_sign_on.discovery import BadProvider
from tenants.single_sign_on.id_tokens import Claims
from tenants.web.workspace_urls import inside, outside

LINK, LINK_SECONDS = "single_sign_on_link", 900
NOT_FOUND = "There is no company sign-in for this address. Sign in with your password, or check the spelling."
TOO_MANY = "Too many tries from your network. Wait 15 minutes, or sign in with your password."


class CompanyForm(forms.Form):
    """The address at work."""

    email = forms.EmailField(
        label="E-mail at work",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "class": "big"}),
    )


@public
@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Ask for the address, then on to the provider of its domain. Which workspace that is, is not said."""
    if request.method != "POST":
        return render_page(request, "account/company.html", {"form": CompanyForm(), "next": _next(request)})
    form = CompanyForm(request.POST)
    if form.is_valid():
        if not _may_ask(request):
            form.add_error("email", TOO_MANY)
        else:
            email = form.cleaned_data["email"]
            workspace = domains.workspace_of(email)
            provider = people.provider_of(workspace.pk) if workspace else None
            if workspace and provider:
                return _begin(request, workspace, provider, email=email)
            form.add_error("email", NOT_FOUND)
    return invalid(request, "account/company.html", {"form": form, "next": _next(request)})


@signed_in
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def needed(request: HttpRequest, slug: str) -> HttpResponse:
    """A workspace that this session does not open: by its provider, or otherwise, as far as there is another way."""
    found = _member(request, slug)
    if found is None:
        return not_found(request)
    workspace, role = found
    provider = people.provider_of(workspace.pk)
    if request.method == "POST" and provider:
        return _begin(request, workspace, provider, email=str(cast(User, request.user).email))
    if request.method != "POST" and missing(request, workspace, role) is not Missing.PROVIDER:
        return redirect(_next(request) or inside(slug, "tenants:start"))
    return render_page(
        request,
        "account/company_needed.html",
        {
            "place": workspace,
            "provider": provider,
            "next": _next(request) or inside(slug, "tenants:start"),
            "is_alone": provider_sessions.is_alone(request),
            "is_owner": role == Role.OWNER,
            "has_factor": second_factor.exists(request.user.pk or 0),
        },
    )


@public
@require_safe
def back(request: HttpRequest, number: int) -> HttpResponse:
    """Back from the provider of a workspace. Nothing is done that this browser has not begun (state, nonce, PKCE)."""
    workspace = Tenant.open.filter(pk=number).first() if number < 2**63 else None
    provider = people.provider_of(number) if workspace else None
    if workspace is None or provider is None:
        return _failed(request, "This sign-in is too old. Start again.")
    begun_for = exchange.begun_for(request, workspace.pk)
    try:
        claims, to = exchange.finish(request, workspace.pk, provider)
        who = people.who(workspace, provider, claims)
    except BadProvider as problem:
        return _not_accepted(request, workspace, problem, account=begun_for)
    except people.Refused as problem:
        failed_sign_ins.note(request, problem.member or begun_for, problem.reason, only_in=workspace.pk)
        return _failed(request, str(problem))
    to = to or inside(workspace.slug, "tenants:start")
    if isinstance(who, people.ToLink):
        return _to_link(request, workspace, claims, who.user, to)
    return _sign_in(request, workspace, claims, who, to)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest) -> HttpResponse:
    """An account that exists is asked for its password, and by the next step for its second factor, before it is linked."""
    stored: Any = request.session.get(LINK)
    user = User.objects.filter(pk=stored["user"], is_active=True).first() if stored else None
    workspace = Tenant.open.filter(pk=stored["workspace"]).first() if stored else None
    if user is None or workspace is None or not 0 <= time.time() - stored["at"] < LINK_SECONDS:
        return _failed(request, "This sign-in is too old. Start again.")
    form = KnownAccountForm(request.POST if request.method == "POST" else None, email=user.email, request=request)
    if request.method == "POST" and form.is_valid():
        del request.session[LINK]
        if request.user.is_authenticated:
            logout(request)
        claims = Claims(**stored["claims"])
        login = Login(
            user=user, redirect_url=stored["to"], signal_kwargs=people.signal_kwargs(workspace, claims, link=True)
        )
        answer: HttpResponse = perform_login(request, login)
        return answer
    show = invalid if request.method == "POST" else render_page
    context = {"form": form, "place": workspace, "email": user.email, "has_password": user.has_usable_password()}
    return show(request, "account/company_link.html", context)


@signed_in
@login_required
@require_POST
def test(request: HttpRequest, slug: str) -> HttpResponse:
    """Read the document of the provider that is stored, and say what is wrong with it."""
    found = _member(request, slug)
    if found is None or not may(found[1], "single_sign_on.manage") or missing(request, *found):
        return not_found(request)
    workspace = found[0]
    with tenant_context(workspace.pk, read_only=True):
        provider = IdentityProvider.objects.first()
    if provider is not None:
        try:
            provider_settings.test(workspace.pk, provider.issuer)
            messages.success(request, "The provider answers, and its document is good.")
        except BadProvider as problem:
            messages.error(request, str(problem))
    return redirect(inside(slug, "tenants:single_sign_on"))


def _begin(request: HttpRequest, workspace: Tenant, provider: IdentityProvider, *, email: str) -> HttpResponse:
    """On to the provider, by a page: the policy of the form before would not let its answer lead to another host."""
    account = people.member_of(workspace.pk, email)
    try:
        address = exchange.begin(request, workspace.pk, provider, email=email, account=account, to=_next(request))
    except BadProvider as problem:
        return _not_accepted(request, workspace, problem, account=account)
    return render_page(request, "account/company_on.html", {"address": address})


def _not_accepted(request: HttpRequest, workspace: Tenant, problem: BadProvider, *, account: int) -> HttpResponse:
    """Noted for those who set the provider up, and for the account, if it is one of a member."""
    provider_settings.note_failure(workspace.pk, problem)
    failed_sign_ins.note(request, account, problem.reason, only_in=workspace.pk)
    return _failed(request, str(problem))


def _sign_in(request: HttpRequest, workspace: Tenant, claims: Claims, user: User, to: str) -> HttpResponse:
    if request.user.is_authenticated:
        if request.user.pk == user.pk:  # what the session has shown before still counts
            alone = provider_sessions.is_alone(request)
            provider_sessions.note(request, workspace.pk, has_factor=claims.has_factor, alone=alone)
            return redirect(to)
        logout(request)
    request.has_trusted_factor = workspace.trusts_provider_factor and claims.has_factor  # type: ignore[attr-defined]
    login = Login(user=user, redirect_url=to, signal_kwargs=people.signal_kwargs(workspace, claims, link=False))
    answer: HttpResponse = perform_login(request, login)
    return answer


def _to_link(request: HttpRequest, workspace: Tenant, claims: Claims, user: User, to: str) -> HttpResponse:
    request.session[LINK] = {
        "workspace": workspace.pk, "user": user.pk, "claims": claims.__dict__, "to": to, "at": time.time(),
    }  # fmt: skip
    return redirect(outside("company_link"))


def _member(request: HttpRequest, slug: str) -> tuple[Tenant, str] | None:
    """A workspace that the person is a member of, and their role."""
    workspace = Tenant.objects.filter(slug=slug).first()
    if workspace is None:
        return None
    with tenant_context(workspace.pk, read_only=True):
        membership = Membership.objects.filter(user_id=request.user.pk).first()
    return (workspace, membership.role) if membership else None


def _next(request: HttpRequest) -> str:
    """Where the person wanted to go: a page of ours, or "" for the start."""
    wanted = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    return wanted if wanted.startswith("/") and get_adapter(request).is_safe_url(wanted) else ""


def _may_ask(request: HttpRequest) -> bool:
    """Whether this network may ask for the provider of another address: there is no list of our customers to be had."""
    try:
        return bool(ratelimit.consume(request, action="company"))
    except RedisError:
        return False


def _failed(request: HttpRequest, problem: str) -> HttpResponse:
    return render_page(request, "account/company_failed.html", {"problem": problem}, status=400)
