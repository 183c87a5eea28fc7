"""Types of attributes: text in, a typed JSON value out, or a coded reason why not. Pure.

Values as they are stored: text as text (leading zeros survive), integers and decimals as JSON numbers (decimals exactly
as written, never through a float), dates as 2024-05-31 (birthdays without a year as --05-31), date-times in UTC as
2024-05-31T10:00:00Z, choices as text or a list of text, countries and languages as their codes.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from contacts.values import ads_consent, dates, identifiers, parsers, texts, vocabulary
from contacts.values.columns import LABELS
from contacts.values.parsers import BadValue
from core import formatting

__all__ = [
    "AS_STORED", "CORE", "CUSTOM_TYPES", "SYSTEM", "TYPES", "AttributeType", "BadValue", "Parser", "SystemAttribute",
    "guess_type", "in_words", "parser",
]  # fmt: skip

Parser = Callable[[str], Any]


@dataclass(frozen=True)
class Settings:
    """What a parser may need to know: options of a choice (ID → label), region of phones, formats of dates and numbers, the
    time zone of times that say none (empty: UTC), and whether the workspace reads by its strict rules."""

    options: Mapping[str, str]
    region: str | None
    formats: tuple[str, ...]
    zone: str = ""
    strict: bool = False


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


# --- parsers that need settings ---------------------------------------------------------------------------------------


def _date_parser(settings: Settings) -> Parser:
    formats = settings.formats
    if settings.strict:
        return lambda value: dates.read_date(dates.iso(value)).isoformat()
    if formats:
        return lambda value: dates.formatted(value, formats).date().isoformat()
    return lambda value: dates.read_date(value).isoformat()


def _birthday_parser(settings: Settings) -> Parser:
    formats = settings.formats
    if settings.strict:
        return lambda value: dates.birthday(dates.iso(value))
    return lambda value: dates.birthday(value, formats)


def _datetime_parser(settings: Settings) -> Parser:
    formats, zone = settings.formats, settings.zone
    if settings.strict:
        return lambda value: dates.utc(dates.read_moment(dates.iso(value)), zone)
    if formats:
        return lambda value: dates.utc(dates.formatted(value, formats), zone)
    return lambda value: dates.utc(dates.read_moment(value), zone)


def _number_parser(parse: Parser, strict: Parser) -> Callable[[Settings], Parser]:
    def make(settings: Settings) -> Parser:
        form = next((f for f in settings.formats if f in parsers.NUMBER_FORMATS), None)
        read = strict if settings.strict else parse
        return read if form is None else lambda value: read(parsers.plain_number(value, form))

    return make


def _one_of(options: Mapping[str, str]) -> dict[str, str]:
    labels = {_option(label): key for key, label in options.items()}
    return labels | {_option(key): key for key in options}


def _option(text: str) -> str:
    """The form in which options are compared."""
    return texts.normal_text(text).casefold()


def _choice_parser(settings: Settings) -> Parser:
    ids = {texts.normal_text(key): key for key in settings.options}
    known = ids if settings.strict else _one_of(settings.options)
    form = texts.normal_text if settings.strict else _option

    def parse(value: str) -> str:
        if not known:
            return parsers.text(value)
        option = known.get(form(value))
        if option is None:
            raise BadValue("not_an_option", options=", ".join(sorted(settings.options)[:10]))
        return option

    return parse


# How a column may separate its options, when that is not by bars.
LISTS = {"list_comma": ",", "list_semicolon": ";"}


def _choices_parser(settings: Settings) -> Parser:
    one = _choice_parser(settings)

    sign = next((LISTS[form] for form in settings.formats if form in LISTS), "|")

    def parse(value: str) -> list[str]:
        items = [one(part.strip()) for part in value.split(sign) if part.strip()]
        return items if len(items) < 2 else list(dict.fromkeys(items))

    return parse


# --- places and channels ----------------------------------------------------------------------------------------------


def _country(value: str) -> str:
    code = vocabulary.country(value)
    if code is None:
        raise BadValue("not_a_country")
    return code


def _language(value: str) -> str:
    code = vocabulary.language(value)
    if code is None:
        raise BadValue("not_a_language")
    return code


def _email(value: str) -> str:
    address = identifiers.normal_email(value) or identifiers.normal_email(identifiers.bare_email(value))
    if address is None:
        raise BadValue(identifiers.email_problem(value))
    return address


def _phone_parser(settings: Settings) -> Parser:
    def parse(value: str) -> str:
        number = identifiers.normal_phone(value, settings.region)
        if number is None:
            raise BadValue(identifiers.phone_problem(value, settings.region))
        return number

    return parse


def _consent_parser(settings: Settings) -> Parser:
    return ads_consent.reader(strict=settings.strict, refusals=ads_consent.REFUSALS in settings.formats)


def _plain(parse: Parser) -> Callable[[Settings], Parser]:
    return lambda _settings: parse


_ALL = (
    AttributeType("text", "Text", "up to 4,096 characters", _plain(parsers.text)),
    AttributeType("long_text", "Long text", "up to 32,768 characters", _plain(parsers.long_text)),
    AttributeType("integer", "Integer", "42", _number_parser(parsers.integer, parsers.strict_integer)),
    AttributeType("decimal", "Decimal", "12.50", _number_parser(parsers.decimal, parsers.decimal)),
    AttributeType("boolean", "Yes or no", "yes, no, true, false, 1, 0", _plain(parsers.boolean)),
    AttributeType("date", "Date", "2024-05-31", _date_parser),
    AttributeType("birthday", "Date, year optional", "1988-05-31, or --05-31", _birthday_parser),
    AttributeType("datetime", "Date and time", "2024-05-31T10:00:00Z", _datetime_parser),
    AttributeType("email", "E-mail", "anna@example.com", _plain(_email)),
    AttributeType("phone", "Phone", "+44 7911 123456", _phone_parser),
    AttributeType("url", "Web address", "https://example.com", _plain(parsers.url)),
    AttributeType("choice", "Single choice", "the ID or label of one option", _choice_parser),
    AttributeType("choices", "Multiple choice", "options separated by |", _choices_parser),
    AttributeType("country", "Country", "GB, or its name", _plain(_country)),
    AttributeType("language", "Language", "en, or its name", _plain(_language)),
    AttributeType("consent", "Consent", "granted or denied; yes or no", _consent_parser),
)
TYPES: dict[str, AttributeType] = {t.key: t for t in _ALL}
# Those that a workspace can give its own fields. What a consent means, the system has to know.
CUSTOM_TYPES: dict[str, AttributeType] = {key: t for key, t in TYPES.items() if key != "consent"}

# Types whose usual spelling is stored as it is: a cell that the first function matches and the second does not refuse
# (ValueError) is its own JSON between the two quotes. A short cut for the import: the parser gives the same answer.
AS_STORED: dict[str, tuple[Callable[[str], Any], Callable[[str], Any], str]] = {
    "integer": (parsers.PLAIN_INTEGER, bool, ""),
    "decimal": (parsers.PLAIN_DECIMAL, bool, ""),
    "date": (dates.ISO_DATE, date.fromisoformat, '"'),
    "birthday": (dates.ISO_DATE, dates.check_whole, '"'),
    "datetime": (dates.ISO_MOMENT, datetime.fromisoformat, '"'),
}

SYSTEM: dict[str, SystemAttribute] = {
    "city": SystemAttribute("City", "text"),
    "region": SystemAttribute("Region", "text"),
    "postal_code": SystemAttribute("Postal code", "text"),
    "street": SystemAttribute("Street", "text"),
    "country": SystemAttribute("Country", "country"),
    "language": SystemAttribute("Language", "language"),
    "time_zone": SystemAttribute("Time zone", "text"),
    "birthday": SystemAttribute("Birthday", "birthday"),
    "gender": SystemAttribute("Gender", "text"),
    "company": SystemAttribute("Company", "text"),
    "job_title": SystemAttribute("Job title", "text"),
    "website": SystemAttribute("Website", "url"),
    "push_tokens": SystemAttribute("Push tokens", "choices"),
    "subscriptions": SystemAttribute("Subscriptions", "choices"),
    ads_consent.KEY: SystemAttribute("Ads consent", "consent"),
}
# Columns of the contact itself, which are no attributes.
CORE = LABELS


def parser(
    type_key: str,
    *,
    options: Mapping[str, str] | None = None,
    region: str | None = None,
    formats: tuple[str, ...] = (),
    zone: str = "",
    strict: bool = False,
) -> Parser:
    """A function from trimmed, non-empty text to the stored value; it raises BadValue. Keep it for a whole column."""
    return TYPES[type_key].make(Settings(options or {}, region, formats, zone, strict))


def in_words(key: str, value: Any) -> str:
    """The value of an attribute as people read it."""
    return ads_consent.OPTIONS.get(value, "") if key == ads_consent.KEY else formatting.stored(value)


# In this order: the first type that can read every sample. Text reads all.
_GUESSED = ("boolean", "integer", "decimal", "date", "datetime", "email", "url")


def guess_type(samples: Sequence[str]) -> str:
    """The narrowest type that reads every sample; text when there is none, and for digits with a leading zero."""
    filled = [v.strip() for v in samples if v.strip()]
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
