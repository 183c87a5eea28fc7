"""A logistic regression in numpy: fitted with a penalty on large weights, calibrated on people it has not seen. Pure.

A model is written as JSON, so that anybody can read what it knows. Results depend on the arguments alone.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int64]

# Penalties that are tried; the one that foretells the people for calibration best is taken.
PENALTIES = (1.0, 10.0, 100.0, 1000.0)
MOST_STEPS, CLOSE = 50, 1e-6
# Rows whose products are summed at once: what the fit holds beside the matrix stays small.
BLOCK = 8_192


class NoSignal(ValueError):
    """Nothing tells members and others apart: no column differs."""


@dataclass(frozen=True)
class Model:
    """`mean` and `scale` standardise the columns of a matrix; `weights` and `bias` make a score of them; `slope` and
    `offset` make the score a chance. A column that is constant has the weight 0."""

    mean: list[float]
    scale: list[float]
    weights: list[float]
    bias: float
    slope: float
    offset: float
    penalty: float

    def score(self, matrix: Floats) -> Floats:
        """The log odds of each row of a matrix of people and columns (shape n × k), not calibrated. NaN, which is unknown,
        counts as the mean."""
        return _score(standard(matrix, self.mean, self.scale), np.asarray(self.weights), self.bias)

    def chance(self, matrix: Floats) -> Floats:
        """The chance of each row to be a member of the list, from 0 to 1."""
        return _sigmoid(self.slope * self.score(matrix) + self.offset)

    def plain(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Model":
        return cls(**{name: stored[name] for name in cls.__dataclass_fields__})


def train(matrix: Floats, members: Flags, *, calibration: Flags, weight: Floats) -> Model:
    """A model of who is a member, from rows of which those in `calibration` only calibrate. `weight`: how many people a row
    stands for, since of the others only a sample is looked at. Raises NoSignal."""
    fitting = ~calibration
    mean, scale = moments(matrix[fitting])
    if not np.any(scale > 0) or not members[fitting].any() or members[fitting].all():
        raise NoSignal
    known = standard(matrix, mean, scale)
    y, own = members[fitting].astype(np.float64), known[fitting]
    held, hidden, share = known[calibration], members[calibration].astype(np.float64), weight[calibration]
    tried = []
    weights: Floats = np.zeros(matrix.shape[1])
    bias = 0.0
    for penalty in sorted(PENALTIES, reverse=True):  # each begins where the stronger one ended
        weights, bias = fit(own, y, penalty=penalty, start=(weights, bias))
        slope, offset = platt(_score(held, weights, bias), hidden, share)
        loss = _loss(_sigmoid(slope * _score(held, weights, bias) + offset), hidden, share)
        tried.append((loss, -penalty, weights, bias, slope, offset))
    _best, penalty, weights, bias, slope, offset = min(tried, key=lambda one: one[:2])
    offset = level(
        slope * _score(known, weights, bias), offset, of=float(np.average(members, weights=weight)), weight=weight
    )
    return Model(
        _plain(mean), _plain(scale), _plain(weights), float(bias), float(slope), float(offset), -float(penalty)
    )  # fmt: skip


def fit(known: Floats, y: Floats, *, penalty: float, start: tuple[Floats, float]) -> tuple[Floats, float]:
    """Weights and bias by Newton's method: the least of the loss, plus half the penalty times the squares of the weights."""
    beta = np.append(np.asarray(start[0], dtype=np.float64), start[1])
    ridge = np.append(np.full(known.shape[1], penalty), 1e-6)
    loss = _penalised(known, y, beta, ridge)
    for _ in range(MOST_STEPS):
        gradient, curve = _derivatives(known, y, beta)
        step = np.linalg.solve(curve + np.diag(ridge), gradient - ridge * beta)
        length = 1.0
        while (reached := _penalised(known, y, beta + length * step, ridge)) > loss * (1 + CLOSE) and length > 0.01:
            length /= 2
        beta = beta + length * step
        if loss - reached < CLOSE * max(1.0, abs(loss)):
            break
        loss = reached
    return beta[:-1], float(beta[-1])


def platt(score: Floats, y: Floats, weight: Floats) -> tuple[float, float]:
    """(slope, offset) that make chances of scores, for people of whom each row stands for `weight`. The slope is never
    below 0: where the scores mean nothing, all have the same chance."""
    prior = float(np.clip(np.average(y, weights=weight), 1e-9, 1 - 1e-9))
    slope, offset = 1.0, float(np.log(prior / (1 - prior)))
    total = float(weight.sum())
    # Weights that add up to the number of rows, and a little trust in slope 1, so that few rows cannot bend it away.
    share = weight * (len(weight) / total)
    for _ in range(MOST_STEPS):
        p = _sigmoid(slope * score + offset)
        rest, w = share * (y - p), share * p * (1 - p)
        g0, g1 = float((rest * score).sum()) - (slope - 1.0), float(rest.sum())
        h00, h01, h11 = float((w * score * score).sum()) + 1.0, float((w * score).sum()), float(w.sum()) + 1e-9
        det = h00 * h11 - h01 * h01
        if det <= 1e-12:
            break
        d0, d1 = (h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det
        size = max(abs(d0), abs(d1))
        if size > 4:
            d0, d1 = d0 * 4 / size, d1 * 4 / size
        slope, offset = slope + d0, offset + d1
        if size < CLOSE:
            break
    if slope <= 0:
        return 0.0, float(np.log(prior / (1 - prior)))
    return slope, offset


def level(score: Floats, offset: float, *, of: float, weight: Floats) -> float:
    """The offset with which the mean chance of people is `of`, their share of members: known of all, not of a part."""
    for _ in range(MOST_STEPS):
        p = _sigmoid(score + offset)
        slope = max(float(np.average(p * (1 - p), weights=weight)), 1e-9)
        step = float(np.clip((of - np.average(p, weights=weight)) / slope, -1, 1))
        offset += step
        if abs(step) < CLOSE:
            break
    return offset


def moments(matrix: Floats) -> tuple[Floats, Floats]:
    """(mean, scale) of columns, of what is known; a scale of 0 says that a column is constant."""
    count = np.maximum((~np.isnan(matrix)).sum(axis=0), 1)
    mean = np.nansum(matrix, axis=0, dtype=np.float64) / count
    square = np.zeros(matrix.shape[1])
    for at in range(0, len(matrix), BLOCK):
        square += np.nansum((matrix[at : at + BLOCK] - mean) ** 2, axis=0)
    scale = np.sqrt(square / count)
    return mean, np.where(scale < 1e-9, 0.0, scale)


def standard(matrix: Floats, mean: Sequence[float] | Floats, scale: Sequence[float] | Floats) -> Floats:
    """Columns with mean 0 and scale 1; 0 where nothing is known and where a column is constant."""
    spread = np.asarray(scale, dtype=np.float32)
    known = (matrix.astype(np.float32) - np.asarray(mean, dtype=np.float32)) / np.where(spread > 0, spread, 1)
    known[:, spread == 0] = 0
    np.nan_to_num(known, copy=False, nan=0.0)
    return np.clip(known, -8, 8, out=known)


def draw(ids: Ids, seed: int) -> Floats:
    """A number from 0 to 1 for each ID, the same whenever it is asked: splitmix64 of the ID and the seed."""
    with np.errstate(over="ignore"):
        x = ids.astype(np.uint64) + np.uint64(seed % 2**32) * np.uint64(0xD1342543DE82EF95)
        x = (x + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) / 2**53


# --- pieces -------------------------------------------------------------------------------------------------------------


def _sigmoid(score: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(score, -60, 60)))


def _score(known: Floats, weights: Floats, bias: float) -> Floats:
    return known @ weights.astype(np.float32) + np.float32(bias)


def _loss(p: Floats, y: Floats, weight: Floats) -> float:
    p = np.clip(p.astype(np.float64), 1e-12, 1 - 1e-12)
    return float(-(weight * (y * np.log(p) + (1 - y) * np.log(1 - p))).sum() / weight.sum())


def _penalised(known: Floats, y: Floats, beta: Floats, ridge: Floats) -> float:
    score = (known @ beta[:-1].astype(np.float32)).astype(np.float64) + beta[-1]
    return float((np.logaddexp(0, score) - y * score).sum() + (ridge * beta * beta).sum() / 2)


def _derivatives(known: Floats, y: Floats, beta: Floats) -> tuple[Floats, Floats]:
    size = len(beta)
    gradient, curve = np.zeros(size), np.zeros((size, size))
    for at in range(0, len(known), BLOCK):
        rows = np.column_stack([known[at : at + BLOCK], np.ones(len(known[at : at + BLOCK]), dtype=np.float32)])
        p = _sigmoid(rows.astype(np.float64) @ beta)
        gradient += rows.T @ (y[at : at + BLOCK] - p)
        curve += rows.T @ (rows * (p * (1 - p)).astype(np.float32)[:, None])
    return gradient, curve


def _plain(values: Floats) -> list[float]:
    return [float(f"{value:.9g}") for value in values]
