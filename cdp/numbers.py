"""Numbers as they stand in addresses, forms and cells."""

from collections.abc import Iterable


def whole(text: str) -> int | None:
    """A whole number that a row of the database can have: ASCII digits and nothing else, at most 17 of them."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def wholes(texts: Iterable[str]) -> list[int]:
    """Those of the texts that are whole numbers."""
    return [number for text in texts if (number := whole(text)) is not None]
