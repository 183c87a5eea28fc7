"""Tasks of tracking: the nightly ratings, the daily removal of what is stored for a time only, and care for the tallies."""

from typing import Any

from celery import shared_task

from tracking import retention, tally_upkeep
from tracking.email import rating


@shared_task(name="tracking.rate")
def rate(**_later: Any) -> None:
    rating.run_for_all_workspaces()


@shared_task(name="tracking.tidy")
def tidy(**_later: Any) -> None:
    retention.run_for_all_workspaces()


@shared_task(name="tracking.count_hits")
def count_hits(**_later: Any) -> None:
    tally_upkeep.count_hits()


@shared_task(name="tracking.sweep_tallies")
def sweep_tallies(**_later: Any) -> None:
    tally_upkeep.sweep()
