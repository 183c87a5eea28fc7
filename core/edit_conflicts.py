"""Two people, or two tabs, that edit the same thing: the second one is told what the first one has saved.

A form carries in its hidden field `seen` what the thing was when the form was shown. Whoever saves while it is something
else gets the form again, with the own values, a sentence that has the new ones, and the new `seen`: saving once more
replaces them.
"""

import json
from collections.abc import Mapping
from datetime import time
from hashlib import sha256
from typing import Any

MOST_SHOWN = 60


def seen(thing: Any, labels: Mapping[str, str]) -> str:
    """What tells the thing from what it was before; `labels`: the attributes that the form has, with their words."""
    values = [str(getattr(thing, name)) for name in labels]
    return sha256(json.dumps(values).encode()).hexdigest()[:16]


def sentence(posted: Mapping[str, str], thing: Any, labels: Mapping[str, str]) -> str:
    """Why the form is not saved; "" where the thing, which the caller has locked, is what the form showed."""
    if posted.get("seen", "") in {"", seen(thing, labels)}:
        return ""
    now = [f"{label} is “{_short(thing, name)}”" for name, label in labels.items() if _differs(posted, thing, name)]
    told = f" {'; '.join(now)}." if now else ""
    return f"This was changed while you were editing it.{told} Save again to replace it with your values."


def _differs(posted: Mapping[str, str], thing: Any, name: str) -> bool:
    """Whether a field of a form with that name says something else; one that the form calls otherwise is not told."""
    return name in posted and posted[name].strip() != _text(getattr(thing, name))


def _text(value: Any) -> str:
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return "" if value is None else str(value)


def _short(thing: Any, name: str) -> str:
    """The value as pages say it."""
    shown = getattr(thing, f"get_{name}_display", None)
    text = " ".join((shown() if shown else _text(getattr(thing, name))).split())
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
