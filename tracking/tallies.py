"""What events add up to by day, so that pages need not count events.

Hits are counted a few seconds after they were stored (tracking.tally_queue); whoever removes events, and whoever stores or
removes orders, tells the tallies in the same transaction. `visitor_day` says what
each visitor did on a day. It is always worked out from the events of that day, never added to: so late hits, events that go
and repetitions cannot make it wrong. From it, `visit_tally` and `step_tally` get the difference between what a visitor stood
for before and what it stands for now. Orders count by themselves (`order_tally`), because those of imports have no visitor.
docs/dashboards.md has the rules.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from tenants.isolation.context import current_tenant
from tenants.isolation.statements import fetch, fill, run
from tenants.models import Tenant
from tracking import tally_queue
from tracking.funnel import NAMES, Stage
from tracking.tally_models import StepTally, TallyState, VisitTally

# Whoever writes tallies holds this; each slice of a rebuilding waits until nobody does, and then keeps others waiting.
ZONE = "SELECT s.zone, s.visitors_to FROM tally_state s WHERE s.tenant_id = %(tenant)s FOR KEY SHARE"


def zone() -> str:
    """The time zone whose days the tallies have; locked until the transaction ends. Made on first use."""
    return _state()[0]


def _state() -> tuple[str, int | None]:
    """The time zone, and the last visitor that the tallies have while they are made anew (None: all)."""
    if not (found := fetch(ZONE)):
        own = Tenant.objects.values_list("time_zone", flat=True).get(pk=current_tenant())
        TallyState.objects.bulk_create([TallyState(zone=own)], ignore_conflicts=True)
        found = fetch(ZONE)
    named, visitors_to = found[0]
    return str(named), visitors_to


# --- visitors -------------------------------------------------------------------------------------------------------------

# In the order in which hits are stored: whose days change must not be changed by another at the same time. `KEY SHARE` is
# for the one who counts what is queued: it keeps those who remove events waiting, and nobody who stores hits.
LOCK = """
SELECT v.id FROM visitor v WHERE v.tenant_id = %(tenant)s AND v.id = ANY(%(visitors)s)
ORDER BY v.device, v.generation FOR {strength}"""
_REFERRER = "lower(substring(h.properties ->> 'referrer' FROM '^https?://(?:[^/?#@]*@)?([^/:?#]+)'))"
_ENGINES = "'(?:^|[.])(google|bing|duckduckgo|yahoo|yandex|ecosia|baidu|qwant|startpage|brave)[.]'"
# What a page view says about where its visitor came from: the campaign of its address, the click of an advertisement, or
# the page of another site. "" is nothing of these: the address was typed, or kept.
ORIGIN = fill(
    """
  CASE WHEN h.properties ->> 'utm_source' <> '' THEN lower(left(h.properties ->> 'utm_source', 100))
    WHEN h.properties ?| ARRAY['gclid', 'gbraid', 'wbraid', 'dclid'] THEN 'google'
    WHEN h.properties ? 'msclkid' THEN 'bing' WHEN h.properties ? 'fbclid' THEN 'facebook'
    WHEN h.properties ? 'ttclid' THEN 'tiktok'
    WHEN h.other IS NOT NULL THEN coalesce(substring(h.other FROM {engines}), regexp_replace(h.other, '^www[.]', ''))
    ELSE '' END AS source,
  CASE WHEN h.properties ->> 'utm_medium' <> '' THEN lower(left(h.properties ->> 'utm_medium', 100))
    WHEN h.properties ->> 'utm_source' <> '' THEN ''
    WHEN h.properties ?| ARRAY['gclid', 'gbraid', 'wbraid', 'dclid', 'msclkid', 'ttclid'] THEN 'cpc'
    WHEN h.properties ? 'fbclid' THEN 'social'
    WHEN h.other ~ {engines} THEN 'search' WHEN h.other IS NOT NULL THEN 'referral' ELSE '' END AS medium,
  left(coalesce(h.properties ->> 'utm_campaign', ''), 100) AS campaign""",
    engines=_ENGINES,
)
# The days of some visitors as their events say. Hits of kind `time` tell of a page that was seen before.
DAYS = """
WITH {wanted}act AS MATERIALIZED (
  SELECT e.visitor_id, (e.at AT TIME ZONE %(zone)s)::date AS day, e.at, e.id, e.kind, e.url, e.properties,
    CASE WHEN e.kind = 'track' THEN btrim(lower(regexp_replace(
      regexp_replace(e.name, '([a-z])([A-Z])', '\\1 \\2', 'g'), '[_.[:space:]-]+', ' ', 'g'))) END AS name
  FROM event e WHERE e.tenant_id = %(tenant)s AND e.visitor_id = ANY(%(visitors)s) AND e.kind <> 'time' {span}),
landing AS (
  SELECT DISTINCT ON (l.visitor_id, l.day) l.visitor_id, l.day, l.properties,
    nullif({referrer}, lower(substring(l.url FROM '^https?://(?:[^/?#@]*@)?([^/:?#]+)'))) AS other
  FROM act l WHERE l.kind = 'page' ORDER BY l.visitor_id, l.day, l.at, l.id),
origin AS (SELECT h.visitor_id, h.day, {origin} FROM landing h),
done AS (
  SELECT a.visitor_id, a.day, count(*) FILTER (WHERE a.kind = 'page') AS views,
    count(*) FILTER (WHERE a.kind = 'order') AS orders,
    max(CASE WHEN a.kind = 'order' OR a.name = ANY(%(converted)s) THEN 3 WHEN a.name = ANY(%(cart)s) THEN 2
      WHEN a.name = ANY(%(product)s) THEN 1 ELSE 0 END) AS stage
  FROM act a GROUP BY a.visitor_id, a.day)
INSERT INTO visitor_day AS d (tenant_id, visitor_id, day, site_id, views, orders, stage, source, medium, campaign)
SELECT %(tenant)s, n.visitor_id, n.day, v.site_id, n.views, n.orders, n.stage, coalesce(o.source, ''),
  coalesce(o.medium, ''), coalesce(o.campaign, '')
FROM done n {only}JOIN visitor v ON v.tenant_id = %(tenant)s AND v.id = n.visitor_id
LEFT JOIN origin o ON o.visitor_id = n.visitor_id AND o.day = n.day
ON CONFLICT (tenant_id, visitor_id, day) DO UPDATE SET views = excluded.views, orders = excluded.orders,
  stage = excluded.stage, source = excluded.source, medium = excluded.medium, campaign = excluded.campaign"""
_PARTS = {"referrer": _REFERRER.replace("h.", "l."), "origin": ORIGIN}
SOME_DAYS = fill(
    DAYS,
    wanted="wanted AS MATERIALIZED (SELECT u.visitor, u.day FROM unnest(%(whose)s::bigint[], %(days)s::date[]) "
    "AS u(visitor, day)), ",
    span="AND e.at >= %(since)s AND e.at < %(until)s",
    only="JOIN wanted w ON w.visitor = n.visitor_id AND w.day = n.day ",
    **_PARTS,
)
ALL_DAYS = fill(DAYS, wanted="", span="", only="", **_PARTS)
# Days of which no event is left.
CLEAR = """
DELETE FROM visitor_day d USING unnest(%(whose)s::bigint[], %(days)s::date[]) AS u(visitor, day)
WHERE d.tenant_id = %(tenant)s AND d.visitor_id = u.visitor AND d.day = u.day AND NOT EXISTS (
  SELECT 1 FROM event e WHERE e.tenant_id = %(tenant)s AND e.visitor_id = u.visitor AND e.kind <> 'time'
    AND e.at >= u.day::timestamp AT TIME ZONE %(zone)s AND e.at < (u.day + 1)::timestamp AT TIME ZONE %(zone)s)"""
FORGET = "DELETE FROM visitor_day d WHERE d.tenant_id = %(tenant)s AND d.visitor_id = ANY(%(visitors)s)"
# What visitors stand for in the tallies.
VISITS = """
SELECT d.day, d.site_id, d.source, d.medium, d.campaign, count(*) AS visitors, sum(d.views) AS views, sum(d.orders) AS orders
FROM visitor_day d WHERE d.tenant_id = %(tenant)s {whose} GROUP BY 1, 2, 3, 4, 5"""
STEPS = """
SELECT p.day, p.site_id, p.step, p.before, count(*) AS visitors FROM (
  SELECT d.day, d.site_id, s.step, lag(d.day) OVER (PARTITION BY d.visitor_id, s.step ORDER BY d.day) AS before
  FROM visitor_day d JOIN generate_series(0, 3) s(step) ON s.step <= d.stage
  WHERE d.tenant_id = %(tenant)s {whose}) p
GROUP BY 1, 2, 3, 4"""
THEIRS = "AND d.visitor_id = ANY(%(visitors)s)"


def names() -> dict[str, list[str]]:
    """The names of tracking.funnel as the statement takes them."""
    return {stage.name.lower(): list(NAMES[stage]) for stage in (Stage.PRODUCT, Stage.CART, Stage.CONVERTED)}


def days_of(moments: Iterable[tuple[int, datetime]], *, named: str) -> set[tuple[int, date]]:
    """(visitor, day of the workspace) of what visitors did; `named` is what `zone` says."""
    clock = ZoneInfo(named)
    return {(visitor, at.astimezone(clock).date()) for visitor, at in moments}


def recount(moments: Collection[tuple[int, datetime]], *, removed: bool = False, alone: bool = False) -> None:
    """Work out again the days on which visitors did something, by (visitor, time) of events that were stored or, with
    `removed`, deleted before in this transaction. `alone`: no other transaction counts stored events meanwhile."""
    if not moments:
        return
    named, last = _state()
    # Visitors beyond are counted when the rebuilding comes to them (tracking.tally_rebuild).
    pairs = sorted(days_of([moment for moment in moments if last is None or moment[0] <= last], named=named))
    if not pairs:
        return
    visitors = sorted({visitor for visitor, _day in pairs})
    clock = ZoneInfo(named)
    # A day more at both ends: what is outside of the wanted days is left out by the join.
    ends = [
        datetime(d.year, d.month, d.day, tzinfo=clock) for d in (min(p[1] for p in pairs), max(p[1] for p in pairs))
    ]
    whose, days = [p[0] for p in pairs], [p[1] for p in pairs]
    before = _standing(visitors, lock="KEY SHARE" if alone else "UPDATE")
    if removed:
        run(CLEAR, whose=whose, days=days, zone=named)
    run(
        SOME_DAYS, visitors=visitors, whose=whose, days=days, zone=named, **names(),
        since=ends[0] - timedelta(days=1), until=ends[1] + timedelta(days=2),
    )  # fmt: skip
    _add_difference(before, _standing(visitors))


def forget(visitor_ids: Sequence[int]) -> None:
    """Take visitors out of all tallies, before their events are deleted in this transaction."""
    if not visitor_ids:
        return
    subtract_orders("e.visitor_id = ANY(%(visitors)s)", visitors=list(visitor_ids))
    _named, last = _state()
    tally_queue.forget(list(visitor_ids))
    counted = [visitor for visitor in visitor_ids if last is None or visitor <= last]
    before = _standing(counted, lock="UPDATE")
    run(FORGET, visitors=list(visitor_ids))
    _add_difference(before, (Counter(), Counter()))


_Standing = tuple[Counter[tuple[Any, ...]], Counter[tuple[Any, ...]]]


def _standing(visitor_ids: Sequence[int], *, lock: Literal["UPDATE", "KEY SHARE"] | None = None) -> _Standing:
    """What visitors stand for now. A visit counts as (… , figure) → value, so that two of them can be compared."""
    visitors = list(visitor_ids)
    if lock:
        run(fill(LOCK, strength=lock), visitors=visitors)
    visits: Counter[tuple[Any, ...]] = Counter()
    for row in fetch(fill(VISITS, whose=THEIRS), visitors=visitors):
        for place, value in enumerate(row[5:]):
            visits[(*row[:5], place)] = int(value)
    steps = Counter({tuple(row[:4]): int(row[4]) for row in fetch(fill(STEPS, whose=THEIRS), visitors=visitors)})
    return visits, steps


def _add_difference(before: _Standing, after: _Standing) -> None:
    visits, steps = ({key: new[key] - old[key] for key in old | new} for old, new in zip(before, after, strict=True))
    changed = sorted({key[:5] for key, value in visits.items() if value})
    VisitTally.objects.bulk_create(
        VisitTally(
            day=key[0], site_id=key[1], source=key[2], medium=key[3], campaign=key[4],
            visitors=visits.get((*key, 0), 0), views=visits.get((*key, 1), 0), orders=visits.get((*key, 2), 0),
        )
        for key in changed
    )  # fmt: skip
    StepTally.objects.bulk_create(
        StepTally(day=key[0], site_id=key[1], step=key[2], before=key[3], visitors=value)
        for key, value in steps.items()
        if value
    )


# --- orders ---------------------------------------------------------------------------------------------------------------

# `{events}` is a table of events or a part of the statement that has stored or deleted some. While the tallies are made
# anew, later orders are counted when the rebuilding comes to them.
ORDERS = """
INSERT INTO order_tally (tenant_id, day, site_id, currency, claimed, orders, priced, amount)
SELECT %(tenant)s, o.day, o.site_id, o.currency, o.claimed, {sign}count(*), {sign}count(o.amount),
  {sign}coalesce(sum(o.amount), 0)
FROM (
  SELECT (e.at AT TIME ZONE %(zone)s)::date AS day, e.site_id,
    coalesce(substring(upper(e.properties ->> 'currency') FROM '^[A-Z]{3}$'), '') AS currency,
    e.site_id IS NOT NULL AND (e.properties -> '$signed') IS DISTINCT FROM 'true' AS claimed,
    CASE WHEN jsonb_typeof(e.properties -> 'amount') = 'number'
      THEN round((e.properties ->> 'amount')::numeric, 6) END AS amount
  FROM {events} e JOIN tally_state ts ON ts.tenant_id = %(tenant)s
    AND (ts.orders_before IS NULL OR e.at < ts.orders_before)
  WHERE {which} AND e.kind = 'order') o
GROUP BY 2, 3, 4, 5
ON CONFLICT DO NOTHING"""
OF_TENANT = "e.tenant_id = %(tenant)s"


def orders_of(part: str, *, removed: bool = False) -> str:
    """What counts the orders among the rows that a part of a statement returns: columns at, kind, properties and site_id.
    %(zone)s is what `zone` says."""
    return fill(ORDERS, sign="-" if removed else "", events=part, which="true")


def subtract_orders(which: str, /, **values: Any) -> None:
    """Take orders out of the tally, before the events that a condition names are deleted in this transaction."""
    statement = fill(ORDERS, sign="-", events="event", which=f"{OF_TENANT} AND {which}")
    run(statement, zone=zone(), **values)


# Of hits that are being stored.
_GIVEN = """(SELECT u.at, u.site AS site_id, 'order' AS kind, u.properties FROM unnest(%(at)s::timestamptz[],
    %(site)s::bigint[], %(properties)s::jsonb[]) AS u(at, site, properties))"""


def add_orders(orders: Sequence[tuple[datetime, int, str]]) -> None:
    """Count orders that sites report: (time, site, properties as JSON)."""
    if orders:
        at, site, properties = (list(column) for column in zip(*orders, strict=True))
        statement = fill(ORDERS, sign="", events=_GIVEN, which="true")
        run(statement, at=at, site=site, properties=properties, zone=zone())
