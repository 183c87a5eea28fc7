"""Tasks of contacts: bulk actions, searches for probable duplicates, sweeps that wake what nobody told, daily tidying."""

from importlib import import_module
from typing import Any

from celery import shared_task

from contacts.bulk import actions
from contacts.linkage import schedule
from contacts.privacy import retention
from tenants import tasks


@shared_task(name=actions.TASK)
def work(*, tenant_id: int, bulk_id: int, **_later: Any) -> None:
    actions.work(tenant_id, bulk_id)


@shared_task(name="contacts.sweep")
def sweep(**_later: Any) -> None:
    tasks.sweep(actions.WAKE, actions.wake_active)
    tasks.sweep(schedule.WAKE, schedule.wake_active)


# Comparing is one transaction, which takes minutes for a million contacts.
@shared_task(name=schedule.TASK, soft_time_limit=3_000, time_limit=3_300)
def search(*, tenant_id: int, search_id: int, **_later: Any) -> None:
    # Loaded by the worker that needs it: arrays cost every process thirty megabytes.
    import_module("contacts.linkage.job").work(tenant_id, search_id)


@shared_task(name="contacts.search_probable")
def nightly(**_later: Any) -> None:
    schedule.nightly()


@shared_task(name="contacts.tidy")
def tidy(**_later: Any) -> None:
    retention.run_for_all_workspaces()
