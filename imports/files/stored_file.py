"""Names of what is stored of an upload (core.file_store), all made of the one that the import keeps as its `path`."""

from pathlib import PurePosixPath

# Endings, beside the text that is read: the file as it came where that was unpacked, and the copy in UTF-8.
ORIGINAL, UTF8 = ".original", ".utf8"


def original_name(path: str) -> str:
    """Of what was uploaded, where the text was unpacked from it."""
    return str(PurePosixPath(path).with_suffix(ORIGINAL))


def utf8_name(path: str) -> str:
    """Of the copy in UTF-8 of a file in another encoding."""
    return str(PurePosixPath(path).with_suffix(UTF8))


def names(path: str) -> tuple[str, ...]:
    """Of everything that may be stored."""
    return path, original_name(path), utf8_name(path)
