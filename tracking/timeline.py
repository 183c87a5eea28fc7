"""What a contact did, was sent, and what was done with it: by visitors, providers, imports and people, as one stream.

The apps above and below have entries of their own (contacts.extensions); each source is asked for its latest entries behind
a key, so that a page costs a few look-ups by index, whatever the contact has. A key is the time, source and number of an
entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from contacts.extensions import TimelineSource, timeline_sources
from contacts.profile.timeline import Cursor, Entry
from core import keyset
from core.parse import parse_id, parse_moment
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
    """Entries, the latest first; the key of the page behind it, and how many there are of this kind."""

    entries: list[Entry]
    older: str | None
    count: int


@dataclass(frozen=True)
class _Key:
    at: datetime
    source: int
    number: int

    def behind(self, source: int) -> Cursor:
        """The place behind which the entries of a source go on: of the same moment, those of earlier sources are left."""
        if source == self.source:
            return Cursor(self.at, self.number)
        return Cursor(self.at, None if source < self.source else 0)


class _Events:
    """Events as a source."""

    LABEL = "Everything"

    def __init__(self, wanted: Q) -> None:
        self.wanted = wanted

    def latest(self, contact_id: int, *, behind: Cursor | None, count: int) -> list[Entry]:
        beyond = keyset.beyond("at", behind.at, behind.number) if behind else Q()
        rows = [e for events in self._both(contact_id) for e in events.filter(beyond).order_by("-at", "-pk")[:count]]
        return [Entry(e.at, e.pk, event=e) for e in rows]

    def count(self, contact_id: int) -> int:
        return sum(events.count() for events in self._both(contact_id))

    def _both(self, contact_id: int) -> list[Any]:
        """Two questions that an index answers each, instead of one that none does."""
        ids = list(Visitor.objects.filter(contact_id=contact_id).values_list("pk", flat=True))
        return [
            Event.objects.filter(self.wanted, visitor_id__in=ids).exclude(kind="time"),
            Event.objects.filter(self.wanted, contact_id=contact_id).exclude(visitor_id__in=ids),
        ]


def kinds() -> list[tuple[str, str]]:
    """(key, label) of what can be shown alone."""
    return [
        *((key, label) for key, (label, _wanted) in KINDS.items()),
        *((k, s.LABEL) for k, s in timeline_sources().items()),
    ]


def page(contact_id: int, *, kind: str, after: str, size: int = SIZE) -> Page:
    """The next entries of a kind behind a key; what makes no sense means everything, from the latest on."""
    others = timeline_sources()
    sources: Sequence[TimelineSource] = [_Events(KINDS[kind if kind in KINDS else ""][1])]
    if kind in others:
        sources = [others[kind]]
    elif kind not in KINDS or not kind:
        sources = [*sources, *others.values()]
    key = _key(after)
    entries = [
        (entry.at, place, entry.number, entry)
        for place, source in enumerate(sources)
        for entry in source.latest(contact_id, behind=key.behind(place) if key else None, count=size + 1)
    ]
    entries.sort(key=lambda one: one[:3], reverse=True)
    shown = entries[:size]
    older = f"{shown[-1][2]}_{shown[-1][1]}_{shown[-1][0].isoformat()}" if len(entries) > size else None
    return Page([one[3] for one in shown], older, sum(source.count(contact_id) for source in sources))


def is_key(text: str) -> bool:
    """Whether a text is a place in the stream."""
    return _key(text) is not None


def _key(after: str) -> _Key | None:
    number, source, time = [*after.split("_", 2), "", ""][:3]
    at, place, entry = parse_moment(time), parse_id(source), parse_id(number)
    return None if at is None or place is None or entry is None else _Key(at, place, entry)
