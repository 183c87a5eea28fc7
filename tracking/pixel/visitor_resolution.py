"""Whom a hit belongs to: the visitor of its device, and perhaps a contact (identity, rule 7).

A visitor that is somebody stays that somebody. When a device names another person, a new visitor begins on it.
Everything a batch needs is loaded before, so that deciding a hit asks the database nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from math import isfinite
from typing import Any, Self
from zoneinfo import ZoneInfo

from contacts.values.columns import IDENTIFIERS
from contacts.values.identifiers import normal_email, normal_external_id, normal_phone
from tenants.models import Tenant
from tracking import links, pages, quarantine, queries
from tracking.funnel import stage_of
from tracking.pixel.inbox import Entry

# What identifies, the strongest first.
KINDS = (links.KIND, *IDENTIFIERS)
VISIT_GAP_SECONDS = 30 * 60
# People that one device is believed to be, one after the other, and identifiers that one visitor is believed to have.
MOST_VISITORS, MOST_NAMES = 20, 20
# Nobody looks at one page for longer: the browser has been left open. What is reported above it counts as this.
MOST_SECONDS = 30 * 60


@dataclass(slots=True)
class KnownVisitor:
    """A visitor as this batch knows it. `names` are the identifiers it has used, one value a kind."""

    id: int
    device: str
    generation: int
    contact_id: int | None
    last_seen: float
    names: dict[str, str]
    named: int = 0
    used: set[tuple[str, str]] = field(default_factory=set)  # (kind, value) of all of them


@dataclass(slots=True)
class VisitTotals:
    """What a batch adds to a visitor. `visible` are the seconds that the pixel has reported, `between` those between hits of
    a visit; `hours` has a bit for each hour of the workspace's day."""

    first: float
    last: float
    views: int = 0
    visits: int = 0
    stage: int = 0
    hours: int = 0
    visible: float | None = None
    between: float = 0.0


@dataclass
class Recognition:
    """Visitors of a batch's devices, and what is to be written about them."""

    visitors: dict[str, KnownVisitor]
    contacts: dict[tuple[str, str], list[int]]
    ids: list[int]
    names: dict[int, dict[str, str]]
    zone: tzinfo = UTC
    made: list[tuple[Any, ...]] = field(default_factory=list)
    claims: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    identifiers: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    seen: dict[int, VisitTotals] = field(default_factory=dict)
    # (visitor, kind, value, contact) that members have said are not so (tracking.claims).
    refused: set[tuple[int, str, str, int]] = field(default_factory=set)
    viewed: set[tuple[int, pages.Address]] = field(default_factory=set)  # that visitors have seen
    # (site, reason) of identifiers that could not be read or were too many: the hit is stored without them.
    dropped: list[tuple[int, str]] = field(default_factory=list)

    @classmethod
    def load(cls, tenant_id: int, entries: Sequence[Entry]) -> Self:
        """Read what the decisions need: visitors of the devices, contacts of the identifiers, ids for new visitors.

        Identifiers in quarantine say nothing about anybody: they are kept with the visitor and otherwise passed over.
        """
        regions = queries.regions_of(tenant_id, sorted({e.site_id for e in entries if e.hit.identifiers}))
        dropped: list[tuple[int, str]] = []
        names = {}
        for e in entries:
            if e.hit.identifiers:
                names[id(e)] = normal_names(e.hit.identifiers, region=regions.get(e.site_id))
                unread = e.hit.identifiers.keys() - names[id(e)].keys() - {links.KIND}
                dropped += [(e.site_id, f"unreadable_{kind}") for kind in sorted(unread)]
                dropped += [(e.site_id, reason) for reason in _follow_link(names[id(e)], e, tenant_id)]
        visitors = {
            device: KnownVisitor(vid, device, generation, contact, at.timestamp(), dict(used), named, set(used))
            for vid, device, generation, contact, at, used, named in queries.visitors_of(
                tenant_id, sorted({e.hit.device for e in entries})
            )
        }
        # What a visitor has called itself before counts as well, where it names itself again.
        again = {e.hit.device for e in entries if names.get(id(e))} & visitors.keys()
        pairs = {pair for identifiers in names.values() for pair in identifiers.items()}
        pairs.update(*(visitors[device].used for device in again))
        held = quarantine.held(pairs)
        for identifiers in (*names.values(), *(visitors[device].names for device in again)):
            for pair in held & set(identifiers.items()):
                del identifiers[pair[0]]
        for device in again:
            visitors[device].used -= held
        pairs -= held
        new = sum(e.hit.device not in visitors for e in entries) + len(names)
        return cls(
            visitors=visitors,
            contacts=queries.contacts_named(tenant_id, pairs),
            ids=queries.new_visitor_ids(new) if new else [],
            names=names,
            refused=queries.refusals_of(tenant_id, sorted(visitors[device].id for device in again)),
            zone=_zone(tenant_id),
            dropped=dropped,
        )

    def take(self, entry: Entry) -> None:
        """Decide one hit; entries come in the order of their arrival."""
        names = self.names.get(id(entry), {})
        visitor = self.visitors.get(entry.hit.device)
        if visitor is not None and visitor.contact_id is not None and self._forwarded(visitor, names):
            self.dropped.append((entry.site_id, "link_of_another"))
            names = {kind: value for kind, value in names.items() if kind != links.KIND}
        if visitor is None:
            visitor = self._begin(entry, after=visitor)
        elif is_somebody_else(visitor, names) or self._belongs_to_another(visitor, names):
            if visitor.generation + 1 < MOST_VISITORS:
                visitor = self._begin(entry, after=visitor)
            else:  # nobody lends a device to so many: the hit is stored without the identifier
                self.dropped.append((entry.site_id, "too_many_people"))
                names = {}
        self._identify(visitor, names, entry)
        self._note(visitor, entry)

    def _begin(self, entry: Entry, *, after: KnownVisitor | None) -> KnownVisitor:
        generation = after.generation + 1 if after else 0
        visitor = KnownVisitor(self.ids.pop(), entry.hit.device, generation, None, 0.0, {})
        self.visitors[entry.hit.device] = visitor
        at = _moment(entry.at)
        self.made.append((visitor.id, entry.site_id, entry.hit.device, generation, at, at))
        return visitor

    def _identify(self, visitor: KnownVisitor, names: dict[str, str], entry: Entry) -> None:
        for kind, value in names.items():
            if visitor.names.get(kind) != value:
                visitor.named += 1
            if visitor.named > MOST_NAMES:
                self.dropped.append((entry.site_id, "too_many_identifiers"))
                continue
            visitor.names.setdefault(kind, value)
            self.identifiers.append((kind, value, visitor.id, _moment(entry.at), entry.hit.url))
        if visitor.contact_id is None and names:
            visitor.used |= visitor.names.items() | names.items()
            named = self._named(visitor, visitor.used)
            contact_ids = {contact for _kind, contact in named}
            if len(contact_ids) == 1:
                visitor.contact_id = contact_ids.pop()
                kind, at = min((kind for kind, _contact in named), key=KINDS.index), _moment(entry.at)
                self.claims[visitor.id] = (visitor.id, visitor.contact_id, kind, at, entry.hit.url)

    def _belongs_to_another(self, visitor: KnownVisitor, names: dict[str, str]) -> bool:
        """Whether a claimed visitor uses identifiers that are all those of other contacts."""
        contact_ids = {contact for _kind, contact in self._named(visitor, names.items())}
        return visitor.contact_id is not None and bool(contact_ids) and visitor.contact_id not in contact_ids

    def _forwarded(self, visitor: KnownVisitor, names: dict[str, str]) -> bool:
        """Whether somebody's visitor has opened a tracked link of others: it may have been passed on, so it says nothing."""
        link = names.get(links.KIND, "")
        return bool(link) and visitor.contact_id not in self.contacts.get((links.KIND, link), [])

    def _named(self, visitor: KnownVisitor, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, int]]:
        """(kind of identifier, contact) of all that the identifiers lead to."""
        return {
            (kind, contact)
            for kind, value in pairs
            for contact in self.contacts.get((kind, value), [])
            if (visitor.id, kind, value, contact) not in self.refused
        }

    def _note(self, visitor: KnownVisitor, entry: Entry) -> None:
        hit = entry.hit
        properties = hit.properties | ({"referrer": hit.referrer} if hit.referrer else {})
        self.events.append(
            (_moment(entry.at), visitor.id, entry.site_id, hit.kind, hit.name, hit.url, hit.title, properties)
        )
        seen = self.seen.setdefault(visitor.id, VisitTotals(entry.at, entry.at))
        seen.first, seen.last = min(seen.first, entry.at), max(seen.last, entry.at)
        seen.stage = max(seen.stage, stage_of(hit.kind, hit.name))
        seen.hours |= 1 << datetime.fromtimestamp(entry.at, self.zone).hour
        gap = entry.at - visitor.last_seen
        if hit.kind == "time":  # tells of a page that was seen before, which may be long ago
            seen.visible = (seen.visible or 0.0) + seconds_of(hit.properties)
            seen.visits += not visitor.last_seen
        else:
            seen.visits += gap > VISIT_GAP_SECONDS
            seen.between += gap if 0 < gap <= VISIT_GAP_SECONDS else 0.0
        if hit.kind == "page":
            seen.views += 1
            if (page := pages.address(hit.url)) is not None:
                self.viewed.add((visitor.id, page))
        visitor.last_seen = max(visitor.last_seen, entry.at)


def _follow_link(names: dict[str, str], entry: Entry, tenant_id: int) -> list[str]:
    """Put the contact of a tracked link among the names, as its number; returns why it is not believed."""
    text = entry.hit.identifiers.get(links.KIND)
    if text is None:
        return []
    try:
        names[links.KIND] = str(links.read(text, tenant_id=tenant_id))
    except links.BadLink as problem:
        return [problem.reason]
    return []


def is_somebody_else(visitor: KnownVisitor, names: dict[str, str]) -> bool:
    """Whether the identifiers contradict those that the visitor has used: the strongest kind that both have decides."""
    for kind in IDENTIFIERS:
        if kind in names and kind in visitor.names:
            return names[kind] != visitor.names[kind]
    return False


def seconds_of(properties: dict[str, Any]) -> float:
    """How long a page was seen, as a hit of kind `time` reports it, up to MOST_SECONDS: what makes no sense counts as
    nothing."""
    seconds = properties.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float, Decimal)):
        return 0.0
    return min(float(seconds), MOST_SECONDS) if seconds >= 0 and isfinite(seconds) else 0.0


def normal_names(identifiers: dict[str, str], *, region: str | None = None) -> dict[str, str]:
    """Normal forms of what a browser claims; what is not an identifier is left out. `region` is the country of phones that
    say none."""
    normal: dict[str, Callable[[str], str | None]] = {
        "external_id": normal_external_id, "email": normal_email, "phone": lambda text: normal_phone(text, region),
    }  # fmt: skip
    names = {kind: normal[kind](value) for kind, value in identifiers.items() if kind in normal}
    return {kind: value for kind, value in names.items() if value}


def _zone(tenant_id: int) -> tzinfo:
    return ZoneInfo(Tenant.objects.values_list("time_zone", flat=True).get(pk=tenant_id))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
