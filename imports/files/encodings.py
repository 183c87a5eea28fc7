"""Bytes of a file: what kind of file it is, in which encoding, and a strict way from that encoding to UTF-8."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from imports.files import encoding_candidates

BLOCK = 1 << 20
NAMED_LINES = 10
# Encodings that may be chosen: Python's name → how people know it. A closed list: Python has codecs that do other things.
CHOICES: dict[str, str] = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with byte order mark",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16, little-endian",
    "utf-16-be": "UTF-16, big-endian",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252 (Western European)",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "cp1258": "Windows-1258 (Vietnamese)",
    "iso8859-1": "ISO 8859-1 (Western European)",
    "iso8859-2": "ISO 8859-2 (Central European)",
    "iso8859-5": "ISO 8859-5 (Cyrillic)",
    "iso8859-7": "ISO 8859-7 (Greek)",
    "iso8859-9": "ISO 8859-9 (Turkish)",
    "iso8859-13": "ISO 8859-13 (Baltic)",
    "iso8859-15": "ISO 8859-15 (Western European with €)",
    "koi8-r": "KOI8-R (Russian)",
    "koi8-u": "KOI8-U (Ukrainian)",
    "cp437": "DOS 437 (American)",
    "cp850": "DOS 850 (Western European)",
    "cp852": "DOS 852 (Central European)",
    "cp866": "DOS 866 (Cyrillic)",
    "mac-roman": "Mac Roman",
    "mac-cyrillic": "Mac Cyrillic",
    "shift_jis": "Shift JIS (Japanese)",
    "gb18030": "GB 18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "euc_kr": "EUC-KR (Korean)",
}
# A share of NUL bytes from which a file is no text at all; fewer are problems of single rows.
NUL_SHARE = 0.01


class FileProblem(Exception):
    """Why a whole file cannot be read. `code` is one of imports.problems.catalogue, `facts` fill its sentence."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code, facts)
        self.code, self.facts = code, facts


def named(name: str) -> str:
    """The key of CHOICES for a name as people write it: "Latin-1", "windows-1252". Raises FileProblem."""
    try:
        wanted = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        raise FileProblem("encoding_unknown", value=name) from None
    encoding = next((key for key in CHOICES if codecs.lookup(key).name == wanted), None)
    if encoding is None:
        raise FileProblem("encoding_unknown", value=name)
    return encoding


# --- other kinds of files ----------------------------------------------------------------------------------------------

_MAGIC = (
    (b"%PDF-", "PDF"), (b"\x89PNG", "PNG image"), (b"\xff\xd8\xff", "JPEG image"), (b"GIF8", "GIF image"),
    (b"\x1f\x8b", "gzip"),
    (b"SQLite format 3\x00", "SQLite database"), (b"\x7fELF", "program"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"Rar!\x1a\x07", "RAR"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"PAR1", "Parquet"), (b"{\\rtf", "RTF document"),
)  # fmt: skip
_HTML = re.compile(rb"\s*(?:<!doctype html|<html|<head|<body|<\?xml)", re.IGNORECASE).match


def refuse_other_types(sample: bytes) -> None:
    """Raise FileProblem("file_type", kind=…) when the first bytes are those of another kind of file than text."""
    if sample.startswith(b"PK\x03\x04"):
        raise FileProblem(
            "file_type", kind="Excel (XLSX)" if b"xl/" in sample or b"[Content_Types]" in sample else "ZIP"
        )
    for mark, name in _MAGIC:
        if sample.startswith(mark):
            raise FileProblem("file_type", kind=name)
    if sample[257:262] == b"ustar":
        raise FileProblem("file_type", kind="TAR archive")
    if sample.startswith(b"BZh") and sample[4:10] == b"1AY&SY":
        raise FileProblem("file_type", kind="bzip2")
    if sample.startswith(b"MZ") and b"\x00" in sample[:64]:
        raise FileProblem("file_type", kind="Windows program")
    if _HTML(sample.removeprefix(codecs.BOM_UTF8)):
        raise FileProblem("file_type", kind="HTML or XML")


# --- which encoding ------------------------------------------------------------------------------------------------------

# The longer marks first: the mark of UTF-32 begins with that of UTF-16.
BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Found(NamedTuple):
    """An encoding, how sure it is from 0 to 1, and those between which a person has to decide, if it is not clear."""

    encoding: str
    sure: float
    unsure: tuple[str, ...] = ()


def detect(sample: bytes, *, complete: bool, country: str = "") -> Found:
    """The encoding of a text. `complete`: the sample is the whole file; `country`: that of the workspace.

    A byte order mark decides; then strict UTF-8; then UTF-16 by its zero bytes; then the letters that each of the other
    encodings makes of the bytes (imports.files.encoding_candidates). Raises FileProblem: nul_bytes, encoding_unreadable.
    """
    for mark, encoding in BOMS:
        if sample.startswith(mark):
            return Found(encoding, 1.0)
    if b"\x00" in sample and (wide := _utf16(sample)):
        return Found(wide, 0.9)
    if sample.count(b"\x00") > NUL_SHARE * len(sample):
        raise FileProblem("nul_bytes", found=sample.count(b"\x00"))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, complete)
        return Found("utf-8", 0.9 if sample.isascii() else 1.0)
    except UnicodeDecodeError:
        _refuse_mixture(sample)
    return _by_letters(sample, country)


def _utf16(sample: bytes) -> str | None:
    """UTF-16 without a mark: the zero bytes of its ASCII characters are all on one side of the pairs."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    if min(even, odd) > 0 or max(even, odd) < 0.02 * len(sample) / 2:
        return None
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeError:
        return None
    return encoding if "\n" in text or "\r" in text or len(text) < 200 else None


def _refuse_mixture(sample: bytes) -> None:
    """A file that is UTF-8 in nearly all places is not in a code page: it is damaged, and lines can be named."""
    escaped = sample.decode("utf-8", "surrogateescape")
    broken = re.findall("[\udc80-\udcff]+", escaped)
    whole = sum(1 for c in escaped if ord(c) > 0x7F and not 0xDC80 <= ord(c) <= 0xDCFF)
    if whole > 4 * len(broken):
        lines = [n for n, line in enumerate(_lines_of(escaped), 1) if re.search("[\udc80-\udcff]", line)]
        raise FileProblem("encoding_unreadable", encoding="UTF-8", lines=lines[:NAMED_LINES])


def _lines_of(text: str) -> list[str]:
    return re.split("\r\n|\r|\n", text)


def _by_letters(sample: bytes, country: str) -> Found:
    ranking = encoding_candidates.weigh(sample, country=country)
    if not ranking:
        raise FileProblem("encoding_unreadable", encoding="UTF-8", lines=[])
    lead = ranking[0].score - ranking[1].score if len(ranking) > 1 else 2 * encoding_candidates.CLEAR
    return Found(ranking[0].encoding, round(min(0.99, 0.5 + lead / 30), 2), encoding_candidates.doubtful(ranking))


def is_wide(encoding: str) -> bool:
    """Whether every character takes two or four bytes."""
    return encoding.startswith(("utf-16", "utf-32"))


def wide_order(sample: bytes) -> str:
    """UTF-16 with its mark, or the order of bytes that a sample without one has."""
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-16-le" if sample[1::2].count(0) >= sample[0::2].count(0) else "utf-16-be"


# --- into UTF-8 ----------------------------------------------------------------------------------------------------------


def is_utf8(encoding: str) -> bool:
    """Whether bytes of this encoding are valid UTF-8 (apart from a mark at the beginning)."""
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")


def has_lone_returns(path: Path) -> bool:
    """Whether a file of an ASCII-compatible encoding ends lines by CR alone somewhere. Reads it in blocks."""
    with path.open("rb") as file:
        cut = False
        while block := file.read(BLOCK):
            if cut and not block.startswith(b"\n"):
                return True
            cut = block.endswith(b"\r")
            if b"\r" in block and block.count(b"\r") - cut != block.count(b"\r\n"):
                return True
    return cut


def copy_as_utf8(source: Path, target: Path, *, encoding: str) -> None:
    """Write `source` as UTF-8 with LF or CRLF line ends to `target`; the lines keep their numbers.

    Strict: raises FileProblem("encoding_unreadable") with the lines that cannot be read, never a replaced character.
    """
    with source.open("rb") as file, target.open("wb") as copy:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            for text in _pieces(file, decoder):
                copy.write(text.encode("utf-8"))
        except UnicodeError:
            raise unreadable(source, encoding=encoding) from None


def _pieces(file: BinaryIO, decoder: codecs.IncrementalDecoder) -> Iterator[str]:
    """Decoded blocks with single CRs turned into LFs. A CR at the end of a block waits for what follows."""
    waiting = ""
    while block := file.read(BLOCK):
        text = waiting + decoder.decode(block)
        waiting = "\r" if text.endswith("\r") else ""
        text = text.removesuffix("\r")
        yield re.sub("\r(?!\n)", "\n", text) if "\r" in text else text
    tail = waiting + decoder.decode(b"", True)
    yield tail.replace("\r", "\n")


def unreadable(path: Path, *, encoding: str) -> FileProblem:
    """The problem that a file is not written in `encoding`, with the numbers of up to ten such lines."""
    lines: list[int] = []
    with path.open("r", encoding=encoding, errors="surrogateescape", newline=None) as file:
        no = 0
        try:
            while line := file.readline(BLOCK):
                no += 1
                if re.search("[\udc80-\udcff]", line):
                    lines.append(no)
                if len(lines) >= NAMED_LINES:
                    break
        except UnicodeError:
            # Wide encodings cannot go on after a damaged place.
            lines.append(no + 1)
    return FileProblem("encoding_unreadable", encoding=CHOICES.get(encoding, encoding), lines=lines)
