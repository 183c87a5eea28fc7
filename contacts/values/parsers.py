"""Texts of cells read as text, numbers, yes or no: the value as it is stored, or a coded reason why not. Pure."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson

from contacts.values import vocabulary
from contacts.values.texts import normal_text

MAX_TEXT, MAX_LONG_TEXT, MAX_URL = 4096, 32_768, 2000
INT64 = 2**63


class BadValue(ValueError):
    """A text that is not a value of the type. `code` is one of imports.problems.catalogue, `facts` fill its sentence."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


# --- text -------------------------------------------------------------------------------------------------------------


def text(value: str) -> str:
    """A text of a usual length. Raises BadValue, as all functions here."""
    value = normal_text(value)
    if len(value) > MAX_TEXT:
        raise BadValue("field_too_long", limit=MAX_TEXT, found=len(value))
    return value


def long_text(value: str) -> str:
    """A text of any useful length, with line breaks."""
    value = normal_text(value)
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
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:[ ,.'’\u00a0\u202f][0-9]{3})+(?:[.,][0-9]+)?\Z").match
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
    match = _DECIMAL(value)
    if match is None:
        raise BadValue(_number_problem(value, "not_a_number"))
    sign, whole, fraction = match.groups()
    return f"{'-' if sign == '-' else ''}{whole.lstrip('0') or '0'}{'.' + fraction if fraction else ''}"


def decimal(value: str) -> Any:
    """A number as a piece of JSON: 12.10 stays 12.10."""
    return orjson.Fragment(plain_decimal(value))


def _grouped(groups: str, point: str) -> Callable[[str], re.Match[str] | None]:
    whole = rf"[1-9][0-9]{{0,2}}({groups})[0-9]{{3}}(?:\3[0-9]{{3}})*|[0-9]+"
    return re.compile(rf"([+-]?)({whole})({point}[0-9]+)?\Z").match


# How a column may write its numbers, when that is not the plain way: groups of three, then decimals.
NUMBER_FORMATS = {
    "decimal_comma": _grouped(r"[. '’\u00a0\u202f]", ","),
    "decimal_point": _grouped(r"[, '’\u00a0\u202f]", r"\."),
}


def plain_number(value: str, form: str) -> str:
    """A number in the form of its column as a plain one: 1.234,56 → 1234.56. Currencies stay out."""
    match = NUMBER_FORMATS[form](value)
    if match is None:
        money = _number_problem(value, "") == "number_with_currency"
        raise BadValue("number_with_currency" if money else "number_other_format")
    sign, whole, group, fraction = match.groups()
    return f"{sign}{whole.replace(group, '') if group else whole}{'.' + fraction[1:] if fraction else ''}"


def _number_problem(value: str, otherwise: str) -> str:
    if _MONEY(value) and re.search(r"[0-9]", value):
        return "number_with_currency"
    if _GROUPED(value) or re.fullmatch(r"[+-]?[0-9]+,[0-9]+", value):
        return "number_with_comma"
    return otherwise


def boolean(value: str) -> bool:
    """Yes or no, in the languages that the import understands."""
    meaning = vocabulary.BOOLEANS.get(value.lower())
    if meaning is None:
        raise BadValue("not_yes_or_no")
    return meaning
