"""Hits that come again: a script sends a hit until it is acknowledged, so one whose answer was lost arrives twice.

The ID that the sender has made for a hit is stored in the transaction that stores the hit, for longer than a sender tries
again; a hit with a stored ID is dropped. Drains of one workspace take turns (`inbox_position` is locked), so that the second
of two sees what the first has stored. Hits without an ID, as older scripts send them, are stored each time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tenants.isolation import statements
from tracking.pixel.inbox import Entry

REPEATED = "repeated"
# Longer than hits.MAX_AGE_SECONDS and the time that a hit may wait in the inbox.
KEPT_FOR = timedelta(days=7)
PURGED_AT_ONCE = 20_000

# Stores the IDs of a batch and returns those that were not stored before; rows in the order of the key.
REMEMBER = """
INSERT INTO hit_id (tenant_id, hit, at)
SELECT %(tenant)s, u.id, %(now)s FROM unnest(%(ids)s::uuid[]) AS u(id) ORDER BY u.id
ON CONFLICT DO NOTHING RETURNING replace(hit::text, '-', '')"""
# The oldest IDs whose time is over, so many at once.
PURGE = """
DELETE FROM hit_id h USING (
  SELECT o.hit FROM hit_id o WHERE o.tenant_id = %(tenant)s AND o.at < %(before)s ORDER BY o.at LIMIT %(most)s) old
WHERE h.tenant_id = %(tenant)s AND h.hit = old.hit"""


def take(entries: Sequence[Entry], *, now: datetime) -> list[Entry]:
    """Those of the entries that are not stored yet, each ID once, in their order; their IDs are stored from now on. Runs in
    the transaction that stores the hits."""
    ids = list(dict.fromkeys(e.hit.id for e in entries if e.hit.id))
    if not ids:
        return list(entries)
    fresh = {row[0] for row in statements.fetch(REMEMBER, ids=ids, now=now)}
    new = []
    for entry in entries:
        if entry.hit.id is None:
            new.append(entry)
        elif entry.hit.id in fresh:
            fresh.remove(entry.hit.id)
            new.append(entry)
    return new


def purge(*, now: datetime, most: int = PURGED_AT_ONCE) -> int:
    """Forget the oldest IDs whose time is over, up to `most`; returns how many."""
    return statements.run(PURGE, before=now - KEPT_FOR, most=most)
