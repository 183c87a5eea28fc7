"""Invitations: a signed, one-time link into a workspace that expires, can be withdrawn, and can be sent again."""

from dataclasses import dataclass
from datetime import timedelta

from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants import audit, outbox
from tenants.isolation.context import current_tenant, tenant_context
from tenants.models import Invitation, Membership, Tenant, User, normal_login
from tenants.web import workspace_urls

SALT = "invitation"
INVITATION_DAYS = 7


class Expired(Exception):
    """The link is too old, has been used, was withdrawn, was sent again since, or is not one of ours."""


class IsMember(Exception):
    """Who has this address belongs to the workspace already."""


class Known(Exception):
    """Meanwhile somebody has made an account for the address: it is to be used."""


@dataclass(frozen=True)
class Found:
    """An open invitation, read from its link. `user` is the account that has the address."""

    id: int
    tenant_id: int
    workspace: str
    slug: str
    email: str
    role: str
    role_label: str
    sent: int
    user: User | None

    @property
    def is_new(self) -> bool:
        return self.user is None


def waiting() -> QuerySet[Invitation]:
    """Invitations that nobody has answered; also those whose link is too old."""
    return Invitation.objects.filter(accepted_at=None, withdrawn_at=None)


def is_over(invitation: Invitation) -> bool:
    """Whether its link does not work any more."""
    return bool(invitation.sent_at < timezone.now() - timedelta(days=INVITATION_DAYS))


def invite(email: str, *, role: str, by: User) -> Invitation:
    """Invite an address into the current workspace; the link goes out by mail. Raises IsMember.

    Who is invited already gets another mail, with the role of this time.
    """
    address = normal_login(email)
    if Membership.objects.filter(user__email=address).exists():
        raise IsMember
    # Two who invite one address at once wait for each other here: one invitation, sent twice.
    Tenant.objects.select_for_update(no_key=True).get(pk=current_tenant())
    known = waiting().filter(email=address).order_by("pk").last()
    if known is not None:
        return send_again(known.pk, by=by, role=role)
    invitation: Invitation = Invitation.objects.create(email=address, role=role, invited_by=by)
    _send(invitation, by=by)
    audit.record("member.invited", user_id=by.pk, target=invitation.email, role=role)
    return invitation


def send_again(invitation_id: int, *, by: User, role: str = "") -> Invitation:
    """Another link for another seven days; the one before stops working. Raises Expired when it is not open."""
    invitation = _open(invitation_id)
    invitation.role, invitation.invited_by = role or invitation.role, by
    invitation.sent, invitation.sent_at = invitation.sent + 1, timezone.now()
    invitation.save()
    _send(invitation, by=by)
    audit.record("member.invited_again", user_id=by.pk, target=invitation.email, role=invitation.role)
    return invitation


def withdraw(invitation_id: int, *, by: User) -> Invitation:
    """Its link stops working, and a mail that has not gone out yet does not. Raises Expired when it is not open."""
    invitation = _open(invitation_id)
    invitation.withdrawn_at = timezone.now()
    invitation.save(update_fields=["withdrawn_at"])
    outbox.withdraw([f"invitation-{invitation.pk}-{number}" for number in range(1, invitation.sent + 1)])
    audit.record("member.invitation_withdrawn", user_id=by.pk, target=invitation.email, role=invitation.role)
    return invitation


def read(token: str) -> Found:
    """The invitation behind a link. Raises Expired."""
    try:
        signed = signing.loads(token, salt=SALT, max_age=INVITATION_DAYS * 86_400)
    except (signing.BadSignature, ValueError) as problem:
        raise Expired from problem
    if not (isinstance(signed, list) and len(signed) in (2, 3) and all(isinstance(part, int) for part in signed)):
        raise Expired
    tenant_id, invitation_id, sent = [*signed, 1][:3]  # Links of earlier versions have two parts.
    with tenant_context(tenant_id):
        invitation = waiting().filter(pk=invitation_id, sent=sent).first()
    workspace = Tenant.open.filter(pk=tenant_id).first()
    if invitation is None or workspace is None or is_over(invitation):
        raise Expired
    return Found(
        id=invitation.pk,
        tenant_id=tenant_id,
        workspace=workspace.name,
        slug=workspace.slug,
        email=invitation.email,
        role=invitation.role,
        role_label=invitation.role_label,
        sent=sent,
        user=User.objects.filter(email=invitation.email).first(),
    )


def accept(invited: Found, *, name: str = "", password: str = "") -> User:
    """Use the invitation, once: whoever else holds the link gets Expired. Returns who is to be signed in.

    A new person gets an account; a known one, who has shown that it is theirs, keeps name and password, and the role of
    a membership that is there already. Raises Known when an account was made since the invitation was read.
    """
    with tenant_context(invited.tenant_id):
        invitation = _open(invited.id)
        if invitation.sent != invited.sent or is_over(invitation):
            raise Expired
        invitation.accepted_at = timezone.now()
        invitation.save(update_fields=["accepted_at"])
        user = invited.user or _new(invitation.email, password, name=name)
        Membership.objects.get_or_create(user=user, defaults={"role": invitation.role})
        audit.record("member.joined", user_id=user.pk, target=invitation.email, role=invitation.role)
    return user


def _new(email: str, password: str, *, name: str) -> User:
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, name=name)
    except IntegrityError as problem:
        raise Known from problem


def _open(invitation_id: int) -> Invitation:
    """An open invitation, locked. Raises Expired."""
    invitation: Invitation | None = waiting().select_for_update().filter(pk=invitation_id).first()
    if invitation is None:
        raise Expired
    return invitation


def _send(invitation: Invitation, *, by: User) -> None:
    workspace = Tenant.objects.get(pk=current_tenant())
    token = signing.dumps([workspace.pk, invitation.pk, invitation.sent], salt=SALT)
    link = workspace_urls.absolute(workspace_urls.outside("invitation", token))
    outbox.put_mail(
        f"invitation-{invitation.pk}-{invitation.sent}",
        to=invitation.email,
        subject=f"{by.display_name} invited you to {workspace.name}",
        body=(
            f"{by.display_name} invited you to join the workspace {workspace.name} as {invitation.role_label}.\n\n"
            f"Accept the invitation within {INVITATION_DAYS} days:\n{link}\n\n"
            "If you did not expect this, ignore this e-mail.\n"
        ),
    )
