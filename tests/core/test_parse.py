"""Numbers as they stand in addresses: nothing that the database could not take, nothing that only looks like a number."""

import pytest

from core.parse import parse_id, parse_ids


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0), ("17", 17), ("007", 7), ("9" * 17, 10**17 - 1), ("9" * 18, None), ("", None), ("-1", None), ("+1", None),
        ("1.0", None), ("1_0", None), (" 1", None), ("١٢", None), ("²", None), ("1\x00", None),
    ],
)  # fmt: skip
def test_whole(text: str, number: int | None) -> None:
    assert parse_id(text) == number


def test_wholes() -> None:
    assert parse_ids(["1", "x", "", "22"]) == [1, 22]
