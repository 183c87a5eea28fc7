"""What a token may do: each operation declares one permission of tenants.roles, which a token has as a scope."""

from collections.abc import Collection
from typing import Any, Literal

from django.http import HttpRequest
from ninja.security.base import AuthBase

from api.problems import Problem
from tenants.roles import PERMISSIONS

# Permissions that no operation asks for.
NOT_FOR_TOKENS = frozenset({
    "contacts.disclose",
    "mail.view", "members.view", "members.manage", "audit.view", "sources.edit",
    "syncs.edit", "destinations.manage", "dashboards.view", "workspace.manage", "single_sign_on.manage",
})  # fmt: skip
# Scopes by the subject before their dot, as the page of tokens groups them.
GROUPS = {
    "Workspace": ("workspace.view", "settings.manage"),
    "Imports": ("imports.view", "imports.rows", "imports.run", "imports.cancel", "imports.undo", "imports.revive"),
    "Contacts": ("contacts.view", "contacts.edit", "contacts.export", "contacts.erase"),
    "Segments": ("segments.view", "segments.edit"),
    "Audiences": ("audiences.view", "audiences.edit"),
    "Data syncs": ("syncs.view",),
    "Connectors": ("connectors.view", "connectors.manage"),
    "Sources": ("sources.view",),
    "Sites": ("sites.view", "sites.manage"),
}
# Every scope with what it is for, in a few words.
SCOPES = {
    "workspace.view": "Name and settings of the workspace",
    "settings.manage": "Fields and webhooks: create, change, remove",
    "imports.view": "Imports with their counts",
    "imports.rows": "Cells of rows in error",
    "imports.run": "Upload, start and correct imports",
    "imports.cancel": "Cancel imports",
    "imports.undo": "Undo and redo imports",
    "imports.revive": "Imports that restore deleted or resubscribe contacts",
    "contacts.view": "Contacts, activity, duplicates",
    "contacts.edit": "Create, change, delete, restore and merge contacts",
    "contacts.export": "Export contacts; show personal values to assistants (MCP)",
    "contacts.erase": "Erase contacts for good",
    "segments.view": "Segments and their members",
    "segments.edit": "Create and change segments",
    "audiences.view": "Audiences, their members, and their size before they are saved",
    "audiences.edit": "Create, change, delete and restore audiences",
    "syncs.view": "Data syncs and their runs",
    "connectors.view": "Connectors and their files",
    "connectors.manage": "Run connectors now",
    "sources.view": "Sources and match reports",
    "sites.view": "Sites and their pixel",
    "sites.manage": "Sign who visitors of a site are",
}


def summary(scopes: Collection[str]) -> str:
    """Scopes in a line, by group: “Imports: view, run; Contacts: all”."""
    parts = []
    for title, group in GROUPS.items():
        chosen = [scope for scope in group if scope in scopes]
        if chosen:
            words = "all" if len(chosen) == len(group) else ", ".join(scope.partition(".")[2] for scope in chosen)
            parts.append(f"{title}: {words}")
    return "; ".join(parts)


class Scope(AuthBase):
    """The permission that an operation needs, as `auth=Scope("contacts.view")`. api.middleware has judged the token."""

    openapi_type: Literal["http"] = "http"
    openapi_scheme: Literal["bearer"] = "bearer"

    def __init__(self, permission: str) -> None:
        if permission not in PERMISSIONS:
            raise KeyError(f"{permission} is not in tenants.roles.PERMISSIONS")
        super().__init__()
        self.permission = permission

    def __call__(self, request: HttpRequest) -> Any:
        require(request, self.permission)
        return request.token  # type: ignore[attr-defined]


def may(request: Any, permission: str) -> bool:
    """Whether the token has the scope, and the member who made it still the permission."""
    return permission in request.token.scopes and request.membership.may(permission)


def require(request: Any, permission: str) -> None:
    """Raise Problem(403) that names the scope which is missing."""
    if not may(request, permission):
        has = "The role of the member who made this token does not allow" if permission in request.token.scopes else (
            "This token does not have the scope"
        )  # fmt: skip
        raise Problem(403, "scope_missing", f"{has} {permission}.", scope=permission)
