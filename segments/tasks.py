"""Tasks of segments: whole refreshes, the queue of changes, the sweeps for what is due, daily tidying."""

from functools import partial
from typing import Any

from celery import shared_task
from django.utils import timezone

from contacts import change_queue
from segments import incremental, member_edits, refresh, removal
from tenants import pending_work, tasks
from tenants.isolation.context import tenant_context
from tenants.models import Tenant


@shared_task(name=refresh.TASK)
def work(*, tenant_id: int, segment_id: int, **_later: Any) -> None:
    refresh.work(tenant_id, segment_id)


@shared_task(name="segments.sweep")
def sweep(**_later: Any) -> None:
    """Often, the workspaces in which something has changed lately."""
    now = timezone.now()
    tasks.sweep(change_queue.WAKE, partial(incremental.sweep_workspace, until=incremental.sweep_end()))
    pending_work.clear_old(change_queue.WAKE, now=now)


@shared_task(name="segments.wake")
def wake(**_later: Any) -> None:
    """Seldom, all that have dynamic segments: for what time has changed, and for changes of which nobody could tell."""
    tasks.sweep(refresh.WAKE, refresh.wake_due)
    tasks.sweep(refresh.WAKE, partial(incremental.sweep_workspace, until=incremental.sweep_end()))


@shared_task(name="segments.tidy")
def tidy(**_later: Any) -> None:
    for tenant_id in Tenant.open.values_list("pk", flat=True):
        with tenant_context(tenant_id):
            removal.forget_deleted(now=timezone.now())
            member_edits.forget_old(now=timezone.now())
