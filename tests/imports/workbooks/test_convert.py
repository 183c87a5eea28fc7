"""Workbooks as people make them: what a sheet shows is what is imported, what it hides is said."""

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from django.core.management import call_command

from contacts.models import Attribute, Contact
from imports.files import archives
from imports.files.archives import Wishes
from imports.files.encodings import FileProblem
from imports.models import Import, RejectedRow, RowIssue
from imports.options import Options
from imports.wizard import column_choices, sample_rows, upload
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import again, bring, proved, receive, work
from tests.imports.minimal_workbook import MAIN, Raw, sheet_xml, workbook

CODES = (
    "General", "00000", '"K-"0000', "0.00", "#,##0.00\\ [$€-407]", "0%", "[h]:mm:ss", "dd.mm.yyyy", "dd.mm.yyyy hh:mm",
    "mmm yyyy", '"+"0', "0.00E+00", ";;;",
)  # fmt: skip


def styles(codes: Sequence[str] = CODES) -> bytes:
    """Styles of which the n-th shows numbers by the n-th code."""
    formats = "".join(f'<numFmt numFmtId="{200 + i}" formatCode={quoteattr(code)}/>' for i, code in enumerate(codes))
    uses = "".join(f'<xf numFmtId="{200 + i}"/>' for i in range(len(codes)))
    return (
        f'<styleSheet xmlns="{MAIN}"><numFmts>{formats}</numFmts><cellStyleXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
        f"</cellStyleXfs><cellXfs>{uses}</cellXfs></styleSheet>"
    ).encode()


def number(value: object, code: str) -> Raw:
    return Raw(f's="{CODES.index(code)}"><v>{value}</v>')


def book(rows: Sequence[Sequence[object]], **more: Any) -> bytes:
    parts = {"xl/styles.xml": styles(), **more.pop("more", {})}
    return workbook(rows, more=parts, **more)


def cells(data: bytes, tmp_path: Path, wishes: Wishes | None = None) -> tuple[list[str], dict[str, Any]]:
    source, target = tmp_path / "book.xlsx", tmp_path / "text"
    source.write_bytes(data)
    found = archives.unpack(source, target, kind="xlsx", limit=30_000_000, wishes=wishes)
    return target.read_text().split("\n")[:-1], found.looks


def contacts(tenant: Tenant) -> dict[str, Contact]:
    with tenant_context(tenant.pk):
        return {str(contact.email): contact for contact in Contact.objects.all()}


# --- line breaks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["_x000D_", "&#10;", "_x000D_&#10;", "&#13;", "&#13;&#10;"])
def test_a_line_break_in_a_cell_is_part_of_it(end: str, tenant: Tenant) -> None:
    """Lines are rows of the sheet, and the row behind keeps its number."""
    sheet = sheet_xml(
        [["email", "Note"], ["c1@example.com", "first line@@second line"], ["c2", "ok"], ["c3@example.com", "x"]]
    )
    imp = receive(tenant, workbook([], sheet=sheet.replace("@@", end)))
    with tenant_context(tenant.pk):
        chosen = column_choices.apply_choices(imp, {"Note": "new:text:note"})
        upload.start(imp, options=Options(), columns=chosen, auto_start=True)
    done = work(tenant, imp)
    assert (done.rows, done.created, done.in_error) == (3, 2, 1)
    proved(tenant, done)
    assert contacts(tenant)["c1@example.com"].attributes["note"] == "first line\nsecond line"
    with tenant_context(tenant.pk):
        assert [i.row_no for i in RowIssue.objects.filter(import_id=done.pk)] == [3]


def test_a_name_of_a_column_over_two_lines(tenant: Tenant) -> None:
    imp = receive(tenant, workbook([["E-Mail\n(private)", "First\nname"], ["a@example.com", "Ann"]]))
    assert imp.header == ["E-Mail (private)", "First name"]
    assert imp.mapping[1]["target"] == "first_name"


# --- number formats ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "code", "shown", "kept"),
    [
        ("1234", "00000", "01234", "1234"), ("12", '"K-"0000', "K-0012", "12"), ("12.5", "0.00", "12.50", "12.5"),
        ("1234.5", "#,##0.00\\ [$€-407]", "1,234.50 €", "1234.5"), ("0.125", "0%", "13%", "0.125"),
        ("1.5", "[h]:mm:ss", "36:00:00", "1900-01-01 12:00:00"), ("45321", "dd.mm.yyyy", "30.01.2024", "2024-01-30"),
        ("45321.5", "dd.mm.yyyy hh:mm", "30.01.2024 12:00", "2024-01-30 12:00:00"),
        ("45321", "mmm yyyy", "Jan 2024", "2024-01-30"),
        ("34651234567", '"+"0', "+34651234567", "34651234567"),
        ("34651234567", "0.00E+00", "34651234567", "34651234567"),
        ("5", ";;;", "5", "5"), ("5", "General", "5", "5"), ("0.1", "0.00", "0.10", "0.1"),
        ("12.10", "0.00", "12.10", "12.1"),
    ],
)  # fmt: skip
def test_two_readings_of_a_cell(value: str, code: str, shown: str, kept: str, tmp_path: Path) -> None:
    text, _looks = cells(book([["x"], [number(value, code)]]), tmp_path)
    assert text[1].strip('"').split("\x1f") == ([shown] if shown == kept else [shown, kept])


def test_text_fields_take_what_is_shown_and_others_what_is_kept(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        for key, kind in (
            ("price", "decimal"),
            ("since", "date"),
            ("seen", "datetime"),
            ("count", "integer"),
            ("ok", "boolean"),
        ):
            Attribute.objects.create(key=key, label=key, type=kind)
        for key in ("price_text", "since_text", "badge", "length", "share", "flag"):
            Attribute.objects.create(key=key, label=key, type="text")
    euro = number("1234.5", "#,##0.00\\ [$€-407]")
    day, moment = number("45321", "dd.mm.yyyy"), number("45321.5", "dd.mm.yyyy hh:mm")
    row = {
        "email": "a@example.com", "phone": number("447911123456", '"+"0'), "postal_code": number("1234", "00000"),
        "external_id": number("12", '"K-"0000'), "price": euro, "price_text": euro, "since": day, "since_text": day,
        "seen": moment, "count": number("7", "00000"), "ok": True, "badge": number("12", '"K-"0000'),
        "length": number("1.5", "[h]:mm:ss"), "share": number("0.125", "0%"), "flag": False,
    }  # fmt: skip
    done = bring(tenant, book([list(row), list(row.values())]))
    with tenant_context(tenant.pk):
        assert list(RowIssue.objects.filter(import_id=done.pk).values_list("code", "value")) == []
    found = contacts(tenant)["a@example.com"]
    assert (found.phone, found.external_id) == ("+447911123456", "K-0012")
    wanted = {
        "postal_code": "01234", "price_text": "1,234.50 €", "since": "2024-01-30", "since_text": "30.01.2024", "count": 7,
        "ok": True, "badge": "K-0012", "length": "36:00:00", "share": "13%", "flag": "FALSE",
    }  # fmt: skip
    assert {key: found.attributes[key] for key in wanted} == wanted
    assert float(found.attributes["price"]) == 1234.5
    assert str(found.attributes["seen"]).startswith("2024-01-30T12:00")
    proved(tenant, done)


def test_the_page_shows_what_the_sheet_shows(alice: Actor) -> None:
    data = book(
        [["E-Mail", "Customer", "Born"], ["a@example.com", number("12", '"K-"0000'), number("30000", "dd.mm.yyyy")]]
    )
    imp = receive(alice.workspace, data, user=alice.user)
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "K-0012" in page
    assert "18.02.1982" in page
    assert "\x1f" not in page
    with tenant_context(alice.workspace.pk):
        drawn = sample_rows.draft(imp, {"#0": "email", "#1": "external_id", "#2": "birthday"}, {})
        (row,) = sample_rows.rows(imp, drawn, Options())
        assert [cell.value for cell in row.cells] == ["a@example.com", "K-0012", "1982-02-18"]
        assert [c["target"] for c in column_choices.apply_choices(imp, {})][:1] == ["email"]


def test_new_fields_for_codes_are_text_and_for_dates_dates(alice: Actor) -> None:
    data = book(
        [["E-Mail", "Foo", "Bar", "Baz"],
         ["a@example.com", number("1234", "00000"), number("45321", "dd.mm.yyyy"), number("1234.5", "0.00")]]
    )  # fmt: skip
    imp = receive(alice.workspace, data, user=alice.user)
    page = alice.get(f"imports/{imp.pk}/")
    assert [row["type"] for row in page.context["columns"]][1:] == ["text", "date", "decimal"]


def test_rows_in_error_are_mended_as_they_were_read(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        Attribute.objects.create(key="since", label="since", type="date")
    data = book([["email", "since", "postal_code"], ["nobody", number("45321", "dd.mm.yyyy"), number("1234", "00000")]])
    done = bring(tenant, data)
    with tenant_context(tenant.pk):
        assert RejectedRow.objects.get(import_id=done.pk).cells == ["nobody", "2024-01-30", "01234"]


@pytest.mark.parametrize("since_1904", [False, True])
def test_calendars(since_1904: bool, tmp_path: Path) -> None:
    data = book([["d"], [number("45321", "dd.mm.yyyy")]], date1904=since_1904)
    assert cells(data, tmp_path)[0][1] == ("31.01.2028\x1f2028-01-31" if since_1904 else "30.01.2024\x1f2024-01-30")


def test_other_writers(tmp_path: Path) -> None:
    """Cells without addresses, prefixed names, single quotes, other letters in names of parts, an absolute target."""
    rows: list[list[object]] = [["a", "b"], [Raw('s="1"><v>7</v>'), "x"]]
    changes: tuple[Callable[[str], str], ...] = (
        lambda xml: xml.replace(' r="A1"', "").replace(' r="B1"', "").replace(' r="A2"', "").replace(' r="B2"', ""),
        lambda xml: xml.replace(' r="1"', "").replace(' r="2"', "").replace(' r="A2"', ""),
        lambda xml: xml.replace("<", "<x:").replace("<x:/", "</x:").replace("xmlns=", "xmlns:x="),
        lambda xml: xml.replace('s="1"', "s='1'"),
        lambda xml: xml.replace("<v>7</v>", "<v>7.0</v>"),
        lambda xml: xml.replace("<v>7</v>", "<v>7E0</v>"),
        lambda xml: xml.replace('s="1"', 't="n" s="1"'),
    )
    for change in changes:
        text, _looks = cells(book([], sheet=change(sheet_xml(rows))), tmp_path)
        assert text == ["a,b", "00007\x1f7,x"]
    data = book(rows, more={"xl/_rels/workbook.xml.rels": relations("/xl/worksheets/sheet1.xml")})
    assert cells(data, tmp_path)[0] == ["a,b", "00007\x1f7,x"]


def relations(target: str) -> bytes:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{kind}/worksheet" Target="{target}"/>'
        f'<Relationship Id="rId2" Type="{kind}/styles" Target="styles.xml"/></Relationships>'
    ).encode()


# --- what is hidden, merged, not there ----------------------------------------------------------------------------------


def hiding() -> bytes:
    """Rows 3 and 5 and column C are hidden; column B is as narrow as nothing."""
    rows: list[list[object]] = [["email", "x", "y"], *([f"a{i}@example.com", i, "z"] for i in range(2, 6))]
    widths = '<col min="3" max="3" hidden="1"/><col min="2" max="2" width="0"/><col min="9" max="16384" hidden="1"/>'
    return book([], sheet=sheet_xml(rows, before=f"<cols>{widths}</cols>", hidden_rows=(3, 5)))


def test_hidden_rows_and_columns_are_said(alice: Actor) -> None:
    imp = receive(alice.workspace, hiding(), user=alice.user)
    assert (imp.looks["hidden_rows"], imp.looks["hidden_columns"]) == (2, ["B", "C"])
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "The 2 hidden rows of this sheet will be imported, too." in page
    assert "Hidden columns B, C are mapped like other columns." in page
    assert len(columns_of(alice.workspace, imp).rows) == 4
    assert alice.post(f"imports/{imp.pk}/sheet/", {"sheet": "People", "hidden": "skip"}).status_code == 302
    imp = again(alice.workspace, imp)
    assert columns_of(alice.workspace, imp).lines == [2, 4]
    assert "The 2 hidden rows of this sheet will not be imported." in alice.get(f"imports/{imp.pk}/").content.decode()
    assert alice.post(f"imports/{imp.pk}/sheet/", {"sheet": "People", "hidden": "import"}).status_code == 302
    assert len(columns_of(alice.workspace, again(alice.workspace, imp)).rows) == 4


def columns_of(tenant: Tenant, imp: Import) -> Any:
    with tenant_context(tenant.pk):
        return column_choices.preview(imp)


MERGED = '<mergeCells><mergeCell ref="B2:B4"/><mergeCell ref="A5:B5"/><mergeCell ref="C2:C3"/></mergeCells>'
TEAMS: list[list[object]] = [
    ["email", "Team", "City"],
    ["a@x.io", "Red", "Riga"],
    ["b@x.io"],
    ["c@x.io", None, "Oslo"],
    ["d@x.io", "Blue", "Kyiv"],
]


def test_merged_cells_are_filled_by_choice(tmp_path: Path) -> None:
    data = book([], sheet=sheet_xml(TEAMS, after=MERGED))
    plain, looks = cells(data, tmp_path)
    assert plain == ["email,Team,City", "a@x.io,Red,Riga", "b@x.io,,", "c@x.io,,Oslo", "d@x.io,Blue,Kyiv"]
    assert looks["merged"] == 2
    filled, _looks = cells(data, tmp_path, Wishes(fill=True))
    assert filled == ["email,Team,City", "a@x.io,Red,Riga", "b@x.io,Red,Riga", "c@x.io,Red,Oslo", "d@x.io,Blue,Kyiv"]


def test_merged_cells_on_the_page_and_what_was_chosen_stays(alice: Actor) -> None:
    rows: list[list[object]] = [["Teams"], *TEAMS]
    merged = '<mergeCells><mergeCell ref="B3:B5"/></mergeCells>'
    imp = receive(alice.workspace, book([], sheet=sheet_xml(rows, after=merged)), user=alice.user)
    assert imp.dialect["header_line"] == 2
    assert "Cells merged across rows" in alice.get(f"imports/{imp.pk}/").content.decode()
    assert alice.post(f"imports/{imp.pk}/read-again/", {"header_line": "2", "header": "on"}).status_code == 302
    assert alice.post(f"imports/{imp.pk}/sheet/", {"sheet": "People", "merged": "fill"}).status_code == 302
    imp = again(alice.workspace, imp)
    assert (imp.header, imp.dialect["header"], imp.looks["fill"]) == (["email", "Team", "City"], True, True)
    assert [row[1] for row in columns_of(alice.workspace, imp).rows][:3] == ["Red", "Red", "Red"]


@pytest.mark.parametrize("empty", ["><f>B1+C1</f>", "><f>B1+C1</f><v></v>", "><f>B1+C1</f><v/>", 's="1"><f>B1+C1</f>'])
def test_a_formula_without_a_value_is_named(empty: str, tenant: Tenant) -> None:
    rows: list[list[object]] = [
        ["email", "City", "Foo"],
        ["a@example.com", Raw(empty), 1],
        ["b@example.com", "Riga", Raw(empty)],
        [Raw(empty), "x", 2],
    ]
    done = bring(tenant, book(rows))
    assert (done.rows, done.created, done.in_error, done.looks["without_value"]) == (3, 1, 2, 3)
    proved(tenant, done)
    with tenant_context(tenant.pk):
        issues = (
            RowIssue.objects.filter(import_id=done.pk)
            .order_by("row_no")
            .values_list("row_no", "column", "code", "value")
        )
        assert list(issues) == [(2, 1, "formula_without_value", "␝=B1+C1"), (4, 0, "formula_without_value", "␝=B1+C1")]


def test_such_a_formula_may_be_left_out(tenant: Tenant) -> None:
    done = bring(tenant, book([["email", "City"], ["a@example.com", Raw("><f>B1</f>")]]), bad_value="drop")
    assert (done.created, contacts(tenant)["a@example.com"].attributes.get("city")) == (1, None)
    with tenant_context(tenant.pk):
        assert RowIssue.objects.get(import_id=done.pk).severity == "warning"


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ('t="str"><f>A1&amp;""</f><v></v>', ""), ('t="str"><f>A1</f><v>x</v>', "x"), ("><f>1+1</f><v>2</v>", "2"),
        ('t="b"><f>TRUE()</f><v>1</v>', "TRUE"), ('t="e"><f>1/0</f><v>#DIV/0!</v>', "#DIV/0!"),
        ('s="1"><f>1+1</f><v>2</v>', "00002\x1f2"),
    ],
)  # fmt: skip
def test_formulas_with_a_value(inside: str, text: str, tmp_path: Path) -> None:
    assert cells(book([["email", "x"], ["a", Raw(inside)]]), tmp_path)[0][1] == f"a,{text}"


def test_a_formula_behind_the_last_value(tmp_path: Path) -> None:
    text, _looks = cells(book([["email"], ["a"], [None, None, Raw("><f>A1</f>")]]), tmp_path)
    assert text == ["email", "a", ",,␝=A1"]


def test_the_command_knows_sheets_and_looks(tenant: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "people.xlsx"
    path.write_bytes(hiding())
    for pairs, rows in (
        (["hidden=skip"], 2),
        (["hidden=import", "merged=fill"], 4),
        (["header_line=2", "header=no"], 4),
    ):
        sets = [word for pair in (*pairs, "map.#0=email") for word in ("--set", pair)]
        imp = start(tenant, path, sets, capsys)
        assert (imp["rows"], imp["sheet"], imp["sheets"], imp["hidden_rows"]) == (rows, "People", ["People"], 2)


def start(tenant: Tenant, path: Path, sets: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The command's own answer; the work is done here, where no worker is."""
    from imports.management.commands import import_contacts
    from imports.pipeline import worker

    waited = import_contacts._wait

    def at_once(found: Tenant, import_id: int, *, review: bool) -> dict[str, Any]:
        while not again(found, Import(pk=import_id)).ended:
            worker.work(found.pk, import_id)
        return waited(found, import_id, review=review)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_contacts, "_wait", at_once)
        call_command("import_contacts", str(path), "--workspace", tenant.slug, "--json", *sets)
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_a_table_declared_as_a_document_is_refused(tmp_path: Path) -> None:
    head = '<?xml version="1.0"?><!DOCTYPE x []>'
    data = book([], sheet=head + sheet_xml([["a"], [Raw('s="1"><v>1</v>')]]))
    with pytest.raises(FileProblem) as caught:
        cells(data, tmp_path)
    assert caught.value.code == "file_corrupt"


def test_two_parts_of_one_name(tmp_path: Path) -> None:
    data = io.BytesIO(book([["a"], ["b"]]))
    with zipfile.ZipFile(data, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("xl/worksheets/sheet1.xml", "x")
    with pytest.raises(FileProblem) as caught:
        cells(data.getvalue(), tmp_path)
    assert caught.value.code == "file_corrupt"
