"""Members: who belongs to which workspace."""

from dataclasses import dataclass

from django.db.models import QuerySet

from tenants.isolation.context import tenant_context, user_context
from tenants.models import Membership, Tenant, User
from tenants.roles import Role


@dataclass(frozen=True)
class WorkspaceLink:
    """A workspace as its member sees it in the switcher."""

    id: int
    slug: str
    name: str
    colour: str
    role: str
    needs_second_factor: bool
    needs_single_sign_on: bool
    trusts_provider_factor: bool

    @property
    def url(self) -> str:
        return f"/w/{self.slug}/"


def workspaces_of(user_id: int) -> list[WorkspaceLink]:
    """All workspaces of a person, by name. Reads across tenants by the policy `readable` of memberships only."""
    with user_context(user_id):
        memberships: QuerySet[Membership] = QuerySet(Membership).filter(user_id=user_id)
        roles = {m.tenant_id: m.role for m in memberships}
    tenants = Tenant.objects.filter(pk__in=roles).order_by("name")
    return [
        WorkspaceLink(
            id=t.pk,
            slug=t.slug,
            name=t.name,
            colour=t.colour,
            role=roles[t.pk],
            needs_second_factor=t.needs_second_factor,
            needs_single_sign_on=t.needs_single_sign_on,
            trusts_provider_factor=t.trusts_provider_factor,
        )
        for t in tenants
    ]


def create_workspace(slug: str, *, name: str, country: str = "", owner: User) -> Tenant:
    """Make a workspace with its owner. Raises IntegrityError when the slug is taken."""
    tenant = Tenant.objects.create(slug=slug, name=name, country=country.upper())
    with tenant_context(tenant.pk):
        Membership.objects.create(user=owner, role=Role.OWNER)
    return tenant
