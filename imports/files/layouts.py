"""How the cells of a table are parted, and where in a file it begins: below title lines, with a header or without. Pure.

Names of columns that we know decide; where there are none, the cells of a line are compared with those below it.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

# Means "nothing separates the cells": no text holds this sign.
SINGLE = "\x1c"
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
# Tried only when none of the usual ones cuts a file.
_RARE = ("^", "~", "¦", "\x01", "\x1f")
# Records that are looked at; more add time, not certainty. And how many lines may be above a table.
_LOOKED_AT, _TITLES = 80, 20
_SEVERAL = 2

Known = Callable[[str], bool]


@dataclass(frozen=True)
class Record:
    """The cells of a filled record and the number of its first line in the text, from 1."""

    line: int
    cells: list[str]

    @property
    def filled(self) -> list[str]:
        """Cells that hold something, trimmed."""
        return [text for cell in self.cells if (text := cell.strip())]


@dataclass(frozen=True)
class Start:
    """Where the table begins: the index of the record with its header, or of its first row, and how sure that is."""

    at: int
    header: bool
    sure: float


# --- blanks around quotes ---------------------------------------------------------------------------------------------


def tight(text: str, separator: str, quote: str) -> str:
    """The text without blanks between a separator and a quote: `"a", "b"` is read as `"a","b"`. Lines keep their numbers.

    Costs one search when there are none. Blanks inside of a quoted cell stay.
    """
    if not quote or quote not in text or not _blank_beside(separator, quote)(text):
        return text
    return _loose(separator, quote).sub(r"\1\2", text)


@lru_cache(maxsize=32)
def _blank_beside(separator: str, quote: str) -> Callable[[str], object]:
    """Finds a quote with a blank between it and an edge of a cell. One pass from quote to quote: most texts have few."""
    s, q = re.escape(separator), re.escape(quote)
    signs = "".join(b for b in " \t\xa0" if b != separator)
    blank, edge = f"[{signs}]", rf"[{s}\r\n{signs}]"
    return re.compile(rf"{q}(?:(?={blank}(?:{edge}|\Z))|(?<={edge}{blank}{q})|(?<=\A{blank}{q}))").search


@lru_cache(maxsize=32)
def _loose(separator: str, quote: str) -> re.Pattern[str]:
    """Matches a quoted cell with blanks around it, or one that the end of the text cuts. Possessive: linear in any text."""
    s, q = re.escape(separator), re.escape(quote)
    blank = "[" + "".join(b for b in " \t\xa0" if b != separator) + "]"
    closed = rf"{q}(?={blank}*+(?:{s}|\r|\n|\Z))"
    return re.compile(rf"(\A|{s}|\n){blank}*+({q}(?:[^{q}]++|{q}{q})*+(?:{closed}|\Z)){blank}*+")


# --- records ----------------------------------------------------------------------------------------------------------


def records(text: str, separator: str, quote: str, limit: int = _LOOKED_AT) -> list[Record]:
    """The first filled records, as far as they can be read. The last line of a sample may be cut and is left out."""
    end = text.rfind("\n")
    text = text[: end + 1] if end > 0 and text.count("\n") > 1 else text
    parsed: list[Record] = []
    reader = csv.reader(io.StringIO(tight(text, separator, quote)), **options(separator, quote, strict=False))
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                parsed.append(Record(line, cells))
            line = reader.line_num + 1
            if len(parsed) >= limit:
                break
    except csv.Error:
        pass
    return parsed


def options(separator: str, quote: str, *, strict: bool = True) -> dict[str, Any]:
    """Arguments for csv.reader. An empty `quote` means that quotes are plain characters."""
    if not quote:
        return {"delimiter": separator, "quoting": csv.QUOTE_NONE, "quotechar": None, "strict": strict}
    return {"delimiter": separator, "quotechar": quote, "strict": strict}


# --- the separator ----------------------------------------------------------------------------------------------------


def separator(text: str, quote: str, known: Known) -> tuple[str, float]:
    """What parts the cells and how sure that is. SINGLE: the file has one column, and its cells hold other separators."""
    lone = _lone_name(text, quote, known)
    if lone and not _rows_are_wider(text, quote):
        return (SINGLE if _any_inside(text) else ","), 0.9
    if best := _best(text, quote, tuple(SEPARATORS), known):
        sign, sure = best
        return (SINGLE, 0.6) if _is_prose(records(text, sign, quote), sign, text, known) else (sign, sure)
    if lone:
        return ",", 0.8
    if best := _best(text, quote, _RARE, known):
        return best
    return (SINGLE, 0.7) if _any_inside(text) else (",", 0.8)


def _any_inside(text: str) -> bool:
    return any(sign in text for sign in SEPARATORS)


def _lone_name(text: str, quote: str, known: Known) -> bool:
    """Whether the first line is the name of one column, whichever separator is tried."""
    first = records(text, SINGLE, quote, limit=1)
    if not first or len(first[0].cells) != 1:
        return False
    cell = first[0].cells[0].strip()
    return known(cell) and not any(sign in cell for sign in SEPARATORS)


def _rows_are_wider(text: str, quote: str) -> bool:
    """Whether the rows below a single name are cut like a table that lacks a name, or like one with a title above."""
    for sign in SEPARATORS:
        rows = records(text, sign, quote)[1:]
        cut = [row for row in rows if len(row.cells) > 1]
        if not rows or len(cut) < len(rows):
            continue
        width = {len([*row.cells]) for row in rows}
        has_address = any(_PERSON(cell) for row in cut for cell in row.cells)
        others = any(cell.strip() and not _PERSON(cell) for row in cut for cell in row.cells)
        if len(width) == 1 and has_address and others and not _spaced(cut, sign, text):
            return True
    return False


def _best(text: str, quote: str, signs: Sequence[str], known: Known) -> tuple[str, float] | None:
    """The separator that cuts most records as it cuts the header; known names, then most cells decide between equals."""
    scores: list[tuple[float, int, str, float]] = []
    for sign in signs:
        parsed = records(text, sign, quote)
        even, width = _evenness(parsed, known)
        if even > 0:
            named = 0.2 if any(_named(record, known) for record in parsed[: _TITLES + 1]) else 0.0
            scores.append((even + named, width, sign, even))
    if not scores:
        return None
    scores.sort(reverse=True)
    best = scores[0]
    # Another separator that cuts as evenly: a guess it stays.
    rival = any(other[0] >= 0.9 * best[0] for other in scores[1:])
    return best[2], round(best[3] * (0.5 if rival else 1), 2)


def _evenness(lines: list[Record], known: Known) -> tuple[float, int]:
    """(share of records that are as wide as the header, its width); the header may be below title lines."""
    counts = [len(record.cells) for record in lines]
    wide = [count for count in counts if count > 1]
    if not wide:
        return 0.0, 0
    usual = Counter(counts).most_common(1)[0][0]
    plain = sum(count == counts[0] for count in counts) / len(counts) if counts[0] > 1 else 0.0
    best = (plain if usual > 1 else plain / 2, counts[0])
    width = Counter(wide).most_common(1)[0][0]
    at = counts.index(width)
    if 0 < at <= _TITLES and _begins(lines, at, known):
        titled = 0.95 * sum(count == width for count in counts[at:]) / len(counts[at:])
        best = max(best, (titled, width))
    return best


def _begins(lines: list[Record], at: int, known: Known) -> bool:
    """Whether a table can begin at a record that has others above it: it names columns, or a blank line is before it."""
    return _named(lines[at], known) > 0 or lines[at].line > lines[at - 1].line + 1


def _is_prose(lines: list[Record], sign: str, text: str, known: Known) -> bool:
    """Whether the "separator" belongs to the cells of one column: "Stone, Anna" in every line, and nothing else."""
    if any(len(record.cells) > _SEVERAL for record in lines) or _named(lines[0], known):
        return False
    if any(_DATA(cell) for record in lines for cell in record.cells):
        return False
    return _spaced([record for record in lines if len(record.cells) > 1], sign, text)


def _spaced(cut: list[Record], sign: str, text: str) -> bool:
    """Whether a blank follows every separator, as in a sentence, and none of the cells is quoted."""
    if sign not in ",;|" or not cut or '"' in text:
        return False
    return all(cell.startswith(" ") for record in cut for cell in record.cells[1:])


# --- the header -------------------------------------------------------------------------------------------------------

_PERSON = re.compile(r"\s*(?: [^@\s]+@[^@\s]+\.[^@\s]+ | https?://.* )\s*\Z", re.VERBOSE).match
_NUMBER = re.compile(r"\s*[-+]?\d+(?:[.,]\d+)?\s*\Z").match
_DATA = re.compile(
    r"""\s*(?: [^@\s]+@[^@\s]+\.[^@\s]+ | [+(]?\d[\d\s().,/+-]{2,} | \d{4}-\d\d-\d\d.*
    | [-+]?\d+(?:[.,]\d+)? | https?://.* )\s*\Z""",
    re.VERBOSE,
).match
_YEARS = range(1900, 2101)


def start(lines: list[Record], known: Known) -> Start:
    """Where the table begins, and whether its first record names the columns."""
    if not lines:
        return Start(0, True, 0.5)
    at = _by_name(lines, known)
    if at is not None:
        return Start(at, True, 0.98)
    at = _below_titles(lines)
    first, rest = lines[at].cells, lines[at + 1 :]
    if any(_DATA(cell) and not _NUMBER(cell) for cell in first):
        return Start(at, False, 0.9)
    if any(_NUMBER(cell) for cell in first):
        return Start(at, True, 0.7) if _counts_up(first, rest) else Start(at, False, 0.9)
    return Start(at, True, 0.95 if any(_DATA(cell) for record in rest for cell in record.cells) else 0.7)


def _named(record: Record, known: Known) -> int:
    """How many cells are known names of columns; none in a record that holds somebody's address."""
    if any(_PERSON(cell) for cell in record.cells):
        return 0
    return sum(known(cell) for cell in record.filled)


def _by_name(lines: list[Record], known: Known) -> int | None:
    """The first record with the most known names, if it can be a header."""
    top = lines[: _TITLES + 1]
    names = [_named(record, known) for record in top]
    most = max(names)
    if most == 0:
        return None
    at = names.index(most)
    if at == 0 or (_SEVERAL * names[0] >= most > 1 and len(top[0].filled) >= len(top[at].filled)):
        return 0
    above = top[:at]
    width = len(top[at].filled)
    if any(_PERSON(cell) for record in above for cell in record.cells):
        return 0 if names[0] else None
    lines_only = all(len(record.filled) == 1 for record in above)
    if (most >= _SEVERAL or lines_only) and width >= max(len(record.filled) for record in above):
        return at
    return 0 if names[0] else None


def _below_titles(lines: list[Record]) -> int:
    """The first record behind title lines: single cells above a wider table, with a blank line or other kinds of cells."""
    at = next((i for i, record in enumerate(lines[: _TITLES + 1]) if len(record.filled) > 1), 0)
    if at == 0 or any(_DATA(record.filled[0]) for record in lines[:at]):
        return 0
    gap = lines[at].line > lines[at - 1].line + 1
    return at if gap or _names_above_data(lines[at], lines[at + 1 :]) else 0


def _names_above_data(first: Record, rest: list[Record]) -> bool:
    """Whether a record of words is above a column in which all is numbers, dates or addresses."""
    if any(_DATA(cell) for cell in first.cells):
        return False
    columns = ([r.cells[i] for r in rest if i < len(r.cells) and r.cells[i].strip()] for i in range(len(first.cells)))
    return any(column and all(map(_DATA, column)) for column in columns)


def _counts_up(first: list[str], rest: list[Record]) -> bool:
    """Whether the numbers of a first record are names: years or figures one after the other, which no row below has."""
    if not any(cell.strip() and not _NUMBER(cell) for cell in first) or not rest:
        return False
    at = [i for i, cell in enumerate(first) if _NUMBER(cell)]
    kind = _series([first[i] for i in at])
    return bool(kind) and not any(_series([r.cells[i] if i < len(r.cells) else "" for i in at]) == kind for r in rest)


def _series(cells: Sequence[str]) -> str:
    """ "years", or "figures" for at least two whole numbers of which each is one more (or less) than the one before."""
    numbers = [int(text) for cell in cells if (text := cell.strip()).isascii() and text.isdigit() and len(text) < 5]
    if len(numbers) < len(cells) or len(set(numbers)) < len(numbers):
        return ""
    if all(number in _YEARS for number in numbers):
        return "years"
    steps = {after - before for before, after in pairwise(numbers)}
    return "figures" if len(numbers) >= _SEVERAL and steps in ({1}, {-1}) else ""
