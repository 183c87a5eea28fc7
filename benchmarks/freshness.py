"""Dynamic segments at scale: how long one takes to be built, how soon a change shows in two hundred of them, and what they
cost imports and the pixel.

The workspace is that of benchmarks.rules: a third of its contacts are in the segment that is built, and the two hundred
ask for fields, orders, page views, days and a segment.
"""

import itertools
import statistics
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from benchmarks import rules
from benchmarks.imports import owner
from contacts import change_queue, value_state
from contacts.models import Attribute, Contact, QueuedChange
from segments import dynamic, incremental
from segments.models import Member, Segment, SegmentState
from segments.rules import tree
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tracking.models import Event, Site, Visitor
from tracking.pixel import inbox_consumer
from tracking.pixel.hits import Hit
from tracking.pixel.inbox import Entry
from tracking.pixel.sites import new_key

SEGMENTS, LIMIT_SECONDS, CHANGES = 200, 900.0, 20
HITS, BATCHES, PEOPLE = 500, 20, 400


@dataclass
class Fresh:
    """Seconds of a first build and its members; of building all; of a change in all (each); of a batch; hits a second."""

    built: float
    members: int
    all: float
    shown: list[float]
    batch: float
    batched: int


def data(n: int, segment: int) -> dict[str, Any]:
    """The rule of segment n: every two conditions, one of them with a value of its own."""
    pairs = list(itertools.combinations([*rules.conditions(segment).values(), *rules.PAGES.values()], 2))
    one, other = pairs[n % len(pairs)]
    own = {"attribute": "city", "op": "is", "values": [rules.CITIES[n % 40]]}
    return {"v": 1, "all": [one, {"any": [other, own]}]}


def make(tenant: Tenant, count: int = SEGMENTS) -> list[int]:
    """So many dynamic segments, which the workers build."""
    with tenant_context(tenant.pk):
        Attribute.objects.get_or_create(key="shoe_size", defaults={"label": "Shoe size", "type": "integer"})
        asked = Segment.objects.get_or_create(name="One in five")[0].pk
        return [
            dynamic.save_dynamic_segment(tree.parse(data(n, asked)), f"Fresh {n}", user_id=owner().pk).pk
            for n in range(count)
        ]  # fmt: skip


def wait(tenant: Tenant, *, queue: bool = True) -> float:
    """Until all segments are ready and nothing is queued; returns the seconds."""
    begun = time.perf_counter()
    while True:
        with tenant_context(tenant.pk):
            dynamic_ones = Segment.objects.dynamic()
            failed = dynamic_ones.filter(state=SegmentState.FAILED).first()
            if failed is not None:
                raise SystemExit(f"{failed}: {failed.reason}")
            busy = dynamic_ones.filter(state__in=Segment.ACTIVE).exists() or (queue and QueuedChange.objects.exists())
        if not busy:
            return time.perf_counter() - begun
        if time.perf_counter() - begun > LIMIT_SECONDS:
            raise SystemExit("The segments were not fresh in time.")
        time.sleep(0.05)


def build(tenant: Tenant) -> tuple[float, int]:
    """The first build of a segment with a third of the contacts, in this process: seconds, members."""
    cities = {"attribute": "city", "op": "is", "values": rules.CITIES[:13]}
    with tenant_context(tenant.pk):
        segment = dynamic.save_dynamic_segment(tree.parse({"v": 1, "all": [cities]}), "A third", user_id=owner().pk)
    wait(tenant, queue=False)
    with tenant_context(tenant.pk):
        segment.refresh_from_db()
        return (segment.duration_ms or 0) / 1000, segment.size


def measure(
    tenant: Tenant, *, segments: int = SEGMENTS, changes: int = CHANGES, batch: int = incremental.BATCH
) -> Fresh:
    """Everything but what imports and the pixel lose."""
    built, members = build(tenant)
    begun = time.perf_counter()
    make(tenant, segments)
    wait(tenant)
    took = time.perf_counter() - begun
    with tenant_context(tenant.pk):
        ids = list(Contact.objects.order_by("pk").values_list("pk", flat=True)[: batch + changes])
        seen = Segment.objects.get(name="A third").pk
    shown = [_shown(tenant, seen, pk) for pk in ids[:changes]]
    with tenant_context(tenant.pk):
        change_queue.add(ids[changes:], "contact")
    begun = time.perf_counter()
    incremental.follow(tenant.pk)
    wait(tenant)
    return Fresh(built, members, took, shown, time.perf_counter() - begun, len(ids) - changes)


def _shown(tenant: Tenant, segment_id: int, contact_id: int) -> float:
    """Seconds from the commit of a change until the workers have put the contact in or out, and looked at all segments."""
    with tenant_context(tenant.pk):
        contact = Contact.objects.get(pk=contact_id)
        inside = Member.objects.filter(segment_id=segment_id, contact_id=contact_id).exists()
        value_state.write_states(contact, {"city": [rules.CITIES[39 if inside else 0]]}, timezone.now())
    begun = time.perf_counter()
    while True:
        with tenant_context(tenant.pk):
            now = Member.objects.filter(segment_id=segment_id, contact_id=contact_id).exists()
            if now != inside and not QueuedChange.objects.exists():
                return time.perf_counter() - begun
        if time.perf_counter() - begun > LIMIT_SECONDS:
            raise SystemExit("A change did not show.")
        time.sleep(0.02)


def drain(tenant: Tenant, *, batches: int = BATCHES) -> float:
    """Hits a second that are stored of visitors who are contacts, in this process."""
    with tenant_context(tenant.pk):
        site = Site.objects.create(name="fresh", key=new_key(tenant.pk))
        people = Contact.objects.order_by("pk")[:PEOPLE]
        now = datetime.now(UTC)
        visitors = Visitor.objects.bulk_create(
            Visitor(
                site_id=site.pk, device=uuid.uuid4(), first_seen=now, last_seen=now, contact_id=contact.pk, claimed_at=now,
                matched_by="email",
            )
            for contact in people
        )  # fmt: skip
        devices = [str(visitor.device) for visitor in visitors]
    began, position = int(time.time() * 1000), itertools.count()

    def entry(n: int) -> Entry:
        url = f"https://shop.example/product/{n % 50}"
        hit = Hit(devices[n % len(devices)], "page", None, url, None, None, {}, {})
        return Entry(f"{began}-{next(position)}", tenant.pk, site.pk, time.time(), hit)

    made = [[entry(b * HITS + n) for n in range(HITS)] for b in range(batches)]
    inbox_consumer.store(tenant.pk, made[0])
    begun = time.perf_counter()
    for one in made[1:]:
        inbox_consumer.store(tenant.pk, one)
    took = time.perf_counter() - begun
    with tenant_context(tenant.pk):
        kept = Event.objects.filter(site_id=site.pk).count()
    if kept != batches * HITS:
        raise SystemExit(f"{batches * HITS} hits were given, {kept} are stored")
    return (batches - 1) * HITS / took


def middle(values: list[float]) -> float:
    return statistics.median(values)
