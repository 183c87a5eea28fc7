"""Rules: which contacts are meant, as a tree of conditions. Pure: JSON in, frozen dataclasses out, or a RuleError.

As it is stored: {"v": 1, "all": [{"attribute": "city", "op": "is", "values": ["Riga"]}, {"any": [{"activity": "order",
"times": "at_least", "count": "2", "days": 30}, {"segment": 12, "op": "in"}]}]}. docs/segments.md says what each means.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

VERSION = 1
MATCHES = ("all", "any", "none")
MAX_CONDITIONS, MAX_DEPTH, MAX_BYTES, MAX_VALUES, MAX_TEXT = 50, 4, 6_000, 50, 200
MAX_DAYS = 3_660


class RuleError(ValueError):
    """A rule that cannot be read. `path` leads to the condition: the places of the parts, from the outermost group."""

    def __init__(self, why: str, path: tuple[int, ...] = ()) -> None:
        super().__init__(why)
        self.why, self.path = why, path


@dataclass(frozen=True)
class FieldCondition:
    """A condition on something that is known of a contact (segments.rules.rule_fields), by an operator
    (segments.rules.operators)."""

    key: str
    op: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class PropertyFilter:
    """A condition on a property of an event: `op` is is, contains, more or less."""

    name: str
    op: str
    value: str


@dataclass(frozen=True)
class ActivityCondition:
    """A condition on what a contact did or was sent (segments.rules.activity_conditions). `times` is at_least or at_most,
    `count` a number as it was written; `days` counts back from now, None: ever."""

    what: str
    times: str
    count: str
    days: int | None = None
    name: str = ""
    where: PropertyFilter | None = None


@dataclass(frozen=True)
class InSegment:
    """Whether a contact is in a segment; `op` is in or not_in."""

    segment_id: int
    op: str = "in"


@dataclass(frozen=True)
class Group:
    """Conditions of which all, any, or none must hold."""

    match: str
    parts: tuple["Node", ...]


Node = FieldCondition | ActivityCondition | InSegment | Group


def loads(text: str | bytes) -> Group:
    """A rule from its JSON. Raises RuleError."""
    if len(text) > MAX_BYTES:
        raise RuleError(f"A rule can have up to {MAX_BYTES:,} characters. This one has {len(text):,}.")
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise RuleError("This is not a rule.") from None
    return parse(data)


def dumps(rule: Group) -> str:
    """The JSON of a rule, as short as it can be: it is part of addresses."""
    return orjson.dumps(plain(rule)).decode()


def parse(data: Any) -> Group:
    """A rule from what was stored. Raises RuleError; an unknown condition is an error, never one that is always true."""
    if not isinstance(data, dict) or data.get("v") != VERSION:
        raise RuleError("This is not a rule.")
    group = _node({key: value for key, value in data.items() if key != "v"}, (), 1)
    if not isinstance(group, Group):
        raise RuleError("A rule must start with all, any or none.")
    if sum(1 for _node in conditions(group)) > MAX_CONDITIONS:
        raise RuleError(f"A rule can have up to {MAX_CONDITIONS} conditions.")
    return group


def check_size(rule: Group) -> None:
    """Raise RuleError for a rule that `loads` would not read: too long, too deep, too many conditions or values."""
    size = len(dumps(rule))
    if size > MAX_BYTES:
        raise RuleError(f"A rule can have up to {MAX_BYTES:,} characters. This one has {size:,}.")
    parse(plain(rule))


def plain(rule: Group) -> dict[str, Any]:
    """A rule as it is stored."""
    return {"v": VERSION, **_plain(rule)}


def conditions(group: Group) -> Iterator[FieldCondition | ActivityCondition | InSegment]:
    """All conditions of a rule, groups left out."""
    for part in group.parts:
        if isinstance(part, Group):
            yield from conditions(part)
        else:
            yield part


# --- reading ------------------------------------------------------------------------------------------------------------


def _node(data: Any, path: tuple[int, ...], depth: int) -> Node:
    if not isinstance(data, dict):
        raise RuleError("This is not a condition.", path)
    for match in MATCHES:
        if match in data:
            return _group(match, data, path, depth)
    for name, read in (("attribute", _attribute), ("activity", _did), ("segment", _segment)):
        if name in data:
            return read(data, path)
    raise RuleError("This is not a condition.", path)


def _group(match: str, data: Mapping[str, Any], path: tuple[int, ...], depth: int) -> Group:
    parts = data[match]
    if len(data) != 1 or not isinstance(parts, list) or depth > MAX_DEPTH:
        raise RuleError(f"Groups can be nested up to {MAX_DEPTH} levels deep.", path)
    return Group(match, tuple(_node(part, (*path, i), depth + 1) for i, part in enumerate(parts)))


def _attribute(data: Mapping[str, Any], path: tuple[int, ...]) -> FieldCondition:
    values = data.get("values", [])
    if not isinstance(values, list) or len(values) > MAX_VALUES:
        raise RuleError(f"A condition can have up to {MAX_VALUES} values.", path)
    return FieldCondition(
        _text(data["attribute"], path), _text(data.get("op"), path), tuple(_text(v, path) for v in values)
    )


def _did(data: Mapping[str, Any], path: tuple[int, ...]) -> ActivityCondition:
    days, where = data.get("days"), data.get("where")
    if days is not None and (type(days) is not int or not 0 < days <= MAX_DAYS):
        raise RuleError(f"Enter a number of days from 1 to {MAX_DAYS:,}.", path)
    if data.get("times") not in ("at_least", "at_most"):
        raise RuleError("Choose “at least” or “at most”.", path)
    if where is not None and not isinstance(where, dict):
        raise RuleError("This is not a condition.", path)
    return ActivityCondition(
        _text(data["activity"], path), data["times"], _text(data.get("count"), path), days,
        _text(data.get("name", ""), path), _where(where, path) if where else None,
    )  # fmt: skip


def _where(data: Mapping[str, Any], path: tuple[int, ...]) -> PropertyFilter:
    return PropertyFilter(*(_text(data.get(name), path) for name in ("property", "op", "value")))


def _segment(data: Mapping[str, Any], path: tuple[int, ...]) -> InSegment:
    op = data.get("op", "in")
    if type(data["segment"]) is not int or op not in ("in", "not_in"):
        raise RuleError("Choose a segment.", path)
    return InSegment(data["segment"], op)


def _text(value: Any, path: tuple[int, ...]) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or "\x00" in value:
        raise RuleError(f"A value is a text of at most {MAX_TEXT} characters.", path)
    return value


# --- writing ------------------------------------------------------------------------------------------------------------


def _plain(node: Node) -> dict[str, Any]:
    if isinstance(node, Group):
        return {node.match: [_plain(part) for part in node.parts]}
    if isinstance(node, InSegment):
        return {"segment": node.segment_id, "op": node.op}
    if isinstance(node, FieldCondition):
        values = {"values": list(node.values)} if node.values else {}
        return {"attribute": node.key, "op": node.op, **values}
    where = (
        {"where": {"property": node.where.name, "op": node.where.op, "value": node.where.value}} if node.where else {}
    )
    days = {"days": node.days} if node.days else {}
    name = {"name": node.name} if node.name else {}
    return {"activity": node.what, "times": node.times, "count": node.count, **days, **name, **where}
