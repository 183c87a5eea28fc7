"""How alike two people are, field by field: a small number, 0 where either side is not known, the highest where equal.

All functions work on arrays. Each distinct pair of values is compared once, however many pairs of people have it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA, JaroWinkler

from contacts.probable.forms import FIELDS, Person

Array = NDArray[Any]
# The level of equal values, for each field; level 1 is "different".
TOP = dict.fromkeys(FIELDS, 4) | {"birth": 5, "company": 5}
LEVELS = max(TOP.values()) + 1
_NAMES = ("given", "family")


@dataclass
class People:
    """People in columns: for each field the number of its value (-1: not known) and the values by number.

    Given and family names have their numbers in common, so that exchanged names can be seen.
    """

    ids: Array
    codes: dict[str, Array]
    values: dict[str, Array]
    words: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, people: Sequence[tuple[int, Person]]) -> "People":
        """Columns of (contact ID, person), in an order that depends on who they are and not on how they are numbered."""
        people = sorted(people, key=lambda one: ([value or "" for value in one[1]], one[0]))
        numbers: dict[str, dict[str, int]] = {name: {} for name in FIELDS}
        numbers["family"] = numbers["given"]
        codes = {
            name: np.fromiter(
                (_number(numbers[name], one[place]) for _id, one in people), dtype=np.int32, count=len(people)
            )
            for place, name in enumerate(FIELDS)
        }
        values = {name: np.array(list(numbers[name]) or [""], dtype=object) for name in FIELDS}
        words: Counter[str] = Counter(w for name in numbers["company"] for w in set(name.split()))
        return cls(np.array([pk for pk, _one in people], dtype=np.int64), codes, values, words)

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, places: Array) -> "People":
        """Those at the given places."""
        return People(self.ids[places], {n: c[places] for n, c in self.codes.items()}, self.values, self.words)


def _number(numbers: dict[str, int], value: str | None) -> int:
    return -1 if value is None else numbers.setdefault(value, len(numbers))


def compare(people: People, left: Array, right: Array) -> Array:
    """Levels of the pairs of people at places `left` and `right`: an array (pairs, fields) of small numbers."""
    found = np.zeros((len(left), len(FIELDS)), dtype=np.int8)
    for place, name in enumerate(FIELDS):
        codes = people.codes[name]
        found[:, place] = _field(people, name, codes[left], codes[right])
    _exchanged(people, found, left, right)
    return found


def _field(people: People, name: str, a: Array, b: Array) -> Array:
    """Levels of pairs of values by their numbers."""
    levels = np.zeros(len(a), dtype=np.int8)
    known = (a >= 0) & (b >= 0)
    levels[known & (a == b)] = TOP[name]
    open_ = np.flatnonzero(known & (a != b))
    if len(open_):
        low, high = np.minimum(a[open_], b[open_]), np.maximum(a[open_], b[open_])
        pairs, back = np.unique(low.astype(np.int64) << 32 | high, return_inverse=True)
        values = people.values[name]
        levels[open_] = _compare(people, name)(values[pairs >> 32], values[pairs & 0xFFFFFFFF])[back]
    return levels


def _exchanged(people: People, found: Array, left: Array, right: Array) -> None:
    """Where the names fit better crosswise, they get the crosswise levels, at most the second best."""
    given, family = (FIELDS.index(name) for name in _NAMES)
    straight = found[:, given] + found[:, family]
    odd = np.flatnonzero(straight <= 5)
    a, b = left[odd], right[odd]
    first, last = people.codes["given"], people.codes["family"]
    crossed = [_field(people, "given", first[a], last[b]), _field(people, "given", last[a], first[b])]
    better = np.minimum(crossed[0], 3) + np.minimum(crossed[1], 3) > straight[odd]
    # Both must fit: a surname that is somebody's first name says nothing.
    better &= (crossed[0] >= 3) & (crossed[1] >= 3)
    for place, levels in ((given, crossed[0]), (family, crossed[1])):
        found[odd[better], place] = np.minimum(levels[better], 3)


# --- one field ----------------------------------------------------------------------------------------------------------


def _lengths(a: Array) -> Array:
    return np.fromiter((len(x) for x in a), dtype=np.int32, count=len(a))


def _edits(a: Array, b: Array) -> Array:
    """Edits between texts, exchanged neighbours as one."""
    return process.cpdist(a, b, scorer=OSA.distance, dtype=np.int32)


def _alike(a: Array, b: Array) -> Array:
    return process.cpdist(a, b, scorer=OSA.normalized_similarity, dtype=np.float32)


def _names(a: Array, b: Array) -> Array:
    alike = process.cpdist(a, b, scorer=JaroWinkler.similarity, dtype=np.float32)
    begins = np.fromiter((x.startswith(y) or y.startswith(x) for x, y in zip(a, b, strict=True)), bool, count=len(a))
    one_edit = (_edits(a, b) <= 1) & (np.minimum(_lengths(a), _lengths(b)) >= 3)
    return np.where((alike >= 0.90) | one_edit | begins, 3, np.where(alike >= 0.80, 2, 1)).astype(np.int8)


def _births(a: Array, b: Array) -> Array:
    x, y = (np.array(side, dtype="S8").view(np.uint8).reshape(-1, 8).astype(np.int32) - 48 for side in (a, b))
    differ = x != y
    count = differ.sum(axis=1)
    neighbours = np.zeros(len(a), dtype=bool)
    for i in range(7):
        neighbours |= (
            (count == 2) & (x[:, i] == y[:, i + 1]) & (x[:, i + 1] == y[:, i]) & differ[:, i] & differ[:, i + 1]
        )
    year = ~differ[:, :4].any(axis=1)
    month, day = ~differ[:, 4:6].any(axis=1), ~differ[:, 6:].any(axis=1)
    turned = year & (x[:, 4:6] == y[:, 6:]).all(axis=1) & (x[:, 6:] == y[:, 4:6]).all(axis=1)
    days = [s[:, :4] @ [1000, 100, 10, 1] * 372 + s[:, 4:6] @ [10, 1] * 31 + s[:, 6:] @ [10, 1] for s in (x, y)]
    within = np.abs(days[0] - days[1]) <= 372
    two = year.astype(int) + month + day >= 2
    slip = (count == 1) | neighbours | turned
    return np.select([slip, two, within], [4, 3, 2], 1).astype(np.int8)


def _emails(a: Array, b: Array) -> Array:
    locals_ = [np.array([x.partition("@")[0] for x in side], dtype=object) for side in (a, b)]
    digits = [["".join(c for c in x if c.isdigit()) for x in side] for side in locals_]
    same_digits = np.array([x == y for x, y in zip(*digits, strict=True)], dtype=bool)
    near = (_edits(a, b) <= 2) & same_digits
    partly = (locals_[0] == locals_[1]) | ((_alike(*locals_) >= 0.6) & same_digits)
    return np.where(near, 3, np.where(partly, 2, 1)).astype(np.int8)


def _codes(a: Array, b: Array) -> Array:
    edits, length = _edits(a, b), np.minimum(_lengths(a), _lengths(b))
    return np.where(edits <= 1, 3, np.where((edits == 2) & (length >= 6), 2, 1)).astype(np.int8)


def _places(a: Array, b: Array) -> Array:
    alike = _alike(a, b)
    return np.where(alike >= 0.82, 3, np.where(alike >= 0.65, 2, 1)).astype(np.int8)


def _companies(a: Array, b: Array, *, words: Counter[str]) -> Array:
    """By the share of rarity that the words in common have of those of the shorter name."""
    total = sum(words.values()) + 1

    def rarity(found: set[str]) -> float:
        return sum(float(np.log(total / (words[w] + 1))) for w in found) or 1e-9

    levels = np.ones(len(a), dtype=np.int8)
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        one, other = set(x.split()), set(y.split())
        share = rarity(one & other) / min(rarity(one), rarity(other))
        levels[i] = 4 if share >= 0.85 else 3 if share >= 0.55 else 2 if share >= 0.25 else 1
    return levels


def _compare(people: People, name: str) -> Callable[[Array, Array], Array]:
    if name == "company":
        return partial(_companies, words=people.words)
    return _COMPARE[name]


_COMPARE: dict[str, Callable[[Array, Array], Array]] = {
    "given": _names, "family": _names, "birth": _births, "email": _emails, "phone": _codes, "external_id": _codes,
    "postcode": _codes, "number": _codes, "street": _places, "town": _places, "region": _places,
}  # fmt: skip
