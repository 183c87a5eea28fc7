"""How long pages were seen: what the pixel reports, and what is worked out where it reports nothing (docs/visitors.md)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.tracking.helpers import NOW, device, hit, site_of, stored, visitor
from tracking.models import Site
from tracking.pixel.hits import Hit
from tracking.pixel.visitor_resolution import VISIT_GAP_SECONDS, seconds_of


@pytest.fixture
def site(tenant: Tenant) -> Site:
    return site_of(tenant)


def seen_for(on: str, seconds: Any) -> Hit:
    return replace(hit(on, "time"), properties={"seconds": seconds})


@pytest.mark.parametrize(
    ("seconds", "counted"),
    [
        (0, 0), (42, 42), (1.5, 1.5), (Decimal("7.25"), 7.25), (1800, 1800),
        (1801, 1800), (86_400, 1800), (Decimal("1800.5"), 1800),
        (-1, 0), (float("nan"), 0), (float("inf"), 0), (True, 0), ("42", 0), (None, 0), ([42], 0),
    ],
)  # fmt: skip
def test_what_counts_as_seconds(seconds: Any, counted: float) -> None:
    assert seconds_of({"seconds": seconds}) == counted


def test_reported_time_is_summed(tenant: Tenant, site: Site) -> None:
    on = device()
    stored(site, hit(on), seen_for(on, 12))
    stored(site, seen_for(on, 30), seen_for(on, "x"), at=NOW + 100)
    assert (visitor(tenant, on).seconds, visitor(tenant, on).views, visitor(tenant, on).visits) == (42, 1, 1)


def test_without_reports_the_time_between_hits_of_a_visit_counts(tenant: Tenant, site: Site) -> None:
    on = device()
    for at in (0, 60, 90, 90 + VISIT_GAP_SECONDS + 1):  # the last one begins another visit
        stored(site, hit(on), at=NOW + at)
    assert (visitor(tenant, on).seconds, visitor(tenant, on).visits, visitor(tenant, on).timed) == (90, 2, False)


def test_what_is_reported_replaces_what_was_worked_out(tenant: Tenant, site: Site) -> None:
    on = device()
    stored(site, hit(on))
    stored(site, hit(on), at=NOW + 600)
    stored(site, seen_for(on, 25), at=NOW + 610)
    stored(site, hit(on), at=NOW + 1_200)
    assert (visitor(tenant, on).seconds, visitor(tenant, on).timed) == (25, True)


def test_a_report_that_comes_late_is_no_visit(tenant: Tenant, site: Site) -> None:
    """A browser that was left open tells of its last page hours later."""
    on = device()
    stored(site, hit(on))
    stored(site, seen_for(on, 10), at=NOW + 10 * VISIT_GAP_SECONDS)
    assert visitor(tenant, on).visits == 1


def test_hours_are_those_of_the_workspace(tenant: Tenant, site: Site) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(time_zone="Asia/Kolkata")  # five and a half hours ahead
    on = device()
    stored(site, hit(on), at=NOW)  # 20:26 UTC
    stored(site, hit(on), at=NOW + 3 * 3600)
    with tenant_context(tenant.pk):
        hours = visitor(tenant, on).hours
    assert [hour for hour in range(24) if hours >> hour & 1] == [1, 4]
