"""Rules: which contacts are meant, as a tree of conditions. Pure: JSON in, frozen dataclasses out, or a RuleError.

As it is stored: {"v": 1, "all": [{"attribute": "city", "op": "is", "values": ["Riga"]}, {"any": [{"activity": "order",
"times": "at_least", "count": "2", "days": 30}, {"segment": 12, "op": "in"}]}]}. docs/rules.md lists what a
condition can say. Older rules are read as they are: what was added since is optional.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

VERSION = 1
MATCHES = ("all", "any", "none")
MAX_CONDITIONS, MAX_DEPTH, MAX_BYTES, MAX_VALUES, MAX_TEXT = 50, 4, 6_000, 50, 200
MAX_DAYS = 3_660
MAX_FILTERS = 10
# The lists of other apps that a condition can name (contacts.extensions.rule_lists).
LISTS = ("import", "source", "lookalike")
# What a window is counted in, and the largest number of each; and the parts of the calendar.
UNITS = {"hours": 24 * MAX_DAYS, "days": MAX_DAYS, "months": 120}
CALENDAR = ("day", "week", "month", "quarter", "year")


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
    """A condition on a property of an event, by one of segments.rules.property_filters.FILTERS."""

    name: str
    op: str
    value: str = ""


@dataclass(frozen=True)
class Period:
    """When something was done. `kind` is

    - last: in the last `count` of `unit`; ago: more than that ago
    - this, previous: the running or the last whole day, week, month, quarter or year (`unit`)
    - between: from `start` to `stop`, both included; before and after: without that day; since: with it

    Days are ISO dates of the workspace's calendar (segments.rules.periods).
    """

    kind: str
    count: int = 0
    unit: str = "days"
    start: str = ""
    stop: str = ""


@dataclass(frozen=True)
class ActivityCondition:
    """A condition on what a contact did or was sent (segments.rules.activity_conditions). `times` is one of its COMPARISONS,
    `count` a number as it was written, and `until` the second one of “between”; without a period: ever. `joined`: whether
    all or any of the filters on properties must be true of an event. Amounts count in `currency` only; empty: in any."""

    what: str
    times: str
    count: str
    period: Period | None = None
    name: str = ""
    where: tuple[PropertyFilter, ...] = ()
    joined: str = "all"
    until: str = ""
    currency: str = ""


@dataclass(frozen=True)
class InSegment:
    """Whether a contact is in a segment; `op` is in or not_in."""

    segment_id: int
    op: str = "in"


@dataclass(frozen=True)
class InList:
    """Whether a contact is in a list of another app: an import, a source or a lookalike; `op` is in or not_in."""

    kind: str
    list_id: int
    op: str = "in"


@dataclass(frozen=True)
class Group:
    """Conditions of which all, any, or none must hold."""

    match: str
    parts: tuple["Node", ...]


Condition = FieldCondition | ActivityCondition | InSegment | InList
Node = Condition | Group


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


def conditions(group: Group) -> Iterator[Condition]:
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
    for name, read in _READERS:
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
    where, joined = _filters(data.get("where"), path)
    return ActivityCondition(
        _text(data["activity"], path), _text(data.get("times"), path), _text(data.get("count", ""), path),
        _period(data, path), _text(data.get("name", ""), path), where, joined, _text(data.get("until", ""), path),
        _text(data.get("currency", ""), path),
    )  # fmt: skip


def _period(data: Mapping[str, Any], path: tuple[int, ...]) -> Period | None:
    days, said = data.get("days"), data.get("period")
    if days is not None:
        return _window("last", days, "days", path)
    if said is None:
        return None
    kind = next(iter(said), "") if isinstance(said, dict) else ""
    value = said[kind] if kind else None
    if kind in ("last", "ago"):
        return _window(kind, value, said.get("unit"), path)
    if kind in ("this", "previous") and value in CALENDAR:
        return Period(kind, unit=value)
    if kind in ("before", "after", "since"):
        return Period(kind, start=_text(value, path))
    if kind == "between" and isinstance(value, list) and len(value) == 2:
        return Period(kind, start=_text(value[0], path), stop=_text(value[1], path))
    raise RuleError("This is not a period.", path)


def _window(kind: str, count: Any, unit: Any, path: tuple[int, ...]) -> Period:
    if not isinstance(unit, str) or unit not in UNITS:
        raise RuleError("Choose hours, days or months.", path)
    if type(count) is not int or not 0 < count <= UNITS[unit]:
        raise RuleError(f"Enter a number of {unit} from 1 to {UNITS[unit]:,}.", path)
    return Period(kind, count, unit)


def _filters(data: Any, path: tuple[int, ...]) -> tuple[tuple[PropertyFilter, ...], str]:
    if data is None:
        return (), "all"
    if not isinstance(data, dict):
        raise RuleError("This is not a condition.", path)
    joined = next((name for name in ("all", "any") if name in data), None)
    if joined is None:
        return ((_filter(data, path),) if data else ()), "all"
    if not isinstance(data[joined], list) or not 0 < len(data[joined]) <= MAX_FILTERS:
        raise RuleError(f"An activity can have up to {MAX_FILTERS} conditions on properties.", path)
    return tuple(_filter(part, path) for part in data[joined]), joined


def _filter(data: Any, path: tuple[int, ...]) -> PropertyFilter:
    if not isinstance(data, dict):
        raise RuleError("This is not a condition.", path)
    return PropertyFilter(
        _text(data.get("property"), path), _text(data.get("op"), path), _text(data.get("value", ""), path)
    )


def _segment(data: Mapping[str, Any], path: tuple[int, ...]) -> InSegment:
    op = data.get("op", "in")
    if type(data["segment"]) is not int or op not in ("in", "not_in"):
        raise RuleError("Choose a segment.", path)
    return InSegment(data["segment"], op)


def _listed(kind: str) -> Callable[[Mapping[str, Any], tuple[int, ...]], InList]:
    def read(data: Mapping[str, Any], path: tuple[int, ...]) -> InList:
        op = data.get("op", "in")
        if type(data[kind]) is not int or op not in ("in", "not_in"):
            raise RuleError(f"Choose one {kind}.", path)
        return InList(kind, data[kind], op)

    return read


_READERS: tuple[tuple[str, Callable[[Mapping[str, Any], tuple[int, ...]], Condition]], ...] = (
    ("attribute", _attribute), ("activity", _did), ("segment", _segment), *((kind, _listed(kind)) for kind in LISTS),
)  # fmt: skip


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
    if isinstance(node, InList):
        return {node.kind: node.list_id, "op": node.op}
    return _plain_activity(node)


def _plain_activity(node: ActivityCondition) -> dict[str, Any]:
    """What is empty is left out, and the usual period is as short as it can be."""
    said: dict[str, Any] = {"activity": node.what, "times": node.times, "count": node.count}
    period = node.period
    if period is not None and period.kind == "last" and period.unit == "days":
        said["days"] = period.count
    elif period is not None:
        said["period"] = _plain_period(period)
    filters = [{"property": f.name, "op": f.op, "value": f.value} for f in node.where]
    more = {
        "name": node.name,
        "where": filters[0]
        if len(filters) == 1 and node.joined == "all"
        else {node.joined: filters}
        if filters
        else {},
        "until": node.until,
        "currency": node.currency,
    }
    return {**said, **{name: value for name, value in more.items() if value}}


def _plain_period(period: Period) -> dict[str, Any]:
    if period.kind in ("last", "ago"):
        return {period.kind: period.count, "unit": period.unit}
    if period.kind in ("this", "previous"):
        return {period.kind: period.unit}
    return {period.kind: [period.start, period.stop] if period.kind == "between" else period.start}
