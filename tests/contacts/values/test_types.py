"""Types of attributes: what a text becomes, or the code of what is wrong with it."""

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.values import types, vocabulary
from contacts.values.types import AS_STORED, CORE, SYSTEM, TYPES, BadValue, guess_type, parser


def stored(type_key: str, text: str, **settings: Any) -> str:
    """The JSON that a text becomes."""
    return orjson.dumps(parser(type_key, **settings)(text)).decode()


def problem(type_key: str, text: str, **settings: Any) -> str:
    """The code of what is wrong with a text."""
    with pytest.raises(BadValue) as caught:
        parser(type_key, **settings)(text)
    return caught.value.code


@pytest.mark.parametrize(
    ("type_key", "text", "json"),
    [
        ("text", "00420", '"00420"'),
        ("text", 'a "b" \\', '"a \\"b\\" \\\\"'),
        ("text", "x" * 4096, f'"{"x" * 4096}"'),
        ("long_text", "a\nb", '"a\\nb"'),
        ("integer", "42", "42"),
        ("integer", "-42", "-42"),
        ("integer", "+42", "42"),
        ("integer", "0042", "42"),
        ("integer", "0", "0"),
        ("integer", "9223372036854775807", "9223372036854775807"),
        ("integer", "-9223372036854775808", "-9223372036854775808"),
        ("decimal", "12.50", "12.50"),
        ("decimal", "12", "12"),
        ("decimal", "-0.10", "-0.10"),
        ("decimal", "+1.5", "1.5"),
        ("decimal", "007.50", "7.50"),
        ("decimal", "0.1234567890123456789", "0.1234567890123456789"),
        ("decimal", "123456789012345678901234567890.5", "123456789012345678901234567890.5"),
        ("boolean", "yes", "true"),
        ("boolean", "NO", "false"),
        ("date", "2024-05-31", '"2024-05-31"'),
        ("date", "31.05.2024", '"2024-05-31"'),
        ("date", "05/31/2024", '"2024-05-31"'),
        ("date", "31-5-2024", '"2024-05-31"'),
        ("date", "5/5/2024", '"2024-05-05"'),
        ("date", "2024/5/31", '"2024-05-31"'),
        ("date", "2024.05.31", '"2024-05-31"'),
        ("date", "2024-05-31T23:30:00Z", '"2024-05-31"'),
        ("date", "2024-05-31 23:30", '"2024-05-31"'),
        ("date", "2024-02-29", '"2024-02-29"'),
        ("datetime", "2024-05-31T10:00:00Z", '"2024-05-31T10:00:00Z"'),
        ("datetime", "2024-05-31T10:00:00+02:00", '"2024-05-31T08:00:00Z"'),
        ("datetime", "2024-05-31 10:00", '"2024-05-31T10:00:00Z"'),
        ("datetime", "2024-05-31T10:00:00.5Z", '"2024-05-31T10:00:00.500000Z"'),
        ("datetime", "2024-05-31", '"2024-05-31T00:00:00Z"'),
        ("datetime", "31.05.2024", '"2024-05-31T00:00:00Z"'),
        ("email", " Anna@Example.com", '"anna@example.com"'),
        ("phone", "+44 7911 123456", '"+447911123456"'),
        ("url", "https://example.com/a?b=c#d", '"https://example.com/a?b=c#d"'),
        ("url", "example.com", '"https://example.com"'),
        ("url", "HTTP://Example.com", '"HTTP://Example.com"'),
        ("choice", "any text", '"any text"'),
        ("choices", "a| b |a||c", '["a","b","c"]'),
        ("choices", "a", '["a"]'),
        ("choices", "|", "[]"),
        ("country", "GB", '"GB"'),
        ("country", "gb", '"GB"'),
        ("country", "UK", '"GB"'),
        ("country", "DEUTSCHLAND", '"DE"'),
        ("language", "en", '"en"'),
        ("language", "en-GB", '"en"'),
        ("language", "pt_BR", '"pt"'),
        ("language", "Deutsch", '"de"'),
        ("language", "українська", '"uk"'),
    ],
)
def test_stored(type_key: str, text: str, json: str) -> None:
    assert stored(type_key, text) == json


@pytest.mark.parametrize(
    ("type_key", "text", "code"),
    [
        ("text", "x" * 4097, "field_too_long"),
        ("long_text", "x" * 32_769, "field_too_long"),
        ("integer", "forty", "not_an_integer"),
        ("integer", "4.5", "not_an_integer"),
        ("integer", "٤٢", "not_an_integer"),
        ("integer", "1,000", "number_with_comma"),
        ("integer", "1 000", "number_with_comma"),
        ("integer", "9223372036854775808", "number_too_large"),
        ("integer", "12345678901234567890", "not_an_integer"),
        ("decimal", "12,50", "number_with_comma"),
        ("decimal", "1.234,50", "number_with_comma"),
        ("decimal", "1'234.50", "number_with_comma"),
        ("decimal", "€12.50", "number_with_currency"),
        ("decimal", "12.50 USD", "number_with_currency"),
        ("decimal", "12 zł", "number_with_currency"),
        ("decimal", "zero", "not_a_number"),
        ("decimal", "USD", "not_a_number"),
        ("decimal", "1e5", "not_a_number"),
        ("decimal", "NaN", "not_a_number"),
        ("decimal", ".5", "not_a_number"),
        ("decimal", "--5", "not_a_number"),
        ("boolean", "maybe", "not_yes_or_no"),
        ("boolean", "2", "not_yes_or_no"),
        ("date", "05/06/2024", "date_ambiguous"),
        ("date", "2024-02-30", "date_does_not_exist"),
        ("date", "31.04.2024", "date_does_not_exist"),
        ("date", "2023-02-29", "date_does_not_exist"),
        ("date", "0000-01-01", "date_does_not_exist"),
        ("date", "05/31", "date_without_year"),
        ("date", "31.05.24", "date_century_unclear"),
        ("date", "May 31, 2024", "not_a_date"),
        ("date", "2024-05-31 and more", "not_a_date"),
        ("date", "20240531", "not_a_date"),
        ("date", "２０２４-05-31", "not_a_date"),
        ("date", "13.13.2024", "date_does_not_exist"),
        ("datetime", "2024-05-31T25:00:00Z", "date_does_not_exist"),
        ("datetime", "2024-02-30T10:00:00Z", "date_does_not_exist"),
        ("datetime", "0001-01-01T00:00:00+05:00", "date_does_not_exist"),
        ("datetime", "10:00", "not_a_date"),
        ("datetime", "Tomorrow", "not_a_date"),
        ("datetime", "2024-05-31Tea", "not_a_date"),
        ("email", "anna", "not_an_email"),
        ("phone", "07911 123456", "phone_needs_country"),
        ("url", "not an address", "not_a_url"),
        ("url", "javascript:alert(1)", "not_a_url"),
        ("url", "javascript://example.com/%0aalert(1)", "not_a_url"),
        ("url", "ftp://example.com", "not_a_url"),
        ("url", "http://localhost", "not_a_url"),
        ("url", "anna@example.com", "not_a_url"),
        ("url", "https://example.com@example.org", "not_a_url"),
        ("url", "https://exam\nple.com", "not_a_url"),
        ("url", "https://[::1", "not_a_url"),
        ("url", "https://example.com/" + "x" * 2000, "not_a_url"),
        ("choice", "x" * 4097, "field_too_long"),
        ("country", "Narnia", "not_a_country"),
        ("country", "ZZ", "not_a_country"),
        ("country", "Česká", "not_a_country"),
        ("language", "Narnian", "not_a_language"),
        ("language", "-", "not_a_language"),
    ],
)
def test_problems(type_key: str, text: str, code: str) -> None:
    assert problem(type_key, text) == code


def test_there_are_sixteen_types_and_each_has_a_hint() -> None:
    assert len(TYPES) == 16
    assert all(t.key == key and t.label and t.hint for key, t in TYPES.items())


def test_system_attributes_have_known_types() -> None:
    assert all(a.type in TYPES and a.label for a in SYSTEM.values())
    assert not set(SYSTEM) & set(CORE)


# --- settings ---------------------------------------------------------------------------------------------------------


def test_options_are_found_by_id_and_by_label() -> None:
    options = {"s": "Small", "l": "Large"}
    assert stored("choice", "SMALL", options=options) == '"s"'
    assert stored("choice", "L", options=options) == '"l"'
    assert stored("choices", "large|s|small", options=options) == '["l","s"]'
    assert problem("choice", "medium", options=options) == "not_an_option"
    assert problem("choices", "s|medium", options=options) == "not_an_option"


def test_formats_replace_the_guess() -> None:
    assert stored("date", "05/06/2024", formats=("%d/%m/%Y",)) == '"2024-06-05"'
    assert stored("date", "05/06/2024", formats=("%m/%d/%Y", "%d/%m/%Y")) == '"2024-05-06"'
    assert stored("datetime", "31.05.24 14:30", formats=("%d.%m.%y %H:%M",)) == '"2024-05-31T14:30:00Z"'
    assert stored("datetime", "2024-05-31 14:30 +0200", formats=("%Y-%m-%d %H:%M %z",)) == '"2024-05-31T12:30:00Z"'
    assert stored("date", "2024-05-31", formats=("%d/%m/%Y",)) == '"2024-05-31"'
    assert problem("date", "31.05.2024", formats=("%d/%m/%Y",)) == "date_other_format"


def test_phones_use_the_region() -> None:
    assert stored("phone", "07911 123456", region="GB") == '"+447911123456"'


# --- exactness --------------------------------------------------------------------------------------------------------


@given(st.decimals(min_value=Decimal(-(10**20)), max_value=Decimal(10**20), places=6))
def test_decimals_never_pass_through_a_float(number: Decimal) -> None:
    text = f"{number:f}"
    assert Decimal(stored("decimal", text)) == number
    assert stored("decimal", text) == text


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_integers_are_exact(number: int) -> None:
    assert stored("integer", str(number)) == str(number)


@given(st.dates(), st.sampled_from(("{0.day:02}.{0.month:02}.{0.year:04}", "{0.month}/{0.day}/{0.year:04}", "{0}")))
def test_dates_are_read_back_or_said_to_be_ambiguous(day: date, written: str) -> None:
    text, parse = written.format(day), parser("date")
    if written != "{0}" and day.day <= 12 and day.day != day.month:
        with pytest.raises(BadValue) as caught:
            parse(text)
        assert caught.value.code == "date_ambiguous"
        assert day.isoformat() in caught.value.facts.values()
    else:
        assert parse(text) == day.isoformat()


@pytest.mark.parametrize("type_key", AS_STORED)
@given(data=st.data())
def test_short_cut_gives_the_parsers_answer(type_key: str, data: st.DataObject) -> None:
    match, check, quote = AS_STORED[type_key]
    texts = st.one_of(
        st.from_regex(r"\A[+-]?[0-9]{1,32}(\.[0-9]{0,22})?\Z"),
        st.dates().map(str),
        st.datetimes().map(lambda d: d.isoformat(timespec="seconds") + "Z"),
        st.from_regex(r"\A[0-9]{4}-[0-1][0-9]-[0-3][0-9](T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z)?\Z"),
        st.text(max_size=6),
    )
    text = data.draw(texts)
    if not match(text):
        return
    try:
        check(text)
    except ValueError:
        # A year that stands for none is read, but not as it is written.
        if type_key != "birthday" or text[:4] not in ("0000", "0001", "1604"):
            problem(type_key, text)
    else:
        assert stored(type_key, text) == f"{quote}{text}{quote}"


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "yes", "no"),
    [
        ("English", "Yes", "No"), ("German", "Ja", "Nein"), ("French", "Oui", "Non"), ("Spanish", "Sí", "No"),
        ("Italian", "Sì", "No"), ("Portuguese", "Sim", "Não"), ("Dutch", "Ja", "Nee"), ("Polish", "Tak", "Nie"),
        ("Ukrainian", "Так", "Ні"), ("Russian", "Да", "Нет"), ("Latvian", "Jā", "Nē"),
    ],
)  # fmt: skip
def test_yes_and_no(language: str, yes: str, no: str) -> None:
    for form in (str.lower, str.upper, str.title):
        assert stored("boolean", form(yes)) == "true", language
        assert stored("boolean", form(no)) == "false", language


@pytest.mark.parametrize(
    ("yes", "no"),
    [("true", "false"), ("1", "0"), ("on", "off"), ("y", "n"), ("t", "f"), ("wahr", "falsch"), ("vrai", "faux"),
     ("verdadero", "falso"), ("vero", "falso"), ("verdadeiro", "falso"), ("waar", "onwaar"), ("prawda", "fałsz"),
     ("істина", "хибність"), ("истина", "ложь"), ("subscribed", "unsubscribed")],
)  # fmt: skip
def test_true_and_false(yes: str, no: str) -> None:
    assert stored("boolean", yes) == "true"
    assert stored("boolean", no) == "false"


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("DE", "Germany Deutschland Allemagne Alemania Germania Alemanha Duitsland Niemcy Німеччина Германия"),
        ("UA", "Ukraine Україна Украина Ucrania Ucraina Ucrânia Oekraïne Ukraina"),
        ("LV", "Latvia Latvija Lettland Lettonie Letonia Łotwa Латвія Латвия"),
        ("AT", "Österreich Austria Autriche Áustria Oostenrijk Osterreich"),
        ("CI", "CI ci"),
        ("US", "USA us США"),
        ("GB", "UK England GB"),
    ],
)
def test_countries(code: str, names: str) -> None:
    for name in names.split():
        assert stored("country", name) == f'"{code}"', name


@pytest.mark.parametrize(
    ("name", "code"),
    [("United States", "US"), ("united  states", "US"), ("Vereinigtes Königreich", "GB"), ("Países Bajos", "NL"),
     ("Czech Republic", "CZ"), ("Велика Британія", "GB"), ("South Korea", "KR"), ("Stany Zjednoczone", "US")],
)  # fmt: skip
def test_countries_of_several_words(name: str, code: str) -> None:
    assert stored("country", name) == f'"{code}"'


def test_words_for_countries_are_not_shared() -> None:
    assert {vocabulary.country(code.lower()) for code in vocabulary.COUNTRY_CODES} == vocabulary.COUNTRY_CODES
    assert set(vocabulary.BOOLEANS.values()) == {True, False}


# --- the guess of a type ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "type_key"),
    [
        ([], "text"),
        (["", " "], "text"),
        (["yes", "no"], "boolean"),
        (["1", "0"], "boolean"),
        (["1", "0", "2"], "integer"),
        (["1", "2.5"], "decimal"),
        (["0123", "4567"], "text"),
        (["2024-05-31", ""], "date"),
        (["2024-05-31T10:00:00Z"], "date"),
        (["anna@example.com"], "email"),
        (["https://example.com"], "url"),
        (["example.com"], "text"),
        (["a|b", "c"], "choices"),
        (["Anna", "Otto"], "text"),
    ],
)
def test_guess_type(values: list[str], type_key: str) -> None:
    assert guess_type(values) == type_key


def test_a_guessed_type_reads_its_samples() -> None:
    rng = random.Random(1)
    pools = [
        [str(rng.randrange(10**6)) for _ in range(20)],
        [f"{rng.random():.2f}" for _ in range(20)],
        [(date(2020, 1, 1) + timedelta(days=rng.randrange(2000))).isoformat() for _ in range(20)],
    ]
    for values in pools:
        parse = types.parser(guess_type(values))
        for value in values:
            parse(value)
