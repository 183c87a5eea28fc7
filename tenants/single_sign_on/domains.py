"""Domains of e-mail addresses: whose people sign in by the provider of which workspace.

A workspace names a domain; it leads nowhere, and opens nothing, until those who run the platform have approved it by a
command: they have seen that the company has both (decision 28). An approved domain belongs to one workspace.
"""

import re

from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants.models import SignInDomain, Tenant, normal_login

_DOMAIN = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z][-a-z0-9]{0,61}[a-z0-9]")
MAX_DOMAINS = 50


class BadDomain(ValueError):
    """A text that is no domain, or one that cannot be had. The sentence is for people."""


def of_email(email: str) -> str:
    """The domain of an address, as it is stored; "" for none."""
    return normal_login(email).rpartition("@")[2] if "@" in email else ""


def of_workspace(tenant_id: int) -> list[SignInDomain]:
    """All that a workspace has named."""
    return list(SignInDomain.objects.filter(tenant_id=tenant_id).order_by("domain"))


def is_approved(tenant_id: int, domain: str) -> bool:
    """Whether people with addresses of this domain may sign in by the provider of the workspace."""
    return bool(SignInDomain.objects.filter(tenant_id=tenant_id, domain=domain, approved_at__isnull=False).exists())


def workspace_of(email: str) -> Tenant | None:
    """The workspace whose provider is asked for an address; none that is closed."""
    known = SignInDomain.objects.filter(domain=of_email(email), approved_at__isnull=False, tenant__closed_at=None)
    found = known.select_related("tenant").first()
    return found.tenant if found else None


def add(tenant_id: int, text: str) -> str:
    """Name a domain, which then waits for approval. Raises BadDomain."""
    domain = normal_login(text).removeprefix("@")
    if not _DOMAIN.fullmatch(domain):
        raise BadDomain("Enter a domain such as example.com.")
    if SignInDomain.objects.filter(tenant_id=tenant_id).count() >= MAX_DOMAINS:
        raise BadDomain(f"A workspace can have up to {MAX_DOMAINS} domains.")
    SignInDomain.objects.get_or_create(tenant_id=tenant_id, domain=domain)
    return domain


def remove(tenant_id: int, domain: str) -> bool:
    """Its people no longer sign in by the provider. Returns whether there was one to remove."""
    return bool(SignInDomain.objects.filter(tenant_id=tenant_id, domain=domain).delete()[0])


def approve(tenant_id: int, domain: str, *, approved: bool) -> None:
    """Say that a domain is the company's, or no longer. Raises BadDomain."""
    try:
        with transaction.atomic():
            changed = SignInDomain.objects.filter(tenant_id=tenant_id, domain=domain).update(
                approved_at=timezone.now() if approved else None
            )
    except IntegrityError:
        raise BadDomain(f"{domain} belongs to another workspace.") from None
    if not changed:
        raise BadDomain(f"The workspace has not named the domain {domain}.")
