"""Addresses that do not depend on the request: for mails, notices, and links that leave a workspace."""

from typing import Any

from django.conf import settings
from django.urls import get_script_prefix, reverse, set_script_prefix


def outside(name: str, *args: Any) -> str:
    """Path of a page outside of workspaces."""
    return _reverse("/", settings.ROOT_URLCONF, name, args)


def inside(slug: str, name: str, *args: Any) -> str:
    """Path of a page of a workspace."""
    return _reverse(f"/w/{slug}/", settings.WORKSPACE_URLCONF, name, args)


def absolute(path: str) -> str:
    """Full address for a mail. The host comes from the settings, never from a request."""
    return f"{settings.SITE_URL}{path}"


def _reverse(prefix: str, urlconf: str, name: str, args: tuple[Any, ...]) -> str:
    before = get_script_prefix()
    set_script_prefix(prefix)
    try:
        return str(reverse(name, args=args, urlconf=urlconf))
    finally:
        set_script_prefix(before)
