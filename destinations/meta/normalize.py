"""Identifiers as Meta's custom audiences want them; rules of its pages “Customer File Custom Audiences” and “Customer
Information Parameters” (2026-11). Where the pages contradict each other, the text says which one is followed."""

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

# What one person has and hardly another.
_OWN = frozenset({"email", "phone", "external_id"})
_GENDERS = {"f": "f", "female": "f", "woman": "f", "m": "m", "male": "m", "man": "m"}


def identifiers(person: Person) -> list[Identifier]:
    """What Meta can find a person by: all of one row, e-mail and phone first. Everything is hashed, the external ID too."""
    found = []
    for kind, value, normal in (
        ("email", person.email, bare_email(person.email or "")),
        ("phone", person.phone, digits(person.phone or "")),
        ("external_id", person.external_id, (person.external_id or "").strip()),
        ("first_name", person.first_name, first_name(person.first_name or "")),
        ("last_name", person.last_name, last_name(person.last_name or "")),
        ("city", person.city, letters(person.city or "").replace(" ", "")),
        ("region", person.region, state(person.region or "", person.country)),
        ("postal_code", person.postal_code, postal_code(person.postal_code or "", person.country)),
        ("country", person.country, letters(person.country or "")),
        ("gender", person.gender, _GENDERS.get(letters(person.gender or ""))),
        *_birth(person.birthday),
    ):
        if value and normal:
            found.append((hashed if kind in _OWN else hashed_often)(kind, value, normal))
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


def _birth(birthday: str | None) -> list[tuple[str, str | None, str]]:
    """Year, month and day each for itself; the year is left out where it is not known."""
    if not birthday:
        return []
    year, month, day = birthday[:-6], birthday[-5:-3], birthday[-2:]
    return [
        ("birth_year", birthday, year.strip("-")),
        ("birth_month", birthday, month),
        ("birth_day", birthday, day),
    ]
