"""Hits against the web server, as browsers send them, and how fast the inbox is emptied."""

import multiprocessing
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.load import PROCESSES, hammer
from benchmarks.stack import Stack, peak
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tracking.models import Event, Site
from tracking.pixel import inbox
from tracking.pixel.sites import new_key

DRAIN_LIMIT_SECONDS = 120.0


@dataclass
class Load:
    """What a time of load gave. `median` and `p95` are of one answer, with all connections busy."""

    hits: int
    refused: int
    seconds: float
    median: float
    p95: float

    @property
    def speed(self) -> float:
        return self.hits / self.seconds


def site(tenant: Tenant) -> Site:
    with tenant_context(tenant.pk):
        created: Site = Site.objects.create(name="bench.example", key=new_key(tenant.pk))
        return created


def load(url: str, key: str, seconds: float) -> Load:
    """Keep all connections busy for a while, from processes of their own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        results = pool.starmap(hammer, [(url, key, seconds, no) for no in range(PROCESSES)])
    waits = sorted(wait for one in results for wait in one["waits"])
    hits, refused = sum(one["hits"] for one in results), sum(one["refused"] for one in results)
    longest = max(one["seconds"] for one in results)
    return Load(hits, refused, longest, waits[len(waits) // 2], waits[int(len(waits) * 0.95)])


def measure(stack: Stack, tenant: Tenant, seconds: float) -> dict[str, Any]:
    """Hits accepted with the consumer at work; then what the consumer does alone with a full inbox."""
    target = site(tenant)
    with peak(lambda: [stack.consumer()]) as memory:
        together = load(stack.info["url"], target.key, seconds)
        drained(stack)
        consumer = stack.consumer()
        consumer.suspend()
        try:
            alone = load(stack.info["url"], target.key, seconds)
            waiting = inbox.waiting()
        finally:
            consumer.resume()
        drain = waiting / drained(stack)
    with tenant_context(tenant.pk):
        kept = Event.objects.filter(site_id=target.pk).count()
    if kept != together.hits + alone.hits:
        raise SystemExit(f"{together.hits + alone.hits} hits were acknowledged, {kept} are stored")
    return {"together": together, "alone": alone, "drain": drain, "kept": kept, "memory": memory.most}


def drained(_stack: Stack) -> float:
    """Wait until the inbox is empty; returns the seconds that took."""
    begun = time.perf_counter()
    while inbox.waiting():
        if time.perf_counter() - begun > DRAIN_LIMIT_SECONDS:
            raise SystemExit("The inbox was not emptied in time.")
        time.sleep(0.01)
    return time.perf_counter() - begun
