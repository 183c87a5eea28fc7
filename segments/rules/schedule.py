"""When a rule can mean other contacts although nothing is written: at midnight, or whenever an event comes of age.

`needs` says it for a rule, without the rules of segments that it refers to. A condition on days changes at midnight in the
time zone of the workspace. A window moves on all the time: the contacts to look at again are those with an event that one
of its edges has passed (`moves`, `doers`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from segments.rules import activity_conditions, periods
from segments.rules.operators import OPERATORS, EvaluationTime
from segments.rules.tree import ActivityCondition, FieldCondition, Group, Node


@dataclass(frozen=True)
class TimeNeeds:
    """`midnight`: it has to be compiled again on a new day; `windows`: its conditions with an edge that moves on."""

    midnight: bool
    windows: tuple[ActivityCondition, ...]


def needs(rule: Node) -> TimeNeeds:
    """What the passing of time changes for a rule, or for a part of one."""
    parts = list(_leaves(rule))
    windows = dict.fromkeys(part for part in parts if isinstance(part, ActivityCondition) and _moves_on(part))
    return TimeNeeds(any(_is_by_day(part) for part in parts), tuple(windows))


def next_midnight(clock: EvaluationTime) -> datetime:
    """When the day ends in the time zone of the workspace."""
    return clock.start(clock.today + timedelta(days=1))


def moves(did: ActivityCondition, *, since: EvaluationTime, until: EvaluationTime) -> list[tuple[datetime, datetime]]:
    """The spans [start, stop) that the edges of a window have passed between two moments: who has an event in one of them
    may be meant now, or no longer."""
    before, after = activity_conditions.edges(did, since), activity_conditions.edges(did, until)
    return [(min(pair), max(pair)) for pair in zip(before, after, strict=True) if pair[0] != pair[1]]


def doers(did: ActivityCondition, *, start: datetime, stop: datetime) -> tuple[str, dict[str, Any]]:
    """A statement of one column, the IDs of the contacts with an event of that activity in [start, stop), each once, and its
    named values (tenants.isolation.statements gives it the tenant). Deleted contacts may be among them."""
    return activity_conditions.doers_between(did, start=start, stop=stop)


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node, Group):
        for part in node.parts:
            yield from _leaves(part)
    else:
        yield node


def _is_by_day(node: Node) -> bool:
    if isinstance(node, ActivityCondition):
        return node.period is not None and periods.is_by_day(node.period)
    return isinstance(node, FieldCondition) and node.op in OPERATORS and OPERATORS[node.op].takes == "days"


def _moves_on(did: ActivityCondition) -> bool:
    # The first or last time is the one until now.
    return did.times in ("first", "last") or (did.period is not None and periods.moves_on(did.period))
