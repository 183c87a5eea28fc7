"""The rows of a file by what became of them, as CSV with the file's own columns.

What was created or updated is known from `touched`, what was refused, left out or joined from the issues; a row without
either is unchanged. The cells are read again from the stored file, one parse unit after the other: memory is that of one
unit, however large the file is. What comes out can be imported again, and changes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from contacts.staging import RowOutcome
from core.unnamed_files import unnamed_file
from imports.csv_output import line
from imports.files import encodings, reader
from imports.files.reader import Dialect
from imports.mapping.header_synonyms import CHANGED_COLUMN, OWN_COLUMNS
from imports.models import Import, RowEffect, RowIssue, Severity, Status, Unit, UnitKind
from imports.pipeline import parse_unit
from imports.problems import catalogue

OUTCOMES = ("created", "updated", "unchanged", "duplicates", "skipped")
_TOUCHED = {"created": RowOutcome.CREATED, "updated": RowOutcome.UPDATED}
_JOINED = "duplicate_of_line"
# Row → its code and reason, or the names of the fields that it changed.
Notes = dict[int, tuple[str, ...]]


def offered(imp: Import, counts: dict[str, int]) -> list[str]:
    """Outcomes whose rows can be had. Of an import that stopped half-way only what it wrote is sure."""
    whole = imp.status in (Status.IMPORTED, Status.UNDONE, Status.UNDOING)
    return [name for name in OUTCOMES if counts[name] and (whole or name in _TOUCHED)]


def columns(outcome: str) -> tuple[str, ...]:
    """Columns of ours behind those of the file."""
    if outcome in _TOUCHED or outcome == "unchanged":
        return (OWN_COLUMNS[0], CHANGED_COLUMN) if outcome == "updated" else OWN_COLUMNS[:1]
    return OWN_COLUMNS


def lines(imp: Import, outcome: str, *, labels: dict[str, str]) -> Iterator[str]:
    """Lines of CSV, in the order of the file. `labels` name the fields. Runs in the caller's tenant context.

    Raises FileProblem("file_missing") before the first line when the file has gone.
    """
    with opened(imp) as file:
        own, width, dialect = columns(outcome), len(imp.header), Dialect(**imp.dialect)
        yield line([*imp.header, *own])
        for unit in Unit.objects.filter(import_id=imp.pk, kind=UnitKind.PARSE).exclude(done_at=None).order_by("no"):
            notes = _notes(imp, outcome, unit, labels)
            if not notes and outcome != "unchanged":
                continue
            file.seek(unit.start)
            text = file.read(unit.stop - unit.start).decode("utf-8")
            for record in reader.records(text, first_line=unit.first_line, dialect=dialect):
                if _belongs(record, notes, outcome):
                    cells = [*record.cells[:width], *[""] * (width - len(record.cells))]
                    yield line([*cells, str(record.line), *notes.get(record.line, ())])


def _belongs(record: reader.Record, notes: Notes, outcome: str) -> bool:
    if outcome != "unchanged":
        return record.line in notes
    return record.line not in notes and any(cell.strip() for cell in record.cells)


def _notes(imp: Import, outcome: str, unit: Unit, labels: dict[str, str]) -> Notes:
    """The rows of a unit that have the outcome, with what is said about each; for unchanged rows all the others."""
    span = {"row_no__gte": unit.first_line, "row_no__lte": unit.counts.get("last_line", 0), "import_id": imp.pk}
    touched, issues = RowEffect.objects.filter(**span), RowIssue.objects.filter(**span).order_by("pk")
    if outcome in _TOUCHED:
        rows = touched.filter(outcome=_TOUCHED[outcome]).values_list("row_no", "changed")
        return {row: _changed(outcome, changed, labels) for row, changed in rows}
    refused = set(issues.filter(severity=Severity.ERROR).values_list("row_no", flat=True))
    skipped = _reasons(issues.filter(severity=Severity.SKIPPED), but=refused)
    if outcome == "skipped":
        return skipped
    joined = _reasons(issues.filter(severity=Severity.INFO, code=_JOINED), but=refused | skipped.keys())
    if outcome == "duplicates":
        return joined
    others = refused | skipped.keys() | joined.keys() | set(touched.values_list("row_no", flat=True))
    return dict.fromkeys(others, ())


def _changed(outcome: str, changed: dict[str, Any] | None, labels: dict[str, str]) -> tuple[str, ...]:
    return (", ".join(labels.get(key, key) for key in changed or ()),) if outcome == "updated" else ()


def _reasons(issues: Any, *, but: set[int]) -> Notes:
    notes: Notes = {}
    for row, code, facts in issues.values_list("row_no", "code", "facts"):
        if row not in but and row not in notes:
            notes[row] = (code, f"{catalogue.title(code)}. {catalogue.sentence(code, **facts)}")
    return notes


@contextmanager
def opened(imp: Import) -> Iterator[BinaryIO]:
    """The file as the import has read it: UTF-8, at the same places. Raises FileProblem("file_missing")."""
    path, dialect = parse_unit.path_of(imp), Dialect(**imp.dialect)
    if not reader.needs_utf8_copy(path, dialect):
        with path.open("rb") as file:
            yield file
        return
    with unnamed_file(beside=path) as copy:
        encodings.copy_as_utf8(path, copy, encoding=dialect.encoding)
        with copy.open("rb") as file:
            yield file
