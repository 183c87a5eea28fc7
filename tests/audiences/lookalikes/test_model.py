"""The regression: it finds a known cause, its chances are true, it is the same each time, and it holds up with odd data."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiences.lookalikes import evaluation, model, proof, training
from audiences.lookalikes.model import Model, NoSignal, draw


def people(seed: int, *, cause: float, n: int = 6_000, columns: int = 20, base: float = -2.5) -> tuple[Any, Any, Any]:
    """(matrix, members, true score): three columns are the cause, the rest is noise."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(n, columns)).astype(np.float32)
    score = base + cause * matrix[:, :3].sum(axis=1)
    return matrix, random.random(n) < 1 / (1 + np.exp(-score)), score


def proved(seed: int, *, cause: float) -> tuple[list[evaluation.Lift], list[evaluation.Lift]]:
    """(lifts of a model, lifts of who knows the cause) on people hidden from the model."""
    matrix, members, score = people(seed, cause=cause)
    drawn = draw(np.arange(len(matrix)), seed)
    hidden, calibration = drawn < 0.2, (drawn >= 0.2) & (drawn < 0.36)
    one = np.ones(len(matrix))
    made = model.train(matrix[~hidden], members[~hidden], calibration=calibration[~hidden], weight=one[~hidden])
    tie, sizes = draw(np.arange(hidden.sum()), 9), (3, 7, 10, 15, 20)
    given: dict[str, Any] = {"weight": one[hidden], "tie": tie, "sizes": sizes}
    own = evaluation.lifts(made.score(matrix[hidden]), members[hidden], **given)
    return own, evaluation.lifts(score[hidden], members[hidden], **given)


def test_a_known_cause_is_found_nearly_as_well_as_it_can_be() -> None:
    own, best = zip(*(proved(seed, cause=0.9) for seed in range(8)), strict=True)
    for place in range(5):
        assert sum(lifts[place].lift for lifts in own) >= 0.7 * sum(lifts[place].lift for lifts in best)
    assert all(one.passes for lifts in own for one in lifts[1:])


def test_pure_noise_passes_at_no_size_in_nineteen_of_twenty_runs() -> None:
    passed = [any(one.passes for one in proved(seed, cause=0)[0]) for seed in range(20)]
    assert sum(passed) <= 1


def test_chances_are_true_although_only_a_sample_of_the_others_is_seen() -> None:
    matrix, members, score = people(5, cause=1.0, n=60_000)
    random = np.random.default_rng(1)
    seen = members | (random.random(len(members)) < 0.1)
    weight = np.where(members, 1.0, 10.0)[seen]
    calibration = random.random(seen.sum()) < 0.3
    made = model.train(matrix[seen], members[seen], calibration=calibration, weight=weight)
    chance, true = made.chance(matrix), 1 / (1 + np.exp(-score))
    assert chance.mean() == pytest.approx(members.mean(), rel=0.05)
    for low in np.quantile(chance, (0.2, 0.5, 0.8, 0.95)):
        part = chance >= low
        assert chance[part].mean() == pytest.approx(true[part].mean(), rel=0.12)


def _off(seed: int, *, members: int) -> float:
    """The mean chance of the closest 3 % divided by the true one, of a model that has learnt as from a list of so many."""
    matrix, _drawn, score = people(seed, cause=0.6, n=8_000, base=0.0)
    true = 1 / (1 + np.exp(-(score - np.quantile(score, 1 - members / len(score)) - 1.5)))
    true *= members / true.sum()
    inside = np.random.default_rng(seed).random(len(true)) < true
    share = training.hidden_share(int(inside.sum()))
    drawn = draw(np.arange(len(true)), seed)
    calibration = (drawn >= share) & (drawn < share + (1 - share) * training.CALIBRATION_SHARE)
    learnt = drawn >= share
    made = model.train(
        matrix[learnt], inside[learnt], calibration=calibration[learnt], weight=np.ones(int(learnt.sum()))
    )
    chance = made.chance(matrix)
    closest = np.argsort(-chance)[: len(chance) * 3 // 100]
    return float(chance[closest].mean() / true[closest].mean())


def test_chances_at_the_top_are_true_from_as_many_members_as_they_are_told_for() -> None:
    few, enough = ([_off(seed, members=n) for seed in range(8)] for n in (110, proof.LEAST_FOR_CHANCES))
    assert all(0.7 < one < 1.4 for one in enough), enough
    assert max(few) > 2 * min(few), "of fewer, they are luck"


def test_the_same_people_give_the_same_model_and_it_survives_json() -> None:
    matrix, members, _score = people(2, cause=0.7, n=2_000)
    calibration, weight = draw(np.arange(2_000), 3) < 0.2, np.ones(2_000)
    first = model.train(matrix, members, calibration=calibration, weight=weight)
    again = model.train(matrix.copy(), members.copy(), calibration=calibration, weight=weight)
    assert first == again
    read = Model.of(json.loads(json.dumps({**first.plain(), "columns": []})))
    assert np.array_equal(read.chance(matrix), first.chance(matrix))


def test_columns_without_anything_in_them_do_no_harm() -> None:
    matrix, members, _score = people(3, cause=0.9, n=3_000, columns=6)
    matrix = np.column_stack([matrix, np.full(3_000, 7.0), np.full(3_000, np.nan), matrix[:, 0]]).astype(np.float32)
    matrix[::7, 1] = np.nan
    made = model.train(matrix, members, calibration=draw(np.arange(3_000), 1) < 0.2, weight=np.ones(3_000))
    chance = made.chance(matrix)
    assert np.isfinite(chance).all()
    assert made.scale[6] == made.scale[7] == 0
    assert made.chance(np.full((1, 9), np.nan, dtype=np.float32))[0] == pytest.approx(chance.mean(), abs=0.1)


def test_a_column_that_says_it_all_does_not_overflow() -> None:
    members = np.arange(1_000) % 5 == 0
    matrix = np.column_stack([members, ~members]).astype(np.float32) * 1e6
    made = model.train(matrix, members, calibration=np.arange(1_000) % 3 == 0, weight=np.ones(1_000))
    chance = made.chance(matrix)
    assert chance[members].min() > 0.9 > 0.1 > chance[~members].max()


@pytest.mark.parametrize("members", [np.zeros(50, bool), np.ones(50, bool)])
def test_nobody_or_everybody_is_no_signal(members: Any) -> None:
    with pytest.raises(NoSignal):
        model.train(
            np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32), members,
            calibration=np.arange(50) % 2 == 0, weight=np.ones(50),
        )  # fmt: skip


def test_constant_columns_alone_are_no_signal() -> None:
    with pytest.raises(NoSignal):
        model.train(
            np.ones((50, 2), np.float32), np.arange(50) < 9, calibration=np.arange(50) % 2 == 0, weight=np.ones(50)
        )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, width=32) | st.just(float("nan")), min_size=8, max_size=40), st.integers(0, 99))
def test_any_numbers_give_chances(numbers: list[float], seed: int) -> None:
    matrix = np.array(numbers, dtype=np.float32)[:, None]
    members = draw(np.arange(len(numbers)), seed) < 0.4
    calibration = draw(np.arange(len(numbers)), seed + 1) < 0.3
    try:
        made = model.train(
            matrix, members, calibration=calibration | (np.arange(len(numbers)) == 0), weight=np.ones(len(numbers))
        )
    except NoSignal:
        return
    chance = made.chance(matrix)
    assert ((chance >= 0) & (chance <= 1)).all()
    assert made.slope >= 0


def test_numbers_of_ids_are_even_and_of_the_seed() -> None:
    drawn = draw(np.arange(100_000), 4)
    assert ((drawn >= 0) & (drawn < 1)).all()
    assert np.histogram(drawn, bins=10, range=(0, 1))[0].min() > 9_500
    assert np.array_equal(drawn, draw(np.arange(100_000), 4))
    assert abs(np.corrcoef(drawn, draw(np.arange(100_000), 5))[0, 1]) < 0.02
