"""Sign-ins at networks: how one begins, and the page that the network sends the person back to, one for all workspaces."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from core.http import POLICY, not_found
from destinations import connections, kinds, sign_in
from destinations.connections import BadConnection
from destinations.kinds import Problem
from destinations.models import Destination
from destinations.sign_in import Begun, SignedIn
from tenants.access_requirements import missing
from tenants.isolation.context import tenant_context
from tenants.models import Membership, Tenant
from tenants.roles import signed_in
from tenants.web import workspace_urls
from tenants.web.request import WorkspaceRequest, user_of

PERMISSION = "destinations.manage"


def redirect_uri() -> str:
    """Where networks send people back to; their consoles want to know it beforehand."""
    return workspace_urls.absolute(workspace_urls.outside("destination_signed_in"))


def begin(request: WorkspaceRequest, kind: str, *, remembered: dict[str, Any]) -> HttpResponse:
    """On to the network, from a form that has named the account."""
    address = sign_in.begin(
        request.session, kind, tenant_id=request.workspace.pk, redirect_uri=redirect_uri(), remembered=remembered
    )
    return redirect(address)


def lets_go(response: HttpResponse, kind: str) -> HttpResponse:
    """Allow the form on a page to lead to the network: a browser asks the policy where a form ends, redirects included."""
    to = urlsplit(sign_in.address_of(kind))
    response["Content-Security-Policy"] = POLICY.replace(
        "form-action 'self'", f"form-action 'self' {to.scheme}://{to.netloc}"
    )
    return response


@signed_in
@require_safe
def back(request: HttpRequest) -> HttpResponse:
    """The person is back from the network: make the connection, or renew it. What the network says is no request of a form,
    so nothing is done that the session has not begun itself, in a workspace that the person may still change."""
    given = {name: request.GET.get(name, "").replace("\x00", "")[:4_000] for name in ("state", "code")}
    try:
        begun = sign_in.who(request.session, given["state"])
    except Problem as problem:
        messages.error(request, str(problem))
        return redirect("home")
    workspace = _workspace(request, begun)
    if workspace is None:
        return not_found(request)
    page = workspace_urls.inside(workspace.slug, "destinations:destinations")
    try:
        secret = sign_in.finish(begun, given["code"], redirect_uri=redirect_uri())
        destination = _connected(request, begun, secret)
    except (Problem, BadConnection) as problem:
        messages.error(request, str(problem))
        return redirect(page)
    messages.success(request, f"{kinds.of(begun.kind).label} is connected.")
    return redirect(workspace_urls.inside(workspace.slug, "destinations:destination", destination.pk))


def _workspace(request: HttpRequest, begun: Begun) -> Tenant | None:
    """The workspace, if the person may connect destinations there."""
    with tenant_context(begun.tenant_id):
        membership = Membership.objects.filter(user=user_of(request)).first()
        if membership is None or not membership.may(PERMISSION):
            return None
    workspace = Tenant.open.filter(pk=begun.tenant_id).first()
    return None if workspace is None or missing(request, workspace, membership.role) else workspace


def _connected(request: HttpRequest, begun: Begun, got: SignedIn) -> Destination:
    """The destination with what the sign-in was worth. Raises BadConnection."""
    known, user = begun.remembered, user_of(request)
    with tenant_context(begun.tenant_id):
        if known.get("destination"):
            destination: Destination | None = (
                Destination.objects.filter(pk=known["destination"], archived_at=None).select_for_update().first()
            )
            if destination is None:
                raise BadConnection("This destination was removed in the meantime.")
            connections.reconnect(
                destination, account=known["account"], secret=got.secret, user=user, expires_at=got.expires_at
            )
            return destination
        return connections.connect(
            begun.kind, name=known["name"], account=known["account"], secret=got.secret, user=user,
            expires_at=got.expires_at, token=known.get("token") or None,
        )  # fmt: skip
