"""Tasks of data syncs: work on one, find what is due."""

from typing import Any

from celery import shared_task

from destinations import runs, sweep
from tenants import tasks


@shared_task(name=runs.TASK)
def work(*, tenant_id: int, sync_id: int, **_later: Any) -> None:
    runs.work(tenant_id, sync_id)


@shared_task(name="destinations.sweep")
def find_due(**_later: Any) -> None:
    tasks.sweep(sweep.WAKE, sweep.run)
