"""Bytes of a file in, records with their line numbers out: strict, streaming, with bounded memory. Pure.

A line number is the one that an editor shows for the first line of a record. Only LF and CRLF end lines here; a file with
other line ends, or in another encoding than UTF-8, is first copied (`to_utf8`), line by line, so that the numbers stay.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO

from imports import encodings

UNIT_BYTES = 2 << 20
MAX_RECORD = 1 << 20
MAX_NAME = 128
SEPARATORS = ",;\t|"
_SEP_LINE = re.compile(r"\s*\"?sep=(.)\"?\s*\Z", re.IGNORECASE)
_INVISIBLE = "\ufeff\u200b\u2060"
csv.field_size_limit(MAX_RECORD)


class FileProblem(Exception):
    """A file that cannot be read as it is. `code` is one of imports.problems; `facts` fill its sentence."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


@dataclass(frozen=True)
class Dialect:
    """How a file is to be read. `skip` lines come before the header (a `sep=;` line)."""

    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    header: bool = True
    skip: int = 0

    def csv(self) -> dict[str, Any]:
        """Arguments for csv.reader. Strict: text after a closing quote is an error, never joined in silence."""
        if not self.quote:
            return {"delimiter": self.separator, "quoting": csv.QUOTE_NONE, "strict": True}
        return {"delimiter": self.separator, "quotechar": self.quote, "strict": True}


class Span(NamedTuple):
    """Bytes [start, end) of the UTF-8 file: whole records, the first of which begins at `first_line`."""

    start: int
    end: int
    first_line: int


class Record(NamedTuple):
    """A record; `cells` is None when its quotes cannot be read."""

    line: int
    cells: list[str] | None


@dataclass(frozen=True)
class Preview:
    """The names of the columns and the first rows, with their line numbers."""

    header: list[str]
    rows: list[list[str]]
    lines: list[int]


# --- the first look ---------------------------------------------------------------------------------------------------

_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "ZIP or Excel"),
    (b"\x1f\x8b", "gzip"),
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG picture"),
    (b"\xff\xd8\xff", "JPEG picture"),
    (b"GIF8", "GIF picture"),
    (b"MZ", "Windows program"),
    (b"\x7fELF", "program"),
    (b"SQLite format 3", "SQLite database"),
    (b"\xd0\xcf\x11\xe0", "old Excel"),
)


def sniff(sample: bytes, *, size: int) -> Dialect:
    """Guess the dialect from the beginning of a file of `size` bytes. Raises FileProblem for what is not a table."""
    if not sample.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise FileProblem("file_empty")
    for magic, kind in _FOREIGN:
        if sample.startswith(magic):
            raise FileProblem("file_type", kind=kind)
    if re.match(rb"\s*<(!doctype|html|\?xml)", sample, re.IGNORECASE):
        raise FileProblem("file_type", kind="HTML or XML")
    encoding = encodings.guess(sample)
    if not encoding.startswith("utf-") and sample.count(0) * 100 > len(sample):
        raise FileProblem("nul_bytes")
    text = sample.decode(encoding, "ignore") if len(sample) == size else sample.decode(encoding, "ignore")
    return _shape(Dialect(encoding=encoding), text)


def changed(dialect: Dialect, **changes: Any) -> Dialect:
    """The dialect with a person's changes: encoding, separator, quote, header (yes/no). Raises FileProblem."""
    known = {name: value for name, value in changes.items() if value not in (None, "")}
    if "encoding" in known:
        known["encoding"] = _encoding(str(known["encoding"]))
    if "separator" in known:
        known["separator"] = {"tab": "\t", "\\t": "\t"}.get(known["separator"], known["separator"])
        if len(known["separator"]) != 1 or known["separator"] in '"\r\n':
            raise FileProblem("separator_unclear", value=known["separator"])
    if "header" in known:
        known["header"] = known["header"] in (True, "yes", "true", "1", "on")
    if known.get("quote") == "none":
        known["quote"] = ""
    return replace(dialect, **known)


def _encoding(name: str) -> str:
    plain = name.lower().replace("_", "-").replace("windows-", "cp").replace("iso-8859", "iso8859")
    plain = {"latin1": "iso8859-1", "latin-1": "iso8859-1", "utf8": "utf-8", "utf16": "utf-16"}.get(plain, plain)
    if plain not in encodings.CHOICES:
        raise FileProblem("encoding_unknown", value=name)
    return plain


def _shape(dialect: Dialect, text: str) -> Dialect:
    lines = text.lstrip("\ufeff").splitlines()
    named = _SEP_LINE.match(lines[0]) if lines else None
    if named:
        dialect, lines = replace(dialect, separator=named[1], skip=1), lines[1:]
    else:
        dialect = replace(dialect, separator=_separator(lines))
    first = list(islice(_lenient(lines, dialect), 6))
    return replace(dialect, header=_has_header(first))


def _separator(lines: Sequence[str]) -> str:
    """The separator under which the first records have the same number of cells, and the most of them."""
    best, best_score = ",", (0.0, 0)
    for separator in SEPARATORS:
        widths = Counter(len(r) for r in islice(_lenient(lines, Dialect(separator=separator)), 50))
        if not widths:
            continue
        width, n = widths.most_common(1)[0]
        score = (n / sum(widths.values()), width) if width > 1 else (0.0, 0)
        if score > best_score and score[1] > 1:
            best, best_score = separator, score
    return best


def _lenient(lines: Sequence[str], dialect: Dialect) -> Iterator[list[str]]:
    arguments = dialect.csv() | {"strict": False}
    try:
        yield from (r for r in csv.reader(lines, **arguments) if any(r))
    except csv.Error:
        return


_DATA = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z|\+?[0-9][0-9 ().\-/]{4,}\Z|[0-9]{4}-[0-9]{2}-[0-9]{2}").match


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """A first row with an e-mail address, a phone or a date in it is data."""
    return not (rows and any(_DATA(cell.strip()) for cell in rows[0]))


# --- a copy in UTF-8 --------------------------------------------------------------------------------------------------


def needs_utf8_copy(path: Path, dialect: Dialect) -> bool:
    """Whether the file is in another encoding, or has line ends that are a CR alone."""
    if dialect.encoding not in ("utf-8", "utf-8-sig"):
        return True
    with path.open("rb") as file:
        tail = b""
        while block := file.read(UNIT_BYTES):
            if b"\r" in block or tail:
                joined = tail + block
                tail = b"\r" if joined.endswith(b"\r") else b""
                whole = joined[:-1] if tail else joined
                if whole.count(b"\r") != whole.count(b"\r\n"):
                    return True
    return bool(tail)


def to_utf8(source: Path, target: Path, dialect: Dialect) -> None:
    """Copy to UTF-8 with LF line ends; line numbers stay. Raises FileProblem with the lines that cannot be read."""
    try:
        with (
            source.open(encoding=dialect.encoding, newline=None) as read,
            target.open("w", encoding="utf-8", newline="\n") as write,
        ):
            while block := read.read(UNIT_BYTES):
                write.write(block)
    except (UnicodeError, LookupError):
        target.unlink(missing_ok=True)
        raise unreadable(source, dialect.encoding) from None


def unreadable(path: Path, encoding: str) -> FileProblem:
    """The problem of a file that is not in its encoding, with the first ten lines that show it."""
    bad: list[int] = []
    if not encoding.startswith(("utf-16", "utf-32")):
        with path.open("rb") as file:
            for no, line in enumerate(file, 1):
                try:
                    line.decode(encoding)
                except UnicodeError:
                    bad.append(no)
                    if len(bad) == 10:
                        break
    return FileProblem("encoding_unreadable", encoding=encodings.CHOICES.get(encoding, encoding), lines=bad)


# --- cutting into spans -----------------------------------------------------------------------------------------------


def plan_units(path: Path, dialect: Dialect, *, unit_bytes: int = UNIT_BYTES) -> list[Span]:
    """Cut a UTF-8 file at record ends into spans of about `unit_bytes`, without its header.

    Reads the file once, a span at a time. Raises FileProblem: unclosed_quote, record_too_long, no_rows.
    """
    spans = []
    with path.open("rb") as file:
        line = _skip_header(file, dialect)
        start = file.tell()
        while block := file.read(unit_bytes):
            block += _rest_of_line(file, line)
            block += _rest_of_record(file, block, dialect, line)
            spans.append(Span(start, start + len(block), line))
            start += len(block)
            line += block.count(b"\n")
    if not spans:
        raise FileProblem("no_rows")
    return spans


def _skip_header(file: BinaryIO, dialect: Dialect) -> int:
    """Move past the mark, the lines to skip and the header; returns the number of the next line."""
    if file.read(3) != b"\xef\xbb\xbf":
        file.seek(0)
    for _ in range(dialect.skip):
        file.readline()
    if not dialect.header:
        return dialect.skip + 1
    lines = iter(lambda: file.readline(MAX_RECORD).decode("utf-8", "replace"), "")
    reader = csv.reader(lines, **dialect.csv())
    try:
        for cells in reader:
            if any(cells):
                break
    except csv.Error:
        raise FileProblem("header_quotes") from None
    return dialect.skip + reader.line_num + 1


def _rest_of_line(file: BinaryIO, line: int) -> bytes:
    rest = file.readline(MAX_RECORD)
    if len(rest) == MAX_RECORD and not rest.endswith(b"\n"):
        raise FileProblem("record_too_long", line=line, limit=MAX_RECORD)
    return rest


def _rest_of_record(file: BinaryIO, block: bytes, dialect: Dialect, line: int) -> bytes:
    """What is missing of the block's last record, when a quoted line break runs over its end."""
    opened = _open_record(block, dialect)
    if opened is None:
        return b""
    quote, at, extra = dialect.quote.encode(), line + opened[0], b""
    while len(extra) <= MAX_RECORD and (more := file.readline(MAX_RECORD)):
        extra += more
        if more.count(quote) & 1 and _open_record(opened[1] + extra, dialect) is None:
            return extra
    raise FileProblem("unclosed_quote", line=at)


def _open_record(block: bytes, dialect: Dialect) -> tuple[int, bytes] | None:
    """(index of its first line, its bytes) of a record that the end of the block leaves open, or None.

    Only lines with an odd number of quotes can begin or end a record of several lines; the CSV reader itself says which
    they do. A quote sign inside an unquoted cell is such a line and no more.
    """
    quote = dialect.quote.encode()
    if not quote or quote not in block:
        return None
    lines = block.splitlines(keepends=True)
    after = 0
    for i, line in enumerate(lines):
        if i < after or not line.count(quote) & 1:
            continue
        taken = _lines_of_record(lines, i, dialect)
        if taken is None:
            return i, b"".join(lines[i:])
        after = i + taken
    return None


def _lines_of_record(lines: Sequence[bytes], i: int, dialect: Dialect) -> int | None:
    """How many lines the record at line i takes; None when the lines end before it does."""
    reader = csv.reader((line.decode("utf-8", "replace") for line in lines[i:]), **dialect.csv())
    try:
        next(reader)
    except csv.Error as problem:
        return None if "unexpected end" in str(problem) else max(reader.line_num, 1)
    return reader.line_num


# --- records ----------------------------------------------------------------------------------------------------------


def records(text: str, *, first_line: int, dialect: Dialect) -> Iterator[Record]:
    """Records of a span's text with their line numbers; blank lines are left out."""
    reader = csv.reader(io.StringIO(text, newline="\n"), **dialect.csv())
    before = 0
    while True:
        try:
            for cells in reader:
                if cells:
                    yield Record(first_line + before, cells)
                before = reader.line_num
            return
        except csv.Error:
            # The reader goes on with the next line by itself.
            yield Record(first_line + before, None)
            before = reader.line_num


def preview(path: Path, dialect: Dialect, *, rows: int = 20) -> Preview:
    """Header and first rows, read by the dialect from the file as it is. Raises FileProblem."""
    try:
        with path.open(encoding=dialect.encoding, newline="") as file:
            return _preview(file, dialect, rows)
    except (UnicodeError, LookupError):
        raise unreadable(path, dialect.encoding) from None


def _preview(file: TextIO, dialect: Dialect, rows: int) -> Preview:
    for _ in range(dialect.skip):
        file.readline(MAX_RECORD)
    reader = csv.reader(iter(lambda: file.readline(MAX_RECORD), ""), **(dialect.csv() | {"strict": False}))
    found, lines, before = [], [], dialect.skip
    try:
        for cells in reader:
            if any(cells):
                found.append(cells)
                lines.append(before + 1)
            before = dialect.skip + reader.line_num
            if len(found) > rows:
                break
    except csv.Error:
        raise FileProblem("unclosed_quote", line=before + 1) from None
    if not found:
        raise FileProblem("file_empty")
    if not dialect.header:
        return Preview(_names([""] * len(found[0])), found[:rows], lines[:rows])
    return Preview(_names(found[0]), found[1:], lines[1:])


def _names(cells: Sequence[str]) -> list[str]:
    """The names of columns: trimmed, "Column C" where there is none. Raises FileProblem for doubles and long names."""
    names = [cell.strip().strip(_INVISIBLE).strip() or f"Column {letter(i)}" for i, cell in enumerate(cells)]
    for name in names:
        if len(name) > MAX_NAME:
            raise FileProblem("header_too_long", name=name[:40], limit=MAX_NAME, found=len(name))
    doubles = [name for name, n in Counter(name.casefold() for name in names).items() if n > 1]
    if doubles:
        raise FileProblem("header_duplicate", names=", ".join(doubles[:5]))
    return names


def letter(index: int) -> str:
    """The letter of a column in a spreadsheet: 0 → A, 27 → AB."""
    out = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        out = chr(65 + rest) + out
    return out
