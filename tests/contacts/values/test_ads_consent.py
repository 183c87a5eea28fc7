"""Ads consent: the words of files, and which of several answers counts."""

from itertools import permutations

import pytest

from contacts.values import ads_consent, types
from contacts.values.parsers import BadValue


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("granted", "granted"), ("GRANTED", "granted"), ("denied", "denied"), ("Agreed to ads", "granted"),
        ("Refused ads", "denied"), ("yes", "granted"), ("No", "denied"), ("1", "granted"), ("0", "denied"),
        ("opted-in", "granted"), ("Opted out", "denied"), ("unspecified", None), ("CONSENT_STATUS_UNSPECIFIED", None),
    ],
)  # fmt: skip
def test_words_of_files(text: str, value: str | None) -> None:
    assert ads_consent.reader()(text) == value
    assert types.parser("consent")(text) == value


@pytest.mark.parametrize("text", ["perhaps", "2026-01-02", "granted denied", ""])
def test_what_is_no_answer_is_an_error(text: str) -> None:
    with pytest.raises(BadValue):
        ads_consent.reader()(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("yes", "denied"), ("no", None), ("2026-01-02", "denied"), ("denied", "denied"), ("granted", "granted")],
)
def test_a_column_of_refusals(text: str, value: str | None) -> None:
    assert ads_consent.reader(refusals=True)(text) == value


def test_strict_rules_take_the_values_alone() -> None:
    read = ads_consent.reader(strict=True)
    assert [read(value) for value in ads_consent.OPTIONS] == list(ads_consent.OPTIONS)
    for text in ("yes", "GRANTED", "opted in"):
        with pytest.raises(BadValue):
            read(text)


def test_the_strictest_answer_counts_in_any_order() -> None:
    for values in permutations(["granted", None, "denied"]):
        assert ads_consent.strictest(values) == "denied"
    for values in permutations(["granted", None]):
        assert ads_consent.strictest(values) == "granted"
    assert ads_consent.strictest([None]) is None
    assert ads_consent.strictest([]) is None
