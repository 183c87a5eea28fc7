"""Applying the rules: once a day for each kind, in steps of one transaction each.

The lock on the row of a rule is the lease: it goes with the connection of the worker, so a killed worker loses the step that
it was at and nothing else, and a second worker passes over what the first one does. How many were removed is counted in the
transaction that removes them.
"""

import logging
import time
from datetime import datetime, timedelta
from enum import Enum

from django.db import OperationalError
from django.db.models import Q
from django.utils import timezone

from tenants import audit
from tenants.isolation.context import current_tenant, tenant_context
from tenants.models import RetentionRule, Tenant
from tenants.retention import rules
from tenants.retention.kinds import Kind, kinds

log = logging.getLogger(__name__)
TASK = "tenants.apply_retention"
# A kind is looked at once in so long; beat asks more often, and a little too early does not cost a day.
EVERY = timedelta(hours=23)
TIME_SLICE_SECONDS = 20.0


class Outcome(Enum):
    """What is left after a step."""

    MORE = "more"
    WAITS = "waits"
    OVER = "over"


def due_workspaces(*, now: datetime | None = None) -> list[int]:
    """Open workspaces in which a rule has something to do; those that have never been looked at are among them."""
    moment, due = now or timezone.now(), []
    for tenant_id in Tenant.open.order_by("?").values_list("pk", flat=True):
        with tenant_context(tenant_id, read_only=True):
            if any(_is_due(kind) for kind in _due_kinds(moment)):
                due.append(tenant_id)
    return due


def _due_kinds(now: datetime) -> list[Kind]:
    """Kinds of the workspace of the context with something to do."""
    idle = Q(next_at=None) | Q(next_at__gt=now)
    resting = Q(run_at=None) & (Q(days=None) | Q(ended_at__gte=now - EVERY))
    rest = set(RetentionRule.objects.filter(idle, resting).values_list("kind", flat=True))
    return [kind for kind in kinds().values() if kind.key not in rest]


def _is_due(kind: Kind) -> bool:
    """Whether a kind that has no row yet has a rule, too."""
    if RetentionRule.objects.filter(kind=kind.key).exists():
        return True
    return kind.initial(Tenant.objects.get(pk=current_tenant())) is not None


def work(tenant_id: int, *, now: datetime | None = None, seconds: float = TIME_SLICE_SECONDS) -> bool:
    """Apply the rules of a workspace for a while; whether there is more to do at once. Safe to run side by side."""
    until = time.monotonic() + seconds
    for kind in kinds().values():
        while _guarded(tenant_id, kind, now=now or timezone.now()) is Outcome.MORE:
            if time.monotonic() > until:
                return True
    return False


def _guarded(tenant_id: int, kind: Kind, *, now: datetime) -> Outcome:
    """A step; a failure of one kind ends its run and does not stop the others."""
    try:
        with tenant_context(tenant_id):
            return step(kind, now=now)
    except OperationalError:
        raise  # the database has gone, or two transactions met: the next sweep goes on
    except Exception:
        log.exception("retention of %s in workspace %s", kind.key, tenant_id)
        with tenant_context(tenant_id):
            row = rules.lock(kind)
            row.problem = "The last removal stopped with an error. The server log has the reason."
            _end(kind, row, now=now)
            return Outcome.OVER


def step(kind: Kind, *, now: datetime) -> Outcome:
    """Do the next step of a kind in the transaction of the context."""
    row = RetentionRule.objects.select_for_update(skip_locked=True).filter(kind=kind.key).first()
    if row is None:
        tenant = Tenant.objects.get(pk=current_tenant())
        if kind.initial(tenant) is None or RetentionRule.objects.filter(kind=kind.key).exists():
            return Outcome.OVER  # no rule, or another worker is at it
        row = rules.lock(kind)
    begins = row.next_at is not None and row.next_at <= now
    if begins:
        rules.hold(kind, row, row.next_days)
        row.version += 1
    if row.days is None:
        if begins or row.run_at is not None:
            _end(kind, row, now=now)
        return Outcome.OVER
    if row.run_at is None:
        if row.ended_at is not None and row.ended_at >= now - EVERY and not begins:
            return Outcome.OVER
        row.run_at, row.removing, row.progress, row.problem = now, 0, {}, ""
    # A rule that has become longer meanwhile saves what has not been removed yet.
    before = min(row.run_at, now) - timedelta(days=row.days)
    did = kind.step(before=before, progress=row.progress)
    row.removing += did.removed
    row.progress, row.stepped_at = did.progress, now
    if did.is_over:
        row.problem = did.problem
        _end(kind, row, now=now)
        return Outcome.OVER
    row.save()
    return Outcome.WAITS if did.waits else Outcome.MORE


def _end(kind: Kind, row: RetentionRule, *, now: datetime) -> None:
    """The run is over: what it removed is noted, and in the audit log where it was something."""
    if row.removing:
        audit.record(
            "retention.removed", user_id=None, target=kind.label, removed=row.removing,
            rule=rules.in_words(kind, row.days),
        )  # fmt: skip
        row.removed, row.removed_at = row.removing, now
    if row.run_at is not None:
        row.ended_at = now
    row.run_at, row.removing, row.progress = None, 0, {}
    row.save()
