"""The statements of the import pipeline that the ORM cannot express. Each is above the one function that runs it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from contacts import statements
from contacts.consent import address_status
from contacts.staging import Staging
from core import exact_json
from segments import membership
from tenants.isolation.context import current_tenant
from tenants.isolation.statements import analyze

# Issues of one parse unit. One JSON document instead of COPY, which a protected table refuses.
ADD_ISSUES = """
INSERT INTO row_issue (tenant_id, import_id, row_no, "column", code, value, severity, facts)
SELECT %(tenant)s, %(import_id)s, (i -> 0)::int, (i ->> 1)::int, i ->> 2, left(i ->> 3, 400), i ->> 4, i -> 5
FROM jsonb_array_elements(%(issues)s::jsonb) i
ON CONFLICT DO NOTHING"""

Issue = tuple[int, int | None, str, str | None, str, dict[str, Any]]


def add_issues(staging: Staging, issues: Sequence[Issue]) -> None:
    """Store (row_no, column, code, value, severity, facts) records."""
    if issues:
        statements.run(ADD_ISSUES, staging, issues=orjson.dumps(issues).decode())


# The cells of rows in error, as the file has them.
ADD_REJECTED = """
INSERT INTO rejected_row (tenant_id, import_id, row_no, cells)
SELECT %(tenant)s, %(import_id)s, (r -> 0)::int, r -> 1 FROM jsonb_array_elements(%(rows)s::jsonb) r
ON CONFLICT DO NOTHING"""


def add_rejected(staging: Staging, rejected: Iterable[tuple[int, list[str]]]) -> None:
    """Store (row_no, cells) of rows in error."""
    # What PostgreSQL cannot hold is shown as the sign for it; the problem itself is named by its code.
    rows = [(row_no, [v.replace("\x00", "␀") for v in values]) for row_no, values in rejected]
    if rows:
        statements.run(ADD_REJECTED, staging, rows=orjson.dumps(rows).decode())


# What the resolve has decided about single rows, as issues: conflicts, rows left out, rows joined into others.
VERDICTS = """
INSERT INTO row_issue (tenant_id, import_id, row_no, code, facts, severity)
SELECT h.tenant_id, %(import_id)s, h.row_no, h.code,
       jsonb_strip_nulls(jsonb_build_object('contact', h.contact_id, 'other', h.other_id)),
       CASE WHEN h.code = ANY(%(skips)s) THEN 'skipped' ELSE 'error' END
FROM {hit} h WHERE h.tenant_id = %(tenant)s AND h.code IS NOT NULL
ON CONFLICT DO NOTHING"""
JOINED = """
INSERT INTO row_issue (tenant_id, import_id, row_no, code, facts, severity)
SELECT l.tenant_id, %(import_id)s, l.row_no, 'duplicate_of_line', jsonb_build_object('line', l.winner), 'info'
FROM {loser} l WHERE l.tenant_id = %(tenant)s
ON CONFLICT DO NOTHING"""


def add_verdicts(staging: Staging, *, skips: Sequence[str]) -> None:
    """Store what became of rows that were not simply matched or created."""
    statements.run(VERDICTS, staging, skips=list(skips))
    statements.run(JOINED, staging)


# Removes the verdicts of a resolve that will be repeated; problems of the parse stay. A row that the resolve refused
# has been parsed without an error, so its cells were stored for the verdict alone.
FORGET_CELLS = """
DELETE FROM rejected_row r USING row_issue i
WHERE i.tenant_id = %(tenant)s AND i.import_id = %(import_id)s AND i.severity = 'error' AND i.code = ANY(%(codes)s)
  AND r.tenant_id = %(tenant)s AND r.import_id = %(import_id)s AND r.row_no = i.row_no"""
FORGET_VERDICTS = """
DELETE FROM row_issue i WHERE i.tenant_id = %(tenant)s AND i.import_id = %(import_id)s AND i.code = ANY(%(codes)s)"""


def forget_verdicts(staging: Staging, codes: Sequence[str]) -> None:
    """Remove the issues with these codes, and the cells that only they needed."""
    statements.run(FORGET_CELLS, staging, codes=list(codes))
    statements.run(FORGET_VERDICTS, staging, codes=list(codes))


# Rows that only the resolve has refused: their cells are still in the file alone.
REFUSED = """
SELECT DISTINCT i.row_no FROM row_issue i
WHERE i.tenant_id = %(tenant)s AND i.import_id = %(import_id)s AND i.severity = 'error' AND i.code = ANY(%(codes)s)
ORDER BY i.row_no"""


def refused_rows(staging: Staging, codes: Sequence[str]) -> list[int]:
    """Row numbers, ascending, of the rows with one of these verdicts."""
    rows = statements.fetch(REFUSED, staging, codes=list(codes))
    return [int(row) for (row,) in rows]


# Which contact a row made or changed, with what was there before: the origin of every value, and what an undo goes by.
TOUCH = """
INSERT INTO touched (tenant_id, import_id, row_no, contact_id, outcome, changed, at, was_at)
SELECT m.tenant_id, %(import_id)s, m.row_no, m.contact_id, m.outcome, m.changed, %(now)s, m.was_at FROM {map} m
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s
  AND m.outcome IN ({RowOutcome.CREATED}, {RowOutcome.UPDATED})
ORDER BY m.row_no
{once}"""


def touch(staging: Staging, *, start: int, stop: int, now: datetime, careful: bool = True) -> int:
    """Record the contacts that rows [start, stop) make or change; `now` is the time that the contacts carry."""
    return statements.run(statements.once(TOUCH, careful=careful), staging, start=start, stop=stop, now=now)


# What an undo, or its own undoing, has made of the rows [start, stop).
MARK_UNDONE = """
UPDATE touched t SET undone = u.result FROM {undone} u
WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s AND t.row_no >= %(start)s AND t.row_no < %(stop)s
  AND u.tenant_id = %(tenant)s AND u.row_no = t.row_no"""
MARK_REDONE = """
UPDATE touched t SET undone = NULL FROM {undone} u
WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s AND t.row_no >= %(start)s AND t.row_no < %(stop)s
  AND u.tenant_id = %(tenant)s AND u.row_no = t.row_no AND u.result IN ({Reverted.FULLY}, {Reverted.IN_PART})"""


def mark_undone(staging: Staging, *, start: int, stop: int, redone: bool = False) -> None:
    """Write the results of a range of rows beside what they had touched."""
    statements.run(MARK_REDONE if redone else MARK_UNDONE, staging, start=start, stop=stop)


# An example row for the review: each value before and after.
SAMPLE = "SELECT m.changed FROM {map} m WHERE m.tenant_id = %(tenant)s AND m.row_no = %(row)s"


def sample(staging: Staging, row_no: int) -> dict[str, list[Any]]:
    """`changed` of one row (contacts.values.value_changes)."""
    rows = statements.fetch(SAMPLE, staging, row=row_no)
    # Django leaves jsonb as text on plain cursors.
    return dict(exact_json.loads(rows[0][0])) if rows else {}


# Statuses of the file that are milder than the contact's and stay out: consent only becomes stricter.
KEPT = """
SELECT h.row_no, s.settings ->> %(key)s AS value, c.id AS contact_id, x.status
FROM {hit} h JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = h.row_no
JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = h.contact_id
CROSS JOIN LATERAL (SELECT CASE %(key)s WHEN 'email_status' THEN c.email_status ELSE c.phone_status END AS status) x
WHERE h.tenant_id = %(tenant)s AND h.row_no >= %(start)s AND h.row_no < %(stop)s AND h.code IS NULL
  AND array_position(%(order)s::text[], s.settings ->> %(key)s) < array_position(%(order)s::text[], x.status::text)"""

RECORD_KEPT = """
INSERT INTO row_issue (tenant_id, import_id, row_no, "column", code, value, facts, severity)
SELECT %(tenant)s, %(import_id)s, k.row_no, %(column)s, 'status_kept', k.value,
       jsonb_build_object('contact', k.contact_id, 'status', k.status), 'warning' FROM ({kept}) k
ON CONFLICT DO NOTHING"""


def kept_statuses(staging: Staging, key: str, *, order: Sequence[str], start: int, stop: int) -> list[tuple[Any, ...]]:
    """(row, its status, contact, status of the contact) of the matched rows [start, stop) whose status is not taken."""
    return statements.fetch(KEPT, staging, key=key, order=list(order), start=start, stop=stop)


def record_kept(staging: Staging, key: str, *, column: int | None, order: Sequence[str], start: int, stop: int) -> int:
    """Store a warning for each matched row [start, stop) whose status (`email_status`, `phone_status`) is not taken."""
    statement = statements.fill(RECORD_KEPT, kept=KEPT)
    return statements.run(statement, staging, key=key, column=column, order=list(order), start=start, stop=stop)


# Statuses that come with an address which the contact did not have (contacts.consent.address_status has planned them).
WITH_ADDRESS = """
SELECT m.row_no, s.{channel} AS value, m.changed -> %(key)s ->> {Side.AFTER} AS status
FROM {map} m JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s
  AND m.changed -> %(key)s ->> {StatusPart.NEW_REASON} = %(reason)s"""
RECORD_WITH_ADDRESS = """
INSERT INTO row_issue (tenant_id, import_id, row_no, "column", code, value, facts, severity)
SELECT %(tenant)s, %(import_id)s, a.row_no, %(column)s, 'status_of_address', a.value,
       jsonb_build_object('status', a.status), 'warning' FROM ({with_address}) a
ON CONFLICT DO NOTHING"""


def statuses_with_address(staging: Staging, channel: str, *, start: int, stop: int) -> list[tuple[Any, ...]]:
    """(row, address or number, status) of the rows [start, stop) whose contact takes the status that is known for it."""
    span = {"start": start, "stop": stop, "key": f"{channel}_status", "reason": address_status.REASON}
    return statements.fetch(statements.fill(WITH_ADDRESS, channel=channel), staging, **span)


def note_with_address(staging: Staging, channel: str, *, column: int | None, start: int, stop: int) -> int:
    """Store a warning for each row [start, stop) whose contact takes the status that is known for its e-mail or phone."""
    statement = statements.fill(RECORD_WITH_ADDRESS, with_address=statements.fill(WITH_ADDRESS, channel=channel))
    span = {"start": start, "stop": stop, "column": column}
    return statements.run(statement, staging, key=f"{channel}_status", reason=address_status.REASON, **span)


# How many contacts get which status: new ones that will not be active, and known ones whose status changes.
STATUSES = """
SELECT x.key, x.status, count(*) FROM {map} m JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no
CROSS JOIN LATERAL (VALUES
  ('email_status', coalesce(m.changed -> 'email_status' ->> {Side.AFTER},
     CASE WHEN m.outcome = {RowOutcome.CREATED} AND s.email IS NOT NULL
     THEN nullif(s.settings ->> 'email_status', 'active') END)),
  ('phone_status', coalesce(m.changed -> 'phone_status' ->> {Side.AFTER},
     CASE WHEN m.outcome = {RowOutcome.CREATED} AND s.phone IS NOT NULL
     THEN nullif(s.settings ->> 'phone_status', 'active') END))) x(key, status)
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s
  AND m.outcome IN ({RowOutcome.CREATED}, {RowOutcome.UPDATED})
  AND x.status IS NOT NULL GROUP BY x.key, x.status ORDER BY x.key, x.status"""


def statuses(staging: Staging, *, start: int, stop: int) -> dict[str, dict[str, int]]:
    """Status column → status → contacts of rows [start, stop) that will get it."""
    counts: dict[str, dict[str, int]] = {}
    for key, status, count in statements.fetch(STATUSES, staging, start=start, stop=stop):
        counts.setdefault(key, {})[status] = int(count)
    return counts


# Names of the segments that rows name themselves (joined rows have given theirs to their winner).
NAMED_SEGMENTS = """
SELECT DISTINCT n.name FROM {map} m JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no
CROSS JOIN LATERAL jsonb_array_elements_text(s.settings -> 'segments') n(name)
WHERE m.tenant_id = %(tenant)s AND s.settings IS NOT NULL ORDER BY n.name LIMIT 1000"""


def named_segments(staging: Staging) -> list[str]:
    """Segments that rows name themselves, at most 1,000."""
    return [name for (name,) in statements.fetch(NAMED_SEGMENTS, staging)]


# Members that an import would add: its contacts that are not in the segment yet; all of them, or those that name it.
NEW_MEMBERS = """
SELECT count(*) FROM {map} m WHERE m.tenant_id = %(tenant)s AND NOT EXISTS (
  SELECT 1 FROM segment_member x
  WHERE x.tenant_id = %(tenant)s AND x.segment_id = %(segment)s AND x.contact_id = m.contact_id)"""
NAMING = """ AND EXISTS (
  SELECT 1 FROM {row} s WHERE s.tenant_id = %(tenant)s AND s.row_no = m.row_no AND s.settings -> 'segments' ? %(name)s)"""


def new_members(staging: Staging, segment_id: int, *, name: str = "") -> int:
    """How many contacts would be new in a static segment; with `name` only those whose rows name it."""
    statement = NEW_MEMBERS + (NAMING if name else "")
    return int(statements.fetch(statement, staging, segment=segment_id, name=name)[0][0])


# Rows of bulk-written tables whose contact does not exist. Scans the workspace; run by check_integrity only. Members of
# dynamic segments follow within seconds.
ORPHANS = {
    "segment_member": """
SELECT count(*) FROM segment_member x JOIN segment g ON g.tenant_id = %(tenant)s AND g.id = x.segment_id AND g.rule IS NULL
WHERE x.tenant_id = %(tenant)s AND NOT EXISTS (
  SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s AND c.id = x.contact_id)""",
    "touched": """
SELECT count(*) FROM touched x WHERE x.tenant_id = %(tenant)s AND NOT EXISTS (
  SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s AND c.id = x.contact_id)""",
    "visitor": """
SELECT count(*) FROM visitor x WHERE x.tenant_id = %(tenant)s AND x.contact_id IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s AND c.id = x.contact_id)""",
}


def orphans(tenant_id: int) -> dict[str, int]:
    """Table → rows that name a contact which does not exist."""
    counts = {}
    with connection.cursor() as cursor:
        for table, statement in ORPHANS.items():
            cursor.execute(statement, {"tenant": tenant_id})
            counts[table] = int(cursor.fetchone()[0])
    return counts


# Rows in error that name one of these people, and rows that became one of them: their cells and values go, their numbers
# stay, so that the sums of the import stay true. Reads all rows in error of the workspace once.
BLANK_ROWS = """
WITH named AS (
  SELECT r.import_id, r.row_no FROM rejected_row r WHERE r.tenant_id = %(tenant)s AND EXISTS (
    SELECT 1 FROM jsonb_array_elements_text(r.cells || coalesce(r.fixed, '[]')) c(text)
    WHERE lower(btrim(c.text)) = ANY(%(values)s))
  UNION SELECT t.import_id, t.row_no FROM touched t WHERE t.tenant_id = %(tenant)s AND t.contact_id = ANY(%(ids)s)),
rejected AS (
  UPDATE rejected_row r SET cells = '[]', fixed = NULL, chosen_id = NULL, rechecked = NULL FROM named n
  WHERE r.tenant_id = %(tenant)s AND r.import_id = n.import_id AND r.row_no = n.row_no)
UPDATE row_issue i SET value = NULL, facts = '{}' FROM named n
WHERE i.tenant_id = %(tenant)s AND i.import_id = n.import_id AND i.row_no = n.row_no"""


def blank_rows(contact_ids: Sequence[int], values: Sequence[str]) -> None:
    """Blank what is stored of rows of these contacts, or with one of these identifiers."""
    wanted: dict[str, Any] = {
        "tenant": current_tenant(),
        "ids": list(contact_ids),
        "values": [value.lower() for value in values],
    }
    with connection.cursor() as cursor:
        cursor.execute(BLANK_ROWS, wanted)


def analyze_tables() -> None:
    """Tell the planner how large the tables have become (tenants.isolation.statements.LARGE)."""
    analyze("contact (tenant_id, id)", membership.ANALYZED, "touched (tenant_id, import_id, row_no, contact_id)")
