"""Runs of data syncs go when their time is over, but for what is not known yet."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from destinations.models import BatchState, RunState, SyncBatch, SyncRun
from destinations.retention import Runs
from tenants.models import Tenant


def test_old_runs_go_with_their_requests_and_what_is_open_stays(inside: Tenant) -> None:
    now = timezone.now()
    ended: dict[str, dict[str, Any]] = {
        "old": {"ended_at": now - timedelta(days=40)},
        "new": {"ended_at": now - timedelta(days=20)},
        "unconfirmed": {"ended_at": now - timedelta(days=40), "unconfirmed": 1},
    }
    runs = {name: SyncRun.objects.create(sync_id=1, state=RunState.ENDED, **more) for name, more in ended.items()}
    runs["running"] = SyncRun.objects.create(sync_id=1, state=RunState.RUNNING)
    for run, state in (("old", BatchState.DONE), ("old", BatchState.SENT), ("new", BatchState.DONE)):
        SyncBatch.objects.create(
            sync_id=1, run_id=runs[run].pk, destination_id=1, uid=f"{run}{state}", state=state, contact_ids=[1]
        )
    before = now - timedelta(days=30)
    kind = Runs()
    assert (kind.find(before=None, most=9).count, kind.find(before=before, most=9).count) == (2, 1)
    assert kind.find(before=before, most=9).oldest == runs["old"].ended_at
    assert kind.remove(before=before, most=9) == 1
    assert set(SyncRun.objects.values_list("pk", flat=True)) == {
        runs[name].pk for name in ("new", "unconfirmed", "running")
    }
    assert set(SyncBatch.objects.values_list("run_id", "state")) == {
        (runs["old"].pk, BatchState.SENT), (runs["new"].pk, BatchState.DONE),
    }  # fmt: skip
    assert kind.remove(before=before, most=9) == 0
