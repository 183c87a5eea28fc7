"""Tasks of lookalikes, working one out and the sweep for what is due, and daily tidying of audiences, too."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from audiences import lifecycle
from audiences.lookalikes import job
from tenants import tasks
from tenants.isolation.context import tenant_context
from tenants.models import Tenant


@shared_task(name=job.TASK)
def work_lookalike(*, tenant_id: int, lookalike_id: int, **_later: Any) -> None:
    job.work(tenant_id, lookalike_id)


@shared_task(name="audiences.sweep_lookalikes")
def sweep_lookalikes(**_later: Any) -> None:
    tasks.sweep(job.WAKE, job.wake_due)


@shared_task(name="audiences.tidy_lookalikes")
def tidy_lookalikes(**_later: Any) -> None:
    for tenant_id in Tenant.open.values_list("pk", flat=True):
        with tenant_context(tenant_id):
            job.forget_deleted(now=timezone.now())


@shared_task(name="audiences.tidy")
def tidy(**_later: Any) -> None:
    for tenant_id in Tenant.open.values_list("pk", flat=True):
        with tenant_context(tenant_id):
            lifecycle.forget_deleted(now=timezone.now())
