"""A source on its way: waiting for its import, collecting, matching, ready; and again when visitors have named themselves.

The work is done in steps of one transaction under a lease (contacts.leased_job). A sweep finds what is due.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Q
from django.utils import timezone

from contacts import leased_job
from imports.models import Import, Status
from sources import match_report, membership
from sources.models import Origin, Source, SourceState
from tenants import pending_work
from tenants.isolation.context import current_tenant, tenant_context
from tenants.isolation.statements import run
from tenants.tasks import defer
from tracking.models import Visitor

WAKE, TASK = "sources", "sources.refresh"
# A source is compared again so long after the last time when somebody was matched since, or else after OFTEN.
RESTORE_DAYS = 30  # in which a removed source can be restored
SOON, OFTEN = timedelta(seconds=60), timedelta(hours=1)


def begin(source: Source) -> None:
    """Let a worker collect and match, once the transaction has committed. While it is at it, this changes nothing."""
    if not source.active:
        source.state, source.reason, source.cursor, source.attempts = SourceState.GATHERING, "", 0, 0
        source.save(update_fields=["state", "reason", "cursor", "attempts"])
    watch()
    defer(TASK, tenant_id=current_tenant(), source_id=source.pk)


def watch() -> None:
    """Let the sweep look at the sources of the workspace."""
    pending_work.mark_pending(WAKE)


def work(tenant_id: int, source_id: int) -> None:
    """Work on a source for a while. Safe to run any number of times, side by side."""
    leased_job.work(
        tenant_id, source_id, model=Source, step=step, fail=_fail,
        again=lambda: defer(TASK, tenant_id=tenant_id, source_id=source_id),
    )  # fmt: skip


def step(source: Source) -> bool:
    """One transaction of work; whether there is more to do."""
    now = timezone.now()
    source.attempts = 0
    if source.state == SourceState.GATHERING:
        if why := membership.missing(source):
            _fail(source, why)
            return False
        membership.gather(source)
        source.state, source.cursor = SourceState.MATCHING, 0
        source.save(update_fields=["state", "cursor", "attempts"])
        return True
    if match_report.match_step(source, now=now):
        source.save(update_fields=["cursor", "attempts"])
        return True
    currency = match_report.add_amounts(source)
    shown = match_report.figures(source)
    shown["report"]["currency"] = currency
    for name, value in shown.items():
        setattr(source, name, value)
    source.state, source.refreshed_at = SourceState.READY, now
    source.save()
    return False


def _fail(source: Source, why: str) -> None:
    source.state, source.reason = SourceState.FAILED, why[:300]
    source.save(update_fields=["state", "reason"])


# --- what is due --------------------------------------------------------------------------------------------------------


def wake_due(tenant_id: int) -> None:
    """Send every source of a workspace that is under way or due to a worker; forget the workspace when it has none."""
    with tenant_context(tenant_id):
        seen_at = timezone.now()
        sources = Source.objects.filter(archived_at=None)
        if not sources.exists():
            pending_work.clear_pending(WAKE, seen_at=seen_at)
            return
        for source in sources.filter(state__in=Source.ACTIVE)[:50]:
            defer(TASK, tenant_id=tenant_id, source_id=source.pk)
        for source in sources.filter(state=SourceState.WAITING)[:200]:
            look_at_import(source)
        for source in sources.filter(is_due(seen_at)).order_by("refreshed_at")[:50]:
            begin(source)


def is_due(now: datetime) -> Q:
    """Sources that were compared long ago, or before somebody was matched; those that failed are tried again as rarely."""
    newest = Visitor.objects.aggregate(at=Max("claimed_at"))["at"]
    ready = Q(state=SourceState.READY)
    due = Q(refreshed_at__lt=now - OFTEN)
    if newest is not None:
        due |= Q(refreshed_at__lt=min(newest, now - SOON))
    return ready & due


# Deletes removed sources of long ago for good, with their members.
FORGET = """
WITH gone AS (
  DELETE FROM source s WHERE s.tenant_id = %(tenant)s AND s.archived_at < %(before)s RETURNING s.id)
DELETE FROM source_member m USING gone g WHERE m.tenant_id = %(tenant)s AND m.source_id = g.id"""


def forget_removed(*, now: datetime) -> None:
    """Delete sources that can no longer be restored."""
    run(FORGET, before=now - timedelta(days=RESTORE_DAYS))


ENDED_WITHOUT = {
    Status.FAILED: "Its import failed. Open the import to see why, then upload the file again.",
    Status.CANCELED: "Its import was canceled before it wrote any contacts.",
}


def look_at_import(source: Source) -> None:
    """Begin with a source whose import has ended, or say why it will not be one."""
    imp: Any = Import.objects.filter(pk=source.import_id).first()
    if imp is None:
        if source.import_id is not None:
            _fail(source, "Its import no longer exists.")
    elif imp.status in (Status.IMPORTED, Status.UNDONE) or (imp.status == Status.CANCELED and imp.imported):
        begin(source)
    elif imp.status in ENDED_WITHOUT:
        _fail(source, ENDED_WITHOUT[imp.status])


def of_import(import_id: int) -> Source | None:
    """The source that an import becomes, if any."""
    source: Source | None = Source.objects.filter(origin=Origin.FILE, import_id=import_id, archived_at=None).first()
    return source
