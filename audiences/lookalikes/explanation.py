"""What mattered to a model, in words with figures, and which of it goes together with traits that are forbidden. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from audiences.lookalikes.counts import Counted
from audiences.lookalikes.features import Column, encode
from audiences.lookalikes.model import Flags, Floats

MOST = 8
# From this correlation on, what a model uses is named as a stand-in for a forbidden trait; of so many people at least.
# Percentage points that members and others are apart at least, for something to be named.
LEAST_APART = 3
# So far apart in log odds the score has to move them.
LEAST_MOVED = 0.03
STRONG, LEAST_KNOWN = 0.25, 100


def mattered(
    known: Floats, raw: Floats, weights: Sequence[float], members: Flags, columns: Sequence[Column]
) -> list[dict[str, Any]]:
    """The things by which the score tells members and others apart most, each as {"words", "members", "others"}: the shares,
    in percent, of those who have it. `known` are the standardised columns, `raw` the same as they were counted."""
    groups: dict[str, list[int]] = {}
    for place, column in enumerate(columns):
        groups.setdefault(column.group, []).append(place)
    own = np.asarray(weights, dtype=np.float32)
    found = []
    for places in groups.values():
        moved = known[:, places] @ own[places]
        moves = float(moved[members].mean() - moved[~members].mean())
        said = [place for place in places if columns[place].words]
        if moves < LEAST_MOVED or not said:
            continue
        shares = {place: (_percent(raw[members, place]), _percent(raw[~members, place])) for place in said}
        best = max(said, key=lambda place: abs(shares[place][0] - shares[place][1]))
        if abs(shares[best][0] - shares[best][1]) < LEAST_APART:
            continue
        found.append((moves, {"words": columns[best].words, "members": shares[best][0], "others": shares[best][1]}))
    found.sort(key=lambda one: (-one[0], one[1]["words"]))
    return [said for _moves, said in found[:MOST]]


def stand_ins(
    people: Counted, raw: Floats, columns: Sequence[Column], traits: Mapping[str, Sequence[Column]], *, today: date
) -> list[dict[str, Any]]:
    """What is used although it goes together with something forbidden: {"words", "trait", "strength"}, the strongest first.
    `traits`: columns of each forbidden field, by its label; they are looked at here and nowhere else."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for label, own in traits.items():
        forbidden = encode(people, own, today=today)
        for place, column in enumerate(columns):
            if not column.words:
                continue
            strength = max((_together(raw[:, place], forbidden[:, i]) for i in range(len(own))), default=0.0)
            key = (column.group, label)
            if strength >= STRONG and strength > found.get(key, {"strength": 0})["strength"]:
                found[key] = {"words": column.words, "trait": label, "strength": round(strength, 2)}
    return sorted(found.values(), key=lambda one: -one["strength"])[:MOST]


def _together(a: Floats, b: Floats) -> float:
    both = ~(np.isnan(a) | np.isnan(b))
    if both.sum() < LEAST_KNOWN:
        return 0.0
    x, y = a[both].astype(np.float64), b[both].astype(np.float64)
    if x.std() < 1e-9 or y.std() < 1e-9:
        return 0.0
    return float(abs(np.corrcoef(x, y)[0, 1]))


def _percent(column: Floats) -> int:
    known = column[~np.isnan(column)]
    return round(100 * float(known.mean())) if len(known) else 0
