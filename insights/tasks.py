"""Tasks of the platform itself: look at everything, forget old incidents."""

from datetime import UTC, datetime
from typing import Any

from celery import shared_task

from insights.operations import incidents, sample


@shared_task(name="insights.sample")
def take_sample(**_later: Any) -> None:
    sample.take()
    incidents.look(datetime.now(UTC))


@shared_task(name="insights.tidy")
def tidy(**_later: Any) -> None:
    incidents.tidy(datetime.now(UTC))
