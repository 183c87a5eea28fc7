"""A rule in words: one short phrase for each part, for the strip above a list and the page of a segment."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import singledispatch

from contacts.extensions import rule_lists
from core import formatting
from segments.models import Segment
from segments.rules.activity_conditions import ACTIVITIES, COMPARISONS
from segments.rules.operators import OPERATORS
from segments.rules.property_filters import FILTERS
from segments.rules.rule_fields import RuleField, everything
from segments.rules.tree import (
    ActivityCondition,
    FieldCondition,
    Group,
    InList,
    InSegment,
    Node,
    Period,
    PropertyFilter,
    conditions,
)

_DAYS = {
    "within": "in the last {}", "longer_ago": "more than {} ago", "ahead": "in the next {}", "further": "more than {} ahead",
    "comes": "falls in the next {}, any year", "came": "fell in the last {}, any year", "changed": "changed in the last {}",
}  # fmt: skip
_JOINED = {"all": " and ", "any": " or ", "none": " or "}
_GONE = "(no longer exists)"


@dataclass(frozen=True)
class Names:
    """What the parts of a rule are called: fields, segments, and the lists of other apps by their kind."""

    fields: Mapping[str, RuleField]
    segments: Mapping[int, str]
    lists: Mapping[str, Mapping[int, str]]


def names_in(*rules: Group) -> Names:
    """The names that some rules need, in a few queries."""
    lists: dict[str, list[int]] = defaultdict(list)
    segments: list[int] = []
    for condition in (condition for rule in rules for condition in conditions(rule)):
        if isinstance(condition, InSegment):
            segments.append(condition.segment_id)
        elif isinstance(condition, InList):
            lists[condition.kind].append(condition.list_id)
    known = rule_lists()
    named = Segment.objects.filter(pk__in=segments).values_list("pk", "name", "archived_at") if segments else ()
    return Names(
        everything(),
        {pk: f"{name} (deleted)" if archived_at else name for pk, name, archived_at in named},
        {kind: known[kind].names(ids) for kind, ids in lists.items() if kind in known},
    )


def phrases(rule: Group) -> list[str]:
    """The parts of a rule, as its outermost group joins them: ["City is Riga", "not: ordered at least 1 time"]."""
    names = names_in(rule)
    return [_say(part, names) for part in rule.parts] if rule.match == "all" else [_say(rule, names)]


@singledispatch
def _say(node: Node, names: Names) -> str:
    raise TypeError(f"no words for {node!r}")


@_say.register
def _(node: Group, names: Names) -> str:
    inner = [_inner(part, names) for part in node.parts]
    joined = _JOINED[node.match].join(inner)
    return f"not: {joined}" if node.match == "none" else joined


def _inner(part: Node, names: Names) -> str:
    """A part of a group; a group of several in brackets, since “and” and “or” would run together."""
    said = _say(part, names)
    return f"({said})" if isinstance(part, Group) and len(part.parts) > 1 else said


@_say.register
def _(node: FieldCondition, names: Names) -> str:
    subject, operator = names.fields.get(node.key), OPERATORS.get(node.op)
    if subject is None or operator is None:
        return f"{node.key} {_GONE}"
    if subject.kind == "flag":
        return subject.label if node.op == "yes" else f"not: {subject.label}"
    shown = [shown_value(subject, value) for value in node.values]
    if operator.takes == "days":
        return f"{subject.label} {_DAYS[operator.key].format(_times(shown[0], 'day'))}"
    between = " and " if operator.takes == "two" else " and " if operator.key == "all_of" else " or "
    return " ".join(part for part in (subject.label, operator.label, between.join(shown)) if part)


@_say.register
def _(node: ActivityCondition, names: Names) -> str:
    activity, comparison = ACTIVITIES.get(node.what), COMPARISONS.get(node.times)
    if activity is None or comparison is None:
        return f"{node.what} {_GONE}"
    what = activity.past + (f" {node.name or 'any event'}" if activity.named else "")
    often = _often(node, comparison.label) if comparison.takes != "nothing" else ""
    if activity.is_amount:
        often += f" {node.currency or 'in any currency'}"
    elif often:
        often += f" time{'' if (node.until or node.count) == '1' else 's'}"
    lead = f"{node.times} " if node.times in ("never", "first", "last") else ""
    filters = _JOINED[node.joined].join(_filter(one) for one in node.where)
    parts = (f"{lead}{what}", often, period_text(node.period) if node.period else "")
    return " ".join(part for part in parts if part) + (f", where {filters}" if filters else "")


def _often(node: ActivityCondition, label: str) -> str:
    return f"{label} {node.count} and {node.until}" if node.times == "between" else f"{label} {node.count}"


def _filter(one: PropertyFilter) -> str:
    operator = FILTERS.get(one.op)
    return " ".join(part for part in (one.name, operator.label if operator else "", one.value) if part)


@_say.register
def _(node: InSegment, names: Names) -> str:
    return f"{'in' if node.op == 'in' else 'not in'} segment {names.segments.get(node.segment_id, _GONE)}"


@_say.register
def _(node: InList, names: Names) -> str:
    known = rule_lists().get(node.kind)
    label = known.LABEL if known else node.kind
    said = f"{label} {names.lists.get(node.kind, {}).get(node.list_id, _GONE)}"
    return said if node.op == "in" else f"not: {said}"


def period_text(period: Period) -> str:
    """A period in words."""
    return _PERIODS[period.kind](period)


_PERIODS: Mapping[str, Callable[[Period], str]] = {
    "last": lambda p: f"in the last {_times(p.count, p.unit.rstrip('s'))}",
    "ago": lambda p: f"more than {_times(p.count, p.unit.rstrip('s'))} ago",
    "this": lambda p: "today" if p.unit == "day" else f"this {p.unit}",
    "previous": lambda p: "yesterday" if p.unit == "day" else f"in the last whole {p.unit}",
    "between": lambda p: f"between {_day(p.start)} and {_day(p.stop)}",
    "before": lambda p: f"before {_day(p.start)}",
    "after": lambda p: f"after {_day(p.start)}",
    "since": lambda p: f"since {_day(p.start)}",
}


def _times(count: int | str, unit: str) -> str:
    return f"{count} {unit}{'' if str(count) == '1' else 's'}"


def _day(text: str) -> str:
    try:
        return formatting.day(date.fromisoformat(text))
    except ValueError:
        return formatting.stored(text)


def shown_value(subject: RuleField, value: str) -> str:
    """A value of a rule as people read it: the label of an option, a day."""
    if value in subject.options:
        return subject.options[value]
    return _day(value) if subject.kind in ("date", "birthday", "time", "moment", "visited") else value
