"""What a sheet of a workbook says beside its values: number formats, hidden rows and columns, formulas without a value,
errors. Read from its XML as a stream, and only where the sheet has any of it; the values themselves come from a library.
"""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.parsers import expat

from imports.workbooks import number_formats, workbook_cells
from imports.workbooks.number_formats import Format

_BLOCK = 1 << 18
# Lines behind the last value in which a formula without one may still be.
ROWS_BEYOND = 1_000
MAX_COLUMNS = 16_384
_GENERAL = 0
# A sheet with more than values has one of these. A few too many do no harm.
_SIGNS = (
    b't="e"', b"t='e'", b'hidden="1"', b"hidden='1'", b'hidden="true"', b"hidden='true'", b'ht="0"', b"ht='0'",
    b'width="0"', b"width='0'", b"<f>", b"<f ", b"<f/", b":f>", b":f ", b":f/",
)  # fmt: skip
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})\Z").match


@dataclass
class Marks:
    """What is to be said about a row, counted from 0: texts by column, and whether it is hidden."""

    row: int
    cells: dict[int, str] = field(default_factory=dict)
    hidden: bool = False


def check(book: zipfile.ZipFile) -> None:
    """Refuse a workbook whose parts cannot be read as they are said to be. Raises BadZipFile."""
    names = [part.filename for part in book.infolist()]
    if len(set(names)) < len(names):
        raise zipfile.BadZipFile("two parts of one name")
    for name in names:
        if name.startswith("xl/worksheets/"):
            # All of it is read, so that a wrong checksum is found as well.
            with book.open(name) as file:
                while file.read(_BLOCK):
                    pass


class Looks:
    """The looks of one sheet. `rows` is to be read to its end before the counts are right."""

    def __init__(self, book: zipfile.ZipFile, sheet: str, *, most_rows: int) -> None:
        self.book, self.most_rows = book, most_rows
        self.hidden_rows = self.without_value = 0
        self.hidden_columns: set[int] = set()
        self.part, since_1904 = _part(book, sheet)
        self.since_1904 = since_1904
        self.formats = _formats(book, since_1904=since_1904)

    def rows(self) -> Iterator[Marks]:
        """Rows about which there is something to say, in their order."""
        if self.part is None or not self._any():
            return
        reader = _SheetReader(self)
        with self.book.open(self.part) as file:
            while block := file.read(_BLOCK):
                reader.parse(block, False)
                yield from reader.taken()
            reader.parse(b"", True)
        yield from reader.taken()

    def _any(self) -> bool:
        """Whether a look at the bytes finds something: most sheets hold texts and plain numbers alone."""
        styles = b"|".join(str(i).encode() for i in self.formats)
        styled = [re.compile(b"s=%b(?:%b)%b" % (q, styles, q)).search for q in (b'"', b"'") if styles]
        rest = b""
        with self.book.open(str(self.part)) as file:
            while block := file.read(_BLOCK):
                block = rest + block
                if any(sign in block for sign in _SIGNS) or any(search(block) for search in styled):
                    return True
                rest = block[-40:]
        return False

    def text(self, style: int, value: str) -> str | None:
        """What the sheet shows for a number, together with what it keeps; None where that is all the same."""
        known = self.formats.get(style)
        if known is None:
            return None
        try:
            # A spreadsheet knows fifteen digits.
            number = Decimal(f"{float(value):.15g}")
        except (ValueError, OverflowError, InvalidOperation):
            return None
        if not number.is_finite():
            return None
        return _both(number, known, since_1904=self.since_1904)


def _both(number: Decimal, known: Format, *, since_1904: bool) -> str:
    shown = known.show(number)
    kept = number_formats.iso(number, since_1904=since_1904) if known.moment else None
    kept = kept or number_formats.plain(number)
    # A format that shows nothing, or a length of time beyond a day.
    if not shown or not shown.strip():
        return kept
    return workbook_cells.both(workbook_cells.one_line(shown), kept)


class _SheetReader:
    """Calls of the XML parser, cell by cell. Short: there are millions of cells."""

    def __init__(self, looks: Looks) -> None:
        self.looks, self.done, self.row = looks, list[Marks](), Marks(-1)
        # The last cell that says where it is, and how many without an address have followed.
        self.address, self.behind = "", -1
        self.kind, self.style, self.has_formula, self.wanted = "", "0", False, False
        self.text: dict[str, str] = {"v": "", "f": ""}
        self.reading = ""
        self.local = _Local()
        self.styles = frozenset(map(str, looks.formats))
        parser = self.parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = refuse

    def parse(self, block: bytes, last: bool) -> None:
        self.parser.Parse(block, last)

    def taken(self) -> list[Marks]:
        """The rows that are complete."""
        done, self.done = self.done, []
        return done

    def _start(self, name: str, has: dict[str, str]) -> None:
        name = self.local[name]
        if name == "c":
            if address := has.get("r"):
                self.address, self.behind = address, 0
            else:
                self.behind += 1
            kind = self.kind = has.get("t", "n")
            style = self.style = has.get("s", "0")
            # A formula may follow and make any number worth a look.
            self.wanted, self.has_formula = kind == "e" or (kind == "n" and style in self.styles), False
        elif name == "v" or name == "f":
            if name == "f" and self.kind == "n":
                self.wanted = self.has_formula = True
            if self.wanted:
                self.reading = name
                self.parser.CharacterDataHandler = self._read
        elif name == "row":
            number = has.get("r", "")
            self.row = Marks(int(number) - 1 if number.isdigit() else self.row.row + 1, hidden=_is_hidden(has, "ht"))
            self.address, self.behind = "", -1
        elif name == "col" and _is_hidden(has, "width"):
            first, last = int(has.get("min", 1)), int(has.get("max", 1))
            self.looks.hidden_columns |= set(range(first - 1, min(last, MAX_COLUMNS)))

    def _read(self, text: str) -> None:
        self.text[self.reading] += text

    def _end(self, name: str) -> None:
        name = self.local[name]
        if name == "c":
            if self.wanted:
                self._end_cell()
        elif name == self.reading:
            self.reading = ""
            self.parser.CharacterDataHandler = None
        elif name == "row":
            self.looks.hidden_rows += self.row.hidden
            if (self.row.cells or self.row.hidden) and self.row.row <= self.looks.most_rows:
                self.done.append(self.row)

    def _end_cell(self) -> None:
        value, formula = self.text["v"].strip(), self.text["f"].strip()
        self.text["v"] = self.text["f"] = ""
        text = None
        if self.kind == "e":
            text = value
        elif value:
            text = self.looks.text(int(self.style), value) if self.style in self.styles else None
        elif self.has_formula:
            text = workbook_cells.one_line(f"{workbook_cells.NO_VALUE}{formula[:200]}")
            self.looks.without_value += 1
        column = _column(self.address) + self.behind
        if text is not None and column < MAX_COLUMNS:
            self.row.cells[column] = text


class _Local(dict[str, str]):
    """Name of an element → the same without the prefix of its namespace."""

    def __missing__(self, name: str) -> str:
        local = name.rpartition(":")[2]
        if len(self) < MAX_COLUMNS:
            self[name] = local
        return local


def refuse(*_declared: Any) -> None:
    """No workbook declares a document type; what it could declare is not for us."""
    raise ValueError("a document type")


def _is_hidden(has: dict[str, str], size: str) -> bool:
    return has.get("hidden") in ("1", "true") or has.get(size) == "0"


def _column(address: str) -> int:
    """The index of the column in an address such as AB12; 0 where there is none."""
    match, index = _REFERENCE(address), 0
    for letter in match[1].upper() if match else "A":
        index = index * 26 + ord(letter) - 64
    return index - 1


# --- the other parts of a workbook --------------------------------------------------------------------------------------

Elements = list[tuple[str, dict[str, str]]]


def _elements(book: zipfile.ZipFile, name: str) -> Elements:
    """Start tags of a part as (local name, attributes by local name); none when there is no such part."""
    elements: Elements = []

    def start(tag: str, has: dict[str, str]) -> None:
        elements.append((tag.rpartition(":")[2], {key.rpartition(":")[2]: value for key, value in has.items()}))

    by_name = {part.filename.lower(): part.filename for part in book.infolist()}
    if name.lower() not in by_name:
        return []
    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    with book.open(by_name[name.lower()]) as file:
        while block := file.read(_BLOCK):
            parser.Parse(block, False)
    parser.Parse(b"", True)
    return elements


def _part(book: zipfile.ZipFile, sheet: str) -> tuple[str | None, bool]:
    """The name of the part that holds a sheet, and whether the workbook counts days from 1904."""
    inside = _elements(book, "xl/workbook.xml")
    targets = {has.get("Id"): has.get("Target", "") for _n, has in _elements(book, "xl/_rels/workbook.xml.rels")}
    since_1904 = any(n == "workbookPr" and has.get("date1904") in ("1", "true") for n, has in inside)
    names = {part.filename.lower(): part.filename for part in book.infolist()}
    for element, has in inside:
        # `id` is that of the relation, r:id; the other one is sheetId.
        if element == "sheet" and has.get("name") == sheet:
            path = posixpath.normpath(posixpath.join("/xl", targets.get(has.get("id"), ""))).lstrip("/")
            return names.get(path.lower()), since_1904
    return None, since_1904


def _formats(book: zipfile.ZipFile, *, since_1904: bool) -> dict[int, Format]:
    """Index of a style → its number format, for the styles that show numbers in a way of their own."""
    inside = _elements(book, "xl/styles.xml")
    codes = dict(number_formats.BUILT_IN)
    for name, has in inside:
        if name == "numFmt" and has.get("numFmtId", "").isdigit():
            codes[int(has["numFmtId"])] = has.get("formatCode", "")
    formats, known, style, within = {}, dict[int, Format | None](), 0, False
    for name, has in inside:
        if name in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
            within = name == "cellXfs"
        elif name == "xf" and within:
            number = has.get("numFmtId", "0")
            code = int(number) if number.isdigit() else _GENERAL
            if code not in known:
                known[code] = number_formats.compiled(codes.get(code, ""), since_1904=since_1904)
            if form := known[code]:
                formats[style] = form
            style += 1
    return formats
