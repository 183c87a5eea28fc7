"""What a rule can ask about what contacts did and were sent: events of their visitors, of imports and of providers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.db.models.expressions import RawSQL

from contacts.values.parsers import integer, plain_decimal
from contacts.values.texts import normal_text
from contacts.values.types import BadValue
from segments.rules.operators import EvaluationTime
from segments.rules.tree import ActivityCondition, PropertyFilter
from tenants.isolation.context import current_tenant
from tenants.isolation.statements import fill
from tenants.models import Tenant


@dataclass(frozen=True)
class Activity:
    """One kind of events. `named`: they have names of their own. `statuses`: those of a message. `sums`: it asks for the sum
    of their amounts instead of their number."""

    key: str
    label: str
    past: str
    kind: str
    named: bool = False
    statuses: Sequence[str] = ()
    sums: bool = False


ACTIVITIES: dict[str, Activity] = {
    activity.key: activity
    for activity in (
        Activity("page", "Viewed a page", "viewed a page", "page"),
        Activity("track", "Did an event", "did", "track", named=True),
        Activity("order", "Ordered", "ordered", "order"),
        Activity("order_total", "Total order value", "ordered for", "order", sums=True),
        Activity("delivered", "Received a message", "received a message", "message", statuses=("sent", "delivered")),
        Activity("read", "Read a message", "read a message", "message", statuses=("read",)),
        Activity("clicked", "Clicked in a message", "clicked in a message", "message", statuses=("clicked",)),
        Activity(
            "undelivered", "Message not delivered", "had an undelivered message", "message", statuses=("undelivered",)
        ),
        Activity("action", "Source action", "had the source action", "action", named=True),
    )
}
WHERE = {"is": "is", "contains": "contains", "more": "is more than", "less": "is less than"}
TIMES = {"at_least": "at least", "at_most": "at most"}
MAX_COUNT = 1_000_000_000

# Contacts with at least so many events of a kind: those that name the contact, and those of its visitors.
DOERS = """
SELECT a.contact_id FROM (
  SELECT e.contact_id, e.properties FROM event e
  WHERE e.tenant_id = %(tenant)s AND e.contact_id IS NOT NULL AND e.kind = %(kind)s {such} {whose}
  UNION ALL
  SELECT v.contact_id, e.properties FROM event e
  JOIN visitor v ON v.tenant_id = %(tenant)s AND v.id = e.visitor_id AND v.contact_id IS NOT NULL {visitors}
  WHERE e.tenant_id = %(tenant)s AND e.contact_id IS NULL AND e.kind = %(kind)s {such}) a
GROUP BY a.contact_id HAVING {measure} {compare} %(count)s"""
_TIMES = "count(*)"
_SUM = """coalesce(sum(CASE WHEN jsonb_typeof(a.properties -> 'amount') = 'number'
  THEN (a.properties ->> 'amount')::numeric END), 0)"""
_SAID = "coalesce(e.properties ->> %(property)s, CASE %(property)s WHEN 'url' THEN e.url WHEN 'title' THEN e.title END)"
_AMOUNT = """CASE WHEN jsonb_typeof(e.properties -> %(property)s) = 'number'
  THEN (e.properties ->> %(property)s)::numeric END"""
_WHERE = {
    "is": f"AND lower({_SAID}) = lower(%(value)s)",
    "contains": f"AND strpos(lower({_SAID}), lower(%(value)s)) > 0",
    "more": f"AND {_AMOUNT} > %(value)s",
    "less": f"AND {_AMOUNT} < %(value)s",
}


# Where only some contacts are asked for, events of nobody else are looked at.
_WHOSE, _VISITORS = "AND e.contact_id = ANY(%(of)s)", "AND v.contact_id = ANY(%(of)s)"


def where(did: ActivityCondition, clock: EvaluationTime, *, of: Sequence[int] | None = None) -> Q:
    """The condition in the database; `of`: for these contacts alone. At most: all but those who did it more often, so those
    who never did are in it."""
    activity = ACTIVITIES[did.what]
    least = did.times == "at_least"
    if least and not activity.sums and Decimal(did.count) == 0:
        return Q(pk__isnull=False)  # everybody did it at least never
    doers = Q(pk__in=_doers(activity, did, clock, ">=" if least else ">", of))
    return doers if least else ~doers


def _doers(
    activity: Activity, did: ActivityCondition, clock: EvaluationTime, compare: str, of: Sequence[int] | None
) -> RawSQL:
    such, given = _such(activity, did, clock)
    measure = _SUM if activity.sums else _TIMES
    whose, visitors = (_WHOSE, _VISITORS) if of is not None else ("", "")
    statement = fill(DOERS, such=such, measure=measure, compare=compare, whose=whose, visitors=visitors)
    named = {"tenant": current_tenant(), "kind": activity.kind, "count": Decimal(did.count), **given}
    if of is not None:
        named["of"] = list(of)
    # A condition of the ORM takes its values by their places.
    names = re.findall(r"%\((\w+)\)s", statement)
    return RawSQL(re.sub(r"%\(\w+\)s", "%s", statement), [named[name] for name in names])  # noqa: S611  our own constant


def _such(activity: Activity, did: ActivityCondition, clock: EvaluationTime) -> tuple[str, dict[str, Any]]:
    """The further conditions on an event, and their values."""
    parts: list[str] = []
    given: dict[str, Any] = {}
    if did.days is not None:
        parts.append("AND e.at >= %(since)s AND e.at < %(now)s")
        given |= {"since": clock.now - timedelta(days=did.days), "now": clock.now}
    if activity.named and did.name:
        parts.append("AND lower(e.name) = lower(%(name)s)")
        given["name"] = did.name
    if activity.statuses:
        parts.append("AND e.properties ->> 'status' = ANY(%(statuses)s)")
        given["statuses"] = list(activity.statuses)
    if activity.kind == "order" and not Tenant.objects.get(pk=current_tenant()).count_claimed_orders:
        # What only a browser has told of is a claim; what the site's server has signed is none.
        parts.append("AND (e.site_id IS NULL OR e.properties -> '$signed' = 'true')")
    if did.where:
        parts.append(_WHERE[did.where.op])
        number = did.where.op in ("more", "less")
        given |= {"property": did.where.name, "value": Decimal(did.where.value) if number else did.where.value}
    return " ".join(parts), given


# Contacts with an event of a kind in a span of time.
BETWEEN = """
SELECT e.contact_id FROM event e
WHERE e.tenant_id = %(tenant)s AND e.contact_id IS NOT NULL AND e.kind = %(kind)s
  AND e.at >= %(start)s AND e.at < %(stop)s {such}
UNION
SELECT v.contact_id FROM event e
JOIN visitor v ON v.tenant_id = %(tenant)s AND v.id = e.visitor_id AND v.contact_id IS NOT NULL
WHERE e.tenant_id = %(tenant)s AND e.contact_id IS NULL AND e.kind = %(kind)s
  AND e.at >= %(start)s AND e.at < %(stop)s {such}"""


def edges(did: ActivityCondition, clock: EvaluationTime) -> list[datetime]:
    """The moving edges of its window, at a moment."""
    return [] if did.days is None else [clock.now - timedelta(days=did.days), clock.now]


def doers_between(did: ActivityCondition, *, start: datetime, stop: datetime) -> tuple[str, dict[str, Any]]:
    """The statement of the contacts with such an event in [start, stop), and its named values but for the tenant."""
    activity = ACTIVITIES[did.what]
    such, given = _such(activity, replace(did, days=None), EvaluationTime(stop))
    return fill(BETWEEN, such=such), {"kind": activity.kind, "start": start, "stop": stop, **given}


def read_count(activity: Activity, typed: str) -> str:
    """How often, or how much, as it is stored in a rule. Raises BadValue."""
    text = typed.strip()
    number = plain_decimal(text) if activity.sums else integer(text)
    if not 0 <= Decimal(number) <= MAX_COUNT:
        raise BadValue("number_too_large" if Decimal(number) > 0 else "not_an_integer")
    return str(number)


def read_where(name: str, op: str, value: str) -> PropertyFilter:
    """A condition on a property. Raises BadValue."""
    name, value = name.strip(), normal_text(value)
    if op in ("more", "less"):
        value = plain_decimal(value)
    return PropertyFilter(name, op, value)
