"""What mattered, in words; what goes together with what is forbidden."""

from typing import Any

import numpy as np

from audiences.lookalikes import explanation, model
from audiences.lookalikes.features import Column
from tests.audiences.lookalikes.test_features import TODAY, counted


def flag(group: str, words: str) -> Column:
    return Column(group, group, "is", group, words)


def test_the_most_telling_words_of_each_group_with_their_shares() -> None:
    members = np.arange(1_000) < 200
    boots = np.where(members, np.arange(1_000) % 10 < 7, np.arange(1_000) % 10 < 1)
    noise = np.arange(1_000) % 2
    raw = np.column_stack([boots, boots, noise, noise]).astype(np.float32)
    columns = [flag("boots", "Looked at boots"), Column("boots", "b", "log", None, ""), flag("noise", "Noise"),
               flag("weak", "Weak")]  # fmt: skip
    known = model.standard(raw, *model.moments(raw))
    found = explanation.mattered(known, raw, [1.0, 0.5, 2.0, 0.0], members, columns)
    assert found == [{"words": "Looked at boots", "members": 70, "others": 10}]


def test_a_stand_in_for_a_forbidden_field_is_named() -> None:
    gender = ["male", "female"] * 300
    shop: list[Any] = ["Yarn" if g == "female" or i % 5 == 0 else "Tools" for i, g in enumerate(gender)]
    people = counted(600, fields={"gender": gender, "shop": shop, "city": ["Riga", "Riga", "Oslo"] * 200})
    columns = [
        Column("shop", "shop", "is", "yarn", "Shop is Yarn"),
        Column("city", "city", "is", "riga", "City is Riga"),
    ]
    raw = np.column_stack([np.array(shop) == "Yarn", np.arange(600) % 3 < 2]).astype(np.float32)
    traits = {"Gender": [Column("gender", "gender", "is", "female", "Gender is female")]}
    (found,) = explanation.stand_ins(people, raw, columns, traits, today=TODAY)
    assert (found["words"], found["trait"]) == ("Shop is Yarn", "Gender")
    assert 0.6 < found["strength"] < 1


def test_of_few_people_nothing_is_said() -> None:
    people = counted(60, fields={"gender": ["male", "female"] * 30})
    column = Column("x", "x", "is", "x", "X")
    raw = (np.arange(60) % 2).astype(np.float32)[:, None]
    traits = {"Gender": [Column("gender", "gender", "is", "female", "")]}
    assert explanation.stand_ins(people, raw, [column], traits, today=TODAY) == []
