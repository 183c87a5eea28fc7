"""Dates and times as files write them: read in one way only, or refused with the reason that is true. Pure.

All functions raise BadValue. A form is a pattern of `strptime` for a day, such as %d/%m/%Y; one with %y says in which
hundred years its two-digit years lie: %d.%m.%y@1930 reads 31.05.80 as 1980 and 31.05.29 as 2029. A time may stand behind
any day.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from contacts.values.parsers import BadValue

ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z").match
ISO_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z\Z").match
# A birthday without its year, as ISO 8601 (2000) and vCard write it.
DAY_AND_MONTH = re.compile(r"--([0-9]{2})-?([0-9]{2})\Z").match
# Years that programs put where there is none, beside 0000: Apple's address book, and the first of the calendar.
_NO_YEARS = ("1604", "0001")
_LEAP = 2000

_ISO_START = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").match
_THREE = re.compile(r"([0-9]{1,4})([./-])([0-9]{1,2})\2([0-9]{1,4})(?=\Z|[ T,])").match
_TWO = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\.?\Z").match
_CLOCK = re.compile(
    r"(?:T|,?\s+)([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2})(?:[.,]([0-9]+))?)?"
    r"\s*([AaPp])?(?(5)\.?[Mm]\.?)\s*(?:(?:UTC|GMT)?([+-])([0-9]{2}):?([0-9]{2})?|(Z|UTC|GMT)|\(?([A-Z]{2,5})\)?)?\Z"
).match


def read_date(value: str) -> date:
    """A date written as ISO 8601, or in numbers that can be read in one way only."""
    if ISO_DATE(value):
        return _day(int(value[:4]), int(value[5:7]), int(value[8:]))
    return _clear(value).date()


def read_moment(value: str) -> datetime:
    """A date-time likewise; a date alone is midnight. Without an offset it has no zone."""
    return _clear(value)


def _clear(value: str) -> datetime:
    """The only way in which a value can be read."""
    if not value.isascii():
        raise BadValue("not_a_date")
    if _ISO_START(value):
        return _iso(value)
    match = _THREE(value)
    if match is None:
        raise BadValue("date_without_year" if _two(value) else "not_a_date")
    first, _sign, second, third = match.groups()
    clock = value[match.end() :]
    if len(first) == 4 and len(third) < 3:
        return _with_clock(_day(int(first), int(second), int(third)), clock)
    if len(first) < 3 and len(third) == 4:
        return _with_clock(_day_or_month(int(first), int(second), int(third)), clock)
    if len(first) < 3 and len(third) == 2:
        raise BadValue("date_century_unclear" if _exists(value) else "date_does_not_exist")
    raise BadValue("not_a_date")


def _day_or_month(first: int, second: int, year: int) -> date:
    if first <= 12 and second <= 12 and first != second:
        one, other = (f"{year:04}-{m:02}-{d:02}" for d, m in ((first, second), (second, first)))
        raise BadValue("date_ambiguous", one=one, other=other)
    return _day(year, second, first) if second <= 12 else _day(year, first, second)


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise BadValue("date_does_not_exist") from None


def _iso(value: str) -> datetime:
    try:
        if value[10:11] in ("", "T", " "):
            return datetime.fromisoformat(value)
    except ValueError:
        pass  # a day or a time that there is not, or a zone behind it: said below
    return _with_clock(_day(int(value[:4]), int(value[5:7]), int(value[8:10])), value[10:])


def _with_clock(day: date, text: str) -> datetime:
    """A day with the time behind it: "", " 10:00", "T10:00:00.5+02:00", ", 2:30 PM", " 10:11:12 UTC"."""
    if not text.strip():
        return datetime.combine(day, time())
    match = _CLOCK(text)
    if match is None:
        raise BadValue("not_a_date")
    hour, minute, second, fraction, half, *offset, utc_sign, name = match.groups()
    if name:
        raise BadValue("time_zone_unclear", zone=name)
    # Fractions are cut, not rounded: no value moves into the next second, or day.
    micro = int(fraction[:6].ljust(6, "0")) if fraction else 0
    try:
        at = time(_hour(int(hour), half), int(minute), int(second or 0), micro, _zone(utc_sign, *offset))
    except ValueError:
        raise BadValue("date_does_not_exist") from None
    return datetime.combine(day, at)


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half in "Pp" else 0)


def _zone(utc_sign: str | None, sign: str | None, hours: str | None, minutes: str | None) -> tzinfo | None:
    if utc_sign:
        return UTC
    if not sign:
        return None
    span = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return timezone(-span if sign == "-" else span)


# --- by the form of a column ------------------------------------------------------------------------------------------


# Reading by a form takes some microseconds, and days come again.
@lru_cache(maxsize=50_000)
def formatted(value: str, forms: tuple[str, ...]) -> datetime:
    """A date-time in the first of the forms that fits, or in ISO 8601, which can never be read wrongly.

    A form with a time in it (%H) demands that time, exactly as `strptime` has it.
    """
    demanded = all("%H" in form or "%I" in form for form in forms)
    if _ISO_START(value) and value.isascii() and (":" in value or not demanded):
        return _iso(value)
    for form in forms:
        moment = _by_form(value, form)
        if moment is not None:
            return moment
    raise BadValue(_why_not(value), formats=", ".join(forms))


def _by_form(value: str, form: str) -> datetime | None:
    if "%H" in form or "%I" in form:
        try:
            return datetime.strptime(value, form)
        except ValueError:
            return None
    match = _THREE(value) if value.isascii() else None
    if match is None:
        return None
    pattern, _at, first_year = form.partition("@")
    first, sign, second, third = match.groups()
    parts = dict(zip(pattern[1::3], (first, second, third), strict=True))
    if sign != pattern[2] or max(len(parts["d"]), len(parts["m"])) > 2:
        return None
    year = _year(parts.get("Y"), parts.get("y") or parts.get("Y", ""), first_year)
    try:
        return None if year is None else _with_clock(date(year, int(parts["m"]), int(parts["d"])), value[match.end() :])
    except ValueError as problem:
        if isinstance(problem, BadValue) and problem.code != "not_a_date":
            raise
        return None


def _year(whole: str | None, text: str, first_year: str) -> int | None:
    """The year that a form means: four digits, or two in the hundred years that begin with `first_year`."""
    if len(text) == 4:
        return int(text)
    if whole is not None or len(text) != 2:
        return None
    first = int(first_year)
    return first + (int(text) - first) % 100


def _why_not(value: str) -> str:
    """Code of the reason why a value is not in the form of its column."""
    if not value.isascii():
        return "not_a_date"
    if _THREE(value):
        return "date_other_format" if _exists(value) else "date_does_not_exist"
    return "date_other_format" if _two(value) else "not_a_date"


def _exists(value: str) -> bool:
    """Whether three numbers are a day in any order that people write."""
    match = _THREE(value)
    if match is None:
        return False
    a, b, c = (int(part) for part in match.group(1, 3, 4))
    if len(match[1]) > 2:
        orders = [(a, b, c)]
    else:
        year = c if len(match[4]) == 4 else _LEAP + c
        orders = [(year, b, a), (year, a, b)] + ([(_LEAP + a, b, c)] if len(match[4]) == 2 and a > 31 else [])
    return any(_is_day(*order) for order in orders)


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _two(value: str) -> bool:
    """Whether two numbers are a day and a month in one of the two orders."""
    match = _TWO(value)
    return match is not None and any(
        _is_day(_LEAP, month, day) for month, day in ((int(match[1]), int(match[3])), (int(match[3]), int(match[1])))
    )


# --- days that come every year ----------------------------------------------------------------------------------------


def birthday(value: str, forms: tuple[str, ...] = ()) -> str:
    """A day as it is stored, with its year (1988-05-31) or, where the value has none, without it (--05-31)."""
    value = _NO_YEARS[0] + value[4:] if value.startswith("0000-") else value
    if match := DAY_AND_MONTH(value):
        return _yearless(int(match[1]), int(match[2]))
    if match := _TWO(value):
        order = _order(match[2], forms)
        return _two_parts(int(match[1]), int(match[3]), order)
    day = formatted(value, forms).date() if forms else read_date(value)
    return _yearless(day.month, day.day) if f"{day.year:04}" in _NO_YEARS else day.isoformat()


def check_whole(value: str) -> None:
    """Raise ValueError where an ISO date is no day, or its year stands for none."""
    if value[:4] in _NO_YEARS:
        raise ValueError(value)
    date.fromisoformat(value)


def _order(sign: str, forms: tuple[str, ...]) -> str:
    """Whether the form of the column has the day ("d") or the month ("m") first; "" when nobody has said."""
    for form in forms:
        if "%H" not in form and form[2] == sign:
            return "d" if form.index("%d") < form.index("%m") else "m"
    if forms:
        raise BadValue("date_other_format", formats=", ".join(forms))
    return ""


def _two_parts(first: int, second: int, order: str) -> str:
    if order:
        day, month = (first, second) if order == "d" else (second, first)
        if not _is_day(_LEAP, month, day) and _is_day(_LEAP, day, month):
            raise BadValue("date_other_format")
        return _yearless(month, day)
    if first <= 12 and second <= 12 and first != second:
        raise BadValue("date_ambiguous", one=f"--{second:02}-{first:02}", other=f"--{first:02}-{second:02}")
    return _yearless(second, first) if second <= 12 else _yearless(first, second)


def _yearless(month: int, day: int) -> str:
    if not _is_day(_LEAP, month, day):
        raise BadValue("date_does_not_exist")
    return f"--{month:02}-{day:02}"


# --- checks and forms of storage --------------------------------------------------------------------------------------


def iso(value: str) -> str:
    """The text, when it begins as a date of ISO 8601, or is a day and month as it writes them."""
    if not _ISO_START(value) and not DAY_AND_MONTH(value):
        raise BadValue("date_not_iso")
    return value


def utc(moment: datetime, zone: str = "") -> str:
    """As it is stored: 2024-05-31T10:00:00Z. Without an offset it is a time of the zone (empty: UTC)."""
    try:
        if zone and moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(zone))
        if moment.tzinfo is not None and moment.tzinfo is not UTC:
            moment = moment.astimezone(UTC)
    except OverflowError:
        raise BadValue("date_does_not_exist") from None
    return moment.replace(tzinfo=None).isoformat() + "Z"
