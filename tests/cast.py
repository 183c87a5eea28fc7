"""The cast: Alice owns a workspace, Bob works in it, Charlie has one of his own and must never see anything."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from tenants.isolation.context import tenant_context
from tenants.models import Membership, Tenant, User
from tenants.workspaces import create_workspace

_numbers = itertools.count(1)
PASSWORD = "correct horse battery"


@dataclass
class Actor:
    """A person with a signed-in browser."""

    user: User
    client: Client
    workspace: Tenant

    def url(self, path: str = "") -> str:
        return f"/w/{self.workspace.slug}/{path}"

    def get(self, path: str = "", **kwargs: Any) -> Any:
        return self.client.get(self.url(path), **kwargs)

    def post(self, path: str, data: Any = None, **kwargs: Any) -> Any:
        return self.client.post(self.url(path), data or {}, **kwargs)


def person(name: str) -> User:
    """A new person with the usual password."""
    return User.objects.create_user(f"{name.lower()}.{uuid.uuid4().hex[:12]}@example.com", PASSWORD, name=name)


def workspace(owner: User, **fields: Any) -> Tenant:
    """A new workspace of a person."""
    slug = f"t{next(_numbers)}-{uuid.uuid4().hex[:8]}"
    tenant = create_workspace(slug, name=fields.pop("name", "Nordvik Outdoor"), country="GB", owner=owner)
    if fields:
        Tenant.objects.filter(pk=tenant.pk).update(**fields)
        tenant.refresh_from_db()
    return tenant


def actor(name: str, tenant: Tenant | None = None, role: str = "owner") -> Actor:
    """A person in a browser, in a workspace of their own or with a role in somebody else's."""
    user = person(name)
    if tenant is None:
        tenant = workspace(user)
    else:
        with tenant_context(tenant.pk):
            Membership.objects.create(user=user, role=role)
    client = Client()
    client.force_login(user)
    return Actor(user, client, tenant)


@pytest.fixture
def tenant() -> Tenant:
    """A fresh workspace; nothing of another test is in it."""
    return workspace(person("Alice"))


@pytest.fixture
def inside(tenant: Tenant) -> Iterator[Tenant]:
    """The test runs in the workspace's context."""
    with tenant_context(tenant.pk):
        yield tenant


@pytest.fixture
def alice() -> Actor:
    return actor("Alice")


@pytest.fixture
def bob(alice: Actor) -> Actor:
    return actor("Bob", alice.workspace, "marketer")


@pytest.fixture
def charlie() -> Actor:
    return actor("Charlie")


@pytest.fixture
def member(alice: Actor) -> Callable[[str], Actor]:
    """Somebody in Alice's workspace with a role: member("viewer")."""
    return lambda role: actor(role.title(), alice.workspace, role)
