"""Which workspaces have work waiting. A hint for sweepers: the work itself is in the tenants' tables."""

from datetime import datetime

from django.utils import timezone

from tenants.isolation.context import current_tenant
from tenants.models import PendingWork

# Contacts or visitors have changed: who is who may be clear now, or no longer (sources.ambiguities.sweep).
IDENTITY = "identity"


def mark_pending(kind: str) -> None:
    """Remember that the current tenant has work of this kind. Idempotent.

    Written again each time, so that a sweep which is about to forget an older mark sees that there is a newer one.
    """
    row = PendingWork(tenant_id=current_tenant(), kind=kind, since=timezone.now())
    PendingWork.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["tenant", "kind"], update_fields=["since"]
    )


def clear_pending(kind: str, *, seen_at: datetime) -> None:
    """Forget the mark, unless it is newer than the look at `seen_at` which found that nothing is left."""
    PendingWork.objects.filter(tenant_id=current_tenant(), kind=kind, since__lt=seen_at).delete()


def waiting(kind: str, *, closed: bool = False) -> list[int]:
    """Ids of tenants with work of this kind, the longest waiting first; closed ones only where `closed` says so."""
    found = PendingWork.objects.filter(kind=kind).order_by("since")
    return list((found if closed else found.filter(tenant__closed_at=None)).values_list("tenant_id", flat=True))
