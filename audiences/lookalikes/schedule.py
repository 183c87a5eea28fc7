"""When lookalikes are worked out: at once when somebody asks, and every day; and when deleted ones go for good."""

from datetime import datetime, timedelta

from django.utils import timezone

from audiences.models import Lookalike, LookalikeState
from segments import refresh as segment_refresh
from tenants import pending_work
from tenants.isolation.context import current_tenant, tenant_context
from tenants.isolation.statements import run
from tenants.tasks import defer

WAKE, TASK = "lookalikes", "audiences.work_lookalike"
DAILY = timedelta(hours=24)
RESTORE_DAYS = 30  # in which a deleted lookalike can be restored


def begin(lookalike: Lookalike) -> None:
    """Let a worker do all of it, once the transaction has committed. While it is at it, this changes nothing."""
    if not lookalike.active or lookalike.state == LookalikeState.WAITING:
        lookalike.state, lookalike.cursor, lookalike.attempts = LookalikeState.COUNTING, 0, 0
        lookalike.save(update_fields=["state", "cursor", "attempts"])
    watch()
    defer(TASK, tenant_id=current_tenant(), lookalike_id=lookalike.pk)


def watch() -> None:
    """Let the sweep look at the lookalikes of the workspace."""
    pending_work.mark_pending(WAKE)


def tell() -> None:
    """Let the segments follow that ask who is in a lookalike."""
    segment_refresh.request_all_asking("lookalike", because="lookalike")


def wake_due(tenant_id: int) -> None:
    """Send every lookalike of a workspace that is under way or due to a worker; forget the workspace when it has none."""
    with tenant_context(tenant_id):
        seen_at = timezone.now()
        present = Lookalike.objects.filter(archived_at=None)
        if not present.exists():
            pending_work.clear_pending(WAKE, seen_at=seen_at)
            return
        for lookalike in present.filter(state__in=Lookalike.ACTIVE)[:50]:
            defer(TASK, tenant_id=tenant_id, lookalike_id=lookalike.pk)
        rest = present.exclude(state__in=Lookalike.ACTIVE).filter(refreshed_at__lt=seen_at - DAILY)
        for lookalike in rest.order_by("refreshed_at").select_for_update(skip_locked=True)[:20]:
            begin(lookalike)


# Deletes lookalikes of long ago for good, with their members.
FORGET = """
WITH gone AS (
  DELETE FROM lookalike l WHERE l.tenant_id = %(tenant)s AND l.archived_at < %(before)s RETURNING l.id),
told AS (DELETE FROM lookalike_change c USING gone g WHERE c.tenant_id = %(tenant)s AND c.lookalike_id = g.id)
DELETE FROM lookalike_member m USING gone g WHERE m.tenant_id = %(tenant)s AND m.lookalike_id IN (g.id, -g.id)"""


def forget_deleted(*, now: datetime) -> None:
    """Delete lookalikes that can no longer be restored."""
    run(FORGET, before=now - timedelta(days=RESTORE_DAYS))
