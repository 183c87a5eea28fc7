"""From phase to phase: each step is one transaction that locks the import's row.

`advance` takes the step out of a phase once its units are done. The function of a phase says by `after` which one it is; the
phases themselves are in imports.phases. `finish_import` is the one way in which an import ends.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from contacts import change_log, change_queue, write_lock
from contacts import staging as tables
from contacts.duplicates import exact
from contacts.identity import resolver
from contacts.listing import status_filters
from contacts.staging import Staging
from imports import phases, usage
from imports.cleaning import row_settings
from imports.models import Import, Phase, Status, UndoDirection, Unit, UnitKind, Wish
from imports.options import Options
from imports.pipeline import notifications, parse_unit, queries, queue, review, undo, units
from segments import member_edits, membership, refresh
from tenants.isolation.context import current_tenant, tenant_context
from tenants.isolation.statements import LARGE
from tenants.models import Tenant

# Rows that one unit matches, and rows that one writes: the first as large as memory likes, the second as small as
# progress and a lost unit ask for.
MATCH_ROWS = 500_000
WRITE_ROWS = 50_000
# In so many parts also a small import is read and written; parts of fewer rows would cost more than they save.
PARTS, LEAST_ROWS = 4, 1_000


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
COUNTED = {"contacts_full", "sum_mismatch", "no_rows", "too_few_rows", "too_many_rows"}
# What a resolve or diff says about rows besides conflicts and skips; decided again with them.
VERDICTS = {"duplicate_of_line", "status_kept", "status_of_address"}

# What a unit that writes has counted.
APPLIED = ("created", "updated", "visitors", "events", "events_known")

# (locked import) → True when there is something to do
Step = Callable[[Import], bool]
STEPS: dict[str, Step] = {}


def after(phase: Phase) -> Callable[[Step], Step]:
    """Say that a function is the step out of a phase."""

    def known(step: Step) -> Step:
        STEPS[phase] = step
        return step

    return known


@after(Phase.PLAN)
def _after_plan(imp: Import) -> bool:
    return move(imp, Phase.PARSE)


@after(Phase.PARSE)
def _after_parse(imp: Import) -> bool:
    imp.rows, imp.in_error = units.totals(imp, UnitKind.PARSE, "rows", "rejected")
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
    return move(imp, Phase.QUEUED)


@after(Phase.QUEUED)
def _from_queue(imp: Import) -> bool:
    """Go on when nobody else of the workspace writes; an import that will write acquires the write lock."""
    lock = write_lock.lock()
    if not write_lock.is_available(lock, imp.pk) or queue.waits_behind(imp):
        return False
    if imp.wants != Wish.REVIEW:
        write_lock.acquire(lock, imp.pk)
    if imp.wants in (Wish.UNDO, Wish.REDO):
        return move(imp, undo.make_units(imp, staging_of(imp)))
    if imp.review and imp.contacts_version == lock.version:
        return _begin_apply(imp)
    return _begin_match(imp, lock.version)


def _begin_match(imp: Import, version: int) -> bool:
    staging, policy, again = staging_of(imp), policy_of(imp), imp.contacts_version is not None
    if again:
        tables.clear(staging)
        queries.forget_verdicts(staging, sorted(resolver.CONFLICTS | resolver.SKIPS | VERDICTS))
        anew = phases.kinds(Phase.MATCH, Phase.RESOLVE, Phase.DIFF)
        Unit.objects.filter(import_id=imp.pk, kind__in=anew).delete()
    resolver.choose(staging, policy, again=again)
    units.make(imp, UnitKind.REPEAT, ((0, 0, 0) for _ in policy.identifiers))
    units.make(imp, UnitKind.MATCH, _ranges(imp, MATCH_ROWS))
    imp.contacts_version = version
    imp.save(update_fields=["contacts_version"])
    return move(imp, Phase.MATCH)


@after(Phase.MATCH)
def _after_match(imp: Import) -> bool:
    units.make(imp, UnitKind.RESOLVE, [(0, 0, 0)])
    return move(imp, Phase.RESOLVE)


@after(Phase.RESOLVE)
def _after_resolve(imp: Import) -> bool:
    counts = Unit.objects.get(import_id=imp.pk, kind=UnitKind.RESOLVE).counts
    imp.created, imp.duplicates, imp.skipped = counts["created"], counts["duplicates"], counts["skipped"]
    [rejected] = units.totals(imp, UnitKind.PARSE, "rejected")
    imp.in_error = rejected + counts["in_error"]
    imp.save(update_fields=["created", "duplicates", "skipped", "in_error"])
    units.make(imp, UnitKind.DIFF, _ranges(imp, WRITE_ROWS, parts=PARTS))
    units.make(imp, UnitKind.VISITORS, [(0, 0, 0)])
    units.make(imp, UnitKind.COLLECT, [(0, 0, 0)])
    return move(imp, Phase.DIFF)


@after(Phase.DIFF)
def _after_diff(imp: Import) -> bool:
    imp.updated, imp.unchanged = units.totals(imp, UnitKind.DIFF, "updated", "unchanged")
    before = imp.review.get("counts")
    tables.analyze(staging_of(imp), "map", "visitor")
    if Options.parse(imp.options).task != "contacts":
        tables.index_losers(staging_of(imp))
    imp.review = review.build_review(imp, staging_of(imp))
    imp.save(update_fields=["updated", "unchanged", "review"])
    if full := usage.over_contacts(imp.created):
        return finish_import(imp, Status.FAILED, reason="contacts_full", **full)
    if imp.wants == Wish.GO and (before is None or before == imp.review["counts"]):
        return _begin_apply(imp)
    if imp.wants == Wish.GO:
        # The person agreed to other figures than these: contacts have changed since. They must look again.
        write_lock.release(imp.pk, written=False)
        imp.started, imp.refreshed = False, True
        imp.save(update_fields=["started", "refreshed"])
    imp.status = Status.READY
    imp.save(update_fields=["status"])
    notifications.ready(imp)
    return move(imp, Phase.REVIEW)


def _begin_apply(imp: Import) -> bool:
    if full := usage.over_contacts(imp.created):  # contacts may have been added since the review
        return finish_import(imp, Status.FAILED, reason="contacts_full", **full)
    names = [*Options.parse(imp.options).segments, *(s["name"] for s in imp.review["segments"])]
    imp.segments = {name: membership.named(name).pk for name in names}
    imp.status, imp.started_at = Status.IMPORTING, timezone.now()
    imp.save(update_fields=["segments", "status", "started_at"])
    units.make(imp, UnitKind.APPLY, _ranges(imp, WRITE_ROWS, parts=PARTS))
    return move(imp, Phase.APPLY)


@after(Phase.APPLY)
def _after_apply(imp: Import) -> bool:
    units.make(imp, UnitKind.FINISH, [(0, 0, 0)])
    return move(imp, Phase.FINISH)


@after(Phase.UNDO)
@after(Phase.REDO)
def _after_undo(imp: Import) -> bool:
    """The end of an undo or redo: what came of it, and what the import is called now."""
    imp.undo_report = undo.finish(imp, staging_of(imp))
    undone = imp.wants == Wish.UNDO
    imp.undone_at = timezone.now() if undone else None
    imp.undo_direction, imp.take_back = "", False
    imp.save(update_fields=["undo_report", "undone_at", "undo_direction", "take_back"])
    status = Status.CANCELED if imp.reason == "canceled" else Status.UNDONE if undone else Status.IMPORTED
    return finish_import(imp, status, reason=imp.reason, **imp.reason_facts)


def _ranges(imp: Import, size: int, *, parts: int = 1) -> list[tuple[int, int, int]]:
    """Ranges of rows of at most `size`. With `parts` a small import, too, has so many: what a killed worker held is then
    not all of it, and more than one has something to do."""
    last = max(
        (u.counts.get("last_line", 0) for u in Unit.objects.filter(import_id=imp.pk, kind=UnitKind.PARSE)), default=0
    )
    size = min(size, max(LEAST_ROWS, last // parts + 1))
    return [(start, start + size, 0) for start in range(0, last + 1, size)]


def move(imp: Import, phase: Phase) -> bool:
    now = timezone.now()
    if phases.of(imp.phase).units:
        imp.seconds = round(imp.seconds + (now - imp.phase_at).total_seconds(), 3)
    imp.phase, imp.phase_at = phase, now
    imp.save(update_fields=["phase", "phase_at", "seconds"])
    return phase != Phase.DONE and not phases.of(phase).waits


def advance(import_id: int) -> bool:
    """Move an import on if its phase is complete; True when there is more to do. Runs in a tenant's transaction."""
    imp = Import.objects.select_for_update().get(pk=import_id)
    if imp.ended:
        return False
    if imp.is_canceling:
        return _cancel(imp)
    if phases.of(imp.phase).waits or not units.all_done(imp) or imp.phase not in STEPS:
        return False
    return STEPS[imp.phase](imp)


def _cancel(imp: Import) -> bool:
    """End a canceled import once nobody works on it; what is written stays and is counted."""
    busy = units.units_of_phase(imp).filter(done_at=None)
    free = busy.select_for_update(skip_locked=True)
    if len(free) < busy.count():
        return False
    finish_import(imp, Status.CANCELED, reason="canceled")
    if not (imp.wants == Wish.CANCEL_AND_UNDO and imp.created + imp.updated):
        return False
    undo.enqueue(imp, UndoDirection.UNDO, user=imp.created_by)
    return True


def _count_reached(imp: Import) -> None:
    """What has become of an import that ends early: outcomes are those of the parts that were written, and errors those that
    were found. The plan's figures for the others must not be shown as if they had happened."""
    if imp.phase in (Phase.PLAN, Phase.PARSE):
        imp.rows, imp.in_error = units.totals(imp, UnitKind.PARSE, "rows", "rejected")
    imp.created, imp.updated, imp.matched_visitors, imp.events_added, imp.events_known = units.totals(
        imp, UnitKind.APPLY, *APPLIED
    )
    imp.unchanged = imp.duplicates = imp.skipped = 0
    for unit in Unit.objects.filter(import_id=imp.pk, kind=UnitKind.APPLY).exclude(done_at=None):
        reached = resolver.reached(staging_of(imp), start=unit.start, stop=unit.stop)
        imp.unchanged += reached["unchanged"]
        imp.duplicates += reached["duplicates"]
        imp.skipped += reached["skipped"]
    names = (*Import.OUTCOMES, "rows", "matched_visitors", "events_added", "events_known")
    imp.save(update_fields=names)


def _tidy(tenant_id: int, imp: Import) -> None:
    """What may happen after the end is committed: the order of changes is tidied, the planner learns, the lists of contacts
    get their totals."""
    with tenant_context(tenant_id):
        change_log.tidy()
        if imp.created + imp.updated >= LARGE:
            queries.analyze_tables()
    with tenant_context(tenant_id, read_only=True):
        status_filters.total()
        for kind in exact.KINDS:
            exact.totals(kind)


# Whose contacts a file names: those that it made or changed, and those that were known before.
CONTACTS = """
SELECT t.contact_id FROM touched t WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s
UNION SELECT unnest(l.contact_ids) FROM import_listing l WHERE l.tenant_id = %(tenant)s AND l.import_id = %(import_id)s"""
# An import of more rows has its segments compared as a whole.
FEW = 50_000


def _tell_segments(imp: Import) -> None:
    """Let dynamic segments look at what the import, or its undo, has written."""
    causes: tuple[change_queue.Cause, ...] = ("contact", "event", "segment", "import")
    if (imp.rows or 0) > FEW:
        refresh.request_all_asking(*causes, because="import")
        return
    for cause in causes:
        change_queue.add_found(CONTACTS, cause, import_id=imp.pk)


def finish_import(imp: Import, status: Status, *, reason: str = "", **facts: Any) -> bool:
    """The one way in which an import ends: state, write lock, staging, notifications, and the next one in the queue."""
    before = phases.of(imp.phase)
    written, reverts = before.writes, before.stage is phases.UNDO
    if status in (Status.CANCELED, Status.FAILED) and not reverts and reason not in COUNTED:
        _count_reached(imp)
    move(imp, Phase.DONE)
    now = timezone.now()
    imp.status, imp.reason, imp.reason_facts = status, reason, facts
    if not reverts:
        imp.finished_at = now
        imp.undoable_until = now + timedelta(days=undo.UNDO_DAYS) if written else None
    imp.save(update_fields=["status", "reason", "reason_facts", "finished_at", "undoable_until"])
    write_lock.release(imp.pk, written=written)
    if written:
        member_edits.note_sizes(imp.segments.values(), now=now)
        _tell_segments(imp)
    tables.drop(staging_of(imp))
    if not reverts:
        parse_unit.forget_copy(imp)
    transaction.on_commit(partial(_tidy, current_tenant(), imp))
    notifications.ended(imp)
    waits = Import.objects.filter(phase__in=(Phase.QUEUED, Phase.PLAN))
    for waiting in waits.order_by("pk")[:20]:
        queue.wake(waiting.pk)
    return False
