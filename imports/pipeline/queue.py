"""Where imports of one workspace wait for each other, and the message that tells workers to look at one.

A message may be lost: the mark in `wake` and the sweep make up for it.
"""

from django.conf import settings
from django.db.models import Q

from contacts import write_lock
from imports.models import Import, Phase
from tenants import pending_work
from tenants.isolation.context import current_tenant
from tenants.tasks import defer

KIND = "imports"
TASK = "imports.work"


def waits_behind(imp: Import) -> bool:
    """Whether another import has waited for longer. The queue is one of requests: an undo waits behind newer imports."""
    waiting = Import.objects.filter(phase=Phase.QUEUED, started=True).exclude(pk=imp.pk)
    return bool(waiting.filter(Q(phase_at__lt=imp.phase_at) | Q(phase_at=imp.phase_at, pk__lt=imp.pk)).exists())


def is_behind(imp: Import) -> bool:
    """Whether another import of the workspace writes, or was started before and waits, too."""
    return write_lock.is_held_by_another(imp.pk) or waits_behind(imp)


def wake(import_id: int, *, messages: int | None = None) -> None:
    """Tell workers, once the transaction has committed; by default as many as there are processes."""
    pending_work.mark_pending(KIND)
    for _ in range(settings.WORKERS if messages is None else messages):
        defer(TASK, tenant_id=current_tenant(), import_id=import_id)
