"""Which workspaces have work waiting. A hint for sweepers: the work itself is in the tenants' tables."""

import time
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from tenants.isolation.context import current_tenant
from tenants.models import PendingWork

# What is marked again and again needs a new mark only after so many seconds; it is kept for longer than that.
REPEAT_SECONDS, KEPT = 15.0, timedelta(seconds=60)
_marked: dict[tuple[int, str], float] = {}

# Contacts or visitors have changed: who is who may be clear now, or no longer (sources.ambiguities.sweep).
IDENTITY = "identity"


def mark_pending(kind: str) -> None:
    """Remember that the current tenant has work of this kind. Idempotent.

    Written again each time, so that a sweep which is about to forget an older mark sees that there is a newer one.
    """
    _mark(current_tenant(), kind)


def mark_often(kind: str) -> None:
    """The same for what happens every second: once the transaction has committed, so that nobody waits for its end, and not
    again within REPEAT_SECONDS. A process that is killed in between leaves no mark, so something else has to find the work,
    too. Forget it by `clear_old`.
    """
    tenant_id = current_tenant()

    def mark() -> None:
        moment = time.monotonic()
        if moment - _marked.get((tenant_id, kind), -REPEAT_SECONDS) >= REPEAT_SECONDS:
            _mark(tenant_id, kind)
            _marked[tenant_id, kind] = moment

    transaction.on_commit(mark, robust=True)


def _mark(tenant_id: int, kind: str) -> None:
    row = PendingWork(tenant_id=tenant_id, kind=kind, since=timezone.now())
    PendingWork.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["tenant", "kind"], update_fields=["since"]
    )


def clear_pending(kind: str, *, seen_at: datetime) -> None:
    """Forget the mark, unless it is newer than the look at `seen_at` which found that nothing is left."""
    PendingWork.objects.filter(tenant_id=current_tenant(), kind=kind, since__lt=seen_at).delete()


def clear_old(kind: str, *, now: datetime) -> None:
    """Forget marks of `mark_often` that have not been renewed for long, of all tenants."""
    PendingWork.objects.filter(kind=kind, since__lt=now - KEPT).delete()


def waiting(kind: str, *, closed: bool = False) -> list[int]:
    """Ids of tenants with work of this kind, the longest waiting first; closed ones only where `closed` says so."""
    found = PendingWork.objects.filter(kind=kind).order_by("since")
    return list((found if closed else found.filter(tenant__closed_at=None)).values_list("tenant_id", flat=True))
