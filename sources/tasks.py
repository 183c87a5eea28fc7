<<<<<<< HEAD
"""Tasks of sources: the sweep that lists what points at two people."""
=======
"""Tasks of sources: collecting and matching, and the sweep for what is due."""
>>>>>>> d4c41fd (Collect, match and score the contacts of sources)

from typing import Any

from celery import shared_task

<<<<<<< HEAD
from sources.ambiguities import sweep
from tenants import tasks


@shared_task(name="sources.sweep_ambiguities")
def sweep_ambiguities(**_later: Any) -> None:
    tasks.sweep(sweep.WAKE, sweep.run)
=======
from sources import refresh
from tenants import tasks


@shared_task(name=refresh.TASK)
def work(*, tenant_id: int, source_id: int, **_later: Any) -> None:
    refresh.work(tenant_id, source_id)


@shared_task(name="sources.sweep")
def sweep(**_later: Any) -> None:
    tasks.sweep(refresh.WAKE, refresh.wake_due)
>>>>>>> d4c41fd (Collect, match and score the contacts of sources)
