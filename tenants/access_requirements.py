"""What a session still has to show before it opens a workspace: asked by every page inside, and by those outside that act
for one or show something of it."""

import enum
from typing import Protocol

from django.http import HttpRequest

from tenants import provider_sessions, second_factor
from tenants.roles import Role


class Missing(enum.Enum):
    """What is missing."""

    PROVIDER = "the single sign-on of the workspace"
    FACTOR = "a second factor"


class Asking(second_factor.Asking, Protocol):
    """A workspace, as far as it asks for something."""

    @property
    def needs_single_sign_on(self) -> bool: ...


def missing(request: HttpRequest, workspace: Asking, role: str) -> Missing | None:
    """What the person, a member with this role, still has to show; None: nothing, the workspace is open."""
    if not _is_known_well_enough(request, workspace, role):
        return Missing.PROVIDER
    return Missing.FACTOR if second_factor.is_missing(request, workspace) else None


def _is_known_well_enough(request: HttpRequest, workspace: Asking, role: str) -> bool:
    if provider_sessions.has_shown(request, workspace.id):
        return True
    if provider_sessions.is_alone(request):
        return False  # the provider of another workspace, or too long ago
    return not workspace.needs_single_sign_on or (
        # The way back where a provider is away: an owner, by password and second factor.
        role == Role.OWNER and second_factor.is_shown(request) and second_factor.exists(request.user.pk or 0)
    )
