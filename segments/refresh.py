"""Dynamic segments from their rules as a whole: when one is made or edited, and when its rule may mean others by itself.

One statement compares whom the rule means with the members, under the lock of the segment's row. What changes meanwhile is
left for afterwards (segments.incremental passes over a segment that is locked and puts its contacts back into the queue).
The work is done under a lease (contacts.leased_job); a refresh that fails is tried again, later each time, and the page
says why.
"""

import time
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from contacts import change_queue, leased_job
from contacts.change_queue import Cause
from contacts.models import Contact
from segments import history, membership, reasons
from segments.models import MemberChange, Segment, SegmentState
from segments.rules import compiler, dependencies, schedule
from segments.rules.activity_conditions import ACTIVITIES
from segments.rules.compiler import Context
from segments.rules.operators import EvaluationTime
from segments.rules.tree import FieldCondition, Group, RuleError, parse
from tenants import pending_work
from tenants.isolation.context import current_tenant, tenant_context
from tenants.isolation.statements import fetch, run
from tenants.tasks import defer

WAKE, TASK = "segments", "segments.refresh"
# A whole refresh that failed is tried again after so long, doubled each time up to LONGEST; all are compared once in DAILY.
FIRST_RETRY, LONGEST = timedelta(seconds=30), timedelta(hours=1)
DAILY = timedelta(hours=24)
MOST_WOKEN = 50
# Settings of the workspace by which the values of every rule are read.
EVERY_RULE = frozenset({"time_zone", "country"})

# Members become whom the rule means: one statement, so that nobody sees half of it. The contacts of the rule are read once.
# Locks the entries that it deletes.
COMPARE = """
WITH meant (id) AS MATERIALIZED ({meant}),
gone AS (
  DELETE FROM segment_member m WHERE m.tenant_id = %s AND m.segment_id = %s
    AND NOT EXISTS (SELECT 1 FROM meant x WHERE x.id = m.contact_id) RETURNING m.contact_id),
new AS (
  INSERT INTO segment_member (tenant_id, segment_id, contact_id, added_at)
  SELECT %s, %s, x.id, %s FROM meant x WHERE NOT EXISTS (
    SELECT 1 FROM segment_member m WHERE m.tenant_id = %s AND m.segment_id = %s AND m.contact_id = x.id)
  ON CONFLICT DO NOTHING RETURNING contact_id),
noted AS (
  INSERT INTO segment_change (tenant_id, segment_id, at, contact_id, entered, cause)
  SELECT %s, %s, %s, c.contact_id, c.entered, %s FROM (
    SELECT n.contact_id, true AS entered FROM new n WHERE %s
    UNION ALL SELECT g.contact_id, false FROM gone g) c
  ON CONFLICT DO NOTHING)
SELECT (SELECT count(*) FROM meant), (SELECT count(*) FROM new), (SELECT count(*) FROM gone)"""


def begin(segment: Segment, *, rule_changed: bool = False, cause: str = "refresh") -> None:
    """Let a worker refresh a dynamic segment, once the transaction has committed. With another rule, what the members were
    says nothing any more, and from now on other changes may be queued. Waits for a refresh that is under way."""
    if rule_changed:
        segment.state, segment.refreshed_at, segment.fence = SegmentState.BUILDING, None, None
        segment.causes = sorted(reasons.queued_by(parse(segment.rule)) | {"contact"})
    elif not segment.active:
        segment.state = SegmentState.REFRESHING
    segment.attempts, segment.cause = 0, "rule" if rule_changed else cause
    # Who only asks for a refresh may have read the segment before somebody else changed its rule.
    of_rule = ["refreshed_at", "fence", "causes"] if rule_changed else []
    segment.save(update_fields=["state", "attempts", "cause", *of_rule])
    if rule_changed:
        watch()
    pending_work.mark_pending(WAKE)
    defer(TASK, tenant_id=current_tenant(), segment_id=segment.pk)


def request(segment_id: int, *, because: Cause) -> None:
    """Let the next sweep begin a refresh. Locks nothing, so any transaction may ask for any segment."""
    change_queue.leave(segment_id, [(change_queue.WHOLE, because)])


def request_all_asking(*causes: Cause, because: Cause) -> None:
    """Request the refresh of the segments whose rules ask about changes of these kinds: for changes of too many contacts to
    queue them one by one."""
    for segment in Segment.everything.dynamic().order_by("pk"):
        if set(causes) & set(segment.causes):
            request(segment.pk, because=because)


def follow_settings(names: Collection[str]) -> None:
    """Request the refresh of the segments whose rules mean others with another setting (tenants.setting_changes)."""
    for segment in Segment.everything.dynamic().order_by("pk"):
        if _asks_for(segment, names):
            change_queue.leave(segment.pk, [(change_queue.WHOLE, "setting")])


def _asks_for(segment: Segment, names: Collection[str]) -> bool:
    if not EVERY_RULE.isdisjoint(names):
        return True
    try:
        rule = parse(segment.rule)
    except RuleError:
        return False  # no setting makes it one that can be read
    keys = {leaf.key for _path, leaf, _positive in dependencies.leaves(rule) if isinstance(leaf, FieldCondition)}
    orders = "count_claimed_orders" in names and "event:order" in dependencies.causes(rule)
    return orders or not {f"field {key}" for key in keys}.isdisjoint(names)


def watch() -> None:
    """Queue what the dynamic segments ask about, and nothing else."""
    asked = Segment.everything.dynamic().values_list("causes", flat=True)
    change_queue.watch({cause for causes in asked for cause in causes})


def work(tenant_id: int, segment_id: int) -> None:
    """Refresh a segment that is to be refreshed. Safe to run any number of times, side by side."""
    leased_job.work(
        tenant_id, segment_id, model=Segment, step=step, fail=fail,
        again=lambda: defer(TASK, tenant_id=tenant_id, segment_id=segment_id),
    )  # fmt: skip


def wake_due(tenant_id: int) -> None:
    """Send every segment of a workspace that is being refreshed to a worker, and those that have to be compared once more;
    forget the workspace when it has no dynamic segment."""
    with tenant_context(tenant_id):
        seen_at = timezone.now()
        segments = list(Segment.everything.dynamic().order_by("pk"))
        if not segments:
            change_queue.watch(())
            change_queue.empty()
            pending_work.clear_pending(WAKE, seen_at=seen_at)
            return
        # First those that others wait for.
        for segment in in_order([s for s in segments if s.active])[:MOST_WOKEN]:
            defer(TASK, tenant_id=tenant_id, segment_id=segment.pk)
        for segment in segments:
            if not segment.active and segment.fence is not None and not is_under_way(segment.fence):
                Segment.everything.filter(pk=segment.pk, fence=segment.fence).update(fence=None)
                begin(segment)


def step(segment: Segment) -> bool:
    """The whole refresh, in the transaction of the caller, who has locked the row; there is never more to do."""
    now, began = timezone.now(), time.perf_counter()
    try:
        rule = parse(segment.rule)
        scope = compiler.context(inside=segment.pk)
        if waits_for(rule):
            segment.attempts = 0
            segment.save(update_fields=["attempts"])
            return False  # the sweep comes back to it
        if segment.fence is None:
            segment.fence = _transactions()
        first = segment.duration_ms is None
        size, entered, left = _compare(segment, rule, scope, now=now, note_entered=not first)
    except RuleError as problem:
        fail(segment, problem.why)
        return False
    if entered or left:
        history.record_size(segment.pk, size, entered=entered, left=left, now=now)
    membership.learn(entered + left)
    if entered or left or first:
        request_dependents(segment.pk)
    segment.size, segment.refreshed_at = size, now
    segment.duration_ms = round((time.perf_counter() - began) * 1000)
    segment.state, segment.reason, segment.failures, segment.attempts = SegmentState.READY, "", 0, 0
    if not is_under_way(segment.fence):
        segment.fence = None
    segment.clock_at = scope.clock.now
    segment.due_at = due_at(rule, scope)
    segment.save()
    return False


def _compare(
    segment: Segment, rule: Group, scope: Context, *, now: datetime, note_entered: bool
) -> tuple[int, int, int]:
    """(size, entered, left)."""
    meant = Contact.objects.living().filter(compiler.compile_rule(rule, scope)).order_by().values_list("pk")
    sql, values = meant.query.sql_with_params()
    own, cause = (current_tenant(), segment.pk), segment.cause or "refresh"
    with connection.cursor() as cursor:
        cursor.execute(
            COMPARE.replace("{meant}", sql),
            [*values, *own, *own, now, *own, *own, now, cause, note_entered],
        )
        size, entered, left = cursor.fetchone() or (0, 0, 0)
    if note_entered and entered + left:
        _say_why(segment, rule, scope, now=now, cause=cause)
    return size, entered, left


def _say_why(segment: Segment, rule: Group, scope: Context, *, now: datetime, cause: str) -> None:
    changes = MemberChange.objects.filter(segment_id=segment.pk, at=now)
    noted = list(changes.order_by("contact_id").values_list("contact_id", "entered")[: reasons.MOST])
    entered, left = [pk for pk, inside in noted if inside], [pk for pk, inside in noted if not inside]
    causes = {pk: TOUCHED.get(cause, {cause}) for pk, _inside in noted}
    why = reasons.explain(rule, entered=entered, left=left, causes=causes, scope=scope)
    run(WHY, segment=segment.pk, now=now, ids=list(why), why=list(why.values()))


# Cause of a refresh → what it can have changed.
TOUCHED: dict[str, set[str]] = {"import": {"contact", "event", "segment", "import"}}
WHY = """
UPDATE segment_change c SET why = u.why FROM unnest(%(ids)s::bigint[], %(why)s::text[]) u(id, why)
WHERE c.tenant_id = %(tenant)s AND c.segment_id = %(segment)s AND c.at = %(now)s AND c.contact_id = u.id"""


def fail(segment: Segment, why: str) -> None:
    """Say why a refresh has failed, and when it is tried again. The members stay as they are."""
    segment.state, segment.reason, segment.attempts = SegmentState.FAILED, why[:300], 0
    segment.failures += 1
    segment.due_at = timezone.now() + min(LONGEST, FIRST_RETRY * 2 ** min(segment.failures - 1, 10))
    segment.save(update_fields=["state", "reason", "attempts", "failures", "due_at"])


# --- what depends on what -----------------------------------------------------------------------------------------------


def waits_for(rule: Group) -> bool:
    """Whether a rule asks for a segment that is still being built."""
    asked = Segment.everything.dynamic().filter(pk__in=dependencies.depends_on(rule))
    return bool(asked.filter(state=SegmentState.BUILDING).exists())


def request_dependents(segment_id: int) -> None:
    """Request the refresh of the segments whose rules name a segment that has other members now; those that are built wait
    for it and can go on."""
    for other in Segment.everything.dynamic().exclude(pk=segment_id).order_by("pk"):
        if segment_id in _named_by(other):
            if other.active:
                defer(TASK, tenant_id=current_tenant(), segment_id=other.pk)
            else:
                request(other.pk, because="segment")


def in_order(segments: list[Segment]) -> list[Segment]:
    """Segments so that each stands behind those that its rule names."""
    by_id, order, seen = {s.pk: s for s in segments}, list[Segment](), set[int]()

    def visit(segment: Segment) -> None:
        if segment.pk in seen:
            return
        seen.add(segment.pk)
        for named in sorted(_named_by(segment)):
            if named in by_id:
                visit(by_id[named])
        order.append(segment)

    for segment in segments:
        visit(segment)
    return order


def _named_by(segment: Segment) -> frozenset[int]:
    try:
        return dependencies.depends_on(parse(segment.rule))
    except RuleError:
        return frozenset()  # its own refresh says that it cannot be read


# --- time ---------------------------------------------------------------------------------------------------------------

# The first event of a kind in [since, until): when it reaches the edge of a window, the window means others.
FIRST = """
SELECT min(e.at) FROM event e
WHERE e.tenant_id = %(tenant)s AND e.at >= %(since)s AND e.at < %(until)s AND e.kind = %(kind)s"""
# Not more often than this, however many events there are.
SOON = timedelta(seconds=60)


def due_at(rule: Group, scope: Context) -> datetime:
    """When a segment has to be looked at again although nobody writes anything: at the latest after a day."""
    needs, now = schedule.needs(rule), scope.clock.now
    due = [now + DAILY]
    if needs.midnight:
        due.append(schedule.next_midnight(scope.clock))
    later = replace(scope.clock, now=now + DAILY)
    for window in needs.windows:
        kind = ACTIVITIES[window.what].kind
        for start, stop in schedule.moves(window, since=scope.clock, until=later):
            first = fetch(FIRST, since=start, until=stop, kind=kind)[0][0]
            if first is not None:
                due.append(max(now + (first - start), now + SOON))
    return min(due)


def needs_whole(segment: Segment, rule: Group, clock: EvaluationTime) -> bool:
    """Whether a segment that is due has to be compared as a whole: on a new day if its rule asks for days, and each day."""
    if segment.refreshed_at is None or segment.clock_at is None or clock.now - segment.refreshed_at >= DAILY:
        return True
    before = replace(clock, now=segment.clock_at)
    return schedule.needs(rule).midnight and before.today != clock.today


# --- the moment from which on changes are queued ------------------------------------------------------------------------

# The first number that no transaction has yet; and whether one with a lower number is under way, this one left out.
NEXT = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
UNDER_WAY = """
SELECT EXISTS (SELECT 1 FROM pg_snapshot_xip(pg_current_snapshot()) x(id) WHERE x.id::text::bigint < %(fence)s)"""


def _transactions() -> int:
    return int(fetch(NEXT)[0][0])


def is_under_way(fence: int) -> bool:
    """Whether a transaction from before `fence` may still write: it did not know that its changes are asked about, so the
    segment is refreshed once more when it has ended."""
    return bool(fetch(UNDER_WAY, fence=fence)[0][0])
