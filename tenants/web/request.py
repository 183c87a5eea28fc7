"""The request of a page inside a workspace: who asks, for which workspace, and where they came from."""

from typing import cast

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from tenants.models import Membership, Tenant, User


class WorkspaceRequest(HttpRequest):
    """A request that tenants.web.middleware has let in. Only for types: no object of this class is ever made."""

    workspace: Tenant
    membership: Membership


def user_id(request: HttpRequest) -> int:
    """Who is asking."""
    return int(request.user.pk)  # type: ignore[arg-type]


def user_of(request: HttpRequest) -> User:
    """The same as a row."""
    return cast(User, request.user)


def safe_next(request: HttpRequest) -> str:
    """The page of this workspace that the form says it came from; empty when it names another one."""
    wanted: str = request.POST.get("next", "") or request.GET.get("next", "")
    home = reverse("contacts:list")
    own = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith(home)
    return wanted if own else ""
