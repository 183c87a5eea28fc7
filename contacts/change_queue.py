"""Contacts that have changed, queued for what follows from them: the members of dynamic segments.

Whoever writes something that a rule can ask about calls `add` in the same transaction; an import does so for all its
contacts when it ends. Nothing is queued that no segment of the workspace asks about, so that a workspace without dynamic
segments pays for one look at an empty table. A row leaves the queue in the transaction that has looked at its contact.
"""

from collections.abc import Collection, Iterable
from typing import Any, Literal

from contacts.models import QueuedChange, WatchedCause
from tenants import pending_work
from tenants.isolation.context import current_tenant
from tenants.isolation.statements import fetch, fill, run

# What has changed: the contact itself; what its visitors did, or whose they are; imported and mailed events; who is in
# a static segment, in a source, in a lookalike, in an import; its probable duplicates.
Cause = Literal["contact", "visit", "event", "segment", "source", "lookalike", "import", "duplicate"]

# The mark of workspaces with entries lately (tenants.pending_work).
WAKE = "changes"
# Instead of a contact: the segment has to be compared as a whole.
WHOLE = 0

# Runs in the transaction of the change; locks nothing.
ADD = """
INSERT INTO change_queue (tenant_id, contact_id, cause)
SELECT DISTINCT %(tenant)s, u.id, %(cause)s FROM unnest(%(ids)s::bigint[]) u(id)
WHERE EXISTS (SELECT 1 FROM watched_cause w WHERE w.tenant_id = %(tenant)s AND w.cause = %(cause)s)
ON CONFLICT DO NOTHING"""
# The same for the contacts that a query finds, in its column `id`.
ADD_FOUND = """
INSERT INTO change_queue (tenant_id, contact_id, cause)
SELECT DISTINCT %(tenant)s, f.id, %(cause)s FROM ({found}) f(id)
WHERE EXISTS (SELECT 1 FROM watched_cause w WHERE w.tenant_id = %(tenant)s AND w.cause = %(cause)s)
ON CONFLICT DO NOTHING"""


def add(contact_ids: Iterable[int], cause: Cause) -> None:
    """Queue contacts, each once."""
    ids = list(contact_ids)
    if ids and run(ADD, ids=ids, cause=cause):
        pending_work.mark_often(WAKE)


def add_found(found: str, cause: Cause, **values: Any) -> None:
    """Queue the contacts that a statement finds: one column of IDs. `values`: those of the statement."""
    if run(fill(ADD_FOUND, found=found), cause=cause, **values):
        pending_work.mark_often(WAKE)


# --- read by what follows from contacts ---------------------------------------------------------------------------------

# The oldest entries, taken off. What another transaction has not committed yet comes with a later look. Entries for one
# segment wait for it. They are chosen once (MATERIALIZED): a plan that asks again for each row would skip those that this
# statement has just deleted, and take the next ones, more than the limit.
TAKE = """
WITH old (id) AS MATERIALIZED (
  SELECT o.id FROM change_queue o
  WHERE o.tenant_id = %(tenant)s AND (o.segment_id IS NULL OR o.segment_id <> ALL(%(busy)s::bigint[]))
  ORDER BY o.id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
DELETE FROM change_queue q USING old
WHERE q.tenant_id = %(tenant)s AND q.id = old.id RETURNING q.contact_id, q.cause, q.segment_id"""
# Contacts that one segment has to look at again, since it was being refreshed when the others looked.
LEAVE = """
INSERT INTO change_queue (tenant_id, contact_id, cause, segment_id)
SELECT %(tenant)s, u.id, u.cause, %(segment)s FROM unnest(%(ids)s::bigint[], %(causes)s::text[]) u(id, cause)
ON CONFLICT DO NOTHING"""
LENGTH = """
SELECT count(*) FROM (
  SELECT 1 FROM change_queue q WHERE q.tenant_id = %(tenant)s AND q.segment_id IS NULL LIMIT %(most)s) x"""
TAKE_ALL = """
WITH gone AS (
  DELETE FROM change_queue q WHERE q.tenant_id = %(tenant)s AND q.segment_id IS NULL RETURNING q.cause)
SELECT DISTINCT g.cause FROM gone g"""
WAITING = "SELECT EXISTS (SELECT 1 FROM change_queue q WHERE q.tenant_id = %(tenant)s)"


def take(most: int, *, busy: Collection[int]) -> list[tuple[int, str, int | None]]:
    """Take (contact, cause, segment or None for all) off the queue; entries for segments in `busy` stay."""
    return [(row[0], row[1], row[2]) for row in fetch(TAKE, most=most, busy=list(busy))]


def is_longer_than(most: int) -> bool:
    """Whether more than so many entries are for all segments."""
    return bool(fetch(LENGTH, most=most + 1)[0][0] > most)


def take_all() -> set[str]:
    """Take all entries for all segments off the queue; returns what has changed. The caller compares the whole."""
    return {row[0] for row in fetch(TAKE_ALL)}


def leave(segment_id: int, entries: Collection[tuple[int, str]]) -> None:
    """Put (contact, cause) back, for one segment."""
    if run(LEAVE, segment=segment_id, ids=[e[0] for e in entries], causes=[e[1] for e in entries]):
        pending_work.mark_often(WAKE)


def empty() -> None:
    """Forget what is queued: nobody asks about it any more."""
    QueuedChange.objects.all().delete()


def is_waiting() -> bool:
    """Whether something is in the queue."""
    return bool(fetch(WAITING)[0][0])


def watch(causes: Collection[str]) -> None:
    """From now on queue changes of these kinds, and no others."""
    watched = WatchedCause.objects
    watched.exclude(cause__in=causes).delete()
    wanted = [WatchedCause(tenant_id=current_tenant(), cause=cause) for cause in sorted(causes)]
    watched.bulk_create(wanted, ignore_conflicts=True)
