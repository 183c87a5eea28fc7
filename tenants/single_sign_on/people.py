"""Who comes back from a provider: an account that is linked, one that has to be linked first, somebody new, or refused."""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from tenants import audit, provider_sessions
from tenants.accounts import mails
from tenants.isolation.context import tenant_context
from tenants.models import FailedSignIn, IdentityProvider, Membership, ProviderLink, Tenant, User, normal_login
from tenants.single_sign_on import domains
from tenants.single_sign_on.id_tokens import Claims


class Refused(Exception):
    """This person is not let in. The sentence is for people; `member` is the account that was meant, 0 for a stranger."""

    def __init__(self, sentence: str, reason: FailedSignIn.Reason, *, member: int = 0) -> None:
        super().__init__(sentence)
        self.reason, self.member = reason, member


@dataclass(frozen=True)
class ToLink:
    """An account that has the address, but is not linked: it has to show its password first."""

    user: User


def provider_of(tenant_id: int) -> IdentityProvider | None:
    """The provider of a workspace, if it is in use."""
    with tenant_context(tenant_id, read_only=True):
        found: IdentityProvider | None = IdentityProvider.objects.filter(is_on=True).first()
        return found


def member_of(tenant_id: int, email: str) -> int:
    """The account of a member with this address; 0 where there is none."""
    with tenant_context(tenant_id, read_only=True):
        found = Membership.objects.filter(user__email=normal_login(email)).values_list("user_id", flat=True).first()
        return found or 0


def who(workspace: Tenant, provider: IdentityProvider, claims: Claims) -> User | ToLink:
    """The account that signs in now. Somebody new gets one where the workspace says so. Raises Refused.

    The address alone never opens an account that exists: a provider says it, and anybody can run one.
    """
    if not domains.is_approved(workspace.pk, domains.of_email(claims.email)):
        raise Refused(
            f"{claims.email} is not of a domain that signs in to {workspace.name}.",
            FailedSignIn.Reason.DOMAIN,
            member=member_of(workspace.pk, claims.email),
        )
    with tenant_context(workspace.pk):
        link = ProviderLink.objects.filter(issuer=claims.issuer, subject=claims.subject).select_related("user").first()
        if link is not None:
            if not Membership.objects.filter(user_id=link.user_id).exists():
                raise Refused(
                    f"You are no longer a member of {workspace.name}. Ask one of its admins for an invitation.",
                    FailedSignIn.Reason.STRANGER,
                )
            user: User = link.user
            return user
        known = User.objects.filter(email=normal_login(claims.email)).first()
        if not provider.join_role and (known is None or not Membership.objects.filter(user=known).exists()):
            raise Refused(
                f"You need an invitation to join {workspace.name}. Ask one of its admins.", FailedSignIn.Reason.STRANGER
            )
        return ToLink(known) if known else _join(claims, provider.join_role)


def _join(claims: Claims, role: str) -> User:
    try:
        with transaction.atomic():
            user = User.objects.create_user(claims.email, name=claims.name)
            ProviderLink.objects.create(user=user, issuer=claims.issuer, subject=claims.subject)
    except IntegrityError:
        sentence = "This account was made just now by another sign-in. Sign in again."
        raise Refused(sentence, FailedSignIn.Reason.STRANGER) from None
    Membership.objects.create(user=user, role=role)
    audit.record("member.joined", user_id=user.pk, target=user.email, role=role, how="single sign-on")
    return user


def signal_kwargs(workspace: Tenant, claims: Claims, *, link: bool) -> dict[str, Any]:
    """What allauth carries through the steps of signing in until they are done: see `signed_in`."""
    linked = [claims.issuer, claims.subject] if link else None
    return {provider_sessions.KEY: {"workspace": workspace.pk, "has_factor": claims.has_factor, "link": linked}}


def signed_in(request: HttpRequest, user: User, carried: dict[str, Any] | None) -> None:
    """All steps of signing in are done: note by what it was. `carried`: of `signal_kwargs`, None by password or passkey."""
    told = (carried or {}).get(provider_sessions.KEY)
    provider_sessions.forget(request)
    if told is None:
        return
    if told["link"] and not _link(request, user, told["workspace"], *told["link"]):
        return
    # Who has linked has shown the password, and the second factor of the account if it has one.
    provider_sessions.note(request, told["workspace"], has_factor=told["has_factor"], alone=not told["link"])


def _link(request: HttpRequest, user: User, tenant_id: int, issuer: str, subject: str) -> bool:
    """Link the two, and make the person a member where the workspace says so. Whether they are linked now."""
    with tenant_context(tenant_id):
        workspace = Tenant.objects.get(pk=tenant_id)
        provider = IdentityProvider.objects.filter(is_on=True, issuer=issuer).first()
        if provider is None:
            return False
        if not Membership.objects.filter(user=user).exists():
            if not provider.join_role:
                return False
            Membership.objects.create(user=user, role=provider.join_role)
            audit.record(
                "member.joined", user_id=user.pk, target=user.email, role=provider.join_role, how="single sign-on"
            )
        found, made = ProviderLink.objects.get_or_create(issuer=issuer, subject=subject, defaults={"user": user})
        if made:
            audit.record("member.linked", user_id=user.pk, target=user.email)
    if made:
        mails.linked(request, user, workspace=workspace.name)
    return bool(found.user_id == user.pk)
