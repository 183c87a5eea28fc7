"""Addresses of pages of syncs and destinations, for mails, notices and pages of other apps."""

from django.urls import reverse

from tenants.isolation.context import current_tenant
from tenants.models import Tenant
from tenants.web import workspace_urls

SYNC, DESTINATION = "destinations:sync", "destinations:destination"


def inside(name: str, pk: int) -> str:
    """The path of a page in the workspace of the context, for who is elsewhere."""
    slug = Tenant.objects.values_list("slug", flat=True).get(pk=current_tenant())
    return workspace_urls.inside(slug, name, pk)


def here(name: str, pk: int) -> str:
    """The path of a page, for a page of the same workspace."""
    return reverse(name, args=[pk])
