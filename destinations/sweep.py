"""What is due in a workspace: runs by the schedule, people to take out, results to ask for, connections that expire."""

from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from destinations import connections, endings, removal_watch
from destinations.lease import SENDING
from destinations.models import BatchState, Destination, RunKind, Sync, SyncBatch, SyncRun, SyncState
from destinations.runs import wake
from tenants import pending_work
from tenants.isolation.context import tenant_context

WAKE = "syncs"


def run(tenant_id: int) -> None:
    """Send every sync that has something to do to a worker; forget the workspace when it has none."""
    with tenant_context(tenant_id):
        seen_at = timezone.now()
        ids = list(Sync.objects.filter(archived_at=None).order_by("pk").values_list("pk", flat=True))
        warn(now=seen_at)
        if not ids and not Destination.objects.filter(archived_at=None).exists():
            pending_work.clear_pending(WAKE, seen_at=seen_at)
    for sync_id in ids:
        with tenant_context(tenant_id):
            _look_at(sync_id)


def _look_at(sync_id: int) -> None:
    now = timezone.now()
    sync = Sync.objects.select_for_update(skip_locked=True).filter(pk=sync_id, archived_at=None).first()
    destination = Destination.objects.filter(pk=sync.destination_id).first() if sync else None
    if sync is None or destination is None or sync.state == SyncState.DRAFT:
        return
    due = removal_watch.look(sync, destination)
    if (
        sync.state in (SyncState.HEALTHY, SyncState.PENDING)
        and sync.next_run_at is not None
        and sync.next_run_at <= now
    ):
        due = begin(sync) or due
    waits = sync.retry_at is not None and sync.retry_at > now
    if not waits and (due or _has_work(sync, now)):
        wake(sync.pk)


def begin(sync: Sync, *, kind: str = RunKind.NORMAL, user_id: int | None = None) -> bool:
    """Let a run wait for a worker, unless one of its kind does already."""
    waiting = SyncRun.objects.filter(sync_id=sync.pk, state__in=SyncRun.ACTIVE)
    if kind != RunKind.DRY:
        waiting = waiting.exclude(kind__in=[RunKind.DRY, RunKind.REMOVAL])
    if waiting.exists():
        return False
    SyncRun.objects.create(sync_id=sync.pk, kind=kind, created_by_id=user_id)
    return True


def _has_work(sync: Sync, now: datetime) -> bool:
    if SyncRun.objects.filter(sync_id=sync.pk, state__in=SyncRun.ACTIVE).exists():
        return True
    due = Q(state=BatchState.SENT, next_look_at__lte=now) | Q(state=BatchState.SENDING, removes=True)
    if sync.state in SENDING:
        due |= Q(state=BatchState.SENDING)
    return bool(SyncBatch.objects.filter(due, sync_id=sync.pk).exists())


def warn(*, now: datetime) -> None:
    """Tell the admins of connections that expire soon, once."""
    for destination in connections.expiring(now).select_for_update(skip_locked=True):
        destination.warned_at = now
        destination.save(update_fields=["warned_at"])
        endings.tell_of(
            destination, subject="A connection expires soon",
            what=f"The connection to {destination.name} expires on {destination.expires_at:%d %B %Y}. Connect again before "
            "then, or its data syncs stop.",
        )  # fmt: skip
