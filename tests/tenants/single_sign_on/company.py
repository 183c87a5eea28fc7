"""Companies for tests: a workspace with a provider and an approved domain, and people who sign in by it."""

import re
import uuid
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from django.test import Client

from core import encryption
from tenants.isolation.context import tenant_context
from tenants.models import IdentityProvider, Membership, Tenant, User
from tenants.single_sign_on import domains
from tenants.single_sign_on.exchange import PURPOSE
from tests.cast import PASSWORD, Actor
from tests.tenants.single_sign_on.provider import CLIENT_ID, SECRET, Provider

_ON = re.compile(r'http-equiv="refresh" content="0;url=([^"]+)"')


@dataclass
class Company:
    """A workspace whose members sign in by a provider."""

    actor: Actor
    provider: Provider
    domain: str

    @property
    def workspace(self) -> Tenant:
        return self.actor.workspace

    def employee(self, name: str, role: str = "marketer") -> User:
        """A member with a password and an address of the company."""
        user = User.objects.create_user(f"{name}@{self.domain}", PASSWORD, name=name)
        with tenant_context(self.workspace.pk):
            Membership.objects.create(user=user, role=role)
        return user

    def set(self, **fields: Any) -> None:
        with tenant_context(self.workspace.pk):
            IdentityProvider.objects.update(**fields)

    def asks(self, **fields: Any) -> None:
        Tenant.objects.filter(pk=self.workspace.pk).update(**fields)
        self.workspace.refresh_from_db()


def company(actor: Actor, provider: Provider, *, join_role: str = "") -> Company:
    """Set single sign-on up for a workspace."""
    domain = f"c{uuid.uuid4().hex[:10]}.example.com"
    with tenant_context(actor.workspace.pk):
        IdentityProvider.objects.create(
            issuer=provider.issuer,
            client_id=CLIENT_ID,
            secret=encryption.encrypt(SECRET, purpose=PURPOSE),
            join_role=join_role,
        )
    domains.add(actor.workspace.pk, domain)
    domains.approve(actor.workspace.pk, domain, approved=True)
    return Company(actor, provider, domain)


def leads_to(answer: Any) -> str:
    """The address of the provider that a page leads to."""
    found = _ON.search(answer.content.decode())
    assert found, (answer.status_code, answer.content.decode()[-2000:])
    return unescape(found[1])


def begin(client: Client, email: str, to: str = "") -> str:
    """Enter an address at the door: where the browser is sent."""
    return leads_to(client.post("/login/company/", {"email": email, "next": to}))


def come_back(client: Client, address: str) -> Any:
    """Open the address that the provider sends the browser back to."""
    parts = urlsplit(address)
    return client.get(f"{parts.path}?{parts.query}")


def go(client: Client, firm: Company, email: str, /, to: str = "", **claims: Any) -> Any:
    """All of it: to the provider, sign in there, and back. The answer is ours."""
    return come_back(client, firm.provider.visit(begin(client, email, to), email, **claims))


def linked(client: Client, firm: Company, email: str, /, **claims: Any) -> Any:
    """The same for an account that exists, with its password."""
    answer = go(client, firm, email, **claims)
    assert answer.headers["Location"] == "/login/company/link/"
    return client.post("/login/company/link/", {"password": PASSWORD})


def words(answer: Any) -> str:
    """What a page says, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())
