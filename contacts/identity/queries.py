"""The statements of identity resolution that the ORM cannot express. Each is above the one function that runs it.

All run in the caller's transaction. Every table of every statement carries the tenant's number (scale-out, rule 2);
{row}, {hit} … are the staging tables of one import (contacts.staging says what each holds).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from contacts import staging as tables
from contacts import statements
from contacts.staging import Staging
from contacts.values import channel_status
from contacts.values.columns import COMPANIONS, IDENTIFIERS, WITH_COMPANIONS


# Memory for the sorts and hashes of one phase. Runs first in the phase's transaction, gone with it.
def set_work_mem(megabytes: int) -> None:
    """Give this transaction's sorts and hashes so much memory each."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL work_mem = '{int(megabytes)}MB'")


def disable_synchronous_commit() -> None:
    """Do not wait for the disk at the end of this transaction; only for work that is simply done again when it is lost."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


def disable_seqscan() -> None:
    """Let this transaction look rows up by their keys: for ranges of rows beside tables that have grown since the planner
    was told about them. It would read all of a table that it believes to be empty, again for each row."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


def disable_set_joins() -> None:
    """Let this transaction join by look-ups where it can: for a handful of rows in a workspace of which the planner knows
    only what is true of others. It would read the workspace in order where it expects to be at the end soon."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_mergejoin = off")
        cursor.execute("SET LOCAL enable_hashjoin = off")


# Whether the tenant has a contact at all: an empty workspace needs no matching.
ANYBODY = "SELECT EXISTS (SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s)"


def has_contacts(staging: Staging) -> bool:
    return bool(statements.fetch(ANYBODY, staging)[0][0])


# Rows that share an identifier with another row of the file: the few per cent that must be looked at one by one. A phone
# counts only where some row has nothing else. Runs once per import beside the matching; takes no locks.
REPEATED = {
    "external_id": """
INSERT INTO {repeat} (tenant_id, kind, row_no, key)
SELECT s.tenant_id, 'external_id', s.row_no, s.external_id FROM {row} s JOIN (
  SELECT r.external_id AS key FROM {row} r WHERE r.tenant_id = %(tenant)s AND r.external_id IS NOT NULL
  GROUP BY r.external_id HAVING count(*) > 1) d ON d.key = s.external_id
WHERE s.tenant_id = %(tenant)s""",
    "email": """
INSERT INTO {repeat} (tenant_id, kind, row_no, key)
SELECT s.tenant_id, 'email', s.row_no, s.email FROM {row} s JOIN (
  SELECT r.email AS key FROM {row} r WHERE r.tenant_id = %(tenant)s AND r.email IS NOT NULL
  GROUP BY r.email HAVING count(*) > 1) d ON d.key = s.email
WHERE s.tenant_id = %(tenant)s""",
    "phone": """
INSERT INTO {repeat} (tenant_id, kind, row_no, key)
SELECT s.tenant_id, 'phone', s.row_no, s.phone FROM {row} s JOIN (
  SELECT r.phone AS key FROM {row} r WHERE r.tenant_id = %(tenant)s AND r.phone IS NOT NULL
  GROUP BY r.phone HAVING count(*) > 1 AND bool_or(r.email IS NULL AND r.external_id IS NULL)) d ON d.key = s.phone
WHERE s.tenant_id = %(tenant)s""",
}


def find_repeats(staging: Staging, kind: str) -> int:
    """Record the rows whose identifier of this kind is in several rows."""
    return statements.run(REPEATED[kind], staging)


# Rows that point at one contact. Runs in the resolve, after the matching of all row ranges: nobody else has work then, so
# the question and its answer are two statements, of which the first may use all cores.
SAME_CONTACT = """
WITH found AS NOT MATERIALIZED (
  SELECT h.row_no, h.contact_id FROM {hit} h
  WHERE h.tenant_id = %(tenant)s AND h.contact_id IS NOT NULL AND h.code IS NULL
  UNION ALL
  SELECT m.row_no, m.contact_id FROM {map} m WHERE m.tenant_id = %(tenant)s)
SELECT f.row_no, f.contact_id FROM found f
WHERE EXISTS (SELECT 1 FROM found o WHERE o.contact_id = f.contact_id AND o.row_no <> f.row_no)"""


def find_same_contact(staging: Staging) -> int:
    """Note the rows that point at a contact at which another row points, too; returns how many."""
    pairs = statements.fetch(SAME_CONTACT, staging)
    rows = [("contact", row_no, str(contact_id)) for row_no, contact_id in pairs]
    tables.add(staging, "repeat", {"kind": "text", "row_no": "integer", "key": "text"}, rows)
    return len(pairs)


# Every row that shares something, group by group, the strongest kind first. Read once by the resolve. Rows that say the same
# of who they are come as one: of a file in which a few people stand thousands of times, little is sent and sorted.
REPEATS = """
WITH known AS MATERIALIZED (
  SELECT DISTINCT r.key FROM {repeat} r JOIN {hit} h ON h.tenant_id = %(tenant)s AND h.row_no = r.row_no
  WHERE r.tenant_id = %(tenant)s AND r.kind = 'email' AND h.code IS NULL AND h.strength = 2)
SELECT r.kind, r.key, array_agg(r.row_no), s.external_id, s.email, coalesce(h.contact_id, m.contact_id) AS contact_id,
       CASE WHEN m.row_no IS NULL THEN h.strength ELSE 1 END AS strength
FROM {repeat} r
JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = r.row_no
LEFT JOIN {hit} h ON h.tenant_id = %(tenant)s AND h.row_no = r.row_no
LEFT JOIN {map} m ON m.tenant_id = %(tenant)s AND m.row_no = r.row_no
WHERE r.tenant_id = %(tenant)s AND h.code IS NULL
  -- Rows with the e-mail of a contact that is known go by the contact (contacts.identity.in_file_duplicates).
  AND (r.kind <> 'email' OR NOT EXISTS (SELECT 1 FROM known k WHERE k.key = r.key))
GROUP BY r.kind, r.key, s.external_id, s.email, coalesce(h.contact_id, m.contact_id),
  CASE WHEN m.row_no IS NULL THEN h.strength ELSE 1 END
ORDER BY array_position(ARRAY['external_id', 'email', 'contact', 'phone'], r.kind), r.key COLLATE "C" ASC"""


def repeats(staging: Staging) -> Iterator[tuple[Any, ...]]:
    """(kind, key, row number, external ID, e-mail, contact, strength), sorted by kind and key."""
    for kind, key, rows, *who in statements.stream(REPEATS, staging):
        for row in rows:
            yield (kind, key, row, *who)


# A row that was joined into another one points nowhere by itself any more.
FORGET_LOSERS = """
DELETE FROM {hit} h USING {loser} l
WHERE h.tenant_id = %(tenant)s AND l.tenant_id = %(tenant)s AND h.row_no = l.row_no"""
FORGET_SETTLED_LOSERS = """
DELETE FROM {map} m USING {loser} l
WHERE m.tenant_id = %(tenant)s AND l.tenant_id = %(tenant)s AND m.row_no = l.row_no"""


def forget_losers(staging: Staging) -> None:
    statements.run(FORGET_LOSERS, staging)
    statements.run(FORGET_SETTLED_LOSERS, staging)


# The contact of a group belongs to its winning row; a conflict found between rows is noted like one with the contacts. A
# row that seemed to change nothing may do so now that it says what the others have said, too.
UNSETTLE = "DELETE FROM {map} m WHERE m.tenant_id = %(tenant)s AND m.row_no = ANY(%(rows)s)"
NOTE_HITS = """
INSERT INTO {hit} AS hit (tenant_id, row_no, contact_id, strength, code, other_id)
SELECT %(tenant)s, u.row_no, u.contact_id, 1, u.code, u.other_id
FROM unnest(%(rows)s::int[], %(contacts)s::bigint[], %(codes)s::text[], %(others)s::bigint[])
     AS u(row_no, contact_id, code, other_id)
ON CONFLICT (tenant_id, row_no) DO UPDATE
SET contact_id = coalesce(excluded.contact_id, hit.contact_id), code = excluded.code, other_id = excluded.other_id"""


def note_hits(staging: Staging, notes: list[tuple[int, int | None, str | None, int | None]]) -> None:
    """Set (row_no, contact_id, code, other_id) of rows that were decided one by one."""
    if notes:
        rows, contacts, codes, others = (list(column) for column in zip(*notes, strict=True))
        statements.run(UNSETTLE, staging, rows=rows)
        statements.run(NOTE_HITS, staging, rows=rows, contacts=contacts, codes=codes, others=others)


# Values of the joined rows go into the winning row where it has none; among several the {order} row wins. A key that the
# winner clears stays cleared. Who refuses ads in one of the rows refuses them. Joined rows that say nothing else than the
# winner, as most do, are passed over; and a row that has all of it already is not written again.
MERGE = """
UPDATE {row} w SET {columns}, attributes = m.attributes
FROM (
  SELECT l.winner, {picked}, array_agg(s.attributes ORDER BY s.row_no {for_objects}) AS said
  FROM {loser} l JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = l.row_no
  JOIN {row} v ON v.tenant_id = %(tenant)s AND v.row_no = l.winner
  WHERE l.tenant_id = %(tenant)s AND (NOT v.attributes @> s.attributes OR {more}) GROUP BY l.winner) g
JOIN {row} o ON o.tenant_id = %(tenant)s AND o.row_no = g.winner
CROSS JOIN LATERAL (
  SELECT (CASE WHEN cardinality(g.said) = 1 THEN g.said[1] ELSE coalesce((
      SELECT jsonb_object_agg(e.key, e.value ORDER BY a.n)
      FROM unnest(g.said) WITH ORDINALITY a(attributes, n) CROSS JOIN LATERAL jsonb_each(a.attributes) e), '{}')
    END || o.attributes) - coalesce(o.cleared, '{}') || CASE
      WHEN EXISTS (SELECT 1 FROM unnest(g.said) a(attributes) WHERE a.attributes ->> 'ads_consent' = 'denied')
      THEN '{"ads_consent": "denied"}'::jsonb ELSE '{}' END AS attributes) m
WHERE w.tenant_id = %(tenant)s AND w.row_no = g.winner AND ({gains} OR m.attributes <> o.attributes)"""


def merge_losers(staging: Staging, *, last_wins: bool) -> None:
    """Fill the winning rows from the rows joined into them."""
    order = "DESC" if last_wins else "ASC"
    parts = {
        "columns": ", ".join(f"{c} = coalesce(w.{c}, g.{c})" for c in WITH_COMPANIONS),
        "picked": ", ".join(
            f"(array_agg(s.{c} ORDER BY s.row_no {order}) FILTER (WHERE s.{c} IS NOT NULL))[1] AS {c}"
            for c in WITH_COMPANIONS
        ),
        "more": " OR ".join(f"(v.{c} IS NULL AND s.{c} IS NOT NULL)" for c in WITH_COMPANIONS),
        "gains": " OR ".join(f"(w.{c} IS NULL AND g.{c} IS NOT NULL)" for c in WITH_COMPANIONS),
        # jsonb_object_agg keeps the last value of a key.
        "for_objects": "ASC" if last_wins else "DESC",
    }
    statements.run(statements.fill(MERGE, **parts), staging)


# What joined rows say about themselves goes into the winning row, too: the segments of all of them, the strictest status of
# each channel, of anything else the winner's own. Only run where the file has such columns.
MERGE_SETTINGS = """
WITH each_row AS (
  SELECT l.winner, s.row_no, s.settings FROM {loser} l
  JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = l.row_no
  WHERE l.tenant_id = %(tenant)s AND s.settings IS NOT NULL
  UNION ALL
  SELECT s.row_no, s.row_no, s.settings FROM {row} s
  WHERE s.tenant_id = %(tenant)s AND s.settings IS NOT NULL
    AND s.row_no IN (SELECT l.winner FROM {loser} l WHERE l.tenant_id = %(tenant)s)),
said AS (
  SELECT r.winner, r.settings, {latest}(r.row_no) AS row_no, bool_or(r.row_no = r.winner) AS own FROM each_row r
  GROUP BY r.winner, r.settings),
named AS (
  SELECT a.winner, jsonb_agg(DISTINCT n.name) AS names FROM said a
  CROSS JOIN LATERAL jsonb_array_elements(a.settings -> 'segments') n(name) GROUP BY a.winner),
strict AS (
  SELECT a.winner, max(array_position(%(email)s::text[], a.settings ->> 'email_status')) AS email,
         max(array_position(%(phone)s::text[], a.settings ->> 'phone_status')) AS phone FROM said a GROUP BY a.winner),
merged AS (
  SELECT a.winner, jsonb_object_agg(e.key, e.value ORDER BY a.own, a.row_no {order}) AS settings
  FROM said a CROSS JOIN LATERAL jsonb_each(a.settings) e GROUP BY a.winner)
UPDATE {row} w SET settings = g.settings || jsonb_strip_nulls(jsonb_build_object('segments', n.names,
  'email_status', (%(email)s::text[])[t.email], 'phone_status', (%(phone)s::text[])[t.phone]))
FROM merged g JOIN strict t ON t.winner = g.winner LEFT JOIN named n ON n.winner = g.winner
WHERE w.tenant_id = %(tenant)s AND w.row_no = g.winner"""


def merge_settings(staging: Staging, *, last_wins: bool) -> None:
    """Fill the settings of winning rows from the rows joined into them."""
    # jsonb_object_agg keeps the last value of a key.
    order, latest = ("ASC", "max") if last_wins else ("DESC", "min")
    statement = statements.fill(MERGE_SETTINGS, order=order, latest=latest)
    statements.run(statement, staging, email=list(channel_status.EMAIL_ORDER), phone=list(channel_status.PHONE_ORDER))


# Contacts that were changed since a moment and that rows of the file are about: those that they point at, and those that
# have, or had, one of their identifiers. Nobody else's change makes a plan untrue. Runs at the end of a resolve, under the
# write lock.
OVERTAKEN = """
WITH changed AS MATERIALIZED (
  SELECT x.contact_id AS id FROM (
    SELECT n.contact_id FROM contact_change n WHERE n.tenant_id = %(tenant)s AND n.at >= %(since)s
    UNION SELECT w.contact_id FROM contact_news w WHERE w.tenant_id = %(tenant)s AND w.at >= %(since)s) x
  LIMIT %(most)s + 1),
named AS (
  SELECT 'external_id' AS kind, c.external_id AS value FROM changed x
    JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = x.id
  UNION ALL SELECT 'email', c.email FROM changed x JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = x.id
  UNION ALL SELECT 'phone', c.phone FROM changed x JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = x.id
  UNION ALL SELECT a.kind, a.value FROM changed x JOIN alias a ON a.tenant_id = %(tenant)s AND a.contact_id = x.id)
SELECT (SELECT count(*) FROM changed) > %(most)s
  OR EXISTS (SELECT 1 FROM changed x JOIN {hit} h ON h.tenant_id = %(tenant)s AND (h.contact_id = x.id OR h.other_id = x.id))
  OR EXISTS (SELECT 1 FROM changed x JOIN {map} m ON m.tenant_id = %(tenant)s AND m.contact_id = x.id)
  OR EXISTS (SELECT 1 FROM named n JOIN {row} r
    ON r.tenant_id = %(tenant)s AND n.kind = 'external_id' AND r.external_id = n.value)
  OR EXISTS (SELECT 1 FROM named n JOIN {row} r ON r.tenant_id = %(tenant)s AND n.kind = 'email' AND r.email = n.value)
  OR EXISTS (SELECT 1 FROM named n JOIN {row} r ON r.tenant_id = %(tenant)s AND n.kind = 'phone' AND r.phone = n.value)"""
# More changes than this are not looked at one by one.
MOST_CHANGED = 2_000


def overtaken(staging: Staging, *, since: datetime) -> bool:
    """Whether contacts that the rows are about were changed since a moment."""
    return bool(statements.fetch(OVERTAKEN, staging, since=since, most=MOST_CHANGED)[0][0])


# Rows that find nobody become contacts. Their ids are drawn one by one from the sequence, never reserved by moving it
# (scale-out, rule 6), so that every later step can be repeated.
CREATES = """
INSERT INTO {map} (tenant_id, row_no, contact_id, outcome)
SELECT s.tenant_id, s.row_no, nextval('contact_id_seq'), {RowOutcome.CREATED} FROM {row} s
LEFT JOIN {hit} h ON h.tenant_id = %(tenant)s AND h.row_no = s.row_no
LEFT JOIN {map} m ON m.tenant_id = %(tenant)s AND m.row_no = s.row_no
LEFT JOIN {loser} l ON l.tenant_id = %(tenant)s AND l.row_no = s.row_no
WHERE s.tenant_id = %(tenant)s AND h.row_no IS NULL AND m.row_no IS NULL AND l.row_no IS NULL"""


def plan_creates(staging: Staging) -> int:
    """Map every row that finds nobody to a contact to be made; returns how many."""
    return statements.run(CREATES, staging)


# Rows for which somebody has chosen the contact: it is theirs, whatever their identifiers say. Identifiers that belong to
# another living contact are not written. Runs before the matching, in the transaction that begins it.
CHOSEN = """
INSERT INTO {hit} (tenant_id, row_no, contact_id, strength, code)
SELECT s.tenant_id, s.row_no, c.id, 1, CASE WHEN c.id IS NULL THEN 'unknown_contact' END FROM {row} s
LEFT JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = (s.settings ->> 'contact_id')::bigint AND c.deleted_at IS NULL
WHERE s.tenant_id = %(tenant)s AND s.settings ? 'contact_id'"""
GIVE_WAY = """
UPDATE {row} s SET
  external_id = CASE WHEN NOT EXISTS (SELECT 1 FROM contact o WHERE o.tenant_id = %(tenant)s
    AND o.external_id = s.external_id AND o.deleted_at IS NULL AND o.id <> h.contact_id) THEN s.external_id END,
  email = CASE WHEN NOT EXISTS (SELECT 1 FROM contact o WHERE o.tenant_id = %(tenant)s
    AND o.email = s.email AND o.deleted_at IS NULL AND o.id <> h.contact_id) THEN s.email END,
  phone = CASE WHEN NOT EXISTS (SELECT 1 FROM contact o WHERE o.tenant_id = %(tenant)s
    AND o.phone = s.phone AND o.deleted_at IS NULL AND o.id <> h.contact_id) THEN s.phone END
FROM {hit} h WHERE s.tenant_id = %(tenant)s AND h.tenant_id = %(tenant)s AND h.row_no = s.row_no"""


def choose(staging: Staging) -> None:
    """Give the rows that name a contact by our own number to that contact."""
    if statements.run(CHOSEN, staging):
        statements.run(GIVE_WAY, staging)


# Identifiers by which a contact was known before lead to the contact: in the rows they become that contact's own, so that
# all later steps see one person. An alias that a living contact has as its own, or that would lead to several, says
# nothing; nor does one where a stronger identifier of the row is somebody else's. What was replaced by another value, not by
# a merge, may be set again by a row that names the contact by a stronger identifier. `led` stores what the row had before.
# Runs before the matching, the weakest identifier first, where the tenant has aliases at all.
ANY_ALIAS = "SELECT EXISTS (SELECT 1 FROM alias a WHERE a.tenant_id = %(tenant)s)"
LED = "UPDATE {row} s SET {restored}, led = NULL WHERE s.tenant_id = %(tenant)s AND s.led IS NOT NULL"
LEAD = """
WITH known AS MATERIALIZED (
  SELECT a.value, min(a.contact_id) AS contact_id, bool_or(a.merge_id IS NOT NULL) AS merged FROM alias a
  JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = a.contact_id AND c.merged_into IS NULL
    AND (c.deleted_at IS NULL OR %(revive)s)
  WHERE a.tenant_id = %(tenant)s AND a.kind = '{kind}' AND a.value IN (
      SELECT r.{kind} FROM {row} r WHERE r.tenant_id = %(tenant)s AND r.{kind} IS NOT NULL)
    AND NOT EXISTS (
    SELECT 1 FROM contact o WHERE o.tenant_id = %(tenant)s AND o.{kind} = a.value AND o.deleted_at IS NULL)
  GROUP BY a.value HAVING count(DISTINCT a.contact_id) = 1)
UPDATE {row} s SET {set}, led = coalesce(s.led, '{}') || {said} FROM known k
JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = k.contact_id AND c.{kind} IS NOT NULL
WHERE s.tenant_id = %(tenant)s AND s.{kind} = k.value{stronger}"""
# The stronger identifier {name} of the row is not another person's, and does not name the contact by itself.
_NOT_ANOTHER = """ AND (s.{name} IS NULL OR c.{name} IS NULL OR s.{name} = c.{name} OR EXISTS (
    SELECT 1 FROM alias o WHERE o.tenant_id = %(tenant)s AND o.kind = '{name}' AND o.value = s.{name}
    AND o.contact_id = c.id)) AND (k.merged OR s.{name} IS NULL OR s.{name} IS DISTINCT FROM c.{name})"""
# Rows with nothing but an alias whose contact has no identifier of that kind any more.
LEAD_ALONE = """
WITH known AS (
  SELECT a.value, min(a.contact_id) AS contact_id FROM alias a
  JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = a.contact_id AND c.merged_into IS NULL AND c.{kind} IS NULL
    AND (c.deleted_at IS NULL OR %(revive)s)
  WHERE a.tenant_id = %(tenant)s AND a.kind = '{kind}' AND a.value IN (
      SELECT r.{kind} FROM {row} r WHERE r.tenant_id = %(tenant)s AND r.{kind} IS NOT NULL)
    AND NOT EXISTS (
    SELECT 1 FROM contact o WHERE o.tenant_id = %(tenant)s AND o.{kind} = a.value AND o.deleted_at IS NULL)
  GROUP BY a.value HAVING count(DISTINCT a.contact_id) = 1),
led AS (
  UPDATE {row} s SET {set}, led = {said} FROM known k
  WHERE s.tenant_id = %(tenant)s AND s.{kind} = k.value AND s.external_id IS NOT DISTINCT FROM {external_id}
    AND s.email IS NOT DISTINCT FROM {email} AND s.phone IS NOT DISTINCT FROM {phone}
  RETURNING s.row_no, k.contact_id)
INSERT INTO {hit} (tenant_id, row_no, contact_id, strength) SELECT %(tenant)s, l.row_no, l.contact_id, 1 FROM led l
ON CONFLICT DO NOTHING"""
_FORMS = {kind: (kind, COMPANIONS[kind]) if kind in COMPANIONS else (kind,) for kind in IDENTIFIERS}


def resolve_aliases(staging: Staging, order: Sequence[str], *, revive: bool = False, again: bool = False) -> None:
    """Replace aliases in the rows by the identifiers of the contacts that they lead to; `order` has the identifiers that
    take part, strongest first. With `revive`, deleted contacts are led to as well; `again` when
    rows may have been led before."""
    restored = ", ".join(
        f"{c} = CASE WHEN s.led ? '{kind}' THEN s.led -> '{kind}' ->> {i} ELSE s.{c} END"
        for kind, columns in _FORMS.items()
        for i, c in enumerate(columns)
    )
    if again:
        statements.run(statements.fill(LED, restored=restored), staging)
    if not statements.fetch(ANY_ALIAS, staging)[0][0]:
        return
    for i, kind in reversed(list(enumerate(order))):
        stronger = "".join(statements.fill(_NOT_ANOTHER, name=name) for name in order[:i])
        said = f"jsonb_build_object('{kind}', jsonb_build_array({', '.join(f's.{c}' for c in _FORMS[kind])}))"
        own = ", ".join(f"{c} = c.{c}" for c in _FORMS[kind])
        lead = statements.fill(LEAD, kind=kind, said=said, stronger=stronger, set=own)
        statements.run(lead, staging, revive=revive)
        nothing = ", ".join(f"{c} = NULL" for c in _FORMS[kind])
        values = {name: "k.value" if name == kind else "NULL" for name in _FORMS}
        alone = statements.fill(LEAD_ALONE, kind=kind, said=said, set=nothing, **values)
        statements.run(alone, staging, revive=revive)
