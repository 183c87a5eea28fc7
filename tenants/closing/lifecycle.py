"""Closing a workspace, and reopening it for as long as its data is there.

A closed workspace is one with `closed_at`. Everything that chooses a workspace to do something for chooses among
`Tenant.open`: pages, tokens, file servers, the pixel, sweeps, and tasks (cdp.celery). Closing therefore changes nothing
else, and reopening lets everything go on where it was.
"""

from datetime import timedelta

from django.utils import timezone

from tenants import audit, outbox
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.web import workspace_urls

# So long after it was closed a workspace can be reopened; then its data goes.
GRACE_DAYS = 30
GRACE = timedelta(days=GRACE_DAYS)


class WrongName(Exception):
    """What was typed is not the name of the workspace."""


class Gone(Exception):
    """The workspace cannot be reopened: its data is being erased."""


def find_closed(tenant_id: int) -> Tenant | None:
    """A closed workspace whose data is not yet gone, by its number: for callers that prove next that they belong to it."""
    return Tenant.objects.exclude(closed_at=None).filter(pk=tenant_id, erased_at=None).first()


def close(tenant: Tenant, *, name: str, user: User) -> bool:
    """Close a workspace and tell its members by mail. False when it was closed before. Raises WrongName."""
    locked = Tenant.objects.select_for_update().get(pk=tenant.pk)
    if locked.closed_at is not None:
        return False
    if " ".join(name.split()) != " ".join(locked.name.split()):
        raise WrongName
    locked.closed_at = timezone.now()
    locked.erase_at = locked.closed_at + GRACE
    locked.save(update_fields=["closed_at", "erase_at"])
    audit.record("workspace.closed", user_id=user.pk, target=locked.slug, erase_at=f"{locked.erase_at:%Y-%m-%d}")
    url = workspace_urls.absolute(workspace_urls.inside(locked.slug, "tenants:closed"))
    day = f"{locked.erase_at:%d %B %Y}"
    _tell(
        f"{locked.name} was closed",
        f"{user.display_name} closed the workspace {locked.name}.\n\nFrom now on nothing is collected, imported or sent. "
        f"All its data will be erased on {day}.",
        f"\n\nUntil then you can reopen the workspace, or export everything:\n\n{url}\n",
    )
    return True


def reopen(tenant: Tenant, *, user: User) -> bool:
    """Open a closed workspace again. False when it is open. Raises Gone."""
    locked = Tenant.objects.select_for_update().get(pk=tenant.pk)
    if locked.erasing_since is not None:
        raise Gone
    if locked.closed_at is None:
        return False
    locked.closed_at = locked.erase_at = None
    locked.save(update_fields=["closed_at", "erase_at"])
    audit.record("workspace.reopened", user_id=user.pk, target=locked.slug)
    url = workspace_urls.absolute(workspace_urls.inside(locked.slug, "tenants:start"))
    text = f"{user.display_name} reopened the workspace {locked.name}. Everything goes on where it stopped:\n\n{url}\n"
    _tell(f"{locked.name} was reopened", text)
    return True


def _tell(subject: str, text: str, for_owners: str = "\n") -> None:
    """A mail to each member; the second part to owners only."""
    now = timezone.now()
    for member in Membership.objects.select_related("user").filter(user__is_active=True).order_by("pk"):
        body = text + (for_owners if member.role == Role.OWNER else "\n")
        outbox.put_mail(
            f"workspace-{now:%Y%m%d%H%M%S%f}-{member.user_id}", to=member.user.email, subject=subject, body=body
        )
