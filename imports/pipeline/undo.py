"""Undo of an import, and the undo of that (docs/undo.md): units of rows, under the write lock, safe to repeat.

An undo takes out what the import created and gives overwritten values back, except where somebody has changed them since;
members, events and visitors go the same way. What was deleted is archived for 30 days, and can be restored.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max
from django.utils import timezone

from contacts import staging as tables
from contacts.identity import revert
from contacts.staging import Reverted, RowOutcome, Staging
from core import formatting
from imports import phases
from imports.models import Import, Phase, RowEffect, Status, UndoDirection, Unit, UnitKind, Wish
from imports.pipeline import queries, queue, roster, units
from segments import membership
from tenants.isolation.statements import LARGE
from tenants.models import User
from tracking import imported_events, visitors

UNDO_DAYS = 30
ROWS = 50_000


def undoable(imp: Import, *, now: datetime) -> bool:
    """Whether the import has written something that can still be undone."""
    in_time = imp.undoable_until is not None and now < imp.undoable_until
    return imp.ended and in_time and imp.undone_at is None and RowEffect.objects.filter(import_id=imp.pk).exists()


def redoable(imp: Import, *, now: datetime) -> bool:
    """Whether the import has been undone, and that can still be redone."""
    return imp.ended and imp.undone_at is not None and now < imp.undone_at + timedelta(days=UNDO_DAYS)


def request(imp: Import, direction: str, *, user: User | None) -> bool:
    """Hand an undo, or its reversal (UndoDirection), to the workers; False when there is nothing to undo or redo.

    A second click finds it done or under way. Runs in a tenant's transaction.
    """
    locked: Import = Import.objects.select_for_update().get(pk=imp.pk)
    now = timezone.now()
    if not (undoable(locked, now=now) if direction == UndoDirection.UNDO else redoable(locked, now=now)):
        return False
    enqueue(locked, UndoDirection(direction), user=user)
    return True


def enqueue(imp: Import, direction: UndoDirection, *, user: User | None) -> None:
    """Put the import into the queue for its undo or redo."""
    imp.undo_direction, imp.phase, imp.phase_at, imp.status = direction, Phase.QUEUED, timezone.now(), Status.UNDOING
    imp.undone_by, imp.started, imp.cancel_requested = user, True, False
    imp.save(
        update_fields=["undo_direction", "phase", "phase_at", "status", "undone_by", "started", "cancel_requested"]
    )  # fmt: skip
    queue.wake(imp.pk)


# --- steps, called by the pipeline ------------------------------------------------------------------------------------


def make_units(imp: Import, staging: Staging) -> Phase:
    """Begin: the tables, and a unit for each range of rows. Returns the phase."""
    tables.create(staging, undo=True)
    last = RowEffect.objects.filter(import_id=imp.pk).aggregate(last=Max("row_no"))["last"]
    if (last or 0) >= LARGE:
        queries.analyze_tables()
    ranges = [(start, start + ROWS, 0) for start in range(0, (last or 0) + 1, ROWS)]
    Unit.objects.filter(import_id=imp.pk, kind__in=phases.kinds_of_stage(phases.UNDO)).delete()
    units.make(imp, UnitKind(imp.undo_direction), ranges)
    if imp.wants == Wish.UNDO:
        units.make(imp, UnitKind.WITHDRAW, [(0, 0, 0)])
        roster.note_later(imp, staging)
        for app in (membership, imported_events):
            app.record_used(staging)
        tables.analyze(staging, "used", "listed")
    return Phase(imp.undo_direction)


def undo_rows(unit: Unit, staging: Staging) -> dict[str, Any]:
    """Undo one range of rows."""
    span = {"start": unit.start, "stop": unit.stop}
    taken = revert.undo(staging, **span, now=timezone.now())
    queries.mark_undone(staging, start=unit.start, stop=unit.stop)
    return _counts(taken)


def redo_rows(unit: Unit, staging: Staging) -> dict[str, Any]:
    """Redo one range of rows."""
    span = {"start": unit.start, "stop": unit.stop}
    taken = revert.redo(staging, **span, now=timezone.now())
    queries.mark_undone(staging, start=unit.start, stop=unit.stop, redone=True)
    return _counts(taken)


def withdraw(staging: Staging) -> dict[str, Any]:
    """Take out members and events, beside the ranges."""
    return {"members": membership.withdraw(staging), "events": imported_events.withdraw(staging)}


def _counts(taken: revert.RevertResult) -> dict[str, Any]:
    return {"results": taken.results, "values": taken.values, "kept_values": taken.kept}


def finish(imp: Import, staging: Staging) -> dict[str, int]:
    """What is left once all ranges are done: visitors, and for a redo members and events. Returns the report."""
    report = _summed(imp)
    if imp.wants == Wish.UNDO:
        report["visitors"] = visitors.unclaim(staging)
        report["listed"] = roster.count_kept(imp)
        report["kept"] -= report["listed"]
    else:
        report["members"], report["events"] = membership.restore(staging), imported_events.restore(staging)
        report["visitors"] = visitors.reclaim(staging)
    return report


def _summed(imp: Import) -> dict[str, int]:
    total: Counter[str] = Counter()
    for unit in Unit.objects.filter(import_id=imp.pk, kind__in=phases.kinds(imp.undo_direction)):
        counts = unit.counts
        for result, name in _NAMES.items():
            total[name] += counts.get("results", {}).get(result, 0)
        for name in ("values", "kept_values", "members", "events"):
            total[name] += counts.get(name, 0)
    return {name: total[name] for name in (*_NAMES.values(), "values", "kept_values", "members", "events")}


_NAMES = {
    Reverted.FULLY: "reversed",
    Reverted.IN_PART: "in_part",
    Reverted.KEPT: "kept",
    Reverted.IMPOSSIBLE: "impossible",
}


# --- for people -------------------------------------------------------------------------------------------------------


def effects(imp: Import, direction: str) -> list[dict[str, str]]:
    """What an undo or redo will do, for ui/dialog.html. Worked out from what the import has touched."""
    touched = RowEffect.objects.filter(import_id=imp.pk)
    if direction == UndoDirection.REDO:
        back = touched.filter(undone__in=(Reverted.FULLY, Reverted.IN_PART)).count()
        until = imp.undone_at + timedelta(days=UNDO_DAYS) if imp.undone_at else None
        return [
            {
                "icon": "redo-2",
                "text": "Undone rows are written again",
                "figure": formatting.number(back),
            },
            {"icon": "lock", "text": "Anything changed since then stays as it is", "figure": ""},
            {"icon": "clock", "text": "Available until", "figure": formatting.day(until) if until else ""},
        ]
    made = touched.filter(outcome=RowOutcome.CREATED)
    changed = touched.filter(outcome=RowOutcome.UPDATED).count()
    until = timezone.now() + timedelta(days=UNDO_DAYS)
    return [
        {
            "icon": "trash-2",
            "text": "Contacts that it created are removed",
            "figure": formatting.number(made.count()),
        },
        {
            "icon": "undo-2",
            "text": "Updated contacts get their previous values back",
            "figure": formatting.number(changed),
        },
        {"icon": "lock", "text": "Anything changed or used since then stays as it is", "figure": ""},
        {"icon": "redo-2", "text": "You can redo the import", "figure": f"until {formatting.day(until)}"},
    ]


_TOLD = (
    ("reversed", "rows undone completely", "rows restored"),
    (
        "in_part",
        "rows undone in part: some of their values have changed since then",
        "rows restored in part",
    ),
    ("kept", "rows not undone: their contacts have been changed or used since then", "rows left as they are"),
    ("listed", "rows not undone: a later import contains the same contacts", "rows left as they are"),
    (
        "impossible",
        "rows whose contact no longer exists",
        "rows not restored: the contact no longer exists or its identifier is in use",
    ),
    ("members", "segment memberships removed", "segment memberships restored"),
    ("events", "events and source actions removed", "events and source actions restored"),
    ("visitors", "visitors made anonymous again", "visitors matched again"),
)


def report_lines(imp: Import) -> list[tuple[str, int]]:
    """What came of the last undo or redo: (words, number), without what did not happen."""
    side = 1 if imp.undone_at else 2
    return [(words[side], imp.undo_report[words[0]]) for words in _TOLD if imp.undo_report.get(words[0])]


def progress(imp: Import) -> dict[str, Any]:
    """How far an undo or redo is: parts done of all, and whether it waits for the write lock."""
    units = Unit.objects.filter(import_id=imp.pk, kind__in=phases.kinds(imp.undo_direction))
    waiting = imp.phase == Phase.QUEUED
    total = 0 if waiting else units.count()
    return {
        "done": units.exclude(done_at=None).count() if total else 0,
        "total": total,
        "waiting": waiting and queue.is_behind(imp),
    }
