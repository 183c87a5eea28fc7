"""Which fields of contacts a model may use: never those that are forbidden, by default or by the workspace."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from audiences.models import LookalikeField
from contacts.models import Attribute
from contacts.values import vocabulary
from contacts.values.texts import comparable
from contacts.values.types import SYSTEM
from core import places

Kind = Literal["value", "values", "number", "birthday"]
_KINDS: Mapping[str, Kind] = {
    "text": "value", "boolean": "value", "choice": "value", "country": "value", "language": "value",
    "choices": "values", "integer": "number", "decimal": "number", "birthday": "birthday",
}  # fmt: skip
# What no model looks at: it says who somebody is, not what for, or is a result of what a model is for.
_NEVER = frozenset({"street", "postal_code", "website", "push_tokens", "ads_consent", "time_zone"})
MOST = 40
DOMAIN = "email_domain"
# Traits that are protected by law or by decency: fields with one of these words in their name are not used unless the
# workspace allows them. Words in the languages that the product reads country names in would never be complete: these are
# the English ones and the most frequent others.
_SENSITIVE = re.compile(
    r"\b(gender|sex|sexual|orientation|geschlecht|genre|sexo|kon|kjonn|birth\w*|age|dob|alter|geburt\w*|born|"
    r"first name|last name|name|surname|vorname|nachname|religio\w*|faith|church|ethnic\w*|race|racial|origin country|"
    r"nationality|citizenship|health|medical|diagnos\w*|disab\w*|disease|illness|pregnan\w*|politic\w*|party|vote\w*|"
    r"voting|union|marital|married|spouse|caste|genetic|biometric|criminal|conviction\w*|credit score|income|salary)\b"
)


@dataclass(frozen=True)
class Field:
    """One field of contacts. `options`: the names of its values; `sensitive`: forbidden unless the workspace allows it."""

    key: str
    label: str
    kind: Kind
    options: Mapping[str, str] = field(default_factory=dict)
    sensitive: bool = False
    allowed: bool = True


def everything() -> list[Field]:
    """All fields that a model could use, system fields first, each with what the workspace has decided about it."""
    decided = dict(LookalikeField.objects.values_list("key", "allowed"))
    found = [
        _field(key, one.label, one.type, {}, decided)
        for key, one in SYSTEM.items()
        if one.type in _KINDS and key not in _NEVER
    ]
    found.append(Field(DOMAIN, "E-mail domain", "value", allowed=decided.get(DOMAIN, True)))
    own = Attribute.objects.filter(archived_at=None, type__in=list(_KINDS)).exclude(key__in=_NEVER).order_by("pk")
    found += [_field(one.key, one.label, one.type, one.options, decided) for one in own[:MOST]]
    return found


def is_sensitive(key: str, label: str) -> bool:
    """Whether a field sounds as if it held a protected trait, or a name."""
    words = re.sub(r"[\W_]+", " ", f"{comparable(label)} {key.lower()}")
    return _SENSITIVE.search(words) is not None


def _field(key: str, label: str, type_key: str, options: Mapping[str, str], decided: Mapping[str, bool]) -> Field:
    sensitive = is_sensitive(key, label)
    if type_key == "country":
        options = dict(places.countries(vocabulary.COUNTRY_CODES))
    elif type_key == "language":
        options = dict(places.languages(vocabulary.language_codes()))
    elif type_key == "boolean":
        options = {"true": "yes", "false": "no"}
    return Field(key, label, _KINDS[type_key], options, sensitive, decided.get(key, not sensitive))
