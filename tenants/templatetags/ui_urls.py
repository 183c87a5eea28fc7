"""Links from workspace pages to pages outside of any workspace."""

from typing import Any

from django import template

from tenants.web.workspace_urls import outside

register = template.Library()


@register.simple_tag
def global_url(name: str, *args: Any) -> str:
    """Address of a page outside of workspaces: {% global_url 'account_logout' %}."""
    return outside(name, *args)
