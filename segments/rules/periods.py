"""Periods of a condition: from when until when they reach at a moment, and how time moves them. Pure.

Hours and days are elapsed time, 60 minutes and 24 hours each, so that a change of clocks neither lets an event in again nor
out too early. Months, and the parts of the calendar, begin at midnight in the time zone of the workspace.
"""

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, timedelta

from contacts.values import dates, texts
from contacts.values.types import BadValue
from segments.rules.operators import EvaluationTime
from segments.rules.tree import CALENDAR, UNITS, Period

Bounds = tuple[datetime | None, datetime | None]
# What takes which values: a number and its unit, a part of the calendar, a day, two days.
WINDOWS, PARTS, DAYS = ("last", "ago"), ("this", "previous"), ("before", "after", "since")
KINDS = {
    "last": "in the last", "ago": "more than … ago", "this": "this", "previous": "last whole", "between": "between",
    "before": "before", "after": "after", "since": "since",
}  # fmt: skip
# For the reference: what each means, and when time alone changes it.
MEANS = {
    "last": ("some hours, days or months, until now", "always; months also at midnight"),
    "ago": ("before so many hours, days or months", "always; months at midnight"),
    "this": ("the running day, week, month, quarter or year", "at midnight"),
    "previous": ("the one before it", "at midnight"),
    "between": ("from one day to another, both included", "never"),
    "before": ("before a day", "never"), "after": ("after a day", "never"), "since": ("on a day or later", "never"),
}  # fmt: skip
_FIRST, _LAST = date(1, 1, 2), date(9999, 12, 30)


def bounds(period: Period, clock: EvaluationTime) -> Bounds:
    """[start, stop): None: without a limit."""
    return _BOUNDS[period.kind](period, clock)


def moves_on(period: Period) -> bool:
    """Whether an edge of it moves on all the time."""
    return period.kind == "last" or (period.kind == "ago" and period.unit != "months")


def is_by_day(period: Period) -> bool:
    """Whether an edge of it moves at midnight."""
    return period.kind in PARTS or (period.kind in WINDOWS and period.unit == "months")


def edges(period: Period, clock: EvaluationTime) -> list[datetime]:
    """Its edges that move on all the time, at a moment."""
    start, stop = bounds(period, clock)
    if not moves_on(period):
        return []
    return [at for at in (start if period.unit != "months" else None, stop) if at is not None]


def read(period: Period) -> Period:
    """The period with its days as they are stored. Raises BadValue for a day that is none, or an unknown kind."""
    if period.kind not in KINDS:
        raise BadValue("not_a_date")
    if period.kind in WINDOWS:
        return Period(period.kind, period.count, period.unit)
    if period.kind in PARTS:
        return Period(period.kind, unit=period.unit)
    start = _day(period.start)
    return Period(period.kind, start=start, stop=_day(period.stop) if period.kind == "between" else "")


def is_known(period: Period) -> bool:
    """Whether its kind, unit and number can be."""
    if period.kind in WINDOWS:
        return period.unit in UNITS and 0 < period.count <= UNITS[period.unit]
    return period.kind in KINDS and (period.kind not in PARTS or period.unit in CALENDAR)


def months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or the last one of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    if year < 1:
        return _FIRST
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def part_of_calendar(unit: str, day: date) -> tuple[date, date]:
    """The first day of the part of the calendar that a day is in, and that of the next part. Weeks begin on Monday."""
    if unit == "day":
        return day, day + timedelta(days=1)
    if unit == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    start = date(day.year, (day.month - 1) // months * months + 1, 1)
    return start, months_before(start, -months)


def _day(text: str) -> str:
    return dates.read_date(texts.normal_text(text)).isoformat()


def _ago(period: Period, clock: EvaluationTime) -> datetime:
    if period.unit == "months":
        return clock.start(months_before(clock.today, period.count))
    return clock.now - timedelta(**{period.unit: period.count})


def _last(period: Period, clock: EvaluationTime) -> Bounds:
    return _ago(period, clock), clock.now


def _longer_ago(period: Period, clock: EvaluationTime) -> Bounds:
    return None, _ago(period, clock)


def _this(period: Period, clock: EvaluationTime) -> Bounds:
    start, stop = part_of_calendar(period.unit, clock.today)
    return clock.start(start), clock.start(stop)


def _previous(period: Period, clock: EvaluationTime) -> Bounds:
    stop, _next = part_of_calendar(period.unit, clock.today)
    start, _stop = part_of_calendar(period.unit, stop - timedelta(days=1))
    return clock.start(start), clock.start(stop)


def _start(text: str, clock: EvaluationTime, days: int = 0) -> datetime:
    day = min(max(date.fromisoformat(text), _FIRST), _LAST)
    return clock.start(day + timedelta(days=days))


def _between(period: Period, clock: EvaluationTime) -> Bounds:
    return _start(period.start, clock), _start(period.stop, clock, 1)


def _before(period: Period, clock: EvaluationTime) -> Bounds:
    return None, _start(period.start, clock)


def _after(period: Period, clock: EvaluationTime) -> Bounds:
    return _start(period.start, clock, 1), None


def _since(period: Period, clock: EvaluationTime) -> Bounds:
    return _start(period.start, clock), None


_BOUNDS: dict[str, Callable[[Period, EvaluationTime], Bounds]] = {
    "last": _last, "ago": _longer_ago, "this": _this, "previous": _previous, "between": _between, "before": _before,
    "after": _after, "since": _since,
}  # fmt: skip
