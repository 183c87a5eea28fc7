"""Hours of visitors whose hits are stored but not counted in the tallies yet.

Storing hits only adds rows here, in the transaction of the events, so that it neither reads what was stored before nor waits
for anybody. A task takes the rows off and works out the days anew, in one transaction (tracking.tally_upkeep.catch_up).
"""

from collections.abc import Iterable
from datetime import datetime

from tenants import pending_work
from tenants.isolation.statements import fetch, run

WAKE = "tallies"

ADD = """
INSERT INTO tally_queue (tenant_id, visitor_id, at)
SELECT %(tenant)s, u.visitor, u.at FROM unnest(%(visitors)s::bigint[], %(moments)s::timestamptz[]) AS u(visitor, at)
ON CONFLICT DO NOTHING"""
# Chosen once (MATERIALIZED): a plan that asks again for each row would take more than the limit. Whoever forgets a visitor
# at this moment takes its rows, too.
TAKE = """
WITH old (id) AS MATERIALIZED (
  SELECT o.id FROM tally_queue o WHERE o.tenant_id = %(tenant)s ORDER BY o.id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
DELETE FROM tally_queue q USING old
WHERE q.tenant_id = %(tenant)s AND q.id = old.id RETURNING q.visitor_id, q.at"""
LENGTH = "SELECT count(*) FROM (SELECT 1 FROM tally_queue q WHERE q.tenant_id = %(tenant)s LIMIT %(most)s) x"
CLEAR = "DELETE FROM tally_queue q WHERE q.tenant_id = %(tenant)s"
FORGET = "DELETE FROM tally_queue q WHERE q.tenant_id = %(tenant)s AND q.visitor_id = ANY(%(visitors)s)"


def ends_of_hours(moments: Iterable[tuple[int, datetime]]) -> list[tuple[int, datetime]]:
    """The first and the last moment of each visitor in each hour. A day of any time zone that ends in an hour has one of
    them, so the days of these are the days of all: the zone does not have to be known yet."""
    ends: dict[tuple[int, datetime], tuple[datetime, datetime]] = {}
    for visitor, at in moments:
        key = visitor, at.replace(minute=0, second=0, microsecond=0)
        first, last = ends.get(key, (at, at))
        ends[key] = min(first, at), max(last, at)
    return sorted({(visitor, at) for (visitor, _hour), pair in ends.items() for at in pair})


def add(moments: Iterable[tuple[int, datetime]]) -> None:
    """Queue what visitors did, by (visitor, time) of events that this transaction stores."""
    if ends := ends_of_hours(moments):
        run(ADD, visitors=[end[0] for end in ends], moments=[end[1] for end in ends])
        pending_work.mark_often(WAKE)


def take(most: int) -> list[tuple[int, datetime]]:
    """Take (visitor, time) off the queue, the oldest first."""
    return [(row[0], row[1]) for row in fetch(TAKE, most=most)]


def length(most: int) -> int:
    """How many rows wait, counted up to `most`."""
    return int(fetch(LENGTH, most=most)[0][0])


def clear() -> None:
    """Take everything off: all that is stored is about to be counted."""
    run(CLEAR)


def forget(visitor_ids: list[int]) -> None:
    """Take visitors off."""
    run(FORGET, visitors=visitor_ids)
