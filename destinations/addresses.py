"""Addresses of pages of syncs and destinations, for mails, notices and pages of other apps."""

from collections.abc import Iterable

from tenants.isolation.context import current_tenant
from tenants.models import Tenant
from tenants.web import workspace_urls

SYNC, DESTINATION = "destinations:sync", "destinations:destination"


def inside(name: str, pk: int) -> str:
    """The path of a page in the workspace of the context, for who is elsewhere."""
    return paths(name, [pk])[pk]


def paths(name: str, pks: Iterable[int]) -> dict[int, str]:
    """The paths of pages in the workspace of the context, whether a page or a program asks for them."""
    slug = Tenant.objects.values_list("slug", flat=True).get(pk=current_tenant())
    return {pk: workspace_urls.inside(slug, name, pk) for pk in pks}
