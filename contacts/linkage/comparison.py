"""How alike two people are, field by field: a small number, 0 where either side is not known, the highest where equal.

All functions work on arrays. Each distinct pair of values is compared once, however many pairs of people have it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA, JaroWinkler

from contacts.linkage import organisations
from contacts.linkage.normalize import FIELDS, TOP, Person

Array = NDArray[Any]
LEVELS = max(TOP.values()) + 1
_NAMES = ("given", "family")


@dataclass
class PersonColumns:
    """PersonColumns in columns: for each field the number of its value (-1: not known) and the values by number.

    Given and family names have their numbers in common, so that exchanged names can be seen.
    """

    ids: Array
    codes: dict[str, Array]
    values: dict[str, Array]
    words: Counter[str] = field(default_factory=Counter)
    # Of each value: its length; of each e-mail address: the local part, and its digits.
    lengths: dict[str, Array] = field(default_factory=dict)
    locals: Array = field(default_factory=lambda: np.array([], dtype=object))
    digits: Array = field(default_factory=lambda: np.array([], dtype=object))
    # Of each e-mail address: for one of an office its domain, else empty.
    offices: Array = field(default_factory=lambda: np.array([], dtype=object))

    @classmethod
    def of(cls, persons: Sequence[tuple[int, Person]]) -> "PersonColumns":
        """Columns of (contact ID, person), in an order that depends on who they are and not on how they are numbered."""
        persons = sorted(persons, key=lambda one: ([value or "" for value in one[1]], one[0]))
        numbers: dict[str, dict[str, int]] = {name: {} for name in FIELDS}
        numbers["family"] = numbers["given"]
        codes = {
            name: np.fromiter(
                (_number(numbers[name], one[place]) for _id, one in persons), dtype=np.int32, count=len(persons)
            )
            for place, name in enumerate(FIELDS)
        }
        values = {name: np.array(list(numbers[name]) or [""], dtype=object) for name in FIELDS}
        words: Counter[str] = Counter(
            w for name in {**numbers["company"], **numbers["organisation"]} for w in set(name.split())
        )
        lengths = {name: np.fromiter(map(len, texts), np.int32, count=len(texts)) for name, texts in values.items()}
        parts = [email.partition("@")[0] for email in values["email"]]
        offices = [
            e.partition("@")[2] if organisations.office(p) else "" for e, p in zip(values["email"], parts, strict=True)
        ]
        digits = ["".join(filter(str.isdigit, part)) for part in parts]
        ids = np.array([pk for pk, _one in persons], dtype=np.int64)
        of_emails = (np.array(texts, dtype=object) for texts in (parts, digits, offices))
        return cls(ids, codes, values, words, lengths, *of_emails)

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, places: Array) -> "PersonColumns":
        """Those at the given places."""
        codes = {name: codes_of_field[places] for name, codes_of_field in self.codes.items()}
        return replace(self, ids=self.ids[places], codes=codes)


def _number(numbers: dict[str, int], value: str | None) -> int:
    return -1 if value is None else numbers.setdefault(value, len(numbers))


def compare(columns: PersonColumns, left: Array, right: Array) -> Array:
    """Levels of the pairs of people at places `left` and `right`: an array (pairs, fields) of small numbers."""
    compared = np.zeros((len(left), len(FIELDS)), dtype=np.int8)
    for place, name in enumerate(FIELDS):
        codes = columns.codes[name]
        compared[:, place] = _field(columns, name, codes[left], codes[right])
    _exchanged(columns, compared, left, right)
    _colleagues(columns, compared, left, right)
    return compared


def apart(columns: PersonColumns, left: Array, right: Array) -> Array:
    """Which pairs are a person and an organisation: somebody's company is not the person. An array of truth values."""
    organisation, company = columns.codes["organisation"] >= 0, columns.codes["company"] >= 0
    named = company & ~organisation
    differ: Array = (organisation[left] & named[right]) | (named[left] & organisation[right])
    return differ


def _field(columns: PersonColumns, name: str, a: Array, b: Array) -> Array:
    """Levels of pairs of values by their numbers."""
    levels = np.zeros(len(a), dtype=np.int8)
    known = (a >= 0) & (b >= 0)
    levels[known & (a == b)] = TOP[name]
    open_ = np.flatnonzero(known & (a != b))
    if len(open_):
        low, high = np.minimum(a[open_], b[open_]), np.maximum(a[open_], b[open_])
        pairs, back = np.unique(low.astype(np.int64) << 32 | high, return_inverse=True)
        levels[open_] = _COMPARE[name](columns, name, pairs >> 32, pairs & 0xFFFFFFFF)[back]
    return levels


def _exchanged(columns: PersonColumns, compared: Array, left: Array, right: Array) -> None:
    """Where the names fit better crosswise, they get the crosswise levels, at most the second best."""
    given, family = (FIELDS.index(name) for name in _NAMES)
    straight = compared[:, given] + compared[:, family]
    odd = np.flatnonzero(straight <= 5)
    a, b = left[odd], right[odd]
    first, last = columns.codes["given"], columns.codes["family"]
    crossed = [_field(columns, "given", first[a], last[b]), _field(columns, "given", last[a], first[b])]
    better = np.minimum(crossed[0], 3) + np.minimum(crossed[1], 3) > straight[odd]
    # Both must fit: a surname that is somebody's first name says nothing.
    better &= (crossed[0] >= 3) & (crossed[1] >= 3)
    for place, levels in ((given, crossed[0]), (family, crossed[1])):
        compared[odd[better], place] = np.minimum(levels[better], 3)


def _colleagues(columns: PersonColumns, compared: Array, left: Array, right: Array) -> None:
    """Addresses of one company are made of names by one rule, or are its office's: where the names of two people differ,
    similar addresses are two, and that of an office says nothing."""
    given, family, company, email = (FIELDS.index(name) for name in (*_NAMES, "company", "email"))
    same = np.flatnonzero((compared[:, company] >= 3) & ((compared[:, given] == 1) | (compared[:, family] == 1)))
    if not len(same):
        return
    levels = compared[same, email]
    codes = columns.codes["email"][left[same]]
    shared = (levels >= 3) & (columns.offices[codes] != "")
    compared[same, email] = np.where(shared, 0, np.where((levels == 2) | (levels == 3), 1, levels))


# --- one field: of the pairs of its values with the numbers i and j ------------------------------------------------------


def _edits(a: Array, b: Array) -> Array:
    """Edits between texts, exchanged neighbours as one."""
    return process.cpdist(a, b, scorer=OSA.distance, dtype=np.int32)


def _alike(a: Array, b: Array) -> Array:
    return process.cpdist(a, b, scorer=OSA.normalized_similarity, dtype=np.float32)


def _shorter(columns: PersonColumns, name: str, i: Array, j: Array) -> Array:
    return np.minimum(columns.lengths[name][i], columns.lengths[name][j])


def _names(columns: PersonColumns, name: str, i: Array, j: Array) -> Array:
    a, b = columns.values[name][i], columns.values[name][j]
    alike = process.cpdist(a, b, scorer=JaroWinkler.similarity, dtype=np.float32)
    near = alike >= 0.90
    # Few are looked at closely: whoever begins alike, or differs by one edit, is alike to some degree.
    closer = np.flatnonzero(~near & (alike >= 0.5))
    x, y = a[closer], b[closer]
    begins = np.fromiter((p.startswith(q) or q.startswith(p) for p, q in zip(x, y, strict=True)), bool, count=len(x))
    near[closer] = begins | ((_edits(x, y) <= 1) & (_shorter(columns, name, i[closer], j[closer]) >= 3))
    return np.where(near, 3, np.where(alike >= 0.80, 2, 1)).astype(np.int8)


def _births(columns: PersonColumns, name: str, i: Array, j: Array) -> Array:
    sides = (columns.values[name][i], columns.values[name][j])
    x, y = (np.array(side, dtype="S8").view(np.uint8).reshape(-1, 8).astype(np.int32) - 48 for side in sides)
    differ = x != y
    count = differ.sum(axis=1)
    neighbours = np.zeros(len(i), dtype=bool)
    for k in range(7):
        neighbours |= (
            (count == 2) & (x[:, k] == y[:, k + 1]) & (x[:, k + 1] == y[:, k]) & differ[:, k] & differ[:, k + 1]
        )
    year = ~differ[:, :4].any(axis=1)
    month, day = ~differ[:, 4:6].any(axis=1), ~differ[:, 6:].any(axis=1)
    turned = year & (x[:, 4:6] == y[:, 6:]).all(axis=1) & (x[:, 6:] == y[:, 4:6]).all(axis=1)
    days = [s[:, :4] @ [1000, 100, 10, 1] * 372 + s[:, 4:6] @ [10, 1] * 31 + s[:, 6:] @ [10, 1] for s in (x, y)]
    within = np.abs(days[0] - days[1]) <= 372
    two = year.astype(int) + month + day >= 2
    slip = (count == 1) | neighbours | turned
    return np.select([slip, two, within], [4, 3, 2], 1).astype(np.int8)


def _emails(columns: PersonColumns, name: str, i: Array, j: Array) -> Array:
    levels = _addresses(columns, name, i, j)
    _offices(columns, levels, i, j)
    return levels


def _addresses(columns: PersonColumns, name: str, i: Array, j: Array) -> Array:
    levels = np.ones(len(i), dtype=np.int8)
    locals_, digits = columns.locals, columns.digits
    levels[locals_[i] == locals_[j]] = 2
    same = np.flatnonzero(digits[i] == digits[j])
    i, j = i[same], j[same]
    near = _edits(columns.values[name][i], columns.values[name][j]) <= 2
    partly = _alike(locals_[i], locals_[j]) >= 0.6
    levels[same] = np.where(near, 3, np.maximum(np.where(partly, 2, 1), levels[same]))
    return levels


def _offices(columns: PersonColumns, levels: Array, i: Array, j: Array) -> None:
    """Addresses of offices are alike by their domain: every domain has an info@."""
    one, other = columns.offices[i], columns.offices[j]
    both = np.flatnonzero((one != "") & (other != ""))
    if len(both):
        near = _edits(one[both], other[both])
        levels[both] = np.where(near == 0, 3, np.where(near <= 2, 2, 1))


def _codes(columns: PersonColumns, name: str, i: Array, j: Array) -> Array:
    edits = _edits(columns.values[name][i], columns.values[name][j])
    length = _shorter(columns, name, i, j)
    return np.where(edits <= 1, 3, np.where((edits == 2) & (length >= 6), 2, 1)).astype(np.int8)


def _places(columns: PersonColumns, name: str, i: Array, j: Array) -> Array:
    alike = _alike(columns.values[name][i], columns.values[name][j])
    return np.where(alike >= 0.82, 3, np.where(alike >= 0.65, 2, 1)).astype(np.int8)


def _companies(columns: PersonColumns, name: str, i: Array, j: Array) -> Array:
    """By the share of rarity that the words in common have of those of the shorter name."""
    total = sum(columns.words.values()) + 1

    def rarity(agreeing: set[str]) -> float:
        return sum(float(np.log(total / (columns.words[w] + 1))) for w in agreeing) or 1e-9

    levels = np.ones(len(i), dtype=np.int8)
    for place, (x, y) in enumerate(zip(columns.values[name][i], columns.values[name][j], strict=True)):
        one, other = set(x.split()), set(y.split())
        share = rarity(one & other) / min(rarity(one), rarity(other))
        levels[place] = 4 if share >= 0.85 else 3 if share >= 0.55 else 2 if share >= 0.25 else 1
    return levels


def _organisations(columns: PersonColumns, name: str, i: Array, j: Array) -> Array:
    """Names of organisations: nearly the same but for slips and short forms; one in the other; something in common."""
    a, b = columns.values[name][i], columns.values[name][j]
    levels = np.ones(len(i), dtype=np.int8)
    closer = np.flatnonzero(process.cpdist(a, b, scorer=fuzz.token_set_ratio, dtype=np.float32) >= 60)
    total = sum(columns.words.values()) + 1
    for place in closer:
        levels[place] = _likeness(a[place].split(), b[place].split(), columns.words, total)
    return levels


def _likeness(one: list[str], other: list[str], seen: Counter[str], total: int) -> int:
    """The level of two names of organisations, as words, that are not equal."""
    if {w for w in one if not w.isalpha()} != {w for w in other if not w.isalpha()}:
        return 1  # School 12 is not School 21
    if "".join(one) == "".join(other):
        return 4

    def rarity(agreeing: list[str]) -> float:
        return sum(float(np.log(total / (seen[w] + 1))) for w in agreeing) or 1e-9

    rest, alike_one, alike_other = list(other), [], []
    for w in one:
        best = max(rest, key=lambda x: (x == w, _slip(w, x)), default=None)
        if best is not None and _slip(w, best):
            rest.remove(best)
            alike_one.append(w)
            alike_other.append(best)
    more = max(len(one), len(other))
    if len(alike_one) == more:
        return 4
    if len(alike_one) == min(len(one), len(other)):
        # One name in the other: by how much of what is rare they have in common.
        return 3 if rarity(alike_other) >= 0.4 * rarity(other) and rarity(alike_one) >= 0.4 * rarity(one) else 2
    # Each has a word of its own: sisters, unless it is one word of many.
    return 2 if len(alike_one) >= 3 and len(alike_one) >= 0.75 * more else 1


def _slip(one: str, other: str) -> bool:
    """Is a word the other one with a slip, or cut short?"""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) >= 3 and long.startswith(short):
        return True
    if len(short) < 4:
        return False
    return int(OSA.distance(one, other)) <= (1 if len(short) < 8 else 2)


_COMPARE: dict[str, Callable[[PersonColumns, str, Array, Array], Array]] = {
    "given": _names, "family": _names, "birth": _births, "email": _emails, "phone": _codes, "external_id": _codes,
    "postcode": _codes, "number": _codes, "street": _places, "town": _places, "region": _places, "company": _companies,
    "organisation": _organisations,
}  # fmt: skip
