"""Undo and redo of what an import has written to contacts, value by value (docs/undo.md).

Works on the rows of `touched` in a range: what the import has created is deleted whole, what it has overwritten gets its
old value, where the value is still the import's. Each row ends as reversed, reversed in part, kept, or impossible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from contacts import change_log, statements
from contacts import staging as tables
from contacts.consent import address_status
from contacts.models import ChangeBatch, Contact
from contacts.staging import Staging
from contacts.statements import fill
from contacts.values import channel_status, value_changes
from contacts.values.columns import CORE_COLUMNS
from contacts.values.value_changes import DELETED, Companion, DeletedPart, Side, StatusPart

_NAMED = "ARRAY[" + ", ".join(f"'{key}'" for key in value_changes.OWN_KEYS) + "]"


@dataclass(frozen=True)
class RevertResult:
    """What came of a range of rows: rows by result, values that got their old state, values that somebody has changed."""

    results: dict[str, int]
    values: int
    kept: int


# Deletes the contacts that the import created, unless somebody has changed or used them since ({used} holds those that
# others use). Their rows are archived in `withdrawn`. Locks the contacts until the unit commits.
TAKE_OUT = """
WITH gone AS (
  DELETE FROM contact c USING touched t
  WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s AND t.row_no >= %(start)s AND t.row_no < %(stop)s
    AND t.outcome = {RowOutcome.CREATED} AND c.tenant_id = %(tenant)s AND c.id = t.contact_id
    AND c.changed_at = t.at AND c.deleted_at IS NULL{which}
    AND NOT EXISTS (SELECT 1 FROM {used} u WHERE u.tenant_id = %(tenant)s AND u.contact_id = c.id)
  RETURNING t.row_no, c.id, to_jsonb(c) AS data),
kept AS (
  INSERT INTO withdrawn (tenant_id, import_id, kind, item, part, data)
  SELECT %(tenant)s, %(import_id)s, 'contact', g.id, 0, g.data FROM gone g ON CONFLICT DO NOTHING)
INSERT INTO {undone} (tenant_id, row_no, result, reversed, kept)
SELECT %(tenant)s, g.row_no, {Reverted.FULLY}, 0, 0 FROM gone g"""
STAYED = """
INSERT INTO {undone} (tenant_id, row_no, result, reversed, kept)
SELECT t.tenant_id, t.row_no, CASE WHEN EXISTS (
  SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s AND c.id = t.contact_id)
  THEN {Reverted.KEPT} ELSE {Reverted.IMPOSSIBLE} END, 0, 0
FROM touched t
WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s AND t.row_no >= %(start)s AND t.row_no < %(stop)s
  AND t.outcome = {RowOutcome.CREATED}{which} AND NOT EXISTS (
    SELECT 1 FROM {undone} u WHERE u.tenant_id = %(tenant)s AND u.row_no = t.row_no)"""

# For each row that changed a contact: the values that are still those of the side that goes (%(old)s: 0 before, 1 after the
# import), but for those that a later file says as well. `now` is the contact as JSON, made once a row. All that the update
# below needs is in {turned}: tables that have just grown have no statistics, and a join with them may not end.
TURNED = """
INSERT INTO {turned} (tenant_id, row_no, contact_id, keys, kept, changed, at, was_at)
SELECT t.tenant_id, t.row_no, t.contact_id,
       coalesce((SELECT array_agg(e.key) FROM jsonb_each(t.changed) e
         WHERE coalesce(x.now -> e.key, 'null') = coalesce(e.value -> %(old)s, 'null')
           AND (l.keys IS NULL OR e.key <> ALL (l.keys))), '{}'),
       (SELECT count(*) FROM jsonb_each(t.changed) e
         WHERE coalesce(x.now -> e.key, 'null') <> coalesce(e.value -> %(old)s, 'null') OR e.key = ANY (l.keys)),
       t.changed, t.at, t.was_at
FROM touched t JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = t.contact_id
LEFT JOIN {listed} l ON l.tenant_id = %(tenant)s AND l.contact_id = t.contact_id
CROSS JOIN LATERAL (SELECT {current} AS now OFFSET 0) x
WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s AND t.row_no >= %(start)s AND t.row_no < %(stop)s
  AND t.outcome = {RowOutcome.UPDATED} AND jsonb_typeof(t.changed) = 'object'{which}"""
# An undo that was canceled half-way and is requested again continues where it stopped.
NOT_YET = " AND coalesce(t.undone, {Reverted.KEPT}) NOT IN ({Reverted.FULLY}, {Reverted.IN_PART})"
# Only what was undone can be redone.
WAS_TAKEN = " AND t.undone IN ({Reverted.FULLY}, {Reverted.IN_PART})"
TURN = """
UPDATE contact c SET {columns},
  attributes = (c.attributes - (SELECT coalesce(array_agg(k), '{}') FROM unnest(t.keys) k WHERE k <> ALL ({named})))
    || coalesce((SELECT jsonb_object_agg(k, t.changed -> k -> %(new)s) FROM unnest(t.keys) k
                 WHERE k <> ALL ({named}) AND t.changed -> k -> %(new)s <> 'null'), '{}'),
  changed_at = CASE WHEN t.kept = 0 AND c.changed_at = {mine} THEN coalesce({theirs}, %(now)s) ELSE %(now)s END
FROM {turned} t
WHERE t.tenant_id = %(tenant)s AND t.row_no >= %(start)s AND t.row_no < %(stop)s AND t.keys <> '{}'
  AND c.tenant_id = %(tenant)s AND c.id = t.contact_id"""
UPDATED = """
INSERT INTO {undone} (tenant_id, row_no, result, reversed, kept)
SELECT t.tenant_id, t.row_no,
       CASE WHEN t.keys = '{}' THEN {Reverted.KEPT} WHEN t.kept > 0 THEN {Reverted.IN_PART} ELSE {Reverted.FULLY} END,
       cardinality(t.keys), t.kept
FROM {turned} t WHERE t.tenant_id = %(tenant)s AND t.row_no >= %(start)s AND t.row_no < %(stop)s"""
LOST = """
INSERT INTO {undone} (tenant_id, row_no, result, reversed, kept)
SELECT t.tenant_id, t.row_no, {Reverted.IMPOSSIBLE}, 0, 0 FROM touched t
WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s AND t.row_no >= %(start)s AND t.row_no < %(stop)s
  AND t.outcome = {RowOutcome.UPDATED} AND NOT EXISTS (
    SELECT 1 FROM {turned} u WHERE u.tenant_id = %(tenant)s AND u.row_no = t.row_no){which}"""
# Records the place of the contact in the order of changes: at the time that it carries, which may be the one from
# before the import. That it changed just now is news of its own.
NOTE = """
INSERT INTO contact_change (tenant_id, at, contact_id)
SELECT t.tenant_id, k.changed_at, t.contact_id FROM touched t
JOIN {undone} u ON u.tenant_id = %(tenant)s AND u.row_no = t.row_no AND u.result IN ({Reverted.FULLY}, {Reverted.IN_PART})
CROSS JOIN LATERAL (SELECT c.changed_at FROM contact c WHERE c.tenant_id = %(tenant)s AND c.id = t.contact_id OFFSET 0) k
WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s AND t.row_no >= %(start)s AND t.row_no < %(stop)s
ON CONFLICT DO NOTHING"""
NEWS = """
INSERT INTO contact_news (tenant_id, at, contact_id)
SELECT t.tenant_id, %(now)s, t.contact_id FROM touched t
JOIN {undone} u ON u.tenant_id = %(tenant)s AND u.row_no = t.row_no AND u.result IN ({Reverted.FULLY}, {Reverted.IN_PART})
WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s AND t.row_no >= %(start)s AND t.row_no < %(stop)s
ON CONFLICT DO NOTHING"""
RESULTS = """
SELECT u.result::text, count(*), sum(u.reversed), sum(u.kept) FROM {undone} u
WHERE u.tenant_id = %(tenant)s AND u.row_no >= %(start)s AND u.row_no < %(stop)s GROUP BY u.result"""

# Created contacts that may be restored, with their data: looked up one by one, by the key of `withdrawn`.
BACK = """
INSERT INTO {back} (tenant_id, row_no, contact_id, data)
SELECT t.tenant_id, t.row_no, t.contact_id, k.data FROM touched t CROSS JOIN LATERAL (
  SELECT w.data FROM withdrawn w WHERE w.tenant_id = %(tenant)s AND w.import_id = %(import_id)s AND w.kind = 'contact'
    AND w.item = t.contact_id OFFSET 0) k
WHERE t.tenant_id = %(tenant)s AND t.import_id = %(import_id)s AND t.row_no >= %(start)s AND t.row_no < %(stop)s
  AND t.outcome = {RowOutcome.CREATED} AND t.undone = {Reverted.FULLY}"""
# Restores them, unless another contact has their external ID or e-mail by now.
BRING_BACK = """
WITH back AS (
  INSERT INTO contact ({columns})
  SELECT {values} FROM {back} b CROSS JOIN LATERAL jsonb_populate_record(NULL::contact, b.data) r
  WHERE b.tenant_id = %(tenant)s AND b.row_no >= %(start)s AND b.row_no < %(stop)s
    AND NOT EXISTS (SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s AND c.deleted_at IS NULL
      AND c.external_id = r.external_id)
    AND NOT EXISTS (SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s AND c.deleted_at IS NULL
      AND c.email = r.email)
  ON CONFLICT DO NOTHING RETURNING id)
DELETE FROM withdrawn w
WHERE w.tenant_id = %(tenant)s AND w.import_id = %(import_id)s AND w.kind = 'contact'
  AND w.item = ANY (ARRAY(SELECT b.id FROM back b))"""
CAME_BACK = """
INSERT INTO {undone} (tenant_id, row_no, result, reversed, kept)
SELECT b.tenant_id, b.row_no, CASE WHEN c.id IS NULL THEN {Reverted.IMPOSSIBLE} ELSE {Reverted.FULLY} END, 0, 0
FROM {back} b LEFT JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = b.contact_id
WHERE b.tenant_id = %(tenant)s AND b.row_no >= %(start)s AND b.row_no < %(stop)s"""


def undo(staging: Staging, *, start: int, stop: int, now: datetime) -> RevertResult:
    """Undo what rows [start, stop) did to contacts. The caller holds the write lock."""
    span = {"import_id": staging.import_id, "start": start, "stop": stop}
    statements.run(fill(TAKE_OUT, which=NOT_YET), staging, **span)
    tables.analyze(staging, "undone")
    statements.run(fill(STAYED, which=NOT_YET), staging, **span)
    _write_values(staging, span, old=Side.AFTER, new=Side.BEFORE, now=now, which=NOT_YET)
    return _results(staging, span, now=now)


def redo(staging: Staging, *, start: int, stop: int, now: datetime) -> RevertResult:
    """Redo what an undo of rows [start, stop) has reverted. The caller holds the write lock."""
    span = {"import_id": staging.import_id, "start": start, "stop": stop}
    statements.run(BACK, staging, **span)
    tables.analyze(staging, "back")
    names = [f.attname for f in Contact._meta.concrete_fields if not f.generated]
    values = ", ".join(f"r.{name}" for name in names)
    statements.run(fill(BRING_BACK, columns=", ".join(names), values=values), staging, **span)
    statements.run(CAME_BACK, staging, **span)
    _write_values(staging, span, old=Side.BEFORE, new=Side.AFTER, now=now, which=WAS_TAKEN)
    return _results(staging, span, now=now)


def _write_values(staging: Staging, span: dict[str, Any], *, old: Side, new: Side, now: datetime, which: str) -> None:
    """Give values that are still those of side `old` the ones of side `new`."""
    statements.run(fill(TURNED, which=which, current=value_changes.current()), staging, **span, old=int(old))
    tables.analyze(staging, "turned")
    mine, theirs = ("t.at", "t.was_at") if new == Side.BEFORE else ("t.was_at", "t.at")
    statement = fill(TURN, columns=", ".join(_columns(new)), named=_NAMED, mine=mine, theirs=theirs)
    statements.run(statement, staging, **span, new=int(new), now=now)
    statements.run(UPDATED, staging, **span)
    statements.run(fill(LOST, which=which), staging, **span)


def _columns(new: Side) -> list[str]:
    """Assignments of a contact's own columns, from side `new` of `changed`."""
    back = new == Side.BEFORE
    assignments = []
    for column in CORE_COLUMNS:
        assignments.append(_value(column.key, column.key, _read(column.key, new)))
        if column.companion:
            form = _read(column.key, Companion.BEFORE if back else Companion.AFTER)
            assignments.append(_value(column.companion, column.key, form))
    for channel in channel_status.ORDERS:
        key = f"{channel}_status"
        at = f"({_read(key, StatusPart.SET_AT)})::timestamptz" if back else "t.at"
        why = _read(key, StatusPart.REASON) if back else f"coalesce({_read(key, StatusPart.NEW_REASON)}, 'import')"
        assignments += [
            _value(key, key, _read(key, new)), _value(f"{key}_at", key, at), _value(f"{key}_reason", key, why),
        ]  # fmt: skip
    at = f"({_read(DELETED, Side.BEFORE)})::timestamptz" if back else "NULL::timestamptz"
    why = _read(DELETED, DeletedPart.REASON) if back else "NULL"
    return [*assignments, _value("deleted_at", DELETED, at), _value("deleted_reason", DELETED, why)]


def _read(key: str, position: IntEnum) -> str:
    return value_changes.read("t.changed", key, position)


def _value(column: str, key: str, value: str) -> str:
    return f"{column} = CASE WHEN '{key}' = ANY(t.keys) THEN {value} ELSE c.{column} END"


# Contacts that have an address again: restored whole, or given the value that they had before.
RETURNED = """
SELECT b.contact_id FROM {back} b WHERE b.tenant_id = %(tenant)s AND b.row_no >= %(start)s AND b.row_no < %(stop)s
UNION
SELECT t.contact_id FROM {turned} t WHERE t.tenant_id = %(tenant)s AND t.row_no >= %(start)s AND t.row_no < %(stop)s
  AND t.keys && ARRAY['email', 'phone', 'deleted']"""


def _results(staging: Staging, span: dict[str, Any], *, now: datetime) -> RevertResult:
    statements.run(NOTE, staging, **span)
    if statements.run(NEWS, staging, **span, now=now):
        change_log.note_batch(now=now, kind=ChangeBatch.Kind.SILENT)
    returned = [int(pk) for (pk,) in statements.fetch(RETURNED, staging, **span)]
    if returned:
        address_status.take_all(returned, now=now)
    rows = statements.fetch(RESULTS, staging, **span)
    results: dict[str, int] = {result: int(count) for result, count, _values, _kept in rows}
    return RevertResult(results, sum(int(r[2]) for r in rows), sum(int(r[3]) for r in rows))


# Contacts that somebody uses: each app adds what it knows, before the ranges are undone.
USE = "INSERT INTO {used} (tenant_id, contact_id) {contacts} ON CONFLICT DO NOTHING"


def record_used(staging: Staging, statement: str, **values: Any) -> None:
    """Add the contacts that a statement finds to {used}: SELECT tenant_id, contact_id …"""
    statements.run(fill(USE, contacts=statement), staging, **values)


# Moves deleted rows of a table into `withdrawn`.
PUT_AWAY = """
WITH gone AS ({delete})
INSERT INTO withdrawn (tenant_id, import_id, kind, item, part, data)
SELECT %(tenant)s, %(import_id)s, %(kind)s, g.{item}, g.{part}, to_jsonb(g) FROM gone g
ON CONFLICT DO NOTHING"""
FORGET = """
DELETE FROM withdrawn w WHERE w.tenant_id = %(tenant)s AND w.import_id = %(import_id)s AND w.kind = ANY(%(kinds)s)"""

FORGET_ALL = "DELETE FROM withdrawn w WHERE w.tenant_id = %(tenant)s AND w.import_id = %(import_id)s"


def archive_rows(staging: Staging, kind: str, delete: str, *, item: str, part: str) -> int:
    """Run a DELETE … RETURNING and archive its rows in `withdrawn`; returns how many."""
    statement = fill(PUT_AWAY, delete=delete, item=item, part=part)
    return statements.run(statement, staging, import_id=staging.import_id, kind=kind)


def forget(staging: Staging, kinds: Sequence[str]) -> None:
    """Remove rows from `withdrawn`: they have been restored."""
    statements.run(FORGET, staging, import_id=staging.import_id, kinds=list(kinds))


def forget_all(staging: Staging) -> int:
    """Remove all that an undo has archived in `withdrawn`: its time is over. Returns how many rows."""
    return statements.run(FORGET_ALL, staging, import_id=staging.import_id)
