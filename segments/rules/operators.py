"""Operators on what is known of contacts: one table, from which the form, the check, the words and the compiler are made.

Every test is either true or false, never unknown: what a contact does not have is not equal to anything, contains nothing
and is neither more nor less. An operator with `not` is the opposite of another one, so it includes contacts without a value.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.db.models import BooleanField, Case, DecimalField, ExpressionWrapper, Func, Q, TextField, When
from django.db.models.fields.json import HasAnyKeys, HasKeys
from django.db.models.functions import Cast, Coalesce, Right
from django.db.models.lookups import (
    Exact,
    GreaterThanOrEqual,
    IContains,
    IExact,
    In,
    IsNull,
    IStartsWith,
    LessThan,
    StartsWith,
)

from contacts.values import dates, identifiers, parsers, texts, types
from contacts.values.types import BadValue
from segments.rules.rule_fields import RuleField

Takes = Literal["nothing", "one", "two", "many", "days"]
MAX_DAYS = 36_600


@dataclass(frozen=True)
class EvaluationTime:
    """The time at which a rule is asked, and the zone whose days it means."""

    now: datetime
    zone: str = ""

    def start(self, day: date) -> datetime:
        """The first moment of a day."""
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone or "UTC"))

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.zone or "UTC")).date()


Test = Callable[[RuleField, Sequence[str], EvaluationTime], Q]


@dataclass(frozen=True)
class Operator:
    """One operator: its words, what it takes, for which kinds of subjects, and its test (None: the opposite of `of`)."""

    key: str
    label: str
    takes: Takes
    kinds: frozenset[str] = field(repr=False)
    test: Test | None = None
    of: str = ""


# --- tests: what is there and true --------------------------------------------------------------------------------------


def _is(subject: RuleField, wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    if subject.kind == "number":
        return Q(In(_number(subject), [Decimal(v) for v in wanted]))
    if subject.kind == "count":
        return Q(In(subject.text, [int(v) for v in wanted]))
    if subject.kind != "text":
        return Q(In(subject.text, list(wanted)))
    condition = Q()
    for value in wanted:
        condition |= Q(IExact(subject.text, value))
    return condition


def _contains(subject: RuleField, wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    return Q(IContains(subject.text, wanted[0]))


def _begins(subject: RuleField, wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    return Q(IStartsWith(subject.text, wanted[0]))


def _at_least(subject: RuleField, wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    return Q(GreaterThanOrEqual(*_counted(subject, wanted[0])))


def _less(subject: RuleField, wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    return Q(LessThan(*_counted(subject, wanted[0])))


def _counted(subject: RuleField, value: str) -> tuple[Any, Any]:
    return (subject.text, int(value)) if subject.kind == "count" else (_number(subject), Decimal(value))


def _yes(subject: RuleField, _wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    return Q(Exact(subject.text, "true"))


def _no(subject: RuleField, _wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    return Q(Exact(subject.text, "false"))


def _any_of(subject: RuleField, wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    return Q(HasAnyKeys(subject.json, list(wanted)))


def _all_of(subject: RuleField, wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    return Q(HasKeys(subject.json, list(wanted)))


def _filled(_subject: RuleField, _wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    return Q()


def _on(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    if wanted[0].startswith("--"):
        return Q(Exact(_day_of_year(subject), wanted[0][2:]))
    day = date.fromisoformat(wanted[0])
    return _days(subject, clock, day, _next(day))


def _between(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    return _days(subject, clock, date.fromisoformat(wanted[0]), _next(date.fromisoformat(wanted[1])))


def _before(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    return _days(subject, clock, None, date.fromisoformat(wanted[0]))


def _after(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    return _days(subject, clock, _next(date.fromisoformat(wanted[0])), None)


def _within(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    return _days(subject, clock, clock.today - timedelta(days=int(wanted[0])), _next(clock.today))


def _longer_ago(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    return _days(subject, clock, None, clock.today - timedelta(days=int(wanted[0])))


def _ahead(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    return _days(subject, clock, clock.today, _next(clock.today + timedelta(days=int(wanted[0]))))


def _comes(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    """Days that come every year, whatever their first one was; who was born on 29 February has it on the 28th, too."""
    days = {f"{clock.today + timedelta(days=i):%m-%d}" for i in range(min(int(wanted[0]), 366) + 1)}
    return Q(In(_day_of_year(subject), sorted(days | ({"02-29"} if "02-28" in days else set()))))


def _day_of_year(subject: RuleField) -> Right:
    return Right(subject.text, 5)


def _next(day: date) -> date:
    return min(day, date.max - timedelta(days=1)) + timedelta(days=1)


def _days(subject: RuleField, clock: EvaluationTime, start: date | None, stop: date | None) -> Q:
    """From the beginning of one day to the beginning of another."""
    # A day without its year is in no time: neither before nor after anything.
    condition = ~Q(StartsWith(subject.text, "--")) if subject.kind == "birthday" else Q()
    if start is not None:
        condition &= Q(GreaterThanOrEqual(subject.text, _edge(subject, clock, start)))
    return condition & Q(LessThan(subject.text, _edge(subject, clock, stop))) if stop is not None else condition


def _edge(subject: RuleField, clock: EvaluationTime, day: date) -> Any:
    """A day as the values of a subject are written: dates and times of attributes are texts that sort like their times."""
    if subject.kind in ("date", "birthday"):
        return day.isoformat()
    start = clock.start(day)
    # Without the Z, so that a fraction of the first second comes behind the edge, too.
    return start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") if subject.kind == "time" else start


def _number(subject: RuleField) -> Any:
    """A number of an attribute; what is no number (it had another type once) is none."""
    kind = Func(subject.json, function="jsonb_typeof", output_field=TextField())
    return Case(When(Exact(kind, "number"), then=Cast(subject.text, DecimalField(max_digits=60, decimal_places=20))))


# --- the table ----------------------------------------------------------------------------------------------------------

_WORDS = frozenset({"identifier", "name", "text"})
_NUMBERS = frozenset({"number", "count"})
_DATES = frozenset({"date", "birthday", "time", "moment"})
_EQUAL = _WORDS | _NUMBERS | {"exact", "option"}
_EVERY = _EQUAL | _DATES | {"boolean", "options"}

_ALL = (
    Operator("is", "is", "many", _EQUAL, _is),
    Operator("is_not", "is not", "many", _EQUAL, of="is"),
    Operator("contains", "contains", "one", _WORDS, _contains),
    Operator("contains_not", "does not contain", "one", _WORDS, of="contains"),
    Operator("begins", "starts with", "one", _WORDS | {"exact"}, _begins),
    Operator("at_least", "is at least", "one", _NUMBERS, _at_least),
    Operator("less", "is less than", "one", _NUMBERS, _less),
    Operator("yes", "is yes", "nothing", frozenset({"boolean"}), _yes),
    Operator("no", "is no", "nothing", frozenset({"boolean"}), _no),
    Operator("any_of", "has one of", "many", frozenset({"options"}), _any_of),
    Operator("all_of", "has all of", "many", frozenset({"options"}), _all_of),
    Operator("none_of", "has none of", "many", frozenset({"options"}), of="any_of"),
    Operator("within", "in the last … days, including today", "days", _DATES, _within),
    Operator("longer_ago", "more than … days ago", "days", _DATES, _longer_ago),
    Operator("ahead", "in the next … days, including today", "days", frozenset({"date", "birthday", "time"}), _ahead),
    Operator("comes", "falls in the next … days, any year", "days", frozenset({"birthday"}), _comes),
    Operator("on", "is on", "one", _DATES, _on),
    Operator("before", "is before", "one", _DATES, _before),
    Operator("after", "is after", "one", _DATES, _after),
    Operator("between", "is between", "two", _DATES, _between),
    Operator("filled", "has a value", "nothing", _EVERY, _filled),
    Operator("empty", "is empty", "nothing", _EVERY, of="filled"),
)
OPERATORS: dict[str, Operator] = {operator.key: operator for operator in _ALL}


def of_kind(kind: str) -> list[Operator]:
    """The operators that a kind of subject has, in the order of the form."""
    return [operator for operator in _ALL if kind in operator.kinds]


def where(subject: RuleField, op: str, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    """The condition in the database; either true or false for every contact."""
    operator = OPERATORS[op]
    if operator.test is None:
        return ~where(subject, operator.of, wanted, clock)
    there = Q((f"{subject.needs}__isnull", False)) if subject.needs else Q()
    condition = operator.test(subject, wanted, clock)
    if subject.column or not condition:
        return there & Q(IsNull(subject.text, False)) & condition  # an index may know the column
    return Q(Exact(Coalesce(ExpressionWrapper(condition, BooleanField()), False), True))


# --- values as they are typed -------------------------------------------------------------------------------------------


def read(subject: RuleField, operator: Operator, typed: str, *, region: str | None) -> str:
    """One value as it is stored in a rule, by the rules of imports. Raises BadValue."""
    text = texts.normal_text(typed)
    if operator.takes == "days":
        return _read_days(text)
    if subject.kind == "birthday" and operator.key == "on":
        return dates.birthday(text)
    if subject.kind in _DATES:
        return dates.read_date(text).isoformat()
    if subject.kind == "name":
        return identifiers.name_key(text)
    if subject.key == "external_id" and operator.key == "is":
        return identifiers.normal_external_id(typed) or text
    if operator.key in ("contains", "contains_not", "begins"):
        return text.lower() if subject.kind == "identifier" else text
    if subject.options and text in subject.options:
        return text
    if subject.type == "choices":
        return str(_parse(subject, text, region)[0])
    if subject.kind == "number":
        return parsers.plain_decimal(text)
    return str(_parse(subject, text, region))


def _parse(subject: RuleField, text: str, region: str | None) -> Any:
    return types.parser(subject.type, options=subject.options, region=region)(text)


def _read_days(text: str) -> str:
    days = parsers.integer(text)
    if not 0 < days <= MAX_DAYS:
        raise BadValue("number_too_large" if days > 0 else "not_an_integer")
    return str(days)
