"""The shape in which values are compared: without capitals, accents, placeholders and ways to abbreviate. Pure."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from contacts.linkage import organisations
from contacts.values.identifiers import name_key

# Counts up when forms or keys change: then all keys are written again, and stored weights are discarded.
VERSION = 2

# What people write where they know nothing.
_PLACEHOLDERS = frozenset(
    {"-", "--", "---", ".", "?", "n/a", "n a", "na", "none", "null", "nil", "nan", "unknown", "unbekannt", "test", "tester",
     "testing", "xx", "xxx", "xxxx", "tba", "tbd", "asdf", "qwerty", "dummy", "anonymous", "anonym", "noname", "guest",
     "customer", "user"}
)  # fmt: skip
_NO_BIRTHDAYS = frozenset({"19000101", "18990101", "19700101", "00010101", "99991231", "11111111"})
_ZEROS = re.compile(r"[0\W]+\Z").match
_SIGNS = re.compile(r"[^\w\s]|_")
_WORD_WITH_DIGIT = re.compile(r"\w*\d\w*")
# Words of streets, each in its shortest usual form.
_STREETS = {
    "street": "st", "str": "st", "strasse": "st", "straat": "st", "road": "rd", "avenue": "av", "ave": "av",
    "avenida": "av", "boulevard": "bd", "blvd": "bd", "square": "sq", "lane": "ln", "place": "pl", "platz": "pl",
    "drive": "dr", "court": "ct", "crescent": "cr", "cres": "cr", "circuit": "cct", "terrace": "tce", "highway": "hwy",
    "calle": "c", "ulitsa": "ul", "ulica": "ul", "vulytsia": "vul", "saint": "st", "piazza": "pza", "plaza": "pza",
}  # fmt: skip


class Person(NamedTuple):
    """One contact in the shape for comparing; None is not known. `birth` has eight digits.

    `company` is where a person works, which colleagues share; `organisation` is the name of a contact without a person.
    """

    given: str | None = None
    family: str | None = None
    birth: str | None = None
    email: str | None = None
    phone: str | None = None
    external_id: str | None = None
    street: str | None = None
    number: str | None = None
    postcode: str | None = None
    town: str | None = None
    region: str | None = None
    company: str | None = None
    organisation: str | None = None


FIELDS = Person._fields
# The level of equal values, for each field; level 1 is "different", 0 not known.
TOP = dict.fromkeys(FIELDS, 4) | {"birth": 5, "company": 5, "organisation": 5}


def person(values: Mapping[str, Any]) -> Person:
    """The form of a contact's values: its columns and attributes by their keys, as they are stored."""
    street, number = address(values.get("street"))
    given, family, company, organisation = _named(values)
    return Person(
        given=given,
        family=family,
        birth=birthday(values.get("birthday")),
        email=_kept(values.get("email")),
        phone=_kept(values.get("phone")),
        external_id=_kept(values.get("external_id")),
        street=street,
        number=number,
        postcode=_joined(values.get("postal_code")),
        town=word(values.get("city")),
        region=word(values.get("region")),
        company=company,
        organisation=organisation,
    )


def _named(values: Mapping[str, Any]) -> tuple[str | None, str | None, str | None, str | None]:
    """(given name, family name, company, organisation): without a person's name, the company is who the contact is."""
    given, family, company = (word(values.get(key)) for key in ("first_name", "last_name", "company"))
    if company is None:
        return given, family, None, None
    if given or family:
        # Some write the company once more where a name is asked for.
        called = organisations.name(" ".join(filter(None, (given, family))))
        if called != organisations.name(company):
            return given, family, company, None
    local = str(values.get("email") or "").lower().partition("@")[0]
    if organisations.personal(local, company):
        return None, None, company, None
    return None, None, None, organisations.name(company)


def word(value: Any) -> str | None:
    """A name as it is compared, or None for what says nothing."""
    if not value:
        return None
    text = " ".join(_SIGNS.sub(" ", name_key(str(value))).split())
    return None if not text or text in _PLACEHOLDERS or _ZEROS(text) else text


def birthday(value: Any) -> str | None:
    """A day as eight digits. The first days of calendars and centuries mean "not known"."""
    digits = re.sub(r"\D", "", str(value or ""))
    return None if len(digits) != 8 or digits in _NO_BIRTHDAYS else digits


def address(value: Any) -> tuple[str | None, str | None]:
    """(words of a street in their short forms, the house number)."""
    text = word(value)
    if text is None:
        return None, None
    numbers = _WORD_WITH_DIGIT.findall(text)
    words = [_short(w) for w in _WORD_WITH_DIGIT.sub(" ", text).split()]
    return " ".join(words) or None, numbers[0] if numbers else None


def _short(street: str) -> str:
    for ending in ("strasse", "straat"):
        if street.endswith(ending) and street != ending:
            return street[: -len(ending)] + "st"
    if street.endswith("str") and len(street) > 5:
        return street[:-1]
    return _STREETS.get(street, street)


def _joined(value: Any) -> str | None:
    text = word(value)
    return text.replace(" ", "") if text else None


def _kept(value: Any) -> str | None:
    text = str(value).strip().lower() if value else ""
    return None if not text or text in _PLACEHOLDERS or _ZEROS(text) else text
