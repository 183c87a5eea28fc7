"""What became of the rows, for people: the sheet of rows in error, counts by reason, and downloads."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count

from imports import csv_output
from imports.mapping import value_formats
from imports.mapping.header_synonyms import OWN_COLUMNS
from imports.models import Import, RejectedRow, RowIssue, Severity
from imports.problems import catalogue
from imports.problems.catalogue import Problem
from imports.results import corrections

SHEET_ROWS = 50
PAGE = 2_000


@dataclass
class CellError:
    """What is wrong with a cell, in words."""

    code: str
    title: str
    remedy: str


@dataclass
class Cell:
    """A cell of the sheet. `was` is its value in the file, when it has been corrected."""

    value: str
    marks: list[CellError] = field(default_factory=list)
    was: str | None = None


@dataclass
class SheetRow:
    """A row in error: its line, its cells, and what is wrong with the row as a whole.

    `contacts` are those that its reasons name, `chosen` the one that somebody has chosen, `retried_in` the import that has
    imported the corrected row, `ready` says that it has no problem any more.
    """

    line: int
    cells: list[Cell]
    marks: list[CellError]
    contacts: list[int]
    chosen: int | None = None
    retried_in: int | None = None
    ready: bool = False


def codes(imp: Import, severity: str = Severity.ERROR) -> list[dict[str, Any]]:
    """Reasons with the number of rows, the most frequent first."""
    counts = (
        RowIssue.objects.filter(import_id=imp.pk, severity=severity)
        .values("code")
        .annotate(rows=Count("row_no", distinct=True))
        .order_by("-rows", "code")
    )
    return [{"code": f["code"], "title": catalogue.title(f["code"]), "rows": f["rows"]} for f in counts]


def codes_by_column(imp: Import) -> list[dict[str, Any]]:
    """Reasons with their column, for the review."""
    counts = (
        RowIssue.objects.filter(import_id=imp.pk, severity=Severity.ERROR)
        .values("code", "column")
        .annotate(rows=Count("row_no", distinct=True))
        .order_by("-rows", "code")[:20]
    )
    return [
        {"title": catalogue.title(f["code"]), "column": _name(imp, f["column"]), "rows": f["rows"], "code": f["code"]}
        for f in counts
    ]


def _name(imp: Import, column: int | None) -> str:
    return imp.header[column] if column is not None and column < len(imp.header) else "whole row"


def columns_in_error(imp: Import, *, code: str = "") -> list[dict[str, Any]]:
    """Columns that have cells in error, of one reason or of all, with the number of rows, in the order of the file."""
    issues = RowIssue.objects.filter(import_id=imp.pk, severity=Severity.ERROR).exclude(column=None)
    if code:
        issues = issues.filter(code=code)
    counts = issues.values("column").annotate(rows=Count("row_no", distinct=True)).order_by("column")
    return [{"index": f["column"], "name": _name(imp, f["column"]), "rows": f["rows"]} for f in counts]


def sheet(
    imp: Import, *, code: str = "", column: int | None = None, after: int = 0, rows: int = SHEET_ROWS
) -> list[SheetRow]:
    """Rows in error after a line, of one reason or column or of all, in the order of the file, with bad cells marked."""
    issues = RowIssue.objects.filter(import_id=imp.pk, severity=Severity.ERROR, row_no__gt=after)
    if code:
        issues = issues.filter(code=code)
    if column is not None:
        issues = issues.filter(column=column)
    numbers = list(issues.order_by("row_no").values_list("row_no", flat=True).distinct()[:rows])
    return _rows(imp, numbers)


def row(imp: Import, line: int) -> SheetRow | None:
    """One row in error, None when there is none in that line."""
    rows = _rows(imp, [line])
    return rows[0] if rows and rows[0].cells else None


def _rows(imp: Import, numbers: list[int]) -> list[SheetRow]:
    cells = {r.row_no: r for r in RejectedRow.objects.filter(import_id=imp.pk, row_no__in=numbers)}
    issues: dict[int, list[RowIssue]] = {}
    stored = RowIssue.objects.filter(import_id=imp.pk, severity=Severity.ERROR, row_no__in=numbers).order_by("pk")
    for issue in stored:
        issues.setdefault(issue.row_no, []).append(issue)
    left = corrections.problems_left(imp, [row for row in cells.values() if _touched(row)])
    return [_row(imp, no, cells.get(no), issues.get(no, []), left.get(no)) for no in numbers]


def _touched(row: RejectedRow) -> bool:
    return row.fixed is not None or row.chosen_id is not None or bool(row.retried_in)


def _row(
    imp: Import, line: int, stored: RejectedRow | None, issues: list[RowIssue], left: list[Problem] | None
) -> SheetRow:
    values = stored.cells if stored else []
    row = SheetRow(line, [Cell(value) for value in values], [], [])
    # A date that can be read both ways has another one under the same name.
    named = [issue.facts.get(name) for issue in issues for name in ("contact", "other")]
    row.contacts = [pk for pk in named if isinstance(pk, int)]
    problems = [Problem(i.column, i.code, i.value, i.facts) for i in issues]
    if stored and left is not None:
        row.chosen, row.retried_in = stored.chosen_id, stored.retried_in
        row.cells = _mended(values, stored.fixed or values)
        problems, row.ready = left, not left
    for problem in problems:
        facts = {"example": _example(imp, problem.column)} | problem.facts | {"value": problem.value}
        mark = CellError(problem.code, catalogue.title(problem.code), catalogue.remedy(problem.code, **facts))
        if problem.column is not None and problem.column < len(row.cells):
            row.cells[problem.column].marks.append(mark)
        else:
            row.marks.append(mark)
    return row


def _example(imp: Import, column: int | None) -> str:
    return value_formats.example(imp.mapping[column]) if column is not None and column < len(imp.mapping) else ""


def _mended(values: list[str], fixed: list[str]) -> list[Cell]:
    before = [*values, *[""] * (len(fixed) - len(values))]
    return [Cell(new, was=old if old != new else None) for new, old in zip(fixed, before, strict=False)]


# --- downloads ------------------------------------------------------------------------------------------------------


def errors_csv(imp: Import) -> Iterator[str]:
    """Lines of the CSV with all rows in error: their own columns, then line, code and reason. No cap.

    Safe in a spreadsheet: what it could take for a formula gets an apostrophe, which an import removes again. Runs in
    the caller's tenant context.
    """
    yield csv_output.line([*imp.header, *OWN_COLUMNS])
    after = 0
    while rows := sheet(imp, after=after, rows=PAGE):
        for row in rows:
            marks = [m for cell in row.cells for m in cell.marks] + row.marks
            cells = [cell.value for cell in row.cells][: len(imp.header)]
            cells += [""] * (len(imp.header) - len(cells))
            reasons = " ".join(dict.fromkeys(f"{m.title}. {m.remedy}" for m in marks))
            yield csv_output.line([*cells, str(row.line), " ".join(dict.fromkeys(m.code for m in marks)), reasons])
        after = rows[-1].line
