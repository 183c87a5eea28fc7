"""Numbers, days and periods as people write them in a sentence. Pure; a reader returns what it found and where it ends.

Words come folded (contacts.values.identifiers.name_key). A month without its year is the latest one that has begun.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from segments.rules.periods import months_before, part_of_calendar
from segments.rules.tree import UNITS, Period

_COUNTED = (
    "zero one|once two|twice three|thrice four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen twenty"
)
NUMBERS = {word: number for number, same in enumerate(_COUNTED.split()) for word in same.split("|")} | {
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100,
}  # fmt: skip
ONCE = frozenset({"once", "twice", "thrice"})
_NAMES = "january february march april may june july august september october november december"
MONTHS = {word: i + 1 for i, month in enumerate(_NAMES.split()) for word in (month, month[:3])} | {"sept": 9}
# A unit → in what a window is counted, and how many of it.
WINDOW_UNITS = {
    "minute": ("hours", 1), "hour": ("hours", 1), "day": ("days", 1), "week": ("days", 7), "fortnight": ("days", 14),
    "month": ("months", 1), "quarter": ("months", 3), "year": ("months", 12),
}  # fmt: skip
CALENDAR_UNITS = frozenset({"day", "week", "month", "quarter", "year"})
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?\Z|\d+(?:\.\d+)?\Z").match
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})\Z").match
_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\Z").match
_LEAD = frozenset({"in", "within", "over", "during", "for", "from", "on", "at", "of", "the"})


@dataclass(frozen=True)
class Span:
    """Days from `start` to the one before `stop`."""

    start: date
    stop: date

    @property
    def last(self) -> date:
        return self.stop - timedelta(days=1)


def number(words: Sequence[str], at: int) -> tuple[str, int] | None:
    """A number, in digits or in words, as plain digits."""
    if at >= len(words):
        return None
    word = words[at].lstrip("€$£")
    if _NUMBER(word):
        return word.replace(",", ""), at + 1
    return (str(NUMBERS[words[at]]), at + 1) if words[at] in NUMBERS else None


def unit(words: Sequence[str], at: int) -> tuple[str, int] | None:
    """A unit of time, in singular."""
    if at >= len(words):
        return None
    word = words[at].removesuffix("s")
    return (word, at + 1) if word in WINDOW_UNITS else None


def days(words: Sequence[str], at: int, today: date) -> tuple[Span, int] | None:
    """A day, a month or a year: 2026-05-01, 1 May 2026, May 1, May 2026, May, 2026, today, yesterday."""
    if at >= len(words):
        return None
    word = words[at]
    if word in ("today", "yesterday"):
        day = today - timedelta(days=word == "yesterday")
        return Span(day, day + timedelta(days=1)), at + 1
    if match := _ISO(word):
        return _day(int(match[1]), int(match[2]), int(match[3]), at + 1)
    if re.fullmatch(r"(?:19|20)\d\d", word):
        return Span(date(int(word), 1, 1), date(int(word) + 1, 1, 1)), at + 1
    return _month(words, at, today)


def _month(words: Sequence[str], at: int, today: date) -> tuple[Span, int] | None:
    """What has a month in it."""
    day, month, end = None, MONTHS.get(words[at]), at + 1
    if month is None and (match := _ORDINAL(words[at])):
        end = at + 2 if words[at + 1 : at + 2] == ["of"] else at + 1
        day, month = int(match[1]), MONTHS.get(words[end]) if end < len(words) else None
        end += 1
    elif month is not None and end < len(words) and (match := _ORDINAL(words[end])):
        day, end = int(match[1]), end + 1
    if month is None:
        return None
    year = None
    if end < len(words) and re.fullmatch(r"(?:19|20)\d\d", words[end]):
        year, end = int(words[end]), end + 1
    if year is None:
        year = today.year if (month, day or 1) <= (today.month, today.day) else today.year - 1
    if day is not None:
        return _day(year, month, day, end)
    start = date(year, month, 1)
    return Span(start, months_before(start, -1)), end


def _day(year: int, month: int, day: int, end: int) -> tuple[Span, int] | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return Span(found, found + timedelta(days=1)), end


def period(words: Sequence[str], at: int, today: date) -> tuple[Period, int] | None:
    """A period of the past: in the last 30 days, this quarter, last month, since May, more than a year ago, …"""
    for read in (_ago, _edge, _window, _between, _on):
        found = read(words, at, today)
        if found is not None:
            return found
    return None


def ahead(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """A number of days to come: in the next 7 days, within the next two weeks, in the coming month."""
    at = _skip(words, at)
    if at >= len(words) or words[at] not in ("next", "coming", "following"):
        return None
    count = number(words, at + 1) or ("1", at + 1)
    found = unit(words, count[1])
    if found is None or "." in count[0]:
        return None
    each = {"days": 1, "months": 30, "hours": 0}[WINDOW_UNITS[found[0]][0]] * WINDOW_UNITS[found[0]][1]
    total = int(count[0]) * each
    return (total, found[1]) if 0 < total <= 36_600 else None


def _skip(words: Sequence[str], at: int) -> int:
    while at < len(words) and words[at] in _LEAD:
        at += 1
    return at


def _window(words: Sequence[str], at: int, _today: date) -> tuple[Period, int] | None:
    """The last 30 days, last month, this week; and "in 6 months", "for 90 days" of something that was not done."""
    bare = at
    at = _skip(words, at)
    word = words[at] if at < len(words) else ""
    if word in ("this", "current"):
        found = unit(words, at + 1)
        return (Period("this", unit=found[0]), found[1]) if found and found[0] in CALENDAR_UNITS else None
    if word in ("last", "past", "previous"):
        found = unit(words, at + 1)
        if found and found[0] in CALENDAR_UNITS and found[0] != "day" and word != "past":
            return Period("previous", unit=found[0]), found[1]
        return _counted(words, at + 1, "last")
    return _counted(words, at, "last", least=2) if words[bare] in ("in", "within", "for") else None


def _counted(words: Sequence[str], at: int, kind: str, *, least: int = 1) -> tuple[Period, int] | None:
    """A number of a unit; without the number one of it, where that is meant."""
    count = number(words, at)
    if count is None and least == 1:
        count = ("1", at + 1 if words[at : at + 1] in (["a"], ["an"]) else at)
    found = unit(words, count[1]) if count else None
    if count is None or found is None or "." in count[0]:
        return None
    of, each = WINDOW_UNITS[found[0]]
    total = int(count[0]) * each
    return (Period(kind, total, of), found[1]) if 0 < total <= UNITS[of] else None


def _ago(words: Sequence[str], at: int, _today: date) -> tuple[Period, int] | None:
    """More than a year ago, over 6 months ago, longer than 30 days ago."""
    at = _skip(words, at)
    two = words[at : at + 2]
    if two in (["more", "than"], ["longer", "than"]):
        at += 2
    elif words[at - 1 : at] == ["over"] and at > 0:
        pass
    else:
        return None
    found = _counted(words, at, "ago")
    return (found[0], found[1] + 1) if found and words[found[1] : found[1] + 1] == ["ago"] else None


def _edge(words: Sequence[str], at: int, today: date) -> tuple[Period, int] | None:
    """Since May, before 2026, after 1 June 2026, until May."""
    word = words[at] if at < len(words) else ""
    if word not in ("since", "before", "after", "until"):
        return None
    found = days(words, at + 1 + (words[at + 1 : at + 2] == ["the"]), today)
    if found is None:
        return None
    span, end = found
    start = {"since": span.start, "before": span.start, "after": span.last, "until": span.stop}[word]
    return Period("before" if word == "until" else word, start=start.isoformat()), end


def _between(words: Sequence[str], at: int, today: date) -> tuple[Period, int] | None:
    """Between 1 May and 3 June 2026, from May to July."""
    links = {"between": ("and",), "from": ("to", "until", "till")}.get(words[at] if at < len(words) else "")
    first = days(words, at + 1, today) if links else None
    if links is None or first is None or words[first[1] : first[1] + 1] not in [[link] for link in links]:
        return None
    second = days(words, first[1] + 1, today)
    if second is None or second[0].last < first[0].start:
        return None
    return Period("between", start=first[0].start.isoformat(), stop=second[0].last.isoformat()), second[1]


def _on(words: Sequence[str], at: int, today: date) -> tuple[Period, int] | None:
    """On 1 May, in May 2026, in 2025, today, yesterday."""
    found = days(words, _skip(words, at), today)
    if found is None:
        return None
    span, end = found
    word = words[end - 1]
    if word in ("today", "yesterday"):
        return Period("this" if word == "today" else "previous", unit="day"), end
    return Period("between", start=span.start.isoformat(), stop=span.last.isoformat()), end


def span_of(period: Period, today: date) -> Span | None:
    """The days of a part of the calendar, or between two days."""
    if period.kind == "between":
        return Span(date.fromisoformat(period.start), date.fromisoformat(period.stop) + timedelta(days=1))
    if period.kind not in ("this", "previous"):
        return None
    start, stop = part_of_calendar(period.unit, today)
    if period.kind == "this":
        return Span(start, stop)
    return Span(part_of_calendar(period.unit, start - timedelta(days=1))[0], start)
