"""Workbooks and archives made to explode: what they take of time and memory, measured in the process that reads them."""

import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imports.files import archives
from imports.files.archives import kind_of
from imports.files.encodings import FileProblem
from imports.workbooks import convert
from tests.imports.files.test_archives import zipped
from tests.imports.minimal_workbook import sheet_xml, workbook

# Computing; a free machine takes a third of it for the worst, millions of filled cells.
SECONDS = 20.0
# What is said of a reader that asked for more memory than it may have: `containers` makes file_bomb of it.
ENDED = {"code": "file_bomb"}
# A small process of its own starts the reader: what a process has used includes, at its start, what its parent uses.
MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, env={}, check=False)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, done.stdout.decode(), used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))
"""


def read(data: bytes, folder: Path, *, limit: int = 500_000_000) -> tuple[dict[str, Any], float, int]:
    """What the reader of workbooks says, its seconds of computing, its most memory in bytes."""
    source, target = folder / "book.xlsx", folder / "book.csv"
    source.write_bytes(data)
    wishes = json.dumps({"sheet": "", "fill": False, "skip_hidden": False})
    command = [sys.executable, "-I", "-c", archives.PROGRAM, str(source), str(target), str(limit), wishes]
    done = subprocess.run([sys.executable, "-I", "-c", MEASURE, *command], stdout=subprocess.PIPE, check=True)
    code, said, seconds, memory = json.loads(done.stdout)
    return (json.loads(said) if code == 0 else ENDED), seconds, memory


def sheet(inside: str, *, times: int = 1) -> bytes:
    return workbook([], sheet=sheet_xml([]).replace("<sheetData>", "<sheetData>" + inside * times))


def texts(inside: str, *, cells: int = 1) -> bytes:
    """A workbook with shared texts, of which all its cells show the first."""
    parts = {
        "xl/sharedStrings.xml": f"<sst>{inside}</sst>".encode(),
        "xl/_rels/workbook.xml.rels": (
            b'<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>'
            b'<Relationship Id="rId2" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
        ),
    }
    row = "<row>" + '<c t="s"><v>0</v></c>' * cells + "</row>"
    return workbook([], sheet=sheet_xml([]).replace("<sheetData>", f"<sheetData>{row}"), more=parts)


BOMBS: dict[str, tuple[str, Callable[[], Any]]] = {
    "four million empty cells in a row": ("file_empty", lambda: sheet("<row>" + "<c/>" * 4_000_000 + "</row>")),
    "millions of filled cells": (
        "file_bomb",
        lambda: sheet("<row>" + "<c><v>1</v></c>" * 16_000 + "</row>", times=1_200),
    ),
    "a shared text of 100 MB": ("file_bomb", lambda: texts("<si><t>" + "x" * 100_000_000 + "</t></si>")),
    "a text of 100 MB in the cell": (
        "file_corrupt",
        lambda: sheet('<row><c t="inlineStr"><is><t>' + "x" * 100_000_000),
    ),
    "the last corner only": ("file_bomb", lambda: sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')),
    "a column that does not exist": ("file_bomb", lambda: sheet('<row r="1"><c r="ZZZZZZZ1"><v>1</v></c></row>')),
    "a tag of 100 MB": ("file_corrupt", lambda: sheet('<row x="' + "y" * 100_000_000)),
    "five million levels": ("file_corrupt", lambda: workbook([["a"]], more={"xl/workbook.xml": b"<a>" * 5_000_000})),
    "a megabyte of text in every cell": (
        "file_bomb",
        lambda: texts("<si><t>" + "x" * 1_000_000 + "</t></si>", cells=10_000),
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_take_little(bomb: str, tmp_path: Path) -> None:
    """Seconds of computing, and never more memory than the process may have."""
    code, make = BOMBS[bomb]
    said, seconds, memory = read(make(), tmp_path)
    assert said == {"code": code}
    assert seconds <= SECONDS
    assert memory <= convert.MEMORY


def test_an_honest_sheet_fits(tmp_path: Path) -> None:
    """Twenty thousand rows of twenty columns, as people have them, take a tenth of the memory."""
    rows = [["email", *(f"c{i}" for i in range(19))]]
    rows += [[f"a{y}@example.com", *(y * x for x in range(19))] for y in range(20_000)]  # type: ignore[list-item]
    said, _seconds, memory = read(workbook(rows), tmp_path)
    assert (said["sheets"], said["sheet"]) == (["People"], "People")
    assert len((tmp_path / "book.csv").read_text().splitlines()) == 20_001
    assert memory <= convert.MEMORY / 5


def test_21_a_hundred_thousand_parts(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(*((f"{i}.csv", b"a") for i in range(100_000)), method=zipfile.ZIP_STORED))
    start = time.process_time()
    with pytest.raises(FileProblem) as refused:
        kind_of(tmp_path / "a.zip")
    assert refused.value.code == "file_bomb"
    assert time.process_time() - start < 1
