"""Tasks of contacts: "look at this bulk action", the sweep that wakes what nobody told, and the daily tidying."""

from typing import Any

from celery import shared_task

from contacts import bulk, tidying
from tenants import tasks


@shared_task(name=bulk.TASK)
def work(*, tenant_id: int, bulk_id: int, **_later: Any) -> None:
    bulk.work(tenant_id, bulk_id)


@shared_task(name="contacts.sweep")
def sweep(**_later: Any) -> None:
    tasks.sweep(bulk.WAKE, bulk.wake_active)


@shared_task(name="contacts.tidy")
def tidy(**_later: Any) -> None:
    tidying.everywhere()
