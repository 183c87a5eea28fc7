"""A person as data syncs see one, and identifiers in the normal form of a network (docs/normal-forms.md). Pure.

A network matches by hashes, so a value has to be written exactly as the network writes it before it is hashed: one letter
off, and nobody is found. Each network has its own form (destinations.google.normalize, destinations.meta.normalize).
"""

import hashlib
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple


class Person(NamedTuple):
    """What is known of a contact, as it is stored: the phone in E.164 (contacts.values.phones), the country in two letters,
    the birthday as 1990-05-31 or --05-31 (contacts.values.types)."""

    contact_id: int
    email: str | None = None
    phone: str | None = None
    external_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    country: str | None = None
    postal_code: str | None = None
    city: str | None = None
    region: str | None = None
    birthday: str | None = None
    gender: str | None = None


class Identifier(NamedTuple):
    """One thing by which a network knows a person. `value` is what is stored, `normal` what is hashed, and `sent` what
    leaves the workspace: a SHA-256 in hex, or, of an address, its parts with a blank between, the names hashed."""

    kind: str
    value: str
    normal: str
    sent: str


# By these a network finds a person; all others only narrow it down.
ALONE = frozenset({"email", "phone", "address"})
# So many names, places and their hashes are kept: many people share them.
OFTEN = 20_000
_BLANKS = re.compile(r"\s+")
_NO_LETTERS = re.compile(r"[^A-Za-z\s]")
# What stands before and behind a name and is none of it, in small letters without points.
_BEFORE = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "herr", "frau", "mme", "mlle"})
_BEHIND = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "md", "esq"})
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch


def sha256(text: str) -> str:
    """The SHA-256 of a text in UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def hashed(kind: str, value: str, normal: str) -> Identifier:
    """An identifier of which only the hash is sent."""
    return Identifier(kind, value, normal, sha256(normal))


@lru_cache(OFTEN)
def hashed_often(kind: str, value: str, normal: str) -> Identifier:
    """The same for what many people have."""
    return hashed(kind, value, normal)


def bare_email(value: str) -> str | None:
    """An address in small letters without blanks; None when it has no two sides."""
    email = _BLANKS.sub("", value).lower()
    local, at, domain = email.rpartition("@")
    return email if local and at and "." in domain else None


def e164(value: str) -> str | None:
    """A phone with plus and digits only; None for one with an extension, which is that of an office and not of a person."""
    return value if _PHONE(value) else None


@lru_cache(OFTEN)
def letters(value: str) -> str:
    """A text in small letters without punctuation, digits and symbols; letters of every script stay, and single blanks
    between words."""
    if value.isascii():
        return " ".join(_NO_LETTERS.sub("", value).lower().split())
    kept = "".join(c for c in _composed(value) if c.isspace() or unicodedata.category(c)[0] in "LM")
    return " ".join(kept.split())


@lru_cache(OFTEN)
def first_name(value: str) -> str:
    """The letters of a first name, without a title before it, unless there is nothing else."""
    words = letters(value).split(" ")
    while len(words) > 1 and words[0] in _BEFORE:
        words = words[1:]
    return " ".join(words)


@lru_cache(OFTEN)
def last_name(value: str) -> str:
    """The letters of a last name, without what stands behind it, unless there is nothing else."""
    words = letters(value).split(" ")
    while len(words) > 1 and words[-1] in _BEHIND:
        words = words[:-1]
    return " ".join(words)


@lru_cache(OFTEN)
def letters_and_digits(value: str) -> str:
    """A text in small letters, of nothing but letters and digits."""
    return "".join(c for c in _composed(value) if unicodedata.category(c)[0] in "LMN")


def _composed(value: str) -> str:
    # Lower case first: of some capitals it has an accent apart, which belongs to the letter again afterwards.
    return unicodedata.normalize("NFC", value.lower())
