"""Who is on the sites now: visitors of the last half hour, anonymous and known, with the page that they are on."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from contacts.models import Contact
from tenants.isolation.statements import fetch
from tracking.models import Event, Site, Visitor

WINDOW = timedelta(minutes=30)
SHOWN = 50
# Counting stops here: a page that asks every five seconds must stay cheap.
COUNTED = 10_000
KINDS = {"known": "Known", "anonymous": "Anonymous"}

# The latest thing that each of a few visitors did.
LATEST = """
SELECT l.visitor_id, l.url, l.title, l.kind, l.name FROM unnest(%(visitors)s::bigint[]) v(id) CROSS JOIN LATERAL (
  SELECT e.visitor_id, e.url, e.title, e.kind, e.name FROM event e
  WHERE e.tenant_id = %(tenant)s AND e.visitor_id = v.id AND e.at >= %(since)s AND e.kind <> 'time'
  ORDER BY e.at DESC, e.id DESC LIMIT 1) l"""


@dataclass(frozen=True)
class Present:
    """A visitor who is here: who it is, where, and how many seconds ago it did something."""

    visitor: Visitor
    contact: Contact | None
    site: str
    event: Event | None
    seconds: float


@dataclass(frozen=True)
class LiveView:
    """The visitors seen last, and how many there are of each kind; `more`: counting has stopped."""

    present: list[Present]
    known: int
    anonymous: int
    more: bool

    @property
    def total(self) -> int:
        return self.known + self.anonymous


def live(*, now: datetime, site_id: int | None, kind: str) -> LiveView:
    """Visitors of the last half hour, the latest first, of one site or of all."""
    here = Visitor.objects.filter(last_seen__gte=now - WINDOW, visits__gt=0)
    if site_id is not None:
        here = here.filter(site_id=site_id)
    known = here.exclude(contact_id=None).order_by()[: COUNTED + 1].count()
    anonymous = here.filter(contact_id=None).order_by()[: COUNTED + 1].count()
    if kind:
        here = here.filter(contact_id__isnull=kind == "anonymous")
    rows = list(here.order_by("-last_seen", "-pk")[:SHOWN])
    return LiveView(
        _present(rows, now), min(known, COUNTED), min(anonymous, COUNTED), more=max(known, anonymous) > COUNTED
    )


def _present(rows: list[Visitor], now: datetime) -> list[Present]:
    contacts = Contact.objects.in_bulk([v.contact_id for v in rows if v.contact_id])
    sites = dict(Site.objects.values_list("pk", "name"))
    did = {
        visitor_id: Event(visitor_id=visitor_id, url=url, title=title, kind=kind, name=name)
        for visitor_id, url, title, kind, name in fetch(LATEST, visitors=[v.pk for v in rows], since=now - WINDOW)
    }
    return [
        Present(
            visitor=v,
            contact=contacts.get(v.contact_id),
            site=sites.get(v.site_id, ""),
            event=did.get(v.pk),
            seconds=max(0.0, (now - v.last_seen).total_seconds()),
        )
        for v in rows
    ]
