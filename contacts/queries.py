"""The statements of identity resolution that the ORM cannot say. Each stands above the one function that runs it.

All run in the caller's transaction. Every table of every statement carries the tenant's number (scale-out, rule 2);
{row}, {hit} … are the staging tables of one import (contacts.staging says what each holds).
"""

from collections.abc import Iterator
from typing import Any

from django.db import connection
from psycopg import sql

from contacts.staging import Staging


def run(statement: str, staging: Staging, /, **values: Any) -> int:
    """Run one statement with the staging tables as names; returns the number of rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(statement).format(**staging.names()),
            {"tenant": staging.tenant_id, **values},
        )
        return int(cursor.rowcount)


def fetch(statement: str, staging: Staging, /, **values: Any) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows; for small answers only."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(statement).format(**staging.names()),
            {"tenant": staging.tenant_id, **values},
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


# Memory for the sorts and hashes of one phase. Runs first in the phase's transaction, gone with it.
def work_memory(megabytes: int) -> None:
    """Give this transaction's sorts and hashes so much memory each."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL work_mem = '{int(megabytes)}MB'")


# Whether the tenant has a living contact at all: an empty workspace needs no matching.
ANYBODY = "SELECT EXISTS (SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s AND c.deleted_at IS NULL)"


def anybody(staging: Staging) -> bool:
    return bool(fetch(ANYBODY, staging)[0][0])


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
    """Note the rows whose identifier of this kind stands in several rows."""
    return run(REPEATED[kind], staging)


# Rows that point at one contact. Runs in the resolve, after the matching of all row ranges.
SAME_CONTACT = """
INSERT INTO {repeat} (tenant_id, kind, row_no, key)
SELECT h.tenant_id, 'contact', h.row_no, h.contact_id::text FROM {hit} h JOIN (
  SELECT g.contact_id FROM {hit} g WHERE g.tenant_id = %(tenant)s AND g.contact_id IS NOT NULL AND g.code IS NULL
  GROUP BY g.contact_id HAVING count(*) > 1) d ON d.contact_id = h.contact_id
WHERE h.tenant_id = %(tenant)s AND h.code IS NULL"""


def find_same_contact(staging: Staging) -> int:
    return run(SAME_CONTACT, staging)


# Every row that shares something, group by group, the strongest kind first. Read once by the resolve.
REPEATS = """
SELECT r.kind, r.key, r.row_no, s.external_id, s.email, h.contact_id, h.strength
FROM {repeat} r
JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = r.row_no
LEFT JOIN {hit} h ON h.tenant_id = %(tenant)s AND h.row_no = r.row_no
WHERE r.tenant_id = %(tenant)s AND h.code IS NULL
ORDER BY array_position(ARRAY['external_id', 'email', 'contact', 'phone'], r.kind), r.key, r.row_no"""


def repeats(staging: Staging) -> Iterator[tuple[Any, ...]]:
    """Rows of REPEATS, streamed."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(REPEATS).format(**staging.names()), {"tenant": staging.tenant_id})
        yield from cursor


# A row that was joined into another one points nowhere by itself any more.
FORGET_LOSERS = """
DELETE FROM {hit} h USING {loser} l
WHERE h.tenant_id = %(tenant)s AND l.tenant_id = %(tenant)s AND h.row_no = l.row_no"""


def forget_losers(staging: Staging) -> None:
    run(FORGET_LOSERS, staging)


# The contact of a group belongs to its winning row; a conflict found between rows is noted like one with the contacts.
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
        run(NOTE_HITS, staging, rows=rows, contacts=contacts, codes=codes, others=others)


# Values of the joined rows go into the winning row where it has none; among several the {order} row wins. A key that the
# winner clears stays cleared.
MERGE = """
UPDATE {row} w SET
  email = coalesce(w.email, g.email), email_written = coalesce(w.email_written, g.email_written),
  phone = coalesce(w.phone, g.phone), phone_written = coalesce(w.phone_written, g.phone_written),
  external_id = coalesce(w.external_id, g.external_id),
  first_name = coalesce(w.first_name, g.first_name), first_key = coalesce(w.first_key, g.first_key),
  last_name = coalesce(w.last_name, g.last_name), last_key = coalesce(w.last_key, g.last_key),
  attributes = (g.attributes || w.attributes) - coalesce(w.cleared, '{}')
FROM (
  SELECT l.winner, {columns}, jsonb_object_agg(e.key, e.value ORDER BY s.row_no {for_objects})
    FILTER (WHERE e.key IS NOT NULL) AS attributes
  FROM {loser} l JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = l.row_no
  LEFT JOIN LATERAL jsonb_each(s.attributes) e ON true
  WHERE l.tenant_id = %(tenant)s GROUP BY l.winner) g
WHERE w.tenant_id = %(tenant)s AND w.row_no = g.winner"""
MERGED_COLUMNS = (
    "email", "email_written", "phone", "phone_written", "external_id",
    "first_name", "first_key", "last_name", "last_key",
)  # fmt: skip


def merge_losers(staging: Staging, *, last_wins: bool) -> None:
    """Fill the winning rows from the rows joined into them."""
    order = "DESC" if last_wins else "ASC"
    columns = ", ".join(
        f"(array_agg(s.{c} ORDER BY s.row_no {order}) FILTER (WHERE s.{c} IS NOT NULL))[1] AS {c}"
        for c in MERGED_COLUMNS
    )
    statement = (
        MERGE.replace("{columns}", columns)
        # jsonb_object_agg keeps the last value of a key.
        .replace("{for_objects}", "ASC" if last_wins else "DESC")
        .replace("'{}'", "'{{}}'")
        .replace("g.attributes ||", "coalesce(g.attributes, '{{}}') ||")
    )
    run(statement, staging)


# Rows without a living contact that point at a deleted one: skipped. Only run where the tenant has deleted contacts.
DELETED = """
INSERT INTO {hit} (tenant_id, row_no, contact_id, strength, code, other_id)
SELECT %(tenant)s, d.row_no, NULL, 1, 'contact_deleted', min(d.id) FROM (
  SELECT s.row_no, c.id FROM {row} s JOIN contact c ON c.tenant_id = %(tenant)s AND c.external_id = s.external_id
  WHERE s.tenant_id = %(tenant)s AND c.deleted_at IS NOT NULL
  UNION ALL
  SELECT s.row_no, c.id FROM {row} s JOIN contact c ON c.tenant_id = %(tenant)s AND c.email = s.email
  WHERE s.tenant_id = %(tenant)s AND c.deleted_at IS NOT NULL
  UNION ALL
  SELECT s.row_no, c.id FROM {row} s JOIN contact c ON c.tenant_id = %(tenant)s AND c.phone = s.phone
  WHERE s.tenant_id = %(tenant)s AND c.deleted_at IS NOT NULL AND s.email IS NULL AND s.external_id IS NULL) d
WHERE NOT EXISTS (SELECT 1 FROM {hit} h WHERE h.tenant_id = %(tenant)s AND h.row_no = d.row_no)
  AND NOT EXISTS (SELECT 1 FROM {loser} l WHERE l.tenant_id = %(tenant)s AND l.row_no = d.row_no)
GROUP BY d.row_no"""
ANY_DELETED = "SELECT EXISTS (SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s AND c.deleted_at IS NOT NULL)"


def skip_deleted(staging: Staging) -> int:
    return run(DELETED, staging) if fetch(ANY_DELETED, staging)[0][0] else 0


# Rows whose identifier belongs to a person erased for good. The digest is keyed, so a list of them says nothing.
SUPPRESSED = """
INSERT INTO {hit} (tenant_id, row_no, contact_id, strength, code, other_id)
SELECT DISTINCT %(tenant)s, d.row_no, NULL::bigint, 1, 'contact_suppressed', NULL::bigint FROM (
  SELECT s.row_no, k.kind, encode(sha256(convert_to(%(key)s || k.kind || k.value, 'UTF8')), 'hex') AS digest
  FROM {row} s CROSS JOIN LATERAL (
    VALUES ('email', s.email), ('phone', s.phone), ('external_id', s.external_id)) k(kind, value)
  WHERE s.tenant_id = %(tenant)s AND k.value IS NOT NULL) d
JOIN suppression x ON x.tenant_id = %(tenant)s AND x.kind = d.kind AND x.digest = d.digest
WHERE NOT EXISTS (SELECT 1 FROM {hit} h WHERE h.tenant_id = %(tenant)s AND h.row_no = d.row_no)
  AND NOT EXISTS (SELECT 1 FROM {loser} l WHERE l.tenant_id = %(tenant)s AND l.row_no = d.row_no)"""
ANY_SUPPRESSED = "SELECT EXISTS (SELECT 1 FROM suppression x WHERE x.tenant_id = %(tenant)s)"


def skip_suppressed(staging: Staging, *, key: str) -> int:
    return run(SUPPRESSED, staging, key=key) if fetch(ANY_SUPPRESSED, staging)[0][0] else 0


# The mode of the import: known contacts are left alone, or unknown rows are.
ONLY_CREATE = """
UPDATE {hit} h SET code = 'mode_create_only'
WHERE h.tenant_id = %(tenant)s AND h.contact_id IS NOT NULL AND h.code IS NULL"""
ONLY_UPDATE = """
INSERT INTO {hit} (tenant_id, row_no, contact_id, strength, code, other_id)
SELECT %(tenant)s, s.row_no, NULL, 1, 'mode_update_only', NULL FROM {row} s
WHERE s.tenant_id = %(tenant)s
  AND NOT EXISTS (SELECT 1 FROM {hit} h WHERE h.tenant_id = %(tenant)s AND h.row_no = s.row_no)
  AND NOT EXISTS (SELECT 1 FROM {loser} l WHERE l.tenant_id = %(tenant)s AND l.row_no = s.row_no)"""


def skip_by_mode(staging: Staging, mode: str) -> None:
    if mode == "create_only":
        run(ONLY_CREATE, staging)
    elif mode == "update_only":
        run(ONLY_UPDATE, staging)


# Rows that find nobody become contacts. Their ids are drawn one by one from the sequence, never reserved by moving it
# (scale-out, rule 6), so that every later step can be repeated.
CREATES = """
INSERT INTO {map} (tenant_id, row_no, contact_id, outcome)
SELECT s.tenant_id, s.row_no, nextval('contact_id_seq'), 'c' FROM {row} s
LEFT JOIN {hit} h ON h.tenant_id = %(tenant)s AND h.row_no = s.row_no
LEFT JOIN {loser} l ON l.tenant_id = %(tenant)s AND l.row_no = s.row_no
WHERE s.tenant_id = %(tenant)s AND h.row_no IS NULL AND l.row_no IS NULL"""


def plan_creates(staging: Staging) -> int:
    """Map every row that finds nobody to a contact to be made; returns how many."""
    return run(CREATES, staging)


# How many rows each decision holds back, by code.
CODES = "SELECT h.code, count(*) FROM {hit} h WHERE h.tenant_id = %(tenant)s AND h.code IS NOT NULL GROUP BY h.code"


def counts_by_code(staging: Staging) -> dict[str, int]:
    return {code: int(n) for code, n in fetch(CODES, staging)}


# What a matched row changes in its contact, for rows [start, stop); nothing is written to the contact. A row without a
# change is unchanged, so that importing the same file again writes nothing.
DIFF = """
INSERT INTO {map} (tenant_id, row_no, contact_id, outcome, changed)
SELECT %(tenant)s, d.row_no, d.id, CASE WHEN d.changed = '{{}}' THEN 'n' ELSE 'u' END, nullif(d.changed, '{{}}')
FROM (
  SELECT h.row_no, c.id, array_remove(ARRAY[
      CASE WHEN s.external_id IS NOT NULL AND c.external_id IS NULL THEN 'external_id' END,
      @columns@], NULL) || @attributes@ AS changed
  FROM {hit} h
  JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = h.row_no
  JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = h.contact_id
  WHERE h.tenant_id = %(tenant)s AND h.row_no >= %(start)s AND h.row_no < %(stop)s
    AND h.code IS NULL AND h.contact_id IS NOT NULL) d"""
OVERWRITE_ATTRIBUTES = """
CASE WHEN s.attributes = c.attributes AND s.cleared IS NULL THEN '{{}}'
  WHEN (c.attributes || s.attributes) - coalesce(s.cleared, '{{}}') IS DISTINCT FROM c.attributes THEN
  ARRAY(SELECT e.key FROM jsonb_each(s.attributes) e WHERE c.attributes -> e.key IS DISTINCT FROM e.value
        UNION ALL SELECT k FROM unnest(s.cleared) k WHERE jsonb_exists(c.attributes, k)) ELSE '{{}}' END"""
FILL_ATTRIBUTES = """
CASE WHEN s.attributes = c.attributes THEN '{{}}'
  WHEN s.attributes || c.attributes IS DISTINCT FROM c.attributes THEN
  ARRAY(SELECT e.key FROM jsonb_each(s.attributes) e WHERE NOT jsonb_exists(c.attributes, e.key)) ELSE '{{}}' END"""


def _column_change(column: str, *, overwrite: bool, clear: bool) -> str:
    changed = f"s.{column} IS NOT NULL AND c.{column} IS " + (f"DISTINCT FROM s.{column}" if overwrite else "NULL")
    if clear and overwrite and column.endswith("_name"):
        changed = f"({changed}) OR (c.{column} IS NOT NULL AND '{column}' = ANY(s.cleared))"
    return f"CASE WHEN {changed} THEN '{column}' END"


def plan_updates(staging: Staging, *, start: int, stop: int, overwrite: bool, clear: bool) -> int:
    """Map matched rows of a range to what they change; returns how many rows."""
    columns = ", ".join(
        _column_change(c, overwrite=overwrite, clear=clear) for c in ("email", "phone", "first_name", "last_name")
    )
    attributes = OVERWRITE_ATTRIBUTES if overwrite else FILL_ATTRIBUTES
    statement = DIFF.replace("@columns@", columns).replace("@attributes@", attributes)
    return run(statement, staging, start=start, stop=stop)


# For the review: how many contacts change in each value, with the first row as the example.
CHANGES = """
SELECT k.key, count(*), min(m.row_no) FROM {map} m CROSS JOIN LATERAL unnest(m.changed) k(key)
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND m.outcome = 'u' GROUP BY k.key"""
OUTCOMES = """
SELECT m.outcome::text, count(*) FROM {map} m
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s GROUP BY m.outcome"""


def changes(staging: Staging, *, start: int, stop: int) -> dict[str, tuple[int, int]]:
    """Changed key → (contacts, first row) in a range of rows."""
    return {key: (int(n), int(row)) for key, n, row in fetch(CHANGES, staging, start=start, stop=stop)}


def outcomes(staging: Staging, *, start: int, stop: int) -> dict[str, int]:
    """Outcome letter → rows in a range of rows."""
    return {letter: int(n) for letter, n in fetch(OUTCOMES, staging, start=start, stop=stop)}


# Makes the new contacts of rows [start, stop). Ids were drawn before, so no RETURNING; time is an argument.
INSERT_CONTACTS = """
INSERT INTO contact (tenant_id, id, email, email_written, phone, phone_written, external_id, first_name, last_name,
                     first_key, last_key, attributes, origin, created_at, changed_at)
SELECT s.tenant_id, m.contact_id, s.email, s.email_written, s.phone, s.phone_written, s.external_id, s.first_name,
       s.last_name, s.first_key, s.last_key, s.attributes, %(origin)s, %(now)s, %(now)s
FROM {map} m JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND m.outcome = 'c'
ORDER BY m.row_no
ON CONFLICT DO NOTHING"""


def insert_contacts(staging: Staging, **values: Any) -> int:
    """Write the contacts to be created; `start`, `stop`, `origin`, `now`. Returns how many."""
    return run(INSERT_CONTACTS, staging, **values)


# Writes what changes in the matched contacts of rows [start, stop); locks those contacts until the unit commits. An
# identifier that only points (external ID) is never replaced. The written form follows its normal form.
UPDATE_CONTACTS = {
    True: """
UPDATE contact c SET
  external_id = coalesce(c.external_id, s.external_id),
  email = coalesce(s.email, c.email),
  email_written = CASE WHEN s.email IS DISTINCT FROM c.email AND s.email IS NOT NULL THEN s.email_written
                       ELSE c.email_written END,
  phone = coalesce(s.phone, c.phone),
  phone_written = CASE WHEN s.phone IS DISTINCT FROM c.phone AND s.phone IS NOT NULL THEN s.phone_written
                       ELSE c.phone_written END,
  first_name = coalesce(s.first_name, CASE WHEN NOT 'first_name' = ANY(m.changed) THEN c.first_name END),
  first_key = coalesce(s.first_key, CASE WHEN NOT 'first_name' = ANY(m.changed) THEN c.first_key END),
  last_name = coalesce(s.last_name, CASE WHEN NOT 'last_name' = ANY(m.changed) THEN c.last_name END),
  last_key = coalesce(s.last_key, CASE WHEN NOT 'last_name' = ANY(m.changed) THEN c.last_key END),
  attributes = (c.attributes || s.attributes) - coalesce(s.cleared, '{{}}'), changed_at = %(now)s
FROM {map} m JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND m.outcome = 'u'
  AND c.tenant_id = %(tenant)s AND c.id = m.contact_id""",
    False: """
UPDATE contact c SET
  external_id = coalesce(c.external_id, s.external_id),
  email = coalesce(c.email, s.email),
  email_written = CASE WHEN c.email IS NULL THEN s.email_written ELSE c.email_written END,
  phone = coalesce(c.phone, s.phone),
  phone_written = CASE WHEN c.phone IS NULL THEN s.phone_written ELSE c.phone_written END,
  first_name = coalesce(c.first_name, s.first_name),
  first_key = CASE WHEN c.first_name IS NULL THEN s.first_key ELSE c.first_key END,
  last_name = coalesce(c.last_name, s.last_name),
  last_key = CASE WHEN c.last_name IS NULL THEN s.last_key ELSE c.last_key END,
  attributes = s.attributes || c.attributes, changed_at = %(now)s
FROM {map} m JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND m.outcome = 'u'
  AND c.tenant_id = %(tenant)s AND c.id = m.contact_id""",
}


def update_contacts(staging: Staging, *, overwrite: bool, **values: Any) -> int:
    """Write the contacts to be changed; `start`, `stop`, `now`. Returns how many."""
    return run(UPDATE_CONTACTS[overwrite], staging, **values)


# Notes when the contacts of rows [start, stop) were made or changed; the time is the one that the contacts carry.
NOTE_CHANGES = """
INSERT INTO contact_change (tenant_id, at, contact_id)
SELECT m.tenant_id, %(now)s, m.contact_id FROM {map} m
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND m.outcome IN ('c', 'u')
ORDER BY m.contact_id
ON CONFLICT DO NOTHING"""


def note_changes(staging: Staging, **values: Any) -> None:
    """Add to the order of changes; `start`, `stop`, `now`."""
    run(NOTE_CHANGES, staging, **values)
