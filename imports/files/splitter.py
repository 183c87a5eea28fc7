"""Cutting a file into spans of whole records, so that several workers can read it. Pure; memory is one span, not the file.

A record may run over several lines when a quoted cell holds line breaks. In a file whose quotes are all where the grammar
wants them, a line end belongs to no cell when the number of quotes before it is even: that can be told at the speed of
memory. A span with any other quote in it is read by the CSV reader itself, so that both always agree.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

from imports.files.csv_records import MAX_RECORD, read, record_height, split_lines
from imports.files.dialects import Dialect, content_start
from imports.files.encodings import NUL_SHARE, FileProblem, unreadable

UNIT_BYTES = 2 << 20


class Span(NamedTuple):
    """Bytes [start, end) of a UTF-8 file: whole records; the first line of them is `first_line`, counted from 1."""

    no: int
    start: int
    end: int
    first_line: int


def plan_units(
    path: Path, dialect: Dialect, *, unit_bytes: int = UNIT_BYTES, max_record: int = MAX_RECORD
) -> list[Span]:
    """Cut a UTF-8 file (`to_utf8` makes one) into spans of about `unit_bytes` bytes, without its header.

    Reads it once, checks all of it for UTF-8. Raises FileProblem: encoding_unreadable, nul_bytes, unclosed_quote,
    record_too_long (a record of more than `max_record` bytes), header_quotes, no_rows.
    """
    spans: list[Span] = []
    nuls = 0
    with path.open("rb") as file:
        begin, line = _after_header(file, dialect)
        start = begin
        for block, at in _blocks(file, dialect, start, line, unit_bytes, max_record):
            _check_text(block, path)
            nuls += block.count(b"\x00")
            if not block.isspace():
                spans.append(Span(len(spans), start, start + len(block), at))
            start += len(block)
    # Of all that was read: a place with many of them is a problem of its rows.
    if nuls > NUL_SHARE * (start - begin):
        raise FileProblem("nul_bytes", found=nuls)
    if not spans:
        raise FileProblem("no_rows")
    return spans


def _blocks(
    file: BinaryIO, dialect: Dialect, start: int, line: int, unit_bytes: int, max_record: int
) -> Iterator[tuple[bytes, int]]:
    """(bytes of whole records, number of their first line) until the end of the file."""
    file.seek(start)
    rest, ended = b"", False
    while rest or not ended:
        more = file.read(unit_bytes)
        ended = not more
        block = rest + more
        cut = len(block) if ended else block.rfind(b"\n") + 1
        cut = _record_end(block[:cut], dialect, complete=ended, line=line, max_record=max_record)
        rest = block[cut:]
        if len(rest) > max_record or (ended and rest):
            raise _too_long(rest, dialect, line + block.count(b"\n", 0, cut), max_record)
        if cut:
            yield block[:cut], line
            line += block.count(b"\n", 0, cut)


def _record_end(block: bytes, dialect: Dialect, *, complete: bool, line: int, max_record: int) -> int:
    """Length of the whole records at the beginning of a block of whole lines."""
    quote = dialect.quote.encode()
    at = 0
    while at < len(block):
        end = _last_end(block, at, min(len(block), at + max_record), quote)
        if end == at:
            break
        at = end
    tail = len(block) - at
    ends = tail == 0 or (tail <= max_record and not complete)
    if not quote or quote not in block:
        if not ends:
            raise FileProblem("record_too_long", line=line + block.count(b"\n", 0, at), limit=max_record)
        return at
    if ends and _quoting(dialect.separator, dialect.quote).fullmatch(block, 0, at):
        return at
    return _read_records(block, dialect, line, max_record)


def _last_end(block: bytes, start: int, stop: int, quote: bytes) -> int:
    """The last line end in (start, stop] that is in no quoted cell when `start` begins a record; else `start`."""
    end = stop if stop == len(block) else block.rfind(b"\n", start, stop) + 1
    odd = bool(quote) and block.count(quote, start, max(end, start)) & 1
    while odd and end > start:
        # Only going back over a quote can change the count.
        before = block.rfind(b"\n", start, block.rfind(quote, start, end)) + 1
        odd ^= block.count(quote, max(before, start), end) & 1
        end = before
    return max(end, start)


@lru_cache(maxsize=32)
def _quoting(separator: str, quote: str) -> re.Pattern[bytes]:
    """Matches bytes in which every quoted cell fills its cell and no other quote occurs. Linear: nothing is tried twice."""
    q = re.escape(quote.encode())
    edge = re.escape(separator.encode()) + rb"\r\n"
    # For separators beyond ASCII the last byte represents the character: one more look, never a wrong answer.
    before = re.escape(separator.encode()[-1:]) + rb"\n"
    return re.compile(rb"(?:[^%b]++|(?<![^%b])%b(?:[^%b]++|%b%b)*+%b(?=[%b]|\Z))*+" % (q, before, q, q, q, q, q, edge))


def _read_records(block: bytes, dialect: Dialect, line: int, max_record: int) -> int:
    """The same by the CSV reader, record by record, for blocks with quotes where they should not be."""
    lines = split_lines(block.decode("utf-8", "surrogateescape"), dialect)
    for index, _cells, problem in read(lines, dialect, first_line=0):
        if problem not in ("unclosed_quote", "record_too_long"):
            continue
        at = _offset(block, 0, index)
        if problem == "unclosed_quote":
            return at
        raise _too_long(block[at:], dialect, line + index, max_record)
    return len(block)


def _too_long(rest: bytes, dialect: Dialect, line: int, max_record: int) -> FileProblem:
    """The problem of a record that does not end: a quote is open, or it is one endless line."""
    opened = _open_quote(rest, dialect)
    if opened is None and len(rest) > max_record:
        return FileProblem("record_too_long", line=line, limit=max_record)
    return FileProblem("unclosed_quote", line=line + rest.count(b"\n", 0, opened or 0))


def _open_quote(record: bytes, dialect: Dialect) -> int | None:
    """Position of the quote that is not closed in an unfinished record."""
    quote = dialect.quote.encode()
    if not quote:
        return None
    q = re.escape(quote)
    closed = re.compile(rb"%b(?:[^%b]++|%b%b)*+%b" % (q, q, q, q, q))
    at = record.find(quote)
    while at >= 0:
        whole = closed.match(record, at)
        if whole is None:
            return at
        at = record.find(quote, whole.end())
    return None


def _check_text(block: bytes, path: Path) -> None:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        raise unreadable(path, encoding="utf-8") from None


def _after_header(file: BinaryIO, dialect: Dialect) -> tuple[int, int]:
    """(offset, line number) of the first byte behind the header."""
    head = file.read(MAX_RECORD)
    start, before = content_start(head, dialect.header_line)
    if not dialect.header:
        return start, before + 1
    lines = split_lines(head[start:].decode("utf-8", "replace"), dialect)
    for line, cells, problem in read(lines, dialect, first_line=0):
        if problem:
            code = problem if problem == "unclosed_quote" else "header_quotes"
            raise FileProblem(code, line=before + line + 1)
        if any(cell.strip() for cell in cells):
            height = record_height(lines[line:], dialect)
            return _offset(head, start, line + height), before + line + height + 1
    raise FileProblem("file_empty")


def _offset(head: bytes, start: int, lines: int) -> int:
    for _ in range(lines):
        start = head.find(b"\n", start) + 1 or len(head)
    return start
