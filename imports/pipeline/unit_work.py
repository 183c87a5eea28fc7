"""What each kind of unit does, in one transaction that also marks it done (imports.pipeline.units).

The function of a kind takes the import and the unit, and returns the counts that are kept with the unit. Which kinds make up
which phase is in imports.phases.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from psycopg.errors import UniqueViolation

from contacts import staging as tables
from contacts import write_lock
from contacts.identity import resolver
from contacts.privacy import erasure
from contacts.staging import Staging
from contacts.values import channel_status
from imports import phases
from imports.cleaning import cells
from imports.models import Import, Phase, RowIssue, Severity, Status, Unit, UnitKind
from imports.options import Options
from imports.pipeline import parse_unit, queries, roster, strict_values, transitions, undo, units
from segments import membership
from tracking import imported_events, source_names, visitors

# A hit carries the time of its arrival, not that of its storing: it may have waited in the inbox.
LATE_MARGIN = timedelta(minutes=10)

Work = Callable[[Import, Unit], dict[str, Any]]
WORK: dict[str, Work] = {}


def does(kind: UnitKind) -> Callable[[Work], Work]:
    """Say that a function is the work of a kind of unit."""

    def known(work: Work) -> Work:
        WORK[kind] = work
        return work

    return known


@does(UnitKind.PLAN)
def plan(imp: Import, _unit: Unit) -> dict[str, Any]:
    """Cut the file at record ends into parse units, and make the tables that they fill."""
    tables.create(transitions.staging_of(imp))
    spans = parse_unit.spans(imp)
    if strict_values.is_strict():
        strict_values.apply(imp, spans)
    units.make(imp, UnitKind.PARSE, ((s.start, s.end, s.first_line) for s in spans))
    return {"units": len(spans)}


@does(UnitKind.PARSE)
def parse(imp: Import, unit: Unit) -> dict[str, Any]:
    """Clean the rows of one span: good ones into staging, problems into row issues."""
    return parse_unit.parse(imp, unit, transitions.staging_of(imp))


@does(UnitKind.MATCH)
def match(imp: Import, unit: Unit) -> dict[str, Any]:
    resolver.match(transitions.staging_of(imp), transitions.policy_of(imp), start=unit.start, stop=unit.stop)
    return {}


@does(UnitKind.REPEAT)
def repeat(imp: Import, unit: Unit) -> dict[str, Any]:
    resolver.find_repeats(transitions.staging_of(imp), transitions.policy_of(imp).identifiers[unit.no])
    return {}


@does(UnitKind.RESOLVE)
def resolve(imp: Import, _unit: Unit) -> dict[str, Any]:
    """Decide every row, beside people who change contacts: the write lock is locked at the end only, to see whether the
    plan still holds. A plan that contacts have overtaken is sent back to the queue."""
    staging = transitions.staging_of(imp)
    resolved = resolver.resolve(staging, transitions.policy_of(imp), key=settings.SECRET_KEY)
    queries.add_verdicts(staging, skips=sorted(resolver.SKIPS))
    if not _holds(imp, staging):  # the last question, as people who change contacts wait from here on
        transitions.move(imp, Phase.QUEUED)
        return {}
    return {
        "created": resolved.created,
        "duplicates": resolved.duplicates,
        "skipped": resolved.skipped,
        "in_error": resolved.conflicts,
    }


def _holds(imp: Import, staging: Staging) -> bool:
    """Whether what the matching has read of contacts is still valid. Locks the row of the write lock until the commit."""
    lock = write_lock.lock()
    if not write_lock.is_available(lock, imp.pk):
        return False
    if lock.version == imp.contacts_version:
        return True
    begun = Unit.objects.filter(import_id=imp.pk, kind__in=phases.kinds(Phase.MATCH)).aggregate(at=Min("claimed_at"))[
        "at"
    ]
    since = (begun or imp.phase_at) - LATE_MARGIN
    if erasure.since(since) or resolver.overtaken(staging, since=since):
        return False
    imp.contacts_version = lock.version
    imp.save(update_fields=["contacts_version"])
    return True


@does(UnitKind.DIFF)
def diff(imp: Import, unit: Unit) -> dict[str, Any]:
    """What matched rows would change: counts by outcome, and by changed value with an example row."""
    staging, policy, span = (
        transitions.staging_of(imp),
        transitions.policy_of(imp),
        {"start": unit.start, "stop": unit.stop},
    )
    attributes = cells.attributes(transitions.targets_of(imp))
    with_address = resolver.diff(staging, policy, attributes=attributes, **span)
    at = {column["target"]: i for i, column in enumerate(imp.mapping)}
    for channel, order in channel_status.ORDERS.items():
        key = f"{channel}_status"
        if policy.settings and policy.consent == "stricter":
            queries.record_kept(staging, key, column=at.get(key), order=order, **span)
        if with_address:
            queries.note_with_address(staging, channel, column=at.get(channel), **span)
    statuses = queries.statuses(staging, **span) if policy.settings or with_address else {}
    return resolver.planned(staging, **span) | {"statuses": statuses}


@does(UnitKind.VISITORS)
def match_visitors(imp: Import, _unit: Unit) -> dict[str, Any]:
    return {"visitors": visitors.match(transitions.staging_of(imp), kept=transitions.policy_of(imp).kept)}


@does(UnitKind.COLLECT)
def store_refused_rows(imp: Import, _unit: Unit) -> dict[str, Any]:
    """Fetch from the file the cells of rows that only the resolve has refused."""
    staging = transitions.staging_of(imp)
    return {"rows": parse_unit.collect(imp, staging, queries.refused_rows(staging, sorted(resolver.CONFLICTS)))}


@does(UnitKind.APPLY)
def apply(imp: Import, unit: Unit) -> dict[str, Any]:
    """Write one range of rows: contacts, where they came from, members, what they did, visitors.

    The ids were drawn for it, so only an outsider can have taken a key since the resolve: an external ID, a place in a
    segment. What is written is then rolled back, and written again past the keys that are taken.
    """
    try:
        with transaction.atomic():
            return _write(imp, unit, careful=False)
    except IntegrityError as problem:
        if not isinstance(problem.__cause__, UniqueViolation):
            raise
    return _write(imp, unit, careful=True)


def _write(imp: Import, unit: Unit, *, careful: bool) -> dict[str, Any]:
    staging, now, options = transitions.staging_of(imp), timezone.now(), Options.parse(imp.options)
    span: dict[str, Any] = {"start": unit.start, "stop": unit.stop}
    since = _since(imp) if write_lock.version() != imp.contacts_version else None
    planned = resolver.Planned(
        statuses=bool(imp.review.get("statuses")), updates=imp.updated > 0, duplicates=imp.duplicates > 0
    )
    created, updated = resolver.apply(
        staging,
        transitions.policy_of(imp),
        origin="import",
        now=now,
        since=since,
        planned=planned,
        careful=careful,
        **span,
    )
    queries.touch(staging, now=now, careful=careful, **span)
    values = options.existing == "overwrite" and roster.values_matter(imp, now=now)
    roster.note(staging, targets=transitions.targets_of(imp), values=values, **span)
    named = "row.segments" in transitions.targets_of(imp)
    segments = [imp.segments[name] for name in options.segments]
    membership.add(staging, segments, named=named, now=now, careful=careful, **span)
    claimed = visitors.claim(staging, now=now, **span)
    added, known = _events(imp, options, now=now, **span)
    return {"created": created, "updated": updated, "visitors": claimed, "events": added, "events_known": known}


def _events(imp: Import, options: Options, *, now: datetime, start: int, stop: int) -> tuple[int, int]:
    """Source actions, and the events of a file that has some; returns events (stored, known before)."""
    staging, span = transitions.staging_of(imp), {"start": start, "stop": stop}
    happened = parse_datetime(options.happened) or now
    if options.action_created or options.action_existing or "row.action" in transitions.targets_of(imp):
        imported_events.act(
            staging, **span, created=options.action_created, existing=options.action_existing,
            endpoint=options.endpoint, touchpoint=options.touchpoint or source_names.touchpoint_of(options.endpoint),
            happened=happened, now=now,
        )  # fmt: skip
    if options.task == "contacts":
        return 0, 0
    return imported_events.record(staging, **span, happened=happened, given=options.happened or imp.sha256)


def _since(imp: Import) -> datetime:
    """From when on others may have set statuses that the plan does not know."""
    return (imp.started_at or imp.phase_at) - LATE_MARGIN


@does(UnitKind.FINISH)
def finish(imp: Import, _unit: Unit) -> dict[str, Any]:
    """Count and prove: the six outcomes must add up to the rows of the file, or the import fails loudly."""
    lock = (
        write_lock.lock()
    )  # whoever writes contacts, and hits that name somebody, wait here until the end is committed
    if lock.version != imp.contacts_version:
        resolver.take_late(
            transitions.staging_of(imp), transitions.policy_of(imp), since=_since(imp), now=timezone.now()
        )
    matched_at = (
        Unit.objects.filter(import_id=imp.pk, kind=UnitKind.VISITORS).values_list("claimed_at", flat=True).get()
    )
    late = visitors.claim_late(transitions.staging_of(imp), since=matched_at - LATE_MARGIN, now=timezone.now())
    imp.created, imp.updated, matched, imp.events_added, imp.events_known = units.totals(
        imp, UnitKind.APPLY, *transitions.APPLIED
    )
    imp.matched_visitors = matched + late
    imp.in_error = (
        RowIssue.objects.filter(import_id=imp.pk, severity=Severity.ERROR).values("row_no").distinct().count()
    )
    total = sum(getattr(imp, name) for name in Import.OUTCOMES)
    imp.save(
        update_fields=["created", "updated", "matched_visitors", "events_added", "events_known", "in_error"]
    )  # fmt: skip
    if total != imp.rows:
        transitions.finish_import(imp, Status.FAILED, reason="sum_mismatch", rows=imp.rows, total=total)
    else:
        transitions.finish_import(imp, Status.IMPORTED)
    return {}


@does(UnitKind.UNDO)
def undo_rows(imp: Import, unit: Unit) -> dict[str, Any]:
    return undo.undo_rows(unit, transitions.staging_of(imp))


@does(UnitKind.REDO)
def redo_rows(imp: Import, unit: Unit) -> dict[str, Any]:
    return undo.redo_rows(unit, transitions.staging_of(imp))


@does(UnitKind.WITHDRAW)
def withdraw(imp: Import, _unit: Unit) -> dict[str, Any]:
    return undo.withdraw(transitions.staging_of(imp))
