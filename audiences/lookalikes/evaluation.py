"""How much better than chance a model finds people that it has not seen, and whether that is more than luck. Pure.

Some of the members were hidden from the model. They are put among the others, all are ordered by score, and the closest
3 % to 20 % are opened: chance would find 3 % to 20 % of the hidden ones there.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audiences.lookalikes.model import Flags, Floats

# A lift counts as more than luck when luck would give it in fewer than one of a hundred cases: five sizes are looked at, so
# that noise passes at any of them in fewer than five of a hundred.
LOOKS, ALPHA = 5, 0.05
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Lift:
    """Of one size: how many of `hidden` members are in the closest `percent`, how many chance would find, the lift with its
    95 % confidence interval, how probable it is by luck alone, and whether it counts."""

    percent: int
    found: int
    hidden: int
    expected: float
    lift: float
    low: float
    high: float
    luck: float

    @property
    def passes(self) -> bool:
        return self.low > 1 and self.luck < ALPHA / LOOKS

    def plain(self) -> dict[str, Any]:
        return {
            "percent": self.percent, "found": self.found, "hidden": self.hidden, "expected": round(self.expected, 2),
            "lift": round(self.lift, 3), "low": round(self.low, 3), "high": round(self.high, 3),
            "luck": float(f"{self.luck:.3g}"), "passes": self.passes,
        }  # fmt: skip


def lifts(score: Floats, hidden: Flags, *, weight: Floats, tie: Floats, sizes: Sequence[int]) -> list[Lift]:
    """The lift at each size. `hidden`: which rows are members; `weight`: for how many people a row stands; `tie`: a
    number of each row that decides among equal scores, and must know nothing."""
    order = np.lexsort((tie, -score))
    member, share = hidden[order], weight[order]
    return [_lift(percent, member, np.cumsum(share)) for percent in sizes]


def _lift(percent: int, member: Flags, passed: Floats) -> Lift:
    opened = int(np.searchsorted(passed, passed[-1] * percent / 100, side="right"))
    found, hidden = int(member[:opened].sum()), int(member.sum())
    others = opened - found
    low, high = interval(found, hidden)
    luck = tail(found, opened, hidden, len(member))
    share = percent / 100
    return Lift(
        percent, found, hidden, share * hidden, found / hidden / share if hidden else 0.0, low / share, high / share,
        luck if others < len(member) - hidden else 1.0,
    )  # fmt: skip


def curve(score: Floats, hidden: Flags, *, weight: Floats, tie: Floats, most: int = 20) -> list[list[float]]:
    """[percent of people opened, percent of the hidden members found], from 0 to `most`."""
    found = lifts(score, hidden, weight=weight, tie=tie, sizes=range(1, most + 1))
    return [[0, 0.0], *([one.percent, round(100 * one.found / max(one.hidden, 1), 2)] for one in found)]


def interval(found: int, of: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact interval of a share (Clopper and Pearson): (low, high)."""
    if of == 0:
        return 0.0, 1.0
    aside = (1 - confidence) / 2
    low = 0.0 if found == 0 else _solve(lambda p: 1 - _below(found - 1, of, p) - aside)
    high = 1.0 if found == of else _solve(lambda p: aside - _below(found, of, p))
    return low, high


def tail(found: int, opened: int, hidden: int, people: int) -> float:
    """How probable it is that at least `found` of `hidden` members are among `opened` of `people` by chance alone."""
    most = min(opened, hidden)
    if found <= 0:
        return 1.0
    whole = _choose(people, opened)
    logs = [
        _choose(hidden, k) + _choose(people - hidden, opened - k) - whole
        for k in range(found, most + 1)
        if opened - k <= people - hidden
    ]
    return min(1.0, math.fsum(math.exp(one) for one in logs))


def _solve(rises: Any) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rises(middle) < 0 else (low, middle)
    return (low + high) / 2


def _below(most: int, of: int, p: float) -> float:
    """The chance of at most so many of `of`, each with chance p."""
    if p <= 0:
        return 1.0
    if p >= 1:
        return float(most >= of)
    k = np.arange(most + 1)
    logs = np.array([_choose(of, int(i)) for i in k]) + k * math.log(p) + (of - k) * math.log1p(-p)
    return float(min(1.0, np.exp(logs).sum()))


def _choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def plain(report: Sequence[Lift]) -> list[Mapping[str, Any]]:
    """As it is stored."""
    return [one.plain() for one in report]
