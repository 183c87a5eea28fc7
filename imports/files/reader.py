"""Bytes of a file in, records with their line numbers out: strict, streaming, with bounded memory. Pure.

A line number is the one that an editor shows for the first line of a record. Only LF and CRLF end lines in what is read
here; a file with other line ends, or in another encoding than UTF-8, is first copied (`to_utf8`) line by line, so that the
numbers stay. The parts: `dialects` guesses, `encodings` decodes, `spans` cuts, `rows` reads records.
"""

import codecs
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from contacts.values.formula_guard import strip_guard
from imports.files.csv_records import MAX_RECORD, Record, Row, read, records, split_lines
from imports.files.dialects import MAX_HEADER_LINE, SEPARATORS, Dialect, FileProblem, changed, content_start, sniff
from imports.files.encodings import copy_as_utf8, has_lone_returns, is_utf8, unreadable
from imports.files.splitter import UNIT_BYTES, Span, plan_units

__all__ = [
    "MAX_RECORD", "SEPARATORS", "UNIT_BYTES", "ColumnFacts", "Dialect", "FileProblem", "Preview", "Record", "Span",
    "changed", "column_facts", "header", "letter", "needs_utf8_copy", "plan_units", "preview", "records", "sniff", "to_utf8",
]  # fmt: skip

MAX_NAME = 128
# What the first rows are looked for in: a few times the longest record that is allowed.
_HEAD = 4 << 20
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00ad"
_AROUND = _INVISIBLE + " \t\r\n\x0b\x0c\xa0"


@dataclass(frozen=True)
class Preview:
    """The names of the columns and the first rows, with the numbers of their lines; that of the header, 0 without one."""

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    header_line: int = 0


@dataclass(frozen=True)
class ColumnFacts:
    """What a column holds: its first different values, and which share of its cells is filled (0 to 1)."""

    values: list[str]
    filled: float


# --- a copy in UTF-8 ------------------------------------------------------------------------------------------------------


def needs_utf8_copy(path: Path, dialect: Dialect) -> bool:
    """Whether `plan_units` cannot read the file as it is: another encoding, or lines that end with a CR alone.

    A byte order mark and a `sep=;` line need no copy; they are stepped over.
    """
    return not is_utf8(dialect.encoding) or has_lone_returns(path)


def to_utf8(source: Path, target: Path, dialect: Dialect) -> None:
    """Write a UTF-8 copy with LF or CRLF line ends. Every line keeps its number.

    Raises FileProblem("encoding_unreadable") naming up to ten lines, and leaves no copy then.
    """
    try:
        copy_as_utf8(source, target, encoding=dialect.encoding)
    except FileProblem:
        target.unlink(missing_ok=True)
        raise


# --- the first rows -------------------------------------------------------------------------------------------------------


def preview(path: Path, dialect: Dialect, *, rows: int = 20) -> Preview:
    """Names of the columns and first rows, read by the dialect from the file as it is.

    Raises FileProblem: file_empty, no_rows, encoding_unreadable, unclosed_quote, header_quotes, header_duplicate,
    header_too_long, record_too_long, header_line (the file has no such line).
    """
    records, complete = _first(path, dialect, rows + 1)
    if not records:
        if dialect.header_line > 1:
            raise FileProblem("header_line", value=dialect.header_line, limit=MAX_HEADER_LINE)
        raise FileProblem("file_empty")
    at = records[0][0] if dialect.header else 0
    names = header([""] * len(records[0][1]))
    if dialect.header:
        if records[0][2]:
            code = "record_too_long" if records[0][2] == "record_too_long" else "header_quotes"
            raise FileProblem(code, line=records[0][0], limit=MAX_RECORD)
        names = header(records.pop(0)[1])
    if not records and complete:
        raise FileProblem("no_rows")
    return Preview(
        names, [cells for _line, cells, _problem in records[:rows]], [line for line, *_ in records[:rows]], at
    )


def column_facts(path: Path, dialect: Dialect, *, max_rows: int = 2000) -> list[ColumnFacts]:
    """For each column three values and how full it is, over the first `max_rows` rows."""
    records, _complete = _first(path, dialect, max_rows + 1)
    if not records:
        return []
    width = len(records[0][1])
    rows = [cells for _line, cells, problem in records[1 if dialect.header else 0 :] if not problem][:max_rows]
    return [_facts([cells[i].strip() if i < len(cells) else "" for cells in rows]) for i in range(width)]


def _facts(values: Sequence[str]) -> ColumnFacts:
    filled = [value for value in values if value]
    return ColumnFacts(list(islice(dict.fromkeys(filled), 3)), len(filled) / len(values) if values else 0.0)


def _first(path: Path, dialect: Dialect, limit: int) -> tuple[list[Row], bool]:
    """The first filled rows, and whether they are all that the file has."""
    text, complete = _head(path, dialect)
    start, before = content_start(text, dialect.header_line)
    records: list[Row] = []
    for row in _whole(split_lines(text[start:], dialect), dialect, before + 1, complete):
        if any(cell.strip() for cell in row[1]):
            records.append(row)
        if len(records) >= limit:
            return records, False
    return records, complete


def _whole(lines: list[str], dialect: Dialect, first_line: int, complete: bool) -> Iterator[Row]:
    """Rows up to the one that the end of the head cuts. Raises FileProblem("unclosed_quote") when nothing is cut."""
    for row in read(lines, dialect, first_line=first_line):
        if row[2] == "unclosed_quote":
            if complete:
                raise FileProblem("unclosed_quote", line=row[0])
            return
        yield row


def _head(path: Path, dialect: Dialect) -> tuple[str, bool]:
    """The beginning of the file as text with LF line ends, cut behind a line, and whether it is the whole file."""
    with path.open("rb") as file:
        data = file.read(_HEAD)
        complete = not file.read(1)
    try:
        text = codecs.getincrementaldecoder(dialect.encoding)().decode(data, complete)
    except UnicodeError:
        raise unreadable(path, encoding=dialect.encoding) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return (text, True) if complete else (text[: text.rfind("\n") + 1], False)


# --- names of columns -----------------------------------------------------------------------------------------------------


def header(cells: Sequence[str]) -> list[str]:
    """The names of columns: trimmed, on one line, without invisible characters, "Column C" for a blank one.

    Raises FileProblem: header_duplicate (names that differ in capitals only are the same name), header_too_long.
    """
    names = [_name(cell) or f"Column {letter(i)}" for i, cell in enumerate(cells)]
    for name in names:
        if len(name) > MAX_NAME:
            raise FileProblem("header_too_long", name=name[:40], limit=MAX_NAME, found=len(name))
    counts = Counter(_same(name) for name in names)
    repeated = list(dict.fromkeys(name for name in names if counts[_same(name)] > 1))
    if repeated:
        raise FileProblem("header_duplicate", names=", ".join(repeated[:5]))
    return names


def _name(cell: str) -> str:
    """A name as people mean it: on one line, and without the apostrophe of our own downloads before a formula sign."""
    return strip_guard(" ".join(filter(None, (part.strip(_AROUND) for part in cell.splitlines()))))


def _same(name: str) -> str:
    return " ".join(name.translate(dict.fromkeys(map(ord, _INVISIBLE))).casefold().split())


def letter(index: int) -> str:
    """The letter of a column in a spreadsheet: 0 → A, 27 → AB."""
    out = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        out = chr(65 + rest) + out
    return out
