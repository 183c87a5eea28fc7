"""Where imports of one workspace wait for each other, and the message that tells workers to look at one.

A message may be lost: the mark in `wake` and the sweep make up for it.
"""

from django.conf import settings
from django.db.models import Max, Q

from contacts import write_lock
from imports import usage
from imports.models import Import, Phase, Unit
from tenants import limits, pending_work
from tenants.isolation.context import current_tenant
from tenants.models import Tenant
from tenants.tasks import defer, defer_behind

KIND = "imports"
# The same for large imports alone.
LARGE = "large_imports"
TASK = "imports.work"
MOST_PRIORITY = 30_000
# A file of more bytes, about ten thousand rows, is a large one: several workers share it, and once it has begun, others go
# first. A small one needs one worker; messages for more would only lie before those of others.
LARGE_BYTES = 1_000_000


def waits_behind(imp: Import) -> bool:
    """Whether another import was moved to the front, or has waited for longer. The queue is one of requests: an undo waits
    behind newer imports."""
    waiting = Import.objects.filter(phase=Phase.QUEUED, started=True).exclude(pk=imp.pk)
    longer = Q(phase_at__lt=imp.phase_at) | Q(phase_at=imp.phase_at, pk__lt=imp.pk)
    return bool(waiting.filter(Q(priority__gt=imp.priority) | (Q(priority=imp.priority) & longer)).exists())


def waits_for_turn(imp: Import) -> int:
    """How many imports of the workspace run where this one waits until one of them ends (tenants.limits); 0: it may begin.

    Asked before its file is read only: whoever has begun is never stopped, so those who have can always end. Among those who
    wait, who was moved to the front goes first, then who came first.
    """
    most = limits.of(Tenant.objects.get(pk=current_tenant())).imports if imp.phase == Phase.PLAN else None
    if most is None:
        return 0
    under_way = usage.running()
    before = Q(priority__gt=imp.priority) | Q(priority=imp.priority, pk__lt=imp.pk)
    ahead = Import.objects.filter(before, phase=Phase.PLAN).count()
    return under_way + ahead if under_way + ahead >= most else 0


def is_behind(imp: Import) -> bool:
    """Whether another import of the workspace writes, or was started before and waits, too."""
    return write_lock.is_held_by_another(imp.pk) or waits_behind(imp)


def wake(import_id: int) -> None:
    """Tell workers, once the transaction has committed: as many as can share it."""
    pending_work.mark_pending(KIND)
    large = is_large(import_id)
    if large:
        pending_work.mark_pending(LARGE)
    for _ in range(settings.WORKERS if large else 1):
        defer(TASK, tenant_id=current_tenant(), import_id=import_id)


def give_turn(import_id: int) -> None:
    """Let one worker work on a large import for a turn; the message for the rest lies in the second line."""
    pending_work.mark_pending(LARGE)
    defer(TASK, tenant_id=current_tenant(), import_id=import_id, only_turn=1)


def go_on(import_id: int) -> None:
    """Tell a worker that there is more of an import: of a large one when nothing else waits."""
    pending_work.mark_pending(KIND)
    tell = defer_behind if is_large(import_id) else defer
    tell(TASK, tenant_id=current_tenant(), import_id=import_id)


def call_helpers(import_id: int) -> None:
    """Tell the other workers that a large import, at which one is, has work for them, too: when nothing else waits."""
    if is_large(import_id):
        for _ in range(settings.WORKERS - 1):
            defer_behind(TASK, tenant_id=current_tenant(), import_id=import_id)


def is_large(import_id: int) -> bool:
    """Whether several workers share it, and others go before it once it has begun."""
    return bool(Import.objects.filter(pk=import_id, size__gt=LARGE_BYTES).exists())


def move_to_front(import_id: int) -> bool:
    """Let an import go before all others of its workspace that wait, from now on; False when it has ended."""
    most = Import.objects.exclude(phase=Phase.DONE).aggregate(most=Max("priority"))["most"] or 0
    moved = Import.objects.filter(pk=import_id).exclude(phase=Phase.DONE)
    if not moved.update(priority=min(most + 1, MOST_PRIORITY)):
        return False
    wake(import_id)
    return True


def retry(import_id: int) -> bool:
    """Offer an import to workers again at once: parts that nobody has in hand are free, and their tries count from zero.

    A part that a living worker has is left alone: its row is locked. False when the import has ended.
    """
    if not Import.objects.filter(pk=import_id).exclude(phase=Phase.DONE).exists():
        return False
    free = Unit.objects.filter(import_id=import_id, done_at=None).select_for_update(skip_locked=True)
    Unit.objects.filter(pk__in=[unit.pk for unit in free]).update(claimed_at=None, attempts=0, losses=0)
    wake(import_id)
    return True
