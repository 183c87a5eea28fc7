"""What people had done and were at one moment each: nothing from after it is read.

An event counts when it happened before the moment, and, where only a visitor did it, when that visitor was recognized before
the moment: who buys for the first time often names itself by it, and all that it did before would become known by the order.
Values of fields are those of today; one that was changed after the moment is unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from audiences.lookalikes.model import Floats, Ids
from contacts.profile.edit import EDITED
from tenants.isolation.context import current_tenant
from tenants.isolation.statements import fetch, fill
from tenants.models import Tenant

# How many days ago an event is that never happened; events are read for a year.
NEVER = 9_999

AGO = "coalesce(extract(epoch FROM p.moment - max(x.at) FILTER "
# People and their moments, which are sent as seconds: a list of those is written much faster than one of dates.
PEOPLE = (
    "(SELECT u.id, to_timestamp(u.at) FROM unnest(%(ids)s::bigint[], %(moments)s::float8[]) u(id, at)) p(id, moment)"
)
# What is counted → the expression, over the events x of one person. Amounts are of all currencies: they are compared within
# a workspace, where one is usual. `days_30` is a set of days, counted afterwards.
COUNTS: dict[str, str] = {
    "views_7": "count(*) FILTER (WHERE x.kind = 'page' AND x.d7)",
    "views_30": "count(*) FILTER (WHERE x.kind = 'page' AND x.d30)",
    "views_90": "count(*) FILTER (WHERE x.kind = 'page' AND x.d90)",
    "views_365": "count(*) FILTER (WHERE x.kind = 'page')",
    "days_30": "coalesce(bit_or(1::bigint << x.day) FILTER (WHERE x.kind IN ('page', 'track') AND x.d30), 0)",
    "seen": f"{AGO}(WHERE x.kind IN ('page', 'time', 'track'))) / 86400, %(never)s)",
    "did_90": "count(*) FILTER (WHERE x.kind = 'track' AND x.d90)",
    "actions_365": "count(*) FILTER (WHERE x.kind = 'action')",
    "orders_90": "count(*) FILTER (WHERE x.kind = 'order' AND x.d90)",
    "orders_365": "count(*) FILTER (WHERE x.kind = 'order')",
    "amount_365": "coalesce(sum(x.amount), 0)",
    "ordered": f"{AGO}(WHERE x.kind = 'order')) / 86400, %(never)s)",
    "sent_90": "count(*) FILTER (WHERE x.status IN ('sent', 'delivered') AND x.d90)",
    "read_90": "count(*) FILTER (WHERE x.status IN ('read', 'clicked') AND x.d90)",
    "clicked_90": "count(*) FILTER (WHERE x.status = 'clicked' AND x.d90)",
}
ORDERS = frozenset({"orders_90", "orders_365", "amount_365", "ordered"})
# Sets of the pages and the names that were asked for, each as a number: its bit n stands for the n-th of them.
SETS: dict[str, str] = {
    "pages": "coalesce(bit_or(1::bigint << x.page) FILTER (WHERE x.d30), 0)",
    "names": "coalesce(bit_or(1::bigint << x.name) FILTER (WHERE x.d90), 0)",
}
# The first folder of a page's address: https://shop.example/boots/12?x=1 → /boots.
PAGE = "'/' || lower(split_part(split_part(split_part(e.url, '?', 1), '#', 1), '/', 4))"
SEEN = fill("""
    SELECT e.at, e.kind, extract(day FROM p.moment - e.at)::int AS day, e.at >= p.moment - interval '7 days' AS d7,
      e.at >= p.moment - interval '30 days' AS d30, e.at >= p.moment - interval '90 days' AS d90,
      CASE WHEN e.kind = 'page' AND e.at >= p.moment - interval '30 days'
        THEN array_position(%(pages)s::text[], {page}) END AS page,
      CASE WHEN e.kind = 'track' THEN array_position(%(names)s::text[], e.name) END AS name,
      CASE WHEN e.kind = 'message' THEN e.properties ->> 'status' END AS status,
      CASE WHEN e.kind = 'order' AND jsonb_typeof(e.properties -> 'amount') = 'number'
        THEN (e.properties ->> 'amount')::float8 END AS amount""", page=PAGE)  # fmt: skip
# An order that only a browser has told of is a claim (segments.rules.activity_conditions).
SUCH = """e.at >= p.moment - interval '365 days' AND e.at < p.moment
      AND (e.kind <> 'order' OR %(claimed)s OR e.site_id IS NULL OR e.properties -> '$signed' = 'true')"""
# One row for each person who did something, by look-ups of the person's own events: the same for some from everywhere and
# for the next thousands.
COUNT = fill("""
SELECT p.id, {expressions}
FROM {people}
CROSS JOIN LATERAL ({seen}
    FROM event e WHERE e.tenant_id = %(tenant)s AND e.contact_id = p.id AND {such}
    UNION ALL{seen}
    FROM visitor v CROSS JOIN LATERAL (
      SELECT e.at, e.kind, e.name, e.url, e.properties FROM event e WHERE e.tenant_id = %(tenant)s
      AND e.visitor_id = v.id AND e.contact_id IS NULL AND {such} OFFSET 0) e
    WHERE v.tenant_id = %(tenant)s AND v.contact_id = p.id AND v.claimed_at < p.moment OFFSET 0) x
GROUP BY p.id, p.moment""",
  people=PEOPLE, seen=SEEN, such=SUCH,
  expressions=", ".join(f"{expression} AS {name}" for name, expression in {**COUNTS, **SETS}.items()))  # fmt: skip
FIELDS = """
SELECT p.id, c.email_domain {fields} FROM unnest(%(ids)s::bigint[]) p(id)
CROSS JOIN LATERAL (
  SELECT c.email_domain, c.attributes FROM contact c WHERE c.tenant_id = %(tenant)s AND c.id = p.id OFFSET 0) c"""
# Pages and names of events, by how many of some people they were seen with before their moments.
FREQUENT = fill("""
SELECT x.kind, x.label, count(DISTINCT x.id) AS n
FROM (
  SELECT p.id, e.kind, CASE WHEN e.kind = 'page' THEN {page} ELSE e.name END AS label
  FROM {people}
  CROSS JOIN LATERAL (
    SELECT e.kind, e.name, e.url FROM event e WHERE e.tenant_id = %(tenant)s AND e.contact_id = p.id
      AND e.kind IN ('page', 'track') AND e.at >= p.moment - interval '90 days' AND e.at < p.moment
    UNION ALL
    SELECT e.kind, e.name, e.url FROM visitor v CROSS JOIN LATERAL (
      SELECT e.kind, e.name, e.url FROM event e WHERE e.tenant_id = %(tenant)s AND e.visitor_id = v.id
        AND e.contact_id IS NULL AND e.kind IN ('page', 'track') AND e.at >= p.moment - interval '90 days'
        AND e.at < p.moment OFFSET 0) e
    WHERE v.tenant_id = %(tenant)s AND v.contact_id = p.id AND v.claimed_at < p.moment) e) x
WHERE x.label IS NOT NULL AND length(x.label) BETWEEN 1 AND 80
GROUP BY x.kind, x.label HAVING count(DISTINCT x.id) >= %(least)s ORDER BY n DESC, x.kind, x.label LIMIT 200""",
  people=PEOPLE, page=PAGE)  # fmt: skip
# Fields that imports and members have changed after the moments of people; * is all of them: the contact was not there yet.
CHANGED = fill(
    """
SELECT DISTINCT p.id, k.key FROM {people}
CROSS JOIN LATERAL (
  SELECT t.changed FROM touched t WHERE t.tenant_id = %(tenant)s AND t.contact_id = p.id AND t.at > p.moment
    AND jsonb_typeof(t.changed) = 'object' OFFSET 0) t
CROSS JOIN LATERAL jsonb_object_keys(t.changed) k(key)
UNION
SELECT p.id, '*' FROM {people}
CROSS JOIN LATERAL (
  SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s AND c.id = p.id AND c.created_at > p.moment OFFSET 0) c
UNION
SELECT p.id, k.key FROM {people}
CROSS JOIN LATERAL (
  SELECT a.detail FROM audit_entry a WHERE a.tenant_id = %(tenant)s AND a.object = 'contact ' || p.id
    AND a.verb = %(edited)s AND a.at > p.moment OFFSET 0) a
CROSS JOIN LATERAL jsonb_object_keys(a.detail -> 'values') k(key)""",
    people=PEOPLE,
)


@dataclass(frozen=True)
class Counted:
    """Columns of the same length, one place a person. `counts` by their keys in COUNTS; `sets` by their keys in SETS, each
    person's as a number; `fields` by key: texts as they are stored, None where nothing is known."""

    ids: Ids
    counts: dict[str, Floats]
    sets: dict[str, Ids]
    fields: dict[str, list[str | None]]


def count(
    ids: Sequence[int], moments: Sequence[datetime], *, fields: Sequence[str], pages: Sequence[str], names: Sequence[str],
    historic: bool,
) -> Counted:  # fmt: skip
    """Look at people, each as of its moment. `historic`: the moments are in the past, so that values may have changed since;
    someone whose contact no longer exists is left out."""
    asked = {f"field_{i}": key for i, key in enumerate(fields)}
    columns = "".join(f", c.attributes ->> %(field_{i})s" for i in range(len(fields)))
    known = fetch(fill(FIELDS, fields=columns), ids=list(ids), **asked)
    by_column: list[Any] = list(zip(*known, strict=True)) or [()] * (2 + len(fields))
    people: Ids = np.array(by_column[0], dtype=np.int64)
    found = {key: list(by_column[2 + i]) for i, key in enumerate(fields)}
    found["email_domain"] = [domain or None for domain in by_column[1]]
    if historic and known:
        _forget_changed(people, ids, moments, found)
    counted, sets = _counted(people, ids, moments, pages, names)
    return Counted(people, counted, sets, found)


def _counted(
    people: Ids, ids: Sequence[int], moments: Sequence[datetime], pages: Sequence[str], names: Sequence[str]
) -> tuple[dict[str, Floats], dict[str, Ids]]:
    claimed = Tenant.objects.get(pk=current_tenant()).count_claimed_orders
    rows = fetch(
        COUNT,
        ids=list(ids),
        moments=[moment.timestamp() for moment in moments],
        pages=list(pages),
        names=list(names),
        never=NEVER,
        claimed=claimed,
    )
    table = np.zeros((len(people), len(COUNTS) + len(SETS)))
    table[:, [list(COUNTS).index(key) for key in ("seen", "ordered")]] = NEVER
    places = {int(pk): place for place, pk in enumerate(people)}
    told = [(places[row[0]], row[1:]) for row in rows if row[0] in places]
    if told:
        table[[place for place, _row in told]] = np.array([row for _place, row in told], dtype=np.float64)
    counted = {key: table[:, i].astype(np.float32) for i, key in enumerate(COUNTS)}
    counted["days_30"] = np.bitwise_count(table[:, list(COUNTS).index("days_30")].astype(np.int64)).astype(np.float32)
    return counted, {key: table[:, len(COUNTS) + i].astype(np.int64) for i, key in enumerate(SETS)}


def _forget_changed(
    people: Ids, ids: Sequence[int], moments: Sequence[datetime], found: dict[str, list[str | None]]
) -> None:
    places = {int(pk): place for place, pk in enumerate(people)}
    for pk, key in fetch(CHANGED, ids=list(ids), moments=[moment.timestamp() for moment in moments], edited=EDITED):
        if pk in places:
            for column in found.values() if key == "*" else (found.get("email_domain" if key == "email" else key),):
                if column is not None:
                    column[places[pk]] = None


def frequent(ids: Sequence[int], moments: Sequence[datetime], *, least: int) -> tuple[list[str], list[str]]:
    """(pages, names of events) that at least so many of some people were seen with, the most frequent first."""
    rows = fetch(FREQUENT, ids=list(ids), moments=[moment.timestamp() for moment in moments], least=least)
    pages = [label for kind, label, _n in rows if kind == "page"]
    return pages, [label for kind, label, _n in rows if kind == "track"]
