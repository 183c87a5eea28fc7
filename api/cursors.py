"""Places in lists: opaque texts that a program hands back unchanged."""

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any

from api.problems import Problem
from core.request_checks import LARGEST

MOST, USUAL = 200, 50


def encode(*values: int | str | None) -> str:
    """The cursor behind a row whose key is these values."""
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(text: str, *kinds: type) -> list[Any] | None:
    """The values of a cursor, of these kinds each; None for no cursor. Raises Problem 422."""
    if not text:
        return None
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        values = json.loads(raw)
    except (ValueError, binascii.Error, RecursionError):
        raise Problem(422, "cursor_invalid") from None
    if not isinstance(values, list) or len(values) != len(kinds) or not all(map(_fits, values, kinds)):
        raise Problem(422, "cursor_invalid")
    return values


def _fits(value: Any, kind: type) -> bool:
    if kind is int:
        return type(value) is int and -LARGEST <= value <= LARGEST
    return type(value) is kind and "\0" not in str(value)


def page(rows: Iterable[Any], limit: int, *names: str) -> tuple[list[Any], str | None]:
    """Of limit + 1 rows those of the page, and the cursor behind them by these attributes; None at the end."""
    found = list(rows)
    shown = found[:limit]
    return shown, encode(*(getattr(shown[-1], name) for name in names)) if len(found) > limit else None
