"""Numbers and times of addresses, forms and cells: the value, or None where the text is none."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.dateparse import parse_datetime


def parse_id(text: str) -> int | None:
    """A whole number that a row of the database can have: ASCII digits and nothing else, at most 17 of them."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def parse_ids(texts: Iterable[str]) -> list[int]:
    """Those of the texts that are whole numbers."""
    return [number for text in texts if (number := parse_id(text)) is not None]


def parse_moment(text: str) -> datetime | None:
    """A time with its zone, in ISO 8601."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None  # of the right form, but no day of the calendar
    return moment if moment and moment.tzinfo else None
