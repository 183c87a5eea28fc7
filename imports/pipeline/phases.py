"""The life of an import, step by step (docs/life-of-a-row.md).

State lives in the import's row and its units; a message only says "look at import 17" and may be lost, doubled or late.
`work` does one unit after the other until none is to be had. Each phase begins when every unit of the one before is
done, by one transaction that locks the import's row:

    draft → plan → parse → queued → match → resolve → diff → review → queued → apply → finish → done

`queued` is where imports of one workspace wait for each other. Without review, `diff` goes on to `apply` at once.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from contacts import change_log, write_lock
from contacts import staging as tables
from contacts.duplicates import exact
from contacts.identity import resolver
from contacts.listing import status_filters
from contacts.privacy import erasure
from contacts.staging import Staging
from contacts.values import channel_status
from imports.cleaning import row_settings
from imports.models import Import, Phase, RowIssue, Severity, Status, Unit
from imports.options import Options
from imports.pipeline import notifications, parse_unit, queries, review, roster, strict_values, undo, units, wakeup
from segments import membership
from tenants.isolation.context import current_tenant, tenant_context
from tenants.models import Tenant
from tracking import imported_events, source_names, visitors

# Rows that one unit matches, and rows that one writes: the first as large as memory likes, the second as small as
# progress and a lost unit ask for.
MATCH_ROWS = 500_000
WRITE_ROWS = 50_000
# In so many parts also a small import is read and written; parts of fewer rows would cost more than they save.
PARTS, LEAST_ROWS = 4, 1_000
# A hit carries the time of its arrival, not that of its storing: it may have waited in the inbox.
LATE_MARGIN = timedelta(minutes=10)


def staging_of(imp: Import) -> Staging:
    return Staging(current_tenant(), imp.pk)


def policy_of(imp: Import) -> resolver.Policy:
    """What the import may do, with the identifiers that are used and the file has."""
    options, targets = Options.parse(imp.options), targets_of(imp)
    order = options.identifiers(Tenant.objects.get(pk=current_tenant()).identifier_order)
    settings = not targets.isdisjoint(row_settings.SETTINGS) or options.task == "messages"
    return options.policy(
        tuple(name for name in order if name in targets), settings=settings, chosen="contact_id" in targets
    )


def targets_of(imp: Import) -> set[str]:
    """The fields that columns of the file go to."""
    return {column["target"] for column in imp.mapping}


# Ends of which the figures are what the sentence is about.
COUNTED = {"sum_mismatch", "no_rows", "too_few_rows", "too_many_rows"}
# What a resolve or diff says about rows besides conflicts and skips; worked out anew with them.
VERDICTS = {"duplicate_of_line", "status_kept", "status_of_address"}

# --- what each kind of unit does: (import, unit) → counts -----------------------------------------------------------


def plan(imp: Import, _unit: Unit) -> dict[str, Any]:
    """Cut the file at record ends into parse units, and make the tables that they fill."""
    tables.create(staging_of(imp))
    spans = parse_unit.spans(imp)
    if strict_values.is_strict():
        strict_values.apply(imp, spans)
    units.make(imp, "parse", ((s.start, s.end, s.first_line) for s in spans))
    return {"units": len(spans)}


def parse(imp: Import, unit: Unit) -> dict[str, Any]:
    """Clean the rows of one span: good ones into staging, problems into row issues."""
    return parse_unit.parse(imp, unit, staging_of(imp))


def match(imp: Import, unit: Unit) -> dict[str, Any]:
    resolver.match(staging_of(imp), policy_of(imp), start=unit.start, stop=unit.stop)
    return {}


def repeat(imp: Import, unit: Unit) -> dict[str, Any]:
    resolver.find_repeats(staging_of(imp), policy_of(imp).identifiers[unit.no])
    return {}


def resolve(imp: Import, _unit: Unit) -> dict[str, Any]:
    """Decide every row, beside people who change contacts: the tenant's turn is locked at the end only, to see whether the
    plan still holds. A plan that contacts have overtaken is sent back to the queue."""
    staging = staging_of(imp)
    resolved = resolver.resolve(staging, policy_of(imp), key=settings.SECRET_KEY)
    queries.add_verdicts(staging, skips=sorted(resolver.SKIPS))
    if not _holds(imp, staging):  # the last question, as people who change contacts wait from here on
        _move(imp, Phase.QUEUED)
        return {}
    return {
        "created": resolved.created,
        "duplicates": resolved.duplicates,
        "skipped": resolved.skipped,
        "in_error": resolved.conflicts,
    }


def _holds(imp: Import, staging: Staging) -> bool:
    """Whether what was read of contacts since the matching began is still so. Locks the turn until the unit is committed."""
    turn = write_lock.lock()
    if not write_lock.is_available(turn, imp.pk):
        return False
    if turn.version == imp.turn_version:
        return True
    begun = Unit.objects.filter(import_id=imp.pk, kind__in=("match", "repeat")).aggregate(at=Min("claimed_at"))["at"]
    since = (begun or imp.phase_at) - LATE_MARGIN
    if erasure.since(since) or resolver.overtaken(staging, since=since):
        return False
    imp.turn_version = turn.version
    imp.save(update_fields=["turn_version"])
    return True


def diff(imp: Import, unit: Unit) -> dict[str, Any]:
    """What matched rows would change: counts by outcome, and by changed value with an example row."""
    staging, policy, span = staging_of(imp), policy_of(imp), {"start": unit.start, "stop": unit.stop}
    with_address = resolver.diff(staging, policy, **span)
    at = {column["target"]: i for i, column in enumerate(imp.mapping)}
    for channel, order in channel_status.ORDERS.items():
        key = f"{channel}_status"
        if policy.settings and policy.consent == "stricter":
            queries.record_kept(staging, key, column=at.get(key), order=order, **span)
        if with_address:
            queries.note_with_address(staging, channel, column=at.get(channel), **span)
    statuses = queries.statuses(staging, **span) if policy.settings or with_address else {}
    return resolver.planned(staging, **span) | {"statuses": statuses}


def match_visitors(imp: Import, _unit: Unit) -> dict[str, Any]:
    return {"visitors": visitors.match(staging_of(imp))}


def store_refused_rows(imp: Import, _unit: Unit) -> dict[str, Any]:
    """Fetch from the file the cells of rows that only the resolve has refused."""
    staging = staging_of(imp)
    return {"rows": parse_unit.collect(imp, staging, queries.refused_rows(staging, sorted(resolver.CONFLICTS)))}


def apply(imp: Import, unit: Unit) -> dict[str, Any]:
    """Write one range of rows: contacts, where they came from, members, what they did, visitors."""
    staging, now, options = staging_of(imp), timezone.now(), Options.parse(imp.options)
    span = {"start": unit.start, "stop": unit.stop}
    since = _since(imp) if write_lock.version() != imp.turn_version else None
    planned = resolver.Planned(
        statuses=bool(imp.review.get("statuses")), updates=imp.updated > 0, duplicates=imp.duplicates > 0
    )
    created, updated = resolver.apply(
        staging, policy_of(imp), origin="import", now=now, since=since, planned=planned, **span
    )
    queries.touch(staging, now=now, **span)
    values = options.existing == "overwrite" and roster.values_matter(imp, now=now)
    roster.note(staging, targets=targets_of(imp), values=values, **span)
    named = "row.segments" in targets_of(imp)
    membership.add(staging, [imp.segments[name] for name in options.segments], named=named, now=now, **span)
    claimed = visitors.claim(staging, now=now, **span)
    added, known = _events(imp, options, now=now, **span)
    return {"created": created, "updated": updated, "visitors": claimed, "events": added, "events_known": known}


def _events(imp: Import, options: Options, *, now: datetime, start: int, stop: int) -> tuple[int, int]:
    """Source actions, and the events of a file that has some; returns events (stored, known before)."""
    staging, span = staging_of(imp), {"start": start, "stop": stop}
    happened = parse_datetime(options.happened) or now
    if options.action_created or options.action_existing or "row.action" in targets_of(imp):
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


def finish(imp: Import, _unit: Unit) -> dict[str, Any]:
    """Count and prove: the six outcomes must add up to the rows of the file, or the import fails loudly."""
    turn = (
        write_lock.lock()
    )  # whoever writes contacts, and hits that name somebody, wait here until the end is committed
    if turn.version != imp.turn_version:
        resolver.take_late(staging_of(imp), policy_of(imp), since=_since(imp), now=timezone.now())
    matched_at = Unit.objects.filter(import_id=imp.pk, kind="visitors").values_list("claimed_at", flat=True).get()
    late = visitors.claim_late(staging_of(imp), since=matched_at - LATE_MARGIN, now=timezone.now())
    imp.created, imp.updated = units.total(imp, "apply", "created"), units.total(imp, "apply", "updated")
    imp.matched_visitors = units.total(imp, "apply", "visitors") + late
    imp.events_added = units.total(imp, "apply", "events")
    imp.events_known = units.total(imp, "apply", "events_known")
    imp.in_error = (
        RowIssue.objects.filter(import_id=imp.pk, severity=Severity.ERROR).values("row_no").distinct().count()
    )
    total = sum(getattr(imp, name) for name in Import.OUTCOMES)
    imp.save(
        update_fields=["created", "updated", "matched_visitors", "events_added", "events_known", "in_error"]
    )  # fmt: skip
    if total != imp.rows:
        finish_import(imp, Status.FAILED, reason="sum_mismatch", rows=imp.rows, total=total)
    else:
        finish_import(imp, Status.IMPORTED)
    return {}


def undo_rows(imp: Import, unit: Unit) -> dict[str, Any]:
    return undo.undo_rows(unit, staging_of(imp))


def redo_rows(imp: Import, unit: Unit) -> dict[str, Any]:
    return undo.redo_rows(unit, staging_of(imp))


def withdraw(imp: Import, _unit: Unit) -> dict[str, Any]:
    return undo.withdraw(staging_of(imp))


WORK = {
    "plan": plan,
    "parse": parse,
    "match": match,
    "repeat": repeat,
    "resolve": resolve,
    "diff": diff,
    "visitors": match_visitors,
    "collect": store_refused_rows,
    "apply": apply,
    "finish": finish,
    "undo": undo_rows,
    "redo": redo_rows,
    "withdraw": withdraw,
}


# --- from phase to phase: (locked import) → True when there is something to do --------------------------------------


def _after_parse(imp: Import) -> bool:
    imp.rows = units.total(imp, "parse", "rows")
    imp.in_error = units.total(imp, "parse", "rejected")
    imp.save(update_fields=["rows", "in_error"])
    tenant = Tenant.objects.get(pk=current_tenant())
    if imp.rows == 0:
        return finish_import(imp, Status.FAILED, reason="no_rows")
    if imp.rows < tenant.min_rows and imp.parent_id is None:
        return finish_import(imp, Status.FAILED, reason="too_few_rows", limit=tenant.min_rows, found=imp.rows)
    if imp.rows > tenant.max_rows:
        return finish_import(imp, Status.FAILED, reason="too_many_rows", limit=tenant.max_rows, found=imp.rows)
    tables.settle(staging_of(imp))
    tables.analyze(staging_of(imp), "row")
    return _move(imp, Phase.QUEUED)


def _from_queue(imp: Import) -> bool:
    """Go on when nobody else of the workspace writes; an import that will write takes the turn."""
    turn = write_lock.lock()
    if not write_lock.is_available(turn, imp.pk) or _somebody_before(imp):
        return False
    if imp.started:
        write_lock.acquire(turn, imp.pk)
    if imp.turning:
        return _move(imp, undo.make_units(imp, staging_of(imp)))
    if imp.review and imp.turn_version == turn.version:
        return _begin_apply(imp)
    return _begin_match(imp, turn.version)


def _somebody_before(imp: Import) -> bool:
    """Whether another import has waited for longer. The queue is one of requests: an undo waits behind newer imports."""
    waiting = Import.objects.filter(phase=Phase.QUEUED, started=True)
    return bool(waiting.filter(Q(phase_at__lt=imp.phase_at) | Q(phase_at=imp.phase_at, pk__lt=imp.pk)).exists())


def _begin_match(imp: Import, version: int) -> bool:
    staging = staging_of(imp)
    tables.clear(staging)
    if imp.turn_version is not None:
        queries.forget_verdicts(staging, sorted(resolver.CONFLICTS | resolver.SKIPS | VERDICTS))
    resolver.choose(staging, policy_of(imp), again=imp.turn_version is not None)
    Unit.objects.filter(
        import_id=imp.pk, kind__in=("match", "repeat", "resolve", "diff", "visitors", "collect")
    ).delete()
    units.make(imp, "repeat", ((0, 0, 0) for _ in policy_of(imp).identifiers))
    units.make(imp, "match", _ranges(imp, MATCH_ROWS))
    imp.turn_version = version
    imp.save(update_fields=["turn_version"])
    return _move(imp, Phase.MATCH)


def _after_match(imp: Import) -> bool:
    units.make(imp, "resolve", [(0, 0, 0)])
    return _move(imp, Phase.RESOLVE)


def _after_resolve(imp: Import) -> bool:
    counts = Unit.objects.get(import_id=imp.pk, kind="resolve").counts
    imp.created, imp.duplicates, imp.skipped = counts["created"], counts["duplicates"], counts["skipped"]
    imp.in_error = units.total(imp, "parse", "rejected") + counts["in_error"]
    imp.save(update_fields=["created", "duplicates", "skipped", "in_error"])
    units.make(imp, "diff", _ranges(imp, WRITE_ROWS, parts=PARTS))
    units.make(imp, "visitors", [(0, 0, 0)])
    units.make(imp, "collect", [(0, 0, 0)])
    return _move(imp, Phase.DIFF)


def _after_diff(imp: Import) -> bool:
    imp.updated, imp.unchanged = units.total(imp, "diff", "updated"), units.total(imp, "diff", "unchanged")
    before = imp.review.get("counts")
    tables.analyze(staging_of(imp), "map", "visitor")
    if Options.parse(imp.options).task != "contacts":
        tables.index_losers(staging_of(imp))
    imp.review = review.build_review(imp, staging_of(imp))
    imp.save(update_fields=["updated", "unchanged", "review"])
    if imp.started and (before is None or before == imp.review["counts"]):
        return _begin_apply(imp)
    if imp.started:
        # The person agreed to other figures than these: contacts have changed since. They must look again.
        write_lock.release(imp.pk, written=False)
        imp.started, imp.refreshed = False, True
        imp.save(update_fields=["started", "refreshed"])
    imp.status = Status.READY
    imp.save(update_fields=["status"])
    notifications.ready(imp)
    return _move(imp, Phase.REVIEW)


def _begin_apply(imp: Import) -> bool:
    names = [*Options.parse(imp.options).segments, *(s["name"] for s in imp.review["segments"])]
    imp.segments = {name: membership.named(name).pk for name in names}
    imp.status, imp.started_at = Status.IMPORTING, timezone.now()
    imp.save(update_fields=["segments", "status", "started_at"])
    units.make(imp, "apply", _ranges(imp, WRITE_ROWS, parts=PARTS))
    return _move(imp, Phase.APPLY)


def _after_apply(imp: Import) -> bool:
    units.make(imp, "finish", [(0, 0, 0)])
    return _move(imp, Phase.FINISH)


def _after_undo(imp: Import) -> bool:
    """The end of an undo or redo: what came of it, and what the import is called now."""
    imp.undo_report = undo.finish(imp, staging_of(imp))
    undone = imp.turning == "undo"
    imp.undone_at = timezone.now() if undone else None
    imp.turning, imp.take_back = "", False
    imp.save(update_fields=["undo_report", "undone_at", "turning", "take_back"])
    status = Status.CANCELED if imp.reason == "canceled" else Status.UNDONE if undone else Status.IMPORTED
    return finish_import(imp, status, reason=imp.reason, **imp.reason_facts)


NEXT = {
    Phase.PLAN: lambda imp: _move(imp, Phase.PARSE),
    Phase.PARSE: _after_parse,
    Phase.QUEUED: _from_queue,
    Phase.MATCH: _after_match,
    Phase.RESOLVE: _after_resolve,
    Phase.DIFF: _after_diff,
    Phase.APPLY: _after_apply,
    Phase.UNDO: _after_undo,
    Phase.REDO: _after_undo,
}


def _ranges(imp: Import, size: int, *, parts: int = 1) -> list[tuple[int, int, int]]:
    """Ranges of rows of at most `size`. With `parts` a small import, too, has so many: what a killed worker held is then
    not all of it, and more than one has something to do."""
    last = max((u.counts.get("last_line", 0) for u in Unit.objects.filter(import_id=imp.pk, kind="parse")), default=0)
    size = min(size, max(LEAST_ROWS, last // parts + 1))
    return [(start, start + size, 0) for start in range(0, last + 1, size)]


def _move(imp: Import, phase: Phase) -> bool:
    now = timezone.now()
    if imp.phase not in (Phase.DRAFT, Phase.REVIEW, Phase.QUEUED):
        imp.seconds = round(imp.seconds + (now - imp.phase_at).total_seconds(), 3)
    imp.phase, imp.phase_at = phase, now
    imp.save(update_fields=["phase", "phase_at", "seconds"])
    return phase not in (Phase.REVIEW, Phase.DONE)


def advance(import_id: int) -> bool:
    """Move an import on if its phase is complete; True when there is more to do. Runs in a tenant's transaction."""
    imp = Import.objects.select_for_update().get(pk=import_id)
    if imp.ended or (imp.phase == Phase.REVIEW and not imp.cancel_requested):
        return False
    if imp.cancel_requested:
        return _cancel(imp)
    if not units.all_done(imp) or imp.phase not in NEXT:
        return False
    return NEXT[Phase(imp.phase)](imp)


def _cancel(imp: Import) -> bool:
    """End a canceled import once nobody works on it; what is written stays and is counted."""
    busy = units.units_of_phase(imp).filter(done_at=None)
    free = busy.select_for_update(skip_locked=True)
    if len(free) < busy.count():
        return False
    finish_import(imp, Status.CANCELED, reason="canceled")
    if not (imp.take_back and imp.created + imp.updated):
        return False
    undo.enqueue(imp, "undo", user=imp.created_by)
    return True


def _count_reached(imp: Import) -> None:
    """What has become of an import that ends early: outcomes are those of the parts that were written, and errors those that
    were found. The plan's figures for the others must not stand there as if they had happened."""
    if imp.phase in (Phase.PLAN, Phase.PARSE):
        imp.rows, imp.in_error = units.total(imp, "parse", "rows"), units.total(imp, "parse", "rejected")
    imp.created, imp.updated = units.total(imp, "apply", "created"), units.total(imp, "apply", "updated")
    imp.matched_visitors = units.total(imp, "apply", "visitors")
    imp.events_added = units.total(imp, "apply", "events")
    imp.events_known = units.total(imp, "apply", "events_known")
    imp.unchanged = imp.duplicates = imp.skipped = 0
    for unit in Unit.objects.filter(import_id=imp.pk, kind="apply").exclude(done_at=None):
        reached = resolver.reached(staging_of(imp), start=unit.start, stop=unit.stop)
        imp.unchanged += reached["unchanged"]
        imp.duplicates += reached["duplicates"]
        imp.skipped += reached["skipped"]
    names = (*Import.OUTCOMES, "rows", "matched_visitors", "events_added", "events_known")
    imp.save(update_fields=names)


def _tidy(tenant_id: int, imp: Import) -> None:
    """What may happen after the end is committed: the copy of the file goes, the order of changes is tidied,
    the planner learns, the lists of contacts get their totals."""
    parse_unit.forget_copy(imp)
    with tenant_context(tenant_id):
        change_log.tidy()
        if imp.created > queries.LARGE:
            queries.analyze_tables(staging_of(imp))
    with tenant_context(tenant_id, read_only=True):
        status_filters.total()
        for kind in exact.KINDS:
            exact.totals(kind)


def finish_import(imp: Import, status: Status, *, reason: str = "", **facts: Any) -> bool:
    """The one way in which an import ends: state, turn, staging, news, and the next one in the queue."""
    written = imp.phase in (Phase.APPLY, Phase.FINISH, Phase.UNDO, Phase.REDO)
    turned = imp.phase in (Phase.UNDO, Phase.REDO)
    if status in (Status.CANCELED, Status.FAILED) and not turned and reason not in COUNTED:
        _count_reached(imp)
    _move(imp, Phase.DONE)
    now = timezone.now()
    imp.status, imp.reason, imp.reason_facts = status, reason, facts
    if not turned:
        imp.finished_at = now
        imp.undoable_until = now + timedelta(days=undo.UNDO_DAYS) if written else None
    imp.save(update_fields=["status", "reason", "reason_facts", "finished_at", "undoable_until"])
    write_lock.release(imp.pk, written=written)
    tables.drop(staging_of(imp))
    transaction.on_commit(partial(_tidy, current_tenant(), imp))
    notifications.ended(imp)
    for waiting in Import.objects.filter(phase=Phase.QUEUED).order_by("pk")[:20]:
        wakeup.send(waiting.pk)
    return False
