"""What one visitor did, visit by visit; and how a visitor is forgotten for good."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.formatting import duration
from tenants.isolation import statements
from tracking import contact_visits, pages, tallies
from tracking.models import Event, Visitor, VisitorIdentifier, VisitorRefusal
from tracking.pixel.visitor_resolution import VISIT_GAP_SECONDS, seconds_of

# So many hits are shown, the latest ones.
HITS = 500


@dataclass
class Step:
    """Something a visitor did on a page, and for how many seconds the page was seen, where the pixel has reported it."""

    event: Event
    seconds: float = 0.0

    @property
    def spent(self) -> str:
        return duration(self.seconds) if self.seconds else ""


@dataclass
class PathVisit:
    """One visit: what was done in it, in order."""

    steps: list[Step] = field(default_factory=list)
    last_at: datetime | None = None
    seconds: float = 0.0

    @property
    def first_at(self) -> datetime | None:
        return self.steps[0].event.at if self.steps else self.last_at

    @property
    def pages(self) -> int:
        return sum(step.event.kind == "page" for step in self.steps)


@dataclass(frozen=True)
class Path:
    """The visits of a visitor, the latest first; `cut`: there are earlier hits, which are not shown."""

    visits: list[PathVisit]
    cut: bool


def path(visitor_id: int, *, hits: int = HITS) -> Path:
    """What a visitor did. Hits that report how long a page was seen are put to that page."""
    latest = list(Event.objects.filter(visitor_id=visitor_id).order_by("-at", "-pk")[: hits + 1])
    visits: list[PathVisit] = []
    for event in reversed(latest[:hits]):
        last = visits[-1].last_at if visits else None
        begins = last is None or (event.at - last).total_seconds() > VISIT_GAP_SECONDS
        if begins and (event.kind != "time" or not visits):
            visits.append(PathVisit())
        _add(visits[-1], event)
    return Path(visits[::-1], len(latest) > hits)


def _add(visit: PathVisit, event: Event) -> None:
    visit.last_at = event.at
    if event.kind != "time":
        visit.steps.append(Step(event))
        return
    seconds = seconds_of(event.properties)
    visit.seconds += seconds
    seen = [s for s in visit.steps if s.event.kind == "page"]
    step = next((s for s in reversed(seen) if s.event.url == event.url), seen[-1] if seen else None)
    if step is not None:
        step.seconds += seconds


def identifiers(visitor_id: int) -> list[VisitorIdentifier]:
    """What a visitor has called itself, the first first."""
    return list(VisitorIdentifier.objects.filter(visitor_id=visitor_id).order_by("seen_at", "kind", "value"))


# The second person of a device leaves its place there: what the device does next is not the first one's doing.
SUCCEED = """
INSERT INTO visitor (tenant_id, site_id, device, generation, first_seen, last_seen, visits)
VALUES (%(tenant)s, %(site)s, %(device)s, %(generation)s, %(now)s, %(now)s, 0)"""


def held(visitor_id: int) -> dict[str, int]:
    """How much is stored about a visitor: events and identifiers."""
    return {
        "events": Event.objects.filter(visitor_id=visitor_id).count(),
        "identifiers": VisitorIdentifier.objects.filter(visitor_id=visitor_id).count(),
    }


def forget(visitor_id: int, *, now: datetime) -> dict[str, int]:
    """Remove a visitor with all that it did and called itself, for good; returns what was removed. Raises
    Visitor.DoesNotExist."""
    visitor: Visitor = Visitor.objects.select_for_update().get(pk=visitor_id)
    counts = held(visitor_id)
    tallies.forget([visitor_id])
    for model in (Event, VisitorIdentifier, VisitorRefusal):
        mine: Any = model.objects.filter(visitor_id=visitor_id)
        mine.delete()
    pages.forget([visitor_id])
    device = Visitor.objects.filter(device=visitor.device)
    first = not device.filter(generation__lt=visitor.generation).exists()
    last = not device.filter(generation__gt=visitor.generation).exists()
    Visitor.objects.filter(pk=visitor_id).delete()
    if last and not first:
        own = {"site": visitor.site_id, "device": visitor.device, "generation": visitor.generation, "now": now}
        statements.run(SUCCEED, **own)
    contact_visits.refresh([visitor.contact_id])
    return counts
