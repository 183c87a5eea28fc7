"""Visitors and the contacts they turn out to be. A claimed visitor never changes hands (identity, rule 7)."""

from collections.abc import Collection
from datetime import datetime

from contacts import staging as tables
from contacts import statements
from contacts.identity import queries, revert
from contacts.staging import Staging
from contacts.values.columns import IDENTIFIERS
from tracking import contact_visits
from tracking.models import STRONGEST_FIRST

# An alias `a` speaks for its contact as long as no living contact has it as its own.
# One look-up by an index for each: the three kinds in one condition would read all contacts for each alias.
FREE_ALIAS = """NOT CASE a.kind
      WHEN 'external_id' THEN EXISTS (SELECT 1 FROM contact o
        WHERE o.tenant_id = %(tenant)s AND o.external_id = a.value AND o.deleted_at IS NULL)
      WHEN 'email' THEN EXISTS (SELECT 1 FROM contact o
        WHERE o.tenant_id = %(tenant)s AND o.email = a.value AND o.deleted_at IS NULL)
      ELSE EXISTS (SELECT 1 FROM contact o
        WHERE o.tenant_id = %(tenant)s AND o.phone = a.value AND o.deleted_at IS NULL) END"""
# An identifier `i` that is in quarantine says nothing about anybody (tracking.quarantine).
TRUSTED = """NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.tenant_id = %(tenant)s AND q.kind = i.kind AND q.value = i.value
    AND q.released_at IS NULL)"""
# What a member has said not to be evidence (VisitorRefusal): identifier `{i}` of a visitor does not lead to contact `{c}`.
REFUSED = """EXISTS (SELECT 1 FROM visitor_refusal f WHERE f.tenant_id = %(tenant)s AND f.visitor_id = {visitor}
    AND f.contact_id = {contact} AND f.kind = {kind} AND f.value = {value})"""
# Rule 7 in SQL, for the visitors of a sub-select {whose}: each trusted identifier with each living contact that it leads
# to, as its own or, where no living contact has it as its own, as an alias. tracking.pixel.visitor_resolution is the same
# rule in Python; tests/tracking/test_rule_seven.py holds them equal.
PEOPLE = """
named AS MATERIALIZED (
  SELECT i.visitor_id, i.kind, i.value FROM visitor_identifier i
  WHERE i.tenant_id = %(tenant)s AND i.visitor_id IN ({whose}) AND {trusted}),
people AS (
  SELECT n.visitor_id, n.kind, n.value, c.id AS contact_id FROM named n JOIN contact c
    ON c.tenant_id = %(tenant)s AND c.external_id = n.value AND c.deleted_at IS NULL WHERE n.kind = 'external_id'
  UNION ALL
  SELECT n.visitor_id, n.kind, n.value, c.id FROM named n JOIN contact c
    ON c.tenant_id = %(tenant)s AND c.email = n.value AND c.deleted_at IS NULL WHERE n.kind = 'email'
  UNION ALL
  SELECT n.visitor_id, n.kind, n.value, c.id FROM named n JOIN contact c
    ON c.tenant_id = %(tenant)s AND c.phone = n.value AND c.deleted_at IS NULL WHERE n.kind = 'phone'
  UNION ALL
  SELECT n.visitor_id, n.kind, n.value, c.id FROM named n {linked} WHERE n.kind = 'link'
  UNION ALL
  SELECT n.visitor_id, n.kind, n.value, c.id FROM named n JOIN alias a
    ON a.tenant_id = %(tenant)s AND a.kind = n.kind AND a.value = n.value
  JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = a.contact_id AND c.deleted_at IS NULL WHERE {free}),
pointing AS (SELECT p.visitor_id, p.kind, p.value, p.contact_id FROM people p WHERE NOT {refused}),
judged AS (
  SELECT p.visitor_id, min(p.contact_id) AS contact_id,
         ({strongest_first})[min(array_position({strongest_first}, p.kind::text))] AS kind
  FROM pointing p GROUP BY p.visitor_id HAVING min(p.contact_id) = max(p.contact_id))"""
# A contact by its number in an identifier {i} of kind `link`: itself, or what it was merged into, while it lives.
LINKED = """JOIN LATERAL (
    WITH RECURSIVE chain AS (
      SELECT c.id, c.merged_into, c.deleted_at FROM contact c
      WHERE c.tenant_id = %(tenant)s AND c.id = CASE WHEN {i}.kind = 'link' THEN {i}.value::bigint END
      UNION ALL
      SELECT c.id, c.merged_into, c.deleted_at FROM chain p
      JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = p.merged_into)
    SELECT p.id FROM chain p WHERE p.deleted_at IS NULL) c ON true"""
# Unclaimed visitors that have used an identifier of a row, or one that its contact had before.
# One visitor, one person: who has used identifiers of two
# people is left alone. Reads what the resolve has decided; runs beside the diff.
MATCH = """
WITH seen AS (
  SELECT i.visitor_id, s.row_no, 1 AS strength, i.value, true AS own FROM {row} s JOIN visitor_identifier i
    ON i.tenant_id = %(tenant)s AND i.kind = 'external_id' AND i.value = s.external_id
  WHERE s.tenant_id = %(tenant)s AND {trusted}
  UNION ALL
  SELECT i.visitor_id, s.row_no, 2, i.value, true FROM {row} s JOIN visitor_identifier i
    ON i.tenant_id = %(tenant)s AND i.kind = 'email' AND i.value = s.email WHERE s.tenant_id = %(tenant)s AND {trusted}
  UNION ALL
  SELECT i.visitor_id, s.row_no, 3, i.value, true FROM {row} s JOIN visitor_identifier i
    ON i.tenant_id = %(tenant)s AND i.kind = 'phone' AND i.value = s.phone WHERE s.tenant_id = %(tenant)s AND {trusted}
  UNION ALL
  SELECT i.visitor_id, k.row_no, array_position(ARRAY['external_id', 'email', 'phone'], a.kind::text), i.value, false
  FROM alias a JOIN (
    SELECT h.row_no, h.contact_id FROM {hit} h WHERE h.tenant_id = %(tenant)s AND h.code IS NULL
    UNION SELECT m.row_no, m.contact_id FROM {map} m WHERE m.tenant_id = %(tenant)s) k ON k.contact_id = a.contact_id
  JOIN visitor_identifier i ON i.tenant_id = %(tenant)s AND i.kind = a.kind AND i.value = a.value
  WHERE a.tenant_id = %(tenant)s AND {free} AND {trusted}),
people AS (
  SELECT n.visitor_id, coalesce(l.winner, n.row_no) AS row_no, n.strength FROM seen n
  LEFT JOIN {loser} l ON l.tenant_id = %(tenant)s AND l.row_no = n.row_no
  LEFT JOIN {hit} h ON h.tenant_id = %(tenant)s AND h.row_no = coalesce(l.winner, n.row_no)
  WHERE h.code IS NULL AND {stored}),
judged AS (
  SELECT p.visitor_id, min(p.row_no) AS row_no, min(p.strength) AS strength, min(p.row_no) <> max(p.row_no) AS several
  FROM people p GROUP BY p.visitor_id)
INSERT INTO {visitor} (tenant_id, visitor_id, row_no, kind)
SELECT v.tenant_id, v.id, j.row_no,
       CASE WHEN j.several THEN 'ambiguous' ELSE (ARRAY['external_id', 'email', 'phone'])[j.strength] END
FROM judged j JOIN visitor v ON v.tenant_id = %(tenant)s AND v.id = j.visitor_id AND v.contact_id IS NULL
ON CONFLICT DO NOTHING"""
# An identifier of a row that its contact will not have, because it keeps its own {kind}, says nothing about the contact. One
# of a joined row that the winning row does not have becomes an alias (contacts.identity.aliases).
NOT_STORED = """NOT (n.own AND n.strength = {strength} AND EXISTS (
  SELECT 1 FROM {row} w
  LEFT JOIN {hit} o ON o.tenant_id = %(tenant)s AND o.row_no = w.row_no
  LEFT JOIN {map} m ON m.tenant_id = %(tenant)s AND m.row_no = w.row_no
  JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = coalesce(o.contact_id, m.contact_id)
  WHERE w.tenant_id = %(tenant)s AND w.row_no = coalesce(l.winner, n.row_no)
    AND w.{kind} = n.value AND c.{kind} <> n.value))"""
# A matched visitor that has used an identifier of yet another contact, whom the file may not name at all, is ambiguous,
# too. Runs straight after MATCH, on the few rows that it has found.
OTHERS = """
UPDATE {visitor} x SET kind = 'ambiguous' FROM {row} s
LEFT JOIN {hit} h ON h.tenant_id = %(tenant)s AND h.row_no = s.row_no
LEFT JOIN {map} m ON m.tenant_id = %(tenant)s AND m.row_no = s.row_no
WHERE x.tenant_id = %(tenant)s AND x.kind <> 'ambiguous' AND s.tenant_id = %(tenant)s AND s.row_no = x.row_no
  AND EXISTS (
    SELECT 1 FROM visitor_identifier i CROSS JOIN LATERAL (
      SELECT c.id FROM contact c WHERE c.tenant_id = %(tenant)s AND i.kind = 'external_id'
        AND c.external_id = i.value AND c.deleted_at IS NULL
      UNION ALL
      SELECT c.id FROM contact c WHERE c.tenant_id = %(tenant)s AND i.kind = 'email'
        AND c.email = i.value AND c.deleted_at IS NULL
      UNION ALL
      SELECT c.id FROM contact c WHERE c.tenant_id = %(tenant)s AND i.kind = 'phone'
        AND c.phone = i.value AND c.deleted_at IS NULL
      UNION ALL
      SELECT c.id FROM (SELECT i.kind, i.value) k {linked} WHERE k.kind = 'link'
      UNION ALL
      SELECT c.id FROM alias a JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = a.contact_id AND c.deleted_at IS NULL
      WHERE a.tenant_id = %(tenant)s AND a.kind = i.kind AND a.value = i.value AND {free}) o
    WHERE i.tenant_id = %(tenant)s AND i.visitor_id = x.visitor_id AND {trusted}
      AND o.id IS DISTINCT FROM coalesce(h.contact_id, m.contact_id) AND NOT {refused})"""
# A visitor of which a member has said that it is not the contact of the row, and that has nothing new to say.
RELEASED = """
DELETE FROM {visitor} x USING {row} s
LEFT JOIN {hit} h ON h.tenant_id = %(tenant)s AND h.row_no = s.row_no
LEFT JOIN {map} m ON m.tenant_id = %(tenant)s AND m.row_no = s.row_no
WHERE x.tenant_id = %(tenant)s AND s.tenant_id = %(tenant)s AND s.row_no = x.row_no AND EXISTS (
  SELECT 1 FROM visitor_refusal r WHERE r.tenant_id = %(tenant)s AND r.visitor_id = x.visitor_id
    AND r.contact_id = coalesce(h.contact_id, m.contact_id))
  AND NOT EXISTS (SELECT 1 FROM visitor_identifier i WHERE i.tenant_id = %(tenant)s AND i.visitor_id = x.visitor_id
    AND i.value IN (s.external_id, s.email, s.phone) AND NOT EXISTS (
      SELECT 1 FROM visitor_refusal f WHERE f.tenant_id = %(tenant)s AND f.visitor_id = x.visitor_id
        AND f.contact_id = coalesce(h.contact_id, m.contact_id) AND f.kind = i.kind AND f.value = i.value))"""
ANY_REFUSAL = "SELECT EXISTS (SELECT 1 FROM visitor_refusal f WHERE f.tenant_id = %(tenant)s)"
ANY = "SELECT EXISTS (SELECT 1 FROM visitor_identifier i WHERE i.tenant_id = %(tenant)s)"
BY_KIND = "SELECT x.kind, count(*) FROM {visitor} x WHERE x.tenant_id = %(tenant)s GROUP BY x.kind"


def _filled(statement: str) -> str:
    return statements.fill(statement, free=FREE_ALIAS, trusted=TRUSTED)


def people_of(whose: str) -> str:
    """PEOPLE for the visitors that a sub-select of our own names: CTEs `named`, `people`, `pointing`, `judged`."""
    refused = statements.fill(REFUSED, visitor="p.visitor_id", contact="p.contact_id", kind="p.kind", value="p.value")
    linked = statements.fill(LINKED, i="n")
    return statements.fill(
        PEOPLE, whose=whose, free=FREE_ALIAS, trusted=TRUSTED, refused=refused, linked=linked,
        strongest_first=STRONGEST_FIRST,
    )  # fmt: skip


def match(staging: Staging, *, kept: Collection[str] = ()) -> dict[str, int]:
    """Find the visitors that rows will claim: kind of identifier → visitors; `ambiguous` ones are left alone. `kept`: kinds
    of identifiers of which a contact keeps its own where a row has another one."""
    queries.set_work_mem(128)
    if not statements.fetch(ANY, staging)[0][0]:
        return {}
    checks = [
        statements.fill(NOT_STORED, kind=kind, strength=str(IDENTIFIERS.index(kind) + 1)) for kind in sorted(kept)
    ]
    if statements.run(statements.fill(_filled(MATCH), stored=" AND ".join(checks) or "true"), staging):
        tables.analyze(staging, "visitor")
        refused = statements.fill(REFUSED, visitor="i.visitor_id", contact="o.id", kind="i.kind", value="i.value")
        linked = statements.fill(LINKED, i="k")
        statements.run(statements.fill(_filled(OTHERS), refused=refused, linked=linked), staging)
        if statements.fetch(ANY_REFUSAL, staging)[0][0]:
            statements.run(RELEASED, staging)
    return {kind: int(n) for kind, n in statements.fetch(BY_KIND, staging)}


# Ties visitors to the contacts of rows [start, stop). A visitor claimed meanwhile stays where it is. Locks the visitors
# until the unit commits.
CLAIM = """
UPDATE visitor v SET contact_id = m.contact_id, claimed_at = %(now)s, matched_by = x.kind,
                     import_id = %(import_id)s, row_no = x.row_no
FROM {visitor} x JOIN {map} m ON m.tenant_id = %(tenant)s AND m.row_no = x.row_no
WHERE x.tenant_id = %(tenant)s AND x.row_no >= %(start)s AND x.row_no < %(stop)s AND x.kind <> 'ambiguous'
  AND v.tenant_id = %(tenant)s AND v.id = x.visitor_id AND v.contact_id IS NULL
RETURNING v.contact_id"""


def claim(staging: Staging, *, start: int, stop: int, now: datetime) -> int:
    """Tie the matched visitors of a range of rows to their contacts; returns how many."""
    return _told(statements.fetch(CLAIM, staging, start=start, stop=stop, now=now, import_id=staging.import_id))


def _told(rows: list[tuple[int]]) -> int:
    """Work out what the contacts of changed visitors have now (rows of one contact each); returns how many visitors."""
    contact_visits.refresh(row[0] for row in rows)
    return len(rows)


# Visitors that named themselves while the import was matching and writing: neither side could see the other then. Runs
# once at the end, under the write lock, which the pixel's batches take too.
SEEN_SINCE = "SELECT r.visitor_id FROM visitor_identifier r WHERE r.tenant_id = %(tenant)s AND r.added_at >= %(since)s"
LATE = """
WITH {people}
UPDATE visitor v SET contact_id = j.contact_id, claimed_at = %(now)s, import_id = %(import_id)s, row_no = t.row_no,
                     matched_by = j.kind
FROM judged j JOIN touched t ON t.tenant_id = %(tenant)s AND t.contact_id = j.contact_id AND t.import_id = %(import_id)s
WHERE v.tenant_id = %(tenant)s AND v.id = j.visitor_id AND v.contact_id IS NULL
RETURNING v.contact_id"""


def claim_late(staging: Staging, *, since: datetime, now: datetime) -> int:
    """Tie visitors that named themselves after `since` to the contacts that this import has touched."""
    late = statements.fill(LATE, people=people_of(SEEN_SINCE))
    return _told(statements.fetch(late, staging, since=since, now=now, import_id=staging.import_id))


# --- undo ---------------------------------------------------------------------------------------------------------------

# Visitors that an import has tied to contacts, and all those of contacts that are no more: anonymous again, unless a later
# file lists their contact. What they named
# themselves stays, so that they find their contact when it comes again.
RELEASE = """
WITH gone AS (
  UPDATE visitor v SET contact_id = NULL, claimed_at = NULL, matched_by = NULL, import_id = NULL, row_no = NULL, page = NULL
  FROM visitor o
  WHERE v.tenant_id = %(tenant)s AND o.tenant_id = %(tenant)s AND o.id = v.id AND o.contact_id IS NOT NULL AND (
    (o.import_id = %(import_id)s AND NOT EXISTS (
      SELECT 1 FROM {listed} l WHERE l.tenant_id = %(tenant)s AND l.contact_id = o.contact_id) AND NOT EXISTS (
      SELECT 1 FROM touched t WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s
      AND t.contact_id = o.contact_id AND t.outcome = {RowOutcome.CREATED} AND t.undone = {Reverted.KEPT}))
    OR o.contact_id IN (
      SELECT w.item FROM withdrawn w WHERE w.tenant_id = %(tenant)s AND w.import_id = %(import_id)s AND w.kind = 'contact'))
  RETURNING o.*)
INSERT INTO withdrawn (tenant_id, import_id, kind, item, part, data)
SELECT %(tenant)s, %(import_id)s, 'visitor', g.id, 0, to_jsonb(g) FROM gone g
ON CONFLICT DO NOTHING"""
FORMER_CONTACTS = """
SELECT DISTINCT (w.data ->> 'contact_id')::bigint FROM withdrawn w
WHERE w.tenant_id = %(tenant)s AND w.import_id = %(import_id)s AND w.kind = 'visitor'"""
RETIE = """
UPDATE visitor v SET contact_id = o.contact_id, claimed_at = o.claimed_at, matched_by = o.matched_by,
                     import_id = o.import_id, row_no = o.row_no, page = o.page
FROM withdrawn w CROSS JOIN LATERAL jsonb_populate_record(NULL::visitor, w.data) o
JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = o.contact_id
WHERE w.tenant_id = %(tenant)s AND w.import_id = %(import_id)s AND w.kind = 'visitor'
  AND v.tenant_id = %(tenant)s AND v.id = w.item AND v.contact_id IS NULL
RETURNING v.contact_id"""


def unclaim(staging: Staging) -> int:
    """Release the visitors that an undone import has tied to contacts; returns how many."""
    released = statements.run(RELEASE, staging, import_id=staging.import_id)
    _told(statements.fetch(FORMER_CONTACTS, staging, import_id=staging.import_id))
    return released


def reclaim(staging: Staging) -> int:
    """Tie those visitors again that nobody has claimed since; returns how many."""
    back = _told(statements.fetch(RETIE, staging, import_id=staging.import_id))
    revert.forget(staging, ["visitor"])
    return back
