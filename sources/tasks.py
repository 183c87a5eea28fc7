"""Tasks of sources: collecting and matching, the sweeps for what is due and for what points at two people, daily tidying."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from sources import refresh
from sources.ambiguities import sweep as ambiguity_sweep
from tenants import tasks
from tenants.isolation.context import tenant_context
from tenants.models import Tenant


@shared_task(name=refresh.TASK)
def work(*, tenant_id: int, source_id: int, **_later: Any) -> None:
    refresh.work(tenant_id, source_id)


@shared_task(name="sources.sweep")
def sweep(**_later: Any) -> None:
    tasks.sweep(refresh.WAKE, refresh.wake_due)


@shared_task(name="sources.sweep_ambiguities")
def sweep_ambiguities(**_later: Any) -> None:
    tasks.sweep(ambiguity_sweep.WAKE, ambiguity_sweep.run)


@shared_task(name="sources.tidy")
def tidy(**_later: Any) -> None:
    for tenant_id in Tenant.open.values_list("pk", flat=True):
        with tenant_context(tenant_id):
            refresh.forget_removed(now=timezone.now())
