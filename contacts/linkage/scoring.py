"""From people and the pairs that share a key to groups of one person each: compare, learn, score, join.

Bounded memory: pairs are compared in chunks, and only those that more likely than not are one person are kept. The same
people give the same answer in whatever order they come.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from contacts.linkage import clustering, explanations, fellegi_sunter
from contacts.linkage.comparison import Array, PersonColumns, apart, compare
from contacts.linkage.fellegi_sunter import Model
from contacts.linkage.normalize import FIELDS, TOP

CHUNK, SAMPLE = 500_000, 300_000
# Groups above this probability count as one person while it is learnt how common a value is.
SURE_BITS = float(np.log2(0.99 / 0.01))
# Values that more people have are told to the stored model by name.
COMMON = 5
# Father and son: same name, same address and nothing else is never more than possible.
AT_MOST = float(np.log2(0.89 / 0.11))
_OWN = ("birth", "email", "external_id", "organisation")
# A person and an organisation are not one, whatever else they share.
NEVER = -1000.0


@dataclass(frozen=True)
class Found:
    """Two contacts, the smaller ID first, and what speaks for and against one person.

    `parts`: (field, level, bits, how many people have the equal value) of the fields that both have.
    """

    low: int
    high: int
    bits: float
    prior: float
    household: float
    parts: list[tuple[str, int, float, int]]

    @property
    def probability(self) -> float:
        return explanations.probability(self.bits)


@dataclass(frozen=True)
class Answer:
    """Groups of contact IDs, the pairs inside of them, and the model that has said so."""

    groups: list[list[int]]
    pairs: list[Found]
    model: Model


def find(columns: PersonColumns, left: Array, right: Array, *, vetoes: set[tuple[int, int]]) -> Answer:
    """Groups among people, given the pairs (by place) that share a key. `vetoes`: pairs of IDs that are not one person.

    From no pair there is nothing to learn: then the model is the usual one, and there are no groups.
    """
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    one_kind = ~apart(columns, left, right)
    if not one_kind.all():
        left, right = left[one_kind], right[one_kind]
    none = np.zeros((0, len(FIELDS)), dtype=np.int8)
    levels = np.concatenate([none, *(compare(columns, left[at], right[at]) for at in _chunks(len(left)))])
    learnt = _learn(columns, levels, left, right)
    bits = dict(_likely(learnt, columns, levels, left, right, least=0.0))
    places = {int(pk): place for place, pk in enumerate(columns.ids)}
    barred = {_pair(places[a], places[b]) for a, b in vetoes if a in places and b in places}

    def missing(pairs: Sequence[tuple[int, int]]) -> list[float]:
        a, b = (np.array(side) for side in zip(*pairs, strict=True))
        bits = fellegi_sunter.score(learnt, columns, compare(columns, a, b), a).bits
        return [float(x) for x in np.where(apart(columns, a, b), NEVER, bits)]

    joined = clustering.group(bits, missing, barred)
    named = [sorted(int(columns.ids[place]) for place in group) for group in joined]
    return Answer(sorted(named), explain(learnt, columns, joined), learnt)


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, count, CHUNK))


def _pair(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)


def _learn(columns: PersonColumns, levels: Array, left: Array, right: Array) -> Model:
    """Learn twice: from all, and then with one of each surely found group, so that copies do not make values common."""
    share, sample = min(1.0, SAMPLE / max(len(left), 1)), np.arange(len(left))
    if share < 1:
        sample = np.sort(np.random.default_rng(11).choice(len(left), SAMPLE, replace=False))
    random = fellegi_sunter.strangers(columns)
    first = fellegi_sunter.learn(columns, levels[sample], left[sample], random=random, share=share)
    sure = dict(_likely(first, columns, levels, left, right, least=SURE_BITS))
    gone = {place for group in clustering.group(sure, lambda pairs: [0.0] * len(pairs), set()) for place in group[1:]}
    kept = np.array([place for place in range(len(columns)) if place not in gone])
    return fellegi_sunter.learn(
        columns, levels[sample], left[sample], random=random, share=share, of=columns.only(kept)
    )


def _likely(
    learnt: Model, columns: PersonColumns, levels: Array, left: Array, right: Array, *, least: float
) -> Iterator[tuple[tuple[int, int], float]]:
    for at in _chunks(len(left)):
        bits = fellegi_sunter.score(learnt, columns, levels[at], left[at]).bits
        for place in np.flatnonzero(bits > least):
            yield _pair(int(left[at][place]), int(right[at][place])), float(bits[place])


def explain(learnt: Model, columns: PersonColumns, joined: Sequence[Sequence[int]]) -> list[Found]:
    """All pairs inside of groups of places, with what each field adds."""
    pairs = [pair for group in joined for pair in combinations(group, 2)]
    if not pairs:
        return []
    left, right = (np.array(side) for side in zip(*pairs, strict=True))
    levels = compare(columns, left, right)
    scores = fellegi_sunter.score(learnt, columns, levels, left)
    explained = []
    for i, (a, b) in enumerate(pairs):
        parts = [
            (name, int(level), round(float(worth), 2), _count(learnt, columns, name, int(level), a))
            for name, level, worth in zip(FIELDS, levels[i], scores.fields[i], strict=True)
            if level
        ]
        low, high = sorted((int(columns.ids[a]), int(columns.ids[b])))
        bits = _capped(float(scores.bits[i]), parts)
        explained.append(Found(low, high, bits, learnt.prior, float(scores.household[i]), parts))
    return explained


def _count(learnt: Model, columns: PersonColumns, name: str, level: int, place: int) -> int:
    return int(learnt.counts[name][columns.codes[name][place]]) if level == TOP[name] else 0


def _capped(bits: float, parts: Sequence[tuple[str, int, float, int]]) -> float:
    """Where nothing of their own speaks for two namesakes, they may be father and son."""
    own = [(level, TOP[name]) for name, level, _bits, _count in parts if name in _OWN]
    return bits if any(level >= top - 1 for level, top in own) else min(bits, AT_MOST)


def common(learnt: Model, columns: PersonColumns) -> dict[str, dict[str, int]]:
    """Values that many have, with how many, for scoring single contacts later."""
    return {
        name: {str(columns.values[name][code]): int(learnt.counts[name][code])
               for code in np.flatnonzero(learnt.counts[name] > COMMON)}
        for name in FIELDS
    }  # fmt: skip
