"""Tasks of insights: look at everything of the platform, forget old incidents, count contacts for dashboards."""

from datetime import UTC, datetime
from typing import Any

from celery import shared_task

from insights.dashboards import contact_counts
from insights.operations import incidents, sample


@shared_task(name="insights.sample")
def take_sample(**_later: Any) -> None:
    sample.take()
    incidents.look(datetime.now(UTC))


@shared_task(name="insights.tidy")
def tidy(**_later: Any) -> None:
    incidents.tidy(datetime.now(UTC))


@shared_task(name="insights.count_contacts")
def count_contacts(**_later: Any) -> None:
    contact_counts.sweep()
