"""Tasks of imports: "look at this import", the sweep that wakes what nobody told, and the daily tidying."""

from typing import Any

from celery import shared_task

from imports import cleanup, segment_upload
from imports.pipeline import worker
from tenants import tasks


@shared_task(name="imports.work")
def work(*, tenant_id: int, import_id: int, only_turn: int = 0, **_later: Any) -> None:
    worker.work(tenant_id, import_id, only_turn=bool(only_turn))


@shared_task(name=segment_upload.TASK)
def work_on_upload(*, tenant_id: int, upload_id: int, **_later: Any) -> None:
    segment_upload.work(tenant_id, upload_id)


@shared_task(name="imports.sweep")
def sweep(**_later: Any) -> None:
    tasks.sweep("imports", worker.wake_active)
    tasks.sweep(segment_upload.WAKE, segment_upload.wake_active)


@shared_task(name="imports.wake_large")
def wake_large(**_later: Any) -> None:
    worker.wake_large()


@shared_task(name="imports.tidy")
def tidy(**_later: Any) -> None:
    cleanup.run_for_all_workspaces()
