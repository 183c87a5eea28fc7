"""What a spreadsheet shows for a number: formats that people and programs write, and those that say nothing."""

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imports.workbooks import number_formats
from imports.workbooks.number_formats import compiled

DAY = "45321"  # 30 January 2024


def shown(code: str, number: str, **more: bool) -> str | None:
    found = compiled(code, **more)
    return found.show(Decimal(number)) if found else number


@pytest.mark.parametrize(
    ("code", "number", "text"),
    [
        # Codes with zeros and letters.
        ("00000", "1234", "01234"), ("00000", "1", "00001"), ("00000", "123456", "123456"), ("000000", "0", "000000"),
        ('"K-"0000', "12", "K-0012"), ('"K-"0000', "123456", "K-123456"), ("\\K\\-0000", "12", "K-0012"),
        ('0000"-A"', "7", "0007-A"), ("00000-0000", "12345678", "01234-5678"),
        ("000-00-0000", "1234567", "001-23-4567"),
        ("00 00 00 00 00", "612345678", "06 12 34 56 78"), ("(000) 000-0000", "5551234567", "(555) 123-4567"),
        ("00\\-000", "1234", "01-234"), ('"+"0', "34651234567", "+34651234567"), ("+0", "34651234567", "+34651234567"),
        ("0000 0000 0000 0000", "1234567890123450", "1234 5678 9012 3450"),
        ('"DE"000000000', "12345678", "DE012345678"),
        ("[$-407]00000", "1067", "01067"), ("[<=99999]00000;00000-0000", "1234", "01234"),
        ("[<=99999]00000;00000-0000", "123456789", "12345-6789"),
        ("[<=9999999]###-####;(###) ###-####", "5551234", "555-1234"),
        ("[<=9999999]###-####;(###) ###-####", "2125551234", "(212) 555-1234"), ("0", "12.5", "13"), ("0", "0.4", "0"),
        # Decimals and groups.
        ("0.00", "12.5", "12.50"), ("0.00", "12.005", "12.01"), ("0.00", "-5", "-5.00"), ("0.0", "0.05", "0.1"),
        ("#,##0", "1234567", "1,234,567"), ("#,##0", "999", "999"), ("#,##0", "1000", "1,000"), ("#,##0", "0", "0"),
        ("#,##0.00", "-1234.5", "-1,234.50"), ("#,###", "0", ""), ("#,##0,", "1234567", "1,235"),
        ("0.0,,", "12345678", "12.3"),
        ("0.##", "1.5", "1.5"), ("0.##", "1", "1."), ("#.00", "0.5", ".50"), ("0,000", "12", "0,012"),
        ("0.0?", "1.5", "1.5 "),
        # Per cent, money, units, parts for negative numbers and zero.
        ("0%", "0.125", "13%"), ("0.0%", "0.125", "12.5%"), ("0%", "1", "100%"), ('0.00"%"', "5", "5.00%"),
        ("#,##0.00 €", "1234.5", "1,234.50 €"), ("#,##0.00\\ [$€-407]", "1234.5", "1,234.50 €"),
        ("$#,##0.00", "5", "$5.00"),
        ("[$£-809]#,##0.00", "5", "£5.00"), ("[$USD] 0.00", "5", "USD 5.00"), ('0" kg"', "12", "12 kg"),
        ('0.0\\ "m²"', "12.34", "12.3 m²"), ("0;(0)", "-5", "(5)"), ("0.00;[Red]-0.00", "-5", "-5.00"),
        ("0;-0;-", "0", "-"),
        ('0;-0;"none"', "0", "none"), ('"yes";"no";"open"', "-1", "no"), ('[=1]"yes";[=2]"no";0', "2", "no"),
        ('[=1]"yes";[=2]"no";0', "3", "3"), ('[>=100]"many";"few"', "5", "few"), ('General" kg"', "12.5", "12.5 kg"),
        ("_(* #,##0.00_);_(* (#,##0.00);_(* \"-\"??_);_(@_)", "-1234.5", " (1,234.50)"),
        ('_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-', "12", " 12.00 € "),
        # Fractions.
        ("# ?/?", "1.5", "1 1/2"), ("# ?/?", "3", "3"), ("# ??/??", "0.3125", "5/16"), ("?/?", "1.5", "3/2"),
        ("# ?/8", "0.25", "2/8"),
    ],
)  # fmt: skip
def test_numbers(code: str, number: str, text: str) -> None:
    assert shown(code, number) == text


@pytest.mark.parametrize(
    ("code", "number", "text"),
    [
        ("dd.mm.yyyy", DAY, "30.01.2024"), ("d.m.yy", DAY, "30.1.24"), ("yyyy\\-mm\\-dd", DAY, "2024-01-30"),
        ("dd/mm/yyyy hh:mm", f"{DAY}.5", "30/01/2024 12:00"), ("d mmm yyyy", DAY, "30 Jan 2024"),
        ("mmm yyyy", DAY, "Jan 2024"),
        ("mmmm d, yyyy", DAY, "January 30, 2024"), ("dddd", DAY, "Tuesday"), ("ddd", DAY, "Tue"), ("mmmmm", DAY, "J"),
        ("[$-409]mmmm d, yyyy", DAY, "January 30, 2024"), ("[$-407]dd.mm.yyyy", DAY, "30.01.2024"),
        ("yyyy", DAY, "2024"),
        ("h:mm AM/PM", "0.75", "6:00 PM"), ("h:mm AM/PM", "0", "12:00 AM"), ("hh:mm a/p", "0.25", "06:00 A"),
        ("h:mm", "0.5", "12:00"), ("hh:mm:ss", "0.999988425925926", "23:59:59"), ("mm:ss.0", "0.00123", "01:46.3"),
        ('yyyy"-"mm"-"dd"T"hh:mm:ss', f"{DAY}.7568", "2024-01-30T18:09:48"), ("dd\\.mm\\.yyyy;@", DAY, "30.01.2024"),
        # Lengths of time, beyond a day as well.
        ("[h]:mm", "1.5", "36:00"), ("[h]:mm:ss", "2.0625", "49:30:00"), ("[hh]:mm", "0.125", "03:00"),
        ("[mm]:ss", "0.0625", "90:00"),
        ("[s]", "0.001", "86"), ("[h]:mm:ss", "0.041666666666666664", "1:00:00"), ("[h]", "100", "2400"),
    ],
)  # fmt: skip
def test_dates_and_times(code: str, number: str, text: str) -> None:
    assert shown(code, number) == text


@pytest.mark.parametrize("code", ["General", "general", "@", "", " "])
def test_formats_that_change_nothing(code: str) -> None:
    assert compiled(code) is None


@pytest.mark.parametrize(
    ("code", "number"),
    [
        # What is shown depends on the computer, is in a language that we do not speak, or loses digits.
        ("date", DAY), ("[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", DAY), ("[$-F400]h:mm:ss\\ AM/PM", DAY),
        ("[$-407]d. mmmm yyyy", DAY), ("[$-107041E]dd/mm/yyyy", DAY), ("e", DAY), ("0.00E+00", "12345"),
        ("##0.0E+0", "12345"),
        ("dd.mm.yyyy", "-1"), ("dd.mm.yyyy", "99999999"), ("[h]:mm", "-1"), ('[=1]"yes";[=2]"no"', "3"),
    ],
)  # fmt: skip
def test_formats_that_say_nothing(code: str, number: str) -> None:
    found = compiled(code)
    assert found is not None
    assert found.show(Decimal(number)) is None


@pytest.mark.parametrize(
    ("number", "since_1904", "text"),
    [
        (DAY, False, "2024-01-30"), (f"{DAY}.5", False, "2024-01-30 12:00:00"), ("0.5", False, "12:00:00"),
        ("0", False, "00:00:00"),
        ("1", False, "1900-01-01"), ("59", False, "1900-02-28"), ("60", False, "1900-02-28"),
        ("61", False, "1900-03-01"),
        (DAY, True, "2028-01-31"), ("-1", False, None), ("2958466", False, None),
    ],
)  # fmt: skip
def test_iso(number: str, since_1904: bool, text: str | None) -> None:
    assert number_formats.iso(Decimal(number), since_1904=since_1904) == text


@given(st.integers(0, 10**12), st.integers(1, 12))
def test_zeros_are_those_of_the_format(number: int, places: int) -> None:
    assert shown("0" * places, str(number)) == f"{number:0{places}d}"


@given(st.decimals(-(10**11), 10**11, places=6, allow_nan=False), st.integers(0, 6))
def test_groups_and_places_are_those_of_python(number: Decimal, places: int) -> None:
    from decimal import ROUND_HALF_UP

    rounded = abs(number).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    code = "#,##0" + ("." + "0" * places if places else "")
    assert shown(code, str(number)) == f"{'-' if number < 0 else ''}{rounded:,.{places}f}"


@given(st.datetimes(datetime.datetime(1900, 3, 1), datetime.datetime(9999, 12, 31)))
def test_dates_are_those_of_python(moment: datetime.datetime) -> None:
    moment = moment.replace(microsecond=0)
    since = moment - datetime.datetime(1899, 12, 30)
    number = f"{since.days + since.seconds / 86400:.15g}"
    assert shown("yyyy-mm-dd hh:mm:ss", number) == f"{moment:%Y-%m-%d %H:%M:%S}".rjust(19, "0")


@given(
    st.text(alphabet='0#?.,%/;@"\\_*[]<>=ymdhsE+-AP GeneralR$€1', max_size=25),
    st.decimals(-(10**15), 10**15, allow_nan=False),
)
def test_no_format_fails(code: str, number: Decimal) -> None:
    found = compiled(code)
    if found is not None:
        assert found.show(number) is None or isinstance(found.show(number), str)
