"""Names of what is stored of an upload (core.file_store), all made of the one that the import keeps as its `path`."""

from pathlib import PurePosixPath

from core.file_store import DRAFT

# Endings, beside the text that is read: the file as it came where that was unpacked, and the copy in UTF-8.
ORIGINAL, UTF8 = ".original", ".utf8"
# The ending of the text of another sheet that is being written.
SHEET = ".sheet"


def original_name(path: str) -> str:
    """Of what was uploaded, where the text was unpacked from it."""
    return str(PurePosixPath(path).with_suffix(ORIGINAL))


def utf8_name(path: str, reopened: int = 0) -> str:
    """Of the copy in UTF-8 of a file in another encoding. Who has come back from the review to the mapping gets another one:
    the one before is removed when that is convenient, which may be later."""
    return str(PurePosixPath(path).with_suffix(f".{reopened}{UTF8}" if reopened else UTF8))


def names(path: str, reopened: int = 0) -> tuple[str, ...]:
    """Of everything that may be stored, also where a program was killed half-way."""
    drafts = (str(PurePosixPath(path).with_suffix(ending)) for ending in (DRAFT, SHEET))
    return path, original_name(path), utf8_name(path, reopened), *drafts
