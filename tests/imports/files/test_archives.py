"""Archives and workbooks: what is in them is imported, what they do to their reader is not."""

import gzip
import hashlib
import io
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings

from imports.files import archives
from imports.files.archives import kind_of, unpack
from imports.files.encodings import FileProblem
from imports.options import Options
from imports.problems.catalogue import PROBLEMS
from imports.wizard import column_choices, upload
from imports.workbooks import convert
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import again, bring, flat, proved, receive, work
from tests.imports.minimal_workbook import Raw, sheet_xml, workbook

TABLE = b"email,city\nann@example.com,Riga\nbob@example.com,Oslo\n"
LIMIT = 30_000_000


def packed(data: bytes) -> bytes:
    """Packed by gzip, the same bytes each time: processes that share tests out must see the same ones."""
    return gzip.compress(data, mtime=0)


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def nameless() -> bytes:
    """A ZIP with a part whose name begins with a zero byte: for the reader of directories it has no name."""
    return zipped(("people.csv", TABLE)).replace(b"people.csv", b"\x00eople.csv")


def text(data: bytes, tmp_path: Path, *, limit: int = LIMIT) -> str:
    source, target = tmp_path / "upload", tmp_path / "text"
    source.write_bytes(data)
    kind = kind_of(source)
    assert kind
    unpack(source, target, kind=kind, limit=limit)
    return target.read_text()


def refused(data: bytes, tmp_path: Path, *, limit: int = LIMIT) -> FileProblem:
    with pytest.raises(FileProblem) as caught:
        text(data, tmp_path, limit=limit)
    assert caught.value.code in PROBLEMS
    return caught.value


def stored(tenant: Tenant) -> list[Path]:
    return sorted((Path(settings.UPLOAD_DIR) / str(tenant.pk)).glob("*"))


# --- gzip and ZIP -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        packed(TABLE),
        packed(TABLE[:20]) + packed(TABLE[20:]),
        zipped(("people.csv", TABLE)),
        zipped(("people.csv", TABLE), method=zipfile.ZIP_STORED),
        zipped(("people.csv", TABLE), method=zipfile.ZIP_BZIP2),
        zipped(("people.csv", TABLE), method=zipfile.ZIP_LZMA),
        zipped(("folder/", b""), ("folder/people.csv", TABLE), ("__MACOSX/folder/._people.csv", b"x")),
        zipped(("../../etc/people.csv", TABLE)),
        nameless(),
    ],
)
def test_archives_are_unpacked(data: bytes, tmp_path: Path) -> None:
    assert text(data, tmp_path) == TABLE.decode()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["text", "upload"]


def damaged_crc() -> bytes:
    data = bytearray(zipped(("people.csv", TABLE), method=zipfile.ZIP_STORED))
    data[data.index(b"Riga")] ^= 1
    return bytes(data)


def lying_size() -> bytes:
    """A ZIP whose directory says that the file has ten bytes."""
    data = bytearray(zipped(("people.csv", TABLE)))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(zipped(("people.csv", TABLE)))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"), io.BytesIO())
    return packed(out.getvalue())


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (packed(TABLE)[:-9], "file_corrupt"),
        (packed(TABLE)[:12], "file_corrupt"),
        (packed(TABLE) + b"rest", "file_corrupt"),
        (b"\x1f\x8b", "file_corrupt"),
        (b"PK\x03\x04rest", "file_corrupt"),
        (zipped(("people.csv", TABLE))[:-30], "file_corrupt"),
        (damaged_crc(), "file_corrupt"),
        (lying_size(), "file_corrupt"),
        (encrypted(), "file_encrypted"),
        (zipped(), "file_empty"),
        (zipped(("folder/", b"")), "file_empty"),
        (packed(packed(TABLE)), "file_type"),
        (packed(zipped(("a.csv", TABLE))), "file_type"),
        (zipped(("a.zip", zipped(("a.csv", TABLE)))), "file_type"),
        (zipped(("a.xlsx", workbook([["email"]]))), "file_type"),
        (zipped(("a.csv", b"%PDF-1.7")), "file_type"),
        (tarred(), "file_type"),
        (zipped(*((f"{i}.csv", b"a") for i in range(2001))), "file_bomb"),
    ],
)
def test_archives_that_are_refused(data: bytes, code: str, tmp_path: Path) -> None:
    assert refused(data, tmp_path).code == code


def test_several_files_are_named(tmp_path: Path) -> None:
    problem = refused(zipped(*((f"../{i}\n.csv", TABLE) for i in range(7))), tmp_path)
    assert problem.code == "several_files"
    assert problem.facts == {"names": "../0.csv, ../1.csv, ../2.csv, ../3.csv, ../4.csv", "found": 7}


def test_limits_of_what_comes_out(tmp_path: Path) -> None:
    for pack in (packed, lambda data: zipped(("a.csv", data))):
        problem = refused(pack(TABLE), tmp_path, limit=len(TABLE) - 1)
        assert (problem.code, problem.facts) == ("too_large", {"limit": len(TABLE) - 1, "found": len(TABLE)})
        bomb = pack(b"email\n" + b"\x00" * 51_000_000)
        assert refused(bomb, tmp_path).code == "file_bomb"
        assert (tmp_path / "text").stat().st_size <= LIMIT
        # As many bytes that do not shrink like this are only too large.
        assert refused(pack(bytes(range(256)) * 120_000), tmp_path).code == "too_large"


def test_what_people_upload_is_kept_beside(tenant: Tenant) -> None:
    data = packed(TABLE)
    done = bring(tenant, data, review=True)
    assert (done.container, done.size, done.sha256) == ("gzip", len(data), hashlib.sha256(data).hexdigest())
    assert upload.original_path(done).read_bytes() == data
    assert [path.suffix for path in stored(tenant)] == [".csv", ".original"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in stored(tenant))
    upload.discard(done)
    assert stored(tenant) == []


def test_plain_files_are_their_own_original(tenant: Tenant) -> None:
    imp = receive(tenant, TABLE)
    assert (imp.container, upload.original_path(imp).read_bytes()) == ("", TABLE)


def test_nothing_is_left_of_a_refused_archive(tenant: Tenant) -> None:
    for data in (packed(TABLE)[:-9], zipped(("a", b"x"), ("b", b"y")), workbook([[]])):
        with pytest.raises(FileProblem):
            receive(tenant, data)
    assert stored(tenant) == []


@pytest.mark.parametrize("pack", [packed, lambda data: zipped(("a.csv", data))])
def test_archives_are_imported(pack: Any, tenant: Tenant) -> None:
    done = bring(tenant, pack("имя;email\r\nИван;ivan@example.com\r\n".encode("cp1251")))
    assert (done.status, done.created, done.dialect["encoding"]) == ("imported", 1, "cp1251")
    proved(tenant, done)


# --- workbooks --------------------------------------------------------------------------------------------------------


def test_values_of_a_workbook(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["email", "value"],
        ["whole", 34651234567],
        [],
        ["float", 0.1],
        ["large", 1e22],
        ["yes", True],
        ["no", False],
        ["date", Raw('s="1"><v>45321</v>')],
        ["time", Raw('s="2"><v>45321.5</v>')],
        ["formula", Raw("><f>1+1</f><v>2</v>")],
        ["without value", Raw("><f>1+1</f>")],
        ["text", ' 007, "x" '],
        ["error", Raw('t="e"><v>#REF!</v>')],
        ["looks like one", '<c t="e">'],
    ]
    assert text(workbook(rows), tmp_path).split("\n") == [
        "email,value",
        "whole,34651234567",
        "",
        "float,0.1",
        "large,1e+22",
        "yes,TRUE",
        "no,FALSE",
        "date,2024-01-30",
        "time,2024-01-30 12:00\x1f2024-01-30 12:00:00",
        "formula,2",
        "without value,␝=1+1",
        'text," 007, ""x"" "',
        "error,#REF!",
        'looks like one,"<c t=""e"">"',
        "",
    ]


def test_dates_of_the_other_calendar(tmp_path: Path) -> None:
    assert text(workbook([["d"], [Raw('s="1"><v>45321</v>')]], date1904=True), tmp_path) == "d\n2028-01-31\n"


def test_a_sheet_that_begins_somewhere(tmp_path: Path) -> None:
    sheet = sheet_xml([[], [], [None, "email"], [None, "a@example.com"]])
    assert text(workbook([], sheet=sheet), tmp_path) == "\n\n,email\n,a@example.com\n"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (workbook([]), "file_empty"),
        (workbook([["a"]])[:-40], "file_corrupt"),
        (workbook([["a"]], more={"xl/workbook.xml": b"<workbook"}), "file_corrupt"),
        (workbook([["a"]], sheets=("a",), more={"xl/_rels/workbook.xml.rels": b"<Relationships/>"}), "file_corrupt"),
        (workbook([["a"]], more={"xl/vbaProject.bin": b"x"}), "file_type"),
        (workbook([["a"]], more={"xl/workbook.bin": b"x"}), "file_type"),
        (zipped(("mimetype", b"x"), ("content.xml", b"x"), ("META-INF/manifest.xml", b"x")), "file_type"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "file_type"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "file_encrypted"),
        (workbook([["a"]], more={f"xl/{i}": b"" for i in range(2001)}), "file_bomb"),
        (workbook([["a"]], more={"xl/sharedStrings.xml": b" " * 51_000_000}), "file_bomb"),
    ],
)  # fmt: skip
def test_workbooks_that_are_refused(data: bytes, code: str, tmp_path: Path) -> None:
    assert refused(data, tmp_path).code == code


def test_the_limit_holds_for_the_text_of_a_workbook(tmp_path: Path) -> None:
    assert refused(workbook([["a" * 1000]]), tmp_path, limit=500).facts == {"limit": 500, "found": 1001}


def test_a_workbook_that_takes_all_memory_or_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corners = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    wide = sheet_xml([]).replace("<sheetData>", f"<sheetData>{corners}")
    assert refused(workbook([], sheet=wide), tmp_path).code == "file_bomb"
    monkeypatch.setattr(archives, "TIMEOUT", 0.001)
    assert refused(workbook([["a"]]), tmp_path).code == "file_bomb"


def test_entities_are_not_followed(tmp_path: Path) -> None:
    head = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
    for entity in ("&a;", "&b;"):
        sheet = head + sheet_xml([["email"], ["mark"]]).replace("mark", entity)
        assert refused(workbook([], sheet=sheet), tmp_path).code == "file_corrupt"


def test_a_workbook_is_imported(tenant: Tenant) -> None:
    rows: list[list[object]] = [
        ["E-Mail", "Phone", "Stadt"],
        [],
        ["ann@example.com", 34651234567, "a;b;c"],
        ["nobody", None, "x;y;z"],
    ]
    done = bring(tenant, workbook(rows, sheets=("People", "Other")), country="ES", maps={"Stadt": "skip"})
    assert (done.container, done.created, done.in_error, done.rows) == ("xlsx", 1, 1, 2)
    proved(tenant, done)


def test_how_a_workbook_is_read_does_not_change(tenant: Tenant) -> None:
    imp = receive(tenant, workbook([["a;b", "c;d"], ["1;2", "3;4"], ["5;6", "7;8"]]), name="people.csv")
    assert (imp.header, imp.dialect["separator"]) == (["a;b", "c;d"], ",")
    with tenant_context(tenant.pk):
        column_choices.reread_file(imp, tenant, {"header": "no"})
    assert imp.header == ["Column A", "Column B"]


def three_sheets() -> bytes:
    """A hidden sheet, an empty one, and two with people."""
    parts = {
        f"xl/worksheets/sheet{i}.xml": sheet_xml(rows).encode()
        for i, rows in (
            (2, []),
            (3, [["email"], ["a@example.com"]]),
            (4, [["mail", "town"], ["b@example.com", "Riga"]]),
        )
    }
    sheets = ("Lists", "Notes", "People", "Guests & friends")
    return workbook([["x"], ["y"]], sheets=sheets, hidden=("Lists",), more=parts)


def test_another_sheet_can_be_taken(alice: Actor) -> None:
    imp = receive(alice.workspace, three_sheets(), user=alice.user)
    assert (imp.sheet, imp.sheets) == ("People", ["Lists", "Notes", "People", "Guests & friends"])
    assert "One of 4 sheets of the workbook: People." in flat(alice.get(f"imports/{imp.pk}/").content.decode())
    alice.post(f"imports/{imp.pk}/sheet/", {"sheet": "Guests & friends"})
    taken = again(alice.workspace, imp)
    assert (taken.sheet, taken.header) == ("Guests & friends", ["mail", "town"])
    assert [column["target"] for column in taken.mapping] == ["email", "city"]
    assert (taken.size, taken.sha256) == (imp.size, imp.sha256)
    with tenant_context(alice.workspace.pk):
        chosen = column_choices.apply_choices(taken, {})
        upload.start(taken, options=Options(), columns=chosen, auto_start=True)
    done = work(alice.workspace, taken)
    assert (done.created, done.in_error) == (1, 0)
    assert "sheet Guests &amp; friends of an Excel workbook" in alice.get(f"imports/{imp.pk}/").content.decode()


@pytest.mark.parametrize(
    ("name", "says"), [("Notes", "is empty"), ("Nothing", "has no sheet Nothing"), ("", "has no sheet")]
)
def test_a_sheet_that_cannot_be_taken_changes_nothing(alice: Actor, name: str, says: str) -> None:
    imp = receive(alice.workspace, three_sheets(), user=alice.user)
    answer = alice.post(f"imports/{imp.pk}/sheet/", {"sheet": name})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert (again(alice.workspace, imp).sheet, again(alice.workspace, imp).header) == ("People", ["email"])
    text_now = (Path(settings.UPLOAD_DIR) / imp.path).read_text()
    assert text_now == "email\na@example.com\n"
    assert [path.suffix for path in stored(alice.workspace)].count(".sheet") == 0


def test_the_page_says_what_was_unpacked(alice: Actor) -> None:
    for data, says in (
        (workbook([["email"], ["a@example.com"]]), "The only sheet of the workbook: People."),
        (packed(TABLE), "Unpacked from gzip."),
        (zipped(("a.csv", TABLE)), "Unpacked from ZIP."),
    ):
        imp = receive(alice.workspace, data, user=alice.user)
        assert says in flat(alice.get(f"imports/{imp.pk}/").content.decode())


def test_numbers_as_a_spreadsheet_shows_them() -> None:
    shown = {0.1 + 0.2: "0.3", 1e15: "1000000000000000", 1e-7: "0.0000001", 1.5e300: "1.5e+300", -0.5: "-0.5"}
    assert {value: convert.cell(value) for value in shown} == shown


def test_no_archive_stays_open(tmp_path: Path) -> None:
    """Not even while somebody holds the problem: an open file is a warning in whatever test its garbage is collected."""
    source = tmp_path / "upload"
    good = zipped(("a.csv", TABLE))
    source.write_bytes(b"PK\x03\x05" + good[4:])  # the directory is right, the part itself is not
    with pytest.raises(FileProblem) as held:
        archives.unpack(source, tmp_path / "text", kind="zip", limit=1_000_000)
    assert held.value.code == "file_corrupt"
    assert str(source) not in {file.path for file in psutil.Process().open_files()}
