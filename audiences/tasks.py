"""Tasks of lookalikes, working one out and the sweep for what is due, and daily tidying of audiences, too."""

from importlib import import_module
from typing import Any

from celery import shared_task
from django.utils import timezone

from audiences import lifecycle
from audiences.lookalikes import schedule
from tenants import tasks
from tenants.isolation.context import tenant_context
from tenants.models import Tenant


@shared_task(name=schedule.TASK)
def work_lookalike(*, tenant_id: int, lookalike_id: int, **_later: Any) -> None:
    # Loaded by the worker that needs it: arrays cost every process ten megabytes.
    import_module("audiences.lookalikes.job").work(tenant_id, lookalike_id)


@shared_task(name="audiences.sweep_lookalikes")
def sweep_lookalikes(**_later: Any) -> None:
    tasks.sweep(schedule.WAKE, schedule.wake_due)


@shared_task(name="audiences.tidy_lookalikes")
def tidy_lookalikes(**_later: Any) -> None:
    for tenant_id in Tenant.open.values_list("pk", flat=True):
        with tenant_context(tenant_id):
            schedule.forget_deleted(now=timezone.now())


@shared_task(name="audiences.tidy")
def tidy(**_later: Any) -> None:
    for tenant_id in Tenant.open.values_list("pk", flat=True):
        with tenant_context(tenant_id):
            lifecycle.forget_deleted(now=timezone.now())
