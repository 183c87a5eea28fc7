"""Tasks: one line each. The decorator owns tenant, transaction and the way in which they are sent."""

import logging
from collections.abc import Callable
from typing import Any

from celery import current_app, shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from core.broker import BEHIND
from tenants import file_removals, outbox, pending_work
from tenants.closing import erasure, export_job
from tenants.retention import job as retention_job

log = logging.getLogger(__name__)


def defer(task: str, **ids: int) -> None:
    """Send a task, by its name, after the transaction commits, ids only.

    A broker that does not answer costs a log line and nothing else: the state is in the database, and a sweeper wakes
    what was not told.
    """
    transaction.on_commit(lambda: _publish(task, ids), robust=False)


def defer_behind(task: str, **ids: int) -> None:
    """As `defer`, for more of work that takes long: workers take it when nothing else waits. Who sends it needs a sweep that
    sends it by `defer` once it has waited for long, so that it is never passed over for ever."""
    transaction.on_commit(lambda: _publish(task, ids, priority=BEHIND), robust=False)


def _publish(task: str, ids: dict[str, int], *, priority: int = 0) -> None:
    try:
        current_app.send_task(task, kwargs=ids, retry=False, priority=priority)
    except (OperationalError, OSError) as problem:
        log.warning("broker did not take %s %s: %s", task, ids, problem)


def sweep(kind: str, work: Callable[[int], Any], *, closed: bool = False) -> None:
    """Run `work(tenant_id)` for each workspace that has work of this kind; one failure does not stop the others.

    Closed workspaces are passed over, except where `closed` says that their work is to be done, too.
    """
    for tenant_id in pending_work.waiting(kind, closed=closed):
        try:
            work(tenant_id)
        except Exception:
            log.exception("%s of workspace %s", kind, tenant_id)


@shared_task(name="tenants.send_outbox")
def send_outbox(**_later: Any) -> None:
    sweep("outbox", outbox.send_waiting, closed=True)


# Reading all of a large workspace takes minutes.
@shared_task(name=export_job.TASK, soft_time_limit=3_000, time_limit=3_300, works_when_closed=True)
def export_workspace(*, tenant_id: int, export_id: int, **_later: Any) -> None:
    export_job.work(tenant_id, export_id)


def start_exports(tenant_id: int) -> None:
    """Send the exports of a workspace that wait to workers."""
    for export_id in export_job.waiting(tenant_id):
        _publish(export_job.TASK, {"tenant_id": tenant_id, "export_id": export_id})


@shared_task(name="tenants.sweep_exports")
def sweep_exports(**_later: Any) -> None:
    sweep(export_job.WAKE, start_exports, closed=True)


@shared_task(name="tenants.remove_files")
def remove_files(**_later: Any) -> None:
    file_removals.run()


@shared_task(name="tenants.erase_closed")
def erase_closed(**_later: Any) -> None:
    erasure.run()


@shared_task(name=retention_job.TASK)
def apply_retention(*, tenant_id: int, **_later: Any) -> None:
    if retention_job.work(tenant_id):
        _publish(retention_job.TASK, {"tenant_id": tenant_id})


@shared_task(name="tenants.sweep_retention")
def sweep_retention(**_later: Any) -> None:
    for tenant_id in retention_job.due_workspaces():
        _publish(retention_job.TASK, {"tenant_id": tenant_id})
