"""Rows of an import: those in error, corrected and imported again; and all of them by what became of them, as CSV."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router
from pydantic import Field

from api import cursors
from api.problems import Problem, answers, not_found
from api.routes.imports import ImportDetail, detailed, record
from api.schemas import Cursor, Id, Input, Limit, Output, Page
from api.scopes import Scope, require
from contacts.models import Contact
from imports import csv_output
from imports.models import Import
from imports.pipeline import parse_unit
from imports.results import corrections, error_rows, outcome_download, progress
from imports.results.error_rows import SheetRow
from imports.wizard import column_choices

router = Router(tags=["Rows of imports"])
MOST_CORRECTIONS = 200
# Rows have numbers of four bytes.
MAX_LINE = 2**31 - 1
Outcome = Literal["created", "updated", "unchanged", "duplicates", "skipped"]


class RowProblem(Output):
    """What is wrong with a cell, or with the row as a whole."""

    column: str | None = Field(description="Null: the whole row.", examples=["email"])
    code: str = Field(examples=["not_an_email"])
    title: str = Field(examples=["Invalid e-mail address"])
    remedy: str = Field(examples=["Correct the address."])


class RowOut(Output):
    """A row in error, with its cells as they are now."""

    line: int = Field(description="Line of the file, as a spreadsheet counts.", examples=[12])
    values: dict[str, str] = Field(description="Cells by column name.", examples=[{"email": "anna@example"}])
    further: list[str] = Field(description="Cells behind the last named column.", examples=[[]])
    problems: list[RowProblem]
    contacts: list[int] = Field(description="Contacts that the row could be about.", examples=[[]])
    chosen_contact: int | None = Field(description="The one that was chosen.", examples=[None])
    corrected: bool = Field(description="Whether a cell has another value than in the file.", examples=[False])
    ready: bool = Field(description="Corrected, without a problem: a retry imports it.", examples=[False])
    retried_in: int | None = Field(description="The import that has imported it again.", examples=[None])


class CorrectionIn(Input):
    """New values for cells of one row."""

    line: int = Field(ge=1, le=MAX_LINE, examples=[12])
    values: dict[str, str] = Field(
        default={}, description="New cells by column name.", examples=[{"email": "anna@example.com"}]
    )
    contact: Id | None = Field(
        default=None, description="One of the row’s contacts, which it is about.", examples=[None]
    )


class CorrectionsIn(Input):
    """New values for rows in error."""

    rows: list[CorrectionIn] = Field(min_length=1, max_length=MOST_CORRECTIONS)


class RowsOut(Output):
    """Rows as they are after their correction."""

    results: list[RowOut]


class ReplaceIn(Input):
    """One change in many cells of a column."""

    column: str = Field(max_length=1_000, examples=["email"])
    find: str = Field(max_length=corrections.MAX_CELL, description="Empty: empty cells.", examples=["@gmial.com"])
    put: str = Field(max_length=corrections.MAX_CELL, examples=["@gmail.com"])
    whole: bool = Field(default=False, description="Only where it is the whole cell.", examples=[False])


class ReplaceOut(Output):
    """How many cells have changed."""

    changed: int = Field(examples=[40])


def _shown(imp: Import, row: SheetRow) -> dict[str, Any]:
    names = dict(enumerate(imp.header))
    marks = [(names.get(i), mark) for i, cell in enumerate(row.cells) for mark in cell.marks]
    marks += [(None, mark) for mark in row.marks]
    return {
        "line": row.line,
        "values": {names[i]: cell.value for i, cell in enumerate(row.cells) if i in names},
        "further": [cell.value for i, cell in enumerate(row.cells) if i not in names],
        "problems": [
            {"column": name, "code": mark.code, "title": mark.title, "remedy": mark.remedy} for name, mark in marks
        ],
        "contacts": row.contacts,
        "chosen_contact": row.chosen,
        "corrected": any(cell.was is not None for cell in row.cells),
        "ready": row.ready,
        "retried_in": row.retried_in,
    }


@router.get(
    "/imports/{int:import_id}/errors", auth=Scope("imports.rows"), response=Page[RowOut], summary="List rows in error"
)
def list_errors(
    request: Any,
    import_id: int,
    code: Annotated[str, Field(max_length=40, description="Only rows with this problem.")] = "",
    column: Annotated[str, Field(max_length=1_000, description="Only rows with a problem in this column.")] = "",
    cursor: Cursor = "",
    limit: Limit = cursors.USUAL,
) -> dict[str, Any]:
    """Rows in error in the order of the file, with all of their cells and what is wrong with them."""
    imp = get_object_or_404(Import, pk=import_id)
    after = cursors.decode(cursor, int) or [0]
    at = _column(imp, column) if column else None
    start = min(max(after[0], 0), MAX_LINE)
    rows = error_rows.sheet(imp, code=code, column=at, after=start, rows=limit + 1)
    shown, following = cursors.page(rows, limit, "line")
    return {"results": [_shown(imp, row) for row in shown], "next": following}


def _column(imp: Import, name: str) -> int:
    if name not in imp.header:
        raise Problem(422, "parameters_invalid", f"The file has no column {name}. It has: {', '.join(imp.header)}.")
    return int(imp.header.index(name))


@router.get(
    "/imports/{int:import_id}/errors.csv",
    auth=Scope("imports.rows"),
    summary="Download rows in error",
    openapi_extra={"responses": {200: {"description": "CSV", "content": {"text/csv": {"schema": {"type": "string"}}}}}},
)
def download_errors(request: Any, import_id: int) -> StreamingHttpResponse:
    """All rows in error as CSV: the columns of the file, then line, codes and reasons. An import of it, corrected, finds
    its columns again."""
    imp = get_object_or_404(Import, pk=import_id)
    return _csv(request, error_rows.errors_csv(imp), f"import-{imp.pk}-rows-in-error.csv")


@router.get(
    "/imports/{int:import_id}/rows/{outcome}.csv",
    auth=Scope("imports.rows"),
    summary="Download rows by outcome",
    openapi_extra={"responses": {200: {"description": "CSV", "content": {"text/csv": {"schema": {"type": "string"}}}}}},
)
@answers(410, "file_missing")
def download_rows(request: Any, import_id: int, outcome: Outcome) -> StreamingHttpResponse:
    """The rows with one outcome as CSV, of an import that has ended. 404 where there are none, 410 when the file is
    deleted."""
    imp = get_object_or_404(Import, pk=import_id)
    if not imp.ended or outcome not in outcome_download.offered(imp, progress.outcome(imp)):
        raise not_found()
    parse_unit.path_of(imp)
    lines = outcome_download.lines(imp, outcome, labels=column_choices.labels())
    return _csv(request, lines, f"import-{imp.pk}-{outcome}.csv")


def _csv(request: Any, lines: Iterable[str], name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(
        csv_output.streamed(request.workspace.pk, lines), content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _correctable(import_id: int) -> Import:
    imp: Import = get_object_or_404(Import, pk=import_id)
    if not corrections.is_correctable(imp):
        raise Problem(409, "conflict", "Rows can be corrected once the import has ended, unless it was undone.")
    return imp


@router.post(
    "/imports/{int:import_id}/corrections", auth=Scope("imports.run"), response=RowsOut, summary="Correct rows in error"
)
def correct_rows(request: Any, import_id: int, body: CorrectionsIn) -> dict[str, Any]:
    """Store new values for cells of rows in error, and check them at once. Either all rows are stored or none."""
    require(request, "imports.rows")
    imp = _correctable(import_id)
    for at, row in enumerate(body.rows):
        given = {_column(imp, name): value for name, value in row.values.items()}
        chosen = row.contact
        if chosen is not None:
            known = error_rows.row(imp, row.line)
            if not known or chosen not in known.contacts or not Contact.objects.living().filter(pk=chosen).exists():
                raise Problem(422, "parameters_invalid", f"rows.{at}: contact {chosen} is none of this row.")
        if not corrections.correct_row(imp, row.line, given, chosen=chosen):
            raise Problem(
                422, "parameters_invalid", f"rows.{at}: line {row.line} is not in error, or was imported again."
            )
    lines = [row.line for row in body.rows]
    corrections.recheck(imp, lines)
    shown = (error_rows.row(imp, line) for line in dict.fromkeys(lines))
    return {"results": [_shown(imp, row) for row in shown if row is not None]}


@router.post(
    "/imports/{int:import_id}/replace",
    auth=Scope("imports.run"),
    response=ReplaceOut,
    summary="Replace in rows in error",
)
def replace(request: Any, import_id: int, body: ReplaceIn) -> dict[str, int]:
    """Replace a text in all cells of a column among the rows in error."""
    require(request, "imports.rows")
    imp = _correctable(import_id)
    column = _column(imp, body.column)
    changed = corrections.replace(imp, column, body.find, body.put, whole=body.whole)
    if changed:
        record(request, "replaced", imp, column=column, cells=changed)
    return {"changed": changed}


@router.post(
    "/imports/{int:import_id}/retry",
    auth=Scope("imports.run"),
    response={201: ImportDetail},
    summary="Import corrected rows",
)
def retry(request: Any, import_id: int) -> dict[str, Any]:
    """Import the rows that are ready as an import of their own, with the same mapping and settings."""
    imp = _correctable(import_id)
    made = corrections.import_corrections(imp, tenant=request.workspace, user=request.user)
    if made is None:
        raise Problem(409, "conflict", "No corrected row is ready. Correct rows first.")
    record(request, "retried", imp, into=made.pk)
    return detailed(request, Import.objects.get(pk=made.pk))
