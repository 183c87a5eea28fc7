"""How a file is written: encoding, separator, quote, header line. Guessed from its first bytes; a person may say better."""

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from imports.encodings import CHOICES, FileProblem, detect, named, refuse_other_types

__all__ = ["SEPARATORS", "Dialect", "FileProblem", "changed", "content_start", "sniff"]

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
# Records that are looked at for the separator; more add time, not certainty.
_LOOKED_AT = 60
_SEP_LINE = re.compile(r'"?sep=([^\r\n])"?\r?(?:\n|\Z)', re.IGNORECASE)
_YES = {"1", "yes", "true", "on"}


@dataclass(frozen=True)
class Dialect:
    """How to read a file. `confidence` has a figure from 0 to 1 for `encoding`, `separator`, `quote` and `header`.

    Of simple values only, so that it can be stored as JSON and made again by `Dialect(**stored)`. An empty `quote`
    means that quotes are plain characters.
    """

    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    header: bool = True
    confidence: dict[str, float] = field(default_factory=dict)

    def csv_options(self) -> dict[str, Any]:
        """Arguments for csv.reader. Strict: text after a closing quote is an error, never joined silently."""
        if not self.quote:
            return {"delimiter": self.separator, "quoting": csv.QUOTE_NONE, "quotechar": None, "strict": True}
        return {"delimiter": self.separator, "quotechar": self.quote, "strict": True}


def sniff(sample: bytes, *, size: int) -> Dialect:
    """Guess the dialect from the first bytes of a file of `size` bytes (256 KiB are plenty).

    Raises FileProblem: file_empty, file_type, nul_bytes, encoding_unreadable.
    """
    refuse_other_types(sample)
    encoding, sure = detect(sample, complete=len(sample) >= size)
    text = _decoded(sample, encoding)
    if not text.strip("\ufeff \t\r\n\x00") and len(sample) >= size:
        raise FileProblem("file_empty")
    line = _SEP_LINE.match(text)
    body = text[line.end() :] if line else text
    quote, quote_sure = _quote(body)
    separator, separator_sure = (line[1], 1.0) if line else _separator(body, quote)
    header, header_sure = _header(_records(body, separator, quote))
    confidence = {"encoding": sure, "separator": separator_sure, "quote": quote_sure, "header": header_sure}
    return Dialect(encoding, separator, quote, header, confidence)


def changed(dialect: Dialect, **changes: Any) -> Dialect:
    """The dialect with what a person has chosen; words as forms and command lines give them (`tab`, `no`) are understood.

    Raises FileProblem: encoding_unknown, separator_unclear.
    """
    new: dict[str, Any] = {}
    if changes.get("encoding"):
        new["encoding"] = named(str(changes["encoding"]))
    if changes.get("separator"):
        new["separator"] = _known_separator(str(changes["separator"]))
    if changes.get("quote") is not None:
        new["quote"] = "" if str(changes["quote"]).lower() == "none" else str(changes["quote"])[:1]
    if (header := changes.get("header")) not in (None, ""):
        new["header"] = header if isinstance(header, bool) else str(header).strip().lower() in _YES
    return replace(dialect, **new, confidence={**dialect.confidence, **dict.fromkeys(new, 1.0)})


def content_start(head: bytes | str) -> tuple[int, int]:
    """Length of what stands before the first record (a byte order mark, a `sep=;` line), and its number of lines.

    In bytes of UTF-8 or in characters, as `head` is.
    """
    text = head[:64].decode("utf-8", "ignore") if isinstance(head, bytes) else head[:64]
    mark = 1 if text.startswith("\ufeff") else 0
    line = _SEP_LINE.match(text, mark)
    before = text[: line.end() if line else mark]
    return len(before.encode() if isinstance(head, bytes) else before), before.count("\n")


# --- the parts of a guess --------------------------------------------------------------------------------------------


def _decoded(sample: bytes, encoding: str) -> str:
    """The sample as text with \\n line ends. A character cut in two at its end is left out. Raises FileProblem."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError as problem:  # a mark at the beginning has promised what the rest does not keep
        before = sample[: problem.start].decode(encoding, "ignore").replace("\r\n", "\n").replace("\r", "\n")
        raise FileProblem(
            "encoding_unreadable", encoding=CHOICES.get(encoding, encoding), lines=[before.count("\n") + 1]
        ) from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _quote(text: str) -> tuple[str, float]:
    if '"' in text or "'" not in text:
        return '"', 1.0 if '"' in text else 0.9
    lines = [line for line in text.split("\n")[:_LOOKED_AT] if line]
    single = sum(bool(re.match(r"'[^']*'(?:[,;\t|]|\Z)", line)) for line in lines)
    return ("'", 0.7) if single >= 0.8 * len(lines) else ('"', 0.9)


def _records(text: str, separator: str, quote: str, limit: int = _LOOKED_AT) -> list[list[str]]:
    """The first filled records, as far as they can be read. The last line of a sample may be cut and is left out."""
    end = text.rfind("\n")
    lines = io.StringIO(text[: end + 1] if end > 0 and text.count("\n") > 1 else text)
    options = {**Dialect(separator=separator, quote=quote).csv_options(), "strict": False}
    found: list[list[str]] = []
    try:
        for cells in csv.reader(lines, **options):
            if any(cell.strip() for cell in cells):
                found.append(cells)
            if len(found) >= limit:
                break
    except csv.Error:
        pass
    return found


def _separator(text: str, quote: str) -> tuple[str, float]:
    """The separator that cuts most records into as many cells as the first; the most cells decide between equals."""
    scores: list[tuple[float, int, str]] = []
    for separator in SEPARATORS:
        counts = [len(cells) for cells in _records(text, separator, quote)]
        if not counts or counts[0] < 2:
            continue
        width, _times = Counter(counts).most_common(1)[0]
        even = sum(count == counts[0] for count in counts) / len(counts)
        scores.append((even if width > 1 else even / 2, counts[0], separator))
    if not scores:
        return ",", 0.8
    scores.sort(reverse=True)
    best = scores[0]
    # Another separator that cuts as evenly: a guess it stays, and the page asks.
    rival = any(other[0] >= 0.9 * best[0] for other in scores[1:])
    return best[2], round(best[0] * (0.5 if rival else 1), 2)


_DATA = re.compile(
    r"""\s*(?: [^@\s]+@[^@\s]+\.[^@\s]+ | [+(]?\d[\d\s().,/+-]{2,} | \d{4}-\d\d-\d\d.*
    | [-+]?\d+(?:[.,]\d+)? | https?://.* )\s*\Z""",
    re.VERBOSE,
).match


def _header(records: list[list[str]]) -> tuple[bool, float]:
    """Whether the first record names the columns: names hold no addresses and no numbers, and data often does."""
    if not records:
        return True, 0.5
    first, rest = records[0], records[1:]
    if any(_DATA(cell) for cell in first):
        return False, 0.9
    if not any(cell.strip() for cell in first):
        return True, 0.5
    return True, 0.95 if any(_DATA(cell) for cells in rest for cell in cells) else 0.7


# --- what people choose ----------------------------------------------------------------------------------------------


def _known_separator(value: str) -> str:
    names = {name: sign for sign, name in SEPARATORS.items()} | {"\\t": "\t"}
    found = names.get(value.strip().lower(), value)
    if len(found) != 1 or found in '\r\n"':
        raise FileProblem("separator_unclear", value=value)
    return found
