"""Tasks of imports: "look at this import", the sweep that wakes what nobody told, and the daily tidying."""

from typing import Any

from celery import shared_task

from imports import running, tidying
from tenants import tasks


@shared_task(name="imports.work")
def work(*, tenant_id: int, import_id: int, **_later: Any) -> None:
    running.work(tenant_id, import_id)


@shared_task(name="imports.sweep")
def sweep(**_later: Any) -> None:
    tasks.sweep("imports", running.wake_active)


@shared_task(name="imports.tidy")
def tidy(**_later: Any) -> None:
    tidying.everywhere()
