"""A sheet of a workbook as CSV. A program of its own: a workbook from a stranger is opened in a process
that may use only so much memory and time, and that knows nothing of the product.

Called as `python -I workbooks.py SOURCE TARGET LIMIT [SHEET]`; prints one JSON object: {"sheets": [names], "sheet": the one
that was written} or {"code": …, facts}. Without a name it is the first sheet that can be seen and holds something.
"""

import csv
import datetime
import json
import re
import resource
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

# The library holds a whole sheet: five million cells or so fit into this.
MEMORY = 512 << 20
CPU_SECONDS = 60
# Cells that a sheet may span, filled or not: more than any file within the limits of a workspace has.
MAX_CELLS = 60_000_000
# From here on a spreadsheet itself no longer knows all digits of a number.
_EXACT = 10**15
_BLOCK = 1 << 20
# A cell whose value is an error (#REF!): the library would make it empty, and what is wrong would be lost.
_ERROR = re.compile(rb'(<(?:\w+:)?c\b[^<>]*\bt=)(?:"e"|\'e\')')


class TooLarge(Exception):
    """The text is longer than allowed. The argument is the length so far."""


def cell(value: Any) -> str:
    """A value as text: whole numbers without a point, dates in ISO form, yes and no; text as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
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


def write(rows: Iterable[list[Any]], target: Path, *, indent: int, limit: int) -> None:
    """Rows as CSV in UTF-8. A blank row is a blank line, so that lines and rows have the same numbers. Raises TooLarge."""
    out = _Counted(target, limit=limit)
    with out.file:
        lines = csv.writer(out, lineterminator="\n")
        blank = [""] * indent
        for row in rows:
            cells = [cell(value) for value in row]
            if any(cells):
                lines.writerow(blank + cells)
            else:
                out.write("\n")


def readable(source: Path) -> IO[bytes]:
    """The workbook to read: as it is, or a copy whose cells with errors are texts. Raises BadZipFile."""
    with zipfile.ZipFile(source) as book:
        parts = book.infolist()
        if len({part.filename for part in parts}) < len(parts):
            raise zipfile.BadZipFile("two parts of one name")
        if not any(_is_sheet(part) and _has_errors(book, part) for part in parts):
            return source.open("rb")
        copy = TemporaryFile()  # noqa: SIM115 - the caller closes it
        with zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
            for part in parts:
                with new.open(part.filename, "w", force_zip64=True) as out:
                    for piece in _pieces(book, part):
                        out.write(_ERROR.sub(rb'\1"str"', piece) if _is_sheet(part) else piece)
    copy.seek(0)
    return copy


def _is_sheet(part: zipfile.ZipInfo) -> bool:
    return part.filename.startswith("xl/worksheets/")


def _has_errors(book: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    # All of it is read, so that a wrong checksum is found as well.
    return sum(1 for piece in _pieces(book, part) if _ERROR.search(piece)) > 0


def _pieces(book: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """A part in blocks that are cut before a tag."""
    rest = b""
    with book.open(part) as file:
        while block := file.read(_BLOCK):
            block = rest + block
            cut = max(block.rfind(b"<"), 0) if len(block) < 4 * _BLOCK else len(block)
            yield block[:cut]
            rest = block[cut:]
    yield rest


def convert(source: Path, target: Path, *, limit: int, wanted: str = "") -> dict[str, Any]:
    """Write a sheet of `source` to `target`; what is said about it, or the code of why not."""
    with readable(source) as file:
        book = CalamineWorkbook.from_filelike(file)
        tables = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        seen = sorted(tables, key=lambda table: table.visible != SheetVisibleEnum.Visible)
        names = [wanted] if wanted else [table.name for table in seen]
        found = (book.get_sheet_by_name(name) for name in names)
        sheet = next((sheet for sheet in found if sheet.start is not None), None)
        if sheet is None or sheet.start is None or sheet.end is None:
            return {"code": "file_empty"}
        # A sheet that begins far down or far right is blank lines and cells up to there.
        if (sheet.end[0] + 1) * (sheet.end[1] + 1) > MAX_CELLS:
            return {"code": "file_bomb"}
        write(sheet.iter_rows(), target, indent=sheet.start[1], limit=limit)
    return {"sheets": [table.name for table in tables], "sheet": sheet.name}


def answer(source: Path, target: Path, *, limit: int, wanted: str = "") -> dict[str, Any]:
    """As `convert`; whatever the workbook does to its reader becomes a code."""
    try:
        return convert(source, target, limit=limit, wanted=wanted)
    except TooLarge as problem:
        return {"code": "too_large", "limit": limit, "found": problem.args[0]}
    except PasswordError:
        return {"code": "file_encrypted"}
    except MemoryError:
        return {"code": "file_bomb"}
    except (CalamineError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, struct.error):
        return {"code": "file_corrupt"}


def _main() -> None:
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, CPU_SECONDS)):
        with suppress(ValueError, OSError):  # not every system knows both
            resource.setrlimit(what, (most, most))
    source, target, limit, *wanted = sys.argv[1:]
    sys.stdout.write(json.dumps(answer(Path(source), Path(target), limit=int(limit), wanted="".join(wanted))))


if __name__ == "__main__":
    _main()
