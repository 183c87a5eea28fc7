"""Dynamic segments after each change: the contacts in the queue (contacts.change_queue) are looked at again, one batch a
transaction, in the order in which segments name each other.

Of a segment only one transaction at a time writes members: the one that has locked its row. A segment that is being
refreshed as a whole is passed over, and its contacts stay in the queue for it alone. The entries of a batch leave the queue
in the transaction that has looked at their contacts, so a killed worker loses nothing.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import inf
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from contacts import change_queue
from contacts.models import Contact
from segments import history, reasons, refresh
from segments.models import Segment, SegmentState
from segments.rules import compiler, schedule
from segments.rules.compiler import Context
from segments.rules.tree import Group, InSegment, Node, RuleError, parse
from tenants import pending_work
from tenants.isolation.context import tenant_context
from tenants.isolation.statements import fetch, run

log = logging.getLogger(__name__)
# So many entries of the queue in one transaction.
BATCH = 4_000
# For so long one workspace is followed, and after so long a sweep follows no further one: the next sweep is there within
# seconds, and others have their turn before.
FOLLOW_SECONDS, SWEEP_SECONDS = 3.0, 5.0
# With more entries in the queue, segments are compared as a whole.
MOST_ONE_BY_ONE = 60_000
# So many contacts whose events leave a window are looked at one by one; with more, the segment is compared as a whole.
MOST_BY_WINDOW = 50_000
# So many segments that are due in one sweep: the queue does not wait for the rest.
MOST_DUE = 20


def sweep_end() -> float:
    """When a sweep that begins now follows no further workspace, by the monotonic clock."""
    return time.monotonic() + SWEEP_SECONDS


def sweep_workspace(tenant_id: int, *, until: float = inf) -> None:
    """See to the queue of a workspace, unless the time is over (sweep_end), and to what time has changed. Mostly there is
    nothing, so that is asked first."""
    with tenant_context(tenant_id):
        is_waiting, is_due = change_queue.is_waiting(), _due(timezone.now()).exists()
    if is_waiting and time.monotonic() < until:
        follow(tenant_id)
    if is_due:
        look_at_time(tenant_id)


def _due(now: datetime) -> "QuerySet[Segment]":
    """Dynamic segments that time may have changed."""
    found: QuerySet[Segment] = Segment.everything.dynamic().filter(due_at__lte=now)
    return found.exclude(state__in=Segment.ACTIVE)


def follow(tenant_id: int) -> None:
    """Work off the queue of a workspace for a while; what is left is for the next sweep. Safe to run any number of times,
    side by side."""
    until = time.monotonic() + FOLLOW_SECONDS
    with tenant_context(tenant_id):
        if change_queue.is_longer_than(MOST_ONE_BY_ONE):
            _compare_whole()
    while True:
        with tenant_context(tenant_id):
            more = batch()
            is_over = time.monotonic() >= until
            if more and is_over:  # marked anew: it is not forgotten, and the next sweep begins with the others
                pending_work.mark_pending(change_queue.WAKE)
        if not more or is_over:
            return


def _compare_whole() -> None:
    """So many contacts have changed that all segments which ask about it are compared as a whole."""
    causes = change_queue.take_all()
    for segment in Segment.everything.dynamic().order_by("pk"):
        if touched := causes & set(segment.causes):
            change_queue.leave(segment.pk, [(change_queue.WHOLE, min(touched))])


def batch() -> bool:
    """One batch in the transaction of the caller; whether there may be more."""
    mine, busy = _locked()
    if not mine:
        return False
    taken = change_queue.take(BATCH, busy=[s.pk for s in busy])
    if not taken:
        return False
    now = timezone.now()
    asked: dict[int | None, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for contact_id, cause, segment_id in taken:
        asked[segment_id][contact_id].add(cause)
    _add_partners([*mine, *busy], asked[None])
    _look_at(mine, asked, now=now)
    _leave_for(busy, asked[None])
    return len(taken) == BATCH


def _look_at(segments: Iterable[Segment], asked: dict[int | None, dict[int, set[str]]], *, now: datetime) -> None:
    """Look at the contacts in each segment, in the order in which segments name each other."""
    look: Look | None = None
    for segment in refresh.in_order(list(segments)):
        whole = asked.get(segment.pk, {}).pop(change_queue.WHOLE, None)
        if segment.active:
            continue  # compared as a whole after this transaction
        if whole:
            refresh.begin(segment, cause=min(whole))
        elif segment.state == SegmentState.READY and (causes := _of(segment, asked)):
            look = look or Look.at({pk for changed in asked.values() for pk in changed}, now)
            for pk in _follow(segment, causes, look):
                asked[None][pk].add("segment")


def _locked() -> tuple[list[Segment], list[Segment]]:
    """The dynamic segments that are locked now, and those that another transaction has locked."""
    dynamic = Segment.everything.dynamic()
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


def _leave_for(busy: Iterable[Segment], asked: dict[int, set[str]]) -> None:
    """Leave to locked segments what they ask about, those included who have entered or left a segment that they name."""
    for segment in busy:
        wanted = set(segment.causes)
        if entries := sorted((pk, cause) for pk, causes in asked.items() for cause in causes & wanted):
            change_queue.leave(segment.pk, entries)


def _of(segment: Segment, asked: dict[int | None, dict[int, set[str]]]) -> dict[int, set[str]]:
    """Contact → what has changed, of what the segment asks about."""
    wanted = set(segment.causes)
    causes = {pk: changed & wanted for pk, changed in asked[None].items() if changed & wanted}
    for pk, changed in asked.get(segment.pk, {}).items():
        causes[pk] = causes.get(pk, set()) | changed
    return causes


@dataclass
class Look:
    """What is known of the contacts of one batch: each condition is asked once, however many segments have it."""

    ids: list[int]
    now: datetime
    scope: Context
    living: set[int]
    members: dict[int, set[int]]
    known: dict[Node, set[int]] = field(default_factory=dict)

    @classmethod
    def at(cls, contact_ids: Collection[int], now: datetime) -> "Look":
        """A look at these contacts."""
        ids = sorted(contact_ids)
        members: dict[int, set[int]] = defaultdict(set)
        for segment_id, contact_id in fetch(MEMBERS, ids=ids):
            members[segment_id].add(contact_id)
        living = set(_among(ids).filter(deleted_at=None).values_list("pk", flat=True))
        return cls(ids, now, replace(compiler.context(), of=ids), living, members)

    def meant(self, rule: Group, segment: Segment) -> set[int]:
        """The living contacts that a rule means. Raises RuleError."""
        return self._holds(rule, replace(self.scope, inside=frozenset({segment.pk}), spent=[0])) & self.living

    def _holds(self, node: Node, scope: Context) -> set[int]:
        if isinstance(node, Group):
            # As segments.rules.compiler.join: without parts, nobody.
            parts = [self._holds(part, scope) for part in node.parts]
            if node.match == "all":
                return set.intersection(*parts) if parts else set()
            anybody = set().union(*parts)
            return anybody if node.match == "any" or not parts else set(self.ids) - anybody
        if isinstance(node, InSegment):
            return self._ask(node, scope)  # members change while the batch goes on
        if node not in self.known:
            self.known[node] = self._ask(node, scope)
        return self.known[node]

    def _ask(self, node: Node, scope: Context) -> set[int]:
        found = _among(self.ids).filter(compiler.compile_part(node, scope))
        return set(found.order_by().values_list("pk", flat=True))


def _among(ids: Sequence[int]) -> Any:
    """These contacts, living or deleted: one array as parameter."""
    return Contact.objects.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [list(ids)]))


def _follow(segment: Segment, causes: dict[int, set[str]], look: Look) -> Collection[int]:
    """Compare these contacts with the rule and write who entered and who left; returns both. A rule that cannot be read any
    more makes the segment fail."""
    ids, members, now = set(causes), look.members[segment.pk], look.now
    try:
        rule = parse(segment.rule)
        meant = look.meant(rule, segment)
        entered, left = sorted(ids & (meant - members)), sorted(ids & (members - meant))
        if not entered and not left:
            return ()
        why = reasons.explain(rule, entered=entered, left=left, causes=causes, scope=look.scope)
    except RuleError as problem:
        refresh.fail(segment, problem.why)
        return ()
    run(ENTER, segment=segment.pk, ids=entered, now=now)
    run(LEAVE, segment=segment.pk, ids=left)
    members.update(entered)
    members.difference_update(left)
    for cause, (came, went) in _by_cause(segment, causes, entered, left).items():
        history.record(segment.pk, entered=came, left=went, cause=cause, why=why, now=now)
    segment.size += len(entered) - len(left)
    Segment.everything.filter(pk=segment.pk).update(size=segment.size)
    history.record_size(segment.pk, segment.size, entered=len(entered), left=len(left), now=now)
    return [*entered, *left]


# The segments of these contacts.
MEMBERS = """
SELECT m.segment_id, m.contact_id FROM segment_member m
WHERE m.tenant_id = %(tenant)s AND m.contact_id = ANY(%(ids)s)"""
ENTER = """
INSERT INTO segment_member (tenant_id, segment_id, contact_id, added_at)
SELECT %(tenant)s, %(segment)s, u.id, %(now)s FROM unnest(%(ids)s::bigint[]) u(id) ON CONFLICT DO NOTHING"""
LEAVE = """
DELETE FROM segment_member m
WHERE m.tenant_id = %(tenant)s AND m.segment_id = %(segment)s AND m.contact_id = ANY(%(ids)s)"""


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


_NEAREST = ("source", "lookalike", "import", "segment", "duplicate", "event", "visit", "contact", "time")


# --- time ---------------------------------------------------------------------------------------------------------------


def look_at_time(tenant_id: int) -> None:
    """Put contacts into the queue whose events have left a window, and refresh what a new day can have changed."""
    with tenant_context(tenant_id):
        now = timezone.now()
        segments = list(_due(now).order_by("due_at").select_for_update(skip_locked=True)[:MOST_DUE])
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
        refresh.begin(segment, cause="time" if segment.state == SegmentState.READY else "refresh")
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
