"""What the tallies must say, counted from scratch by Python from all events of a workspace."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tenants.models import Tenant
from tracking.funnel import stage_of
from tracking.models import Event, Visitor


@dataclass
class Did:
    """What a visitor did on a day."""

    views: int = 0
    orders: int = 0
    stage: int = 0
    origin: tuple[str, str, str] = ("", "", "")


@dataclass
class Truth:
    """All of it: days of visitors, the site of each visitor, and orders as (day, site, currency, claimed)."""

    days: dict[tuple[int, date], Did] = field(default_factory=lambda: defaultdict(Did))
    sites: dict[int, int] = field(default_factory=dict)
    orders: Counter[tuple[date, int | None, str, bool]] = field(default_factory=Counter)
    amounts: dict[tuple[date, int | None, str, bool], Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def visitors(self, first: date, last: date, *, step: int = 0, site: int | None = None) -> int:
        """Visitors who came as far as a step in a span of days."""
        return len(
            {
                visitor
                for (visitor, day), did in self.days.items()
                if first <= day <= last and did.stage >= step and site in (None, self.sites[visitor])
            }
        )

    def new(self, first: date, last: date) -> int:
        """Visitors whose first day is in a span."""
        begun: dict[int, date] = {}
        for visitor, day in self.days:
            begun[visitor] = min(day, begun.get(visitor, day))
        return sum(first <= day <= last for day in begun.values())

    def origins(self, first: date, last: date) -> Counter[tuple[str, str, str]]:
        return Counter(did.origin for (_visitor, day), did in self.days.items() if first <= day <= last)


def count(tenant: Tenant) -> Truth:
    """Count it; inside of the workspace's context."""
    zone, truth = ZoneInfo(tenant.time_zone), Truth()
    truth.sites = dict(Visitor.objects.values_list("pk", "site_id"))
    landed = set()
    for event in Event.objects.order_by("at", "pk"):
        day = event.at.astimezone(zone).date()
        if event.kind == "order":
            amount, currency = event.properties.get("amount"), str(event.properties.get("currency") or "").upper()
            claimed = event.site_id is not None and event.properties.get("$signed") is not True
            key = day, event.site_id, currency, claimed
            truth.orders[key] += 1
            truth.amounts[key] += Decimal(amount) if isinstance(amount, (int, Decimal)) else Decimal(0)
        if event.visitor_id is None or event.kind == "time":
            continue
        did = truth.days[event.visitor_id, day]
        did.views += event.kind == "page"
        did.orders += event.kind == "order"
        did.stage = max(did.stage, stage_of(event.kind, event.name))
        if event.kind == "page" and (event.visitor_id, day) not in landed:
            landed.add((event.visitor_id, day))
            did.origin = _origin(event)
    return truth


def _origin(event: Event) -> tuple[str, str, str]:
    said = event.properties
    campaign = said.get("utm_campaign", "")
    if said.get("utm_source"):
        return said["utm_source"].lower(), said.get("utm_medium", "").lower(), campaign
    if "gclid" in said:
        return "google", "cpc", campaign
    host = urlsplit(said.get("referrer", "")).hostname
    if host is None or host == urlsplit(event.url or "").hostname:
        return "", "", campaign
    if ".google." in f".{host}":
        return "google", "search", campaign
    return host.removeprefix("www."), "referral", campaign
