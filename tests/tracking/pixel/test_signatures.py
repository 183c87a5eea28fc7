"""What a site's server signs, and that nothing else passes."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.pixel import signatures

SECRET, OTHER = b"cdps_one", b"cdps_two"
NOW = 1_780_000_000


def test_the_header_is_what_the_docs_say() -> None:
    digest = hmac.new(SECRET, b"1780000000.[]", hashlib.sha256).hexdigest()
    assert signatures.sign_body(b"[]", secret=SECRET, at=NOW) == f"t=1780000000,v1={digest}"


@pytest.mark.parametrize(
    ("seconds", "good"), [(0, True), (300, True), (-300, True), (301, False), (-301, False), (10**9, False)]
)
def test_a_body_is_good_for_minutes(seconds: int, good: bool) -> None:
    header = signatures.sign_body(b"[]", secret=SECRET, at=NOW)
    assert signatures.is_body(header, b"[]", secrets=[OTHER, SECRET], now=NOW + seconds) is good


@pytest.mark.parametrize(
    "header",
    ["", "v1=" + "0" * 64, "t=,v1=" + "0" * 64, f"t={NOW},v1=", f"t={NOW},v1={'0' * 64}", f"t={NOW},v1={'0' * 63}é",
     f"t={'9' * 400},v1={'0' * 64}", "t=1\x00,v1=" + "0" * 64],
)  # fmt: skip
def test_headers_that_are_none(header: str) -> None:
    assert not signatures.is_body(header, b"[]", secrets=[SECRET], now=NOW)


def test_without_a_secret_nothing_is_signed() -> None:
    assert not signatures.is_body(signatures.sign_body(b"", secret=b"", at=NOW), b"", secrets=[], now=NOW)
    names = {"email": "ann@example.com"}
    assert not signatures.is_identity(signatures.sign_identity(names, secret=b""), names, secrets=[])


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_another_body_is_not_signed(body: bytes, other: bytes) -> None:
    header = signatures.sign_body(body, secret=SECRET, at=NOW)
    assert signatures.is_body(header, other, secrets=[SECRET], now=NOW) is (body == other)
    assert not signatures.is_body(header, body, secrets=[OTHER], now=NOW)


NAMES = st.dictionaries(st.sampled_from(["external_id", "email", "phone"]), st.text(min_size=1, max_size=9), min_size=1)


@given(NAMES, NAMES)
def test_other_identifiers_are_not_signed(names: dict[str, str], others: dict[str, str]) -> None:
    try:
        signature = signatures.sign_identity(names, secret=SECRET)
    except ValueError:
        assert any("\n" in value or "\r" in value for value in names.values())
        return
    assert signatures.is_identity(signature, names, secrets=[SECRET])
    assert signatures.is_identity(signature, others, secrets=[SECRET]) is (names == others)


def test_a_value_cannot_pretend_to_be_a_second_identifier() -> None:
    two = {"external_id": "C-1", "email": "ann@example.com"}
    signature = signatures.sign_identity(two, secret=SECRET)
    one = {"external_id": "C-1\nemail=ann@example.com"}
    assert not signatures.is_identity(signature, one, secrets=[SECRET])


def test_a_signature_of_a_body_is_none_of_identifiers() -> None:
    header = signatures.sign_body(b"identify\nemail=ann@example.com", secret=SECRET, at=NOW)
    digest = header.partition("v1=")[2]
    assert not signatures.is_identity(digest, {"email": "ann@example.com"}, secrets=[SECRET])
