"""What a profile shows of a contact at once: its latest activity, visits and orders. Named in settings.EXTENSIONS."""

from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.utils import timezone

from contacts.profile.timeline import Entry
from tracking import timeline
from tracking.models import Event, Site, Visitor
from tracking.pixel.visitor_resolution import VISIT_GAP_SECONDS

ENTRIES, ORDERS, VISITS = 8, 3, 3
# Visits are put together of so many hits, the latest ones.
HITS = 300


@dataclass
class Visit:
    """One visit of a site: from its first hit to its last one, on which page it began, and how many pages it has."""

    visitor_id: int
    site: str
    first: Event
    last_at: datetime
    pages: int

    @property
    def minutes(self) -> int:
        return round((self.last_at - self.first.at).total_seconds() / 60)


def stream(contact_id: int, *, kind: str = "", after: str = "", size: int = timeline.SIZE) -> dict[str, Any]:
    """What tracking/_activity.html shows: entries of a kind behind a key, by day."""
    shown = timeline.page(contact_id, kind=kind, after=after, size=size)
    sites = dict(Site.objects.values_list("pk", "name"))
    return {
        "contact_id": contact_id,
        "kind": kind if kind in dict(timeline.kinds()) else "",
        "kinds": timeline.kinds(),
        "days": [
            (day, [(entry, sites.get(entry.event.site_id, "") if entry.event else "") for entry in entries])
            for day, entries in groupby(shown.entries, key=_day)
        ],
        "page": shown,
        "after": after,
    }


def latest(contact_id: int) -> dict[str, Any]:
    """The first tab: the latest activity, visits and orders, each with how many there are."""
    orders = timeline.page(contact_id, kind="order", after="", size=ORDERS)
    visitors = list(Visitor.objects.filter(contact_id=contact_id))
    return {
        **stream(contact_id, size=ENTRIES),
        "orders": [entry.event for entry in orders.entries],
        "orders_count": orders.count,
        "visits": visits(visitors)[:VISITS],
        "visits_count": sum(visitor.visits for visitor in visitors),
    }


def visits(visitors: list[Visitor]) -> list[Visit]:
    """The visits of the visitors, the latest first; of those that are long ago none."""
    sites = dict(Site.objects.values_list("pk", "name"))
    seen = Event.objects.filter(visitor_id__in=[v.pk for v in visitors]).exclude(kind="time")
    hits = list(seen.order_by("-at", "-pk")[:HITS])
    under_way: dict[int, Visit] = {}
    grouped: list[Visit] = []
    for event in reversed(hits):
        visit = under_way.get(event.visitor_id)
        if visit is None or (event.at - visit.last_at).total_seconds() > VISIT_GAP_SECONDS:
            visit = Visit(event.visitor_id, sites.get(event.site_id, ""), event, event.at, 0)
            under_way[event.visitor_id] = visit
            grouped.append(visit)
        visit.last_at = event.at
        visit.pages += event.kind == "page"
    return sorted(grouped, key=lambda visit: visit.last_at, reverse=True)


def _day(entry: Entry) -> date:
    return timezone.localtime(entry.at).date()
