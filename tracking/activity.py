"""What a contact did and was sent: of its visitors on the sites, of imports and of providers, as one stream in pages.

A page begins behind a key (time, ID): two look-ups by index, whatever the contact has.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from tracking.models import Event, Visitor

SIZE = 30
# What is shown, and which events that means.
KINDS: dict[str, tuple[str, Q]] = {
    "": ("Everything", Q()),
    "message": ("Messages", Q(kind="message")),
    "site": ("Sites", Q(visitor_id__isnull=False)),
    "order": ("Orders", Q(kind="order")),
    "action": ("Sources", Q(kind="action")),
}


@dataclass(frozen=True)
class Page:
    """Events, the latest first; the key of the page behind it, and how many there are of this kind."""

    events: list[Event]
    older: str | None
    count: int


def page(contact_id: int, *, kind: str, after: str) -> Page:
    """The next events of a kind behind a key; what makes no sense means everything, from the latest on."""
    wanted = KINDS[kind if kind in KINDS else ""][1]
    ids = list(Visitor.objects.filter(contact_id=contact_id).values_list("pk", flat=True))
    # Two questions that an index answers each, instead of one that none does.
    both: list[Any] = [
        Event.objects.filter(wanted, visitor_id__in=ids),
        Event.objects.filter(wanted, contact_id=contact_id),
    ]
    behind = _behind(after)
    rows = [e for events in both for e in events.filter(behind).order_by("-at", "-pk")[: SIZE + 1]]
    rows.sort(key=lambda e: (e.at, e.pk), reverse=True)
    more, rows = len(rows) > SIZE, rows[:SIZE]
    older = f"{rows[-1].pk}_{rows[-1].at.isoformat()}" if more else None
    return Page(rows, older, sum(events.count() for events in both))


def _behind(after: str) -> Q:
    number, _sep, time = after.partition("_")
    at = _moment(time)
    if at is None or not (number.isascii() and number.isdigit() and len(number) < 18):
        return Q()
    return Q(at__lte=at) & (Q(at__lt=at) | Q(pk__lt=int(number)))


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found and found.tzinfo else None
