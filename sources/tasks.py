"""Tasks of sources: the sweep that lists what points at two people."""

from typing import Any

from celery import shared_task

from sources.ambiguities import sweep
from tenants import tasks


@shared_task(name="sources.sweep_ambiguities")
def sweep_ambiguities(**_later: Any) -> None:
    tasks.sweep(sweep.WAKE, sweep.run)
