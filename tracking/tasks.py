"""Tasks of tracking: the nightly ratings."""

from typing import Any

from celery import shared_task

from tracking.email import rating


@shared_task(name="tracking.rate")
def rate(**_later: Any) -> None:
    rating.run_for_all_workspaces()
