"""Google's normal forms, by the cases of its pages and of what its own helpers do otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destinations.google.normalize import identifiers, normal_email, postal_code
from destinations.normal_forms import Person, sha256


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Anna.Berg@Example.COM", "anna.berg@example.com"),
        ("user.name+NYC@Example.com", "user.name+nyc@example.com"),
        ("Cloudy.SanFrancisco+shopping@gmail.com", "cloudysanfrancisco@gmail.com"),
        ("j.a.n.e+x+y@GoogleMail.com", "jane@googlemail.com"),  # the domain stays
        ("anna.berg@gmail.com.example.com", "anna.berg@gmail.com.example.com"),
        ("anna.berg@mail.gmail.com", "anna.berg@mail.gmail.com"),
        ("+tag@gmail.com", None),
        ("...@gmail.com", None),
        ("anna", None),
    ],
)
def test_addresses(written: str, normal: str | None) -> None:
    assert normal_email(written) == normal


def test_a_phone_keeps_its_plus() -> None:
    assert [i.normal for i in identifiers(Person(1, phone="+46701740605"))] == ["+46701740605"]
    assert identifiers(Person(1, phone="+12127365000;ext=101")) == []


@pytest.mark.parametrize(
    ("code", "country", "normal"),
    [
        ("94043", "US", "94043"),
        ("94043-1351", "us", "94043"),
        ("940431351", "US", "94043"),
        ("4043", "US", None),  # a zero was lost
        ("94043-", "US", None),
        ("1234-567", "PT", "1234-567"),
        ("00-950", "PL", "00-950"),
        (" SW1A  1AA ", "GB", "SW1A 1AA"),
        ("  ", "SE", None),
    ],
)
def test_postal_codes(code: str, country: str, normal: str | None) -> None:
    assert postal_code(code, country) == normal


def test_an_address_is_one_identifier_whose_names_are_hashed() -> None:
    person = Person(1, first_name="Mrs. Anna", last_name="O’Brien Jr.", country="US", postal_code="94043-1351")
    (address,) = identifiers(person)
    assert address.normal == "anna obrien US 94043"
    assert address.sent == f"{sha256('anna')} {sha256('obrien')} US 94043"


@pytest.mark.parametrize("missing", ["first_name", "last_name", "country", "postal_code"])
@pytest.mark.parametrize("instead", [{}, {"first_name": "."}, {"last_name": " "}, {"postal_code": " "}])
def test_an_address_with_a_part_missing_is_not_sent(missing: str, instead: dict[str, str]) -> None:
    known = {"first_name": "Anna", "last_name": "Berg", "country": "SE", "postal_code": "111 22"}
    assert len(identifiers(Person(1, **known))) == 1
    assert identifiers(Person(1, **{key: value for key, value in (known | instead).items() if key != missing})) == []


@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), min_size=11, max_size=11))
def test_whatever_is_stored_nothing_leaves_but_hashes_countries_and_postal_codes(values: list[str | None]) -> None:
    for one in identifiers(Person(1, *values)):
        parts = one.sent.split(" ", 2)
        for digest in parts[:2]:
            assert len(digest) == 64
            assert set(digest) <= set("0123456789abcdef")
        assert (len(parts) == 1) is (one.kind != "address")
