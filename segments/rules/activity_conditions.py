"""What a rule can ask about what contacts did and were sent: events of their visitors, of imports and of providers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from django.db.models import Q

from contacts.values.parsers import integer, plain_decimal
from contacts.values.texts import comparable, normal_text
from contacts.values.types import BadValue
from segments.rules import periods, property_filters
from segments.rules.id_query import id_query, only
from segments.rules.operators import EvaluationTime
from segments.rules.property_filters import FILTERS
from segments.rules.tree import ActivityCondition, PropertyFilter
from tenants.isolation.context import current_tenant
from tenants.isolation.statements import fill
from tenants.models import Tenant
from tracking.pixel.visitor_resolution import VISIT_GAP_SECONDS

Measure = Literal["count", "sum", "average", "latest"]


@dataclass(frozen=True)
class Activity:
    """One kind of events. `past`: how words begin; `named`: events have names of their own. `statuses`: those of a message.
    `measure`: what is compared, their number or their amounts. `such`: a further condition on event e. `unanswered`: of the
    events of one message the best one may be no more than that (1 sent, 2 read, 3 clicked); messages are counted, then."""

    key: str
    label: str
    past: str
    kind: str
    cause: str
    named: bool = False
    statuses: Sequence[str] = ()
    measure: Measure = "count"
    such: str = field(default="", repr=False)
    messages: int = 0
    properties: Sequence[str] = ()  # those that are suggested

    @property
    def is_amount(self) -> bool:
        return self.measure != "count"


# A page view on which a visit begins: the visitor has seen none for so long before.
_LANDING = fill("""AND NOT EXISTS (SELECT 1 FROM event p WHERE p.tenant_id = %(tenant)s AND p.visitor_id = e.visitor_id
  AND p.kind IN ('page', 'time') AND (p.at, p.id) < (e.at, e.id) AND p.at >= e.at - interval '{gap} seconds')""",
  gap=str(VISIT_GAP_SECONDS))  # fmt: skip
_PAGE = ("url", "title", "utm_source", "utm_medium", "utm_campaign", "referrer")
_ORDER, _MESSAGE = ("items", "amount", "currency", "coupon"), ("channel", "message", "language")
_ANY_STATUS = ("sent", "delivered", "read", "clicked")

ACTIVITIES: dict[str, Activity] = {
    activity.key: activity
    for activity in (
        Activity("page", "Viewed a page", "viewed a page", "page", "visit", properties=_PAGE),
        Activity("landing", "Began a visit", "began a visit", "page", "visit", such=_LANDING, properties=_PAGE),
        Activity("track", "Did an event", "did", "track", "event", named=True),
        Activity("order", "Ordered", "ordered", "order", "event:order", properties=_ORDER),
        Activity(
            "order_total", "Total order value", "ordered for", "order", "event:order", measure="sum", properties=_ORDER
        ),
        Activity(
            "order_average", "Average order value", "ordered on average for", "order", "event:order", measure="average",
            properties=_ORDER,
        ),
        Activity(
            "order_last", "Value of the last order", "last ordered for", "order", "event:order", measure="latest",
            properties=_ORDER,
        ),
        Activity(
            "sent", "Was sent a message", "was sent a message", "message", "message", messages=3,
            statuses=(*_ANY_STATUS, "undelivered", "unsubscribed", "spam", "spam report"), properties=_MESSAGE,
        ),
        Activity(
            "delivered", "Received a message", "received a message", "message", "message",
            statuses=("sent", "delivered"), properties=_MESSAGE,
        ),
        Activity("read", "Read a message", "read a message", "message", "message", statuses=("read",), properties=_MESSAGE),
        Activity(
            "clicked", "Clicked in a message", "clicked in a message", "message", "message", statuses=("clicked",),
            properties=_MESSAGE,
        ),
        Activity(
            "unread", "Did not read a message", "did not read a message", "message", "message", statuses=_ANY_STATUS,
            messages=1, properties=_MESSAGE,
        ),
        Activity(
            "unclicked", "Did not click in a message", "did not click in a message", "message", "message",
            statuses=_ANY_STATUS, messages=2, properties=_MESSAGE,
        ),
        Activity(
            "undelivered", "Message not delivered", "had an undelivered message", "message", "message",
            statuses=("undelivered",), properties=_MESSAGE,
        ),
        Activity(
            "action", "Source action", "had the source action", "action", "event:action", named=True,
            properties=("endpoint", "touchpoint"),
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """How often, or how much: one row for the form, the words and the compiler. `sql` compares {measure}; `holds` is the
    same for nothing at all, 0. `missing`: what it says of contacts without such an event, and of those without an amount."""

    key: str
    label: str
    takes: Literal["nothing", "one", "two"]
    measures: frozenset[str]
    sql: str = ""
    holds: Callable[[Decimal, Decimal], bool] = field(default=lambda _count, _until: False, repr=False)
    missing: str = "Contacts that never did it do not match."

    def missing_for(self, measure: Measure) -> str:
        """The same for one measure."""
        if self.missing != _NEVER_IS_0:
            return self.missing
        if measure in ("average", "latest"):
            return "Contacts without such an order do not match."
        return "Contacts that never did it count as 0."


_COUNTED, _AMOUNTS = frozenset({"count"}), frozenset({"sum", "average", "latest"})
_NEVER_IS_0 = "Contacts that never did it count as 0; they have no average and no last order."
_COMPARISONS = (
    Comparison(
        "at_least", "at least", "one", _COUNTED | _AMOUNTS, "{measure} >= {count}", lambda n, _m: n <= 0, _NEVER_IS_0
    ),
    Comparison("at_most", "at most", "one", _COUNTED | _AMOUNTS, "{measure} <= {count}", lambda n, _m: n >= 0, _NEVER_IS_0),
    Comparison("exactly", "exactly", "one", _COUNTED | _AMOUNTS, "{measure} = {count}", lambda n, _m: n == 0, _NEVER_IS_0),
    Comparison("more", "more than", "one", _AMOUNTS, "{measure} > {count}", lambda n, _m: n < 0, _NEVER_IS_0),
    Comparison("less", "less than", "one", _AMOUNTS, "{measure} < {count}", lambda n, _m: n > 0, _NEVER_IS_0),
    Comparison(
        "between", "between", "two", _COUNTED | _AMOUNTS, "{measure} BETWEEN {count} AND {until}",
        lambda n, m: n <= 0 <= m, _NEVER_IS_0,
    ),
    Comparison("never", "never", "nothing", _COUNTED, missing="Exactly the contacts that never did it."),
    Comparison("first", "for the first time", "nothing", _COUNTED),
    Comparison("last", "for the last time", "nothing", _COUNTED),
)  # fmt: skip
COMPARISONS: dict[str, Comparison] = {one.key: one for one in _COMPARISONS}
MAX_COUNT = 1_000_000_000
MAX_CURRENCY = 3

# What a contact's events are put together from: those that name the contact, and those of its visitors.
NAMED = """
  SELECT e.contact_id{values} FROM event e
  WHERE e.tenant_id = %(tenant)s AND e.contact_id IS NOT NULL AND e.kind = %(kind)s {such} {whose}"""
OF_VISITORS = """
  SELECT v.contact_id{values} FROM event e
  JOIN visitor v ON v.tenant_id = %(tenant)s AND v.id = e.visitor_id AND v.contact_id IS NOT NULL {visitors}
  WHERE e.tenant_id = %(tenant)s AND e.contact_id IS NULL AND e.kind = %(kind)s {such}"""
EVENTS = f"{NAMED}\n  UNION ALL{OF_VISITORS}"
# The same of page views of all contacts: one pass over them, since they are very many, and one row for those of a visitor,
# with what {of_visitor} makes of them.
PAGE_VIEWS = """
  SELECT coalesce(e.contact_id, v.contact_id) AS contact_id, e.value FROM (
    SELECT e.contact_id, e.visitor_id, {of_visitor} AS value FROM event e
    WHERE e.tenant_id = %(tenant)s AND e.kind = %(kind)s {such} GROUP BY e.contact_id, e.visitor_id) e
  LEFT JOIN visitor v ON v.tenant_id = %(tenant)s AND v.id = e.visitor_id AND v.contact_id IS NOT NULL
  WHERE coalesce(e.contact_id, v.contact_id) IS NOT NULL"""
# What only a browser has told of is a claim; what a file has, or the site's server has signed, is none.
_NOT_SENT, _SIGNED = "AND e.site_id IS NULL", "AND e.properties -> '$signed' = 'true'"
_NO_CLAIM = "AND (e.site_id IS NULL OR e.properties -> '$signed' = 'true')"
# The messages of those events, each once, by how far they have got.
MESSAGES = """
  SELECT m.contact_id FROM ({events}) m GROUP BY m.contact_id, m.message HAVING max(m.best) <= %(best)s"""
# Contacts whose events are as it is asked.
DOERS = """
SELECT a.contact_id FROM ({events}) a GROUP BY a.contact_id HAVING {having}"""
# The same worked out once: where several processes share a statement, each would go through all page views for itself.
ONCE = """
WITH doers AS MATERIALIZED ({doers}) SELECT d.contact_id FROM doers d"""
# Contacts with an event in a span of time.
BETWEEN = "SELECT DISTINCT a.contact_id FROM ({events}) a"
_AMOUNT = """CASE WHEN jsonb_typeof(e.properties -> 'amount') = 'number'
  THEN (e.properties ->> 'amount')::numeric END"""
_MESSAGE_VALUES = """, coalesce(e.properties ->> 'id', e.properties ->> 'message', e.id::text) AS message,
    CASE e.properties ->> 'status' WHEN 'clicked' THEN 3 WHEN 'read' THEN 2 ELSE 1 END AS best"""
# Measure → the values of an event that it needs, what is compared, and with what: an average, without dividing.
_MEASURES: Mapping[str, tuple[str, str, str]] = {
    "count": ("", "count(*)", "%(count)s"),
    "sum": (f", {_AMOUNT} AS amount", "coalesce(sum(a.amount), 0)", "%(count)s"),
    "average": (f", {_AMOUNT} AS amount", "sum(a.amount)", "%(count)s * count(a.amount)"),
    "latest": (
        f", e.at, e.id, {_AMOUNT} AS amount",
        "(array_agg(a.amount ORDER BY a.at DESC, a.id DESC) FILTER (WHERE a.amount IS NOT NULL))[1]",
        "%(count)s",
    ),
}


def where(did: ActivityCondition, clock: EvaluationTime, *, of: Sequence[int] | None = None) -> Q:
    """The condition in the database; `of`: for these contacts alone, and no event of others is read."""
    activity = ACTIVITIES[did.what]
    if _is_any_time(activity, did):
        did = replace(did, times="at_least", count="1")
    if did.times in ("first", "last"):
        return Q(pk__in=_at_one_time(activity, did, clock, of))
    if did.times == "never":
        did = replace(did, times="at_most", count="0")
    comparison = COMPARISONS[did.times]
    count, until = Decimal(did.count), Decimal(did.until or 0)
    # Without an event there is no row to compare: whom nothing at all fits, all are but those whom it does not fit.
    negative = activity.measure in ("count", "sum") and comparison.holds(count, until)
    if negative and activity.measure == "count" and did.times == "at_least":
        return Q(pk__isnull=False)  # everybody did it at least never
    having = _compared(activity, comparison)
    doers = Q(pk__in=_doers(activity, did, clock, f"NOT ({having})" if negative else having, of))
    return ~doers if negative else doers


def _is_any_time(activity: Activity, did: ActivityCondition) -> bool:
    """Whether the first or last time is in the period whenever any time is: then the other events need not be read. The time
    of a message is that of the first thing that happened to it, so its other events do count."""
    return not activity.messages and did.period is not None and (did.times, did.period.kind) in _ANY_TIME


_ANY_TIME = frozenset({("last", "last"), ("first", "ago")})


def edges(did: ActivityCondition, clock: EvaluationTime) -> list[datetime]:
    """The edges of its window that move on all the time, at a moment."""
    moving = [] if did.period is None else periods.edges(did.period, clock)
    # What has not happened yet is neither the first nor the last time.
    return moving if did.times not in ("first", "last") or clock.now in moving else [*moving, clock.now]


def doers_between(did: ActivityCondition, *, start: datetime, stop: datetime) -> tuple[str, dict[str, Any]]:
    """The statement of the contacts with such an event in [start, stop), and its named values but for the tenant."""
    activity = ACTIVITIES[did.what]
    such, given = _such(activity, did, (start, stop))
    events = fill(EVENTS, values="", such=such, whose="", visitors="")
    return fill(BETWEEN, events=events), {"kind": activity.kind, **given}


def _compared(activity: Activity, comparison: Comparison) -> str:
    _values, measure, count = _MEASURES[activity.measure]
    having = comparison.sql.replace("{measure}", measure).replace("{count}", count)
    return having.replace("{until}", count.replace("%(count)s", "%(until)s"))


def _doers(
    activity: Activity, did: ActivityCondition, clock: EvaluationTime, having: str, of: Sequence[int] | None
) -> Any:
    span = periods.bounds(did.period, clock) if did.period else (None, None)
    values = _MEASURES[activity.measure][0]
    given: dict[str, Any] = {"count": Decimal(did.count), "until": Decimal(did.until or 0)}
    return _found(activity, did, span, values, of, having=having, counts=("count(*)", "sum(a.value)"), given=given)


def _at_one_time(activity: Activity, did: ActivityCondition, clock: EvaluationTime, of: Sequence[int] | None) -> Any:
    """Those whose first or last such event until now is in the period."""
    assert did.period is not None
    start, stop = periods.bounds(did.period, clock)
    extreme = "min" if did.times == "first" else "max"
    parts = [f"{extreme}(a.at) >= %(start)s"] if start else []
    parts += [f"{extreme}(a.at) < %(stop)s"] if stop else []
    given = {"start": start, "stop": stop}
    counts = (f"{extreme}(a.at)", f"{extreme}(a.value)")
    return _found(
        activity, did, (None, clock.now), ", e.at", of, having=" AND ".join(parts), counts=counts, given=given
    )


def _found(
    activity: Activity, did: ActivityCondition, span: periods.Bounds, values: str, of: Sequence[int] | None, *,
    having: str, counts: tuple[str, str], given: dict[str, Any],
) -> Any:  # fmt: skip
    """Contacts whose events fulfil `having`. `counts`: what it compares, and the same of page views that were put together
    by visitor."""
    if of is None and activity.kind == "page":
        such, more = _such(activity, did, span)
        of_visitor = counts[0].replace("a.", "e.")
        events = fill(PAGE_VIEWS, of_visitor=of_visitor, such=such)
        statement = fill(DOERS, events=events, having=having.replace(*counts))
        return id_query(fill(ONCE, doers=statement), kind=activity.kind, **more, **given)
    events, more = _events(activity, did, span, values, of)
    return id_query(fill(DOERS, events=events, having=having), **more, **given)


def _events(
    activity: Activity, did: ActivityCondition, span: periods.Bounds, values: str, of: Sequence[int] | None
) -> tuple[str, dict[str, Any]]:
    such, given = _such(activity, did, span)
    if of is not None:
        given["of"] = list(of)
    slots = {"whose": only("e.contact_id", of), "visitors": only("v.contact_id", of)}
    if not activity.messages:
        return _united(such, values, slots, everybody=of is None), {"kind": activity.kind, **given}
    at = ", min(m.at) AS at" if values else ""
    events = fill(EVENTS, values=_MESSAGE_VALUES + values, such=such, **slots)
    messages = fill(MESSAGES.replace("SELECT m.contact_id", f"SELECT m.contact_id{at}"), events=events)
    return messages, {"kind": activity.kind, "best": activity.messages, **given}


def _united(such: str, values: str, slots: dict[str, str], *, everybody: bool) -> str:
    if not everybody or _NO_CLAIM not in such:
        return fill(EVENTS, values=values, such=such, **slots)
    # What names a contact is of a file or a provider: the index alone tells of it. What a site has sent names a visitor.
    named, sent = such.replace(_NO_CLAIM, _NOT_SENT), such.replace(_NO_CLAIM, _SIGNED)
    of_visitors = fill(OF_VISITORS, values=values, such=sent, visitors="")
    return f"{fill(NAMED, values=values, such=named, whose='')}\n  UNION ALL{of_visitors}"


def _such(activity: Activity, did: ActivityCondition, span: periods.Bounds) -> tuple[str, dict[str, Any]]:
    """The further conditions on event e, and their values."""
    start, stop = span
    parts: list[str] = []
    given: dict[str, Any] = {}
    if start is not None:
        parts.append("AND e.at >= %(since)s")
        given["since"] = start
    if stop is not None:
        parts.append("AND e.at < %(before)s")
        given["before"] = stop
    if activity.named and did.name:
        parts.append(f"AND {property_filters.comparable_sql('e.name')} = %(name)s")
        given["name"] = comparable(did.name)
    if activity.statuses:
        parts.append("AND e.properties ->> 'status' = ANY(%(statuses)s)")
        given["statuses"] = list(activity.statuses)
    if activity.kind == "order" and not Tenant.objects.get(pk=current_tenant()).count_claimed_orders:
        parts.append(_NO_CLAIM)
    if activity.is_amount and did.currency:
        parts.append("AND upper(e.properties ->> 'currency') = %(currency)s")
        given["currency"] = did.currency
    if did.where:
        filters, values = _filters(did)
        parts.append(f"AND ({filters})")
        given |= values
    # The dearest condition last: it looks for other events.
    return " ".join([*parts, activity.such]), given


def _filters(did: ActivityCondition) -> tuple[str, dict[str, Any]]:
    both = [property_filters.sql(one, f"p{i}") for i, one in enumerate(did.where)]
    values = {name: value for _sql, own in both for name, value in own.items()}
    return (" AND " if did.joined == "all" else " OR ").join(condition for condition, _values in both), values


# --- values as they are typed -------------------------------------------------------------------------------------------


class BadActivity(ValueError):
    """What is missing or makes no sense; the argument is a sentence for the person."""


def read(did: ActivityCondition) -> ActivityCondition:
    """The condition with its values as they are stored, and without what its comparison does not ask for. Raises
    BadActivity, and BadValue for a number or a day that is none."""
    activity, comparison = ACTIVITIES.get(did.what), COMPARISONS.get(did.times)
    if activity is None:
        raise BadActivity("This activity does not exist. Choose another one.")
    if comparison is None or activity.measure not in comparison.measures:
        raise BadActivity("Choose how often, for example “at least”.")
    if did.period is None and did.times in ("first", "last"):
        raise BadActivity("Choose a period for the first or last time.")
    if did.period is not None and not periods.is_known(did.period):
        raise BadActivity("Choose a period, for example “in the last 30 days”.")
    count, until = _numbers(activity, comparison, did)
    return ActivityCondition(
        did.what, did.times, count, periods.read(did.period) if did.period else None,
        normal_text(did.name) if activity.named else "", tuple(_read_filter(one) for one in did.where),
        did.joined if len(did.where) > 1 else "all", until, _currency(did.currency) if activity.is_amount else "",
    )  # fmt: skip


def _numbers(activity: Activity, comparison: Comparison, did: ActivityCondition) -> tuple[str, str]:
    if comparison.takes == "nothing":
        return "", ""
    if not did.count.strip() or (comparison.takes == "two" and not did.until.strip()):
        raise BadActivity("Enter an amount." if activity.is_amount else "Enter how many times.")
    count = _number(activity, did.count)
    return count, _number(activity, did.until) if comparison.takes == "two" else ""


def _number(activity: Activity, typed: str) -> str:
    text = typed.strip()
    number = plain_decimal(text) if activity.is_amount else integer(text)
    if not 0 <= Decimal(number) <= MAX_COUNT:
        raise BadValue("number_too_large" if Decimal(number) > 0 else "not_an_integer")
    return str(number)


def _read_filter(one: PropertyFilter) -> PropertyFilter:
    if one.op not in FILTERS:
        raise BadActivity("This activity does not exist. Choose another one.")
    if not one.name.strip() or (FILTERS[one.op].takes != "nothing" and not one.value.strip()):
        raise BadActivity("Enter the property and the value to compare it with.")
    return property_filters.read(one)


def _currency(typed: str) -> str:
    text = typed.strip()
    if text and (len(text) != MAX_CURRENCY or not text.isascii() or not text.isalpha()):
        raise BadValue("not_a_currency")
    return text.upper()
