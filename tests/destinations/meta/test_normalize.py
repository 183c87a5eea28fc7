"""Meta's normal forms, by the cases of its pages and of what its own helpers do otherwise."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destinations.meta.normalize import identifiers
from destinations.normal_forms import Person, sha256


def forms(**known: str) -> dict[str, str]:
    return {one.kind: one.normal for one in identifiers(Person(1, **known))}


@pytest.mark.parametrize(
    ("known", "normal"),
    [
        ({"email": " Jane.Doe+x@Gmail.com "}, {"email": "jane.doe+x@gmail.com"}),  # no dots, no tags are cut
        ({"phone": "+46701740605"}, {"phone": "46701740605"}),
        ({"phone": "+12025550100"}, {"phone": "12025550100"}),
        ({"phone": "+12127365000;ext=101"}, {}),
        ({"city": "München"}, {"city": "münchen"}),
        ({"city": "St. Gallen"}, {"city": "stgallen"}),
        ({"first_name": "李"}, {"first_name": "李"}),
        ({"first_name": "Dr. Valéry"}, {"first_name": "valéry"}),
        ({"last_name": "O'Neill-Berg Jr"}, {"last_name": "oneillberg"}),
        ({"country": "GB"}, {"country": "gb"}),
        ({"gender": "Female"}, {"gender": "f"}),
        ({"gender": "M"}, {"gender": "m"}),
        ({"gender": "divers"}, {}),
        ({"birthday": "1990-01-02"}, {"birth_year": "1990", "birth_month": "01", "birth_day": "02"}),
        ({"birthday": "--05-31"}, {"birth_month": "05", "birth_day": "31"}),
        ({"external_id": " C-004512 "}, {"external_id": "C-004512"}),
        ({"first_name": "..."}, {}),
    ],
)
def test_forms(known: dict[str, str], normal: dict[str, str]) -> None:
    assert forms(**known) == normal


@pytest.mark.parametrize(
    ("code", "country", "normal"),
    [
        ("94035-1351", "US", "94035"),
        ("00-950", "PL", "00950"),
        ("1234-567", "PT", "1234567"),
        ("M1 1AE", "GB", "m11ae"),
        ("111 22", "SE", "11122"),
    ],
)
def test_postal_codes(code: str, country: str, normal: str) -> None:
    assert forms(postal_code=code, country=country)["postal_code"] == normal


@pytest.mark.parametrize(
    ("region", "country", "normal"),
    [
        ("California", "US", "ca"),
        ("CA", "US", "ca"),
        ("New York", "US", "ny"),
        ("District of Columbia", "US", "dc"),
        ("Georgia", "GE", "georgia"),
        ("Bayern", "DE", "bayern"),
        ("Baden-Württemberg", "DE", "badenwürttemberg"),
    ],
)
def test_regions(region: str, country: str, normal: str) -> None:
    assert forms(region=region, country=country)["region"] == normal
    assert forms(region="California")["region"] == "california"


def test_every_value_is_hashed_the_external_id_too() -> None:
    for one in identifiers(Person(1, "a@example.com", "+46701740605", "C-1", "Anna", "Berg", "SE", "11122", "Malmö")):
        assert one.sent == sha256(one.normal)


@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), min_size=11, max_size=11))
def test_whatever_is_stored_each_kind_comes_once_and_none_is_empty(values: list[str | None]) -> None:
    found = identifiers(Person(1, *values))
    kinds = [one.kind for one in found]
    assert len(kinds) == len(set(kinds))
    assert all(one.normal and one.sent == sha256(one.normal) for one in found)
    assert all(a != b for a, b in pairwise(kinds))
