"""The first visible sheet of a workbook as CSV. A program of its own: a workbook from a stranger is opened in a process that
may use only so much memory and time, and that knows nothing of the product.

Cells are read one after another and written at once; what is kept is the table of shared texts, in one block of bytes. So
memory does not grow with the sheet, and a sheet made to explode is given up where it begins to.

Called as `python -I workbooks.py SOURCE TARGET LIMIT`; prints one JSON object: {"sheets": …} or {"code": …, facts}.
"""

import csv
import io
import json
import math
import posixpath
import re
import resource
import shutil
import struct
import sys
import zipfile
import zlib
from array import array
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from lzma import LZMAError
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Protocol
from xml.parsers import expat

MEMORY = 256 << 20
CPU_SECONDS = 60
# Cells of a sheet, read or filled up: more than any file within the limits of a workspace has.
MAX_CELLS = 60_000_000
# The corner of every spreadsheet: XFD1048576.
_COLUMNS, _ROWS = 16_384, 1_048_576
# Far above what a cell of a spreadsheet holds (32,767 characters); the longest record that is read (imports.rows).
_LONGEST = 1 << 20
_BLOCK = 256 << 10
# From here on a spreadsheet itself no longer knows all digits of a number.
_EXACT = 10**15
_DAY = 86_400_000  # milliseconds
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z").match
_WHOLE = re.compile(r"0\Z|[1-9][0-9]{0,14}\Z").match
# How a workbook writes characters that XML cannot hold: _x000D_.
_CODE = re.compile("_x([0-9A-Fa-f]{4})_")
# Formats of dates that have only a number, and what tells the others: letters outside of quotes and brackets.
_DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_NO_LETTERS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_DURATION = 46
# What reading a damaged workbook raises. RuntimeError: of zipfile, for an encrypted part.
_BROKEN = (
    expat.ExpatError, zipfile.BadZipFile, zlib.error, LZMAError, struct.error,
    EOFError, OSError, ValueError, LookupError, RuntimeError,
)  # fmt: skip
_NO_MEMORY = expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]


class Bomb(Exception):
    """The workbook is made to explode: no spreadsheet stores such a thing."""


class TooLarge(Exception):
    """The text is longer than allowed. The argument is the length so far."""


# --- values as text -------------------------------------------------------------------------------------------------------


def number(value: float) -> str:
    """Whole numbers without a point, others with fifteen digits, as a spreadsheet shows them, and without an exponent where
    the number has a usual size."""
    if value.is_integer() and abs(value) < _EXACT:
        return f"{value:.0f}"
    short = f"{value:.15g}"
    return f"{Decimal(short):f}" if 1e-9 < abs(value) < 1e21 else short


def moment(serial: float, *, first_1904: bool) -> str:
    """A day number as a date, a time or both, in ISO form. Day 60 of 1900 never was; it is read as the day before."""
    if not 0 <= serial < 2_957_004:  # before the calendar, or behind the year 9999 of both calendars
        return number(serial)
    # Days before the 29 February that spreadsheets have invented are one further.
    start = datetime(1904, 1, 1) if first_1904 else datetime(1899, 12, 31 if serial < 60 else 30)
    found = start + timedelta(milliseconds=round(serial * _DAY))
    if serial < 1:
        return found.time().isoformat()
    return found.isoformat(sep=" ").removesuffix(" 00:00:00")


def duration(serial: float) -> str:
    """Hours beyond a day: 26:30:00."""
    minutes, seconds = divmod(round(serial * 86_400), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}" if 0 <= serial < 1e6 else number(serial)


def _plain(text: str) -> str:
    """A text without the codes of a workbook, with one kind of line ends."""
    if "_x" in text:
        text = _CODE.sub(lambda m: m[0] if "D800" <= m[1].upper() <= "DFFF" else chr(int(m[1], 16)), text)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


# --- XML ------------------------------------------------------------------------------------------------------------------


class _Handler(Protocol):
    def start(self, name: str, attributes: dict[str, str]) -> None: ...
    def text(self, data: str) -> None: ...
    def end(self, name: str) -> None: ...


class _Elements:
    """A handler that keeps the elements that matter: (name of the one around, name, attributes)."""

    WANTED = frozenset(("Relationship", "workbookPr", "sheet", "numFmt", "xf"))
    # Several times as many styles as a spreadsheet allows, and far deeper than any part goes.
    MOST, DEPTH = 200_000, 100

    def __init__(self) -> None:
        self.found: list[tuple[str, str, dict[str, str]]] = []
        self.path = [""]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = _local(name)
        if name in self.WANTED:
            self.found.append((self.path[-1], name, {_local(key): value for key, value in attributes.items()}))
        self.path.append(name)
        if len(self.found) > self.MOST or len(self.path) > self.DEPTH:
            raise Bomb("more styles or levels than a workbook has")

    def text(self, data: str) -> None:
        pass

    def end(self, name: str) -> None:
        self.path.pop()


def _local(name: str) -> str:
    return name.rpartition(":")[2] if ":" in name else name


def _refuse_doctype(*_about: object) -> None:
    raise ValueError("no workbook declares entities")


def _parse(book: zipfile.ZipFile, part: zipfile.ZipInfo, handler: _Handler) -> None:
    """Feed a part to a handler, block by block, to its end, so that a wrong checksum is found. Raises Bomb."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = handler.start, handler.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = handler.text, _refuse_doctype
    fed = 0
    with book.open(part) as file:
        while block := file.read(_BLOCK):
            parser.Parse(block, False)
            fed += len(block)
            if fed - parser.CurrentByteIndex > 4 * _LONGEST:
                raise Bomb("a tag that does not end")
    parser.Parse(b"", True)


# --- shared texts ---------------------------------------------------------------------------------------------------------


class _Texts:
    """The texts that cells name by their number, as one block of bytes: millions of strings would take ten times as much."""

    def __init__(self) -> None:
        self.bytes, self.ends = bytearray(), array("Q", [0])
        self.parts: list[str] = []
        self.taking = self.phonetic = False
        self.length = 0

    def __getitem__(self, index: int) -> str:
        if index < 0:
            raise IndexError(index)
        return self.bytes[self.ends[index] : self.ends[index + 1]].decode()

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        name = _local(name)
        if name == "t":
            self.taking = not self.phonetic
        elif name == "rPh":
            self.phonetic = True

    def text(self, data: str) -> None:
        if self.taking:
            self.parts.append(data)
            self.length += len(data)
            if self.length > _LONGEST:
                raise Bomb("a text that no cell can hold")

    def end(self, name: str) -> None:
        name = _local(name)
        if name == "t":
            self.taking = False
        elif name == "rPh":
            self.phonetic = False
        elif name == "si":
            self.bytes += _plain("".join(self.parts)).encode()
            self.ends.append(len(self.bytes))
            self.parts, self.length = [], 0


# --- the workbook ---------------------------------------------------------------------------------------------------------


class _Book:
    """The parts of a workbook that matter: its sheets in their order, which styles are dates, which calendar it has."""

    def __init__(self, book: zipfile.ZipFile) -> None:
        self.book = book
        self.parts = {part.filename.replace("\\", "/").lower(): part for part in book.infolist()}
        if len(self.parts) < len(book.infolist()):
            raise zipfile.BadZipFile("two parts of one name")
        top = self._related("", "_rels/.rels")
        main = next((target for kind, target in top.values() if kind == "officeDocument"), "")
        folder, name = posixpath.split(main)
        self.related = self._related(folder, f"{folder}/_rels/{name}.rels")
        self.elements = self._elements(main)
        self.first_1904 = any(
            a.get("date1904") in ("1", "true") for _around, n, a in self.elements if n == "workbookPr"
        )

    def _elements(self, name: str) -> list[tuple[str, str, dict[str, str]]]:
        handler = _Elements()
        _parse(self.book, self.parts[name.lower()], handler)
        return handler.found

    def _related(self, folder: str, name: str) -> dict[str, tuple[str, str]]:
        """ID → (kind, name of the part). Targets outside of the file are none: nothing is ever fetched."""
        found = {}
        for _around, element, a in self._elements(name):
            if element == "Relationship" and a.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, a["Target"].replace("\\", "/")))
                found[a["Id"]] = (a["Type"].rpartition("/")[2], target.lstrip("/"))
        return found

    def sheets(self) -> list[tuple[str, bool]]:
        """(name of its part, whether it can be seen) for every sheet that is a table."""
        found = []
        for around, name, a in self.elements:
            if (around, name) == ("sheets", "sheet"):
                kind, part = self.related[a["id"]]
                if kind == "worksheet":
                    found.append((part, a.get("state", "visible") == "visible"))
        return found

    def texts(self) -> _Texts:
        texts = _Texts()
        for name in self._kind("sharedStrings"):
            _parse(self.book, self.parts[name.lower()], texts)
        return texts

    def dates(self) -> dict[str, str]:
        """Number of a style → "date" or "duration", for styles that are one."""
        elements = [e for name in self._kind("styles") for e in self._elements(name)]
        codes = {a["numFmtId"]: a.get("formatCode", "") for _around, name, a in elements if name == "numFmt"}
        styles = [a.get("numFmtId", "0") for around, name, a in elements if (around, name) == ("cellXfs", "xf")]
        kinds = {format_id: _kind_of_format(int(format_id), codes.get(format_id)) for format_id in set(styles)}
        return {str(i): kinds[format_id] for i, format_id in enumerate(styles) if kinds[format_id]}

    def _kind(self, kind: str) -> list[str]:
        return [name for found, name in self.related.values() if found == kind][:1]


def _kind_of_format(number_of: int, code: str | None) -> str:
    if code is None:
        return "duration" if number_of == _DURATION else "date" if number_of in _DATE_FORMATS else ""
    letters = _NO_LETTERS.sub("", code.split(";")[0]).lower()
    if "[" in letters:
        return "duration"
    return "date" if re.search("[dmyhs]", letters) and "general" not in letters else ""


@lru_cache(maxsize=_COLUMNS)
def _column(letters: str) -> int:
    """A → 0. Raises ValueError, Bomb."""
    at = 0
    for letter in letters.upper():
        if not "A" <= letter <= "Z":
            raise ValueError(letters)
        at = at * 26 + ord(letter) - 64
        if at > _COLUMNS:
            raise Bomb("a column that no spreadsheet has")
    return at - 1


# --- the sheet ------------------------------------------------------------------------------------------------------------


class _Sheet:
    """Rows out of the XML of a sheet, as they come. What the sheet says about its own size is not believed."""

    def __init__(self, book: _Book, out: "_Rows") -> None:
        self.texts, self.dates, self.first_1904, self.out = book.texts(), book.dates(), book.first_1904, out
        self.inside = self.taking = self.phonetic = False
        self.row: list[str] = []
        self.row_no, self.row_length, self.column, self.cells, self.length = 0, 0, -1, 0, 0
        self.parts: list[str] = []
        self.type = self.style = ""

    # Millions of cells pass through these: what is frequent is asked first, and prefixes last.
    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.inside:
            self.inside = _local(name) == "sheetData"
        elif name == "c":
            place = attributes.get("r")
            self.column = _column(place.rstrip("0123456789")) if place else self.column + 1
            self.cells += 1
            if self.column >= _COLUMNS or self.cells > MAX_CELLS:
                raise Bomb("more cells than a sheet has")
            self.type, self.style = attributes.get("t", "n"), attributes.get("s", "")
            self.parts, self.length = [], 0
        elif name in ("v", "t"):
            self.taking = not self.phonetic
        elif name == "row":
            before, self.row_no = self.row_no, int(attributes.get("r", self.row_no + 1))
            if not before < self.row_no <= _ROWS:
                raise ValueError("rows do not follow each other")
            self.row, self.row_length, self.column = [], 0, -1
        elif name == "rPh":
            self.phonetic = True
        elif ":" in name:
            self.start(_local(name), attributes)

    def text(self, data: str) -> None:
        if self.taking:
            self.parts.append(data)
            self.length += len(data)
            if self.length > _LONGEST:
                raise Bomb("a text that no cell can hold")

    def end(self, name: str) -> None:
        if name in ("v", "t"):
            self.taking = False
        elif name == "c" and self.parts:
            if value := self._value("".join(self.parts)):
                self.row.extend([""] * (self.column + 1 - len(self.row)))
                self.row[self.column] = value
                self.row_length += len(value)
                if self.row_length > 4 * _LONGEST:
                    raise Bomb("a row that nobody could read")
            self.parts = []
        elif name == "row" and self.row:
            self.out.add(self.row_no, self.row)
        elif name == "rPh":
            self.phonetic = False
        elif name == "sheetData":
            self.inside = False
        elif ":" in name:
            self.end(_local(name))

    def _value(self, text: str) -> str:
        if self.type == "s":
            return self.texts[int(text)]
        if self.type == "n" and self.style not in self.dates and _WHOLE(text):
            return text
        if self.type == "b":
            return "yes" if text.strip() in ("1", "true") else "no"
        if self.type != "n" or not _NUMBER(text.strip()) or not math.isfinite(value := float(text)):
            return _plain(text)
        kind = self.dates.get(self.style)
        if kind == "date":
            return moment(value, first_1904=self.first_1904)
        return duration(value) if kind == "duration" else number(value)


class _Rows:
    """Rows as CSV in UTF-8, filled up to the widest so far. A blank row is a blank line, so that lines and rows have the
    same numbers; those behind the last filled row are left out. The text refuses to grow beyond a limit."""

    def __init__(self, file: BinaryIO, *, limit: int, width: int = 0) -> None:
        self.file, self.limit, self.width = file, limit, width
        self.size, self.last, self.uneven = 0, 0, False
        self.lines = csv.writer(self, lineterminator="\n")

    def write(self, text: str) -> None:
        data = text.encode()
        self.size += len(data)
        if self.size > self.limit:
            raise TooLarge(self.size)
        self.file.write(data)

    def add(self, number_of: int, cells: list[str]) -> None:
        if len(cells) > self.width:
            self.uneven, self.width = self.width > 0, len(cells)
        if number_of * self.width > MAX_CELLS:
            raise Bomb("a cell far away from all others")
        self.write("\n" * (number_of - self.last - 1))
        self.lines.writerow(cells + [""] * (self.width - len(cells)))
        self.last = number_of


def _fill_up(target: Path, *, width: int, limit: int) -> None:
    """Make all rows as wide as the widest, which came later than the first."""
    csv.field_size_limit(2 * _LONGEST)
    with TemporaryFile() as copy:
        with target.open("rb") as narrow:
            shutil.copyfileobj(narrow, copy)
        copy.seek(0)
        text = io.TextIOWrapper(copy, encoding="utf-8", newline="")
        with target.open("wb") as file:
            rows = _Rows(file, limit=limit, width=width)
            for cells in csv.reader(text):
                rows.lines.writerow(cells + [""] * (width - len(cells))) if cells else rows.write("\n")


# --- the program ----------------------------------------------------------------------------------------------------------


def convert(source: Path, target: Path, *, limit: int) -> dict[str, Any]:
    """Write a sheet of `source` to `target`; what is said about it, or the code of why not."""
    with zipfile.ZipFile(source) as archive, target.open("wb") as file:
        book, rows = _Book(archive), _Rows(file, limit=limit)
        sheets = book.sheets()
        if not sheets:
            return {"code": "file_empty"}
        chosen = next((part for part, visible in sheets if visible), sheets[0][0])
        _parse(archive, book.parts[chosen.lower()], _Sheet(book, rows))
    if not rows.last:
        return {"code": "file_empty"}
    if rows.uneven:
        _fill_up(target, width=rows.width, limit=limit)
    return {"sheets": len(sheets)}


def answer(source: Path, target: Path, *, limit: int) -> dict[str, Any]:
    """As `convert`; whatever the workbook does to its reader becomes a code."""
    try:
        return convert(source, target, limit=limit)
    except TooLarge as problem:
        return {"code": "too_large", "limit": limit, "found": problem.args[0]}
    except (MemoryError, Bomb):
        return {"code": "file_bomb"}
    except _BROKEN as problem:
        return {"code": "file_bomb" if getattr(problem, "code", 0) == _NO_MEMORY else "file_corrupt"}


def _main() -> None:
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, CPU_SECONDS)):
        with suppress(ValueError, OSError):  # not every system knows both
            resource.setrlimit(what, (most, most))
    source, target, limit = sys.argv[1:]
    sys.stdout.write(json.dumps(answer(Path(source), Path(target), limit=int(limit))))


if __name__ == "__main__":
    _main()
