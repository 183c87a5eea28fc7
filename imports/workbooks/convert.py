"""A sheet of a workbook as CSV. Run in a process of its own: a workbook from a stranger is opened by a program
that may use only so much memory and time, and that knows nothing of the product.

`main` is called with SOURCE TARGET LIMIT WISHES, the last of them as JSON (see Wishes); it prints one JSON object: what was
written (see Sheet), or {"code": …, facts}. Cells hold two readings where the sheet shows something else than it keeps
(imports.workbooks.workbook_cells).
"""

import csv
import datetime
import json
import resource
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from imports.workbooks import markup
from imports.workbooks.markup import Marks
from imports.workbooks.workbook_cells import one_line

# The library holds a whole sheet: five million cells or so fit into this.
MEMORY = 512 << 20
CPU_SECONDS = 60
# Cells that a sheet may span, filled or not: more than any file within the limits of a workspace has.
MAX_CELLS = 60_000_000
# From here on a spreadsheet itself no longer knows all digits of a number.
_EXACT = 10**15
_LETTERS = 26
# Columns that are hidden and named to people.
_NAMED = 20


class TooLarge(Exception):
    """The text is longer than allowed. The argument is the length so far."""


@dataclass(frozen=True)
class Wishes:
    """As imports.files.archives.Wishes: what the caller wants of the workbook."""

    sheet: str
    fill: bool
    skip_hidden: bool


@dataclass
class Sheet:
    """What was written: names of all sheets, the one that was taken, and what its looks hide from a reader of CSV."""

    sheets: list[str]
    sheet: str
    hidden_rows: int = 0
    hidden_columns: list[str] = field(default_factory=list)
    merged: int = 0
    without_value: int = 0


def cell(value: Any) -> str:
    """A value as text: whole numbers without a point, dates in ISO form, yes and no as the sheet shows them; text on one
    line."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < _EXACT else _fraction(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)


def _fraction(value: float) -> str:
    """Fifteen digits, as a spreadsheet shows them, and never an exponent in a number of usual size."""
    short = f"{value:.15g}"
    return f"{Decimal(short):f}" if 1e-9 < abs(value) < 1e21 else short


class _Counted:
    """A text file that refuses to grow beyond a limit."""

    def __init__(self, path: Path, *, limit: int) -> None:
        self.file, self.left, self.limit = path.open("wb"), limit, limit

    def write(self, text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        self.left -= len(data)
        if self.left < 0:
            raise TooLarge(self.limit - self.left)
        self.file.write(data)


def write(rows: Iterable[list[str]], target: Path, *, limit: int) -> None:
    """Rows as CSV in UTF-8. A blank row is a blank line, so that lines and rows have the same numbers. Raises TooLarge."""
    out = _Counted(target, limit=limit)
    with out.file:
        lines = csv.writer(out, lineterminator="\n")
        for cells in rows:
            if any(cells):
                lines.writerow(cells)
            else:
                out.write("\n")


# --- what the sheet shows over what it holds ----------------------------------------------------------------------------


def _shown(rows: Iterable[list[Any]], marks: Iterator[Marks], *, indent: int, wishes: Wishes) -> Iterator[list[str]]:
    """Rows as texts: the library's values, and over them what the marks say. Marks come in the order of the rows."""
    blank = [""] * indent
    mark, at = next(marks, None), -1
    for at, row in enumerate(rows):
        cells = blank + [cell(value) for value in row]
        while mark is not None and mark.row < at:
            mark = next(marks, None)
        if mark is not None and mark.row == at:
            cells = _marked(cells, mark, wishes)
            mark = next(marks, None)
        yield cells
    # Behind the last value there may be formulas without one.
    while mark is not None:
        if mark.cells and mark.row > at:
            yield from ([] for _ in range(mark.row - at - 1))
            yield _marked([], mark, wishes)
            at = mark.row
        mark = next(marks, None)


def _marked(cells: list[str], mark: Marks, wishes: Wishes) -> list[str]:
    if mark.hidden and wishes.skip_hidden:
        return []
    for column, text in mark.cells.items():
        cells += [""] * (column + 1 - len(cells))
        cells[column] = text
    return cells


def _filled(rows: Iterable[list[str]], merged: list[tuple[tuple[int, int], tuple[int, int]]]) -> Iterator[list[str]]:
    """Rows in which every row of a merged cell has its value, in its first column."""
    waiting = sorted(merged, reverse=True)
    running: dict[int, tuple[int, str]] = {}
    for at, row in enumerate(rows):
        while waiting and waiting[-1][0][0] <= at:
            (top, left), (bottom, _right) = waiting.pop()
            if top == at and left < len(row):
                running[left] = (bottom, row[left])
        if running and row:
            for column, (bottom, text) in list(running.items()):
                if at > bottom:
                    del running[column]
                elif not row[column : column + 1] or not row[column]:
                    row += [""] * (column + 1 - len(row))
                    row[column] = text
        yield row


def convert(source: Path, target: Path, *, limit: int, wishes: Wishes) -> dict[str, Any]:
    """Write a sheet of `source` to `target`; what is said about it, or the code of why not."""
    with zipfile.ZipFile(source) as parts:
        markup.check(parts)
        book = CalamineWorkbook.from_path(source)
        tables = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        seen = sorted(tables, key=lambda table: table.visible != SheetVisibleEnum.Visible)
        names = [wishes.sheet] if wishes.sheet else [table.name for table in seen]
        sheets = (book.get_sheet_by_name(name) for name in names)
        sheet = next((sheet for sheet in sheets if sheet.start is not None), None)
        if sheet is None or sheet.start is None or sheet.end is None:
            return {"code": "file_empty"}
        # A sheet that begins far down or far right is blank lines and cells up to there.
        if (sheet.end[0] + 1) * (sheet.end[1] + 1) > MAX_CELLS:
            return {"code": "file_bomb"}
        looks = markup.Looks(parts, sheet.name, most_rows=sheet.end[0] + markup.ROWS_BEYOND)
        rows = _shown(sheet.iter_rows(), looks.rows(), indent=sheet.start[1], wishes=wishes)
        merged = [area for area in sheet.merged_cell_ranges or [] if area[1][0] > area[0][0]]
        write(_filled(rows, merged) if wishes.fill else rows, target, limit=limit)
    hidden = [_letter(i) for i in sorted(looks.hidden_columns) if sheet.start[1] <= i <= sheet.end[1]]
    said = Sheet([table.name for table in tables], sheet.name, looks.hidden_rows, hidden[:_NAMED], len(merged))
    said.without_value = looks.without_value
    return asdict(said)


def _letter(index: int) -> str:
    out, index = "", index + 1
    while index:
        index, rest = divmod(index - 1, _LETTERS)
        out = chr(65 + rest) + out
    return out


def answer(source: Path, target: Path, *, limit: int, wishes: Wishes) -> dict[str, Any]:
    """As `convert`; whatever the workbook does to its reader becomes a code."""
    try:
        return convert(source, target, limit=limit, wishes=wishes)
    except TooLarge as problem:
        return {"code": "too_large", "limit": limit, "found": problem.args[0]}
    except PasswordError:
        return {"code": "file_encrypted"}
    except MemoryError:
        return {"code": "file_bomb"}
    except (CalamineError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, struct.error):
        return {"code": "file_corrupt"}
    except (ExpatError, InvalidOperation, LookupError):
        return {"code": "file_corrupt"}


def main() -> None:
    """The program. Its limits are set before anything of the workbook is read."""
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, CPU_SECONDS)):
        with suppress(ValueError, OSError):  # not every system knows both
            resource.setrlimit(what, (most, most))
    source, target, limit, wishes = sys.argv[1:]
    said = answer(Path(source), Path(target), limit=int(limit), wishes=Wishes(**json.loads(wishes)))
    sys.stdout.write(json.dumps(said))
