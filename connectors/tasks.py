"""Tasks of connectors: look at the folders of one, and the sweep over all that have files."""

from typing import Any

from celery import current_app, shared_task

from connectors import pickup


@shared_task(name=pickup.TASK)
def look(*, tenant_id: int, connector_id: int, hurry: int = 0, **_later: Any) -> None:
    pickup.look(tenant_id, connector_id, hurry=bool(hurry))


@shared_task(name="connectors.sweep")
def sweep(**_later: Any) -> None:
    for tenant_id, connector_id in pickup.waiting():
        current_app.send_task(pickup.TASK, kwargs={"tenant_id": tenant_id, "connector_id": connector_id}, expires=30)
