"""Customers by when they last ordered, and how often or for how much: quintiles of each, and the rule of every cell.

The edges of the groups are whole days, whole orders, or amounts that customers have reached, so that a rule can say each
cell exactly. Where many customers have the same value, a group takes all of them, and there are fewer groups than five.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from contacts import figures_cache
from contacts.identity.queries import set_work_mem
from core.formatting import number
from segments.rules.activity_conditions import MAX_COUNT
from segments.rules.tree import MAX_DAYS, ActivityCondition, Group, Node, Period, PropertyFilter
from tenants.isolation.context import current_tenant
from tenants.isolation.statements import fetch, fill
from tenants.models import Tenant

# So long an answer counts.
SECONDS = 300
# Memory of the statement, so that half a million customers are sorted and grouped without the disk.
MEGABYTES = 96
BY = {"frequency": "How often", "monetary": "For how much"}

# Orders that count, by contact: those of its visitors, too. As in rules, what only a browser has told of is a claim.
ORDERS = """
  SELECT coalesce(e.contact_id, v.contact_id) AS contact_id, e.at, upper(e.properties ->> 'currency') AS currency,
    CASE WHEN jsonb_typeof(e.properties -> 'amount') = 'number' THEN (e.properties ->> 'amount')::numeric END AS amount
  FROM event e LEFT JOIN visitor v ON v.tenant_id = %(tenant)s AND v.id = e.visitor_id AND v.contact_id IS NOT NULL
  WHERE e.tenant_id = %(tenant)s AND e.kind = 'order' AND coalesce(e.contact_id, v.contact_id) IS NOT NULL
    AND (%(claimed)s OR e.site_id IS NULL OR e.properties -> '$signed' = 'true')"""
# The currencies of orders with an amount, the most used first.
CURRENCIES = """
SELECT o.currency FROM ({orders}) o WHERE o.amount IS NOT NULL AND o.currency ~ '^[A-Z]{3}$'
GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 20"""
# Edges and cells in one pass over the orders. An edge that no value is beyond is none. A group is the number of edges below
# a value: of days, which are never equal to an edge, those up to it; of sizes, all but those from it on.
CELLS = """
WITH people AS MATERIALIZED (
  SELECT o.contact_id, {size} AS size,
    (extract(epoch FROM %(now)s - max(o.at) FILTER (WHERE o.at < %(now)s)) / 86400)::float8 AS days
  FROM ({orders}) o GROUP BY o.contact_id HAVING count(*) FILTER (WHERE o.at < %(now)s) > 0 AND {who}),
living AS MATERIALIZED (
  SELECT p.size, p.days FROM people p WHERE p.contact_id NOT IN (
    SELECT c.id FROM contact c WHERE c.tenant_id = %(tenant)s AND c.deleted_at IS NOT NULL)),
quintiles AS (
  SELECT percentile_disc(ARRAY[.2, .4, .6, .8]) WITHIN GROUP (ORDER BY p.days) AS days, max(p.days) AS longest,
    percentile_disc(ARRAY[.2, .4, .6, .8]) WITHIN GROUP (ORDER BY p.size) AS sizes, max(p.size) AS largest
  FROM living p),
edges AS MATERIALIZED (
  SELECT ARRAY(SELECT DISTINCT least(greatest(ceil(d), 1), %(most_days)s)::float8 FROM unnest(q.days) d
      WHERE least(greatest(ceil(d), 1), %(most_days)s) < q.longest ORDER BY 1) AS days,
    ARRAY(SELECT DISTINCT -least(greatest(s, 0), %(most_size)s) FROM unnest(q.sizes) s
      WHERE least(greatest(s, 0), %(most_size)s) < q.largest ORDER BY 1) AS opposites
  FROM quintiles q),
cells AS (
  SELECT width_bucket(p.days, e.days) AS r, width_bucket(-p.size, e.opposites) AS above, count(*) AS contacts
  FROM living p CROSS JOIN edges e GROUP BY 1, 2)
SELECT e.days::integer[], ARRAY(SELECT -o FROM unnest(e.opposites) o ORDER BY 1),
  c.r, cardinality(e.opposites) - c.above, c.contacts FROM cells c CROSS JOIN edges e"""
# By → the size of a customer, and who is one.
_SIZES = {
    "frequency": ("count(*)::numeric", "true"),
    "monetary": (
        "coalesce(sum(o.amount) FILTER (WHERE o.currency = %(currency)s), 0)",
        "count(*) FILTER (WHERE o.currency = %(currency)s) > 0",
    ),
}


@dataclass(frozen=True)
class Cell:
    """Customers of one group by recency and one by size, counted from 0: the latest order, and the smallest size."""

    recency: int
    size: int
    contacts: int


@dataclass(frozen=True)
class Grid:
    """All cells. `days` and `sizes` are the edges between the groups; `currency` is that of amounts."""

    by: str
    currency: str
    days: Sequence[int]
    sizes: Sequence[Decimal]
    cells: dict[tuple[int, int], int]

    @property
    def total(self) -> int:
        return sum(self.cells.values())

    @property
    def largest(self) -> int:
        return max(self.cells.values(), default=0)

    def rows(self) -> list[tuple[int, str, list[Cell]]]:
        """(score from 5 for the latest, the group in words, its cells from the smallest size)."""
        return [
            (
                5 - r,
                self.recency_words(r),
                [Cell(r, s, self.cells.get((r, s), 0)) for s in range(len(self.sizes) + 1)],
            )
            for r in range(len(self.days) + 1)
        ]

    def recency_words(self, r: int) -> str:
        """When the customers of a group last ordered."""
        lower, upper = _around(self.days, r)
        if lower is None:
            return "Any time" if upper is None else "In the last day" if upper == 1 else f"In the last {_days(upper)}"
        return f"More than {_days(lower)} ago" if upper is None else f"{number(lower)} to {_days(upper)} ago"

    def size_words(self, s: int) -> str:
        """How often, or for how much, the customers of a group ordered."""
        lower, upper = _around(self.sizes, s)
        if self.by == "monetary":
            if lower is None:
                return "Any amount" if upper is None else f"Up to {_amount(upper)}"
            return f"More than {_amount(lower)}" if upper is None else f"{_amount(lower)} to {_amount(upper)}"
        least = int(lower) + 1 if lower is not None else 1
        if upper is None:
            return f"{number(least)} or more orders"
        return (
            f"{number(least)} order{'s' if least != 1 else ''}"
            if least == upper
            else f"{least} to {number(upper)} orders"
        )

    def rule_of(self, r: int, s: int) -> Group:
        """The customers of a cell, as a rule."""
        lower, upper = _around(self.days, r)
        parts: list[Node] = []
        if upper is not None:
            parts.append(ActivityCondition("order", "last", "", Period("last", upper)))
        if lower is not None:
            parts.append(ActivityCondition("order", "last", "", Period("ago", lower)))
        return Group("all", (*parts, *self._size_rule(*_around(self.sizes, s))))

    def _size_rule(self, lower: Decimal | None, upper: Decimal | None) -> list[Node]:
        if self.by == "monetary":
            spent = (PropertyFilter("currency", "is", self.currency),)
            parts: list[Node] = [ActivityCondition("order", "at_least", "1", where=spent)]
            if lower is not None:
                parts.append(ActivityCondition("order_total", "more", _plain(lower), currency=self.currency))
            if upper is not None:
                parts.append(ActivityCondition("order_total", "at_most", _plain(upper), currency=self.currency))
            return parts
        least = str(int(lower) + 1 if lower is not None else 1)
        if upper is None:
            return [ActivityCondition("order", "at_least", least)]
        return [ActivityCondition("order", "between", least, until=_plain(upper))]

    def name_of(self, r: int, s: int) -> str:
        """What the cell could be called as a segment."""
        how = self.size_words(s)
        return f"{self.recency_words(r)}, {how[:1].lower()}{how[1:]}{f' {self.currency}' if self.currency else ''}"


def currencies() -> list[str]:
    """The currencies in which customers have ordered, the most used first."""
    claimed, statement = _claimed(), fill(CURRENCIES, orders=ORDERS)
    known = figures_cache.recent(
        "rfm.currencies", lambda: [row[0] for row in fetch(statement, claimed=claimed)], seconds=SECONDS
    )
    return list(known)


def grid(by: str, *, currency: str, now: datetime) -> Grid:
    """The grid by recency and one of BY; `currency` is that of amounts."""
    currency = currency if by == "monetary" else ""
    size, who = _SIZES[by]
    values: dict[str, Any] = {
        "claimed": _claimed(), "now": now, "currency": currency, "most_days": MAX_DAYS, "most_size": MAX_COUNT,
    }  # fmt: skip
    set_work_mem(MEGABYTES)
    rows = fetch(fill(CELLS, orders=ORDERS, size=size, who=who), **values)
    days, sizes = (rows[0][0], rows[0][1]) if rows else ([], [])
    return Grid(by, currency, days, sizes, {(int(r), int(s)): int(count) for _d, _s, r, s, count in rows})


def recent(by: str, *, currency: str, now: datetime) -> Grid:
    """The same, at most some minutes old."""
    return figures_cache.recent(f"rfm.{by}.{currency}", lambda: grid(by, currency=currency, now=now), seconds=SECONDS)


def _claimed() -> bool:
    return bool(Tenant.objects.values_list("count_claimed_orders", flat=True).get(pk=current_tenant()))


def _around(edges: Sequence[Any], i: int) -> tuple[Any, Any]:
    """The edges below and above a group; None where it is open."""
    return edges[i - 1] if i > 0 else None, edges[i] if i < len(edges) else None


def _days(count: int) -> str:
    return f"{number(count)} day{'s' if count != 1 else ''}"


def _plain(value: Any) -> str:
    """A number as a rule has it."""
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _amount(value: Decimal) -> str:
    return number(value, 2 if value % 1 else 0)
