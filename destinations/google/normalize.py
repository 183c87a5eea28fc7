"""Identifiers as Google's Data Manager API wants them; rules of its pages “Format user data” and “UserData” (2026-11)."""

import re

from destinations.normal_forms import Identifier, Person, bare_email, e164, first_name, hashed, last_name, sha256

_GMAIL = ("gmail.com", "googlemail.com")
_ZIP = re.compile(r"([0-9]{5})(?:[- ]?[0-9]{4})?").fullmatch


def identifiers(person: Person) -> list[Identifier]:
    """What Google can find a person by: e-mail and phone, and the address as one, when all four parts of it are known."""
    found = []
    if person.email and (email := normal_email(person.email)):
        found.append(hashed("email", person.email, email))
    if person.phone and (phone := e164(person.phone)):
        found.append(hashed("phone", person.phone, phone))
    if address := _address(person):
        found.append(address)
    return found


def normal_email(value: str) -> str | None:
    """An address in small letters; of Gmail, without points and without what follows a plus. None for one without a name."""
    email = bare_email(value)
    if email is None:
        return None
    local, _at, domain = email.rpartition("@")
    if domain not in _GMAIL:
        return email
    local = local.partition("+")[0].replace(".", "")
    return f"{local}@{domain}" if local else None


def _address(person: Person) -> Identifier | None:
    """First name, last name, country and postal code: names hashed, the others as they are."""
    if not (person.first_name and person.last_name and person.country and person.postal_code):
        return None
    first, last = first_name(person.first_name), last_name(person.last_name)
    code = postal_code(person.postal_code, person.country)
    if not (first and last and code):
        return None
    country = person.country.upper()
    written = " ".join((person.first_name, person.last_name, person.country, person.postal_code))
    return Identifier(
        "address", written, f"{first} {last} {country} {code}", f"{sha256(first)} {sha256(last)} {country} {code}"
    )


def postal_code(value: str, country: str) -> str | None:
    """A postal code without blanks around it; of the United States five digits, without the extension, else None."""
    code = " ".join(value.split())
    if country.upper() != "US":
        return code or None
    found = _ZIP(code)
    return found[1] if found else None
