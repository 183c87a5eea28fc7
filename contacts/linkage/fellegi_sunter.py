"""What an agreement is worth, in bits: learnt from the workspace's own contacts, without anybody having labelled anything.

Three classes of pairs: one person, one household (name, phone and address as one person, the rest as strangers), strangers.
Colleagues are a household, whose members need no name in common; the name of an organisation is its own and no household's.
`u` says how often strangers show a level, from random pairs; `m` how often one person does, by expectation maximisation
over the pairs that share a key. Equal values are weighed by how rare they are.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from contacts.linkage.comparison import LEVELS, Array, PersonColumns, compare
from contacts.linkage.normalize import FIELDS, TOP, VERSION

RANDOM_PAIRS = 300_000
# The start of `m`, kept as a belief that is worth so many pairs, so that small workspaces do not drift.
EQUAL, NEARLY, BELIEF = 0.7, 0.15, 10.0
ROUNDS, SETTLED = 100, 1e-4
# A model that takes strangers for one person shows it here: their names or birthdays differ too often.
DRIFT = {"given": 0.2, "family": 0.2, "birth": 0.2}
# What a household has in common, and what of it speaks of one place: of those only the strongest each way counts.
SHARED = ("family", "phone", "street", "number", "postcode", "town", "region", "company")
PLACE = ("postcode", "town", "region")
LOG2E = float(np.log2(np.e))
_TOP = np.array([TOP[name] for name in FIELDS])
_SHARED = np.array([name in SHARED for name in FIELDS])
_FAMILY, _COMPANY = FIELDS.index("family"), FIELDS.index("company")
_PLACE = np.array([name in PLACE for name in FIELDS])


@dataclass
class Model:
    """Weights of one workspace. `m`, `u`: (fields, levels); `persons`, `households`: their share of all pairs.

    `rare`: for each field the chance by Good and Turing of a value that so many people have (index: how many).
    """

    m: Array
    u: Array
    persons: float
    households: float
    people: int
    rare: dict[str, list[float]]
    # For each field: how many people have each value (by its number), and how many have any.
    counts: dict[str, Array] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    drifted: bool = False

    @property
    def prior(self) -> float:
        """Bits of a pair of which nothing is known."""
        return float(np.log2(self.persons / max(1 - self.persons - self.households, 1e-12)))


@dataclass
class Scores:
    """Of pairs: bits of each field, what the household takes away, and the sum with the prior."""

    fields: Array
    household: Array
    bits: Array

    @property
    def probability(self) -> Array:
        share: Array = 1 / (1 + np.exp2(-np.clip(self.bits, -60, 60)))
        return share


def start() -> Array:
    """`m` before anything was learnt."""
    m = np.zeros((len(FIELDS), LEVELS))
    for place, top in enumerate(_TOP):
        m[place, 1 : top - 1] = (1 - EQUAL - NEARLY) / (top - 2)
        m[place, top - 1], m[place, top] = NEARLY, EQUAL
    return m


def strangers(columns: PersonColumns, *, seed: int = 7) -> Array:
    """How often two random people show each level below equal: (fields, levels), each line of them adding up to one."""
    random = np.random.default_rng(seed)
    n = len(columns)
    left, right = random.integers(0, n, RANDOM_PAIRS), random.integers(0, n, RANDOM_PAIRS)
    other = left != right
    levels = compare(columns, left[other], right[other])
    shares = np.zeros((len(FIELDS), LEVELS))
    for place, name in enumerate(FIELDS):
        seen = np.bincount(levels[:, place], minlength=LEVELS)[1 : TOP[name]].astype(float) + 0.5
        shares[place, 1 : TOP[name]] = seen / seen.sum()
    shares[FIELDS.index("email")] = _namesakes(columns, shares[FIELDS.index("email")], random)
    return shares


def _with_equal(shares: Array, counts: dict[str, Array]) -> Array:
    """`u`: the shares below equal, with the chance of equal values, which is worked out exactly."""
    u = np.zeros_like(shares)
    for place, name in enumerate(FIELDS):
        known = counts[name].sum()
        equal = float((counts[name] * (counts[name] - 1.0)).sum() / max(known * (known - 1), 1))
        equal = min(max(equal, 1e-9), 0.999)
        u[place] = shares[place] * (1 - equal)
        u[place, TOP[name]] = equal
    return u


def _counts(columns: PersonColumns, name: str) -> Array:
    codes = columns.codes[name]
    return np.bincount(codes[codes >= 0], minlength=len(columns.values[name]))


def _namesakes(columns: PersonColumns, shares: Array, random: np.random.Generator) -> Array:
    """Addresses are made of names: similar ones are judged among people with one name in common, but not both."""
    place, seen = FIELDS.index("email"), np.full(LEVELS, 0.0)
    for name, other in (("given", "family"), ("family", "given")):
        order = np.argsort(columns.codes[name], kind="stable")
        for step in (1, 2, 3):
            a, b = order[:-step], order[step:]
            same = (columns.codes[name][a] == columns.codes[name][b]) & (columns.codes[name][a] >= 0)
            same &= columns.codes[other][a] != columns.codes[other][b]
            chosen = np.flatnonzero(same)
            if len(chosen) > RANDOM_PAIRS // 6:
                chosen = random.choice(chosen, RANDOM_PAIRS // 6, replace=False)
            levels = compare(columns, a[chosen], b[chosen])[:, place]
            seen += np.bincount(levels, minlength=LEVELS)
    top, adjusted = TOP["email"], shares.copy()
    total = seen[1:top].sum()
    if total >= 100:
        among = seen / total
        adjusted[2:top] = np.maximum(adjusted[2:top], among[2:top])
        adjusted[1] = max(1 - adjusted[2:top].sum(), 1e-6)
    return adjusted


def rarities(columns: PersonColumns) -> tuple[dict[str, list[float]], dict[str, Array]]:
    """(chance of a value seen so many times, how often each value is seen), by field.

    For one to five times by Good and Turing: `(r + 1) N(r + 1) / N(r)`. It tells numbers, which nobody shares, from names.
    """
    rare, counts = {}, {}
    for name in FIELDS:
        counts[name] = _counts(columns, name)
        total = max(int(counts[name].sum()), 1)
        of = np.bincount(counts[name], minlength=8).astype(float)
        rare[name] = [
            max((r + 1) * (of[r + 1] + 0.1) / (of[r] + 1), 1e-3) / total
            if 0 < r <= 5 and of[r]
            else max(r, 1e-3) / total
            for r in range(7)
        ]
    return rare, counts


def scale(model: Model, columns: PersonColumns, levels: Array, left: Array) -> Array:
    """log(1/u) of the level of each field of each pair, by the rarity of equal values: an array (pairs, fields)."""
    scaled = np.zeros(levels.shape, dtype=np.float32)
    for place, name in enumerate(FIELDS):
        u = np.append([1.0], model.u[place, 1:])
        chance = u[levels[:, place]]
        equal = np.flatnonzero(levels[:, place] == TOP[name])
        codes = columns.codes[name][left[equal]]
        seen = model.counts[name][codes]
        total = max(model.totals[name], 1)
        few = np.array(model.rare[name])
        chance[equal] = np.where(seen <= 5, few[np.minimum(seen, 6)], seen / total)
        scaled[:, place] = -np.log(np.clip(chance, 1e-12, 1))
    return scaled


def weights(m: Array, levels: Array, scaled: Array) -> Array:
    """Natural logarithms of m/u by field; of the place only the strongest for and the strongest against are left."""
    logs = np.log(np.where(m > 0, m, 1))
    bits = np.where(levels > 0, np.take_along_axis(logs.T, levels, axis=0) + scaled, 0).astype(np.float32)
    place = bits[:, _PLACE]
    best, worst = place.argmax(axis=1), place.argmin(axis=1)
    rows = np.arange(len(place))
    kept = np.zeros_like(place)
    kept[rows, best] = np.maximum(place[rows, best], 0)
    kept[rows, worst] += np.minimum(place[rows, worst], 0)
    bits[:, _PLACE] = kept
    return bits


def _together(bits: Array, levels: Array) -> Array:
    """What a household has in common, of weights by field. Colleagues need no family name in common."""
    shared = bits[:, _SHARED].sum(axis=1)
    colleagues = levels[:, _COMPANY] >= 3
    together: Array = np.where(colleagues, shared - np.minimum(bits[:, _FAMILY], 0), shared)
    return together


def learn(
    columns: PersonColumns,
    levels: Array,
    left: Array,
    *,
    random: Array,
    share: float = 1.0,
    of: PersonColumns | None = None,
) -> Model:
    """Fit to pairs that share a key (a `share` of all such pairs).

    `random` is what `strangers` says; how common and how rare values are is that of the people `of`.
    """
    rare, counts = rarities(of if of is not None else columns)
    n = len(columns)
    totals = {name: int(seen.sum()) for name, seen in counts.items()}
    model = Model(start(), _with_equal(random, counts), 0, 0, n, rare, counts, totals)
    evidence = _Evidence(levels, scale(model, columns, levels, left), share, max(n * (n - 1) / 2, 1))
    _fit(model, evidence)
    if any(model.m[FIELDS.index(name), 1] > most for name, most in DRIFT.items()):
        # What it takes for one person is none: back to the usual weights, from which the shares are estimated again.
        model.m, model.drifted = start(), True
        _fit(model, evidence)
    return model


@dataclass(frozen=True)
class _Evidence:
    """The pairs to learn from: levels, log(1/u), their share of all pairs with a key, and how many pairs there are."""

    levels: Array
    scaled: Array
    share: float
    pairs: float


def _fit(model: Model, evidence: _Evidence) -> None:
    """Expectation maximisation: the shares of the classes, and `m` unless the model has drifted."""
    model.persons = model.households = max(0.05 * model.people / evidence.pairs, 1e-12)
    belief = model.m * BELIEF
    for _round in range(ROUNDS):
        person, household = _responsibilities(model, evidence.levels, evidence.scaled)
        before = model.persons, model.households
        model.persons = max(float(person.sum()) / evidence.share / evidence.pairs, 1e-14)
        model.households = max(float(household.sum()) / evidence.share / evidence.pairs, 1e-14)
        if not model.drifted:
            for place in range(len(FIELDS)):
                seen = np.bincount(evidence.levels[:, place], weights=person, minlength=LEVELS).astype(float)
                seen[0] = 0
                seen += belief[place]
                model.m[place] = seen / seen.sum()
        if _settled(before, (model.persons, model.households)):
            return


def _settled(before: tuple[float, float], after: tuple[float, float]) -> bool:
    return all(abs(b - a) <= SETTLED * max(a, 1e-12) for b, a in zip(before, after, strict=True))


def _responsibilities(model: Model, levels: Array, scaled: Array) -> tuple[Array, Array]:
    bits = weights(model.m, levels, scaled)
    person = np.log(model.persons) + bits.sum(axis=1)
    household = np.log(model.households) + _together(bits, levels)
    stranger = np.log(max(1 - model.persons - model.households, 1e-12))
    most = np.maximum(np.maximum(person, household), stranger)
    parts = [np.exp(x - most) for x in (person, household, np.full_like(most, stranger))]
    total = parts[0] + parts[1] + parts[2]
    return parts[0] / total, parts[1] / total


def score(model: Model, columns: PersonColumns, levels: Array, left: Array) -> Scores:
    """Bits of pairs: the prior, what each field adds, and what the chance of a household takes away."""
    bits = weights(model.m, levels, scale(model, columns, levels, left))
    total = bits.sum(axis=1)
    stranger = np.log(max(1 - model.persons - model.households, 1e-12))
    household = np.logaddexp(stranger, np.log(model.households) + _together(bits, levels)) - stranger
    fields, away = bits * LOG2E, household * LOG2E
    return Scores(fields, away, model.prior + total * LOG2E - away)


def state(model: Model, common: dict[str, dict[str, int]]) -> dict[str, Any]:
    """The model as JSON: with the values that many people have, and how many have them."""
    return {
        "m": model.m.round(6).tolist(), "u": model.u.tolist(), "persons": model.persons, "households": model.households,
        "people": model.people, "rare": model.rare, "totals": model.totals, "drifted": model.drifted, "common": common,
        "version": VERSION,
    }  # fmt: skip


def stored(state: dict[str, Any], columns: PersonColumns) -> Model:
    """The model that `state` has written, for scoring these people; a value that is not common counts as seen once."""
    counts = {
        name: np.array([state["common"][name].get(value, 1) for value in columns.values[name]], dtype=np.int64)
        for name in FIELDS
    }
    parts = (state["persons"], state["households"], state["people"], state["rare"], counts, state["totals"])
    return Model(np.array(state["m"]), np.array(state["u"]), *parts, drifted=state["drifted"])
