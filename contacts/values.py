"""Texts of cells read as text, numbers, yes or no, dates: the value as it is stored, or a coded reason why not. Pure."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import orjson

from contacts import vocabulary

MAX_TEXT, MAX_LONG_TEXT, MAX_URL = 4096, 32_768, 2000
INT64 = 2**63


class BadValue(ValueError):
    """A text that is not a value of the type. `code` is one of imports.problems, `facts` fill its sentence."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


# --- text -------------------------------------------------------------------------------------------------------------


def text(value: str) -> str:
    """A text of a usual length. Raises BadValue, as all functions here."""
    if len(value) > MAX_TEXT:
        raise BadValue("field_too_long", limit=MAX_TEXT, found=len(value))
    return value


def long_text(value: str) -> str:
    """A text of any useful length, with line breaks."""
    if len(value) > MAX_LONG_TEXT:
        raise BadValue("field_too_long", limit=MAX_LONG_TEXT, found=len(value))
    return value


def url(value: str) -> str:
    """A web address; https is added where nothing is said. A name or password before the host is refused."""
    address = value if "://" in value else f"https://{value}"
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        raise BadValue("not_a_url") from None
    if parts.scheme not in ("http", "https") or "." not in host or "@" in parts.netloc:
        raise BadValue("not_a_url")
    if len(address) > MAX_URL or not address.isprintable() or " " in address:
        raise BadValue("not_a_url")
    return address


# --- numbers ----------------------------------------------------------------------------------------------------------

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}\Z").match
PLAIN_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]{0,17})\Z").match
PLAIN_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{1,20})?\Z").match
_DECIMAL = re.compile(r"([+-]?)0*([0-9]{1,30})(?:\.([0-9]{1,20}))?\Z").match
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:[ ,.'\u00a0\u202f][0-9]{3})+(?:[.,][0-9]+)?\Z").match
_MONEY = re.compile(r"[€$£¥₴₽]|zł|\b[A-Z]{3}\b").search


def integer(value: str) -> int:
    """A whole number of 64 bits."""
    if not _INTEGER(value):
        raise BadValue(_number_problem(value, "not_an_integer"))
    number = int(value)
    if not -INT64 <= number < INT64:
        raise BadValue("number_too_large")
    return number


def strict_integer(value: str) -> int:
    """A whole number that begins with 1 to 9: no zero, no sign."""
    number = integer(value)
    if value[0] not in "123456789":
        raise BadValue("integer_not_strict")
    return number


def plain_decimal(value: str) -> str:
    """A number as it was written, digit by digit, in one form: 012,5 is none, +012.50 is 12.50."""
    found = _DECIMAL(value)
    if found is None:
        raise BadValue(_number_problem(value, "not_a_number"))
    sign, whole, fraction = found.groups()
    return f"{'-' if sign == '-' else ''}{whole.lstrip('0') or '0'}{'.' + fraction if fraction else ''}"


def decimal(value: str) -> Any:
    """A number as a piece of JSON: 12.10 stays 12.10."""
    return orjson.Fragment(plain_decimal(value))


def _grouped(groups: str, point: str) -> Callable[[str], re.Match[str] | None]:
    whole = rf"[0-9]{{1,3}}({groups})[0-9]{{3}}(?:\3[0-9]{{3}})*|[0-9]+"
    return re.compile(rf"([+-]?)({whole})({point}[0-9]+)?\Z").match


# How a column may write its numbers, when that is not the plain way: groups of three, then decimals.
NUMBER_FORMATS = {"decimal_comma": _grouped(r"[. '\u00a0\u202f]", ","), "decimal_point": _grouped(",", r"\.")}


def plain_number(value: str, form: str) -> str:
    """A number in the form of its column as a plain one: 1.234,56 → 1234.56. Currencies stay out."""
    found = NUMBER_FORMATS[form](value)
    if found is None:
        money = _number_problem(value, "") == "number_with_currency"
        raise BadValue("number_with_currency" if money else "number_other_format")
    sign, whole, group, fraction = found.groups()
    return f"{sign}{whole.replace(group, '') if group else whole}{'.' + fraction[1:] if fraction else ''}"


def _number_problem(value: str, otherwise: str) -> str:
    if _MONEY(value) and re.search(r"[0-9]", value):
        return "number_with_currency"
    if _GROUPED(value) or re.fullmatch(r"[+-]?[0-9]+,[0-9]+", value):
        return "number_with_comma"
    return otherwise


def boolean(value: str) -> bool:
    """Yes or no, in the languages that the import understands."""
    found = vocabulary.BOOLEANS.get(value.lower())
    if found is None:
        raise BadValue("not_yes_or_no")
    return found


# --- time -------------------------------------------------------------------------------------------------------------

ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z").match
ISO_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z\Z").match
_ISO_START = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").match
_DATE_SIGNS = re.compile(r"[0-9][0-9TZ:.,+/ -]*\Z").match
_NUMERIC_DATE = re.compile(r"([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})\Z").match
_YEAR_FIRST = re.compile(r"([0-9]{4})[./]([0-9]{1,2})[./]([0-9]{1,2})\Z").match


def read_date(value: str) -> date:
    """A date written as ISO 8601, or in numbers that can be read in one way only. Raises BadValue."""
    if not value.isascii():
        raise BadValue("not_a_date")
    try:
        if ISO_DATE(value):
            return date.fromisoformat(value)
        if found := _YEAR_FIRST(value):
            return date(int(found[1]), int(found[2]), int(found[3]))
        if found := _NUMERIC_DATE(value):
            return _day_or_month(int(found[1]), int(found[2]), int(found[3]))
        return _instant(value).date()
    except BadValue:
        raise
    except ValueError:
        raise BadValue(_no_date(value)) from None


def _no_date(value: str) -> str:
    return "date_does_not_exist" if _DATE_SIGNS(value) else "not_a_date"


def _day_or_month(first: int, second: int, year: int) -> date:
    if first <= 12 and second <= 12 and first != second:
        raise BadValue(
            "date_ambiguous", one=f"{year:04}-{second:02}-{first:02}", other=f"{year:04}-{first:02}-{second:02}"
        )
    return date(year, second, first) if second <= 12 else date(year, first, second)


# Reading by a format takes five microseconds, and days come again.
@lru_cache(maxsize=50_000)
def formatted(value: str, formats: tuple[str, ...]) -> datetime:
    """A date-time in the first of the formats (as strptime has them) that fits."""
    for pattern in formats:
        try:
            return datetime.strptime(value, pattern)
        except ValueError:
            continue
    raise BadValue("date_other_format", formats=", ".join(formats))


def iso(value: str) -> str:
    """The text, when it begins as a date of ISO 8601."""
    if not _ISO_START(value):
        raise BadValue("date_not_iso")
    return value


def _instant(value: str) -> datetime:
    if not value.isascii() or not _ISO_START(value):
        raise BadValue("not_a_date")
    return datetime.fromisoformat(value)


def read_moment(value: str) -> datetime:
    """A date-time written as ISO 8601, or a date (midnight). Without an offset it is UTC. Raises BadValue."""
    if "T" in value or ":" in value:
        try:
            return _instant(value)
        except BadValue:
            raise
        except ValueError:
            raise BadValue(_no_date(value)) from None
    return datetime.combine(read_date(value), datetime.min.time())


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
