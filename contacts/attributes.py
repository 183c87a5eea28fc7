"""Types of attributes: text in, a typed JSON value out, or a coded reason why not. Pure.

Values as they are stored: text as text (leading zeros survive), integers and decimals as JSON numbers (decimals exactly
as written, never through a float), dates as 2024-05-31, date-times in UTC as 2024-05-31T10:00:00Z, choices as text or a
list of text, countries and languages as their codes.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson

from contacts import identifiers, vocabulary

MAX_TEXT, MAX_LONG_TEXT, MAX_URL = 4096, 32_768, 2000
INT64 = 2**63


class BadValue(ValueError):
    """A text that is not a value of the type. `code` is one of imports.problems, `facts` fill its sentence."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


Parser = Callable[[str], Any]


@dataclass(frozen=True)
class Settings:
    """What a parser may need to know: options of a choice (ID → label), region of phones, formats of dates."""

    options: Mapping[str, str]
    region: str | None
    formats: tuple[str, ...]


@dataclass(frozen=True)
class AttributeType:
    """A type: its name for people, a hint about the format, and what makes a parser for a column."""

    key: str
    label: str
    hint: str
    make: Callable[[Settings], Parser]


@dataclass(frozen=True)
class SystemAttribute:
    """An attribute that every workspace has."""

    label: str
    type: str


# --- text -------------------------------------------------------------------------------------------------------------


def _text(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise BadValue("field_too_long", limit=MAX_TEXT, found=len(value))
    return value


def _long_text(value: str) -> str:
    if len(value) > MAX_LONG_TEXT:
        raise BadValue("field_too_long", limit=MAX_LONG_TEXT, found=len(value))
    return value


def _url(value: str) -> str:
    text = value if "://" in value else f"https://{value}"
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        raise BadValue("not_a_url") from None
    if parts.scheme not in ("http", "https") or "." not in host or "@" in parts.netloc:
        raise BadValue("not_a_url")
    if len(text) > MAX_URL or not text.isprintable() or " " in text:
        raise BadValue("not_a_url")
    return text


# --- numbers ----------------------------------------------------------------------------------------------------------

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}\Z").match
_PLAIN_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]{0,17})\Z").match
_PLAIN_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{1,20})?\Z").match
_DECIMAL = re.compile(r"([+-]?)0*([0-9]{1,30})(?:\.([0-9]{1,20}))?\Z").match
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:[ ,.'\u00a0\u202f][0-9]{3})+(?:[.,][0-9]+)?\Z").match
_MONEY = re.compile(r"[€$£¥₴₽]|zł|\b[A-Z]{3}\b").search


def _integer(value: str) -> int:
    if not _INTEGER(value):
        raise BadValue(_number_problem(value, "not_an_integer"))
    number = int(value)
    if not -INT64 <= number < INT64:
        raise BadValue("number_too_large")
    return number


def _decimal(value: str) -> Any:
    found = _DECIMAL(value)
    if found is None:
        raise BadValue(_number_problem(value, "not_a_number"))
    sign, whole, fraction = found.groups()
    text = f"{'-' if sign == '-' else ''}{whole.lstrip('0') or '0'}{'.' + fraction if fraction else ''}"
    # A fragment goes into the JSON as it is: 12.10 stays 12.10.
    return orjson.Fragment(text)


def _number_problem(value: str, otherwise: str) -> str:
    if _MONEY(value) and re.search(r"[0-9]", value):
        return "number_with_currency"
    if _GROUPED(value) or re.fullmatch(r"[+-]?[0-9]+,[0-9]+", value):
        return "number_with_comma"
    return otherwise


def _boolean(value: str) -> bool:
    found = vocabulary.BOOLEANS.get(value.lower())
    if found is None:
        raise BadValue("not_yes_or_no")
    return found


# --- time -------------------------------------------------------------------------------------------------------------

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z").match
_ISO_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z\Z").match
_ISO_START = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").match
_DATE_SIGNS = re.compile(r"[0-9][0-9TZ:.,+/ -]*\Z").match
_NUMERIC_DATE = re.compile(r"([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})\Z").match
_YEAR_FIRST = re.compile(r"([0-9]{4})[./]([0-9]{1,2})[./]([0-9]{1,2})\Z").match


def _date_parser(settings: Settings) -> Parser:
    formats = settings.formats
    if formats:
        return lambda value: _formatted(value, formats).date().isoformat()
    return lambda value: read_date(value).isoformat()


def read_date(value: str) -> date:
    """A date written as ISO 8601, or in numbers that can be read in one way only. Raises BadValue."""
    if not value.isascii():
        raise BadValue("not_a_date")
    try:
        if _ISO_DATE(value):
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
        raise BadValue("date_ambiguous", one=f"{year:04}-{second:02}-{first:02}", other=f"{year:04}-{first:02}-{second:02}")
    return date(year, second, first) if second <= 12 else date(year, first, second)


# Reading by a format takes five microseconds, and days come again.
@lru_cache(maxsize=50_000)
def _formatted(value: str, formats: tuple[str, ...]) -> datetime:
    for pattern in formats:
        try:
            return datetime.strptime(value, pattern)
        except ValueError:
            continue
    raise BadValue("date_other_format", formats=", ".join(formats))


def _instant(value: str) -> datetime:
    if not value.isascii() or not _ISO_START(value):
        raise BadValue("not_a_date")
    return datetime.fromisoformat(value)


def _datetime_parser(settings: Settings) -> Parser:
    formats = settings.formats
    if formats:
        return lambda value: _utc(_formatted(value, formats))
    return lambda value: _utc(read_moment(value))


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


def _utc(moment: datetime) -> str:
    try:
        if moment.tzinfo is not None and moment.tzinfo is not UTC:
            moment = moment.astimezone(UTC)
    except OverflowError:
        raise BadValue("date_does_not_exist") from None
    return moment.replace(tzinfo=None).isoformat() + "Z"


# --- choices, places, channels ----------------------------------------------------------------------------------------


def _one_of(options: Mapping[str, str]) -> dict[str, str]:
    return {**{label.casefold(): key for key, label in options.items()}, **{key.casefold(): key for key in options}}


def _choice_parser(settings: Settings) -> Parser:
    known = _one_of(settings.options)

    def parse(value: str) -> str:
        if not known:
            return _text(value)
        found = known.get(value.casefold())
        if found is None:
            raise BadValue("not_an_option", options=", ".join(sorted(settings.options)[:10]))
        return found

    return parse


def _choices_parser(settings: Settings) -> Parser:
    one = _choice_parser(settings)

    def parse(value: str) -> list[str]:
        found = [one(part.strip()) for part in value.split("|") if part.strip()]
        return found if len(found) < 2 else list(dict.fromkeys(found))

    return parse


def _country(value: str) -> str:
    if value in vocabulary.COUNTRY_CODES:
        return value
    found = vocabulary.COUNTRIES.get(identifiers.name_key(value))
    if found is None:
        raise BadValue("not_a_country")
    return found


def _language(value: str) -> str:
    found = vocabulary.LANGUAGES.get(identifiers.name_key(re.split(r"[-_]", value)[0]))
    if found is None:
        raise BadValue("not_a_language")
    return found


def _email(value: str) -> str:
    found = identifiers.normal_email(value)
    if found is None:
        raise BadValue(identifiers.email_problem(value))
    return found


def _phone_parser(settings: Settings) -> Parser:
    def parse(value: str) -> str:
        found = identifiers.normal_phone(value, settings.region)
        if found is None:
            raise BadValue(identifiers.phone_problem(value, settings.region))
        return found

    return parse


def _plain(parse: Parser) -> Callable[[Settings], Parser]:
    return lambda _settings: parse


_ALL = (
    AttributeType("text", "Text", "up to 4,096 characters", _plain(_text)),
    AttributeType("long_text", "Long text", "up to 32,768 characters", _plain(_long_text)),
    AttributeType("integer", "Integer", "42", _plain(_integer)),
    AttributeType("decimal", "Decimal", "12.50", _plain(_decimal)),
    AttributeType("boolean", "Yes or no", "yes, no, true, false, 1, 0", _plain(_boolean)),
    AttributeType("date", "Date", "2024-05-31", _date_parser),
    AttributeType("datetime", "Date and time", "2024-05-31T10:00:00Z", _datetime_parser),
    AttributeType("email", "E-mail", "anna@example.com", _plain(_email)),
    AttributeType("phone", "Phone", "+44 7911 123456", _phone_parser),
    AttributeType("url", "Web address", "https://example.com", _plain(_url)),
    AttributeType("choice", "Single choice", "the ID or label of one option", _choice_parser),
    AttributeType("choices", "Multiple choice", "options separated by |", _choices_parser),
    AttributeType("country", "Country", "GB, or its name", _plain(_country)),
    AttributeType("language", "Language", "en, or its name", _plain(_language)),
)
TYPES: dict[str, AttributeType] = {t.key: t for t in _ALL}

# Types whose usual spelling is stored as it is: a cell that the first function matches and the second does not refuse
# (ValueError) is its own JSON between the two quotes. A short cut for the import: the parser gives the same answer.
AS_STORED: dict[str, tuple[Callable[[str], Any], Callable[[str], Any], str]] = {
    "integer": (_PLAIN_INTEGER, bool, ""),
    "decimal": (_PLAIN_DECIMAL, bool, ""),
    "date": (_ISO_DATE, date.fromisoformat, '"'),
    "datetime": (_ISO_MOMENT, datetime.fromisoformat, '"'),
}

SYSTEM: dict[str, SystemAttribute] = {
    "city": SystemAttribute("City", "text"),
    "region": SystemAttribute("Region", "text"),
    "postal_code": SystemAttribute("Postal code", "text"),
    "street": SystemAttribute("Street", "text"),
    "country": SystemAttribute("Country", "country"),
    "language": SystemAttribute("Language", "language"),
    "time_zone": SystemAttribute("Time zone", "text"),
    "birthday": SystemAttribute("Birthday", "date"),
    "gender": SystemAttribute("Gender", "text"),
    "company": SystemAttribute("Company", "text"),
    "job_title": SystemAttribute("Job title", "text"),
    "website": SystemAttribute("Website", "url"),
}
# Columns of the contact itself, which are no attributes.
CORE: dict[str, str] = {
    "email": "E-mail",
    "phone": "Phone",
    "external_id": "External ID",
    "first_name": "First name",
    "last_name": "Last name",
}


def parser(
    type_key: str,
    *,
    options: Mapping[str, str] | None = None,
    region: str | None = None,
    formats: tuple[str, ...] = (),
) -> Parser:
    """A function from trimmed, non-empty text to the stored value; it raises BadValue. Keep it for a whole column."""
    return TYPES[type_key].make(Settings(options or {}, region, formats))


# In this order: the first type that can read every sample. Text reads all.
_GUESSED = ("boolean", "integer", "decimal", "date", "datetime", "email", "url")


def guess_type(values: Sequence[str]) -> str:
    """The narrowest type that reads every sample; text when there is none, and for digits with a leading zero."""
    filled = [v.strip() for v in values if v.strip()]
    if not filled or any(re.match(r"0[0-9]", v) for v in filled):
        return "text"
    for key in _GUESSED:
        if key == "url" and not all("://" in v for v in filled):
            continue
        if all(_reads(parser(key), v) for v in filled):
            return key
    return "choices" if any("|" in v for v in filled) else "text"


def _reads(parse: Parser, value: str) -> bool:
    try:
        parse(value)
    except BadValue:
        return False
    return True
