"""What all networks have in common: texts without punctuation, hashes, phones of persons."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destinations.normal_forms import (
    Identifier,
    Person,
    bare_email,
    e164,
    first_name,
    hashed,
    last_name,
    letters,
    letters_and_digits,
    sha256,
)


def test_a_hash_is_that_of_the_normal_form_in_utf_8() -> None:
    assert hashed("city", " München ", "münchen") == Identifier(
        "city", " München ", "münchen", hashlib.sha256("münchen".encode()).hexdigest()
    )
    assert sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("O’Brien", "obrien"),
        ("O'Brien", "obrien"),
        ("  Anne -  Marie ", "anne marie"),
        ("Anne-Marie", "annemarie"),
        ("ŁÓDŹ", "łódź"),
        ("Zu\u0308rich", "zürich"),
        ("\u0130zmir", "i\u0307zmir"),
        ("李", "李"),
        ("Иванова", "иванова"),
        ("St. Gallen (SG)", "st gallen sg"),
        ("R2D2", "rd"),
        ("--", ""),
        ("", ""),
    ],
)
def test_letters(written: str, normal: str) -> None:
    assert letters(written) == normal


@pytest.mark.parametrize(("written", "normal"), [("SW1A 1AA", "sw1a1aa"), ("00-950", "00950"), ("١٢", "١٢"), ("-", "")])
def test_letters_and_digits(written: str, normal: str) -> None:
    assert letters_and_digits(written) == normal


@pytest.mark.parametrize(
    ("written", "normal"), [("Mrs. Anna", "anna"), ("Prof. Dr. Anna", "anna"), ("Dr.", "dr"), ("Drago", "drago")]
)
def test_first_names_have_no_title(written: str, normal: str) -> None:
    assert first_name(written) == normal


@pytest.mark.parametrize(
    ("written", "normal"),
    [("Berg Jr.", "berg"), ("Berg, MD, PhD", "berg"), ("Sr", "sr"), ("van der Berg", "van der berg")],
)
def test_last_names_have_no_suffix(written: str, normal: str) -> None:
    assert last_name(written) == normal


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("+46701740605", "+46701740605"),
        ("+12127365000;ext=101", None),
        ("0701740605", None),
        ("+0701740605", None),
        ("+46 70 174", None),
        ("+1234567890123456", None),
        ("", None),
    ],
)
def test_only_a_phone_of_one_person_is_sent(stored: str, said: str | None) -> None:
    assert e164(stored) == said


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (" Anna.Berg@Example.COM ", "anna.berg@example.com"),
        ("anna. berg@example.com", "anna.berg@example.com"),
        ("a@b@example.com", "a@b@example.com"),
        ("anna", None),
        ("@example.com", None),
        ("anna@localhost", None),
        ("", None),
    ],
)
def test_addresses(written: str, normal: str | None) -> None:
    assert bare_email(written) == normal


@given(st.text(max_size=60))
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    for form in (letters, letters_and_digits, first_name, last_name):
        assert form(form(text)) == form(text)


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=40))
def test_the_short_way_for_ascii_says_the_same(text: str) -> None:
    kept = "".join(c for c in text.lower() if c.isspace() or c.isalpha())
    assert letters(text) == " ".join(kept.split())


def test_a_person_needs_nothing_but_a_number() -> None:
    assert set(Person(7)) == {7, None}
