"""Normal forms of e-mails, phones, external IDs and names; e-mails and phones against the libraries they follow."""

import os
import random
import re
import string
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from contacts.values import identifiers, phones
from contacts.values.identifiers import (
    bare_email,
    email_problem,
    external_id_problem,
    name_key,
    normal_email,
    normal_external_id,
    normal_phone,
    phone_problem,
    takes_messages,
)
from contacts.values.texts import AROUND

THOROUGH = os.environ.get("CDP_THOROUGH") == "1"
EMAILS = 100_000 if THOROUGH else 20_000
PHONES = 1_000_000 if THOROUGH else 100_000


# --- e-mail -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("anna@example.com", "anna@example.com"),
        ("  Anna.Schmidt@Example.COM\t", "anna.schmidt@example.com"),
        ("\ufeffanna@example.com\u200b", "anna@example.com"),
        ("\u00a0anna@example.com\u202f", "anna@example.com"),
        ("anna+news@example.com", "anna+news@example.com"),
        ("a.n.n.a@example.com", "a.n.n.a@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("Ännchen@example.com", "Ännchen@example.com"),
        ("JÜRGEN@example.com", "jÜrgen@example.com"),
        ("anna@EXÄMPLE.org", "anna@exämple.org"),
        ("anna@xn--exmple-cua.org", "anna@exämple.org"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
        ("", None),
        ("@", None),
        ("anna", None),
        ("anna@", None),
        ("@example.com", None),
        ("anna@example", None),
        ("anna@localhost", None),
        ("anna@@example.com", None),
        ("anna.@example.com", None),
        (".anna@example.com", None),
        ("an..na@example.com", None),
        ("anna @example.com", None),
        ("anna@exam ple.com", None),
        ("anna@-example.com", None),
        ("anna@example..com", None),
        ("anna@example.com.", None),
        ("anna@192.0.2.1", None),
        ("anna@[192.0.2.1]", None),
        ('"anna b"@example.com', None),
        ("Anna <anna@example.com>", None),
        ("anna@example.com, otto@example.com", None),
        ("a" * 65 + "@example.com", "a" * 65 + "@example.com"),
        ("a" * 243 + "@example.com", None),
        ("anna@" + "e" * 64 + ".com", None),
        ("anna\u0000@example.com", None),
    ],
)
def test_normal_email(text: str, normal: str | None) -> None:
    assert normal_email(text) == normal


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("anna", "not_an_email"),
        ("anna@", "not_an_email"),
        ("anna@example", "email_domain_incomplete"),
        ("anna@example.com, otto@example.com", "several_emails"),
        ("anna@example.com;otto@example.com", "several_emails"),
        ("anna@example.com otto@example.com", "several_emails"),
        ("Anna <anna@example.com>", "email_with_name"),
        ("mailto:anna@example.com", "email_with_name"),
        ("a" * 243 + "@example.com", "email_too_long"),
        ("anna@" + "e." * 130 + "com", "email_too_long"),
    ],
)
def test_email_problem(text: str, code: str) -> None:
    assert normal_email(text) is None
    assert email_problem(text) == code


def test_email_is_its_own_normal_form() -> None:
    for text in ("Anna@Example.com", "JÜRGEN@EXÄMPLE.org", "x+y@a-b.example.org"):
        normal = normal_email(text)
        assert normal is not None
        assert normal_email(normal) == normal


def test_emails_agree_with_email_validator() -> None:
    differences = []
    for text in _emails(random.Random(20), EMAILS):
        if normal_email(text) != _expected_email(text):
            differences.append((text, normal_email(text), _expected_email(text)))
    assert not differences


def test_emails_agree_when_domains_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identifiers, "_DOMAINS_KEPT", 3)
    for text in _emails(random.Random(21), 300):
        assert normal_email(text) == _expected_email(text)
    assert len(identifiers._domains) <= 3


def _expected_email(text: str) -> str | None:
    """What email-validator says of the trimmed text, with ASCII letters of the local part in lower case.

    But signs that only become ASCII (a KELVIN SIGN, a full-width domain) are refused.
    """
    around = AROUND
    before, _at, domain = text.strip(around).rpartition("@")
    if "\u212a" in before or any(not c.isascii() and unicodedata.normalize("NFKC", c).isascii() for c in domain):
        return None
    try:
        found = validate_email(text.strip(around), check_deliverability=False)
    except EmailNotValidError:
        return None
    local = "".join(c.lower() if c in string.ascii_uppercase else c for c in found.local_part)
    return f"{local}@{found.domain}"


LOCALS = (
    "anna", "Anna.Schmidt", "info+news", "o'brien", "j_k-l", "ännchen", "олена", "用户", "a", "x" * 63, "x" * 64, "x" * 65,
    "{curly}", "what?", "a/b", '"quoted"', "A" * 30, "é", "e\u0301", "ﬁ",
)  # fmt: skip
DOMAINS = (
    "example.com", "Example.ORG", "mail.example.net", "exämple.com", "xn--exmple-cua.com", "приклад.укр", "例え.jp",
    "a-b.example.com", "a--b.example.com", "1.example.com", "example.co.uk", "localhost", "example", "192.0.2.1",
    "[192.0.2.1]", "[IPv6:2001:db8::1]", "exam_ple.com", "e" * 63 + ".com", "e" * 64 + ".com", "example.c", "example.1",
    "sub." * 48 + "example.com", "sub." * 61 + "example.com", "example.test", "example.local", "EXÄMPLE.com", "faß.de",
    "ex。ample.com", "ｅxample.com", "example.com.",
)  # fmt: skip
ODD = " .@+-_'\"<>()[],;:\\/|!#$%&*=?^`{}~\t\n\r\x00\x1f\x7f\u00a0\u00ad\u200b\u200d\u202e\ufeff\u0301ÄßİıΣς。．＠"


def _emails(rng: random.Random, n: int) -> Iterator[str]:
    letters = string.ascii_letters + string.digits
    for _ in range(n):
        local = rng.choice((rng.choice(LOCALS), "".join(rng.choices(letters + "._+-'", k=rng.randrange(1, 16)))))
        domain = rng.choice(
            (rng.choice(DOMAINS), "".join(rng.choices(letters, k=rng.randrange(1, 9))) + ".example.com")
        )
        text = list(f"{local}@{domain}")
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            at = rng.randrange(len(text) + 1)
            change = rng.randrange(4)
            if change == 0:
                text.insert(at, rng.choice(ODD))
            elif change == 1 and len(text) > 1:
                del text[min(at, len(text) - 1)]
            elif change == 2:
                text.insert(at, rng.choice(letters))
            else:
                text[min(at, len(text) - 1)] = rng.choice(ODD + letters)
        yield (
            rng.choice(("", "", "", " ", "\ufeff", "\u200b\t"))
            + "".join(text)
            + rng.choice(("", "", "", " ", "\u00a0"))
        )


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("'jane@example.com'", "jane@example.com"),
        ('"jane@example.com"', "jane@example.com"),
        ("“jane@example.com”", "jane@example.com"),
        ("a4@example.com;", "a4@example.com"),
        ("a4@example.com, ", "a4@example.com"),
        ("a4@example.com.", "a4@example.com"),
        ("Jane <jane@example.com>", "jane@example.com"),
        ('"Doe, Jane" <jane@example.com>;', "jane@example.com"),
        ("jane@example.com <Jane@example.com>", "Jane@example.com"),
        ("<jane@example.com>", "jane@example.com"),
        ("mailto:jane@example.com", "jane@example.com"),
        ("MAILTO:jane@example.com?subject=Hello", "jane@example.com"),
        ("<mailto:jane@example.com>", "jane@example.com"),
        ("jane@example.com", "jane@example.com"),
        ("o'hara@example.com", "o'hara@example.com"),
    ],
)
def test_addresses_as_other_programs_leave_them(cell: str, address: str) -> None:
    assert bare_email(cell) == address
    assert normal_email(address) is not None


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("a@example.com; b@example.com", "several_emails"),
        ("Jane <a@example.com>, Bob <b@example.com>", "several_emails"),
        ("bob@example.com <jane@example.com>", "several_emails"),
        ("Jane", "not_an_email"),
        ("<>", "email_with_name"),
        ("x" * 5_000, "not_an_email"),
    ],
)
def test_of_several_addresses_none_is_chosen(cell: str, code: str) -> None:
    assert normal_email(bare_email(cell)) is None
    assert email_problem(cell) == code


LABELS = st.sampled_from(["ü", "müller", "b" * 30, "日本語", "ж" * 20, "example", "straße", "é" * 40])


@given(st.integers(1, 66), st.lists(LABELS, min_size=1, max_size=12), st.sampled_from(["com", "рф", "de"]))
def test_the_fast_way_agrees_on_lengths_of_international_domains(local: int, labels: list[str], top: str) -> None:
    address = f"{'a' * local}@{'.'.join([*labels, top])}"
    normal_email(f"x@{'.'.join([*labels, top])}")  # the domain is remembered now
    assert normal_email(address) == identifiers._thorough(address)


# --- phone ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "region", "normal"),
    [
        ("+44 7911 123456", None, "+447911123456"),
        ("+44 (0)7911 123456", None, "+447911123456"),
        ("07911 123456", "GB", "+447911123456"),
        ("07911 123456", None, None),
        ("0151 2345 6789", "DE", "+4915123456789"),
        ("00 49 151 23456789", "DE", "+4915123456789"),
        ("+39 06 698 12345", None, "+390669812345"),
        ("06 698 12345", "IT", "+390669812345"),
        ("+１ ６５０ ２５３ ００００", None, "+16502530000"),
        ("650-253-0000 ext. 12", "US", "+16502530000;ext=12"),
        ("tel:+1-650-253-0000;ext=7", None, "+16502530000;ext=7"),
        ("1-800-FLOWERS", "US", None),
        ("442079460018.0", "GB", "+442079460018"),
        ("+442079460018.00", None, "+442079460018"),
        ("4.42079460018E+11", "GB", "+442079460018"),
        ("+44 20 7946 0018 (home)", None, "+442079460018"),
        ("+44 20 7946 0018 [work]", None, "+442079460018"),
        ("+44 20 7946 0018 home", None, "+442079460018"),
        ("+44 20 7946 0018 - mobile", None, "+442079460018"),
        ("030 123456 (Anna)", "DE", "+4930123456"),
        ("030 123456 Anna", "DE", "+4930123456"),
        ("030 123456, Büro", "DE", "+4930123456"),
        ("Anna: 030 123456", "DE", "+4930123456"),
        ("Tel. (030) 123456", "DE", "+4930123456"),
        ("Mobile (Anna) 030 123456", "DE", "+4930123456"),
        ("callto:+4930123456", None, "+4930123456"),
        ("'+44 7911 123456'", None, "+447911123456"),
        ("“+44 7911 123456”,", None, "+447911123456"),
        ("+44 7911 123456;", None, "+447911123456"),
        ("030/123456", "DE", "+4930123456"),
        ("030 12AB56", "DE", None),
        ("+44 7911 123456 / +44 7911 123457", None, None),
        ("07911 123456 or 07911 123457", "GB", None),
        ("+1 212 736 5000 x101", None, "+12127365000;ext=101"),
        ("+1 212 736 5000x101", None, "+12127365000;ext=101"),
        ("+1 212 736 5000, ext 101", None, "+12127365000;ext=101"),
        ("+1 212 736 5000 EXTENSION: 101", None, "+12127365000;ext=101"),
        ("+1 212 736 5000 #101", None, "+12127365000;ext=101"),
        ("+1 212 736 5000 (ext. 101)", None, "+12127365000;ext=101"),
        ("+1 212 736 5000 x101 (Anna)", None, "+12127365000;ext=101"),
        ("+12127365000;ext=101", None, "+12127365000;ext=101"),
        ("+12127365000 ext. 101", None, "+12127365000;ext=101"),
        ("030 123456 Durchwahl 12", "DE", "+4930123456;ext=12"),
        ("+7 495 123-45-67 доб. 12", None, "+74951234567;ext=12"),
        ("+33 1 42 68 53 00 poste 12", None, "+33142685300;ext=12"),
        ("+1 212 736 5000 ext 123456789012", None, None),
        ("+52 1 55 1234 5678", None, "+525512345678"),
        ("+5215512345678", None, "+525512345678"),
        ("+52 55 1234 5678", None, "+525512345678"),
        ("044 55 1234 5678", "MX", "+525512345678"),
        ("01 55 1234 5678", "MX", "+525512345678"),
        ("55 1234 5678", "MX", "+525512345678"),
        ("+52 442 123 4567", None, "+524421234567"),
        ("+52 1 55 1234 5678 x5", None, "+525512345678;ext=5"),
        ("+54 9 11 2345-6789", None, "+5491123456789"),
        ("+54 11 2345-6789", None, "+5491123456789"),
        ("011 15-2345-6789", "AR", "+5491123456789"),
        ("11 2345-6789", "AR", "+5491123456789"),
        ("0351 15 234 5678", "AR", "+5493512345678"),
        ("+54 351 234 5678", None, "+5493512345678"),
        ("0800 888 1234", "AR", "+548008881234"),
        ("\u200b+447911123456\ufeff", None, "+447911123456"),
        ("+800 1234 5678", None, "+80012345678"),
        ("4.47911E+11", "GB", None),
        ("4,47911e11", "GB", None),
        ("", "GB", None),
        ("phone", "GB", None),
        ("12", "GB", None),
        ("+44 7911 12345", None, None),
        ("+999 123456789", None, None),
        ("+" * 300, None, None),
    ],
)
def test_normal_phone(text: str, region: str | None, normal: str | None) -> None:
    assert normal_phone(text, region) == normal


@pytest.mark.parametrize(
    ("text", "region", "code"),
    [
        ("4.47911E+11", "GB", "phone_damaged_by_spreadsheet"),
        ("1-800-FLOWERS", "US", "phone_with_letters"),
        ("030 12AB56", "DE", "phone_with_letters"),
        ("+44 7911 123456 / +44 7911 123457", None, "several_phones"),
        ("+44 7911 123456; 07911 123457", "GB", "several_phones"),
        ("+44 7911 123456\n+44 7911 123457", None, "several_phones"),
        ("07911 123456 or 07911 123457", "GB", "several_phones"),
        ("+1 212 736 5000 ext 123456789012", None, "phone_too_long"),
        ("Anna", "DE", "not_a_phone"),
        ("N/A", "DE", "not_a_phone"),
        ("07911 123456 (home)", None, "phone_needs_country"),
        ("1" * 10_000, "GB", "not_a_phone"),
        ("no", "GB", "not_a_phone"),
        ("07911 123456", None, "phone_needs_country"),
        ("+999 123456789", None, "not_a_phone"),
        ("+44 79", None, "phone_too_short"),
        ("+44 7911 1", None, "phone_not_assigned"),
        ("+44 7911 123456789", None, "phone_too_long"),
        ("+1 200 200 0000", None, "phone_not_assigned"),
        ("abc 12", "GB", "not_a_phone"),
    ],
)
def test_phone_problem(text: str, region: str | None, code: str) -> None:
    assert normal_phone(text, region) is None
    assert phone_problem(text, region) == code


@given(
    st.text("+0123456789 ()./-xext#;:=AaÄж'\"[]\u00a0\u200b,", max_size=40),
    st.sampled_from([None, "GB", "MX", "AR", "US"]),
)
def test_what_is_stored_stays_what_it_is(text: str, region: str | None) -> None:
    normal = normal_phone(text, region)
    if normal is None:
        assert phone_problem(text, region)
        return
    assert normal_phone(normal, None) == normal
    assert normal_phone(phones.spoken(normal), None) == normal
    assert normal_phone(phones.as_written(text), region) == normal
    assert takes_messages(normal) == (";ext=" not in normal)
    assert len(normal) <= 40


def test_phones_agree_with_phonenumbers() -> None:
    """Also shows that the list of calling codes with newer numbering plans is up to date."""
    rng = random.Random(30)
    differences = [
        (text, region, normal_phone(text, region), expected)
        for text, region in _phones(rng, PHONES)
        if normal_phone(text, region) != (expected := _expected_phone(text, region))
    ]
    assert not differences


def test_every_beginning_of_a_number_agrees_with_phonenumbers() -> None:
    """Four digits behind every calling code, the rest by chance: finds the plans that one of the libraries has newer."""
    rng, differences = random.Random(31), []
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        lengths = _lengths(code)
        for beginning in range(10_000) if THOROUGH else rng.sample(range(10_000), 150):
            digits = f"{beginning:04}" + "".join(rng.choices(string.digits, k=max(rng.choice(lengths) - 4, 0)))
            text = f"+{code}{digits}"
            if normal_phone(text, None) != _expected_phone(text, None):
                differences.append((text, normal_phone(text, None)))
    assert not differences


def test_listed_beginnings_are_still_needed() -> None:
    """A calling code is asked of the slow library only while the fast one answers otherwise."""
    fast, rng = pytest.importorskip("rphonenumbers"), random.Random(32)
    idle = [
        code
        for code, beginnings in identifiers.SLOW_CODES.items()
        if not any(
            _other_answer(fast, f"+{code}{beginning}" + "".join(rng.choices(string.digits, k=length - len(beginning))))
            for beginning in beginnings
            for length in range(max(len(beginning), 5), 12)
            for _ in range(2000)
        )
    ]
    assert not idle


def test_phones_without_the_fast_library(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = list(_phones(random.Random(33), 500))
    fast = [normal_phone(*n) for n in numbers]
    monkeypatch.setattr(phones, "_fast", None)
    assert [normal_phone(*n) for n in numbers] == fast
    assert phone_problem("+44 79", None) == "phone_too_short"


def _expected_phone(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    national = str(number.national_number)
    if number.country_code == 52 and re.fullmatch("(1|44|45)[0-9]{10}", national):
        number.national_number = int(national[-10:])
    line = phonenumbers.PhoneNumber(54, int(f"9{national}"))
    if number.country_code == 54 and phonenumbers.is_valid_number(line):
        number.national_number = line.national_number
    if not phonenumbers.is_valid_number(number) or re.search("[A-Zⅷ]{2}|ⅷ", text):
        return None  # letters are never dialled
    extension = f";ext={number.extension}" if number.extension else ""
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) + extension


def _other_answer(fast: object, text: str) -> bool:
    library: Any = fast
    try:
        valid = bool(library.is_valid_number(library.parse(text, None)))
    except library.NumberParseException:
        valid = False
    return valid != (_expected_phone(text, None) is not None)


def _lengths(code: int) -> list[int]:
    """How many digits numbers behind a calling code can have."""
    found: set[int] = set()
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
        plan: Any = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        found |= set(plan.general_desc.possible_length)
    return sorted(found)


FULL_WIDTH = str.maketrans(string.digits, "０１２３４５６７８９")
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
Written = Callable[[random.Random, "phonenumbers.PhoneNumber", str], tuple[str, str | None]]
E164, NATIONAL, INTERNATIONAL, RFC3966 = (
    PhoneNumberFormat.E164, PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.RFC3966
)  # fmt: skip
_form = phonenumbers.format_number


def _other_digit(rng: random.Random, text: str) -> str:
    at = rng.randrange(1, len(text))
    return text[:at] + rng.choice(string.digits) + text[at + 1 :]


def _other_tail(rng: random.Random, text: str) -> str:
    keep = rng.randrange(3, len(text))
    return text[:keep] + "".join(rng.choices(string.digits, k=len(text) - keep + rng.choice((-1, 0, 0, 0, 1))))


WRITTEN: tuple[Written, ...] = (
    lambda rng, n, region: (_form(n, E164), None),
    lambda rng, n, region: (_form(n, NATIONAL), region),
    lambda rng, n, region: (_form(n, NATIONAL), rng.choice(REGIONS)),
    lambda rng, n, region: (_form(n, INTERNATIONAL), rng.choice(REGIONS)),
    lambda rng, n, region: (_form(n, RFC3966), None),
    lambda rng, n, region: (_form(n, E164)[1:], region),
    lambda rng, n, region: ("00" + _form(n, E164)[1:], region),
    lambda rng, n, region: (_form(n, E164)[:-1], None),
    lambda rng, n, region: (_form(n, E164) + rng.choice(string.digits), None),
    lambda rng, n, region: (_form(n, NATIONAL) + rng.choice((" ext. 12", ";ext=7", " x5", "#9", " доб. 4")), region),
    lambda rng, n, region: (_form(n, NATIONAL).translate(FULL_WIDTH), region),
    lambda rng, n, region: (str(n.national_number)[:3] + "".join(rng.choices(string.ascii_uppercase, k=6)), region),
    lambda rng, n, region: (_form(n, E164)[:4] + "(0)" + _form(n, E164)[4:], None),
    lambda rng, n, region: ("(0)" + str(n.national_number), region),
    lambda rng, n, region: (rng.choice("()/.-~ⅷ\u00a0\u2060") .join(_form(n, INTERNATIONAL).split(" ")), None),
    lambda rng, n, region: (_other_digit(rng, _form(n, E164)), None),
    lambda rng, n, region: (_other_digit(rng, _form(n, NATIONAL)), region),
    lambda rng, n, region: (_other_tail(rng, _form(n, E164)), None),
    lambda rng, n, region: (_other_tail(rng, _form(n, E164)), None),
    lambda rng, n, region: (_other_tail(rng, _form(n, E164))[1:], region),
)  # fmt: skip


def _phones(rng: random.Random, n: int) -> Iterator[tuple[str, str | None]]:
    """Example numbers of every kind of every region, in every way of writing, until there are n."""
    examples = [
        (number, region)
        for region in REGIONS
        for kind in phonenumbers.PhoneNumberType.values()
        if (number := phonenumbers.example_number_for_type(region, kind))
    ]
    codes = phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
    examples += [(number, "GB") for code in codes if (number := phonenumbers.example_number_for_non_geo_entity(code))]
    done = 0
    while done < n:
        for number, region in examples:
            for written in WRITTEN:
                yield written(rng, number, region)
        done += len(examples) * len(WRITTEN)


# --- external ID ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("C-00042", "C-00042"),
        ("  42\u200b", "42"),
        ("007", "007"),
        ("abcDEF", "abcDEF"),
        ("e\u0301", "\u00e9"),
        ("a b", "a b"),
        ("ID-0", "ID-0"),
        ("x" * 128, "x" * 128),
        ("x" * 129, None),
        ("", None),
        ("\ufeff ", None),
        ("NULL", None),
        ("n/a", None),
        ("None", None),
        ("undefined", None),
        ("-", None),
        ("0", None),
        ("0000", None),
        ("00000000-0000-0000-0000-000000000000", None),
        ("#N/A", None),
        ("a\tb", None),
        ("a\x00b", None),
        ("a\u202eb", None),
    ],
)
def test_normal_external_id(text: str, normal: str | None) -> None:
    assert normal_external_id(text) == normal


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x" * 129, "external_id_too_long"),
        ("null", "placeholder_id"),
        ("0", "placeholder_id"),
        ("a\tb", "control_character"),
    ],
)
def test_external_id_problem(text: str, code: str) -> None:
    assert external_id_problem(text) == code


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Anna", "anna"),
        ("  Anna   Maria ", "anna maria"),
        ("José", "jose"),
        ("JOSÉ", "jose"),
        ("Jose\u0301", "jose"),
        ("Łukasz", "lukasz"),
        ("Søren", "soren"),
        ("Weiß", "weiss"),
        ("Đorđe", "dorde"),
        ("Þór", "thor"),
        ("Œuvre", "oeuvre"),
        ("İbrahim", "ibrahim"),
        ("Олена", "олена"),
        ("佐藤", "佐藤"),
        ("van der Berg", "van der berg"),
        ("", ""),
    ],
)
def test_name_key(text: str, key: str) -> None:
    assert name_key(text) == key
