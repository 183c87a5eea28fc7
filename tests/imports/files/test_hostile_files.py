"""The catalogue of hostile inputs: each by its number in docs/hostile-inputs.md, with what becomes of it here."""

import gzip
import io
import re
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from contacts.models import Contact
from imports.files.encodings import FileProblem
from imports.models import Import, RowIssue, Unit
from imports.problems.catalogue import PROBLEMS
from imports.wizard import upload
from imports.wizard.column_choices import BadMapping
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.files.test_archives import lying_size, stored, zipped
from tests.imports.helpers import bring, receive
from tests.imports.hostile_files import cell, outcome
from tests.imports.minimal_workbook import DOCUMENT, Raw, sheet_xml, workbook

_ENTITY = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def _corners(*cells: str) -> str:
    rows = "".join(f'<row r="{re.sub("[A-Z]", "", c)}"><c r="{c}"><v>1</v></c></row>' for c in cells)
    return sheet_xml([]).replace("<sheetData>", f"<sheetData>{rows}")


def linked(*files: tuple[str, bytes]) -> bytes:
    """A ZIP with a symbolic link beside the files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("people.csv")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def doubled_part() -> bytes:
    """A workbook with two parts of the name of its sheet."""
    other = sheet_xml([["email"], ["b@example.com"]]).encode()
    data = workbook([["email"], ["a@example.com"]], more={"xl/worksheets/sheet9.xml": other})
    return data.replace(b"sheet9.xml", b"sheet1.xml")


def broken_checksum() -> bytes:
    """A workbook whose directory has a wrong checksum for its sheet."""
    data = bytearray(workbook([["email"], ["a@example.com"]]))
    data[data.rindex(b"xl/worksheets/sheet1.xml") - 46 + 16] ^= 1
    return bytes(data)


def relations(target: str, mode: str = "Internal") -> bytes:
    """The relations of a workbook to its first sheet alone."""
    one = f'<Relationship Id="rId1" Type="{DOCUMENT}/worksheet" Target="{target}" TargetMode="{mode}"/>'
    return f"<Relationships>{one}</Relationships>".encode()


# (number, what becomes of the file: its code, or of every row its values or its line and code, the file)
FILES: list[tuple[int, str, bytes | str]] = [
    (1, "file_empty", b""),
    (2, "file_empty", b"\xef\xbb\xbf"),
    (2, "file_empty", b"  \n \r\n"),
    (2, "file_empty", b"\n\n\r"),
    (3, "no_rows", b"email,name\n"),
    (4, "a@example.com / b@example.com", b"a@example.com,Ann\nb@example.com,Bob\n"),
    (5, "a@example.com x", '\ufeff"email","name"\na@example.com,x\n'),
    (
        6,
        "a@example.com x / 3:not_an_email / b@example.com y / c@example.com z",
        "email,name\na@example.com,x\n\ufeffemail,name\n\ufeffb@example.com,y\nc@example.com,\ufeffz\n",
    ),
    (7, "a@example.com Zo\xeb", "email,name\na@example.com,Zoë\n".encode("utf-16")),
    (7, "a@example.com Zo\xeb", b"\xfe\xff" + "email,name\na@example.com,Zoë\n".encode("utf-16-be")),
    (8, "a@example.com Zo\xeb", "email,name\na@example.com,Zoë\n".encode("utf-16-le")),
    (9, "a@example.com Zo\xeb", "email,name\na@example.com,Zoë\n".encode("utf-32")),
    (9, "encoding_unreadable [2]", b"\xfe\xff\x00a\x00\n\xd8\x00\x00a\x00\n"),
    (10, "a@example.com Zo\xeb M\xfcller-Jos\xe9", "email,name\na@example.com,Zoë Müller-José\n".encode("cp1252")),
    (
        11,
        "encoding_unreadable [12]",
        b"email,name\n" + "a@example.com,Zoë é ü ö\n".encode() * 10 + "b@example.com,Zoë\n".encode("cp1252"),
    ),
    (12, "encoding_unreadable [2]", b"email,name\na@example.com,\xc0\xaf\n" + "b@example.com,ööööö\n".encode()),
    (
        12,
        "encoding_unreadable [2]",
        b"email,name\na@example.com,\xed\xa0\x80\n" + "b@example.com,ööööööööö\n".encode(),
    ),
    (
        12,
        "encoding_unreadable [2]",
        b"email,name\na@example.com,\xf5\x80\x80\x80\n" + "b@example.com,ööööööööö\n".encode(),
    ),
    (13, "a@example.com +ADw-script+AD4-", b"email,name\na@example.com,+ADw-script+AD4-\n"),
    (14, "a@example.com Zo\xc3\xa9", "email,name\na@example.com,ZoÃ©\n"),
    (
        15,
        "a@example.com x / " * 20 + "22:control_character",
        b"email,first name\n" + b"a@example.com,x\n" * 20 + b"b@example.com,x\x00y\n",
    ),
    (15, "nul_bytes", b"email,name\na@example.com,\x00\x00\n"),
    (16, "encoding_unreadable [3]", "email,name\na@example.com,ööööö\nb@example.com,ö".encode()[:-1]),
    (17, "record_too_long 1", b"x" * (3 << 20)),
    (17, "record_too_long 3", b"email\na@example.com\n" + b"x" * (3 << 20)),
    (18, "too_large", b"email\n" + b"a@example.com\n" * 400_000),
    (20, "a@example.com / a@example.com", gzip.compress(b"email\n" + b"a@example.com\n" * 2, mtime=0)),
    (20, "a@example.com", zipped(("a.csv", b"email\na@example.com\n"))),
    (21, "file_bomb", gzip.compress(b"\x00" * 60_000_000, mtime=0)),
    (21, "file_type", zipped(("a.zip", zipped(("a.zip", b"x"))))),
    (21, "file_bomb", zipped(*((f"{i}.csv", b"a") for i in range(2001)))),
    (21, "file_corrupt", lying_size()),
    (22, "a@example.com", zipped(("../../a.csv", b"email\na@example.com\n"))),
    (22, "a@example.com", zipped(("/etc/a.csv", b"email\na@example.com\n"))),
    (22, "a@example.com", linked(("a.csv", b"email\na@example.com\n"))),
    (22, "file_empty", linked()),
    (23, "file_type", b"<html>"),
    (23, "file_type", b"%PDF-1"),
    (23, "file_type", b"\x89PNG\r\n\x1a\n"),
    (23, "file_type", b"MZ\x90\x00\x03\x00"),
    (23, "file_type", b"\x7fELF\x02"),
    (23, "file_type", b"SQLite format 3\x00"),
    (24, "a@example.com <script>alert(1)</script>", b"email,name\na@example.com,<script>alert(1)</script>\n"),
    (26, "a@example.com / b@example.com / c@example.com", b"email\r\na@example.com\nb@example.com\rc@example.com\r\n"),
    (26, "a@example.com / 3:not_an_email", b"email\ra@example.com\rbad\r"),
    (27, "a@example.com x y / 4:not_an_email", b'email,name\na@example.com,"x\ny"\nbad,z\n'),
    (28, "unclosed_quote 2", b'email,name\na@example.com,"x\nb@example.com,y\n'),
    (29, "2:bad_quotes / b@example.com z", b'email,name\na@example.com,"x"y\nb@example.com,z\n'),
    (30, 'a@example.com a"b', b'email,name\na@example.com,a"b\n'),
    (31, "2:bad_quotes", b'email,name\na@example.com,"a\\"b"\n'),
    (32, "2:field_too_long", b'email,name\na@example.com,"' + b'""' * 10000 + b'"\n'),
    (33, "a@example.com 1,5 / b@example.com 2,5", b"email;city\na@example.com;1,5\nb@example.com;2,5\n"),
    (34, "a@example.com x", b"email\tname\na@example.com\tx\n"),
    (34, "a@example.com a|b", b'email|city\na@example.com|"a|b"\n'),
    (35, "a@example.com", b"email,a;b\na@example.com,1;2\n"),
    (36, "a@example.com x", b"sep=;\nemail;name\na@example.com;x\n"),
    (37, "2:too_few_cells", b"email,name\na@example.com\n"),
    (38, "2:too_many_cells", b"email,name\na@example.com,x,y\n"),
    (39, "a@example.com x", b"email,name\n\n,\n , \na@example.com,x\n\n"),
    (40, "a@example.com x", b"email,name,\na@example.com,x,\n"),
    (41, "too_many_columns", (",".join(f"c{i}" for i in range(101)) + "\n" + "1," * 100 + "1\n").encode()),
    (41, "too_many_columns", (",".join(f"c{i}" for i in range(100000)) + "\nx\n").encode()),
    (
        42,
        "2:field_too_long / b@example.com y",
        b"email,first name\na@example.com," + b"x" * 33792 + b"\nb@example.com,y\n",
    ),
    (
        42,
        "2:field_too_long / b@example.com y",
        b"email,first name\na@example.com," + b"x" * 131073 + b"\nb@example.com,y\n",
    ),
    (43, "a@example.com x y z q", "email,first name\na@example.com,x\u2028y\x85z\x0cq\n"),
    (44, "a@example.com x", b"# made by X\nemail,name\na@example.com,x\n"),
    (45, "a@example.com", " EMAIL ,E-Mail\na@example.com,x\n"),
    (46, "header_duplicate", "email,email\na@example.com,x\n"),
    (46, "header_duplicate", "name,na\u200bme,Name\na@example.com,x,y\n"),
    (47, "a@example.com", b"email,E-Mail Address\na@example.com,b@example.com\n"),
    (48, "2:no_identifier", b"city,name\nRiga,Ann\n"),
    (49, "a@example.com", b"email,shoe\na@example.com,\n"),
    (50, "a@example.com 2", b"email,tenant_id,id,is_admin,__proto__,password\na@example.com,1,2,3,4,5\n"),
    (51, "header_too_long", ("email," + "<b>{{x}}%(x)s" * 10 + "\na@example.com,x\n").encode()),
    (51, "header_too_long", b"email," + b"x" * 5000 + b"\na@example.com,x\n"),
    (51, "a@example.com", b"email,<b>{{ x }} %(x)s\na@example.com,x\n"),
    (52, "a@example.com", "email,שם,😀\na@example.com,x,y\n"),
    (
        53,
        "a@example.com x / 3:not_an_email / b@example.com y",
        b"email,name\na@example.com,x\nemail,name\nb@example.com,y\n",
    ),
    (68, "2:several_emails", b'email,name\n"a@example.com\r\nBcc: x@example.com",x\n'),
    (99, "file_type", workbook([["email"], ["a@example.com"]], more={"xl/vbaProject.bin": b"x"})),
    (99, "file_type", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512),
    (
        105,
        "2:phone_needs_country",
        workbook([["email", "phone"], ["a@example.com", 34651234567]], sheets=("A", "B")),
    ),
    (
        105,
        "a@example.com",
        workbook(
            [["notes"], ["x"]],
            sheets=("Notes", "People"),
            hidden=("Notes",),
            more={"xl/worksheets/sheet2.xml": sheet_xml([["email"], ["a@example.com"]]).encode()},
        ),
    ),
    (105, "a@example.com", workbook([["email"], ["a@example.com"]], hidden=("People",))),
    (
        105,
        "a@example.com Ann",
        workbook(
            [],
            sheet=sheet_xml(
                [["email", "name", None], ["a@example.com", "Ann", "Lee"]],
                after='<mergeCells count="1"><mergeCell ref="B1:C1"/></mergeCells>',
            ),
        ),
    ),
    (
        105,
        "a@example.com / b@example.com / c@example.com",
        workbook(
            [],
            sheet=sheet_xml(
                [["email"], ["a@example.com"], ["b@example.com"], ["c@example.com"]],
                hidden_rows=(2, 4),
                after='<autoFilter ref="A1:A4"><filterColumn colId="0"/></autoFilter>',
            ),
        ),
    ),
    (106, "file_corrupt", doubled_part()),
    (106, "file_corrupt", broken_checksum()),
    (106, "file_corrupt", workbook([["email"]], more={"xl/_rels/workbook.xml.rels": relations("worksheets/no.xml")})),
    (
        106,
        "a@example.com",
        workbook(
            [["email"], ["a@example.com"]],
            sheet=sheet_xml([["email"], ["a@example.com"]], before='<dimension ref="A1:XFD1048576"/>'),
        ),
    ),
    (106, "file_corrupt", workbook([["email"], ["a@example.com"]])[:-30]),
    (
        107,
        "a@example.com bold plain",
        workbook(
            [
                ["email", "city"],
                [
                    "a@example.com",
                    Raw('t="inlineStr"><is><r><t>bold</t></r><r><t xml:space="preserve"> plain</t></r></is>'),
                ],
            ]
        ),
    ),
    (100, "file_bomb", workbook([["a"]], more={"xl/sharedStrings.xml": b"<si><t>" + b"x" * 60_000_000})),
    (100, "file_bomb", workbook([], sheet=_corners("ZZZZZZZ1"))),
    (100, "file_bomb", workbook([], sheet=_corners("A1", "XFD1048576"))),
    (100, "file_bomb", workbook([], sheet=_corners("XFD1048576"))),
    (
        101,
        "file_corrupt",
        workbook([["email"]], more={"xl/_rels/workbook.xml.rels": relations("http://127.0.0.1:9/x", "External")}),
    ),
    (101, "file_corrupt", workbook([], sheet=_ENTITY + sheet_xml([["email"], ["mark"]]).replace("mark", "&a;"))),
    (102, "a@example.com 2", workbook([["email", "first name"], ["a@example.com", Raw("><f>1+1</f><v>2</v>")]])),
    (
        102,
        "2:formula_without_value",
        workbook([["email", "first name"], ["a@example.com", Raw("><f>1+1</f>")]]),
    ),
    (102, "2:not_an_email", workbook([["email", "first name"], [Raw('t="e"><v>#REF!</v>'), "Ann"]])),
    (103, "34651234567", workbook([["external id"], [34651234567]])),
    (103, "2:phone_needs_country", workbook([["email", "phone"], ["a@example.com", 34651234567]])),
    (103, "2:phone_damaged_by_spreadsheet", workbook([["email", "phone"], ["a@example.com", "3.46512E+10"]])),
    (
        104,
        "a@example.com 2024-01-30",
        workbook([["email", "birth date"], ["a@example.com", Raw('s="1"><v>45321</v>')]]),
    ),
    (
        104,
        "a@example.com 1904-03-01",
        workbook([["email", "birth date"], ["a@example.com", Raw('s="1"><v>60</v>')]], date1904=True),
    ),
    (104, "a@example.com 1900-02-28", workbook([["email", "birth date"], ["a@example.com", Raw('s="1"><v>60</v>')]])),
    (
        104,
        "a@example.com 2024-01-30 / 3:date_does_not_exist",
        workbook([["email", "birth date"], ["a@example.com", "2024-01-30"], ["b@example.com", "2024-02-30"]]),
    ),
    (
        107,
        "a@example.com",
        workbook(
            [],
            sheet=sheet_xml(
                [["email"], ["a@example.com"]],
                after='<hyperlinks><hyperlink ref="A2" location="mailto:b@example.com"/></hyperlinks>',
            ),
            more={"xl/comments1.xml": b"<comments><text><t>b@example.com</t></text></comments>"},
        ),
    ),
    (108, "a@example.com", workbook([["email"], ["a@example.com"]])),
    (108, "a@example.com", b"email\na@example.com\n"),
]

# (number, the stored value or the code, field, type, what the cell holds, settings)
CELLS: list[tuple[int, str, str, str, str, dict[str, str]]] = [
    (54, "ana@example.com", "email", "text", "  Ana@Example.COM ", {}),
    (55, "several_emails", "email", "text", "ana@example.com, bob@example.com", {}),
    (56, "ana@example.com", "email", "text", "Ana <ana@example.com>", {}),
    (56, "ana@example.com", "email", "text", "mailto:ana@example.com", {}),
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
    (77, "+16505551234;ext=5", "phone", "text", "+1 (650) 555-1234 ext. 5", {"region": "US"}),
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
    (81, "date_century_unclear", "d", "date", "31/12/24", {}),
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
    (91, "<svg/onload>", "first_name", "text", "<svg/onload>", {}),
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
    (95, "stacked_marks", "first_name", "text", "Z" + "\u0301" * 200, {}),
    (95, "stacked_marks", "first_name", "text", "aZ" + "\u0301\u0489\u1dc4" * 3 + "b", {}),
    (95, "\u0179" + "\u0301" * 7 + "b\u0301", "first_name", "text", "Z" + "\u0301" * 8 + "b\u0301", {}),
    (95, "stacked_marks", "city", "text", "Z" + "\u0489" * 9, {}),
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


def test_18_nothing_of_a_file_that_is_too_large_is_kept(tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(max_upload_bytes=20)
    tenant.refresh_from_db()
    assert receive(tenant, "email\na@example.com\n").size == 20
    with pytest.raises(FileProblem) as refused:
        receive(tenant, "email\naa@example.com\n")
    assert (refused.value.code, refused.value.facts["limit"]) == ("too_large", 20)
    assert len(stored(tenant)) == 1


def test_19_too_many_rows(tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(max_rows=3)
    tenant.refresh_from_db()
    done = bring(tenant, "email\n" + "".join(f"a{i}@example.com\n" for i in range(5)))
    assert (done.status, done.reason, done.reason_facts["found"]) == ("failed", "too_many_rows", 5)


def test_25_the_same_file_again(tenant: Tenant) -> None:
    first, second = (bring(tenant, "email,first name\na@example.com,Ann\n") for _ in range(2))
    assert (first.created, second.unchanged) == (1, 1)
    with tenant_context(tenant.pk):
        assert upload.same_file(second) == first


def test_47_two_columns_of_addresses(tenant: Tenant) -> None:
    """Nothing starts before a person has said which of them it is; by the guess the other one is skipped."""
    file = "email,E-Mail Address\na@example.com,b@example.com\n"
    with pytest.raises(BadMapping, match=r"Two columns are mapped to E-mail\."):
        bring(tenant, file, maps={"#1": "email"})
    assert nothing_has_started(tenant)
    bring(tenant, file, maps={"email": "skip", "E-Mail Address": "email"})
    with tenant_context(tenant.pk):
        assert list(Contact.objects.values_list("email", flat=True)) == ["b@example.com"]


def test_48_nothing_tells_who(tenant: Tenant) -> None:
    with pytest.raises(BadMapping, match="No column is mapped to E-mail, Phone or External ID"):
        bring(tenant, "city,first name\nRiga,Ann\n")
    assert nothing_has_started(tenant)


def nothing_has_started(tenant: Tenant) -> bool:
    with tenant_context(tenant.pk):
        return not Import.objects.exclude(phase="draft").exists() and not Unit.objects.exists()


def test_51_names_of_columns_are_only_text(alice: Actor) -> None:
    imp = receive(alice.workspace, 'email,<b>{{ 7|add:7 }} %(x)s "hx-get=/\n"a@example.com",x\n', user=alice.user)
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert "&lt;b&gt;{{ 7|add:7 }} %(x)s" in page
    assert "<b>{{" not in page


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
    done = bring(tenant, "email\na@example.com\n" + "nobody\n" * 100_000)
    assert (done.status, done.created, done.in_error, done.rows) == ("imported", 1, 100_000, 100_001)


# Where the other numbers are tried.
ELSEWHERE = {
    85: "tests/imports/pipeline/test_consent.py",
    97: "tests/contacts/identity/test_resolver.py",
}


def test_no_number_is_left_out() -> None:
    here = {int(found) for name in globals() for found in re.findall(r"test_(\d+)_", name)}
    tried = {row[0] for row in FILES} | {row[0] for row in CELLS} | here | set(ELSEWHERE)
    assert tried == set(range(1, 109))
    root = Path(__file__).resolve().parents[3]
    assert all((root / name).is_file() for name in ELSEWHERE.values())
    page = (root / "docs/hostile-inputs.md").read_text()
    assert [int(n) for n in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)] == list(range(1, 109))


def test_what_is_expected_can_be_said() -> None:
    words = {word for _no, expected, _data in FILES for word in re.findall(r"(?:\d:|^)([a-z]+_[a-z_]+)", expected)}
    assert len(words) > 20
    assert words <= set(PROBLEMS)
