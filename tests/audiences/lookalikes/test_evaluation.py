"""Lifts against figures worked out elsewhere, and by counting."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiences.lookalikes import evaluation
from audiences.lookalikes.evaluation import interval, tail


# Published tables of exact intervals, 95 %.
@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
        (50, 100, 0.3983, 0.6017),
    ],
)
def test_exact_intervals(found: int, of: int, low: float, high: float) -> None:
    assert list(interval(found, of)) == pytest.approx([low, high], abs=1e-4)


def test_no_one_hidden_says_nothing() -> None:
    assert interval(0, 0) == (0.0, 1.0)


@given(st.integers(2, 14), st.data())
def test_luck_is_what_counting_all_cases_gives(people: int, data: Any) -> None:
    hidden, opened = data.draw(st.integers(0, people)), data.draw(st.integers(0, people))
    found = data.draw(st.integers(0, min(hidden, opened)))
    cases = sum(
        math.comb(hidden, k) * math.comb(people - hidden, opened - k)
        for k in range(found, min(hidden, opened) + 1)
        if opened - k <= people - hidden
    )
    assert tail(found, opened, hidden, people) == pytest.approx(cases / math.comb(people, opened), rel=1e-9)


def lifts(score: Any, hidden: Any, weight: Any = None, sizes: Any = (10, 20)) -> list[evaluation.Lift]:
    count = len(score)
    return evaluation.lifts(
        np.array(score, float), np.array(hidden, bool), weight=np.ones(count) if weight is None else np.array(weight, float),
        tie=np.linspace(0, 1, count), sizes=sizes,
    )  # fmt: skip


def test_the_closest_are_opened_first() -> None:
    score = np.arange(100)[::-1]
    hidden = np.isin(np.arange(100), [0, 1, 2, 15, 50])
    ten, twenty = lifts(score, hidden)
    assert (ten.found, ten.hidden, ten.expected, round(ten.lift, 9)) == (3, 5, 0.5, 6.0)
    assert (twenty.found, round(twenty.lift, 9)) == (4, 4.0)
    assert ten.low < 6 < ten.high


def test_others_that_stand_for_many_take_their_room() -> None:
    """Of 20 others each stands for 5: ten percent of these 105 people are two of them, or one and five members."""
    score, hidden = np.arange(25)[::-1], np.arange(25) < 5
    (ten,) = lifts(score, hidden, np.where(hidden, 1, 5), sizes=(10,))
    assert ten.found == 5
    (ten,) = lifts(score[::-1], hidden, np.where(hidden, 1, 5), sizes=(10,))
    assert ten.found == 0
    assert not ten.passes


def test_equal_scores_are_ordered_by_the_tie_alone() -> None:
    (ten,) = lifts(np.zeros(100), np.arange(100) >= 90, sizes=(10,))
    assert ten.found == 0
    assert not ten.passes


def test_a_large_lift_of_few_people_is_not_enough() -> None:
    (one,) = lifts(np.arange(100)[::-1], np.isin(np.arange(100), [0, 40, 60]), sizes=(3,))
    assert one.lift > 10
    assert not one.passes


def test_the_curve_begins_at_nothing_and_never_falls() -> None:
    random = np.random.default_rng(1)
    points = evaluation.curve(
        random.normal(size=500), random.random(500) < 0.1, weight=np.ones(500), tie=random.random(500)
    )
    assert points[0] == [0, 0.0]
    assert [percent for percent, _found in points] == list(range(21))
    found = [share for _percent, share in points]
    assert found == sorted(found)
