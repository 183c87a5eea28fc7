"""What every workspace page shows around its content."""

from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.module_loading import import_string

from core.broker import workers_alive
from tenants.models import Membership, Notice
from tenants.roles import PERMISSIONS
from tenants.web.request import WorkspaceRequest
from tenants.web.workspace_urls import outside
from tenants.workspaces import workspaces_of

# Section, then (label, icon, route, permission). A route that begins with a slash is outside of workspaces.
SECTIONS: list[tuple[str, list[tuple[str, str, str, str]]]] = [
    (
        "",
        [
            ("Dashboard", "layout-dashboard", "insights:audience", "dashboards.view"),
            ("Imports", "download", "imports:list", "imports.view"),
            ("Contacts", "users", "contacts:list", "contacts.view"),
            ("Duplicates", "copy", "contacts:duplicates", "contacts.view"),
            ("Segments", "blend", "segments:list", "segments.view"),
            ("Blacklist", "ban", "contacts:blacklist", "contacts.view"),
        ],
    ),
    (
        "Reach",
        [
            ("Sources", "database", "sources:list", "sources.view"),
            ("Resolved contacts", "link", "sources:resolved", "contacts.view"),
            ("Audiences", "target", "audiences:list", "audiences.view"),
            ("Lookalikes", "users", "audiences:lookalikes", "audiences.view"),
            ("Data syncs", "refresh-cw", "destinations:list", "syncs.view"),
            ("Visitors", "radio", "tracking:visitors", "contacts.view"),
        ],
    ),
    (
        "Manage",
        [
            ("Sites and pixel", "globe", "tracking:sites", "sites.view"),
            ("Connectors", "folder-input", "connectors:list", "connectors.view"),
            ("Operations", "server", "/operations", "imports.view"),
            ("Members", "user-cog", "tenants:members", "members.view"),
            ("Audit log", "scroll-text", "tenants:audit", "audit.view"),
            ("Settings", "sliders-horizontal", "tenants:settings", "settings.manage"),
            ("Sent mail (local)", "mail", "tenants:mail", "mail.view"),
        ],
    ),
]

# Pages of the settings: (label, route). Apps above have their own.
SETTINGS_PAGES = (
    ("Import rules", "tenants:settings"),
    ("Workspace", "tenants:workspace"),
    ("Retention", "tenants:retention"),
    ("Access", "tenants:access"),
    ("Single sign-on", "tenants:single_sign_on"),
    ("Fields", "contacts:fields"),
    ("Subscriptions", "contacts:categories"),
    ("Forms", "contacts:signup_forms"),
    ("Data sources", "tracking:sources"),
    ("E-mail providers", "tracking:hooks"),
    ("Webhooks", "webhooks:list"),
    ("API tokens", "api_tokens:list"),
)


# Pages of one's own account, outside of workspaces: label, icon, route.
ACCOUNT_PAGES = (
    ("Your account", "circle-user", "account"),
    ("Second factor", "shield-check", "mfa_index"),
    ("Signed-in browsers", "monitor", "account_sessions"),
    ("Workspaces", "layers", "home"),
)


def context(request: HttpRequest) -> dict[str, Any]:
    """Context processor: navigation, workspaces, notices. Outside of a workspace, the pages of one's own account."""
    workspace = getattr(request, "workspace", None)
    if workspace is None or getattr(request, "urlconf", None) is None:
        return _account(request)
    user: Any = request.user
    membership = cast(WorkspaceRequest, request).membership
    return {
        "workspace": workspace,
        "membership": membership,
        "workspaces": [
            {"name": p.name, "slug": p.slug, "url": p.url, "current": p.id == workspace.pk}
            for p in workspaces_of(user.pk)
        ],
        "nav": _sections(membership, request.path),
        # {% if can.imports_run %}: what this person may do, for buttons.
        "can": {name.replace(".", "_"): membership.may(name) for name in PERMISSIONS},
        "workers_alive": workers_alive(),
        "unread_notices": Notice.objects.filter(user=user, read_at=None).count(),
        "signout_url": outside("account_logout"),
        "new_workspace_url": outside("new_workspace"),
        "account_url": outside("account"),
        "notices_url": reverse("tenants:notices"),
        "search_url": reverse("contacts:list"),
        "help_url": reverse("guides:list"),
    }


def _account(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not request.path.startswith(outside("account")):
        return {}
    items = [
        {"label": label, "icon": icon, "url": outside(route), "current": False, "count": "", "busy": False}
        for label, icon, route in ACCOUNT_PAGES
    ]
    here = [item for item in items if request.path.startswith(str(item["url"])) and item["url"] != "/"]
    for item in sorted(here, key=lambda item: len(str(item["url"])))[-1:]:
        item["current"] = True
    return {
        "nav": [{"label": "", "items": items}],
        "signout_url": outside("account_logout"),
        "account_url": outside("account"),
    }


def _sections(membership: Membership, path: str) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for label, items in SECTIONS:
        shown = [_item(*item) for item in items if membership.may(item[3])]
        if shown:
            out.append({"label": label, "items": shown})
    # The page belongs to the item whose address it goes on from; to the longest where several do.
    here = [item for section in out for item in section["items"] if path.startswith(item["url"])]
    if any(path.startswith(reverse(route)) for _label, route in SETTINGS_PAGES):
        here = [item for section in out for item in section["items"] if item["url"] == reverse("tenants:settings")]
    for item in sorted(here, key=lambda item: len(item["url"]))[-1:]:
        item["current"] = True
    return out


def _count(route: str) -> int | str:
    """What waits for a person behind an item, as its app says (settings.NAVIGATION_COUNTS)."""
    path = settings.NAVIGATION_COUNTS.get(route)
    return int(import_string(path)()) or "" if path else ""


def _item(label: str, icon: str, route: str, permission: str) -> dict[str, Any]:
    return {
        "label": label,
        "icon": icon,
        "url": outside(route[1:]) if route.startswith("/") else reverse(route),
        "current": False,
        "count": _count(route),
        "busy": False,
    }
