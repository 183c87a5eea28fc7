"""The catalogue of hostile inputs: each by its number in docs/hostile-inputs.md, with what becomes of it here."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest

from contacts.models import Contact
from imports import intake
from imports.models import RowIssue
from imports.problems import PROBLEMS
from tenants.context import tenant_context
from tenants.models import Tenant
from tests.imports.helpers import bring
from tests.imports.hostile import cell, outcome
from tests.imports.test_containers import zipped
from tests.imports.workbook import Raw, sheet_xml, workbook

_ENTITY = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def _corners(*cells: str) -> str:
    rows = "".join(f'<row r="{re.sub("[A-Z]", "", c)}"><c r="{c}"><v>1</v></c></row>' for c in cells)
    return sheet_xml([]).replace("<sheetData>", f"<sheetData>{rows}")


# (number, what becomes of the file: its code, or its rows and what is said about them, the file)
FILES: list[tuple[int, str, bytes | str]] = [
    (1, "file_empty", b""),
    (2, "file_empty", b"\xef\xbb\xbf"),
    (2, "file_empty", b"  \n \r\n"),
    (2, "file_empty", b"\n\n\r"),
    (3, "no_rows", b"email,name\n"),
    (4, "2 rows", b"a@example.com,Ann\nb@example.com,Bob\n"),
    (5, "1 row", '\ufeff"email","name"\na@example.com,x\n'),
    (
        6,
        "4 rows 3:not_an_email",
        "email,name\na@example.com,x\n\ufeffemail,name\n\ufeffb@example.com,y\nc@example.com,\ufeffz\n",
    ),
    (7, "1 row", "email,name\na@example.com,Zoë\n".encode("utf-16")),
    (7, "1 row", b"\xfe\xff" + "email,name\na@example.com,Zoë\n".encode("utf-16-be")),
    (8, "1 row", "email,name\na@example.com,Zoë\n".encode("utf-16-le")),
    (9, "1 row", "email,name\na@example.com,Zoë\n".encode("utf-32")),
    (9, "encoding_unreadable", b"\xfe\xff\x00a\x00\n\xd8\x00\x00a\x00\n"),
    (10, "1 row", "email,name\na@example.com,Zoë\n".encode("cp1252")),
    (
        11,
        "encoding_unreadable",
        b"email,name\n" + "a@example.com,Zoë é ü ö\n".encode() * 10 + "b@example.com,Zoë\n".encode("cp1252"),
    ),
    (12, "encoding_unreadable", b"email,name\na@example.com,\xc0\xaf\n" + "b@example.com,ööööö\n".encode()),
    (
        12,
        "encoding_unreadable",
        b"email,name\na@example.com,\xed\xa0\x80\n" + "b@example.com,ööööööööö\n".encode(),
    ),
    (
        12,
        "encoding_unreadable",
        b"email,name\na@example.com,\xf5\x80\x80\x80\n" + "b@example.com,ööööööööö\n".encode(),
    ),
    (13, "1 row", b"email,name\na@example.com,+ADw-script+AD4-\n"),
    (14, "1 row", "email,name\na@example.com,ZoÃ©\n"),
    (15, "21 rows 22:control_character", b"email,first name\n" + b"a@example.com,x\n" * 20 + b"b@example.com,x\x00y\n"),
    (15, "nul_bytes", b"email,name\na@example.com,\x00\x00\n"),
    (16, "encoding_unreadable", "email,name\na@example.com,ööööö\nb@example.com,ö".encode()[:-1]),
    (17, "record_too_long", b"x" * (3 << 20)),
    (17, "record_too_long", b"email\na@example.com\n" + b"x" * (3 << 20)),
    (18, "too_large", b"email\n" + b"a@example.com\n" * 400_000),
    (20, "2 rows", gzip.compress(b"email\n" + b"a@example.com\n" * 2)),
    (20, "1 row", zipped(("a.csv", b"email\na@example.com\n"))),
    (21, "file_bomb", gzip.compress(b"\x00" * 60_000_000)),
    (21, "file_type", zipped(("a.zip", zipped(("a.zip", b"x"))))),
    (22, "1 row", zipped(("../../a.csv", b"email\na@example.com\n"))),
    (22, "1 row", zipped(("/etc/a.csv", b"email\na@example.com\n"))),
    (23, "file_type", b"<html>"),
    (23, "file_type", b"%PDF-1"),
    (23, "file_type", b"\x89PNG\r\n\x1a\n"),
    (23, "file_type", b"MZ\x90\x00\x03\x00"),
    (23, "file_type", b"\x7fELF\x02"),
    (23, "file_type", b"SQLite format 3\x00"),
    (24, "1 row", b"email,name\na@example.com,<script>alert(1)</script>\n"),
    (26, "3 rows", b"email\r\na@example.com\nb@example.com\rc@example.com\r\n"),
    (26, "2 rows 3:not_an_email", b"email\ra@example.com\rbad\r"),
    (27, "2 rows 4:not_an_email", b'email,name\na@example.com,"x\ny"\nbad,z\n'),
    (28, "unclosed_quote", b'email,name\na@example.com,"x\nb@example.com,y\n'),
    (29, "2 rows 2:bad_quotes", b'email,name\na@example.com,"x"y\nb@example.com,z\n'),
    (30, "1 row", b'email,name\na@example.com,a"b\n'),
    (31, "1 row 2:bad_quotes", b'email,name\na@example.com,"a\\"b"\n'),
    (32, "1 row 2:field_too_long", b'email,name\na@example.com,"' + b'""' * 10000 + b'"\n'),
    (33, "2 rows", b"email;ltv\na@example.com;1,5\nb@example.com;2,5\n"),
    (34, "1 row", b"email\tname\na@example.com\tx\n"),
    (34, "1 row", b'email|x\na@example.com|"a|b"\n'),
    (35, "1 row 2:no_identifier", b"email,a;b\na@example.com,1;2\n"),
    (36, "1 row", b"sep=;\nemail;name\na@example.com;x\n"),
    (37, "1 row 2:too_few_cells", b"email,name\na@example.com\n"),
    (38, "1 row 2:too_many_cells", b"email,name\na@example.com,x,y\n"),
    (39, "1 row", b"email,name\n\n,\n , \na@example.com,x\n\n"),
    (40, "1 row", b"email,name,\na@example.com,x,\n"),
    (41, "too_many_columns", (",".join(f"c{i}" for i in range(101)) + "\n" + "1," * 100 + "1\n").encode()),
    (41, "too_many_columns", (",".join(f"c{i}" for i in range(100000)) + "\nx\n").encode()),
    (42, "2 rows 2:field_too_long", b"email,first name\na@example.com," + b"x" * 33792 + b"\nb@example.com,y\n"),
    (42, "2 rows 2:field_too_long", b"email,first name\na@example.com," + b"x" * 131073 + b"\nb@example.com,y\n"),
    (43, "1 row", "email,first name\na@example.com,x\u2028y\x85z\x0cq\n"),
    (44, "2 rows 2:too_many_cells 3:too_many_cells", b"# made by X\nemail,name\na@example.com,x\n"),
    (45, "1 row", " EMAIL ,E-Mail\na@example.com,x\n"),
    (46, "header_duplicate", "email,email\na@example.com,x\n"),
    (46, "header_duplicate", "name,na\u200bme,Name\na@example.com,x,y\n"),
    (47, "1 row", b"email,E-Mail Address\na@example.com,b@example.com\n"),
    (48, "1 row 2:no_identifier", b"city,name\nRiga,Ann\n"),
    (49, "1 row", b"email,shoe\na@example.com,\n"),
    (50, "1 row", b"email,tenant_id,id,is_admin,__proto__,password\na@example.com,1,2,3,4,5\n"),
    (51, "header_too_long", ("email," + "<b>{{x}}%(x)s" * 10 + "\na@example.com,x\n").encode()),
    (51, "header_too_long", b"email," + b"x" * 5000 + b"\na@example.com,x\n"),
    (51, "1 row", b"email,<b>{{ x }} %(x)s\na@example.com,x\n"),
    (52, "1 row", "email,שם,😀\na@example.com,x,y\n"),
    (53, "3 rows 3:not_an_email", b"email,name\na@example.com,x\nemail,name\nb@example.com,y\n"),
    (68, "1 row 2:several_emails", b'email,name\n"a@example.com\r\nBcc: x@example.com",x\n'),
    (99, "file_type", workbook([["email"], ["a@example.com"]], more={"xl/vbaProject.bin": b"x"})),
    (99, "file_type", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512),
    (
        105,
        "1 row 2:phone_needs_country",
        workbook([["email", "phone"], ["a@example.com", 34651234567]], sheets=("A", "B")),
    ),
    (
        106,
        "1 row",
        workbook(
            [["email"], ["a@example.com"]],
            sheet=sheet_xml([["email"], ["a@example.com"]], before='<dimension ref="A1:XFD1048576"/>'),
        ),
    ),
    (106, "file_corrupt", workbook([["email"], ["a@example.com"]])[:-30]),
    (
        107,
        "1 row",
        workbook(
            [["email", "x"], ["a@example.com", Raw('t="inlineStr"><is><r><t>bold</t></r><r><t> plain</t></r></is>')]]
        ),
    ),
    (100, "file_bomb", workbook([["a"]], more={"xl/sharedStrings.xml": b"<si><t>" + b"x" * 60_000_000})),
    (100, "file_bomb", workbook([], sheet=_corners("A1", "XFD1048576"))),
    (100, "file_bomb", workbook([], sheet=_corners("XFD1048576"))),
    (101, "file_corrupt", workbook([], sheet=_ENTITY + sheet_xml([["email"], ["mark"]]).replace("mark", "&a;"))),
    (102, "1 row", workbook([["email", "first name"], ["a@example.com", Raw("><f>1+1</f><v>2</v>")]])),
    (102, "1 row", workbook([["email", "first name"], ["a@example.com", Raw("><f>1+1</f>")]])),
    (102, "1 row 2:not_an_email", workbook([["email", "first name"], [Raw('t="e"><v>#REF!</v>'), "Ann"]])),
    (103, "1 row 2:phone_needs_country", workbook([["email", "phone"], ["a@example.com", 34651234567]])),
    (103, "1 row 2:phone_damaged_by_spreadsheet", workbook([["email", "phone"], ["a@example.com", "3.46512E+10"]])),
    (104, "1 row", workbook([["email", "birth date"], ["a@example.com", Raw('s="1"><v>45321</v>')]])),
    (104, "1 row", workbook([["email", "birth date"], ["a@example.com", Raw('s="1"><v>60</v>')]], date1904=True)),
    (108, "1 row", workbook([["email"], ["a@example.com"]])),
    (108, "1 row", b"email\na@example.com\n"),
]

# (number, the stored value or the code, field, type, what the cell holds, settings)
CELLS: list[tuple[int, str, str, str, str, dict[str, str]]] = [
    (54, "ana@example.com", "email", "text", "  Ana@Example.COM ", {}),
    (55, "several_emails", "email", "text", "ana@example.com, bob@example.com", {}),
    (56, "email_with_name", "email", "text", "Ana <ana@example.com>", {}),
    (56, "email_with_name", "email", "text", "mailto:ana@example.com", {}),
    (57, "not_an_email", "email", "text", "ana", {}),
    (57, "not_an_email", "email", "text", "a@b@example.com", {}),
    (57, "not_an_email", "email", "text", ".a@example.com", {}),
    (57, "not_an_email", "email", "text", "a.@example.com", {}),
    (57, "not_an_email", "email", "text", "a..b@example.com", {}),
    (57, "not_an_email", "email", "text", "a b@example.com", {}),
    (57, "a" * 65 + "@example.com", "email", "text", "a" * 65 + "@example.com", {}),
    (57, "email_too_long", "email", "text", "a@" + "b" * 60 + ("." + "c" * 60) * 4, {}),
    (58, "email_domain_incomplete", "email", "text", "a@localhost", {}),
    (58, "not_an_email", "email", "text", "a@1.2.3.4", {}),
    (58, "email_domain_incomplete", "email", "text", "a@[::1]", {}),
    (59, "ana+news@example.com", "email", "text", "ana+news@example.com", {}),
    (59, "a.n.a@gmail.com", "email", "text", "a.n.a@gmail.com", {}),
    (60, "\u0430na@example.com", "email", "text", "\u0430na@example.com", {}),
    (61, "not_an_email", "email", "text", "mi\u212ae@example.com", {}),
    (61, "m\u0131ke@example.com", "email", "text", "m\u0131ke@example.com", {}),
    (61, "\ufb01@example.com", "email", "text", "\ufb01@example.com", {}),
    (62, "\xe9@example.com", "email", "text", "\xe9@example.com", {}),
    (62, "\xe9@example.com", "email", "text", "e\u0301@example.com", {}),
    (63, "x@fa\xdf.de", "email", "text", "x@fa\xdf.de", {}),
    (63, "x@fass.de", "email", "text", "x@fass.de", {}),
    (64, "x@ex\xe4mple.com", "email", "text", "x@ex\xe4mple.com", {}),
    (64, "x@ex\xe4mple.com", "email", "text", "x@xn--exmple-cua.com", {}),
    (65, "not_an_email", "email", "text", "x@\uff47mail.com", {}),
    (65, "not_an_email", "email", "text", "x@\u24d6mail.com", {}),
    (66, "not_an_email", "email", "text", "a\xadb@example.com", {}),
    (66, "not_an_email", "email", "text", "a\u200bb@example.com", {}),
    (66, "not_an_email", "email", "text", "a\xa0b@example.com", {}),
    (66, "a@example.com", "email", "text", "\u200ba@example.com\xa0", {}),
    (67, "not_an_email", "email", "text", "a\u202eb@example.com", {}),
    (67, "not_an_email", "email", "text", "a\u2066b@example.com", {}),
    (68, "several_emails", "email", "text", "a@example.com\r\nBcc: b@example.com", {}),
    (69, "not_an_email", "email", "text", "null", {}),
    (69, "not_an_email", "email", "text", "n/a", {}),
    (69, "none@none.com", "email", "text", "none@none.com", {}),
    (69, "test@test.com", "email", "text", "test@test.com", {}),
    (69, "not_an_email", "email", "text", "-", {}),
    (70, "not_an_email", "email", "text", '"quoted local"@example.com', {}),
    (70, "not_an_email", "email", "text", "a(comment)@example.com", {}),
    (71, "not_an_email", "email", "text", "' OR 1=1 --@x.com", {}),
    (71, "${7*7}@x.com", "email", "text", "${7*7}@x.com", {}),
    (71, "{{7*7}}@x.com", "email", "text", "{{7*7}}@x.com", {}),
    (72, "+34651234567", "phone", "text", "+34651234567", {"region": "ES"}),
    (72, "+34651234567", "phone", "text", "0034 651 234 567", {"region": "ES"}),
    (72, "+34651234567", "phone", "text", "651234567", {"region": "ES"}),
    (73, "phone_needs_country", "phone", "text", "651234567", {}),
    (74, "+34651234567", "phone", "text", "'+34651234567", {}),
    (75, "phone_damaged_by_spreadsheet", "phone", "text", "3.46512E+10", {"region": "ES"}),
    (76, "+34651234567", "phone", "text", "\u0666\u0665\u0661\u0662\u0663\u0664\u0665\u0666\u0667", {"region": "ES"}),
    (76, "+34651234567", "phone", "text", "\uff16\uff15\uff11\uff12\uff13\uff14\uff15\uff16\uff17", {"region": "ES"}),
    (77, "+16505551234", "phone", "text", "+1 (650) 555-1234 ext. 5", {"region": "US"}),
    (77, "phone_too_short", "phone", "text", "123", {"region": "US"}),
    (77, "phone_too_long", "phone", "text", "1" * 20, {"region": "US"}),
    (77, "not_a_phone", "phone", "text", "abc", {"region": "US"}),
    (79, "7", "n", "integer", "007", {}),
    (80, "number_with_comma", "n", "decimal", "1,234.5", {}),
    (80, "number_with_comma", "n", "decimal", "1.234,5", {}),
    (80, "not_a_number", "n", "decimal", "1_000", {}),
    (80, "not_a_number", "n", "decimal", "1e400", {}),
    (80, "not_a_number", "n", "decimal", "NaN", {}),
    (80, "not_a_number", "n", "decimal", "inf", {}),
    (80, "-0", "n", "decimal", "-0", {}),
    (80, "not_a_number", "n", "decimal", "1" * 400, {}),
    (81, "date_does_not_exist", "d", "date", "2024-02-30", {}),
    (81, "date_does_not_exist", "d", "date", "0000-00-00", {}),
    (81, "not_a_date", "d", "date", "31/12/24", {}),
    (81, "date_ambiguous", "d", "date", "03/04/2024", {}),
    (81, "not_a_date", "d", "date", "45321", {}),
    (81, "date_does_not_exist", "d", "datetime", "2024-05-01T10:00+25:00", {}),
    (82, "2999-01-01", "d", "date", "2999-01-01", {}),
    (82, "1700-01-01", "d", "date", "1700-01-01", {}),
    (83, "true", "b", "boolean", "yes", {}),
    (83, "true", "b", "boolean", "TRUE", {}),
    (83, "true", "b", "boolean", "1", {}),
    (83, "true", "b", "boolean", "ja", {}),
    (83, "true", "b", "boolean", "\u2713", {}),
    (84, "not_an_option", "c", "choice", "x", {"options": "a|b"}),
    (84, '["a","b"]', "c", "choices", "a|b|a", {"options": "a|b"}),
    (84, '["a","b"]', "c", "choices", "a||b", {"options": "a|b"}),
    (87, "placeholder_id", "external_id", "text", "0", {}),
    (87, "placeholder_id", "external_id", "text", "-1", {}),
    (87, "placeholder_id", "external_id", "text", "undefined", {}),
    (87, "placeholder_id", "external_id", "text", "[object Object]", {}),
    (87, "placeholder_id", "external_id", "text", "00000000-0000-0000-0000-000000000000", {}),
    (88, '=HYPERLINK("http://x","y")', "first_name", "text", '=HYPERLINK("http://x","y")', {}),
    (88, "@SUM(1)", "first_name", "text", "@SUM(1)", {}),
    (88, "-2+3", "first_name", "text", "-2+3", {}),
    (88, "=1", "first_name", "text", "\t=1", {}),
    (88, "=1", "first_name", "text", "\r=1", {}),
    (88, "\uff1d1", "first_name", "text", "\uff1d1", {}),
    (89, 'a";=1+2', "first_name", "text", 'a";=1+2', {}),
    (89, "a,=1+2", "first_name", "text", "a,=1+2", {}),
    (90, "=cmd|' /C calc'!A0", "first_name", "text", "=cmd|' /C calc'!A0", {}),
    (91, "<script>", "first_name", "text", "<script>", {}),
    (91, "<img onerror>", "first_name", "text", "<img onerror>", {}),
    (91, '" hx-get="/x', "first_name", "text", '" hx-get="/x', {}),
    (91, "not_a_url", "u", "url", "javascript:alert(1)", {}),
    (92, "{% debug %}", "first_name", "text", "{% debug %}", {}),
    (92, "{{ settings }}", "first_name", "text", "{{ settings }}", {}),
    (92, "%s", "first_name", "text", "%s", {}),
    (92, "\\x00", "first_name", "text", "\\x00", {}),
    (93, "'; DROP TABLE", "first_name", "text", "'; DROP TABLE", {}),
    (93, "\\", "first_name", "text", "\\", {}),
    (93, "$$", "first_name", "text", "$$", {}),
    (93, "E'\\\\'", "first_name", "text", "E'\\\\'", {}),
    (94, "field_too_long", "first_name", "text", "x" * 4097, {}),
    (95, "Z" + "\u0301" * 200, "first_name", "text", "Z" + "\u0301" * 200, {}),
    (95, "control_character", "first_name", "text", "a\u202eb", {}),
    (96, '{"a":"\\u0000"}', "j", "text", '{"a":"\\u0000"}', {}),
]


@pytest.mark.parametrize(("number", "expected", "data"), FILES, ids=lambda v: v if isinstance(v, int) else "")
def test_files(number: int, expected: str, data: bytes | str, tmp_path: Path) -> None:
    assert outcome(data.encode() if isinstance(data, str) else data, tmp_path) == expected


@pytest.mark.parametrize(("number", "expected", "target", "kind", "text", "more"), CELLS)
def test_cells(number: int, expected: str, target: str, kind: str, text: str, more: dict[str, str]) -> None:
    assert cell(target, text, kind=kind, **more) == expected


# --- what only a workspace can answer ---------------------------------------------------------------------------------


def codes(tenant: Tenant, imp: Any) -> list[str]:
    with tenant_context(tenant.pk):
        return list(RowIssue.objects.filter(import_id=imp.pk).order_by("row_no").values_list("code", flat=True))


def test_19_too_many_rows(tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(max_rows=3)
    tenant.refresh_from_db()
    done = bring(tenant, "email\n" + "".join(f"a{i}@example.com\n" for i in range(5)))
    assert (done.status, done.reason, done.reason_facts["found"]) == ("failed", "too_many_rows", 5)


def test_25_the_same_file_again(tenant: Tenant) -> None:
    first, second = (bring(tenant, "email,first name\na@example.com,Ann\n") for _ in range(2))
    assert (first.created, second.unchanged) == (1, 1)
    with tenant_context(tenant.pk):
        assert intake.same_file(second) == first


def test_60_to_64_who_is_the_same_person(tenant: Tenant) -> None:
    same = "\u00e9@example.com\ne\u0301@example.com\nx@ex\u00e4mple.com\nx@xn--exmple-cua.com\n"
    other = "ana@example.com\n\u0430na@example.com\nmike@example.com\nm\u0131ke@example.com\nx@fa\u00df.de\nx@fass.de\n"
    done = bring(tenant, "email\n" + same + other)
    assert (done.created, done.duplicates, done.in_error) == (8, 2, 0)


def test_78_one_phone_for_many(tenant: Tenant) -> None:
    rows = "".join(f"a{i}@example.com,+34651234567\n" for i in range(500))
    done = bring(tenant, "email,phone\n" + rows)
    assert done.rows == 500
    assert done.created + done.duplicates + done.in_error + done.skipped == 500
    with tenant_context(tenant.pk):
        # Nobody is swallowed by another: whoever was made has an address of his own.
        assert Contact.objects.count() == done.created


def test_86_two_people_in_one_row(tenant: Tenant) -> None:
    bring(tenant, "email,external id\na@example.com,A-1\nb@example.com,B-1\n")
    done = bring(tenant, "email,external id\na@example.com,B-1\n")
    assert (done.in_error, codes(tenant, done)) == (1, ["ambiguous_match"])


def test_98_many_bad_rows(tenant: Tenant) -> None:
    done = bring(tenant, "email\na@example.com\n" + "nobody\n" * 20_000)
    assert (done.status, done.created, done.in_error, done.rows) == ("imported", 1, 20_000, 20_001)


# Where the other numbers are tried.
ELSEWHERE = {
    85: "tests/imports/test_consent.py",
    97: "tests/contacts/test_identity.py",
}


def test_no_number_is_left_out() -> None:
    here = {int(found) for name in globals() for found in re.findall(r"test_(\d+)_", name)}
    tried = {row[0] for row in FILES} | {row[0] for row in CELLS} | here | set(ELSEWHERE)
    assert tried == set(range(1, 109))
    root = Path(__file__).resolve().parents[2]
    assert all((root / name).is_file() for name in ELSEWHERE.values())
    page = (root / "docs/hostile-inputs.md").read_text()
    assert [int(n) for n in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)] == list(range(1, 109))


def test_what_is_expected_can_be_said() -> None:
    words = {word for _no, expected, _data in FILES for word in re.findall(r"[a-z]\w+_\w+", expected)}
    assert words <= set(PROBLEMS)
