"""Who belongs to a workspace, and as what. There is always an owner who can sign in, whatever happens at once."""

from django.db.models import Q, QuerySet

from tenants import audit
from tenants.models import Membership
from tenants.roles import Role, may


class NotAllowed(Exception):
    """The person may not do this to this member, or one of the two is no member any more."""


class LastOwner(Exception):
    """Nobody would be left who owns the workspace."""


def set_role(membership_id: int, *, role: str, by: int) -> Membership:
    """Give a member another role. Only owners make owners, and only they change one. Raises NotAllowed, LastOwner."""
    member = _held(membership_id, by=by, touches_owners=role == Role.OWNER)
    if member.role == role:
        return member
    if member.role == Role.OWNER:
        _keep_an_owner(member)
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    audit.record("member.role", user_id=by, target=str(member.user), before=before, after=role)
    return member


def remove(membership_id: int, *, by: int) -> Membership:
    """Take a member out of the workspace; it ends for them with their next request. Raises NotAllowed, LastOwner."""
    member = _held(membership_id, by=by)
    if member.role == Role.OWNER:
        _keep_an_owner(member)
    audit.record("member.removed", user_id=by, target=str(member.user), role=member.role)
    member.delete()
    return member


def leave(user_id: int) -> Membership:
    """Somebody leaves by themselves. Raises NotAllowed for who is no member, and LastOwner."""
    member = _locked(Q(user_id=user_id)).filter(user_id=user_id).first()
    if member is None:
        raise NotAllowed
    if member.role == Role.OWNER:
        _keep_an_owner(member)
    audit.record("member.left", user_id=user_id, target=str(member.user), role=member.role)
    member.delete()
    return member


def is_member(user_id: int) -> bool:
    """Whether the person belongs to the current workspace: whoever does not is told nothing of it any more."""
    return bool(Membership.objects.filter(user_id=user_id).exists())


def _held(membership_id: int, *, by: int, touches_owners: bool = False) -> Membership:
    """The member and the one who acts, both locked and read again: either may have changed since the page was asked."""
    members = _locked(Q(user_id=by) | Q(pk=membership_id))
    actor, member = members.filter(user_id=by).first(), members.filter(pk=membership_id).first()
    if actor is None or member is None or not may(actor.role, "members.manage"):
        raise NotAllowed
    if (touches_owners or member.role == Role.OWNER) and actor.role != Role.OWNER:
        raise NotAllowed
    return member


def _locked(concerned: Q) -> QuerySet[Membership]:
    """Lock the owners and those concerned, in one order, so that two who act at once do so one after the other."""
    rows = Membership.objects.filter(Q(role=Role.OWNER) | concerned).order_by("pk")
    list(rows.select_for_update().values_list("pk", flat=True))
    return Membership.objects.select_related("user")


def _keep_an_owner(member: Membership) -> None:
    others = Membership.objects.filter(role=Role.OWNER, user__is_active=True).exclude(pk=member.pk)
    if not others.exists():
        raise LastOwner
