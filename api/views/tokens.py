"""The tokens of a workspace: list, make, rotate, revoke."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from api import scopes, tokens
from api.models import ApiToken
from api.token_form import TokenForm
from core.http import invalid, redirect_to, render_page
from tenants.models import Membership
from tenants.roles import allow
from tenants.views.settings import tabs
from tenants.web.request import WorkspaceRequest

METHODS = ["GET", "HEAD", "POST"]


@allow("settings.manage")
@require_safe
def listing(request: WorkspaceRequest) -> HttpResponse:
    """All tokens that were not revoked, with who made them and when they were last used."""
    now = timezone.now()
    members = {m.user_id: m for m in Membership.objects.all()}
    rows = [
        {
            "token": token,
            "expired": token.expires_at is not None and token.expires_at <= now,
            "member": members.get(token.created_by_id),
            "works": [scope for scope in token.scopes if _works(members.get(token.created_by_id), scope)],
            "scopes": scopes.summary(token.scopes),
            "own": token.created_by_id == request.user.pk,
        }
        for token in tokens.alive()
    ]
    return render_page(request, "api/tokens.html", {"rows": rows, "tabs": tabs("api_tokens:list")})


def _works(member: Membership | None, scope: str) -> bool:
    return member is not None and member.may(scope)


@allow("settings.manage")
@require_http_methods(METHODS)
def new(request: WorkspaceRequest) -> HttpResponse:
    """The form; then the token, which is shown in this answer alone."""
    if request.method != "POST":
        form = TokenForm(membership=request.membership, initial={"mark": tokens.new_mark(), "expires": "90"})
        return render_page(request, "api/token_new.html", {"form": form})
    form = TokenForm(request.POST, membership=request.membership)
    if not form.is_valid():
        return invalid(request, "api/token_new.html", {"form": form})
    given = form.cleaned_data
    user: Any = request.user
    try:
        token, text = tokens.create(
            given["name"], scopes=given["scopes"], user=user, expires_at=form.expires_at(), mark=given["mark"]
        )  # fmt: skip
    except tokens.BadToken as problem:
        form.add_error(problem.field, str(problem))
        return invalid(request, "api/token_new.html", {"form": form})
    return _shown(request, token, text, rotated=False)


def _shown(request: WorkspaceRequest, token: ApiToken, text: str, *, rotated: bool) -> HttpResponse:
    path = "/api/v1/workspace" if "workspace.view" in token.scopes else "/api/v1/imports"
    command = f'curl {settings.SITE_URL}{path} \\\n  -H "Authorization: Bearer {text}"'
    context = {"token": token, "text": text, "command": command, "rotated": rotated, "grace": tokens.GRACE}
    return render_page(request, "api/token_shown.html", context)


@allow("settings.manage")
@require_http_methods(METHODS)
def rotate(request: WorkspaceRequest, token_id: int) -> HttpResponse:
    """Ask, then give a token of one's own a new secret. Nobody gets the secret of another member's token: it could do what
    that member may do."""
    token = get_object_or_404(tokens.alive(), pk=token_id, created_by=request.user.pk)
    if request.method != "POST":
        context = {"token": token, "mark": tokens.new_mark(), "seen": tokens.state_of(token)}
        return render_page(request, "api/token_rotate.html", context)
    user: Any = request.user
    mark, seen = request.POST.get("mark", "")[:64], request.POST.get("seen", "")
    try:
        text = tokens.rotate(token, user=user, mark=mark, seen=seen)
    except tokens.BadToken as problem:
        messages.error(request, str(problem))
        return redirect_to(request, "api_tokens:list")
    return _shown(request, token, text, rotated=True)


@allow("settings.manage")
@require_http_methods(METHODS)
def revoke(request: WorkspaceRequest, token_id: int) -> HttpResponse:
    """Ask, then end a token at once. A second click finds it ended."""
    token = get_object_or_404(ApiToken.objects.select_related("created_by"), pk=token_id)
    if request.method != "POST":
        if token.revoked_at:
            return redirect_to(request, "api_tokens:list")
        return render_page(request, "api/token_revoke.html", {"token": token})
    user: Any = request.user
    if tokens.revoke(token, user=user):
        messages.success(request, f"Token {token.name} revoked.")
    return redirect_to(request, "api_tokens:list")
