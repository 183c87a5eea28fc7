"""The six outcomes of a row: their order, words and colours, the same in list, review, run, result and dashboard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.formatting import number, percent


@dataclass(frozen=True)
class Outcome:
    """One way in which a row of a file can end. `tone` names the fill class in the stylesheet."""

    key: str
    word: str
    plan: str
    tone: str


OUTCOMES = (
    Outcome("created", "Created", "To create", "ok"),
    Outcome("updated", "Updated", "To update", "edit"),
    Outcome("unchanged", "Unchanged", "Unchanged", "same"),
    Outcome("duplicates", "Duplicate", "Duplicate", "dup"),
    Outcome("skipped", "Skipped", "To skip", "skip"),
    Outcome("in_error", "In error", "In error", "bad"),
)


@dataclass(frozen=True)
class BarPiece:
    """A piece of a strip: from `x`, `width` wide, both in percent of the whole."""

    tone: str
    x: str
    width: str


@dataclass(frozen=True)
class Part:
    """A figure of the sum with its label and link."""

    tone: str
    word: str
    count: int
    note: str
    url: str


@dataclass(frozen=True)
class Sum:
    """Six parts and their total, which wears the double rule."""

    parts: list[Part]
    total: int
    word: str
    note: str


def count_of(counts: Any, key: str) -> int:
    """A count from a mapping or an object; what is missing or None counts as 0."""
    value = counts.get(key) if isinstance(counts, Mapping) else getattr(counts, key, None)
    return int(value or 0)


def done(counts: Any) -> int:
    """Rows whose outcome is known."""
    return sum(count_of(counts, outcome.key) for outcome in OUTCOMES)


def rows(counts: Any) -> int:
    """Rows of the file: what is said as `rows` or `total`, and never fewer than have an outcome."""
    return max(count_of(counts, "rows") or count_of(counts, "total"), done(counts))


def segments(counts: Any, *, least: float = 1.0) -> list[BarPiece]:
    """Pieces of a strip. A count above 0 is at least `least` percent wide; the wide ones give way for it."""
    counted = [(outcome.tone, count_of(counts, outcome.key)) for outcome in OUTCOMES]
    return pieces(counted, rows(counts), least=least)


def pieces(counted: Sequence[tuple[str, int]], whole: int, *, least: float = 1.0) -> list[BarPiece]:
    """Pieces of any bar from (tone, count); what is missing to `whole` is its empty track."""
    shares = [(tone, 100 * count / whole) for tone, count in counted if count > 0]
    wanting = sum(least - share for _, share in shares if share < least)
    spare = sum(share - least for _, share in shares if share > least)
    # With an empty rest the track pays for the smallest pieces; a full strip takes from its large ones.
    rest = 100 - sum(share for _, share in shares)
    shrink = min(1.0, max(0.0, wanting - rest) / spare) if spare else 0.0
    out, x = [], 0.0
    for tone, share in shares:
        width = least if share < least else share - (share - least) * shrink
        out.append(BarPiece(tone, f"{x:.2f}%", f"{width:.2f}%"))
        x += width
    return out


def sentence(counts: Any) -> str:
    """What a strip shows, in words: the name of the picture for those who do not see it."""
    known = [(outcome.word.lower(), count_of(counts, outcome.key)) for outcome in OUTCOMES]
    words = [f"{number(count)} {word}" for word, count in known if count]
    whole, rest = rows(counts), rows(counts) - done(counts)
    if rest:
        words.append(f"{number(rest)} to go")
    return f"{', '.join(words)}, of {number(whole)} rows" if words else "No rows"


def summed(
    counts: Any,
    *,
    urls: Mapping[str, str],
    notes: Mapping[str, str],
    plan: bool,
    words: Mapping[str, str] | None = None,
) -> Sum:
    """The sum of a file. A note is the share of the rows unless `notes` has a better one for the key; `words` has others
    for outcomes that mean something else in this file."""
    total, whole = done(counts), rows(counts)
    parts = []
    for outcome in OUTCOMES:
        count = count_of(counts, outcome.key)
        note = notes.get(outcome.key, percent(count, whole) if whole else "")
        word = (words or {}).get(outcome.key) or (outcome.plan if plan else outcome.word)
        parts.append(Part(outcome.tone, word, count, note, urls.get(outcome.key, "") if count else ""))
    if missing := count_of(counts, "not_reached"):
        parts.append(Part("", "Not reached", missing, percent(missing, whole), ""))
        return Sum(parts, total + missing, "Rows in file", notes.get("rows", "all accounted for"))
    if total < whole:
        return Sum(parts, total, "Rows done", notes.get("rows", f"of {number(whole)}"))
    return Sum(parts, total, "Rows in file", notes.get("rows", "all accounted for"))
