"""Imported events and source actions: what the contacts of a file did, elsewhere or before (docs/life-of-a-row.md).

They are in the same table as the events of the pixel, with the row that they came from. An event that comes again is the
same one: its key is the ID that the file gives it, or what it says.
"""

from datetime import datetime

from contacts import statements
from contacts.identity import revert
from contacts.staging import Staging
from tracking import tallies

# The events of rows [start, stop): those of the rows themselves, and of the rows that were joined into them. Keys in order,
# so that parallel units wait for each other in one direction only.
_SAID = """
WITH rows AS MATERIALIZED (
  SELECT m.contact_id, s.row_no, s.event FROM {map} m
  JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no
  WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND s.event IS NOT NULL
  UNION ALL
  SELECT m.contact_id, s.row_no, s.event FROM {map} m
  JOIN {loser} l ON l.tenant_id = %(tenant)s AND l.winner = m.row_no
  JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = l.row_no
  WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND s.event IS NOT NULL),
said AS MATERIALIZED (
  SELECT r.contact_id, r.row_no, r.event, coalesce((r.event ->> 't')::timestamptz, %(happened)s) AS at,
    (r.event ->> 'k') || ':' || CASE WHEN r.event ? 'id'
      THEN (r.event ->> 'id') || CASE WHEN r.event ->> 'k' = 'message' THEN ':' || (r.event -> 'p' ->> 'status') ELSE '' END
      ELSE md5(r.contact_id || ':' || r.event::text || ':' || coalesce(r.event ->> 't', %(given)s)) END AS key
  FROM rows r)"""
# Orders count in the statement that stores them.
_ORDERS = tallies.orders_of("stored")
RECORD = """{said},
fresh AS (
  INSERT INTO event_key (tenant_id, key, import_id)
  SELECT DISTINCT ON (s.key) %(tenant)s, s.key, %(owner)s FROM said s ORDER BY s.key
  ON CONFLICT DO NOTHING RETURNING key),
stored AS (
  INSERT INTO event (tenant_id, at, kind, name, properties, contact_id, import_id, row_no)
  SELECT DISTINCT ON (s.key) %(tenant)s, s.at, s.event ->> 'k', s.event ->> 'n', s.event -> 'p', s.contact_id,
         %(import_id)s, s.row_no
  FROM said s JOIN fresh f ON f.key = s.key ORDER BY s.key, s.row_no
  ON CONFLICT DO NOTHING RETURNING at, kind, properties, site_id),
tally AS ({orders})
SELECT count(*) FROM stored"""
# What RECORD would store of the whole file: read by the review, before anything is written.
FORESEEN = """{said}
SELECT count(*), count(DISTINCT s.key) FILTER (WHERE NOT EXISTS (
  SELECT 1 FROM event_key k WHERE k.tenant_id = %(tenant)s AND k.key = s.key)) FROM said s"""
# Whose the keys of events are that no import has brought.
NO_IMPORT = 0
COUNT_JOINED = """
SELECT count(*) FROM {map} m JOIN {loser} l ON l.tenant_id = %(tenant)s AND l.winner = m.row_no
JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = l.row_no
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND s.event IS NOT NULL"""
COUNT_OWN = """
SELECT count(*) FROM {map} m JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND s.event IS NOT NULL"""


def record(staging: Staging, *, start: int, stop: int, happened: datetime, given: str) -> tuple[int, int]:
    """Store the events of the contacts of rows [start, stop); returns (stored, known before).

    `happened` is the time of events that have none; `given` tells such events of different files apart.
    """
    span = {"start": start, "stop": stop}
    stored = statements.fetch(
        statements.fill(RECORD, said=_SAID, orders=_ORDERS),
        staging,
        happened=happened,
        given=given,
        import_id=staging.import_id,
        owner=staging.import_id or NO_IMPORT,
        zone=tallies.zone(),
        **span,
    )
    added = int(stored[0][0])
    events = statements.fetch(COUNT_JOINED, staging, **span)[0][0] + statements.fetch(COUNT_OWN, staging, **span)[0][0]
    return added, int(events) - added


def foresee(staging: Staging, *, stop: int, happened: datetime, given: str) -> tuple[int, int]:
    """How many events the rows before `stop` would add, and how many are known or said twice; writes nothing."""
    span = {"start": 0, "stop": stop, "happened": happened, "given": given}
    events, fresh = statements.fetch(statements.fill(FORESEEN, said=_SAID), staging, **span)[0]
    return int(fresh), int(events) - int(fresh)


# A source action for each contact that rows [start, stop) have made or found: what the row says, else what the file says.
# Where neither does, none is written. The touchpoint is that of the row, of its endpoint, of the file, or of its endpoint.
ACT = """
INSERT INTO event (tenant_id, at, kind, name, properties, contact_id, import_id, row_no)
SELECT %(tenant)s, coalesce((s.settings ->> 'happened')::timestamptz, %(happened)s), 'action', a.name,
  jsonb_strip_nulls(jsonb_build_object(
    'endpoint', coalesce(s.settings ->> 'endpoint', %(endpoint)s::text),
    'touchpoint', nullif(coalesce(s.settings ->> 'touchpoint',
      (SELECT n.touchpoint FROM source_name n WHERE n.tenant_id = %(tenant)s AND n.kind = 'endpoint'
       AND n.name = s.settings ->> 'endpoint'), %(touchpoint)s::text), ''),
    'recorded_at', %(now)s::timestamptz)),
  m.contact_id, %(import_id)s, m.row_no
FROM {map} m JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no
CROSS JOIN LATERAL (SELECT nullif(coalesce(s.settings ->> 'action',
  CASE WHEN m.outcome = {RowOutcome.CREATED} THEN %(created)s::text ELSE %(existing)s::text END), '') AS name) a
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND a.name IS NOT NULL
ON CONFLICT DO NOTHING"""


def act(
    staging: Staging, *, start: int, stop: int, created: str, existing: str, endpoint: str, touchpoint: str,
    happened: datetime, now: datetime,
) -> int:  # fmt: skip
    """Write the source actions of rows [start, stop) into the activity of their contacts; returns how many."""
    return statements.run(
        ACT, staging, start=start, stop=stop, created=created, existing=existing, endpoint=endpoint,
        touchpoint=touchpoint, happened=happened, now=now, import_id=staging.import_id,
    )  # fmt: skip


# --- undo ---------------------------------------------------------------------------------------------------------------

WITHDRAW = "DELETE FROM event e WHERE e.tenant_id = %(tenant)s AND e.import_id = %(import_id)s RETURNING e.*"
WITHDRAW_KEYS = """
DELETE FROM event_key k WHERE k.tenant_id = %(tenant)s AND k.import_id = %(import_id)s
RETURNING k.*, hashtextextended(k.key, 0) AS item, hashtextextended(k.key, 1) AS part"""
# Contacts of an import that have events of other imports.
USED = """
SELECT t.tenant_id, t.contact_id FROM touched t WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s
  AND t.outcome = {RowOutcome.CREATED} AND EXISTS (
    SELECT 1 FROM event e WHERE e.tenant_id = %(tenant)s AND e.contact_id = t.contact_id
    AND e.import_id IS DISTINCT FROM %(import_id)s)"""
BRING_BACK = """
WITH stored AS (
  INSERT INTO event SELECT r.* FROM withdrawn w CROSS JOIN LATERAL jsonb_populate_record(NULL::event, w.data) r
  JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = (w.data ->> 'contact_id')::bigint
  WHERE w.tenant_id = %(tenant)s AND w.import_id = %(import_id)s AND w.kind = 'event'
  ON CONFLICT DO NOTHING RETURNING at, kind, properties, site_id),
tally AS ({orders})
SELECT count(*) FROM stored"""
BRING_BACK_KEYS = """
INSERT INTO event_key (tenant_id, key, import_id) SELECT w.tenant_id, w.data ->> 'key', w.import_id FROM withdrawn w
WHERE w.tenant_id = %(tenant)s AND w.import_id = %(import_id)s AND w.kind = 'event_key'
ON CONFLICT DO NOTHING"""


def record_used(staging: Staging) -> None:
    """Contacts of an import that have events of other imports."""
    revert.record_used(staging, USED, import_id=staging.import_id)


def withdraw(staging: Staging) -> int:
    """Delete the events and source actions of an import, archived; returns how many."""
    tallies.subtract_orders("e.import_id = %(import_id)s", import_id=staging.import_id)
    revert.archive_rows(staging, "event_key", WITHDRAW_KEYS, item="item", part="part")
    return revert.archive_rows(staging, "event", WITHDRAW, item="id", part="row_no")


def restore(staging: Staging) -> int:
    """Restore the events that an undo has archived, where their contact exists; returns how many."""
    stored = statements.fetch(
        statements.fill(BRING_BACK, orders=_ORDERS), staging, import_id=staging.import_id, zone=tallies.zone()
    )
    statements.run(BRING_BACK_KEYS, staging, import_id=staging.import_id)
    revert.forget(staging, ["event", "event_key"])
    return int(stored[0][0])
