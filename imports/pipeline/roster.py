"""Whom a file names, also where it changes nothing: what keeps a later file's people when an earlier import is undone.

An import leaves, for each range of rows, the IDs of the contacts with the keys of what the rows say. The undo of an import
made before asks them (docs/undo.md): who is on a later list stays, and so do the values and segments that it has for them.
"""

from datetime import datetime, timedelta
from typing import Any

from contacts import statements
from contacts.identity import revert
from contacts.staging import Staging
from contacts.statements import fill
from contacts.values.types import CORE
from imports.cleaning import cells
from imports.models import Import, Status
from imports.options import Options

# Contacts of rows [start, stop) that were known before (changed, left as they are, or left alone by the mode of the import),
# by the keys of the values that their rows have. Most rows have a value in every column: that is seen without listing them.
NOTE = """
WITH named AS (
  SELECT m.contact_id AS id, {keys} AS keys FROM {map} m {joined}
  WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s AND m.outcome <> {RowOutcome.CREATED}
  UNION ALL
  SELECT h.contact_id, '{}' FROM {hit} h
  WHERE h.tenant_id = %(tenant)s AND h.row_no >= %(start)s AND h.row_no < %(stop)s AND h.code = 'mode_create_only')
INSERT INTO import_listing (tenant_id, import_id, start, part, keys, contact_ids)
SELECT %(tenant)s, %(import_id)s, %(start)s, row_number() OVER (), coalesce(g.keys, %(keys)s::text[]), g.ids FROM (
  SELECT n.keys, array_agg(n.id) AS ids FROM named n GROUP BY n.keys) g
ON CONFLICT DO NOTHING"""
# NULL means all keys of the file: that groups without comparing them.
FULL = "CASE WHEN NOT ({core} AND s.attributes ?& %(attributes)s::text[]) THEN {part} END"
PART = """ARRAY(SELECT k FROM unnest(ARRAY[{named}]::text[]) k WHERE k IS NOT NULL
    UNION ALL SELECT o.k FROM jsonb_object_keys(s.attributes) o(k) ORDER BY 1)"""


def values_matter(imp: Import, *, now: datetime) -> bool:
    """Whether an undo could ask what this file says of known contacts: another import has changed some not long ago."""
    since = now - 2 * KEPT_FOR
    others = Import.objects.filter(updated__gt=0, started_at__gte=since).exclude(pk=imp.pk)
    return bool(others.exists())


# How long an import can be undone, and an undo redone.
KEPT_FOR = timedelta(days=30)


def note(staging: Staging, *, targets: set[str], values: bool, start: int, stop: int) -> None:
    """Keep whom rows [start, stop) name; `targets` are the fields of the file, `values` whether what it says of them is kept
    as well (where it does not replace other values, it says nothing of what is right)."""
    targets = targets | ({"first_name", "last_name"} if "full_name" in targets else set())
    core = sorted(targets & CORE.keys())
    attributes = sorted(cells.attributes(targets))
    keys, joined = "'{}'::text[]", ""
    if values:
        joined = "JOIN {row} s ON s.tenant_id = %(tenant)s AND s.row_no = m.row_no"
        named = ", ".join(f"CASE WHEN s.{name} IS NOT NULL THEN '{name}' END" for name in core)
        full = " AND ".join(f"s.{name} IS NOT NULL" for name in core) or "true"
        keys = fill(FULL, core=full, part=fill(PART, named=named))
    given: dict[str, Any] = {"attributes": attributes} if values else {}
    span = {"start": start, "stop": stop, "import_id": staging.import_id}
    statement = fill(NOTE, keys=keys, joined=joined)
    statements.run(statement, staging, keys=sorted([*core, *attributes]), **given, **span)


# Of the contacts that one import has touched, those that another one lists, with what it says of all of them.
LISTED = """
INSERT INTO {listed} AS known (tenant_id, contact_id, keys)
SELECT DISTINCT ON (u.id) %(tenant)s, u.id, l.keys || %(segments)s::text[]
FROM import_listing l CROSS JOIN LATERAL unnest(l.contact_ids) u(id)
JOIN touched t ON t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s AND t.contact_id = u.id
WHERE l.tenant_id = %(tenant)s AND l.import_id = %(later)s
ON CONFLICT (tenant_id, contact_id) DO UPDATE SET keys = known.keys || excluded.keys"""
USED = "SELECT l.tenant_id, l.contact_id FROM {listed} l WHERE l.tenant_id = %(tenant)s"


def note_later(imp: Import, staging: Staging) -> None:
    """Note for an undo whom imports that were written after this one list, and with what. Those contacts are used."""
    started = imp.started_at
    if started is None:
        return
    later = Import.objects.filter(started_at__gt=started, undone_at=None, undo_direction="", status__in=WRITTEN)
    for other in later.exclude(pk=imp.pk).order_by("pk"):
        statements.run(LISTED, staging, import_id=imp.pk, later=other.pk, segments=_segments(other))
    revert.record_used(staging, USED)


WRITTEN = (Status.IMPORTED, Status.CANCELED, Status.IMPORTING)


def _segments(imp: Import) -> list[str]:
    """`segment:` with the number of each segment into which a file puts all its people."""
    return [f"segment:{imp.segments[name]}" for name in Options.parse(imp.options).segments if name in imp.segments]


def count_kept(imp: Import) -> int:
    """How many contacts that an undone import had made stay because a later one lists them."""
    staging = Staging(imp.tenant_id, imp.pk)
    return int(statements.fetch(KEPT, staging, import_id=imp.pk)[0][0])


KEPT = """
SELECT count(*) FROM {listed} l JOIN touched t ON t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s
  AND t.contact_id = l.contact_id AND t.outcome = {RowOutcome.CREATED} AND t.undone = {Reverted.KEPT}
WHERE l.tenant_id = %(tenant)s"""

# Lists that no undo will ask for any more: no import that was written before them can still be undone.
FORGET = """
DELETE FROM import_listing l USING import i WHERE l.tenant_id = %(tenant)s AND i.tenant_id = %(tenant)s
  AND i.id = l.import_id AND i.finished_at < %(before)s"""


def forget(tenant_id: int, *, before: datetime) -> int:
    """Remove the lists of imports that ended before a moment; returns how many rows."""
    values: dict[str, Any] = {"before": before}
    return statements.run(FORGET, Staging(tenant_id, 0), **values)
