"""Rows that the resolve holds back: their contacts are deleted or erased, or the import is not to touch them."""

from contacts.staging import Staging
from contacts.statements import fetch, run

# Rows without a living contact that point at a deleted one, by what it is or was known by: skipped.
# Only run where the tenant has deleted contacts.
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
  WHERE s.tenant_id = %(tenant)s AND c.deleted_at IS NOT NULL AND s.email IS NULL AND s.external_id IS NULL
  UNION ALL
  SELECT s.row_no, c.id FROM {row} s JOIN alias a
    ON a.tenant_id = %(tenant)s AND a.kind = 'external_id' AND a.value = s.external_id
  JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = a.contact_id
  WHERE s.tenant_id = %(tenant)s AND c.deleted_at IS NOT NULL
  UNION ALL
  SELECT s.row_no, c.id FROM {row} s JOIN alias a ON a.tenant_id = %(tenant)s AND a.kind = 'email' AND a.value = s.email
  JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = a.contact_id
  WHERE s.tenant_id = %(tenant)s AND c.deleted_at IS NOT NULL
  UNION ALL
  SELECT s.row_no, c.id FROM {row} s JOIN alias a ON a.tenant_id = %(tenant)s AND a.kind = 'phone' AND a.value = s.phone
  JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = a.contact_id
  WHERE s.tenant_id = %(tenant)s AND c.deleted_at IS NOT NULL AND s.email IS NULL AND s.external_id IS NULL) d
WHERE NOT EXISTS (SELECT 1 FROM {hit} h WHERE h.tenant_id = %(tenant)s AND h.row_no = d.row_no)
  AND NOT EXISTS (SELECT 1 FROM {map} m WHERE m.tenant_id = %(tenant)s AND m.row_no = d.row_no)
  AND NOT EXISTS (SELECT 1 FROM {loser} l WHERE l.tenant_id = %(tenant)s AND l.row_no = d.row_no)
GROUP BY d.row_no"""
ANY_DELETED = "SELECT EXISTS (SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s AND c.deleted_at IS NOT NULL)"


def skip_deleted(staging: Staging) -> int:
    return run(DELETED, staging) if fetch(ANY_DELETED, staging)[0][0] else 0


# Rows whose identifier belongs to a person erased for good, and rows that would give such an identifier to a contact that
# does not have it. The digest is keyed, so a list of them says nothing.
SUPPRESSED = """
WITH found AS MATERIALIZED (
  SELECT DISTINCT d.row_no, d.kind, d.value FROM (
    SELECT s.row_no, k.kind, k.value, encode(sha256(convert_to(%(key)s || k.kind || k.value, 'UTF8')), 'hex') AS digest
    FROM {row} s CROSS JOIN LATERAL (
      VALUES ('email', s.email), ('phone', s.phone), ('external_id', s.external_id)) k(kind, value)
    WHERE s.tenant_id = %(tenant)s AND k.value IS NOT NULL) d
  JOIN suppression x ON x.tenant_id = %(tenant)s AND x.kind = d.kind AND x.digest = d.digest),
held AS (
  UPDATE {hit} h SET code = 'contact_suppressed' FROM found f, contact c
  WHERE h.tenant_id = %(tenant)s AND h.row_no = f.row_no AND h.code IS NULL
    AND c.tenant_id = %(tenant)s AND c.id = h.contact_id AND f.value IS DISTINCT FROM
      CASE f.kind WHEN 'email' THEN c.email WHEN 'phone' THEN c.phone ELSE c.external_id END)
INSERT INTO {hit} (tenant_id, row_no, contact_id, strength, code, other_id)
SELECT DISTINCT %(tenant)s, d.row_no, NULL::bigint, 1, 'contact_suppressed', NULL::bigint FROM found d
WHERE NOT EXISTS (SELECT 1 FROM {hit} h WHERE h.tenant_id = %(tenant)s AND h.row_no = d.row_no)
  AND NOT EXISTS (SELECT 1 FROM {map} m WHERE m.tenant_id = %(tenant)s AND m.row_no = d.row_no)
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
  AND NOT EXISTS (SELECT 1 FROM {map} m WHERE m.tenant_id = %(tenant)s AND m.row_no = s.row_no)
  AND NOT EXISTS (SELECT 1 FROM {loser} l WHERE l.tenant_id = %(tenant)s AND l.row_no = s.row_no)"""


def skip_by_mode(staging: Staging, mode: str) -> None:
    if mode == "create_only":
        run(ONLY_CREATE, staging)
    elif mode == "update_only":
        run(ONLY_UPDATE, staging)


# Deleted contacts that rows would restore although their external ID is a living contact's now, or twice the same one's.
REVIVED_TWICE = """
UPDATE {hit} h SET code = 'ambiguous_match', other_id = coalesce(
    (SELECT min(l.id) FROM contact l WHERE l.tenant_id = %(tenant)s AND l.external_id = d.external_id
     AND l.deleted_at IS NULL), d.id)
FROM contact d
WHERE h.tenant_id = %(tenant)s AND h.code IS NULL AND d.tenant_id = %(tenant)s AND d.id = h.contact_id
  AND d.deleted_at IS NOT NULL AND d.external_id IS NOT NULL
  AND (EXISTS (SELECT 1 FROM contact l WHERE l.tenant_id = %(tenant)s AND l.external_id = d.external_id
               AND l.deleted_at IS NULL)
    OR EXISTS (SELECT 1 FROM {hit} k JOIN contact e ON e.tenant_id = %(tenant)s AND e.id = k.contact_id
               WHERE k.tenant_id = %(tenant)s AND e.external_id = d.external_id AND e.id <> d.id))"""


def refuse_revived_twice(staging: Staging) -> None:
    """Conflicts of deleted contacts with those that have taken their external ID."""
    run(REVIVED_TWICE, staging)


# How many rows each decision holds back, by code.
CODES = "SELECT h.code, count(*) FROM {hit} h WHERE h.tenant_id = %(tenant)s AND h.code IS NOT NULL GROUP BY h.code"


def counts_by_code(staging: Staging) -> dict[str, int]:
    return {code: int(n) for code, n in fetch(CODES, staging)}


# Rows of a range that were skipped, and that were joined into others. Runs when an import ends early.
HELD_BACK = """
SELECT (SELECT count(*) FROM {hit} h WHERE h.tenant_id = %(tenant)s AND h.row_no >= %(start)s AND h.row_no < %(stop)s
          AND h.code = ANY(%(codes)s)),
       (SELECT count(*) FROM {loser} l WHERE l.tenant_id = %(tenant)s AND l.row_no >= %(start)s AND l.row_no < %(stop)s)"""


def held_back(staging: Staging, *, codes: list[str], start: int, stop: int) -> tuple[int, int]:
    """(skipped, joined) rows."""
    ((skipped, joined),) = fetch(HELD_BACK, staging, codes=codes, start=start, stop=stop)
    return int(skipped), int(joined)
