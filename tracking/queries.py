"""The statements of hits. Each is above the one function that runs it; all run in a tenant's transaction."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from core import exact_json
from tenants.isolation.statements import fetch, fill, run
from tracking import links, tallies, tally_queue, visitors

# The other workspaces' hits wait behind these: an import that holds a lock for long must not hold them up.
WAIT_BRIEFLY = "SET LOCAL lock_timeout = '2s'"


def wait_briefly() -> None:
    """Let this transaction give up on a lock after two seconds."""
    run(WAIT_BRIEFLY)


# The current visitor of each device, with the identifiers it has used. Locked in order of device until the batch is
# stored: another batch, or an import's claim, waits.
VISITORS = """
SELECT v.id, v.device::text, v.generation, v.contact_id, v.last_seen,
       (SELECT jsonb_agg(jsonb_build_array(i.kind, i.value) ORDER BY i.seen_at DESC, i.kind, i.value)
        FROM visitor_identifier i WHERE i.tenant_id = %(tenant)s AND i.visitor_id = v.id),
       (SELECT count(*) FROM visitor_identifier i WHERE i.tenant_id = %(tenant)s AND i.visitor_id = v.id)
FROM visitor v
WHERE v.tenant_id = %(tenant)s AND v.device = ANY(%(devices)s::uuid[]) AND NOT EXISTS (
  SELECT 1 FROM visitor w WHERE w.tenant_id = %(tenant)s AND w.device = v.device AND w.generation > v.generation)
ORDER BY v.device FOR NO KEY UPDATE OF v"""


def visitors_of(tenant_id: int, devices: Sequence[str]) -> list[tuple[Any, ...]]:
    """(id, device, generation, contact id, last seen, identifiers, how many) of the devices that are known."""
    rows = fetch(VISITORS, tenant=tenant_id, devices=list(devices))
    read = ((row, orjson.loads(row[5]) if isinstance(row[5], str) else row[5]) for row in rows)
    return [(*row[:5], [(kind, value) for kind, value in used or ()], int(row[6])) for row, used in read]


# The country of phones that a site sends without one: its own, else its workspace's.
REGIONS = """
SELECT s.id, coalesce(nullif(s.country, ''), nullif(t.country, '')) FROM site s JOIN tenant t ON t.id = %(tenant)s
WHERE s.tenant_id = %(tenant)s AND s.id = ANY(%(sites)s)"""


def regions_of(tenant_id: int, site_ids: Sequence[int]) -> dict[int, str | None]:
    """Site → two-letter country of phones without one."""
    return dict(fetch(REGIONS, tenant=tenant_id, sites=list(site_ids))) if site_ids else {}


# Living contacts that have one of the identifiers, or had it before where no living contact has it now.
CONTACTS = {
    "external_id": """
SELECT c.external_id, c.id FROM contact c
WHERE c.tenant_id = %(tenant)s AND c.external_id = ANY(%(values)s) AND c.deleted_at IS NULL{formerly}""",
    "email": """
SELECT c.email, c.id FROM contact c
WHERE c.tenant_id = %(tenant)s AND c.email = ANY(%(values)s) AND c.deleted_at IS NULL{formerly}""",
    "phone": """
SELECT c.phone, c.id FROM contact c
WHERE c.tenant_id = %(tenant)s AND c.phone = ANY(%(values)s) AND c.deleted_at IS NULL{formerly}""",
    "link": """
SELECT k.value, c.id FROM (SELECT 'link' AS kind, u.value FROM unnest(%(values)s::text[]) u(value)) k {linked}""",
}
FORMERLY = """
UNION
SELECT a.value, c.id FROM alias a JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = a.contact_id
WHERE a.tenant_id = %(tenant)s AND a.kind = %(kind)s AND a.value = ANY(%(values)s) AND c.deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM contact o WHERE o.tenant_id = %(tenant)s AND o.{kind} = a.value AND o.deleted_at IS NULL)"""


def contacts_named(tenant_id: int, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[int]]:
    """(kind, value) → ids of the living contacts with that identifier."""
    values: dict[str, list[str]] = defaultdict(list)
    for kind, value in pairs:
        values[kind].append(value)
    ids: dict[tuple[str, str], list[int]] = defaultdict(list)
    for kind, wanted in values.items():
        if kind == links.KIND:
            statement = fill(CONTACTS[kind], linked=fill(visitors.LINKED, i="k"))
        else:
            statement = fill(CONTACTS[kind], formerly=fill(FORMERLY, kind=kind))
        for value, contact_id in fetch(statement, tenant=tenant_id, values=wanted, kind=kind):
            ids[kind, value].append(contact_id)
    return dict(ids)


# Identifiers of visitors that, as members have said, do not lead to a contact.
REFUSALS = """
SELECT f.visitor_id, f.kind, f.value, f.contact_id FROM visitor_refusal f
WHERE f.tenant_id = %(tenant)s AND f.visitor_id = ANY(%(visitors)s)"""


def refusals_of(tenant_id: int, visitor_ids: Sequence[int]) -> set[tuple[int, str, str, int]]:
    """(visitor, kind, value, contact) of what is not to be believed."""
    return set(fetch(REFUSALS, tenant=tenant_id, visitors=list(visitor_ids))) if visitor_ids else set()


NEW_IDS = "SELECT nextval('visitor_id_seq') FROM generate_series(1, %(count)s)"


def new_visitor_ids(count: int) -> list[int]:
    """Ids drawn one by one from the sequence."""
    return [int(row[0]) for row in fetch(NEW_IDS, count=count)]


ADD_VISITORS = """
INSERT INTO visitor (tenant_id, id, site_id, device, generation, first_seen, last_seen, visits)
SELECT %(tenant)s, u.id, u.site, u.device, u.generation, u.first, u.last, 0
FROM unnest(%(a)s::bigint[], %(b)s::bigint[], %(c)s::uuid[], %(d)s::int[], %(e)s::timestamptz[], %(f)s::timestamptz[])
     AS u(id, site, device, generation, first, last)
ON CONFLICT DO NOTHING"""


def add_visitors(tenant_id: int, rows: Sequence[tuple[Any, ...]]) -> None:
    """(id, site, device, generation, first seen, last seen)"""
    _insert(ADD_VISITORS, tenant_id, rows)


ADD_IDENTIFIERS = """
INSERT INTO visitor_identifier (tenant_id, kind, value, visitor_id, seen_at, page)
SELECT %(tenant)s, u.kind, u.value, u.visitor, u.at, u.page
FROM unnest(%(a)s::text[], %(b)s::text[], %(c)s::bigint[], %(d)s::timestamptz[], %(e)s::text[])
     AS u(kind, value, visitor, at, page)
ON CONFLICT DO NOTHING"""


def add_identifiers(tenant_id: int, rows: Sequence[tuple[Any, ...]]) -> None:
    """(kind, value, visitor, time, page); what is known stays as it was first seen."""
    _insert(ADD_IDENTIFIERS, tenant_id, rows)


ADD_EVENTS = """
INSERT INTO event (tenant_id, id, at, visitor_id, site_id, kind, name, url, title, properties)
SELECT %(tenant)s, nextval('event_id_seq'), u.at, u.visitor, u.site, u.kind, u.name, u.url, u.title, u.properties
FROM unnest(%(a)s::timestamptz[], %(b)s::bigint[], %(c)s::bigint[], %(d)s::text[], %(e)s::text[], %(f)s::text[],
            %(g)s::text[], %(h)s::jsonb[]) AS u(at, visitor, site, kind, name, url, title, properties)
ON CONFLICT DO NOTHING"""


def add_events(tenant_id: int, rows: Sequence[tuple[Any, ...]]) -> None:
    """(time, visitor, site, kind, name, address, title, properties)"""
    written = [(*row[:7], orjson.dumps(row[7], default=exact_json.piece).decode()) for row in rows]
    _insert(ADD_EVENTS, tenant_id, written)
    tallies.add_orders([(row[0], row[2], row[7]) for row in written if row[3] == "order"])
    tally_queue.add((row[1], row[0]) for row in written if row[3] != "time")


# Ties visitors to contacts. One that has been claimed meanwhile stays where it is.
CLAIM = """
UPDATE visitor v SET contact_id = u.contact, matched_by = u.kind, claimed_at = u.at, page = u.page
FROM unnest(%(a)s::bigint[], %(b)s::bigint[], %(c)s::text[], %(d)s::timestamptz[], %(e)s::text[])
     AS u(id, contact, kind, at, page)
WHERE v.tenant_id = %(tenant)s AND v.id = u.id AND v.contact_id IS NULL"""


def claim(tenant_id: int, claims: dict[int, tuple[Any, ...]]) -> None:
    """visitor → (visitor, contact, kind of identifier, time, page)"""
    _insert(CLAIM, tenant_id, [claims[key] for key in sorted(claims)])


# One without a visit has only taken its place on the device so far (tracking.visitor_paths.forget).
# Seconds between hits are worked out only as long as the pixel has not reported how long pages were seen.
TOUCH = """
UPDATE visitor v SET first_seen = CASE WHEN v.visits = 0 THEN u.first ELSE least(v.first_seen, u.first) END,
                     last_seen = CASE WHEN v.visits = 0 THEN u.last ELSE greatest(v.last_seen, u.last) END,
                     views = v.views + u.views, visits = greatest(1, v.visits + u.visits),
                     stage = greatest(v.stage, u.stage),
                     hours = v.hours | u.hours, timed = v.timed OR u.visible IS NOT NULL,
                     seconds = least(2000000000, CASE WHEN u.visible IS NULL AND v.timed THEN v.seconds::bigint
                       WHEN u.visible IS NULL THEN v.seconds::bigint + u.between
                       WHEN v.timed THEN v.seconds::bigint + u.visible ELSE u.visible END)
FROM unnest(%(a)s::bigint[], %(b)s::timestamptz[], %(c)s::timestamptz[], %(d)s::int[], %(e)s::int[], %(f)s::int[],
            %(g)s::int[], %(h)s::int[], %(i)s::int[])
     AS u(id, first, last, views, visits, stage, hours, visible, between)
WHERE v.tenant_id = %(tenant)s AND v.id = u.id RETURNING v.contact_id"""


def touch_visitors(tenant_id: int, seen: dict[int, Any]) -> list[int | None]:
    """visitor → tracking.pixel.visitor_resolution.VisitTotals; returns the contacts that they are, None for those that are
    none."""
    rows = [
        (i, _moment(s.first), _moment(s.last), s.views, s.visits, s.stage, s.hours,
         None if s.visible is None else round(s.visible), round(s.between))
        for i, s in sorted(seen.items())
    ]  # fmt: skip
    return [row[0] for row in fetch(TOUCH, tenant=tenant_id, **_columns(rows))] if rows else []


def _insert(statement: str, tenant_id: int, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        run(statement, tenant=tenant_id, **_columns(rows))


def _columns(rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: list(column) for name, column in zip("abcdefghi", zip(*rows, strict=True), strict=False)}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# Contacts whose last messages (so many, since a moment) have all bounced softly; one that arrived, was read or clicked ends
# a row of them. Asked for the few contacts of one post.
SOFTLY_BOUNCED = """
SELECT c.id FROM unnest(%(contacts)s::bigint[]) c(id) CROSS JOIN LATERAL (
  SELECT count(*) AS messages, bool_and(m.soft) AS soft FROM (
    SELECT e.properties ->> 'bounce' = 'soft' IS TRUE AS soft FROM event e
    WHERE e.tenant_id = %(tenant)s AND e.contact_id = c.id AND e.kind = 'message' AND e.at >= %(since)s
      AND e.properties ->> 'status' IN ('delivered', 'read', 'clicked', 'undelivered')
      AND (e.properties ->> 'status' <> 'undelivered' OR e.properties ->> 'bounce' = 'soft')
    ORDER BY e.at DESC, e.id DESC LIMIT %(most)s) m) l
WHERE l.messages = %(most)s AND l.soft ORDER BY c.id"""


def softly_bounced(tenant_id: int, contact_ids: Sequence[int], *, most: int, since: datetime) -> list[int]:
    """Those of the contacts whose last `most` messages since a moment have all bounced softly."""
    rows = fetch(SOFTLY_BOUNCED, tenant=tenant_id, contacts=list(contact_ids), most=most, since=since)
    return [int(row[0]) for row in rows]
