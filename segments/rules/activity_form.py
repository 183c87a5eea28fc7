"""The part of a line of the form that is about an activity: how often, when, and which properties. Pure.

`typed` has the fields of one line by their names: times, count, until, currency, name, period, days (of a window), unit,
part (of the calendar), start, stop, joined.
"""

from collections.abc import Mapping, Sequence

from core.parse import parse_id
from segments.rules import periods
from segments.rules.activity_conditions import COMPARISONS, Activity, Comparison
from segments.rules.property_filters import FILTERS
from segments.rules.tree import CALENDAR, MAX_FILTERS, UNITS, ActivityCondition, Period, PropertyFilter, RuleError

FIELDS = (
    "times", "count", "until", "currency", "name", "period", "days", "unit", "part", "start", "stop", "joined",
)  # fmt: skip
# A filter as it is typed: property, operator, value.
Typed = tuple[str, str, str]


def comparisons(activity: Activity) -> list[Comparison]:
    """How often, or how much, an activity can be asked for, in the order of the form."""
    return [one for one in COMPARISONS.values() if activity.measure in one.measures]


def node(activity: Activity, typed: Mapping[str, str], filters: Sequence[Typed]) -> ActivityCondition:
    """The condition that is typed. Raises RuleError where a number is missing that a period needs."""
    return ActivityCondition(
        activity.key, typed.get("times") or "at_least", typed.get("count", ""), _period(typed), typed.get("name", ""),
        tuple(PropertyFilter(name, op if op in FILTERS else "is", value) for name, op, value in filters),
        "any" if typed.get("joined") == "any" else "all", typed.get("until", ""), typed.get("currency", ""),
    )  # fmt: skip


def typed(did: ActivityCondition) -> tuple[dict[str, str], tuple[Typed, ...]]:
    """The fields of a condition, and its filters."""
    fields = {
        "times": did.times, "count": did.count, "until": did.until, "currency": did.currency, "name": did.name,
        "joined": did.joined, **(_typed_period(did.period) if did.period else {"period": ""}),
    }  # fmt: skip
    return fields, tuple((one.name, one.op, one.value) for one in did.where)


def filters(properties: Sequence[str], compares: Sequence[str], values: Sequence[str]) -> tuple[Typed, ...]:
    """The filters of a form, whose fields come in rows; a row without a property is none. The last one may be only that."""
    rows = []
    for i, name in enumerate(properties[:MAX_FILTERS]):
        op, value = (column[i] if i < len(column) else "" for column in (compares, values))
        if name.strip():
            rows.append((name.strip()[:200], op or "is", value.replace("\x00", "").strip()[:1_000]))
    return tuple(rows)


def _period(typed: Mapping[str, str]) -> Period | None:
    kind = typed.get("period", "")
    if kind in periods.PARTS:
        part = typed.get("part", "")
        return Period(kind, unit=part if part in CALENDAR else "month")
    if kind in (*periods.DAYS, "between"):
        return Period(kind, start=typed.get("start", ""), stop=typed.get("stop", "") if kind == "between" else "")
    count = typed.get("days", "")
    if not count and kind not in periods.WINDOWS:
        return None
    unit = typed.get("unit", "")
    unit = unit if unit in UNITS else "days"
    number = parse_id(count) or 0
    if not 0 < number <= UNITS[unit]:
        raise RuleError(f"Enter a number of {unit}, for example {30 if unit == 'days' else 6}.")
    return Period(kind or "last", number, unit)


def _typed_period(period: Period) -> dict[str, str]:
    said = {"period": period.kind}
    if period.kind in periods.WINDOWS:
        return {**said, "days": str(period.count), "unit": period.unit}
    if period.kind in periods.PARTS:
        return {**said, "part": period.unit}
    return {**said, "start": period.start, "stop": period.stop}
