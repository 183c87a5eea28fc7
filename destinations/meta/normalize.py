"""Identifiers as Meta's custom audiences want them; rules of its pages “Customer File Custom Audiences” and “Customer
Information Parameters” (2026-11). Where the pages contradict each other, the text says which one is followed."""

from collections.abc import Callable
from functools import cache

import pycountry

from destinations.normal_forms import (
    Identifier,
    Person,
    bare_email,
    e164,
    first_name,
    hashed,
    hashed_often,
    last_name,
    letters,
    letters_and_digits,
)

_GENDERS = {"f": "f", "female": "f", "woman": "f", "m": "m", "male": "m", "man": "m"}


def identifiers(person: Person) -> list[Identifier]:
    """What Meta can find a person by: all of one row, e-mail and phone first. Everything is hashed, the external ID too."""
    found = []
    for kind, form, finish in _FORMS:
        value = getattr(person, kind)
        if value and (normal := form(value, person.country)):
            found.append(finish(kind, value, normal))
    if person.birthday:
        found += [hashed_often(kind, person.birthday, part) for kind, part in _birth(person.birthday) if part]
    return found


def digits(phone: str) -> str | None:
    """A phone of digits only, with the country code and without plus."""
    number = e164(phone)
    return number[1:] if number else None


def state(region: str, country: str | None) -> str:
    """A region in small letters without blanks; of the United States its two letters. Without a country it could be either,
    so that a name of the United States is not shortened."""
    name = letters(region)
    if (country or "").upper() == "US":
        return _states().get(name, name.replace(" ", ""))
    return name.replace(" ", "")


def postal_code(value: str, country: str | None) -> str:
    """A postal code of letters and digits; of the United States the first five digits."""
    code = letters_and_digits(value)
    return code[:5] if (country or "").upper() == "US" else code


@cache
def _states() -> dict[str, str]:
    """Name in small letters → two letters, of the states of the United States."""
    found = (one for one in pycountry.subdivisions if one.code.startswith("US-"))
    return {letters(one.name): one.code.partition("-")[2].lower() for one in found}


def _birth(birthday: str) -> list[tuple[str, str]]:
    """Year, month and day each for itself; the year is empty where it is not known."""
    year, month, day = birthday[:-6], birthday[-5:-3], birthday[-2:]
    return [("birth_year", year.strip("-")), ("birth_month", month), ("birth_day", day)]


_Form = Callable[[str, str | None], str | None]
# A field of a person → its normal form by the value and the country, and how it is hashed: names, places and their like are
# those of many, e-mail, phone and external ID of one.
_FORMS: tuple[tuple[str, _Form, Callable[[str, str, str], Identifier]], ...] = (
    ("email", lambda value, _country: bare_email(value), hashed),
    ("phone", lambda value, _country: digits(value), hashed),
    ("external_id", lambda value, _country: value.strip(), hashed),
    ("first_name", lambda value, _country: first_name(value), hashed_often),
    ("last_name", lambda value, _country: last_name(value), hashed_often),
    ("city", lambda value, _country: letters(value).replace(" ", ""), hashed_often),
    ("region", state, hashed_often),
    ("postal_code", postal_code, hashed_often),
    ("country", lambda value, _country: letters(value), hashed_often),
    ("gender", lambda value, _country: _GENDERS.get(letters(value)), hashed_often),
)
