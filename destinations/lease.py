"""Who works on a sync: one worker at a time, for as long as it shows signs of life.

No lock and no transaction stays open while a destination is talked to. A worker takes the lease and extends it with each
of its transactions; one that died loses it after LEASE, and another takes over where it stopped.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from destinations.batches import Work
from destinations.models import (
    BatchState,
    Destination,
    DestinationState,
    RunKind,
    RunState,
    Sync,
    SyncBatch,
    SyncRun,
    SyncState,
)
from tenants.isolation.context import tenant_context

# Longer than one request can take.
LEASE = timedelta(seconds=180)
# States in which lists are sent; in the others people are taken out only.
SENDING = (SyncState.PENDING, SyncState.RUNNING, SyncState.HEALTHY)


class Lost(Exception):
    """The lease is another's, or the sync was stopped: there is nothing to do here any more."""


def take(tenant_id: int, sync_id: int) -> tuple[str, Work] | None:
    """Take the lease of a sync that has something to do: the lease and the rows; None when there is nothing to do now."""
    now = timezone.now()
    with tenant_context(tenant_id):
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        due = Q(retry_at=None) | Q(retry_at__lte=now)
        sync = Sync.objects.filter(free, due, pk=sync_id, archived_at=None).select_for_update(skip_locked=True).first()
        destination = Destination.objects.filter(pk=sync.destination_id).first() if sync else None
        if sync is None or destination is None or destination.state != DestinationState.CONNECTED:
            return None
        run = _run_of(sync)
        if run is None:
            return None
        sync.lease, sync.lease_until = uuid.uuid4().hex, now + LEASE
        if run.state == RunState.WAITING:
            _start(sync, run)
        sync.save(update_fields=["lease", "lease_until", "state", "full_since"])
        return sync.lease, Work(sync, destination, run)


def _run_of(sync: Sync) -> SyncRun | None:
    """The run that is under way, else the next one, where people are taken out first; else the last one whose results are
    due."""
    active = list(SyncRun.objects.filter(sync_id=sync.pk, state__in=SyncRun.ACTIVE).order_by("pk"))
    active.sort(key=lambda run: (run.state != RunState.RUNNING, run.kind != RunKind.REMOVAL))
    if active:
        first: SyncRun = active[0]
        return first
    open_ones = SyncBatch.objects.filter(sync_id=sync.pk, state__in=SyncBatch.OPEN)
    wanted = Q(next_look_at__lte=timezone.now()) | Q(state=BatchState.SENDING, removes=True)
    if sync.state in SENDING:
        wanted |= Q(state=BatchState.SENDING)
    due = open_ones.filter(wanted).order_by("pk").first()
    last: SyncRun | None = SyncRun.objects.filter(pk=due.run_id).first() if due else None
    return last


def _start(sync: Sync, run: SyncRun) -> None:
    run.state, run.started_at = RunState.RUNNING, timezone.now()
    run.save(update_fields=["state", "started_at"])
    if run.kind == RunKind.FULL:
        sync.full_since = run.started_at
    if run.kind in (RunKind.NORMAL, RunKind.FULL) and sync.state in SENDING:
        sync.state = SyncState.RUNNING


@contextmanager
def transaction(tenant_id: int, lease: str, work: Work) -> Iterator[Work]:
    """A transaction of the worker that has the lease, which it extends, with the rows as they are now. Raises Lost."""
    with tenant_context(tenant_id):
        now = timezone.now()
        mine = Sync.objects.filter(pk=work.sync.pk, lease=lease, archived_at=None)
        if not mine.update(lease_until=now + LEASE):
            raise Lost
        yield Work(mine.get(), work.destination, SyncRun.objects.get(pk=work.run.pk))


def let_go(tenant_id: int, lease: str, work: Work) -> None:
    """Give the lease back, if it is still the worker's."""
    with tenant_context(tenant_id):
        Sync.objects.filter(pk=work.sync.pk, lease=lease).update(lease="", lease_until=None)
