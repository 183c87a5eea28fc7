"""Where a table begins, what parts its cells, and which line names the columns: by known names, then by comparison."""

import time
from pathlib import Path
from typing import Any

import pytest

from contacts.models import Attribute
from imports.files import layouts, reader
from imports.files.layouts import SINGLE
from imports.files.reader import Dialect, FileProblem
from imports.mapping.guess import known_name
from imports.models import RowIssue
from imports.wizard import column_choices, upload
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import again, bring, proved, receive
from tests.imports.minimal_workbook import workbook


def look(text: str, tmp_path: Path, **changes: str) -> tuple[Dialect, reader.Preview]:
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8", newline="")
    dialect = reader.sniff(path.read_bytes(), size=path.stat().st_size, changes=changes, known=known_name)
    return dialect, reader.preview(path, dialect)


def as_imported(text: str, tmp_path: Path, *, unit_bytes: int = 2 << 20) -> list[list[str]]:
    """The cells of all rows as an import reads them, span by span."""
    dialect, _seen = look(text, tmp_path)
    path = tmp_path / "people.csv"
    if reader.needs_utf8_copy(path, dialect):
        reader.to_utf8(path, tmp_path / "copy.csv", dialect)
        path = tmp_path / "copy.csv"
    raw, found = path.read_bytes(), []
    for span in reader.plan_units(path, dialect, unit_bytes=unit_bytes):
        part = raw[span.start : span.end].decode()
        found += [r.cells for r in reader.records(part, first_line=span.first_line, dialect=dialect)]
        assert all(r.problem is None for r in reader.records(part, first_line=span.first_line, dialect=dialect))
    return found


# --- names decide -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("Email,First name,2023,2024\na@example.com,Ann,3,4\n", True),
        ("E-Mail;Vorname;1;2;3\na@example.com;Ann;3;4;9\n", True),
        ("email,2024-01-31,2024-02-29\na@example.com,3,4\n", True),
        ("email,100,200,+44 7911 123456\na@example.com,3,4,5\n", True),
        ("Телефон;2023\n+371 20000000;5\n", True),
        ("Kunde,2022,2023,2024\nAnna,3,4,5\nOtto,5,6,7\n", True),
        ("Klant,2024,2023\nAnna,3,4\n", True),
        ("Nimi,1,2,3\nAnna,30,14,15\nOtto,5,60,7\n", True),
        # Years of people are rows, and so is what goes on counting below.
        ("Anna,1985\nOtto,1990\n", False),
        ("Anna,1,2\nOtto,3,4\n", False),
        ("Anna,12,99\nOtto,3,4\n", False),
        ("2023,2024\n3,4\n", False),
        ("anna@example.com,City\notto@example.com,Riga\n", False),
        ("anna@example.com,Phone,Mobile\notto@example.com,x,y\n", False),
        ("shoe size,favourite colour\n38,red\n", True),
    ],
)
def test_known_names_and_series_make_a_header(text: str, header: bool, tmp_path: Path) -> None:
    dialect, seen = look(text, tmp_path)
    assert dialect.header is header
    assert (seen.header_line == 1) is header


def test_fields_of_the_workspace_are_known_names(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        Attribute.objects.create(key="boot", label="Stiefel", type="integer")
    imp = receive(alice.workspace, "Bericht\n\nStiefel;2023\n42;3\n")
    assert (imp.header, imp.dialect["header_line"]) == (["Stiefel", "2023"], 3)


# --- lines above ------------------------------------------------------------------------------------------------------

NAMED = "email;First name;City\na@example.com;Ann;Riga\nb@example.com;Bo;Oslo\n"


@pytest.mark.parametrize(
    ("above", "line"),
    [
        ("Report of members;;\n;;\n", 3),
        ("Report of members\n\n", 3),
        ("Report of members\n", 2),
        ("Report of members;;\n", 2),
        ("Created;2024-05-31;\nBy;Anna Roe;\n\n", 4),
        ("Company;ACME;\nCountry;DE;\n\n", 4),
        ("Members, May 2024\n", 2),
        ('"Members\nof all clubs";;\n', 3),
        ("\n\nReport\n\n\n", 6),
        ("# exported by hand\n# do not change\n", 3),
        ("sep=;\nReport;;\n", 3),
        ("".join(f"Note {n}\n" for n in range(15)), 16),
        ("", 1),
        ("\n\n", 3),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_title_lines_are_no_rows(above: str, line: int, end: str, tmp_path: Path) -> None:
    text = (above + NAMED).replace("\n", end)
    dialect, seen = look(text, tmp_path)
    assert (dialect.header, dialect.separator, seen.header_line) == (True, ";", line)
    assert seen.header == ["email", "First name", "City"]
    assert seen.lines == [line + 1, line + 2]
    assert as_imported(text, tmp_path) == [["a@example.com", "Ann", "Riga"], ["b@example.com", "Bo", "Oslo"]]


@pytest.mark.parametrize(
    ("text", "line", "header"),
    [
        # Names that nobody knows: a blank line, or numbers below, tell where the table begins.
        ("Raportti;;\n\nNimi;Kunta;Ikä\nAnna;Turku;30\n", 3, True),
        ("Raportti;;\nNimi;Kunta;Ikä\nAnna;Turku;30\n", 2, True),
        ("Raportti;;\n\na@example.com;Turku;x\nb@example.com;Oslo;y\n", 3, False),
        # Nothing tells: the first line it is.
        ("Nimi;;\nAnna;Turku;Ab\nOtto;Oslo;Cd\n", 1, True),
        # A repeated header is no later start, and a row that names columns is none either.
        ("email;name\na@example.com;x\nemail;name\nb@example.com;y\n", 1, True),
        ("a@example.com;x\nemail;name\nb@example.com;y\n", 1, False),
        ("email;a;b;c\n;City;Street;Country\n", 1, True),
    ],
)
def test_where_a_table_begins_without_a_known_name(text: str, line: int, header: bool, tmp_path: Path) -> None:
    dialect, _seen = look(text, tmp_path)
    assert (dialect.header_line, dialect.header) == (line, header)


def test_a_person_chooses_the_line(tenant: Tenant) -> None:
    imp = receive(tenant, "Nimi;;\nAnna;Turku;Ab\nposti;kunta;kunta 2\nc@example.com;Oslo;Cd\n")
    assert imp.header == ["Nimi", "Column B", "Column C"]
    with tenant_context(tenant.pk):
        column_choices.reread_file(imp, tenant, {"header_line": "3"})
        assert (imp.header, column_choices.preview(imp).lines) == (["posti", "kunta", "kunta 2"], [4])
        column_choices.reread_file(imp, tenant, {"header_line": "4", "header": "no"})
        assert (imp.header[0], column_choices.preview(imp).lines) == ("Column A", [4])
        for line in ("0", "-1", "1001", "x", "9" * 30, "²", "1.5", "5", "900"):
            with pytest.raises(FileProblem) as caught:
                column_choices.reread_file(imp, tenant, {"header_line": line})
            assert caught.value.code in ("header_line", "no_rows")


def test_line_numbers_stay_those_of_the_file(tenant: Tenant) -> None:
    done = bring(tenant, "Report;;\n\nemail;First name;City\na@example.com;Ann;Riga\nnobody;Bo;Oslo\n")
    assert (done.rows, done.created, done.in_error) == (2, 1, 1)
    proved(tenant, done)
    with tenant_context(tenant.pk):
        assert [i.row_no for i in RowIssue.objects.filter(import_id=done.pk)] == [5]


def test_the_header_of_a_workbook_in_a_later_row(tenant: Tenant) -> None:
    rows: list[list[object]] = [
        ["Members, May"],
        [],
        ["E-Mail", "Stadt", 2024],
        ["ann@example.com", "Riga", 3],
        ["nobody", "Oslo", 4],
    ]
    done = bring(tenant, workbook(rows))
    assert (done.header, done.dialect["header_line"], done.created, done.in_error) == (
        ["E-Mail", "Stadt", "2024"],
        3,
        1,
        1,
    )
    proved(tenant, done)
    with tenant_context(tenant.pk):
        assert [i.row_no for i in RowIssue.objects.filter(import_id=done.pk)] == [5]


def test_the_page_and_what_it_keeps(alice: Actor) -> None:
    imp = receive(alice.workspace, "Nimi:Kunta\nposti:kunta\na@example.com:Oslo\n")
    at = f"imports/{imp.pk}/read-again/"
    form = {
        "encoding": "utf-8",
        "separator": ",",
        "separator_other": ":",
        "quote": '"',
        "header": "on",
        "header_line": "1",
    }
    assert alice.post(at, form).status_code == 302
    imp = again(alice.workspace, imp)
    assert (imp.header, imp.dialect["separator"], imp.dialect["chosen"]) == (["Nimi", "Kunta"], ":", ["separator"])
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert 'name="separator_other" value=":"' in page
    assert 'name="header_line"' in page
    # The line is chosen next; the sign stays, though the list still says "other".
    assert alice.post(at, form | {"separator": "other", "header_line": "2"}).status_code == 302
    imp = again(alice.workspace, imp)
    assert (imp.header, imp.dialect["separator"], imp.dialect["header_line"]) == (["posti", "kunta"], ":", 2)
    # The list wins over a sign that is no longer meant.
    assert alice.post(at, form | {"separator": "none", "header_line": "2"}).status_code == 302
    assert again(alice.workspace, imp).dialect["separator"] == SINGLE
    for bad in (
        {"separator": "other", "separator_other": "'", "quote": "'"},
        {"header_line": "-3"},
        {"header_line": "9999"},
        {"encoding": "rot13"},
    ):
        assert alice.post(at, form | bad).status_code == 422, bad


# --- separators -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [*",;|\t:^~#*!/&% ¦·、§中😀x\x01\x1f\xa0", "none"])
def test_any_character_can_separate(sign: str, tmp_path: Path) -> None:
    wanted = SINGLE if sign == "none" else sign
    text = f"email{wanted}City\na@ab.cd{wanted}Riga\nb@ab.cd{wanted}Oslo\n"
    if sign == "none":
        text = "email\na@ab.cd\nb@ab.cd\n"
    dialect, seen = look(text, tmp_path, separator=sign)
    assert (dialect.separator, len(seen.header)) == (wanted, 1 if sign == "none" else 2)
    assert [span.first_line for span in reader.plan_units(tmp_path / "people.csv", dialect)] == [2]


@pytest.mark.parametrize("sign", ["", "ab", '"', "\n", "\r", "\x00", "\ud800", "\ufeff", "tabs"])
def test_what_cannot_separate(sign: str) -> None:
    if not sign:
        assert reader.changed(Dialect(), separator=sign) == Dialect()
        return
    with pytest.raises(FileProblem) as caught:
        reader.changed(Dialect(), separator=sign)
    assert caught.value.code == "separator_unclear"


def test_a_sign_cannot_be_quote_and_separator() -> None:
    with pytest.raises(FileProblem) as caught:
        reader.changed(Dialect(), separator="'", quote="'")
    assert caught.value.code == "separator_unclear"


@pytest.mark.parametrize("sign", ["^", "~", "¦", "\x01", "\x1f"])
def test_rare_separators_are_found(sign: str, tmp_path: Path) -> None:
    dialect, seen = look(f"email{sign}City\na@example.com{sign}Riga, Latvia\n", tmp_path)
    assert (dialect.separator, seen.header) == (sign, ["email", "City"])


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("Name\nStone, Anna\nRoe, Bob\n", ["Stone, Anna", "Roe, Bob"]),
        ("Name\nStone,Anna\nRoe,Bob\n", ["Stone,Anna", "Roe,Bob"]),
        ("Full name\nStone, Anna\nCher\nPoe, Bo, Jr.\n", ["Stone, Anna", "Cher", "Poe, Bo, Jr."]),
        ("Members\nStone, Anna\nRoe, Bob\n", ["Stone, Anna", "Roe, Bob"]),
        ("Address\nMain Street 5; Riga; Latvia\nBeach Road 1; Oslo\n",
         ["Main Street 5; Riga; Latvia", "Beach Road 1; Oslo"]),
        ("Street\nA | B\nC | D\n", ["A | B", "C | D"]),
        ('Name\n"Stone, Anna"\n"Roe, Bob"\n', ["Stone, Anna", "Roe, Bob"]),
        ("email\na@example.com;\nb@example.com;\n", ["a@example.com;", "b@example.com;"]),
        ("email\na@example.com, b@example.com\n", ["a@example.com, b@example.com"]),
        ("email\na@example.com,b@example.com\n", ["a@example.com,b@example.com"]),
        ("email\nanna@example.com\n", ["anna@example.com"]),
        ("Preis\n1,50\n2,75\n", ["1,50", "2,75"]),
    ],
)  # fmt: skip
def test_one_column_stays_one_column(text: str, rows: list[str], tmp_path: Path) -> None:
    dialect, seen = look(text, tmp_path)
    assert (len(seen.header), dialect.header) == (1, True)
    assert [row[0] for row in seen.rows] == rows
    assert as_imported(text, tmp_path) == [[row] for row in rows]


@pytest.mark.parametrize(
    "text",
    [
        "email, name\na@example.com, Anna\n",
        "a@example.com, Anna\nb@example.com, Otto\n",
        "Stadt, Land\nRiga, Latvia\n",
        "Name, City\nStone, Riga\n",
        "Anna, 5\nOtto, 6\n",
        '"Stone", "Anna"\n"Roe", "Bob"\n',
    ],
)
def test_two_columns_with_blanks_stay_two(text: str, tmp_path: Path) -> None:
    assert len(look(text, tmp_path)[1].header) == 2


def test_rows_wider_than_a_lone_name_say_so(tenant: Tenant) -> None:
    done = bring(tenant, "email\na@example.com,Anna\nb@example.com,Otto\n")
    with tenant_context(tenant.pk):
        assert {i.code for i in RowIssue.objects.filter(import_id=done.pk)} == {"too_many_cells"}


def test_a_chosen_separator_finds_the_header_anew(tenant: Tenant) -> None:
    imp = receive(tenant, "a,b\nemail:2024\nx@example.com:5\n")
    with tenant_context(tenant.pk):
        column_choices.reread_file(imp, tenant, {"separator": ":"})
        assert (imp.header, imp.dialect["header_line"]) == (["email", "2024"], 2)


# --- quotes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '"email", "name", "note"\n"a@example.com", "Poe, Jr.", "x"\n',
        'email, name, note\n"a@example.com", "Poe, Jr.", "x"\n',
        '"email","name","note"\n"a@example.com",   "Poe, Jr."  ,\t"x"\n',
        '"email" ,"name" ,"note"\n"a@example.com" ,"Poe, Jr." ,"x" \n',
        ' "email", "name", "note" \n "a@example.com", "Poe, Jr.", "x" \n',
        '"email",\xa0"name","note"\n"a@example.com",\xa0"Poe, Jr.","x"\n',
        "'email', 'name', 'note'\n'a@example.com', 'Poe, Jr.', 'x'\n",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blanks_beside_quotes(text: str, end: str, tmp_path: Path) -> None:
    text = text.replace("\n", end)
    _dialect, seen = look(text, tmp_path)
    assert seen.header == ["email", "name", "note"]
    assert seen.rows == [["a@example.com", "Poe, Jr.", "x"]]
    assert as_imported(text, tmp_path) == seen.rows


@pytest.mark.parametrize("separator", [";", "\t", "|", ", "[0]])
def test_blanks_beside_quotes_with_every_separator(separator: str, tmp_path: Path) -> None:
    text = f'"email"{separator} "name"\n"a@example.com"{separator} "x{separator} y"\n'
    assert as_imported(text, tmp_path) == [["a@example.com", f"x{separator} y"]]


@pytest.mark.parametrize(
    "cell",
    ['"x, ""y"", z"', '" x "', '"a\n, ""b"" ,\nc"', '" ""x"" "', '"he said: ""no"" ,"', '", "", "'],
)
def test_blanks_inside_of_a_quoted_cell_stay(cell: str, tmp_path: Path) -> None:
    loose = f'email, note\n"a@example.com", {cell}\n"b@example.com", {cell} \n'
    tight = f"email,note\na@example.com,{cell}\nb@example.com,{cell}\n"
    found = as_imported(loose, tmp_path)
    assert found == as_imported(tight, tmp_path)
    assert [row[1] for row in found] == [cell[1:-1].replace('""', '"')] * 2


def test_spans_are_cut_where_loose_quotes_allow_it(tmp_path: Path) -> None:
    rows = "".join(f'"a{i}@example.com", "line one\nline, two", "x"\n' for i in range(400))
    found = as_imported('"email", "note", "more"\n' + rows, tmp_path, unit_bytes=1000)
    assert found == [[f"a{i}@example.com", "line one\nline, two", "x"] for i in range(400)]


def test_loose_quotes_cost_no_more_than_the_text_is_long() -> None:
    for text in ('a, "' * 200_000, ', ""' * 200_000, ' "' * 300_000, '"x" ' * 200_000, ', """a' * 100_000):
        before = time.process_time()
        layouts.tight(text, ",", '"')
        assert time.process_time() - before < 5


# --- names of columns -------------------------------------------------------------------------------------------------


def test_guarded_formulas_in_the_header_are_read_back() -> None:
    assert reader.header(["email", "'=1+1", "'@cmd", "'tis", "'+x", " '-y "]) == [
        "email",
        "=1+1",
        "@cmd",
        "'tis",
        "+x",
        "-y",
    ]


def test_a_name_of_several_lines_is_one_line() -> None:
    assert reader.header(["E-Mail\r\n(private)", "First\u2028name"]) == ["E-Mail (private)", "First name"]


def test_what_is_stored_is_read_again() -> None:
    stored: dict[str, Any] = {"encoding": "utf-8", "separator": ";", "quote": '"', "header": True, "confidence": {}}
    assert Dialect(**stored).header_line == 0
    assert upload.WORKBOOK["separator"] == ","
