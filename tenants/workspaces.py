"""Workspaces: who belongs to which, and how one is made and named."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import slugify

from tenants import audit
from tenants.isolation.context import tenant_context, user_context
from tenants.models import Membership, Tenant, User
from tenants.roles import Role

# The same name by the same person so soon is the same click.
SAME_CLICK = timedelta(minutes=1)
_LONGEST_SLUG = 50


class TooManyWorkspaces(Exception):
    """The person has made as many as WORKSPACES_PER_PERSON allows."""


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
    erase_at: datetime | None = None

    @property
    def url(self) -> str:
        return f"/w/{self.slug}/"


def workspaces_of(user_id: int) -> list[WorkspaceLink]:
    """All open workspaces of a person, by name. Reads across tenants by the policy `readable` of memberships only."""
    roles = _roles(user_id)
    return [_link(tenant, roles[tenant.pk]) for tenant in Tenant.open.filter(pk__in=roles).order_by("name")]


def closed_of(user_id: int) -> list[WorkspaceLink]:
    """Closed workspaces that a person owns and can still reopen."""
    roles = {pk: role for pk, role in _roles(user_id).items() if role == Role.OWNER}
    closed = Tenant.objects.filter(pk__in=roles, erasing_since=None).exclude(closed_at=None).order_by("name")
    return [_link(tenant, roles[tenant.pk]) for tenant in closed]


def _roles(user_id: int) -> dict[int, str]:
    with user_context(user_id):
        memberships: QuerySet[Membership] = QuerySet(Membership).filter(user_id=user_id)
        return {m.tenant_id: m.role for m in memberships}


def _link(t: Tenant, role: str) -> WorkspaceLink:
    return WorkspaceLink(
        id=t.pk,
        slug=t.slug,
        name=t.name,
        colour=t.colour,
        role=role,
        needs_second_factor=t.needs_second_factor,
        needs_single_sign_on=t.needs_single_sign_on,
        trusts_provider_factor=t.trusts_provider_factor,
        erase_at=t.erase_at,
    )


def is_open(tenant_id: int) -> bool:
    """Whether anything may be done for a workspace: there is one of this number, and it is not closed."""
    return Tenant.open.filter(pk=tenant_id).exists()


def create_workspace(slug: str, *, name: str, country: str = "", owner: User) -> Tenant:
    """Make a workspace with its owner. Raises IntegrityError when the slug is taken."""
    tenant = Tenant.objects.create(slug=slug, name=name, country=country.upper())
    with tenant_context(tenant.pk):
        Membership.objects.create(user=owner, role=Role.OWNER)
    return tenant


def left_for(user: User) -> int:
    """How many more workspaces a person may make."""
    made = Tenant.objects.filter(created_by=user, erased_at=None).count()
    return max(int(settings.WORKSPACES_PER_PERSON) - made, 0)


def found(user: User, *, name: str, country: str, time_zone: str) -> Tenant:
    """Make a workspace that a person has asked for, and own it. Raises TooManyWorkspaces.

    A second click on the button finds the workspace of the first one.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two clicks at once come one after the other
        again = Tenant.open.filter(created_by=user, name=name, created_at__gt=timezone.now() - SAME_CLICK).first()
        if again is not None:
            return again
        if left_for(user) == 0:
            raise TooManyWorkspaces
        tenant = _with_free_slug(user, name=name, country=country)
        Tenant.objects.filter(pk=tenant.pk).update(created_by=user, time_zone=time_zone)
        with tenant_context(tenant.pk):
            audit.record("workspace.created", user_id=user.pk, target=tenant.slug, name=name)
    return tenant


def _with_free_slug(user: User, *, name: str, country: str) -> Tenant:
    """The address is made of the name, with a number behind it where another workspace has it."""
    base = slugify(name)[:_LONGEST_SLUG].strip("-_").replace("_", "-") or "workspace"
    taken = set(Tenant.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    number = 1
    while True:
        slug = base if number == 1 else f"{base}-{number}"
        number += 1
        if slug in taken:
            continue
        try:
            with transaction.atomic():
                return create_workspace(slug, name=name, country=country, owner=user)
        except IntegrityError:  # somebody was faster
            continue


def rename(tenant: Tenant, *, name: str, user: User) -> bool:
    """Give a workspace another name; its address stays. False when that is its name already."""
    locked = Tenant.objects.select_for_update().get(pk=tenant.pk)
    if locked.name == name:
        return False
    before, locked.name = locked.name, name
    locked.save(update_fields=["name"])
    audit.record("workspace.renamed", user_id=user.pk, target=locked.slug, before=before, after=name)
    return True
