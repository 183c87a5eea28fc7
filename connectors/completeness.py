"""Whether a file that nobody writes any more is all of it. It is read in blocks: memory does not grow with it.

What tells: the mark of an upload that has not ended well, the size that was announced, and the content: an archive without
its end, a text that ends inside of a quoted cell or in a row with too few cells. Everything else is complete, also where
the import will find it wrong. Why: docs/decisions/0021-complete-files.md.
"""

import json
import zipfile
import zlib
from pathlib import Path

from core.unnamed_files import unnamed_file
from imports.files import csv_records, encodings, reader
from imports.files.reader import Dialect, FileProblem
from imports.mapping import guess

# Programs give a file such a name until it is complete.
PARTIAL_ENDS = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download", ".upload", "~")
PARTIAL_STARTS = (".", "~", "#")
BLOCK = 1 << 20
SNIFF_BYTES = 256 * 1024
WIDE = ("utf-16", "utf-32", "utf_16", "utf_32")


def partial_name(name: str) -> str:
    """Why a file of this name is not looked at; empty when it is."""
    folded = name.casefold()
    for end in PARTIAL_ENDS:
        if folded.endswith(end):
            return f"The name ends in {end}, which programs use for uploads in progress. Rename the file to import it."
    if name.startswith(PARTIAL_STARTS):
        return f"The name begins with {name[0]}. Rename the file to import it."
    return ""


def marked(mark: Path, *, size: int) -> str:
    """Why the mark of an upload holds a file back; empty without a mark."""
    try:
        told = json.loads(mark.read_text())
    except FileNotFoundError:
        return ""
    announced = told.get("announced")
    if told.get("reason") == "size" and announced is not None:
        return f"The file has {size:,} bytes, but {announced:,} were announced. Upload it again, or resume the upload."
    return "The connection broke off during the upload. Upload the file again, or resume the upload."


def content(path: Path, *, encoding: str = "") -> str:
    """Why the content looks cut off; empty when it does not. `encoding`: known, else found out."""
    size = path.stat().st_size
    if not size:
        return "The file is empty so far."
    with path.open("rb") as file:
        head = file.read(SNIFF_BYTES)
    if head.startswith(b"\x1f\x8b"):
        return "" if _gzip_ends(path) else "The archive is not complete."
    if head.startswith(b"PK\x03\x04"):
        return "" if zipfile.is_zipfile(path) else "The archive or workbook is not complete."
    changes = {"encoding": encoding} if encoding else {}
    try:
        dialect = reader.sniff(head, size=size, changes=changes, known=guess.names({}))
        columns = len(reader.preview(path, dialect, rows=1).header)
    except FileProblem as problem:
        # What cannot be read at all is said by the import; an open quote may be closed by what is still to come.
        if problem.code == "no_rows" and not head.endswith((b"\n", b"\r", b"\n\0", b"\r\0")):
            return _NO_ROW
        return _OPEN if problem.code == "unclosed_quote" else ""
    if _quotes(path, dialect) % 2 and _ends_in_quotes(path, dialect):
        return _OPEN
    return _cut_row(path, dialect, columns)


_OPEN = "The file ends inside of a quoted cell, so something is missing. Upload it again, or resume the upload."
_NO_ROW = "The file has no complete row so far."


def _gzip_ends(path: Path) -> bool:
    unpack = zlib.decompressobj(wbits=31)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            while block:
                try:
                    unpack.decompress(block, BLOCK)
                except zlib.error:
                    return True  # broken, not cut off: the import says so
                block = unpack.unconsumed_tail
                if unpack.eof and (block := unpack.unused_data.lstrip(b"\0")):
                    unpack = zlib.decompressobj(wbits=31)
    return unpack.eof


def _quotes(path: Path, dialect: Dialect) -> int:
    """How many quotes the file has. In a text whose cells are all closed the number is even."""
    if not dialect.quote:
        return 0
    sign = dialect.quote.encode("utf-16-le" if dialect.encoding.startswith(WIDE) else "ascii", "replace")
    count = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            count += block.count(sign[:1])
    return count


def _ends_in_quotes(path: Path, dialect: Dialect) -> bool:
    """By the reader of the import itself, which knows stray quotes from open ones."""
    with unnamed_file(beside=path) as copy:
        plain = path
        try:
            if reader.needs_utf8_copy(path, dialect):
                plain = copy
                encodings.copy_as_utf8(path, plain, encoding=dialect.encoding)
            reader.plan_units(plain, dialect)
        except FileProblem as problem:
            return problem.code == "unclosed_quote"
    return False


def _cut_row(path: Path, dialect: Dialect, columns: int) -> str:
    """Whether the last line has no end, and fewer cells than the header."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - csv_records.MAX_RECORD))
        tail = file.read().decode(dialect.encoding, "replace")
    last = tail.rpartition("\n")[2].rpartition("\r")[2]
    if not last.strip():
        return ""
    if "\n" not in tail and "\r" not in tail:
        return _NO_ROW
    cells = csv_records.lenient(last, dialect)
    if len(cells) >= columns:
        return ""
    return (
        f"The last row has {len(cells)} of {columns} cells and no line break, so something is missing. "
        "Upload the file again, or resume the upload."
    )
