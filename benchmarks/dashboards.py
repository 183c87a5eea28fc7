"""Dashboards at scale: visitors and events as benchmarks.visitors makes them, counted once, and the parts of the pages."""

import time

from django.test import Client
from django.utils import timezone

from benchmarks import visitors
from benchmarks.imports import owner
from benchmarks.operations import statements
from benchmarks.pages import at
from insights.dashboards import contact_counts
from insights.dashboards.views import PAGES
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tracking import tally_queue, tally_rebuild
from tracking.models import Event, Visitor
from tracking.tallies import recount
from tracking.tally_models import StepTally, VisitTally

PERIODS = ("", "?days=90", "?days=365")
BATCH = 2_500


def fill(owner_url: str, tenant: Tenant, people: int) -> dict[str, float]:
    """Visitors with events, and half as many contacts again; then the seconds that making all tallies and counting all
    contacts take."""
    visitors.fill(owner_url, tenant, people)
    visitors.add_contacts(owner_url, tenant, people // 2)
    begun = time.perf_counter()
    tally_rebuild.rebuild(tenant.pk, now=timezone.now())
    made = time.perf_counter()
    contact_counts.count(tenant.pk, now=timezone.now())
    return {"tallies": made - begun, "contacts": time.perf_counter() - made}


def rows(tenant: Tenant) -> tuple[int, int]:
    """How many rows the tallies of visits and of steps have."""
    with tenant_context(tenant.pk):
        return VisitTally.objects.count(), StepTally.objects.count()


def batch(tenant: Tenant) -> tuple[float, float]:
    """Seconds that queueing a batch of hits takes, which storing them waits for, and those of counting it later; no figure
    is changed by it."""
    with tenant_context(tenant.pk):
        latest = Visitor.objects.order_by("-last_seen").values_list("pk", flat=True)[:BATCH]
        moments = list(
            Event.objects.filter(visitor_id__in=list(latest)).order_by("-at").values_list("visitor_id", "at")[:BATCH]
        )
        begun = time.perf_counter()
        tally_queue.add(moments)
        queued = time.perf_counter()
        recount(tally_queue.take(BATCH * 2), alone=True)
        return queued - begun, time.perf_counter() - queued


def measure(tenant: Tenant, times: int) -> list[tuple[str, float, float, int]]:
    """(what, median, 95th percentile, statements) of each part in each period, times in seconds; the first request of each
    warms up."""
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(owner())
    results = []
    for name, (label, parts, _by_site) in PAGES.items():
        paths = [(f"{label}, the page", "dashboard/" if name == "audience" else f"dashboard/{name}/")]
        paths += [(f"{label}: {part.title}", f"dashboard/{name}/{part.key}/") for part in parts]
        for what, path in paths:
            for period in PERIODS:
                url = f"/w/{tenant.slug}/{path}{period}"
                _ask(client, url)
                waits = sorted(_ask(client, url) for _ in range(times))
                words = f"{what}, {period.removeprefix('?days=') or '28'} days"
                results.append((words, waits[len(waits) // 2], at(waits, 0.95), statements(client, url)))
    return sorted(results, key=lambda row: -row[2])


def _ask(client: Client, url: str) -> float:
    begun = time.perf_counter()
    answer = client.get(url, headers={"HX-Request": "true"})
    assert answer.status_code == 200, (url, answer.status_code)
    return time.perf_counter() - begun
