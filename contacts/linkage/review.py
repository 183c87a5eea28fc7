"""What a search has found, as people look at it: groups, the strongest first, with reasons in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.db.models import Q

from contacts import figures_cache
from contacts.linkage import explanations, queries
from contacts.linkage.explanations import Evidence
from contacts.models import Contact, Decision, ProbablePair, ProbableSearch
from core.request_checks import LARGEST

GROUPS = 50
_VALUES = {
    "given": "first_name", "family": "last_name", "email": "email", "phone": "phone", "external_id": "external_id",
    "birth": "birthday", "street": "street", "postcode": "postal_code", "town": "city", "region": "region",
    "company": "company", "organisation": "company",
}  # fmt: skip


@dataclass(frozen=True)
class Group:
    """One line of the list: by its strongest pair."""

    pk: int
    strength: float
    name: str
    probability: float

    @property
    def key(self) -> str:
        return f"{self.strength!r}_{self.pk}"

    @property
    def percent(self) -> str:
        return explanations.percent(self.probability)

    @property
    def band(self) -> tuple[str, str]:
        return explanations.band(self.probability)


@dataclass(frozen=True)
class ScoredPair:
    """A pair of a group: how probable it is, and why."""

    pair: ProbablePair
    contacts: tuple[Contact, Contact]
    reasons: list[Evidence]

    @property
    def percent(self) -> str:
        return explanations.percent(explanations.probability(self.pair.bits))

    @property
    def band(self) -> tuple[str, str]:
        return explanations.band(explanations.probability(self.pair.bits))


def page(decision: str, *, after: str = "") -> list[Group]:
    """The next groups behind a key, one more than a page has."""
    strength, _sep, number = after.partition("_")
    behind = _key(strength, number)
    heads = queries.group_heads(decision, after=behind, count=GROUPS + 1)
    names = Contact.objects.in_bulk([low for _group, _strength, low, _high in heads])
    return [Group(pk, bits, names[low].display_name, explanations.probability(bits)) for pk, bits, low, _high in heads]


def is_key(text: str) -> bool:
    """Whether a text is a place in the list."""
    strength, _sep, number = text.partition("_")
    return _key(strength, number) is not None


def _key(strength: str, number: str) -> tuple[float, int] | None:
    try:
        place = float(strength), int(number)
    except ValueError:
        return None
    return place if math.isfinite(place[0]) and 0 <= place[1] <= LARGEST else None


def members(group_id: int) -> list[Contact]:
    """The living contacts of a group, the first that was made first."""
    pairs = ProbablePair.objects.filter(group_id=group_id).values_list("low_id", "high_id")
    return list(Contact.objects.living().filter(pk__in={pk for pair in pairs for pk in pair}).order_by("pk"))


def scored_pairs(group_id: int, contacts: Sequence[Contact]) -> list[ScoredPair]:
    """The pairs of a group whose contacts are there, the strongest first."""
    by_id = {contact.pk: contact for contact in contacts}
    pairs = ProbablePair.objects.filter(group_id=group_id).order_by("-bits", "low_id", "high_id")
    there = [p for p in pairs if p.low_id in by_id and p.high_id in by_id]
    return [ScoredPair(p, (by_id[p.low_id], by_id[p.high_id]), _reasons(p, by_id)) for p in there]


def _reasons(pair: ProbablePair, by_id: dict[int, Contact]) -> list[Evidence]:
    one, other = by_id[pair.low_id], by_id[pair.high_id]
    values = {name: (_value(one, key), _value(other, key)) for name, key in _VALUES.items()}
    detail: dict[str, Any] = pair.detail
    return explanations.reasons(
        detail["parts"], values=values, contacts=detail["people"], household=detail["household"]
    )


def _value(contact: Contact, key: str) -> str:
    value = getattr(contact, key, None) if hasattr(contact, key) else contact.attributes.get(key)
    return str(value or "")


def count(decision: str) -> int:
    """How many groups wait for a decision, or have one; cached until contacts or decisions change."""
    last = ProbableSearch.objects.order_by("-pk").values_list("pk", "state").first()
    if last is None:
        return 0
    decided = ProbablePair.objects.exclude(decision=Decision.OPEN).count()
    name = f"probable.{last[0]}.{last[1]}.{decided}"
    return figures_cache.figures(name, queries.group_counts, while_writing=60).get(decision, 0)


def neighbours(groups: Sequence[Group], current: int) -> int | None:
    """The group after this one in the list, to go on with when this one is decided."""
    return next((after.pk for group, after in pairwise(groups) if group.pk == current), None)


def of_contact(contact_id: int) -> list[tuple[Contact, str, int]]:
    """(living contact, how probable, group) of pairs with this contact that wait for a decision, the likeliest first."""
    mine = Q(low_id=contact_id) | Q(high_id=contact_id)
    pairs = list(ProbablePair.objects.filter(mine, decision=Decision.OPEN).order_by("-bits")[:5])
    others = [p.high_id if p.low_id == contact_id else p.low_id for p in pairs]
    there = {c.pk: c for c in Contact.objects.living().filter(pk__in=others)}
    both = zip(pairs, others, strict=True)
    return [
        (there[other], explanations.percent(explanations.probability(p.bits)), p.group_id)
        for p, other in both
        if other in there
    ]
