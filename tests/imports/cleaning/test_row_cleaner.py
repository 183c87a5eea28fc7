"""From cells to clean rows: what is kept, what is said, and that the fast way and the thorough way agree."""

import csv
import io
import random
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.values import formula_guard
from imports.cleaning.row_cleaner import Block, Cleaner, CleanRow, Column
from imports.files.reader import Dialect
from imports.problems.catalogue import PROBLEMS, Problem

ROW = (
    "tenant_id", "row_no", "email", "email_written", "phone", "phone_written", "external_id", "first_name", "last_name",
    "first_key", "last_key", "attributes", "cleared", "settings", "event",
)  # fmt: skip
UNESCAPED = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}


def cleaner(header: str, *, types: dict[str, str] | None = None, width: int | None = None, **settings: Any) -> Cleaner:
    """A cleaner for columns named by their targets, separated by spaces."""
    names, kinds = header.split(), types or {}
    options = settings.pop("options", {})
    columns = [Column(i, t, t, kinds.get(t, "text"), options.get(t)) for i, t in enumerate(names)]
    return Cleaner(columns, width=width or len(names), region=settings.pop("region", None), **settings)


def said(found: tuple[CleanRow | None, list[Problem]]) -> list[tuple[int | None, str]]:
    return [(p.column, p.code) for p in found[1]]


def lines(block: Block) -> list[dict[str, Any]]:
    """Staged rows as PostgreSQL would read them."""
    return [_line(line) for line in block.staged.split("\n")[:-1]]


def _line(line: str) -> dict[str, Any]:
    fields = dict(zip(ROW, map(_field, line.split("\t")), strict=True))
    return fields | {"attributes": orjson.loads(fields["attributes"] or "")}


def _field(text: str) -> str | None:
    if text == "\\N":
        return None
    out, i = "", 0
    while i < len(text):
        pair = text[i : i + 2]
        out += UNESCAPED[pair] if text[i] == "\\" else text[i]
        i += 2 if text[i] == "\\" else 1
    return out


def block(of: Cleaner, rows: Sequence[Sequence[str]], *, first_line: int = 2) -> Block:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return of.block(text.getvalue(), first_line=first_line, prefix="7\t", dialect=Dialect())


# --- what becomes of a row --------------------------------------------------------------------------------------------


def test_a_row_with_everything() -> None:
    of = cleaner(
        "email phone external_id first_name last_name city country ltv skip",
        types={"country": "country", "ltv": "decimal"},
    )
    cells = ["Anna@Example.com", "+44 7911 123456", "C-1", "Anna", "Müller", "Köln", "Germany", "12.50", "x"]
    assert lines(block(of, [cells])) == [
        {
            "tenant_id": "7",
            "row_no": "2",
            "email": "anna@example.com",
            "email_written": "Anna@Example.com",
            "phone": "+447911123456",
            "phone_written": "+44 7911 123456",
            "external_id": "C-1",
            "first_name": "Anna",
            "last_name": "Müller",
            "first_key": "anna",
            "last_key": "muller",
            "attributes": {"city": "Köln", "country": "DE", "ltv": 12.5},
            "cleared": None,
            "settings": None,
            "event": None,
        }
    ]
    assert '"ltv":12.50' in block(of, [cells]).staged


def test_written_forms_only_where_they_differ() -> None:
    (line,) = lines(block(cleaner("email phone"), [["anna@example.com", "+447911123456"]]))
    assert (line["email_written"], line["phone_written"]) == (None, None)


def test_long_written_phone_is_cut() -> None:
    phone = "+44" + " " * 80 + "7911 123456"
    (line,) = lines(block(cleaner("phone"), [[phone]]))
    assert line["phone_written"] == phone[:64]


@pytest.mark.parametrize(
    ("header", "cells", "found"),
    [
        ("email", ["anna"], [(0, "not_an_email")]),
        ("email", ["anna@example"], [(0, "email_domain_incomplete")]),
        ("email", ["a@example.com, b@example.com"], [(0, "several_emails")]),
        ("email", ["a" * 250 + "@example.com"], [(0, "email_too_long")]),
        ("phone", ["no"], [(0, "not_a_phone")]),
        ("phone", ["07911 123456"], [(0, "phone_needs_country")]),
        ("phone", ["4.47911E+11"], [(0, "phone_damaged_by_spreadsheet")]),
        ("phone", ["+44 79"], [(0, "phone_too_short")]),
        ("phone", ["+44 7911 123456789"], [(0, "phone_too_long")]),
        ("phone", ["+1 200 200 0000"], [(0, "phone_not_assigned")]),
        ("external_id", ["NULL"], [(0, "placeholder_id")]),
        ("external_id", ["x" * 129], [(0, "external_id_too_long")]),
        ("external_id", ["a\x00b"], [(0, "control_character")]),
        ("email first_name", ["anna@example.com", "An\x07na"], [(1, "control_character")]),
        ("email first_name", ["anna@example.com", "x" * 4097], [(1, "field_too_long")]),
        ("email full_name", ["anna@example.com", "x" * 4097], [(1, "field_too_long")]),
        ("email city", ["anna@example.com", "Lon\u202edon"], [(1, "control_character")]),
        ("email city", ["anna@example.com", "x" * 4097], [(1, "field_too_long")]),
        ("email count", ["anna@example.com", "many"], [(1, "not_an_integer")]),
        ("email count", ["anna@example.com", "9" * 19], [(1, "number_too_large")]),
        ("email ltv", ["anna@example.com", "12,50"], [(1, "number_with_comma")]),
        ("email ltv", ["anna@example.com", "€12"], [(1, "number_with_currency")]),
        ("email ltv", ["anna@example.com", "much"], [(1, "not_a_number")]),
        ("email vip", ["anna@example.com", "perhaps"], [(1, "not_yes_or_no")]),
        ("email birthday", ["anna@example.com", "05/06/2024"], [(1, "date_ambiguous")]),
        ("email birthday", ["anna@example.com", "2024-02-30"], [(1, "date_does_not_exist")]),
        ("email birthday", ["anna@example.com", "soon"], [(1, "not_a_date")]),
        ("email seen", ["anna@example.com", "2024-02-30T10:00:00Z"], [(1, "date_does_not_exist")]),
        ("email size", ["anna@example.com", "medium"], [(1, "not_an_option")]),
        ("email country", ["anna@example.com", "Narnia"], [(1, "not_a_country")]),
        ("email language", ["anna@example.com", "Narnian"], [(1, "not_a_language")]),
        ("email website", ["anna@example.com", "nowhere"], [(1, "not_a_url")]),
        ("email city", ["anna@example.com"], [(None, "too_few_cells")]),
        ("email city", ["anna@example.com", "Köln", "x"], [(None, "too_many_cells")]),
        ("email city", ["", "Köln"], [(None, "no_identifier")]),
        ("email phone", ["anna", "no"], [(0, "not_an_email"), (1, "not_a_phone")]),
        ("email count ltv", ["anna", "x", "y"], [(0, "not_an_email"), (1, "not_an_integer"), (2, "not_a_number")]),
    ],
)
def test_problems(header: str, cells: list[str], found: list[tuple[int | None, str]]) -> None:
    types = {
        "count": "integer", "ltv": "decimal", "vip": "boolean", "birthday": "date", "seen": "datetime", "size": "choice",
        "country": "country", "language": "language", "website": "url",
    }  # fmt: skip
    of = cleaner(header, types=types, options={"size": {"s": "Small"}})
    assert said(of.row(cells)) == found
    assert of.row(cells)[0] is None
    out = block(of, [cells])
    assert [(column, code) for _line, column, code, _value, _severity, _facts in out.issues] == found
    assert out.rejected == [(2, cells)]
    assert (out.staged, out.rows) == ("", 1)
    assert {code for _column, code in found} <= set(PROBLEMS)


def test_options_refuse_other_formats() -> None:
    of = Cleaner(
        [Column(0, "E", "email"), Column(1, "B", "birthday", "date", formats=("%d/%m/%Y",))], width=2, region=None
    )
    assert said(of.row(["anna@example.com", "31.05.2024"])) == [(1, "date_other_format")]
    (line,) = lines(block(of, [["anna@example.com", "05/06/2024"]]))
    assert line["attributes"] == {"birthday": "2024-06-05"}


def test_an_unreadable_identifier_is_reason_enough() -> None:
    assert said(cleaner("email city").row(["anna", "Köln"])) == [(0, "not_an_email")]


def test_rows_without_anything_are_no_rows() -> None:
    of = cleaner("email city")
    out = block(of, [["", ""], [" ", "\u00a0"], ["", "", ""], [" "], ["anna@example.com", ""]])
    assert (out.rows, out.issues, [line["row_no"] for line in lines(out)]) == (1, [], ["6"])


def test_empty_cells_too_many_do_no_harm() -> None:
    out = block(cleaner("email"), [["anna@example.com", "", " "]])
    assert [line["email"] for line in lines(out)] == ["anna@example.com"]


# --- settings ---------------------------------------------------------------------------------------------------------


def test_bad_values_can_be_dropped() -> None:
    of = cleaner("email phone city ltv", types={"ltv": "decimal"}, bad_value="drop")
    out = block(of, [["anna@example.com", "no", "Köln", "much"], ["anna", "no", "Köln", "1"]])
    (line,) = lines(out)
    assert (line["email"], line["phone"], line["attributes"]) == ("anna@example.com", None, {"city": "Köln"})
    assert [(i[0], i[2], i[4]) for i in out.issues] == [
        (2, "not_a_phone", "warning"),
        (2, "not_a_number", "warning"),
        (3, "not_an_email", "error"),
        (3, "not_a_phone", "error"),
    ]
    assert (out.rows, out.staged_count, len(out.rejected)) == (2, 1, 1)


def test_blank_cells_keep_or_clear() -> None:
    cells = ["anna@example.com", " ", "", "Köln"]
    header = "email first_name company city"
    assert lines(block(cleaner(header), [cells]))[0]["cleared"] is None
    assert lines(block(cleaner(header, blank="clear"), [cells]))[0]["cleared"] == "{first_name,company}"


def test_identifiers_are_never_cleared() -> None:
    (line,) = lines(block(cleaner("email phone external_id", blank="clear"), [["anna@example.com", "", ""]]))
    assert line["cleared"] is None


@pytest.mark.parametrize(
    ("first", "last", "full", "names"),
    [
        ("", "", "Anna Maria van Dyk", ("Anna Maria", "van Dyk")),
        ("", "", "Anna", ("Anna", None)),
        ("", "", " Anna   Dyk ", ("Anna", "Dyk")),
        ("Anna", "", "Otto Dyk", ("Anna", None)),
        ("", "Dyk", "Otto Dix", (None, "Dyk")),
        ("", "", "", (None, None)),
    ],
)
def test_full_name(first: str, last: str, full: str, names: tuple[str | None, str | None]) -> None:
    of = cleaner("email first_name last_name full_name")
    (line,) = lines(block(of, [["anna@example.com", first, last, full]]))
    assert (line["first_name"], line["last_name"]) == names


def test_the_country_of_a_row_is_that_of_its_phone() -> None:
    of = cleaner("phone country", types={"country": "country"}, region="GB")
    rows = [["0151 23456789", "Deutschland"], ["07911 123456", ""], ["07911 123456", " GB "]]
    assert [line["phone"] for line in lines(block(of, rows))] == ["+4915123456789", "+447911123456", "+447911123456"]


def test_by_an_unknown_country_no_phone_is_read() -> None:
    """Nor by that of the import: the number could be somebody else's."""
    of = cleaner("email phone country", types={"country": "country"}, region="GB", bad_value="drop")
    rows = [
        ["a@example.com", "07911 123456", "Narnia"],
        ["", "07911 123456", "Narnia"],
        ["", "+447911123456", "Narnia"],
    ]
    out = block(of, rows)
    assert [(line["email"], line["phone"]) for line in lines(out)] == [("a@example.com", None), (None, "+447911123456")]
    assert [(i[0], i[2], i[4]) for i in out.issues] == [
        (2, "phone_needs_country", "warning"), (2, "not_a_country", "warning"),
        (3, "phone_needs_country", "error"), (3, "not_a_country", "error"), (4, "not_a_country", "warning"),
    ]  # fmt: skip


def test_apostrophes_of_our_downloads_are_taken_off() -> None:
    of = cleaner("phone external_id first_name city ltv", types={"ltv": "decimal"})
    (line,) = lines(block(of, [["'+447911123456", "'-x1", "'=Anna", "'@home", "'-5.0"]]))
    assert (line["phone"], line["phone_written"]) == ("+447911123456", None)
    assert (line["external_id"], line["first_name"]) == ("-x1", "=Anna")
    assert line["attributes"] == {"city": "@home", "ltv": -5.0}


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_guarded_cells_come_back_as_they_would_have_been(sign: str) -> None:
    of = cleaner("email first_name city")
    cells = ["anna@example.com", f"{sign}x y", f"{sign}x y"]
    guarded = ["anna@example.com", f"'{sign}x y", f"'{sign}x y"]
    assert lines(block(of, [guarded])) == lines(block(of, [cells]))
    check_both_ways(of, [cells, guarded])


@given(st.text("'=+-@0123 .x\t") | st.text())
def test_what_is_guarded_comes_back(text: str) -> None:
    assert formula_guard.unmarked(formula_guard.safe_cell(text)) == text
    assert not formula_guard.safe_cell(text).startswith(formula_guard.FORMULA)


def test_other_apostrophes_stay() -> None:
    (line,) = lines(block(cleaner("external_id first_name city"), [["'x1", "'t Hart", "'s-Hertogenbosch"]]))
    assert (line["external_id"], line["first_name"]) == ("'x1", "'t Hart")
    assert line["attributes"] == {"city": "'s-Hertogenbosch"}


# --- spans ------------------------------------------------------------------------------------------------------------


def test_line_numbers_with_line_breaks_in_cells() -> None:
    text = 'a@example.com,"two\nlines"\n\nb@example.com,x\nbad,"1\n2\n3"\nc@example.com,"end"'
    out = cleaner("email city").block(text, first_line=10, prefix="7\t", dialect=Dialect())
    assert [line["row_no"] for line in lines(out)] == ["10", "13", "17"]
    assert [i[0] for i in out.issues] == [14]
    assert (out.last_line, out.rows) == (17, 4)


def test_quotes_that_cannot_be_read() -> None:
    text = 'a@example.com,x\nb@example.com,"x"y\nc@example.com,z\n'
    out = cleaner("email city").block(text, first_line=2, prefix="7\t", dialect=Dialect())
    assert [line["row_no"] for line in lines(out)] == ["2", "4"]
    assert [issue[:3] + issue[4:5] for issue in out.issues] == [(3, None, "bad_quotes", "error")]
    assert [(line, "b@example.com" in cells[0]) for line, cells in out.rejected] == [(3, True)]
    assert (out.rows, out.last_line) == (3, 4)


def test_a_quote_that_closes_wrongly_behind_the_span() -> None:
    """A file cut between the two is told the same as the whole file: the row's quotes cannot be read."""
    text = 'a@example.com,"x\nb@example.com,z\nc@example.com,"y"\n'
    said = []
    for parts in ([text], text.splitlines(keepends=True)):
        of = cleaner("email city")
        found = [of.block(part, first_line=2 + n, prefix="7\t", dialect=Dialect()) for n, part in enumerate(parts)]
        said.append([issue[:3] for out in found for issue in out.issues])
    assert said[0] == said[1] == [(2, None, "bad_quotes")]


def test_values_of_problems_can_be_stored() -> None:
    out = block(cleaner("email"), [["a\x00b" + "x" * 1000]])
    (issue,) = out.issues
    assert "\x00" not in (issue[3] or "")
    assert len(issue[3] or "") == 400


def test_what_a_column_remembers_is_bounded() -> None:
    rows = [[f"a{i}@example.com", f"City {i}", f"Name {i}"] for i in range(5000)]
    of = cleaner("email city first_name")
    out = block(of, rows)
    assert [(line["attributes"]["city"], line["first_name"]) for line in lines(out)] == [(r[1], r[2]) for r in rows]


# --- both ways agree --------------------------------------------------------------------------------------------------

TARGETS = {
    "email": ["anna@example.com", " Anna@Example.COM ", "\u200b\tanna@example.com", "anna", "a b@example.com"],
    "phone": ["+44 7911\u00a0123456", "07911 123456", "'+447911123456", "0151/23456789", "no", "+44\\7911123456"],
    "external_id": ["C-1", " c\\1 ", "0", "'-7", "'1", "e\u0301", "x" * 129],
    "first_name": ["Anna", "Łu\tkasz", "O'Brien", "'=Anna", "a\nb", "\x07", "Ann\\a", "a  b"],
    "last_name": ["Müller", "佐藤", "van der Berg", "x" * 5000],
    "full_name": ["Anna Maria Dyk", "Anna", "\\N", "a\rb c"],
    "city": ["Köln", 'a "b"', "back\\slash", "two\nlines", "tab\there", "'=1+1", "\u2028", "\x00", "{}"],
    "country": ["DE", "Germany", " gb", "Narnia"],
    "birthday": ["2024-05-31", " 2024-05-31", "31.05.2024", "2024-02-30", "05/06/2024"],
    "seen": ["2024-05-31T10:00:00Z", "2024-05-31T10:00:00+02:00", "2024-05-31\x0110:00", "2024-05-31T25:00:00Z"],
    "ltv": ["12.50", "007.5", "-0", "+1", "'-5.0", "1,5", "12 USD"],
    "count": ["42", "042", "-0", "9" * 19, "9" * 18, "x"],
    "vip": ["yes", "Nein", "1", "perhaps"],
    "tags": ["a|b", "a", "|", "a| a |b\\c", 'q"|r'],
    "note": ["long\ntext", "x" * 33_000],
}
TYPES = {
    "country": "country", "birthday": "date", "seen": "datetime", "ltv": "decimal", "count": "integer", "vip": "boolean",
    "tags": "choices", "note": "long_text",
}  # fmt: skip


def check_both_ways(of: Cleaner, rows: list[list[str]]) -> None:
    """`block` says of each row what `row` says, and its lines hold what `row` has found."""
    out = block(of, rows)
    staged = iter(lines(out))
    issues, rejected = [], []
    line = 2
    for cells in rows:
        clean, problems = of.row(cells)
        severity = "error" if clean is None else "warning"
        issues += [(line, p.column, p.code, severity) for p in problems]
        if clean is not None:
            found = next(staged)
            assert found["row_no"] == str(line)
            assert {key: found[key] for key in clean.values} == clean.values
            assert found["attributes"] == orjson.loads(orjson.dumps(clean.attributes))
            assert (found["cleared"] or "{}")[1:-1] == ",".join(clean.cleared)
        elif problems:
            rejected.append((line, cells))
        line += 1 + sum(cell.count("\n") for cell in cells)
    assert next(staged, None) is None
    assert [(i[0], i[1], i[2], i[4]) for i in out.issues] == issues
    assert out.rejected == rejected


@pytest.mark.parametrize("seed", range(12))
def test_both_ways_agree_on_generated_rows(seed: int) -> None:
    rng = random.Random(seed)
    targets = rng.sample(list(TARGETS), rng.randrange(3, len(TARGETS)))
    columns = [Column(i, t, t, TYPES.get(t, "text")) for i, t in enumerate(targets)]
    of = Cleaner(
        columns,
        width=len(targets),
        region=rng.choice((None, "GB", "DE")),
        bad_value=rng.choice(("error", "drop")),
        blank=rng.choice(("keep", "clear")),
    )
    rows = []
    for _ in range(200):
        cells = [rng.choice(("", "", " ", rng.choice(TARGETS[t]), TARGETS[t][0], TARGETS[t][0])) for t in targets]
        rows.append(cells[: rng.choice((None, None, None, None, -1))] + [""] * rng.choice((0, 0, 0, 0, 1)))
    check_both_ways(of, [r for r in rows if any(r)])


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=12)


@settings(max_examples=150)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=8), st.booleans())
def test_both_ways_agree_on_any_text(rows: list[tuple[str, ...]], drop: bool) -> None:
    of = cleaner(
        "external_id first_name city ltv",
        types={"ltv": "choices"},
        bad_value="drop" if drop else "error",
        blank="clear",
    )
    check_both_ways(of, [list(r) for r in rows if any(r)])
