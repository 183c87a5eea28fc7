"""Units of work: claimed, done once, given up after too many tries.

A claim is two short steps. First the unit is marked with a token, in a transaction of its own; then its row is locked for as
long as the work takes. The lock goes with the connection: a dead worker's unit is free at once, a living worker's is not to
be had.

The mark counts a loss beforehand, which stays if the worker never comes back: it was killed, the machine was, or the
database. A unit that fails by itself turns the loss into an attempt. There may be many losses, as workers die for reasons
that are not the unit's; a unit that always kills its worker ends all the same.
"""

import time
import uuid
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from contacts.identity import queries
from core import signs_of_life
from imports import phases
from imports.models import Import, Unit, UnitKind
from imports.pipeline import queue
from tenants.isolation.context import current_tenant, tenant_context

MAX_ATTEMPTS = 6
MAX_LOSSES = 20
# A unit that somebody has marked but not yet locked is left alone for so long.
CLAIM_GRACE = timedelta(seconds=3)


class GivenUp(RuntimeError):
    """A unit was tried too often; `code` is the reason of the import's end, `times` how often."""

    def __init__(self, unit: Unit, code: str, times: int) -> None:
        super().__init__(f"{unit}: {code}, {times} times")
        self.code, self.times = code, times


def units_of_phase(imp: Import) -> "QuerySet[Unit]":
    """The units of the import's current phase."""
    units: QuerySet[Unit] = Unit.objects.filter(import_id=imp.pk, kind__in=phases.kinds(imp.phase))
    return units


def make(imp: Import, kind: UnitKind, ranges: Iterable[tuple[int, int, int]]) -> int:
    """Add units of a kind, one per (start, stop, first_line); returns how many."""
    rows = [
        Unit(import_id=imp.pk, kind=kind, no=no, start=start, stop=stop, first_line=line)
        for no, (start, stop, line) in enumerate(ranges)
    ]
    return len(Unit.objects.bulk_create(rows))


def claim(import_id: int) -> Unit | None:
    """Choose a free unit of the current phase and mark it; None when there is none to be had. Runs in a tenant's
    transaction, which must be committed before the work begins.

    Raises GivenUp when the next unit has used up its tries.
    """
    imp = Import.objects.get(pk=import_id)
    if imp.is_canceling or queue.waits_for_turn(imp):
        return None
    before = timezone.now() - CLAIM_GRACE
    free = units_of_phase(imp).filter(done_at=None).filter(Q(claimed_at=None) | Q(claimed_at__lt=before))
    unit = free.select_for_update(skip_locked=True).order_by("attempts", "losses", "kind", "no").first()
    if unit is None:
        return None
    if unit.attempts >= MAX_ATTEMPTS:
        raise GivenUp(unit, "unit_failed", unit.attempts)
    if unit.losses >= MAX_LOSSES:
        raise GivenUp(unit, "worker_lost", unit.losses)
    if unit.losses and unit.claimed_at:
        _note_take_over(unit)
    unit.losses, unit.claimed_at, unit.claim = unit.losses + 1, timezone.now(), uuid.uuid4().hex
    unit.save(update_fields=["losses", "claimed_at", "claim"])
    return unit


def _note_take_over(unit: Unit) -> None:
    """A worker did not come back from a unit and this one takes it up: the operations page keeps that as an incident."""
    facts = {"tenant": current_tenant(), "import": unit.import_id, "kind": unit.kind, "times": unit.losses}
    since = unit.claimed_at.timestamp() if unit.claimed_at else None
    signs_of_life.tell("take_over", **facts, since=since, by=signs_of_life.member("worker").replace("|", " "))


def note_failure(tenant_id: int, unit: Unit) -> None:
    """The worker is there and the unit is not done: an attempt, and no loss."""
    with tenant_context(tenant_id):
        mine = Unit.objects.filter(pk=unit.pk, claim=unit.claim, done_at=None)
        mine.update(attempts=F("attempts") + 1, losses=F("losses") - 1)


def put_back(tenant_id: int, unit: Unit) -> None:
    """Neither the unit nor the worker is at fault: it is as if nobody had taken the unit."""
    with tenant_context(tenant_id):
        mine = Unit.objects.filter(pk=unit.pk, claim=unit.claim, done_at=None)
        mine.update(losses=F("losses") - 1, claimed_at=None)


def execute(tenant_id: int, unit: Unit, work: Callable[[Import, Unit], dict[str, Any]]) -> bool:
    """Do a marked unit in one transaction that also marks it done; False when somebody else has it.

    The import's row is not locked: parallel units of one import must not wait for each other.
    """
    started = time.monotonic()
    with tenant_context(tenant_id):
        mine = Unit.objects.select_for_update(skip_locked=True).filter(pk=unit.pk, claim=unit.claim, done_at=None)
        locked = mine.first()
        if locked is None:
            return False
        imp = Import.objects.get(pk=unit.import_id)
        if imp.is_canceling or unit.kind not in phases.kinds(imp.phase):
            return False
        spec = phases.unit(unit.kind)
        if spec.repeatable:
            queries.disable_synchronous_commit()
        if spec.of_ranges:
            queries.disable_seqscan()
        locked.counts = work(imp, locked)
        locked.done_at = timezone.now()
        locked.seconds = round(time.monotonic() - started, 3)
        locked.save(update_fields=["counts", "done_at", "seconds"])
        return True


def all_done(imp: Import) -> bool:
    """Whether no unit of the current phase is left."""
    return not units_of_phase(imp).filter(done_at=None).exists()


def totals(imp: Import, kind: UnitKind, *names: str) -> list[int]:
    """Sum of each of these counts over the finished units of a kind."""
    counts = Unit.objects.filter(import_id=imp.pk, kind=kind).exclude(done_at=None).values_list("counts", flat=True)
    done = list(counts)
    return [sum(int(c.get(name, 0)) for c in done) for name in names]
