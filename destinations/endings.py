"""What becomes of a run and its sync: ended, waiting for better times, failed, expired; and whom that is told."""

from datetime import datetime, timedelta

from django.utils import timezone

from audiences import contact_lists
from audiences.contact_lists import ContactList
from core import counters
from destinations import addresses, difference, schedule
from destinations.batches import Work
from destinations.difference import Difference
from destinations.lease import SENDING
from destinations.models import (
    BatchState,
    Destination,
    DestinationState,
    RunKind,
    RunState,
    Sync,
    SyncBatch,
    SyncMember,
    SyncRun,
    SyncState,
)  # fmt: skip
from tenants import outbox
from tenants.isolation.context import current_tenant
from tenants.models import Membership, Tenant
from tenants.roles import may
from tenants.web import workspace_urls

# Waits after failures, doubled each time: five hours together. Then somebody has to look.
FIRST_WAIT, LONGEST_WAIT, MOST_ATTEMPTS = 10.0, 3_600.0, 14
# What is left to do of a sync that has failed is tried so rarely.
RARELY = timedelta(hours=1)


def end(work: Work) -> None:
    """All of a run was told: write its figures, and say when the next one is."""
    now = timezone.now()
    sync, run = work.sync, work.run
    _account(work, run)
    run.state, run.ended_at = RunState.ENDED, now
    run.save(update_fields=["state", "ended_at", "processed", "left_out"])
    sync.members, sync.removal_since, sync.attempts, sync.error = difference.told(sync.pk), None, 0, ""
    sync.retry_at, sync.last_run_at = None, now
    if sync.state in SENDING and run.kind != RunKind.REMOVAL:
        sync.state = SyncState.HEALTHY
        sync.next_run_at = next_run(sync, now=now)
    sync.save(
        update_fields=[
            "members",
            "removal_since",
            "attempts",
            "error",
            "retry_at",
            "last_run_at",
            "state",
            "next_run_at",
        ]
    )
    settled(work)


def try_out(work: Work) -> None:
    """The figures of a dry run: what a run would do now."""
    run, found = work.run, Difference.of(work.sync, work.destination)
    _account(work, run)
    run.added = run.left_out.pop("waiting", 0)
    # A page is enough of both: more is said as so many at least.
    run.removed, run.changed = len(found.leaving(0)), len(found.changed(0))
    run.state, run.ended_at = RunState.ENDED, timezone.now()
    run.save()


def settled(work: Work) -> None:
    """A sync that is being removed is gone once nobody is left at its destination."""
    sync = work.sync
    left = SyncMember.objects.filter(sync_id=sync.pk).exists()
    if sync.state == SyncState.REMOVING and not left:
        Sync.objects.filter(pk=sync.pk).update(archived_at=timezone.now())


def _account(work: Work, run: SyncRun) -> None:
    if contact_lists.find(ContactList(work.sync.list_kind, work.sync.list_id)) is None:
        return
    figures = Difference.of(work.sync, work.destination).account()
    run.processed = sum(figures.values())
    run.left_out = {reason: count for reason, count in sorted(figures.items()) if reason}


def next_run(sync: Sync, *, now: datetime) -> datetime | None:
    """When a sync runs next by itself."""
    zone = Tenant.objects.values_list("time_zone", flat=True).get(pk=current_tenant())
    return schedule.following(now, schedule=sync.schedule, daily_at=sync.daily_at, zone=zone)


# --- what went wrong ----------------------------------------------------------------------------------------------------


def postpone(work: Work, why: str, *, seconds: float = 0.0, failed: bool) -> None:
    """Go on later. After too many failures in a row somebody has to look."""
    sync: Sync = Sync.objects.select_for_update().get(pk=work.sync.pk)
    attempts = sync.attempts + int(failed)
    if attempts > MOST_ATTEMPTS:
        fail(work, why)
        return
    wait = min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT) if failed else 0.0
    sync.attempts, sync.retry_at = attempts, timezone.now() + timedelta(seconds=max(wait, seconds))
    sync.error = why[:400] if failed else sync.error
    sync.save(update_fields=["attempts", "retry_at", "error"])


def fail(work: Work, why: str) -> None:
    """End the run and let the sync wait for somebody who repairs it. People are still taken out."""
    sync: Sync = Sync.objects.select_for_update().get(pk=work.sync.pk)
    now = timezone.now()
    SyncRun.objects.filter(sync_id=sync.pk, state__in=SyncRun.ACTIVE).update(
        state=RunState.FAILED, ended_at=now, error=why[:400]
    )
    counters.count("job_failures", "sync")
    was = sync.state
    if sync.state not in (SyncState.DISABLED, SyncState.REMOVING):
        sync.state = SyncState.FAILED
    sync.error, sync.retry_at, sync.attempts, sync.next_run_at = why[:400], now + RARELY, 0, None
    sync.save(update_fields=["state", "error", "retry_at", "attempts", "next_run_at"])
    if was != SyncState.FAILED:
        tell(sync, subject="A data sync has failed", what=f"The sync “{sync.name}” has failed. {why}")


def expire(work: Work, why: str) -> None:
    """The connection is no longer valid: its syncs have failed until somebody connects again."""
    Destination.objects.filter(pk=work.destination.pk).update(state=DestinationState.EXPIRED, error=why[:400])
    fail(work, why)


def tell(sync: Sync, *, subject: str, what: str) -> None:
    """Write to everybody who may do something about it."""
    url = addresses.inside(addresses.SYNC, sync.pk)
    _tell(f"sync-{sync.pk}-{timezone.now():%Y%m%d%H%M}", url, subject, what)


def tell_of(destination: Destination, *, subject: str, what: str) -> None:
    """The same about a connection."""
    url = addresses.inside(addresses.DESTINATION, destination.pk)
    _tell(f"destination-{destination.pk}-{timezone.now():%Y%m%d%H%M}", url, subject, what)


def _tell(key: str, url: str, subject: str, what: str) -> None:
    for member in Membership.objects.select_related("user"):
        if may(member.role, "settings.manage"):
            body = f"{what}\n\n{workspace_urls.absolute(url)}\n"
            outbox.put_mail(f"{key}-{member.user_id}", to=member.user.email, subject=subject, body=body)
            outbox.put_notice(member.user, text=what, url=url, tone="bad")


def open_batches(sync_id: int) -> int:
    """How many requests are under way, or taken without a result."""
    return int(SyncBatch.objects.filter(sync_id=sync_id, state__in=[BatchState.SENDING, BatchState.SENT]).count())
