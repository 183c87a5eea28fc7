"""Tasks of segments: whole refreshes, the queue of changes, the sweeps for what is due, daily tidying."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from segments import incremental, member_edits, refresh, removal
from tenants import tasks
from tenants.isolation.context import tenant_context
from tenants.models import Tenant


@shared_task(name=refresh.TASK)
def work(*, tenant_id: int, segment_id: int, **_later: Any) -> None:
    refresh.work(tenant_id, segment_id)


@shared_task(name=incremental.TASK)
def follow(*, tenant_id: int, **_later: Any) -> None:
    incremental.follow(tenant_id)


@shared_task(name="segments.sweep")
def sweep(**_later: Any) -> None:
    tasks.sweep(refresh.WAKE, incremental.sweep_workspace)


@shared_task(name="segments.wake")
def wake(**_later: Any) -> None:
    tasks.sweep(refresh.WAKE, refresh.wake_due)


@shared_task(name="segments.tidy")
def tidy(**_later: Any) -> None:
    for tenant_id in Tenant.open.values_list("pk", flat=True):
        with tenant_context(tenant_id):
            removal.forget_deleted(now=timezone.now())
            member_edits.forget_old(now=timezone.now())
