"""Cut-off files are known by their marks and their ends; whole ones, however odd, are not held back."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from connectors import completeness
from imports.workbooks import convert
from tests.imports.minimal_workbook import workbook

HEADER = "email,first_name,city\n"
ROW = "ann@example.com,Ann,Leeds\n"
assert convert  # the reader of workbooks is there


def why(path: Path, content: bytes | str) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return completeness.content(path)


WHOLE = {
    "rows": HEADER + ROW,
    "without a last line break": HEADER + ROW.strip(),
    "quoted line break": HEADER + 'a@example.com,"Ann\nMarie",York\n',
    "quotes doubled": HEADER + 'a@example.com,"Ann ""Annie""",York\n',
    "a stray quote": HEADER + 'a@example.com,5" pipe,York\nb@example.com,Ben,York\n',
    "header alone": HEADER,
    "semicolons": HEADER.replace(",", ";") + ROW.replace(",", ";"),
    "returns": (HEADER + ROW).replace("\n", "\r"),
    "blank lines at the end": HEADER + ROW + "\n\n",
    "one column": "email\na@example.com\nb@example.com",
    "a short row that ends": HEADER + "a@example.com\n",
    "no table at all": "\x00\x01\x02" * 40,
}
CUT = {
    "nothing": "",
    "open quote": HEADER + 'a@example.com,"Ann',
    "open quote over lines": HEADER + ROW * 40 + 'a@example.com,"Ann\n' + ROW * 40,
    "too few cells": HEADER + ROW + "ben@example.com,B",
    "one cell": HEADER + ROW + "ben@exa",
    "part of a header": "email,first_na",
}


@pytest.mark.parametrize("content", WHOLE.values(), ids=WHOLE)
def test_what_is_whole_is_taken(tmp_path: Path, content: str) -> None:
    assert why(tmp_path / "f.csv", content) == ""


@pytest.mark.parametrize("content", CUT.values(), ids=CUT)
def test_what_is_cut_off_waits(tmp_path: Path, content: str) -> None:
    assert why(tmp_path / "f.csv", content) != ""


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_read_too(tmp_path: Path, encoding: str) -> None:
    whole = HEADER + 'bjørn@example.com,"Bjørn ""B""",Tromsø\n' * 30
    assert why(tmp_path / "f.csv", whole.encode(encoding)) == ""
    assert why(tmp_path / "f.csv", (whole + 'x@example.com,"Bjø').encode(encoding)) != ""
    assert why(tmp_path / "f.csv", (whole + "x@example.com,Bjø").encode(encoding)) != ""


def test_a_text_that_is_cut_anywhere_inside_of_a_quoted_cell_waits(tmp_path: Path) -> None:
    text = HEADER + 'a@example.com,"Ann, ""the first"" of\nmany",York\n'
    start, end = text.index('"Ann') + 1, text.index('many"')
    # Right after a quote inside, it could be the end of the cell: then the row has too few cells.
    assert [at for at in range(start, end) if not why(tmp_path / "f.csv", text[:at])] == []


def test_archives_need_their_end(tmp_path: Path) -> None:
    text = (HEADER + ROW * 500).encode()
    packed = gzip.compress(text)
    assert why(tmp_path / "f.gz", packed) == ""
    assert why(tmp_path / "f.gz", packed * 2) == ""
    assert why(tmp_path / "f.gz", packed[:-4]) != ""
    assert why(tmp_path / "f.gz", packed[: len(packed) // 2]) != ""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", text)
    assert why(tmp_path / "f.zip", buffer.getvalue()) == ""
    assert why(tmp_path / "f.zip", buffer.getvalue()[:-20]) != ""
    sheet = workbook([["email"], ["a@example.com"]])
    assert why(tmp_path / "f.xlsx", sheet) == ""
    assert why(tmp_path / "f.xlsx", sheet[: len(sheet) // 2]) != ""


def test_marks_say_why(tmp_path: Path) -> None:
    mark = tmp_path / "7"
    assert completeness.marked(mark, size=5) == ""
    mark.write_text('{"reason": "broken", "announced": null}')
    assert "broke off" in completeness.marked(mark, size=5)
    mark.write_text('{"reason": "size", "announced": 1200}')
    assert "5 bytes, but 1,200 were announced" in completeness.marked(mark, size=5)
    mark.write_text('{"reason": "open", "announced": null}')
    assert "broke off" in completeness.marked(mark, size=5)
