"""The statements of the import road that the ORM cannot say. Each stands above the one function that runs it."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from django.db import connection
from psycopg import sql

from contacts import queries
from contacts.staging import Staging

# Issues of one parse unit. Arrays instead of COPY: COPY into a protected table is refused.
ADD_ISSUES = """
INSERT INTO row_issue (tenant_id, import_id, row_no, "column", code, value, severity)
SELECT %(tenant)s, %(import_id)s, u.row_no, u.col, u.code, left(u.value, 400), u.severity
FROM unnest(%(rows)s::int[], %(columns)s::int[], %(codes)s::text[], %(values)s::text[], %(severities)s::text[])
     AS u(row_no, col, code, value, severity)
ON CONFLICT DO NOTHING"""

Issue = tuple[int, int | None, str, str | None, str]


def add_issues(staging: Staging, issues: Sequence[Issue]) -> None:
    """Store (row_no, column, code, value, severity) records."""
    if not issues:
        return
    rows, columns, codes, values, severities = (list(part) for part in zip(*issues, strict=True))
    _run(
        ADD_ISSUES, staging, rows=rows, columns=columns, codes=codes, values=values, severities=severities
    )  # fmt: skip


# The cells of rows in error, as they stand in the file.
ADD_REJECTED = """
INSERT INTO rejected_row (tenant_id, import_id, row_no, cells)
SELECT %(tenant)s, %(import_id)s, u.row_no, u.cells FROM unnest(%(rows)s::int[], %(cells)s::jsonb[]) AS u(row_no, cells)
ON CONFLICT DO NOTHING"""


def add_rejected(staging: Staging, rejected: Iterable[tuple[int, list[str]]]) -> None:
    """Store (row_no, cells) of rows in error."""
    rows, cells = [], []
    for row_no, values in rejected:
        rows.append(row_no)
        # What PostgreSQL cannot hold is shown as the sign for it; the problem itself is named by its code.
        cells.append(orjson.dumps([v.replace("\x00", "␀") for v in values]).decode())
    if rows:
        _run(ADD_REJECTED, staging, rows=rows, cells=cells)


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
    _run(VERDICTS, staging, skips=list(skips))
    _run(JOINED, staging)


# Takes back the verdicts of a resolve that is to be repeated; what the parse found stays. A row that the resolve refused
# has been parsed without an error, so its cells were stored for the verdict alone.
FORGET_CELLS = """
DELETE FROM rejected_row r USING row_issue i
WHERE i.tenant_id = %(tenant)s AND i.import_id = %(import_id)s AND i.severity = 'error' AND i.code = ANY(%(codes)s)
  AND r.tenant_id = %(tenant)s AND r.import_id = %(import_id)s AND r.row_no = i.row_no"""
FORGET_VERDICTS = """
DELETE FROM row_issue i WHERE i.tenant_id = %(tenant)s AND i.import_id = %(import_id)s AND i.code = ANY(%(codes)s)"""


def forget_verdicts(staging: Staging, codes: Sequence[str]) -> None:
    """Remove the issues with these codes, and the cells that only they needed."""
    _run(FORGET_CELLS, staging, codes=list(codes))
    _run(FORGET_VERDICTS, staging, codes=list(codes))


# Rows that only the resolve has refused: their cells are still in the file alone.
REFUSED = """
SELECT DISTINCT i.row_no FROM row_issue i
WHERE i.tenant_id = %(tenant)s AND i.import_id = %(import_id)s AND i.severity = 'error' AND i.code = ANY(%(codes)s)
ORDER BY i.row_no"""


def refused_rows(staging: Staging, codes: Sequence[str]) -> list[int]:
    """Row numbers, ascending, of the rows with one of these verdicts."""
    rows = queries.fetch(REFUSED, staging, import_id=staging.import_id, codes=list(codes))
    return [int(row) for (row,) in rows]


# Which contact a row made or changed: the origin of every value, and what an undo goes by.
TOUCH = """
INSERT INTO touched (tenant_id, contact_id, import_id, row_no, outcome, changed)
SELECT m.tenant_id, m.contact_id, %(import_id)s, m.row_no, m.outcome, m.changed FROM {map} m
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND m.outcome IN ('c', 'u')
ON CONFLICT DO NOTHING"""


def touch(staging: Staging, *, start: int, stop: int) -> int:
    """Record the contacts that rows [start, stop) make or change."""
    return _run(TOUCH, staging, start=start, stop=stop)


# Example rows for the review: the value before and after, one row per changed key.
SAMPLE = """
SELECT to_jsonb(c.*) - 'tenant_id', to_jsonb(s.*) - 'tenant_id' FROM {map} m
JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no
JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = m.contact_id
WHERE m.tenant_id = %(tenant)s AND m.row_no = %(row)s"""


def sample(staging: Staging, row_no: int) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """(contact as it is, row as it was cleaned) of one row that changes its contact."""
    rows = queries.fetch(SAMPLE, staging, row=row_no)
    # Django leaves jsonb as text on plain cursors.
    return (orjson.loads(rows[0][0]), orjson.loads(rows[0][1])) if rows else None


# Members that an import would add: its contacts that are not in the segment yet.
NEW_MEMBERS = """
SELECT count(*) FROM {map} m WHERE m.tenant_id = %(tenant)s AND NOT EXISTS (
  SELECT 1 FROM segment_member x
  WHERE x.tenant_id = %(tenant)s AND x.segment_id = %(segment)s AND x.contact_id = m.contact_id)"""


def new_members(staging: Staging, segment_id: int) -> int:
    """How many contacts would be new in a static segment."""
    return int(queries.fetch(NEW_MEMBERS, staging, segment=segment_id)[0][0])


# Rows of bulk-written tables whose contact does not exist. Scans the workspace; run by check_integrity only.
ORPHANS = {
    "segment_member": """
SELECT count(*) FROM segment_member x WHERE x.tenant_id = %(tenant)s AND NOT EXISTS (
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
    found = {}
    with connection.cursor() as cursor:
        for table, statement in ORPHANS.items():
            cursor.execute(statement, {"tenant": tenant_id})
            found[table] = int(cursor.fetchone()[0])
    return found


def _run(statement: str, staging: Staging, /, **values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(statement).format(**staging.names()),
            {"tenant": staging.tenant_id, "import_id": staging.import_id, **values},
        )
        return int(cursor.rowcount)
