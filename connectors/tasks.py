"""Tasks of connectors: look at the folders of one, fetch, the sweeps over what is to be done, and the daily tidying."""

from typing import Any

from celery import current_app, shared_task

from connectors import cleanup, pickup
from connectors.fetching import job
from tenants import tasks


@shared_task(name=pickup.TASK)
def look(*, tenant_id: int, connector_id: int, hurry: int = 0, **_later: Any) -> None:
    pickup.look(tenant_id, connector_id, hurry=bool(hurry))


@shared_task(name="connectors.sweep")
def sweep(**_later: Any) -> None:
    for tenant_id, connector_id in pickup.waiting():
        current_app.send_task(pickup.TASK, kwargs={"tenant_id": tenant_id, "connector_id": connector_id}, expires=30)


@shared_task(name=job.TASK, soft_time_limit=job.TURN_SECONDS, time_limit=job.TURN_SECONDS + 60)
def fetch(*, tenant_id: int, connector_id: int, **_later: Any) -> None:
    job.run(tenant_id, connector_id)
    pickup.look(tenant_id, connector_id)


@shared_task(name="connectors.sweep_fetching")
def sweep_fetching(**_later: Any) -> None:
    tasks.sweep(job.WAKE, job.sweep)


@shared_task(name="connectors.tidy")
def tidy(**_later: Any) -> None:
    cleanup.run_for_all_workspaces()
