"""Operators on what is known of contacts: one table, from which the form, the check, the words and the compiler are made.

Every test is either true or false, never unknown: what a contact does not have is not equal to anything, contains nothing
and is neither more nor less. An operator with `not` is the opposite of another one, so it includes contacts without a value.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.db.models import (
    BooleanField,
    Case,
    DateTimeField,
    DecimalField,
    ExpressionWrapper,
    F,
    Func,
    Q,
    TextField,
    When,
)
from django.db.models.expressions import RawSQL, Value
from django.db.models.fields.json import HasAnyKeys, HasKeys
from django.db.models.functions import Cast, Coalesce, Right, StrIndex
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    IsNull,
    LessThan,
    LessThanOrEqual,
    Regex,
)

from contacts.extensions import value_changes
from contacts.values import dates, identifiers, parsers, texts, types
from contacts.values.types import BadValue
from segments.rules.id_query import id_query, only
from segments.rules.rule_fields import RuleField
from tenants.isolation.statements import fill
from tracking.models import ContactVisit

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

    @property
    def missing(self) -> str:
        """What it says of contacts without a value, as a sentence."""
        if self.key == "changed":
            return "A value that was removed has changed, too."
        return "Contacts without a value match, too." if self.of else "Contacts without a value do not match."

    def missing_for(self, kind: str) -> str:
        """The same for one kind of subjects; empty where each contact has a value."""
        if kind == "flag":
            return ""
        return "Contacts without a visitor count as 0." if kind == "total" else self.missing


# --- tests: what is there and true --------------------------------------------------------------------------------------


def _is(subject: RuleField, wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    if subject.kind in ("number", "count", "total"):
        return Q(In(_number(subject), [Decimal(v) for v in wanted]))
    if subject.kind != "text":
        return Q(In(subject.text, list(wanted)))
    return Q(In(_comparable(subject), [texts.comparable(v) for v in wanted]))


def _contains(subject: RuleField, wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    return Q(GreaterThan(StrIndex(_comparable(subject), Value(texts.comparable(wanted[0]))), 0))


def _begins(subject: RuleField, wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    start = Value(texts.comparable(wanted[0]))
    return Q(Func(_comparable(subject), start, function="starts_with", output_field=BooleanField()))


def _comparable(subject: RuleField) -> Any:
    """A text as contacts.values.texts.comparable has it. Stored values are composed and have single blanks already."""
    if subject.key in ("email", "phone") or subject.kind == "name":
        return subject.text  # in a normal form of its own
    own = Func(subject.text, function="casefold", template="%(function)s((%(expressions)s) COLLATE pg_unicode_fast)")
    return ExpressionWrapper(own, TextField())


def _at_least(subject: RuleField, wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    return Q(GreaterThanOrEqual(_number(subject), Decimal(wanted[0])))


def _at_most(subject: RuleField, wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    return Q(LessThanOrEqual(_number(subject), Decimal(wanted[0])))


def _more(subject: RuleField, wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    return Q(GreaterThan(_number(subject), Decimal(wanted[0])))


def _less(subject: RuleField, wanted: Sequence[str], _clock: EvaluationTime) -> Q:
    return Q(LessThan(_number(subject), Decimal(wanted[0])))


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
        return Q(Exact(_day_of_year(subject, clock), wanted[0][2:]))
    day = date.fromisoformat(wanted[0])
    return _days(subject, clock, day, _next(day))


def _between(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    """Between two numbers, two days, or two days of any year, both included; over the end of the year if need be."""
    if subject.kind in _NUMBERS:
        return _at_least(subject, wanted[:1], clock) & _at_most(subject, wanted[1:], clock)
    if wanted[0].startswith("--"):
        day, (start, stop) = _day_of_year(subject, clock), (value[2:] for value in wanted)
        first, last = Q(GreaterThanOrEqual(day, start)), Q(LessThanOrEqual(day, stop))
        return first & last if start <= stop else first | last
    return _days(subject, clock, date.fromisoformat(wanted[0]), _next(date.fromisoformat(wanted[1])))


def _before(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    return _days(subject, clock, None, date.fromisoformat(wanted[0]))


def _after(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    return _days(subject, clock, _next(date.fromisoformat(wanted[0])), None)


def _within(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    return _days(subject, clock, _shifted(clock.today, -int(wanted[0])), _next(clock.today))


def _longer_ago(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    return _days(subject, clock, None, _shifted(clock.today, -int(wanted[0])))


def _ahead(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    return _days(subject, clock, clock.today, _next(_shifted(clock.today, int(wanted[0]))))


def _further(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    return _days(subject, clock, _next(_shifted(clock.today, int(wanted[0]))), None)


def _comes(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    return _any_year(subject, clock, range(int(wanted[0]) + 1))


def _came(subject: RuleField, wanted: Sequence[str], clock: EvaluationTime) -> Q:
    return _any_year(subject, clock, range(-int(wanted[0]), 1))


def _any_year(subject: RuleField, clock: EvaluationTime, days: range) -> Q:
    """Whether the day comes round on one of these days, counted from today."""
    if len(days) > 366:
        return Q(IsNull(_day_of_year(subject, clock), False))
    found = {day for offset in days for day in anniversaries(_shifted(clock.today, offset))}
    return Q(In(_day_of_year(subject, clock), sorted(found)))


def anniversaries(day: date) -> list[str]:
    """Which days of a year (month-day) come round on a day: 29 February comes on the 28th where the year has none."""
    own = f"{day:%m-%d}"
    return [own, "02-29"] if own == "02-28" and (day + timedelta(days=1)).day == 1 else [own]


def _day_of_year(subject: RuleField, clock: EvaluationTime) -> Any:
    """Month and day of a value, 05-31; of a time, those of the workspace's calendar."""
    if subject.kind in ("date", "birthday"):
        return Case(When(Regex(subject.text, _DAY), then=Right(subject.text, 5)), output_field=TextField())
    at: Any = subject.text
    if subject.kind == "time":
        valid = Func(subject.text, Value("timestamptz"), function="pg_input_is_valid", output_field=BooleanField())
        at = Case(When(Q(Regex(subject.text, _MOMENT)) & Q(valid), then=Cast(subject.text, DateTimeField())))
    zone = Func(Value(clock.zone or "UTC"), at, function="timezone", output_field=DateTimeField())
    return Func(zone, Value("MM-DD"), function="to_char", output_field=TextField())


# What is a day, or a time, in an attribute that may have had another type once.
_DAY = r"^(?:[0-9]{4}-|--)[0-9]{2}-[0-9]{2}$"
_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z$"
_WHOLE_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def _shifted(day: date, days: int) -> date:
    """A day so many days later, within the calendar."""
    return date.fromordinal(min(max(day.toordinal() + days, 1), date.max.toordinal() - 1))


def _next(day: date) -> date:
    return min(day, date.max - timedelta(days=1)) + timedelta(days=1)


def _days(subject: RuleField, clock: EvaluationTime, start: date | None, stop: date | None) -> Q:
    """From the beginning of one day to the beginning of another."""
    # A day without its year is in no time: neither before nor after anything. Nor is what is no day.
    condition = Q()
    if subject.kind in ("date", "birthday", "time"):
        condition = Q(Regex(subject.text, _MOMENT if subject.kind == "time" else _WHOLE_DAY))
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
    if subject.kind != "number":
        return subject.text
    kind = Func(subject.json, function="jsonb_typeof", output_field=TextField())
    return Case(When(Exact(kind, "number"), then=Cast(subject.text, DecimalField(max_digits=60, decimal_places=20))))


# --- the table ----------------------------------------------------------------------------------------------------------

_WORDS = frozenset({"identifier", "name", "text"})
_NUMBERS = frozenset({"number", "count", "total"})
_COMING = frozenset({"date", "birthday", "time"})
_DATES = _COMING | {"moment", "visited"}
_EQUAL = _WORDS | _NUMBERS | {"exact", "option"}
# What a contact can have no value of: the sums of its visits are 0 without one, and a yes or no is one of both.
_GAPS = (_EQUAL | _DATES | {"boolean", "options"}) - {"total"}
# What is written down about a contact, whose changes are known.
_LOGGED = frozenset(
    {"identifier", "name", "text", "number", "boolean", "date", "birthday", "time", "option", "options", "exact"}
)

_ALL = (
    Operator("is", "is", "many", _EQUAL, _is),
    Operator("is_not", "is not", "many", _EQUAL, of="is"),
    Operator("contains", "contains", "one", _WORDS, _contains),
    Operator("contains_not", "does not contain", "one", _WORDS, of="contains"),
    Operator("begins", "starts with", "one", _WORDS | {"exact"}, _begins),
    Operator("at_least", "is at least", "one", _NUMBERS, _at_least),
    Operator("at_most", "is at most", "one", _NUMBERS, _at_most),
    Operator("more", "is more than", "one", _NUMBERS, _more),
    Operator("less", "is less than", "one", _NUMBERS, _less),
    Operator("yes", "is yes", "nothing", frozenset({"boolean", "flag"}), _yes),
    Operator("no", "is no", "nothing", frozenset({"boolean", "flag"}), _no),
    Operator("any_of", "has one of", "many", frozenset({"options"}), _any_of),
    Operator("all_of", "has all of", "many", frozenset({"options"}), _all_of),
    Operator("none_of", "has none of", "many", frozenset({"options"}), of="any_of"),
    Operator("within", "in the last … days, including today", "days", _DATES, _within),
    Operator("longer_ago", "more than … days ago", "days", _DATES, _longer_ago),
    Operator("ahead", "in the next … days, including today", "days", _COMING, _ahead),
    Operator("further", "more than … days ahead", "days", _COMING, _further),
    Operator("comes", "falls in the next … days, any year", "days", _DATES, _comes),
    Operator("came", "fell in the last … days, any year", "days", _DATES, _came),
    Operator("on", "is on", "one", _DATES, _on),
    Operator("before", "is before", "one", _DATES, _before),
    Operator("after", "is after", "one", _DATES, _after),
    Operator("between", "is between", "two", _DATES | _NUMBERS, _between),
    Operator("filled", "has a value", "nothing", _GAPS, _filled),
    Operator("empty", "is empty", "nothing", _GAPS, of="filled"),
    Operator("changed", "changed in the last … days", "days", _LOGGED, _filled),
)
OPERATORS: dict[str, Operator] = {operator.key: operator for operator in _ALL}


def of_kind(kind: str) -> list[Operator]:
    """The operators that a kind of subject has, in the order of the form."""
    return [operator for operator in _ALL if kind in operator.kinds]


def where(
    subject: RuleField, op: str, wanted: Sequence[str], clock: EvaluationTime, *, of: Sequence[int] | None = None
) -> Q:
    """The condition in the database; either true or false for every contact. `of`: for these contacts alone."""
    operator = OPERATORS[op]
    if operator.test is None:
        return ~where(subject, operator.of, wanted, clock, of=of)
    if subject.kind == "flag":
        return Q(pk__in=_flagged(subject, of)) if op == "yes" else ~Q(pk__in=_flagged(subject, of))
    if op == "changed":
        return _changed(subject, clock.start(_shifted(clock.today, -int(wanted[0]))), of)
    condition = operator.test(subject, wanted, clock)
    if subject.visits:
        return _visited(subject, op, wanted, condition, of)
    there = Q((f"{subject.needs}__isnull", False)) if subject.needs else Q()
    if subject.column or not condition:
        return there & Q(IsNull(subject.text, False)) & condition  # an index may know the column
    return Q(Exact(Coalesce(ExpressionWrapper(condition, BooleanField()), False), True))


def _visited(subject: RuleField, op: str, wanted: Sequence[str], condition: Q, of: Sequence[int] | None) -> Q:
    """Of what the visitors of a contact add up to. Sums are 0 without a visitor."""
    rows = ContactVisit.objects.filter(Q(IsNull(F(subject.column), False)) & condition)
    rows = rows if of is None else rows.filter(contact_id__in=RawSQL("SELECT unnest(%s::bigint[])", [list(of)]))
    found = Q(pk__in=rows.values("contact_id"))
    if subject.kind != "total" or not _OF_ZERO[op]([Decimal(value) for value in wanted]):
        return found
    return found | ~Q(pk__in=id_query(fill(_VISITORS, whose=only("c.contact_id", of)), **_of(of)))


# What is true of 0.
_OF_ZERO: Mapping[str, Callable[[Sequence[Decimal]], bool]] = {
    "is": lambda wanted: 0 in wanted,
    "at_least": lambda wanted: wanted[0] <= 0,
    "at_most": lambda wanted: wanted[0] >= 0,
    "more": lambda wanted: wanted[0] < 0,
    "less": lambda wanted: wanted[0] > 0,
    "between": lambda wanted: wanted[0] <= 0 <= wanted[1],
}
_VISITORS = "SELECT c.contact_id FROM contact_visit c WHERE c.tenant_id = %(tenant)s {whose}"
# Flag → the statement of the contacts that have it.
_FLAGS: Mapping[str, str] = {
    "visit.matched": _VISITORS,
    # Found by the last search, not decided yet, and the other one is still there.
    "probable_duplicate": """
SELECT x.id FROM (
  SELECT p.low_id AS id, p.high_id AS other FROM probable_pair p
  WHERE p.tenant_id = %(tenant)s AND p.decision IN ('', 'later') {low}
  UNION ALL
  SELECT p.high_id, p.low_id FROM probable_pair p
  WHERE p.tenant_id = %(tenant)s AND p.decision IN ('', 'later') {high}) x
JOIN contact o ON o.tenant_id = %(tenant)s AND o.id = x.other AND o.deleted_at IS NULL""",
}


def _flagged(subject: RuleField, of: Sequence[int] | None) -> RawSQL:
    statement = _FLAGS[subject.key]
    slots = {"whose": only("c.contact_id", of), "low": only("p.low_id", of), "high": only("p.high_id", of)}
    for slot, condition in slots.items():
        statement = statement.replace(f"{{{slot}}}", condition)
    return id_query(statement, **_of(of))


def _changed(subject: RuleField, since: datetime, of: Sequence[int] | None) -> Q:
    condition = Q(pk__in=[])
    for contacts in value_changes().values():
        condition |= Q(pk__in=contacts(subject.key, since=since, of=of))
    return condition


def _of(of: Sequence[int] | None) -> dict[str, Any]:
    return {} if of is None else {"of": list(of)}


# --- values as they are typed -------------------------------------------------------------------------------------------


def read(subject: RuleField, operator: Operator, typed: str, *, region: str | None) -> str:
    """One value as it is stored in a rule, by the rules of imports. Raises BadValue."""
    text = texts.normal_text(typed)
    if operator.takes == "days":
        return _read_days(text)
    if subject.kind in _DATES and operator.key in ("on", "between"):
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
    if subject.kind in _NUMBERS:
        return parsers.plain_decimal(text)
    return str(_parse(subject, text, region))


def _parse(subject: RuleField, text: str, region: str | None) -> Any:
    return types.parser(subject.type, options=subject.options, region=region)(text)


def _read_days(text: str) -> str:
    days = parsers.integer(text)
    if not 0 < days <= MAX_DAYS:
        raise BadValue("number_too_large" if days > 0 else "not_an_integer")
    return str(days)
