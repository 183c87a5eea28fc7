"""Files that hold the table inside: gzip, ZIP with one file, a workbook. What is in them decides, never their name.

`unpack` turns such an upload into plain text, block by block, within limits. Names inside of an archive are only shown:
nothing is ever written by them.
"""

import errno
import gzip
import json
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from lzma import LZMAError
from pathlib import Path
from typing import IO, Any

from imports.files.encodings import BLOCK, FileProblem, refuse_other_types

SHOWN_NAMES = 5
MAX_PARTS = 2_000
# What grows more than this is made to fill disks, not to hold a table. Small files may: a column of zeros packs well.
MAX_RATIO, MAX_WORKBOOK_RATIO = 200, 300
FREE_BYTES = 50_000_000
MAX_WORKBOOK_BYTES = 1_000_000_000
# The process knows where the program lies, and nothing else of the product.
ROOT = str(Path(__file__).resolve().parents[2])
PROGRAM = f"import sys; sys.path.append({ROOT!r}); from imports.workbooks.convert import main; main()"
# Wall time for a workbook; its process may compute for `workbooks.CPU_SECONDS`.
TIMEOUT = 90
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BROKEN = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, RuntimeError, ValueError, struct.error)
# Parts that only one kind of file has, and what we call that kind. In this order.
_KINDS = (
    ("xl/vbaProject.bin", "workbook with macros (XLSM)"), ("xl/workbook.bin", "binary workbook (XLSB)"),
    ("word/document.xml", "Word document"), ("ppt/presentation.xml", "presentation"),
    ("META-INF/manifest.xml", "OpenDocument (ODS)"), ("META-INF/MANIFEST.MF", "Java program"),
)  # fmt: skip


def kind_of(path: Path) -> str:
    """What has to be unpacked first: "gzip", "zip", "xlsx"; nothing for a text. Raises FileProblem, see `_directory`."""
    with path.open("rb") as file:
        start = file.read(8)
        if start.startswith(_OLE):
            _refuse_old_office(file)
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if not start.startswith(_ZIP):
        return ""
    names = [part.filename for part in _directory(path)]
    return "xlsx" if "[Content_Types].xml" in names and any(n.startswith("xl/") for n in names) else "zip"


@dataclass(frozen=True)
class Wishes:
    """What a workbook is read for: a sheet (empty: the first that can be seen and holds something); `fill`: every row of a
    merged cell gets its value; `skip_hidden`: hidden rows are left out."""

    sheet: str = ""
    fill: bool = False
    skip_hidden: bool = False


@dataclass(frozen=True)
class Unpacked:
    """What was inside: of a workbook its sheets by name, the one that was taken, and what is to be said about its looks:
    `hidden_rows`, `hidden_columns` (letters), `merged` (cells over several rows), `without_value` (formulas)."""

    sheets: tuple[str, ...] = ()
    sheet: str = ""
    looks: dict[str, Any] = field(default_factory=dict)


def unpack(source: Path, target: Path, *, kind: str, limit: int, wishes: Wishes | None = None) -> Unpacked:
    """Write the text inside of `source` to `target`; of a workbook the sheet that is wished for. Raises FileProblem:
    too_large, file_bomb, file_type, several_files, file_encrypted, file_corrupt, file_empty.
    What is left of `target` then is for the caller to remove."""
    if kind == "xlsx":
        return _convert(source, target, limit=limit, wishes=wishes or Wishes())
    try:
        with gzip.open(source) if kind == "gzip" else _only_file(source) as packed:
            _copy(packed, target, limit=limit, packed_size=source.stat().st_size)
        return Unpacked()
    except _BROKEN as problem:
        if isinstance(problem, OSError) and problem.errno not in (None, errno.EINVAL):
            raise  # the disk, not the file
        raise FileProblem("file_corrupt") from None


def _copy(packed: IO[bytes] | gzip.GzipFile, target: Path, *, limit: int, packed_size: int) -> None:
    size = 0
    with target.open("wb") as text:
        for block in _blocks(packed):
            if not size:
                refuse_other_types(block)
            size += len(block)
            if size <= limit:
                text.write(block)
            elif size > max(limit, FREE_BYTES):
                break  # far enough to know which of the two it is
    if size > FREE_BYTES and size > MAX_RATIO * packed_size:
        raise FileProblem("file_bomb")
    if size > limit:
        raise FileProblem("too_large", limit=limit, found=size)


def _blocks(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block


# --- ZIP ------------------------------------------------------------------------------------------------------------------


def _directory(path: Path) -> list[zipfile.ZipInfo]:
    """The parts of a ZIP. Raises FileProblem: file_bomb, file_corrupt, file_encrypted, file_type."""
    if _count(path, b"PK\x01\x02", most=MAX_PARTS) > MAX_PARTS:
        raise FileProblem("file_bomb")
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except _BROKEN:
        raise FileProblem("file_corrupt") from None
    names = {part.filename for part in parts}
    for name, kind in _KINDS:
        if name in names:
            raise FileProblem("file_type", kind=kind)
    if any(part.flag_bits & 1 for part in parts):
        raise FileProblem("file_encrypted")
    return parts


def _count(path: Path, mark: bytes, *, most: int) -> int:
    """How often a mark is in a file, as far as `most` matters: a directory is measured before it is read."""
    count, end = 0, b""
    with path.open("rb") as file:
        for block in _blocks(file):
            count += (end + block).count(mark)
            end = block[-len(mark) + 1 :]
            if count > most:
                break
    return count


@contextmanager
def _only_file(path: Path) -> Iterator[IO[bytes]]:
    """The one file of a ZIP, opened. Folders and links do not count, nor what a Mac adds."""
    parts = [p for p in _directory(path) if not stat.S_ISLNK(p.external_attr >> 16)]
    files = [p for p in parts if not p.filename.endswith("/") and not p.filename.startswith("__MACOSX/")]
    if not files:
        raise FileProblem("file_empty")
    if len(files) > 1:
        names = [_shown(part.filename) for part in files[:SHOWN_NAMES]]
        raise FileProblem("several_files", names=", ".join(names), found=len(files))
    with zipfile.ZipFile(path) as archive, archive.open(files[0]) as file:
        yield file


def _shown(name: str) -> str:
    return "".join(c for c in name if c.isprintable())[-60:]


# --- workbooks ------------------------------------------------------------------------------------------------------------


def _convert(source: Path, target: Path, *, limit: int, wishes: Wishes) -> Unpacked:
    parts, packed = _directory(source), source.stat().st_size
    size = sum(part.file_size for part in parts)
    if size > MAX_WORKBOOK_BYTES or (size > FREE_BYTES and size > MAX_WORKBOOK_RATIO * packed):
        raise FileProblem("file_bomb")
    command = [sys.executable, "-I", "-c", PROGRAM, str(source), str(target), str(limit), json.dumps(asdict(wishes))]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT, env={}, check=False)  # noqa: S603 - no shell, our own program
    except subprocess.TimeoutExpired:
        raise FileProblem("file_bomb") from None
    if done.returncode < 0 or b"memory allocation" in done.stderr:
        raise FileProblem("file_bomb")  # stopped by a limit on memory or time
    if done.returncode:
        raise FileProblem("file_corrupt")
    said = json.loads(done.stdout)
    if "code" in said:
        raise FileProblem(said.pop("code"), **said)
    return Unpacked(tuple(said.pop("sheets")), said.pop("sheet"), said)


def _refuse_old_office(file: IO[bytes]) -> None:
    """The format before XLSX, in which workbooks with a password still come."""
    file.seek(0)
    head = file.read(BLOCK)
    if "EncryptedPackage".encode("utf-16-le") in head:
        raise FileProblem("file_encrypted")
    raise FileProblem("file_type", kind="old Excel (XLS)")
