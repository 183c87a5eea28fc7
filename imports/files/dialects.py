"""How a file is written: encoding, separator, quote, header line. Guessed from its first bytes; a person may say better."""

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from imports.files import layouts
from imports.files.encodings import (
    CHOICES,
    NUL_SHARE,
    FileProblem,
    Found,
    detect,
    is_wide,
    named,
    refuse_other_types,
    wide_order,
)
from imports.files.layouts import SEPARATORS, SINGLE, Known
from imports.workbooks import workbook_cells

__all__ = ["SEPARATORS", "Dialect", "FileProblem", "changed", "content_start", "sniff"]

# Lines that are looked at for the quote; more add time, not certainty.
_LOOKED_AT = 60
# The last line in which a table may begin.
MAX_HEADER_LINE = 1_000
_SEP_LINE = re.compile(r'"?sep=([^\r\n])"?\r?(?:\n|\Z)', re.IGNORECASE)
_YES = {"1", "yes", "true", "on"}


@dataclass(frozen=True)
class Dialect:
    """How to read a file. `confidence` has a figure from 0 to 1 for `encoding`, `separator`, `quote` and `header`.

    Of simple values only, so that it can be stored as JSON and made again by `Dialect(**stored)`. An empty `quote`
    means that quotes are plain characters. `header_line` is the line of the file in which the table begins, with its
    header or without one, and 0 the first filled one; lines above are titles, not rows. `chosen` names what a person has
    said. `unsure` are the encodings between which a person must decide before anything is imported.
    The text of a `workbook` has cells that mean two things (imports.workbooks.workbook_cells): in the columns `kept` they
    are read as the sheet keeps them, in the others as it shows them.
    """

    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    header: bool = True
    confidence: dict[str, float] = field(default_factory=dict)
    header_line: int = 0
    chosen: tuple[str, ...] = ()
    workbook: bool = False
    kept: tuple[int, ...] = ()
    unsure: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("chosen", "kept", "unsure"):  # JSON has lists only
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def csv_options(self) -> dict[str, Any]:
        """Arguments for csv.reader. Strict: text after a closing quote is an error, never joined silently."""
        return layouts.options(self.separator, self.quote)


def sniff(
    sample: bytes,
    *,
    size: int,
    changes: Mapping[str, Any] | None = None,
    known: Known,
    workbook: bool = False,
    country: str = "",
) -> Dialect:
    """Guess the dialect from the first bytes of a file of `size` bytes (256 KiB are plenty).

    `changes` are what a person has chosen (see `changed`); the rest is guessed with that in mind. `known` tells the names
    of columns, `country` is that of the workspace. Raises FileProblem: file_empty, file_type, nul_bytes,
    encoding_unreadable, and those of `changed`.
    """
    refuse_other_types(sample)
    wanted = changed(Dialect(), **(changes or {}))
    said = {name: getattr(wanted, name) for name in wanted.chosen}
    complete = len(sample) >= size
    if "encoding" in said:
        encoding, sure, unsure = Found(_fitting(sample, said["encoding"]), 1.0)
        said["encoding"] = encoding
    else:
        encoding, sure, unsure = detect(sample, complete=complete, country=country)
    text = _decoded(sample, encoding, chosen="encoding" in said)
    if not text.strip("\ufeff \t\r\n\x00") and complete:
        raise FileProblem("file_empty")
    line = _SEP_LINE.match(text)
    body = text[line.end() :] if line else text
    above = text[: line.end()].count("\n") if line else 0
    if said.get("header_line"):
        begin, above = _skipped(text, 0, 0, said["header_line"])
        body = text[begin:]
    quote, quote_sure = (said["quote"], 1.0) if "quote" in said else _quote(body)
    if "separator" in said:
        separator, separator_sure = said["separator"], 1.0
    else:
        separator, separator_sure = (line[1], 1.0) if line else layouts.separator(body, quote, known)
    records = layouts.records(body, separator, quote)
    if workbook:
        records = [
            replace(record, cells=[workbook_cells.chosen(cell, kept=True) for cell in record.cells])
            for record in records
        ]
    start = layouts.start(records, known)
    header_line = above + records[start.at].line if records else 0
    confidence = {"encoding": sure, "separator": separator_sure, "quote": quote_sure, "header": start.sure}
    guess = Dialect(encoding, separator, quote, start.header, confidence, header_line, workbook=workbook, unsure=unsure)
    return replace(guess, **said, chosen=wanted.chosen, confidence=confidence | dict.fromkeys(said, 1.0))


def _fitting(sample: bytes, encoding: str) -> str:
    """The chosen encoding, if the file can be in it at all. Raises FileProblem("encoding_unreadable").

    Nearly any bytes can be read as UTF-16, and text in UTF-16 as a code page: as signs that nobody has written.
    """
    nuls = sample.count(b"\x00") > NUL_SHARE * len(sample)
    if is_wide(encoding) != nuls and sample:
        raise FileProblem("encoding_unreadable", encoding=CHOICES[encoding], lines=[1])
    return wide_order(sample) if encoding == "utf-16" else encoding


def changed(dialect: Dialect, **changes: Any) -> Dialect:
    """The dialect with what a person has chosen; words as forms and command lines give them (`tab`, `no`) are understood.

    What is empty is not chosen. Raises FileProblem: encoding_unknown, separator_unclear, header_line.
    """
    new: dict[str, Any] = {}
    if changes.get("encoding"):
        new["encoding"] = named(str(changes["encoding"]))
    if changes.get("separator"):
        new["separator"] = _known_separator(str(changes["separator"]))
    if changes.get("quote") not in (None, ""):
        new["quote"] = "" if str(changes["quote"]).lower() == "none" else str(changes["quote"])[:1]
    if (header := changes.get("header")) not in (None, ""):
        new["header"] = header if isinstance(header, bool) else str(header).strip().lower() in _YES
    if changes.get("header_line") not in (None, ""):
        new["header_line"] = _line(changes["header_line"])
    both = replace(dialect, **new)
    if both.quote and both.quote == both.separator:
        raise FileProblem("separator_unclear", value=both.separator)
    chosen = tuple(dict.fromkeys((*dialect.chosen, *new)))
    return replace(both, chosen=chosen, confidence={**dialect.confidence, **dict.fromkeys(new, 1.0)})


def content_start(head: bytes | str, header_line: int = 0) -> tuple[int, int]:
    """Length of what is before the first record (a byte order mark, a `sep=;` line, titles), and its number of lines.

    In bytes of UTF-8 or in characters, as `head` is. Line ends are LF.
    """
    text = head[:64].decode("utf-8", "ignore") if isinstance(head, bytes) else head[:64]
    mark = 1 if text.startswith("\ufeff") else 0
    line = _SEP_LINE.match(text, mark)
    before = text[: line.end() if line else mark]
    length = len(before.encode() if isinstance(head, bytes) else before)
    return _skipped(head, length, before.count("\n"), header_line)


def _skipped(head: bytes | str, start: int, lines: int, header_line: int) -> tuple[int, int]:
    """The place where line `header_line` begins, and the number of lines before it; the end where there is no such line."""
    end: Any = b"\n" if isinstance(head, bytes) else "\n"
    while lines < header_line - 1 and start < len(head):
        start = head.find(end, start) + 1 or len(head)
        lines += 1
    return start, lines


# --- the parts of a guess --------------------------------------------------------------------------------------------


def _decoded(sample: bytes, encoding: str, *, chosen: bool) -> str:
    """The sample as text with \\n line ends. A character cut in two at its end is left out. Raises FileProblem.

    In an encoding that a person has chosen, what cannot be read is left to the reader, which names all such lines.
    """
    try:
        text = codecs.getincrementaldecoder(encoding)("replace" if chosen else "strict").decode(sample)
    except UnicodeError as problem:  # a mark at the beginning has promised what the rest does not keep
        stop = problem.start if isinstance(problem, UnicodeDecodeError) else 0
        before = sample[:stop].decode(encoding, "ignore").replace("\r\n", "\n").replace("\r", "\n")
        raise FileProblem(
            "encoding_unreadable", encoding=CHOICES.get(encoding, encoding), lines=[before.count("\n") + 1]
        ) from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _quote(text: str) -> tuple[str, float]:
    if '"' in text or "'" not in text:
        return '"', 1.0 if '"' in text else 0.9
    lines = [line for line in text.split("\n")[:_LOOKED_AT] if line]
    single = sum(bool(re.match(r"\s*'[^']*'\s*(?:[,;\t|]|\Z)", line)) for line in lines)
    return ("'", 0.7) if single >= 0.8 * len(lines) else ('"', 0.9)


# --- what people choose ----------------------------------------------------------------------------------------------


def _known_separator(value: str) -> str:
    names = {name: sign for sign, name in SEPARATORS.items()} | {"\\t": "\t", "none": SINGLE, "space": " "}
    separator = names.get(value.strip().lower(), value)
    if len(separator) != 1 or separator in '\r\n"\x00\ufeff' or "\ud800" <= separator <= "\udfff":
        raise FileProblem("separator_unclear", value=value[:40])
    return separator


def _line(value: Any) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MAX_HEADER_LINE):
        raise FileProblem("header_line", value=text[:40], limit=MAX_HEADER_LINE)
    return int(text)
