"""Which value stays where several contacts become one: field by field, or by a rule. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contacts.models import Contact
from contacts.values import ads_consent, channel_status
from contacts.values.columns import IDENTIFIERS
from contacts.values.identifiers import name_key
from contacts.values.types import CORE

# Which contact's value is taken where several have one and nobody has said otherwise.
RULES = {"newest": "Newest value", "oldest": "Oldest value", "fullest": "Most complete contact"}
RULE = "newest"
# How letters with signs are put in plain ones, or lose them: ü, ö, ä and å, sz of Polish, š, ž and č.
_SPELLED = (
    ("ue", "u"), ("oe", "o"), ("ae", "a"), ("aa", "a"), ("sz", "s"), ("cz", "c"), ("sh", "s"), ("zh", "z"), ("ch", "c"),
)  # fmt: skip
_DOUBLED = re.compile(r"(.)\1+").sub


@dataclass(frozen=True)
class Value:
    """What one contact has in a field (None: nothing), and whether it is the one that stays."""

    contact_id: int
    value: Any
    taken: bool


@dataclass(frozen=True)
class Field:
    """A field over all contacts. `differs`: there is something to choose."""

    key: str
    label: str
    values: tuple[Value, ...]

    @property
    def result(self) -> Value | None:
        return next((v for v in self.values if v.taken), None)

    @property
    def differs(self) -> bool:
        return len({repr(v.value) for v in self.values if v.value is not None}) > 1

    @property
    def others(self) -> list[Any]:
        """Values that do not stay, each once."""
        result = self.result
        kept = None if result is None else result.value
        return list(dict.fromkeys(v.value for v in self.values if v.value not in (None, kept)))


def survivor(contacts: Sequence[Contact]) -> Contact:
    """The contact that stays: the one made first, so that its ID, which others may know, lives on."""
    return min(contacts, key=lambda c: c.pk)


def by_precedence(contacts: Sequence[Contact], rule: str) -> list[Contact]:
    """The contacts, whose values win first. Ties are decided by the ID, so that the answer is always the same."""
    if rule == "oldest":
        return sorted(contacts, key=lambda c: (c.created_at, c.pk))
    if rule == "fullest":
        return sorted(contacts, key=lambda c: (-filled(c), -c.changed_at.timestamp(), -c.pk))
    return sorted(contacts, key=lambda c: (-c.changed_at.timestamp(), -c.pk))


def filled(contact: Contact) -> int:
    """How many values a contact has."""
    return sum(bool(getattr(contact, key)) for key in CORE) + len(contact.attributes)


def fields(
    contacts: Sequence[Contact], *, labels: Mapping[str, str], rule: str, chosen: Mapping[str, int]
) -> list[Field]:
    """Every field that one of the contacts has, core fields first. `chosen`: key of a field → contact whose value stays."""
    order = by_precedence(contacts, rule)
    own = sorted({key for c in contacts for key in c.attributes}, key=lambda key: labels.get(key, key))
    keys = [*(key for key in CORE if any(value_of(c, key) is not None for c in contacts)), *own]
    return [_field(key, labels.get(key, key), contacts, order, chosen.get(key)) for key in keys]


def _field(key: str, label: str, contacts: Sequence[Contact], order: Sequence[Contact], chosen: int | None) -> Field:
    by_id = {c.pk: c for c in contacts}
    having = [c.pk for c in order if value_of(c, key) is not None]
    winner = chosen if chosen in having else _first([c for c in order if c.pk in having], key)
    if key == ads_consent.KEY:  # no rule and no choice makes a consent milder
        counts = ads_consent.strictest(value_of(c, key) for c in contacts)
        winner = next(pk for pk in having if value_of(by_id[pk], key) == counts)
    return Field(key, label, tuple(Value(c.pk, value_of(c, key), c.pk == winner) for c in contacts))


def _first(having: Sequence[Contact], key: str) -> int:
    """The contact whose value the rule takes: the first, or one with the same value whose letters the first one's has lost
    on its way, as Łukasz Król becomes Lukas Krol, and Müller Mueller."""
    first = having[0]
    value = value_of(first, key)
    if key in IDENTIFIERS or not isinstance(value, str):
        return first.pk
    plain = _plain(value)
    same = [c for c in having if isinstance(other := value_of(c, key), str) and _plain(other) == plain]
    return max(same, key=lambda c: _own_letters(value_of(c, key))).pk


def _plain(text: str) -> str:
    """A text as it is left where only plain letters can be written, whichever way they were put."""
    key = name_key(text)
    for spelled, letter in _SPELLED:
        key = key.replace(spelled, letter)
    return _DOUBLED(r"\1", key)


def _own_letters(text: str) -> int:
    """How many letters of a text are not of the plain alphabet: of equals the first one stays with `max`."""
    return sum(letter.isalpha() and not letter.isascii() for letter in unicodedata.normalize("NFC", text))


def value_of(contact: Contact, key: str) -> Any:
    """The value of a field; None when the contact has none."""
    return (getattr(contact, key) or None) if key in CORE else contact.attributes.get(key)


def strictest(contacts: Sequence[Contact], channel: str) -> Contact:
    """The contact whose status of a channel allows least; it decides for all. The first of equals, by ID."""
    order = channel_status.ORDERS[channel]
    return max(contacts, key=lambda c: (order.index(getattr(c, f"{channel}_status")), -c.pk))
