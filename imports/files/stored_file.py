"""Names of what is stored of an upload (core.file_store), all made of the one that the import keeps as its `path`."""

import uuid
from pathlib import PurePosixPath

from core.file_store import DRAFT

# Endings, beside the text that is read: the file as it came where that was unpacked, and the copy in UTF-8.
ORIGINAL, UTF8 = ".original", ".utf8"
TEXT = ".csv"


def original_name(path: str) -> str:
    """Of what was uploaded, where the text was unpacked from it."""
    return str(PurePosixPath(path).with_name(_stem(path) + ORIGINAL))


def another_text(path: str) -> str:
    """Of another text that is unpacked from the same upload."""
    return str(PurePosixPath(path).with_name(f"{_stem(path)}.{uuid.uuid4().hex[:8]}{TEXT}"))


def _stem(path: str) -> str:
    return PurePosixPath(path).name.partition(".")[0]


def utf8_name(path: str, reopened: int = 0) -> str:
    """Of the copy in UTF-8 of a file in another encoding. Who has come back from the review to the mapping gets another one:
    the one before is removed when that is convenient, which may be later."""
    return str(PurePosixPath(path).with_suffix(f".{reopened}{UTF8}" if reopened else UTF8))


def names(path: str, reopened: int = 0) -> tuple[str, ...]:
    """Of everything that may be stored, also where a program was killed half-way, or the choice of a sheet was undone."""
    first = str(PurePosixPath(path).with_name(_stem(path) + TEXT))
    draft = str(PurePosixPath(path).with_suffix(DRAFT))
    return tuple(dict.fromkeys((path, first, original_name(path), utf8_name(path, reopened), draft)))
