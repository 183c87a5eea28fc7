"""A rule in words: one short phrase for each part, for the strip above a list and the page of a segment."""

from collections.abc import Mapping
from datetime import date
from functools import singledispatch

from core import formatting
from segments.models import Segment
from segments.rules.activity_conditions import ACTIVITIES, TIMES, WHERE
from segments.rules.operators import OPERATORS
from segments.rules.rule_fields import RuleField, everything
from segments.rules.tree import ActivityCondition, FieldCondition, Group, InSegment, Node

_LEADS = {"within": "in the last", "ahead": "in the next", "comes": "falls in the next"}
_JOINED = {"all": " and ", "any": " or ", "none": " or "}


def phrases(rule: Group) -> list[str]:
    """The parts of a rule, as its outermost group joins them: ["City is Riga", "not: ordered at least 1 time"]."""
    known, names = everything(), dict(Segment.objects.values_list("pk", "name")[:500])
    if rule.match == "all":
        return [_say(part, known, names) for part in rule.parts]
    return [_say(rule, known, names)]


@singledispatch
def _say(node: Node, known: Mapping[str, RuleField], names: Mapping[int, str]) -> str:
    raise TypeError(f"no words for {node!r}")


@_say.register
def _(node: Group, known: Mapping[str, RuleField], names: Mapping[int, str]) -> str:
    inner = [_say(part, known, names) for part in node.parts]
    joined = _JOINED[node.match].join(inner)
    return f"not: {joined}" if node.match == "none" else joined


@_say.register
def _(node: FieldCondition, known: Mapping[str, RuleField], names: Mapping[int, str]) -> str:
    subject, operator = known.get(node.key), OPERATORS.get(node.op)
    if subject is None or operator is None:
        return f"{node.key} (no longer exists)"
    shown = [shown_value(subject, value) for value in node.values]
    if operator.takes == "days":
        days = f"{shown[0]} day{'' if shown[0] == '1' else 's'}"
        lead = _LEADS.get(operator.key)
        return f"{subject.label} {lead} {days}" if lead else f"{subject.label} more than {days} ago"
    between = " and " if operator.takes == "two" else " and " if operator.key == "all_of" else " or "
    return " ".join(part for part in (subject.label, operator.label, between.join(shown)) if part)


@_say.register
def _(node: ActivityCondition, known: Mapping[str, RuleField], names: Mapping[int, str]) -> str:
    activity = ACTIVITIES.get(node.what)
    if activity is None:
        return f"{node.what} (no longer exists)"
    what = activity.past + (f" {node.name or 'any event'}" if activity.named else "")
    unit = "" if activity.sums else f" time{'' if node.count == '1' else 's'}"
    within = f" in the last {node.days} day{'' if node.days == 1 else 's'}" if node.days else ""
    where = f", where {node.where.name} {WHERE.get(node.where.op, '')} {node.where.value}" if node.where else ""
    return f"{what} {TIMES[node.times]} {node.count}{unit}{within}{where}"


@_say.register
def _(node: InSegment, known: Mapping[str, RuleField], names: Mapping[int, str]) -> str:
    return f"{'in' if node.op == 'in' else 'not in'} segment {names.get(node.segment_id, '(no longer exists)')}"


def shown_value(subject: RuleField, value: str) -> str:
    """A value of a rule as people read it: the label of an option, a day."""
    if value in subject.options:
        return subject.options[value]
    if subject.kind in ("date", "birthday", "time", "moment"):
        try:
            return formatting.day(date.fromisoformat(value))
        except ValueError:
            return formatting.stored(value)
    return value
