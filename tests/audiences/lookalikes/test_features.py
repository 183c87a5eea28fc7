"""Columns of what was counted: which there are, what they say of people, and that nothing known is the mean."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from audiences.lookalikes import features
from audiences.lookalikes.counts import COUNTS, Counted
from audiences.lookalikes.features import Column
from audiences.lookalikes.fields import Field

TODAY = date(2026, 11, 29)


def counted(n: int, **more: Any) -> Counted:
    """People who did nothing; `more` are columns of counts, sets and fields."""
    counts = {key: np.zeros(n, dtype=np.float32) for key in COUNTS}
    counts |= {key: np.array(value, dtype=np.float32) for key, value in more.items() if key in COUNTS}
    sets = {key: np.array(more.get(key, [0] * n), dtype=np.int64) for key in ("pages", "names")}
    return Counted(np.arange(n), counts, sets, more.get("fields", {}))


def encoded(people: Counted, *columns: Column) -> list[Any]:
    return list(features.encode(people, columns, today=TODAY).T.tolist())


def column(kind: str, key: str, value: Any = None) -> Column:
    return Column("group", key, kind, value, "words")


NAN = pytest.approx(float("nan"), nan_ok=True)


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (column("at_least", "views_30", 2), [0, 1, 1]),
        (column("within", "seen", 7), [1, 1, 0]),
        (column("set", "pages", 2), [0, 1, 0]),
        (column("is", "city", "riga"), [1, 1, NAN]),
        (column("has", "tags", "b"), [1, 0, NAN]),
        (column("above", "size", 40), [1, 0, NAN]),
        (column("older", "born", 35), [1, 0, NAN]),
    ],
    ids=lambda one: one.kind if isinstance(one, Column) else "",
)
def test_what_a_column_says_of_people(made: Column, wanted: list[Any]) -> None:
    people = counted(
        3, views_30=[1, 2, 9], seen=[0.5, 7, 9_999], pages=[0b10, 0b110, 0],
        fields={
            "city": ["Riga", "RIGA", None], "tags": ['["a", "b"]', "[]", None], "size": ["42", "39.5", None],
            "born": ["1980-01-01", "2001-12-31", "--05-31"],
        },
    )  # fmt: skip
    assert encoded(people, made) == [wanted]


def test_logarithms_and_text_that_is_no_number() -> None:
    people = counted(2, views_30=[0, 9], fields={"size": ["-9", "many"]})
    assert encoded(people, column("log", "views_30"))[0] == pytest.approx([0, np.log(10)])
    assert encoded(people, column("number", "size"))[0] == [pytest.approx(-np.log(10)), NAN]


def test_columns_that_hardly_anyone_has_are_not_proposed() -> None:
    people = counted(
        1_000, views_30=[5] * 30 + [0] * 970, orders_365=[1] * 19 + [0] * 981,
        fields={"city": ["Riga"] * 500 + ["Oslo"] * 490 + ["Bern"] * 10},
    )  # fmt: skip
    fields = [Field("city", "City", "value")]
    found = features.propose(people, fields, pages=["/a"], names=[], without_orders=False, today=TODAY)
    words = {one.words for one in found}
    assert "Viewed a page in the last 30 days" in words
    assert "City is Riga" in words
    assert not {one for one in words if "Ordered" in one or "Bern" in one or "/a" in one}


def test_orders_are_nothing_to_learn_from_before_the_first_order() -> None:
    people = counted(100, orders_365=[1] * 50 + [0] * 50)
    assert features.propose(people, [], pages=[], names=[], without_orders=True, today=TODAY) == []
    assert features.propose(people, [], pages=[], names=[], without_orders=False, today=TODAY) != []


def test_what_defines_the_list_is_named() -> None:
    members = np.arange(10_000) < 1_000
    matrix = np.column_stack([members, np.arange(10_000) < 1_100]).astype(np.float32)
    only, also = column("at_least", "views_30", 1), column("at_least", "views_7", 1)
    assert features.defining(matrix, members, [only, also]) == [only]
