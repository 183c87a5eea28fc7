"""Tasks: one line each. The decorator owns tenant, transaction and the way in which they are sent."""

import logging
from collections.abc import Callable
from typing import Any

from celery import current_app, shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from tenants import outbox, pending_work

log = logging.getLogger(__name__)


def defer(task: str, **ids: int) -> None:
    """Send a task, by its name, after the transaction commits, ids only.

    A broker that does not answer costs a log line and nothing else: the state is in the database, and a sweeper wakes
    what was not told.
    """
    transaction.on_commit(lambda: _publish(task, ids), robust=False)


def _publish(task: str, ids: dict[str, int]) -> None:
    try:
        current_app.send_task(task, kwargs=ids, retry=False)
    except (OperationalError, OSError) as problem:
        log.warning("broker did not take %s %s: %s", task, ids, problem)


def sweep(kind: str, work: Callable[[int], Any]) -> None:
    """Run `work(tenant_id)` for each workspace that has work of this kind; one failure does not stop the others."""
    for tenant_id in pending_work.waiting(kind):
        try:
            work(tenant_id)
        except Exception:
            log.exception("%s of workspace %s", kind, tenant_id)


@shared_task(name="tenants.send_outbox")
def send_outbox(**_later: Any) -> None:
    sweep("outbox", outbox.send_waiting)
