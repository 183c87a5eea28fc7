"""Visitors, orders and where they came from in a span of days, from the tallies (tracking.tallies): no event is read."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from insights.dashboards.date_range import DateRange
from tenants.isolation.statements import fetch, fill
from tracking.live_view import WINDOW

SOURCES = 200
_SITE = "AND (%(site)s::bigint IS NULL OR t.site_id = %(site)s)"

# Visitors who came as far as a step, each once in a span: on the first day of it on which they did. Both spans at once.
STEPS = fill(
    """
SELECT t.step,
  coalesce(sum(t.visitors) FILTER (WHERE t.day >= %(first)s AND (t.before IS NULL OR t.before < %(first)s)), 0),
  coalesce(sum(t.visitors) FILTER (WHERE t.day < %(first)s AND (t.before IS NULL OR t.before < %(since)s)), 0),
  coalesce(sum(t.visitors) FILTER (WHERE t.day >= %(first)s AND t.before IS NULL), 0),
  coalesce(sum(t.visitors) FILTER (WHERE t.day < %(first)s AND t.before IS NULL), 0)
FROM step_tally t WHERE t.tenant_id = %(tenant)s AND t.day >= %(since)s AND t.day <= %(last)s {site} GROUP BY t.step""",
    site=_SITE,
)
BY_DAY = fill(
    """
SELECT t.day, sum(t.visitors), sum(t.views) FROM visit_tally t
WHERE t.tenant_id = %(tenant)s AND t.day >= %(since)s AND t.day <= %(last)s {site} GROUP BY t.day""",
    site=_SITE,
)
ORDERS = fill(
    """
SELECT t.day, t.currency, t.claimed, sum(t.orders), sum(t.priced), sum(t.amount) FROM order_tally t
WHERE t.tenant_id = %(tenant)s AND t.day >= %(since)s AND t.day <= %(last)s {site} GROUP BY t.day, t.currency, t.claimed""",
    site=_SITE,
)
ORIGINS = fill(
    """
SELECT t.source, t.medium, t.campaign, sum(t.visitors) FILTER (WHERE t.day >= %(first)s),
  sum(t.visitors) FILTER (WHERE t.day < %(first)s), sum(t.views) FILTER (WHERE t.day >= %(first)s),
  sum(t.orders) FILTER (WHERE t.day >= %(first)s)
FROM visit_tally t WHERE t.tenant_id = %(tenant)s AND t.day >= %(since)s AND t.day <= %(last)s {site}
GROUP BY t.source, t.medium, t.campaign""",
    site=_SITE,
)
# Contacts by the moment at which the first of their visitors was recognized; read from the index alone where all sites are
# asked for.
COLLECTED = """
SELECT count(*) FILTER (WHERE c.matched_at >= %(from)s), count(*) FILTER (WHERE c.matched_at < %(from)s)
FROM contact_visit c WHERE c.tenant_id = %(tenant)s AND c.matched_at >= %(since)s AND c.matched_at < %(until)s
  AND (%(site)s::bigint IS NULL OR %(site)s = ANY (c.site_ids))"""
# Counting stops at so many of each: a page that asks every few seconds must stay cheap.
MOST_PRESENT = 10_000
PRESENT = """
SELECT count(*), count(p.contact_id) FROM (
  SELECT v.contact_id FROM visitor v WHERE v.tenant_id = %(tenant)s AND v.last_seen >= %(since)s AND v.visits > 0
    AND (%(site)s::bigint IS NULL OR v.site_id = %(site)s) LIMIT %(most)s) p"""


@dataclass(frozen=True)
class Compared:
    """A figure of a span, and of the one before."""

    now: int = 0
    before: int = 0


@dataclass(frozen=True)
class Revenue:
    """Orders with an amount in one currency ("" where none is said), with the sums of both spans."""

    currency: str
    orders: Compared
    amount: Decimal
    amount_before: Decimal

    @property
    def average(self) -> Decimal | None:
        return self.amount / self.orders.now if self.orders.now else None


@dataclass(frozen=True)
class Orders:
    """Orders that count, those that only browsers report, the money by currency, and (day, currency) → amount."""

    orders: Compared
    claims: int
    revenues: list[Revenue]
    by_day: dict[date, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Visits:
    """Visitors by step, those who are new, and by day (visitors, page views)."""

    steps: list[Compared]
    new: Compared
    by_day: dict[date, tuple[int, int]]

    def views(self, span: DateRange) -> int:
        return sum(self.by_day.get(day, (0, 0))[1] for day in span.dates())


@dataclass(frozen=True)
class Origin:
    """What led visitors here; `visitors` counts each once a day."""

    source: str
    medium: str
    campaign: str
    visitors: Compared
    views: int
    orders: int


def visits(span: DateRange, site_id: int | None) -> Visits:
    """Who came in a span and how far. Two statements."""
    asked = _asked(span, site_id)
    found = {row[0]: [int(n) for n in row[1:]] for row in fetch(STEPS, **asked)}
    steps = [Compared(*found.get(step, [0, 0])[:2]) for step in range(4)]
    days = {row[0]: (int(row[1]), int(row[2])) for row in fetch(BY_DAY, **asked)}
    return Visits(steps, Compared(*found.get(0, [0, 0, 0, 0])[2:]), days)


def orders(span: DateRange, site_id: int | None, *, claimed: bool) -> Orders:
    """What was ordered; `claimed`: orders count that only browsers report."""
    rows = fetch(ORDERS, **_asked(span, site_id))
    counted = [row for row in rows if claimed or not row[2]]
    now = [row for row in counted if row[0] >= span.first]
    then = [row for row in counted if row[0] < span.first]
    by_day: dict[date, int] = {}
    for row in now:
        by_day[row[0]] = by_day.get(row[0], 0) + int(row[3])
    priced = sorted({row[1] for row in counted if row[4]})
    revenues = [
        Revenue(
            currency,
            Compared(_sum(now, currency, 4), _sum(then, currency, 4)),
            sum((row[5] for row in now if row[1] == currency), Decimal(0)),
            sum((row[5] for row in then if row[1] == currency), Decimal(0)),
        )
        for currency in priced
    ]
    return Orders(
        Compared(sum(int(row[3]) for row in now), sum(int(row[3]) for row in then)),
        sum(int(row[3]) for row in rows if row[2] and row[0] >= span.first),
        sorted(revenues, key=lambda one: (-one.orders.now, one.currency)),
        by_day,
    )


def origins(span: DateRange, site_id: int | None) -> list[Origin]:
    """What led visitors here, the most frequent first."""
    rows = [
        Origin(row[0], row[1], row[2], Compared(int(row[3] or 0), int(row[4] or 0)), int(row[5] or 0), int(row[6] or 0))
        for row in fetch(ORIGINS, **_asked(span, site_id))
    ]
    return sorted((o for o in rows if o.visitors.now), key=lambda o: (-o.visitors.now, o.source, o.medium, o.campaign))


def collected(span: DateRange, site_id: int | None, *, midnight: Any) -> Compared:
    """Contacts that were recognized for the first time in a span, of a site those who were there; `midnight` says when a
    day of the workspace begins."""
    found = fetch(
        COLLECTED, **{"from": midnight(span.first)}, since=midnight(span.before.first),
        until=midnight(span.last + timedelta(days=1)), site=site_id,
    )  # fmt: skip
    return Compared(*found[0])


def present(site_id: int | None, *, now: datetime) -> tuple[int, int]:
    """(visitors of the last half hour, those of them who are contacts), up to MOST_PRESENT."""
    found = fetch(PRESENT, since=now - WINDOW, site=site_id, most=MOST_PRESENT)
    return int(found[0][0]), int(found[0][1])


def _asked(span: DateRange, site_id: int | None) -> dict[str, Any]:
    return {"first": span.first, "last": span.last, "since": span.before.first, "site": site_id}


def _sum(rows: list[tuple[Any, ...]], currency: str, place: int) -> int:
    return sum(int(row[place]) for row in rows if row[1] == currency)
