"""Records of a CSV text with the numbers of their lines. Pure.

Strict: text behind a closing quote is a problem of that record, never joined in silence. Reading then goes on with the line
behind the record's first one, so that a quote that opens by mistake cannot swallow the rows below it.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from imports.files.dialects import Dialect
from imports.files.layouts import tight
from imports.workbooks import workbook_cells

# The longest record, in bytes of the file and in characters of one cell.
MAX_RECORD = 1 << 20
csv.field_size_limit(MAX_RECORD)

# (number of the record's first line, its cells, None or the code of what is wrong with it)
Row = tuple[int, list[str], str | None]


class Record(NamedTuple):
    """A record. With a `problem` (bad_quotes, unclosed_quote, record_too_long) `cells` are its first line's, as far as
    they can be told apart."""

    line: int
    cells: list[str]
    problem: str | None = None


def split_lines(text: str, dialect: Dialect) -> list[str]:
    """Lines with their ends, without blanks around quotes. Only LF ends a line here; a vertical tab or U+2028 is a
    character like others. `text` begins with a record."""
    return list(io.StringIO(tight(text, dialect.separator, dialect.quote), newline="\n"))


def read(lines: Sequence[str], dialect: Dialect, *, first_line: int = 1) -> Iterator[Row]:
    """Records of lines as plain tuples: the fast way for the hot loop. Blank lines are left out."""
    records = _read(lines, dialect, first_line)
    return workbook_cells.rows(records, frozenset(dialect.kept)) if dialect.workbook else records


def _read(lines: Sequence[str], dialect: Dialect, first_line: int) -> Iterator[Row]:
    options, at = dialect.csv_options(), 0
    while at < len(lines):
        # Starting again in the middle costs nothing, however many lines there are.
        reader = csv.reader(map(lines.__getitem__, range(at, len(lines))) if at else iter(lines), **options)
        offset, before = first_line + at, 0
        try:
            for cells in reader:
                if cells:
                    yield offset + before, cells, None
                before = reader.line_num
            return
        except csv.Error as error:
            yield offset + before, lenient(lines[at + before], dialect), _code(str(error))
        at += before + 1


def _code(error: str) -> str:
    if error.startswith("unexpected end"):
        return "unclosed_quote"
    return "record_too_long" if error.startswith("field larger") else "bad_quotes"


def lenient(line: str, dialect: Dialect) -> list[str]:
    """Cells of one line that cannot be read strictly; only to show them."""
    options = {**dialect.csv_options(), "strict": False}
    try:
        cells = next(csv.reader([line.rstrip("\r\n")], **options), [])
    except csv.Error:
        return re.split(re.escape(dialect.separator), line.rstrip("\r\n"))
    return [cell.removesuffix("\n") for cell in cells]


def record_height(lines: Sequence[str], dialect: Dialect) -> int:
    """How many lines the record takes that begins with the first of them. It must be a whole one."""
    reader = csv.reader(iter(lines), **dialect.csv_options())
    next(reader)
    return reader.line_num


def records(text: str, *, first_line: int, dialect: Dialect) -> Iterator[Record]:
    """Records of a span's text. `first_line` is the number of its first line; blank lines are left out."""
    for line, cells, problem in read(split_lines(text, dialect), dialect, first_line=first_line):
        yield Record(line, cells, problem)
