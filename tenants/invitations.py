"""Invitations: a signed, one-time link into a workspace that expires."""

from dataclasses import dataclass

from django.core import signing
from django.utils import timezone

from tenants import audit, links, outbox
from tenants.context import current_tenant, tenant_context
from tenants.models import Invitation, Membership, Tenant, User, normal_login

SALT = "invitation"
DAYS = 7


class Expired(Exception):
    """The link is too old, has been used, was withdrawn, or is not one of ours."""


@dataclass(frozen=True)
class Found:
    """An open invitation, read from its link."""

    id: int
    tenant_id: int
    workspace: str
    email: str
    role: str
    role_label: str
    is_new: bool


def invite(email: str, *, role: str, by: User) -> Invitation:
    """Invite an address into the current workspace; the link goes out by mail."""
    invitation: Invitation = Invitation.objects.create(email=normal_login(email), role=role, invited_by=by)
    workspace = Tenant.objects.get(pk=current_tenant())
    token = signing.dumps([workspace.pk, invitation.pk], salt=SALT)
    link = links.absolute(links.outside("invitation", token))
    outbox.put_mail(
        f"invitation-{invitation.pk}",
        to=invitation.email,
        subject=f"{by.display_name} invites you to {workspace.name}",
        body=(
            f"{by.display_name} invites you to the workspace {workspace.name} as {invitation.role_label}.\n\n"
            f"Accept within {DAYS} days:\n{link}\n\nIf you did not expect this, you need not do anything.\n"
        ),
    )
    audit.record("member.invited", user_id=by.pk, target=invitation.email, role=role)
    return invitation


def read(token: str) -> Found:
    """The invitation behind a link. Raises Expired."""
    try:
        tenant_id, invitation_id = signing.loads(token, salt=SALT, max_age=DAYS * 86_400)
    except (signing.BadSignature, ValueError) as problem:
        raise Expired from problem
    with tenant_context(tenant_id):
        invitation = Invitation.objects.filter(pk=invitation_id, accepted_at=None).first()
    workspace = Tenant.objects.filter(pk=tenant_id).first()
    if invitation is None or workspace is None:
        raise Expired
    is_new = not User.objects.filter(email=invitation.email).exists()
    return Found(
        invitation.pk, tenant_id, workspace.name, invitation.email, invitation.role, invitation.role_label, is_new
    )  # fmt: skip


def accept(found: Found, *, name: str = "", password: str = "") -> User:
    """Use the invitation, once. A new person gets an account; a known one keeps name and password."""
    with tenant_context(found.tenant_id):
        taken = Invitation.objects.filter(pk=found.id, accepted_at=None).update(accepted_at=timezone.now())
        user = User.objects.filter(email=found.email).first()
        if user is None:
            user = User.objects.create_user(found.email, password, name=name)
        if taken:
            Membership.objects.get_or_create(user=user, defaults={"role": found.role})
            audit.record("member.joined", user_id=user.pk, target=found.email, role=found.role)
    return user
