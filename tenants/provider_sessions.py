"""What a session knows of single sign-on: by the providers of which workspaces the person has shown who they are.

A session that began by a provider opens the workspaces of the providers it has shown, and no others: whoever runs the
provider of one workspace must not get into another one. A session that began by a password or a passkey may show a provider
besides.
"""

import time
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

KEY = "single_sign_on"
# After so long the provider is asked again; where the person is still signed in there, nobody notices.
HOURS = 12


@dataclass(frozen=True)
class _Shown:
    alone: bool  # the session began by a provider
    workspaces: dict[
        str, tuple[float, bool]
    ]  # id → when, and whether the provider says that it asked for a second factor


def note(request: HttpRequest, tenant_id: int, *, has_factor: bool, alone: bool) -> None:
    """The person has shown the provider of a workspace. `alone`: nothing else but providers was shown in this session."""
    before = _read(request)
    shown = before.workspaces if before else {}
    request.session[KEY] = {
        "user": request.user.pk,
        "alone": alone,
        "workspaces": {**shown, str(tenant_id): [time.time(), has_factor]},
    }


def forget(request: HttpRequest) -> None:
    """A session that begins otherwise has shown no provider."""
    request.session.pop(KEY, None)


def has_shown(request: HttpRequest, tenant_id: int) -> bool:
    """Whether this session has shown the provider of the workspace, lately enough."""
    return _fresh(request, tenant_id) is not None


def has_factor(request: HttpRequest, tenant_id: int) -> bool:
    """Whether the provider of the workspace has said that it asked for a second factor."""
    return bool((_fresh(request, tenant_id) or (0.0, False))[1])


def is_alone(request: HttpRequest) -> bool:
    """Whether nothing but providers was shown in this session."""
    found = _read(request)
    return found is not None and found.alone


def _fresh(request: HttpRequest, tenant_id: int) -> tuple[float, bool] | None:
    found = _read(request)
    shown = found.workspaces.get(str(tenant_id)) if found else None
    return shown if shown and 0 <= time.time() - shown[0] < HOURS * 3600 else None


def _read(request: HttpRequest) -> _Shown | None:
    stored: Any = request.session.get(KEY)
    if not isinstance(stored, dict) or stored.get("user") != request.user.pk:
        return None
    return _Shown(bool(stored["alone"]), {key: (at, factor) for key, (at, factor) in stored["workspaces"].items()})
