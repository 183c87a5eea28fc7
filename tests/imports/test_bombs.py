"""Workbooks and archives made to explode: what they take of time and memory, measured in the process that reads them."""

import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from imports import workbooks
from imports.containers import kind_of
from imports.encodings import FileProblem
from tests.imports.test_containers import zipped
from tests.imports.workbook import sheet_xml, workbook

SECONDS, MEMORY = 5.0, 200 << 20
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
    command = [sys.executable, "-I", workbooks.__file__, str(source), str(target), str(limit)]
    done = subprocess.run([sys.executable, "-I", "-c", MEASURE, *command], stdout=subprocess.PIPE, check=True)
    code, said, seconds, memory = json.loads(done.stdout)
    assert code == 0
    return json.loads(said), seconds, memory


def sheet(inside: str) -> bytes:
    return workbook([], sheet=sheet_xml([]).replace("<sheetData>", f"<sheetData>{inside}"))


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


BOMBS = {
    "four million cells in a row": lambda: sheet("<row>" + "<c/>" * 4_000_000),
    "a shared text of 100 MB": lambda: texts("<si><t>" + "x" * 100_000_000 + "</t></si>"),
    "a text of 100 MB in the cell": lambda: sheet('<row><c t="inlineStr"><is><t>' + "x" * 100_000_000),
    "the last corner only": lambda: sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
    "a column that does not exist": lambda: sheet('<row r="1"><c r="ZZZZZZZ1"><v>1</v></c></row>'),
    "a tag of 100 MB": lambda: sheet('<row x="' + "y" * 100_000_000),
    "five million levels": lambda: workbook([["a"]], more={"xl/workbook.xml": b"<a>" * 5_000_000}),
    "a million styles": lambda: workbook(
        [["a"]], more={"xl/styles.xml": b"<styleSheet><cellXfs>" + b'<xf numFmtId="0"/>' * 1_000_000}
    ),
    "a megabyte of text in every cell": lambda: texts("<si><t>" + "x" * 1_000_000 + "</t></si>", cells=10_000),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_take_little(bomb: str, tmp_path: Path) -> None:
    said, seconds, memory = read(BOMBS[bomb](), tmp_path)
    assert said == {"code": "file_bomb"}
    assert seconds <= SECONDS
    assert memory <= MEMORY


def test_memory_does_not_grow_with_an_honest_sheet(tmp_path: Path) -> None:
    """Ten times as many rows, and the same memory: cells are written as they are read."""
    used = []
    for count in (2_000, 20_000):
        rows = [["email", *(f"c{i}" for i in range(19))]]
        rows += [[f"a{y}@example.com", *(y * x for x in range(19))] for y in range(count)]  # type: ignore[list-item]
        said, _seconds, memory = read(workbook(rows), tmp_path)
        assert said == {"sheets": 1}
        assert len((tmp_path / "book.csv").read_text().splitlines()) == count + 1
        used.append(memory)
    assert used[1] - used[0] <= 8 << 20


def test_21_a_hundred_thousand_parts(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(*((f"{i}.csv", b"a") for i in range(100_000)), method=zipfile.ZIP_STORED))
    start = time.process_time()
    with pytest.raises(FileProblem) as refused:
        kind_of(tmp_path / "a.zip")
    assert refused.value.code == "file_bomb"
    assert time.process_time() - start < 1
