"""Columns of a matrix, made of what was counted of people: how often, how long ago, which pages, which values. Pure.

Whether a field is filled is no column: it says which file a contact came from. An unknown value counts as the mean.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import orjson

from audiences.lookalikes.counts import ORDERS, Counted
from audiences.lookalikes.fields import Field
from audiences.lookalikes.model import Flags, Floats
from contacts.values.texts import comparable

# A column is left out that fewer people have, or lack: so many, or this share of those who are looked at.
LEAST, LEAST_SHARE = 20, 0.002
STEPS = (1, 2, 3, 5, 10, 20, 50)
WITHIN = (7, 14, 30, 90, 180)
AGES = (25, 35, 45, 55, 65)
MOST_VALUES = 12
# What is counted → how words say it, once and more often.
WORDS: Mapping[str, tuple[str, str]] = {
    "views_7": ("Viewed a page in the last 7 days", "Viewed {n} or more pages in the last 7 days"),
    "views_30": ("Viewed a page in the last 30 days", "Viewed {n} or more pages in the last 30 days"),
    "views_90": ("Viewed a page in the last 90 days", "Viewed {n} or more pages in the last 90 days"),
    "views_365": ("Viewed a page in the last year", "Viewed {n} or more pages in the last year"),
    "days_30": ("Was active in the last 30 days", "Was active on {n} or more of the last 30 days"),
    "seen": ("", "Was active within {n} days"),
    "did_90": ("Did an event in the last 90 days", "Did {n} or more events in the last 90 days"),
    "actions_365": ("Had a source action in the last year", "Had {n} or more source actions in the last year"),
    "orders_90": ("Ordered in the last 90 days", "Ordered {n} or more times in the last 90 days"),
    "orders_365": ("Ordered in the last year", "Ordered {n} or more times in the last year"),
    "amount_365": ("", "Ordered for {n} or more in the last year"),
    "ordered": ("", "Ordered within {n} days"),
    "sent_90": ("Was sent a message in the last 90 days", "Was sent {n} or more messages in the last 90 days"),
    "read_90": ("Opened a message in the last 90 days", "Opened {n} or more messages in the last 90 days"),
    "clicked_90": ("Clicked in a message in the last 90 days", "Clicked in {n} or more messages in the last 90 days"),
}


@dataclass(frozen=True)
class Column:
    """One column. `group`: columns that say much the same in other words; `key`: what it is made of; `kind`: how:

    - log: the logarithm of a count; at_least, within: a count, or days, compared with `value`
    - set: whether a page or an event is among those of the person (`value`: its place)
    - is, has: whether a field has the value; number: the logarithm of a number; above: a number compared; older: an age
    """

    group: str
    key: str
    kind: str
    value: Any
    words: str

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def encode(people: Counted, columns: Sequence[Column], *, today: date) -> Floats:
    """The matrix of people and columns, NaN where nothing is known."""
    matrix = np.empty((len(people.ids), len(columns)), dtype=np.float32)
    seen: dict[str, Any] = {}
    for place, column in enumerate(columns):
        matrix[:, place] = _ENCODERS[column.kind](people, column, seen, today)
    return matrix


def propose(
    people: Counted,
    fields: Sequence[Field],
    *,
    pages: Sequence[str],
    names: Sequence[str],
    without_orders: bool,
    today: date,
) -> list[Column]:  # fmt: skip
    """The columns that are worth a look for these people. `fields`: those that may be used."""
    found = [
        column for key in people.counts if not (without_orders and key in ORDERS) for column in _of_count(people, key)
    ]
    found += [
        Column(f"page {p}", "pages", "set", i, f"Looked at {p} in the last 30 days") for i, p in enumerate(pages, 1)
    ]
    found += [Column(f"event {n}", "names", "set", i, f"Did “{n}” in the last 90 days") for i, n in enumerate(names, 1)]
    for one in fields:
        found += of_field(people, one)
    matrix = encode(people, found, today=today)
    return [column for place, column in enumerate(found) if _is_worth(matrix[:, place])]


def defining(matrix: Floats, members: Flags, columns: Sequence[Column]) -> list[Column]:
    """Columns that nearly all members have and no other person: they define the list, and so can find nobody else."""
    own, rest = matrix[members], matrix[~members]
    found = []
    for place, column in enumerate(columns):
        if column.kind not in ("log", "number") and _share(own[:, place]) >= 0.8 and _share(rest[:, place]) <= 0.0005:
            found.append(column)
    return found


def _share(column: Floats) -> float:
    known = column[~np.isnan(column)]
    return float(known.mean()) if len(known) else 0.0


def _is_worth(column: Floats) -> bool:
    known = column[~np.isnan(column)]
    if not len(known):
        return False
    least = max(LEAST, LEAST_SHARE * len(known))
    usual = Counter(known.tolist()).most_common(1)[0][1]
    return len(known) - usual >= least


def _of_count(people: Counted, key: str) -> list[Column]:
    once, more = WORDS[key]
    group = _GROUPS.get(key.partition("_")[0], key)
    if key in ("seen", "ordered"):
        return [
            Column(group, key, "log", None, ""),
            *(Column(group, key, "within", n, more.format(n=n)) for n in WITHIN),
        ]
    steps: Sequence[float] = STEPS
    if key == "amount_365":
        known = people.counts[key][people.counts[key] > 0]
        steps = sorted({float(f"{q:.2g}") for q in np.quantile(known, (0.25, 0.5, 0.75, 0.9))}) if len(known) else ()
    return [
        Column(group, key, "log", None, ""),
        *(Column(group, key, "at_least", n, once if n == 1 and once else more.format(n=f"{n:,.10g}")) for n in steps),
    ]


# What is counted → the group of it.
_GROUPS = {
    "views": "visits", "days": "visits", "seen": "visits", "orders": "orders", "amount": "orders", "ordered": "orders",
    "read": "opened", "clicked": "opened",
}  # fmt: skip


def of_field(people: Counted, field: Field) -> list[Column]:
    """The columns of one field, those that hardly anybody has among them."""
    known = [text for text in people.fields.get(field.key, ()) if text is not None]
    group = f"field {field.key}"
    if field.kind == "number":
        numbers = np.array([_number(text) for text in known])
        steps = (
            sorted({float(f"{q:.3g}") for q in np.quantile(numbers, (0.25, 0.5, 0.75, 0.9))}) if len(numbers) else []
        )
        return [
            Column(group, field.key, "number", None, ""),
            *(Column(group, field.key, "above", n, f"{field.label} is at least {n:,.10g}") for n in steps),
        ]
    if field.kind == "birthday":
        return [Column(group, field.key, "older", n, f"Is {n} or older") for n in AGES]
    if field.kind == "values":
        often = Counter(value for text in known for value in _list(text)).most_common(MOST_VALUES)
        return [
            Column(group, field.key, "has", value, f"{field.label} includes {field.options.get(value, value)}")
            for value, _n in sorted(often)
        ]
    written: dict[str, str] = {}
    counted = Counter(comparable(text) for text in known)
    for text in known:
        written.setdefault(comparable(text), text)
    return [
        Column(group, field.key, "is", value, f"{field.label} is {field.options.get(written[value], written[value])}")
        for value, _n in sorted(counted.most_common(MOST_VALUES))
    ]


# --- encoding -----------------------------------------------------------------------------------------------------------


def _log(people: Counted, column: Column, _seen: Any, _today: date) -> Floats:
    return np.asarray(np.log1p(np.maximum(people.counts[column.key], 0)))


def _at_least(people: Counted, column: Column, _seen: Any, _today: date) -> Floats:
    return np.asarray(people.counts[column.key] >= column.value, dtype=np.float32)


def _within(people: Counted, column: Column, _seen: Any, _today: date) -> Floats:
    return np.asarray(people.counts[column.key] <= column.value, dtype=np.float32)


def _in_set(people: Counted, column: Column, _seen: Any, _today: date) -> Floats:
    return np.asarray((people.sets[column.key] >> column.value) & 1, dtype=np.float32)


def _is(people: Counted, column: Column, seen: dict[str, Any], _today: date) -> Floats:
    if f"is {column.key}" not in seen:
        texts = people.fields[column.key]
        codes: dict[str, int] = {}
        by_text: dict[str, int] = {}
        numbers = np.full(len(texts), -1, dtype=np.int64)
        for person, text in enumerate(texts):
            if text is not None:
                code = by_text.get(text)
                if code is None:
                    code = by_text[text] = codes.setdefault(comparable(text), len(codes))
                numbers[person] = code
        seen[f"is {column.key}"] = codes, numbers
    codes, numbers = seen[f"is {column.key}"]
    flags: Floats = np.asarray(numbers == codes.get(column.value, -2), dtype=np.float32)
    flags[numbers < 0] = np.nan
    return flags


def _has(people: Counted, column: Column, seen: dict[str, Any], _today: date) -> Floats:
    if f"has {column.key}" not in seen:
        seen[f"has {column.key}"] = [None if text is None else _list(text) for text in people.fields[column.key]]
    lists = seen[f"has {column.key}"]
    return np.array([np.nan if one is None else float(column.value in one) for one in lists], dtype=np.float32)


def _numbers(people: Counted, column: Column, seen: dict[str, Any]) -> Floats:
    if f"number {column.key}" not in seen:
        texts = people.fields[column.key]
        seen[f"number {column.key}"] = np.array([np.nan if t is None else _number(t) for t in texts], dtype=np.float64)
    numbers: Floats = seen[f"number {column.key}"]
    return numbers


def _log_number(people: Counted, column: Column, seen: dict[str, Any], _today: date) -> Floats:
    numbers = _numbers(people, column, seen)
    return np.asarray(np.sign(numbers) * np.log1p(np.abs(numbers)))


def _above(people: Counted, column: Column, seen: dict[str, Any], _today: date) -> Floats:
    numbers = _numbers(people, column, seen)
    return np.where(np.isnan(numbers), np.nan, numbers >= column.value)


def _older(people: Counted, column: Column, seen: dict[str, Any], today: date) -> Floats:
    if f"age {column.key}" not in seen:
        seen[f"age {column.key}"] = np.array([_age(t, today) for t in people.fields[column.key]], dtype=np.float32)
    ages = seen[f"age {column.key}"]
    return np.where(np.isnan(ages), np.nan, ages >= column.value)


_ENCODERS = {
    "log": _log, "at_least": _at_least, "within": _within, "set": _in_set, "is": _is, "has": _has,
    "number": _log_number, "above": _above, "older": _older,
}  # fmt: skip


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _list(text: str) -> list[str]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return []
    return [str(one) for one in found] if isinstance(found, list) else []


def _age(text: str | None, today: date) -> float:
    try:
        born = date.fromisoformat(text or "")
    except ValueError:
        return float("nan")  # nothing, or a birthday without a year
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
