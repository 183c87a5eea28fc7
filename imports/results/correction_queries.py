"""Statements on the cells of rows in error: one change in many of them, and how many there are. The ORM cannot say them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tenants.isolation.statements import fetch, run

# One change in every cell of a column among the rows in error that have not been imported again. What was wrong with them is
# no longer known. Locks these rows.
REPLACE = """
UPDATE rejected_row r SET rechecked = NULL, fixed = nullif(jsonb_set(coalesce(r.fixed, r.cells), %(path)s::text[],
  to_jsonb(left(CASE WHEN %(whole)s THEN %(put)s::text
  ELSE replace(coalesce(r.fixed, r.cells) ->> %(column)s::int, %(find)s::text, %(put)s::text) END, %(most)s::int))), r.cells)
WHERE r.tenant_id = %(tenant)s AND r.import_id = %(import_id)s AND r.retried_in IS NULL
  AND CASE WHEN %(whole)s THEN coalesce(r.fixed, r.cells) ->> %(column)s::int = %(find)s::text
      ELSE strpos(coalesce(r.fixed, r.cells) ->> %(column)s::int, %(find)s::text) > 0 END"""


def replace_cells(import_id: int, column: int, find: str, put: str, *, whole: bool, most: int) -> int:
    """Put a value, or a part of one, into all cells of a column that have another; returns how many."""
    named: dict[str, Any] = {
        "path": [str(column)],
        "column": column,
        "find": find,
        "put": put,
        "whole": whole,
        "most": most,
    }
    return run(REPLACE, import_id=import_id, **named)


# What is wrong with corrected rows, once they have been read again. Locks these rows, in the order of the file.
SET_RECHECKED = """
UPDATE rejected_row r SET rechecked = v.found
FROM unnest(%(lines)s::int[], %(found)s::jsonb[]) v(line, found)
WHERE r.tenant_id = %(tenant)s AND r.import_id = %(import_id)s AND r.row_no = v.line AND r.retried_in IS NULL"""


def set_rechecked(import_id: int, rechecked: Mapping[int, Any]) -> None:
    """Keep what is wrong with rows, by line."""
    lines = sorted(rechecked)
    named: dict[str, Any] = {"lines": lines, "found": [json.dumps(rechecked[line]) for line in lines]}
    run(SET_RECHECKED, import_id=import_id, **named)


# How many cells have a value, or a part: (column, part, whether the whole cell) in one pass over the rows in error.
COUNT_CELLS = """
SELECT w.no, count(*) FROM rejected_row r
CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(r.fixed, r.cells)) WITH ORDINALITY c(value, place)
JOIN unnest(%(columns)s::int[], %(finds)s::text[], %(wholes)s::boolean[]) WITH ORDINALITY w(place, find, whole, no)
  ON w.place = c.place - 1 AND CASE WHEN w.whole THEN c.value = w.find ELSE strpos(c.value, w.find) > 0 END
WHERE r.tenant_id = %(tenant)s AND r.import_id = %(import_id)s AND r.retried_in IS NULL GROUP BY 1"""


def count_cells(import_id: int, wanted: Sequence[tuple[int, str, bool]]) -> list[int]:
    """Cells in which each of (column, text, whether the whole cell is meant) occurs."""
    if not wanted:
        return []
    columns, finds, wholes = (list(part) for part in zip(*wanted, strict=True))
    named: dict[str, Any] = {"columns": columns, "finds": finds, "wholes": wholes}
    counts = dict(fetch(COUNT_CELLS, import_id=import_id, **named))
    return [counts.get(i, 0) for i in range(1, len(wanted) + 1)]
