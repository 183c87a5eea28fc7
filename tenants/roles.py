"""Who may do what: one table. A view names a permission; a role has a set of them. Deny by default."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import models

V = TypeVar("V", bound=Callable[..., Any])


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    MARKETER = "marketer", "Marketer"
    OPS = "ops", "Ops"
    VIEWER = "viewer", "Viewer"


_EVERYBODY = frozenset(Role)
_WRITERS = frozenset({Role.OWNER, Role.ADMIN, Role.MARKETER})
_ADMINS = frozenset({Role.OWNER, Role.ADMIN})

PERMISSIONS: dict[str, frozenset[Role]] = {
    "workspace.view": _EVERYBODY,
    # Figures of contacts, visitors and orders.
    "dashboards.view": _EVERYBODY - {Role.OPS},
    "contacts.view": _EVERYBODY - {Role.OPS},
    # Statuses of channels, deleting and restoring.
    "contacts.edit": _WRITERS,
    # Everybody's data as a file.
    "contacts.export": _WRITERS,
    # Erasing people for good, which cannot be undone.
    "contacts.erase": _ADMINS,
    # Everything about one person as a file, the log of changes included.
    "contacts.disclose": _ADMINS,
    "imports.view": _EVERYBODY,
    # Cells of a customer's file: not for ops, who need states and counts only.
    "imports.rows": _EVERYBODY - {Role.OPS},
    "imports.run": _WRITERS,
    # Switches that can restore deleted contacts, or make unsubscribed ones active.
    "imports.revive": _ADMINS,
    "imports.undo": _WRITERS,
    "imports.cancel": _WRITERS | {Role.OPS},
    "segments.view": _EVERYBODY - {Role.OPS},
    "segments.edit": _WRITERS,
    "sources.view": _EVERYBODY - {Role.OPS},
    "sources.edit": _WRITERS,
    "syncs.view": _EVERYBODY,
    # Who is sent to other systems, and when.
    "syncs.edit": _WRITERS,
    # Accounts of other systems, with their tokens.
    "destinations.manage": _ADMINS,
    "audiences.view": _EVERYBODY - {Role.OPS},
    "audiences.edit": _WRITERS,
    "sites.view": _EVERYBODY,
    "sites.manage": _ADMINS,
    "connectors.view": _EVERYBODY,
    # Who may drop files, from where, and how they are imported.
    "connectors.manage": _ADMINS,
    "members.view": _EVERYBODY,
    "members.manage": _ADMINS,
    # Who did what, with the values before and after.
    "audit.view": _ADMINS,
    "mail.view": frozenset({Role.OWNER}),
    "settings.manage": _ADMINS,
    # By which provider members sign in, and whether they have to.
    "single_sign_on.manage": frozenset({Role.OWNER}),
    # Its name, everything of it as a file, its end.
    "workspace.manage": frozenset({Role.OWNER}),
}


# Each permission in words, for the page of roles.
WORDS = {
    "workspace.view": "Open the workspace, see notices",
    "dashboards.view": "See dashboards",
    "contacts.view": "See contacts, profiles and visitors",
    "contacts.edit": "Create, edit, delete, restore and merge contacts",
    "contacts.export": "Export contacts",
    "contacts.erase": "Erase contacts for good",
    "contacts.disclose": "Download everything about one contact",
    "imports.view": "See imports and their counts",
    "imports.rows": "See the cells of rows in error",
    "imports.run": "Upload, map and start imports",
    "imports.revive": "Let imports restore deleted contacts or make unsubscribed ones active",
    "imports.undo": "Undo and redo imports",
    "imports.cancel": "Cancel imports",
    "segments.view": "See segments and search by rules",
    "segments.edit": "Create and change segments",
    "sources.view": "See sources and their match reports",
    "sources.edit": "Create, change and remove sources",
    "syncs.view": "See data syncs and destinations",
    "syncs.edit": "Create, run and change data syncs",
    "destinations.manage": "Connect and remove destinations",
    "audiences.view": "See audiences and lookalikes",
    "audiences.edit": "Create and change audiences and lookalikes",
    "sites.view": "See sites and the pixel",
    "sites.manage": "Add sites",
    "connectors.view": "See connectors and their files",
    "connectors.manage": "Add, change and delete connectors",
    "members.view": "See members and invitations",
    "members.manage": "Invite and remove members, change roles",
    "audit.view": "See the audit log",
    "mail.view": "See e-mails that were written to files",
    "settings.manage": "Change the settings of the workspace, API tokens and webhooks",
    "single_sign_on.manage": "Set up single sign-on",
    "workspace.manage": "Rename, export, close and reopen the workspace",
}


def may(role: str, permission: str) -> bool:
    """Whether the role has the permission. A permission that is not in the table raises KeyError: deny by default."""
    return role in PERMISSIONS[permission]


def allow(permission: str) -> Callable[[V], V]:
    """Declare what a workspace view needs. The middleware judges it; a test fails on a route without one."""
    if permission not in PERMISSIONS:
        raise KeyError(f"{permission} is not in tenants.roles.PERMISSIONS")

    def mark(view: V) -> V:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def takes_files(view: V) -> V:
    """Declare that a view takes a body as large as the workspace's limit for uploads (tenants.web.middleware)."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def works_when_closed(view: V) -> V:
    """Declare that a view works in a workspace that is closed, too (tenants.closing)."""
    view.works_when_closed = True  # type: ignore[attr-defined]
    return view


def tolerates_lag(view: V) -> V:
    """Declare that what a view shows may be some seconds old: it may read from a replica (tenants.isolation.replica)."""
    view.tolerates_lag = True  # type: ignore[attr-defined]
    return view


def public(view: V) -> V:
    """Declare that a view outside of workspaces needs nobody to be signed in."""
    view.permission = "public"  # type: ignore[attr-defined]
    return view


def signed_in(view: V) -> V:
    """Declare that a view outside of workspaces needs somebody to be signed in, whoever it is."""
    view.permission = "signed_in"  # type: ignore[attr-defined]
    return view
