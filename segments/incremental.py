"""Dynamic segments after each change: the contacts in the queue (contacts.change_queue) are looked at again, one batch a
transaction, in the order in which segments name each other.

Of a segment only one transaction at a time writes members: the one that has locked its row. A segment that is being
refreshed as a whole is passed over, and its contacts stay in the queue for it alone. The entries of a batch leave the queue
in the transaction that has looked at their contacts, so a killed worker loses nothing.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models.expressions import RawSQL
from django.utils import timezone

from contacts import change_queue
from contacts.models import Contact
from segments import history, reasons, refresh
from segments.models import Segment, SegmentState
from segments.rules import compiler, schedule
from segments.rules.compiler import Context
from segments.rules.tree import Group, RuleError, parse
from tenants import pending_work
from tenants.isolation.context import tenant_context
from tenants.isolation.statements import fetch, run
from tenants.tasks import defer

log = logging.getLogger(__name__)
TASK = "segments.follow"
# So many entries of the queue in one transaction, and so many transactions before others have their turn.
BATCH, TURNS = 4_000, 10
# So many contacts whose events leave a window are looked at one by one; with more, the segment is compared as a whole.
MOST_BY_WINDOW = 50_000


def sweep_workspace(tenant_id: int) -> None:
    """See to all that is due in a workspace: refreshes that nobody has begun or that failed, time, and the queue."""
    with tenant_context(tenant_id):
        seen_at = timezone.now()
        segments = list(Segment.objects.dynamic())
        if not segments:
            change_queue.watch(())
            change_queue.empty()
            pending_work.clear_pending(refresh.WAKE, seen_at=seen_at)
            return
        for segment in segments:
            if segment.active:
                defer(refresh.TASK, tenant_id=tenant_id, segment_id=segment.pk)
            elif segment.fence is not None and not refresh.is_under_way(segment.fence):
                Segment.objects.filter(pk=segment.pk).update(fence=None)
                segment.fence = None
                refresh.begin(segment)
    look_at_time(tenant_id)
    follow(tenant_id)


def follow(tenant_id: int) -> None:
    """Work off the queue of a workspace for a while. Safe to run any number of times, side by side."""
    for _turn in range(TURNS):
        with tenant_context(tenant_id):
            if not batch():
                return
    with tenant_context(tenant_id):
        defer(TASK, tenant_id=tenant_id)


def batch() -> bool:
    """One batch in the transaction of the caller; whether there may be more."""
    mine, busy = _locked()
    if not mine:
        return False
    taken = change_queue.take(BATCH, busy=[s.pk for s in busy])
    if not taken:
        return False
    now = timezone.now()
    _leave_for(busy, taken)
    asked: dict[int | None, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for contact_id, cause, segment_id in taken:
        asked[segment_id][contact_id].add(cause)
    _add_partners(mine, asked[None])
    scope = compiler.context()
    for segment in refresh.in_order([s for s in mine if s.state == SegmentState.READY]):
        causes = _of(segment, asked)
        if causes:
            entered, left = _look(segment, causes, scope, now=now)
            for contact_id in (*entered, *left):
                asked[None][contact_id].add("segment")
    return len(taken) == BATCH


def _locked() -> tuple[list[Segment], list[Segment]]:
    """The dynamic segments that are locked now, and those that another transaction has locked."""
    dynamic = Segment.objects.dynamic()
    mine = list(dynamic.order_by("pk").select_for_update(skip_locked=True))
    busy = list(dynamic.exclude(pk__in=[s.pk for s in mine]))
    return mine, busy


# Who may be the same as one of these contacts.
PARTNERS = """
SELECT p.high_id FROM probable_pair p WHERE p.tenant_id = %(tenant)s AND p.low_id = ANY(%(ids)s)
UNION SELECT p.low_id FROM probable_pair p WHERE p.tenant_id = %(tenant)s AND p.high_id = ANY(%(ids)s)"""


def _add_partners(segments: Iterable[Segment], asked: dict[int, set[str]]) -> None:
    """Whether somebody has a probable duplicate changes with the other one, too: deleted, it is none."""
    ids = [pk for pk, causes in asked.items() if "contact" in causes]
    if ids and any("duplicate" in segment.causes for segment in segments):
        for (pk,) in fetch(PARTNERS, ids=ids):
            asked[pk].add("duplicate")


def _leave_for(busy: Iterable[Segment], taken: Sequence[tuple[int, str, int | None]]) -> None:
    for segment in busy:
        entries = {(contact_id, cause) for contact_id, cause, only in taken if only is None and cause in segment.causes}
        if entries:
            change_queue.leave(segment.pk, sorted(entries))


def _of(segment: Segment, asked: dict[int | None, dict[int, set[str]]]) -> dict[int, set[str]]:
    """Contact → what has changed, of what the segment asks about."""
    wanted = set(segment.causes)
    causes = {pk: changed & wanted for pk, changed in asked[None].items() if changed & wanted}
    for pk, changed in asked.get(segment.pk, {}).items():
        causes[pk] = causes.get(pk, set()) | changed
    return causes


def _look(
    segment: Segment, causes: dict[int, set[str]], scope: Context, *, now: datetime
) -> tuple[Collection[int], Collection[int]]:
    """Compare these contacts with the rule and write who entered and who left; returns both. A rule that cannot be read any
    more makes the segment fail."""
    ids = sorted(causes)
    try:
        rule = parse(segment.rule)
        within = replace(scope, inside=frozenset({segment.pk}), of=ids, spent=[0])
        meant = _meant(rule, within)
        members = {row[0] for row in fetch(MEMBERS, segment=segment.pk, ids=ids)}
        entered, left = sorted(meant - members), sorted(members - meant)
        if not entered and not left:
            return (), ()
        why = reasons.explain(rule, entered=entered, left=left, causes=causes, scope=within)
    except RuleError as problem:
        refresh.fail(segment, problem.why)
        return (), ()
    run(ENTER, segment=segment.pk, ids=entered, now=now)
    run(LEAVE, segment=segment.pk, ids=left)
    for cause, (came, went) in _by_cause(segment, causes, entered, left).items():
        history.record(segment.pk, entered=came, left=went, cause=cause, why=why, now=now)
    segment.size += len(entered) - len(left)
    Segment.objects.filter(pk=segment.pk).update(size=segment.size)
    history.record_size(segment.pk, segment.size, entered=len(entered), left=len(left), now=now)
    return entered, left


# Members among these contacts; each found by the key.
MEMBERS = """
SELECT m.contact_id FROM segment_member m
WHERE m.tenant_id = %(tenant)s AND m.segment_id = %(segment)s AND m.contact_id = ANY(%(ids)s)"""
ENTER = """
INSERT INTO segment_member (tenant_id, segment_id, contact_id, added_at)
SELECT %(tenant)s, %(segment)s, u.id, %(now)s FROM unnest(%(ids)s::bigint[]) u(id) ON CONFLICT DO NOTHING"""
LEAVE = """
DELETE FROM segment_member m
WHERE m.tenant_id = %(tenant)s AND m.segment_id = %(segment)s AND m.contact_id = ANY(%(ids)s)"""


def _meant(rule: Group, scope: Context) -> set[int]:
    them = RawSQL("SELECT unnest(%s::bigint[])", [list(scope.of or ())])
    meant = Contact.objects.living().filter(pk__in=them).filter(compiler.compile_rule(rule, scope))
    return set(meant.order_by().values_list("pk", flat=True))


def _by_cause(
    segment: Segment, causes: dict[int, set[str]], entered: Iterable[int], left: Iterable[int]
) -> dict[str, tuple[list[int], list[int]]]:
    """Who entered and left, by what is said to be the cause: of several, the one that is nearest to the rule."""
    order = [*(cause for cause in _NEAREST if cause in segment.causes), *_NEAREST]
    found: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for place, ids in enumerate((entered, left)):
        for pk in ids:
            found[next(cause for cause in order if cause in causes[pk])][place].append(pk)
    return found


_NEAREST = ("source", "import", "segment", "duplicate", "event", "visit", "contact", "time")


# --- time ---------------------------------------------------------------------------------------------------------------


def look_at_time(tenant_id: int) -> None:
    """Put contacts into the queue whose events have left a window, and refresh what a new day can have changed."""
    with tenant_context(tenant_id):
        now = timezone.now()
        due = Segment.objects.dynamic().filter(due_at__lte=now).exclude(state__in=Segment.ACTIVE)
        segments = list(due.order_by("due_at").select_for_update(skip_locked=True)[:100])
        scope = compiler.context() if segments else None
        for segment in segments:
            assert scope is not None
            _pass_time(segment, scope)


def _pass_time(segment: Segment, scope: Context) -> None:
    try:
        rule = parse(segment.rule)
        whole = segment.state == SegmentState.FAILED or refresh.needs_whole(segment, rule, scope.clock)
        moved = set() if whole else _moved(segment, rule, scope)
    except RuleError as problem:
        refresh.fail(segment, problem.why)
        return
    if whole or len(moved) > MOST_BY_WINDOW:
        refresh.begin(segment)
        return
    change_queue.leave(segment.pk, [(pk, "time") for pk in sorted(moved)])
    segment.clock_at, segment.due_at = scope.clock.now, refresh.due_at(rule, scope)
    segment.save(update_fields=["clock_at", "due_at"])


def _moved(segment: Segment, rule: Group, scope: Context) -> set[int]:
    """Contacts with an event that has reached an edge of a window since the segment was last looked at."""
    before = replace(scope.clock, now=segment.clock_at or scope.clock.now)
    moved: set[int] = set()
    for window in schedule.needs(rule).windows:
        for start, stop in schedule.moves(window, since=before, until=scope.clock):
            statement, values = schedule.doers(window, start=start, stop=stop)
            moved.update(row[0] for row in fetch(statement, **values))
    return moved
