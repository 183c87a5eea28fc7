"""Tasks of imports: "look at this import", and the sweep that wakes what nobody told."""

from typing import Any

from celery import shared_task

from imports import running
from tenants import tasks


@shared_task(name="imports.work")
def work(*, tenant_id: int, import_id: int, **_later: Any) -> None:
    running.work(tenant_id, import_id)


@shared_task(name="imports.sweep")
def sweep(**_later: Any) -> None:
    tasks.sweep("imports", running.wake_active)
