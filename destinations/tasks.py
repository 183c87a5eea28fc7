"""Tasks of data syncs: work on one, find what is due, daily tidying."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from destinations import runs, sweep
from tenants import tasks
from tenants.isolation.context import tenant_context
from tenants.models import Tenant


@shared_task(name=runs.TASK)
def work(*, tenant_id: int, sync_id: int, **_later: Any) -> None:
    runs.work(tenant_id, sync_id)


@shared_task(name="destinations.sweep")
def find_due(**_later: Any) -> None:
    tasks.sweep(sweep.WAKE, sweep.run)


@shared_task(name="destinations.tidy")
def tidy(**_later: Any) -> None:
    for tenant_id in Tenant.open.values_list("pk", flat=True):
        with tenant_context(tenant_id):
            sweep.tidy(now=timezone.now())
