"""Addresses of pages of syncs and destinations, for mails, notices and pages of other apps."""

from django.urls import NoReverseMatch, reverse

from tenants.isolation.context import current_tenant
from tenants.models import Tenant
from tenants.web import workspace_urls

SYNC, DESTINATION, START = "destinations:sync", "destinations:destination", "tenants:start"


def inside(name: str, pk: int) -> str:
    """The path of a page in the workspace of the context, for who is elsewhere."""
    slug = Tenant.objects.values_list("slug", flat=True).get(pk=current_tenant())
    try:
        return workspace_urls.inside(slug, name, pk)
    except NoReverseMatch:
        return workspace_urls.inside(slug, START)


def here(name: str, pk: int) -> str:
    """The path of a page, for a page of the same workspace."""
    try:
        return reverse(name, args=[pk])
    except NoReverseMatch:
        return reverse(START)
