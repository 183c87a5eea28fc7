"""What pages say of a span of days is what a count from scratch says."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from insights.dashboards import traffic
from insights.dashboards.date_range import DateRange
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.tracking import tally_oracle
from tests.tracking.helpers import contact, device, hit, site_of, stored
from tests.tracking.test_tallies import at, order, page, signed_order
from tracking import tally_upkeep

SPANS = [DateRange(date(2026, 8, a), date(2026, 8, b)) for a, b in ((1, 28), (5, 5), (10, 16), (20, 26), (2, 3))]


@pytest.fixture
def busy(tenant: Tenant) -> Tenant:
    """Visitors who come back after days of different length, on two sites."""
    sites, devices = [site_of(tenant), site_of(tenant)], [device() for _ in range(6)]
    for place, on in enumerate(devices):
        for day in range(1 + place, 28, 2 * place + 3):
            acts = [page(on, utm_source=f"s{day % 3}"), hit(on, "track", name="Product viewed")]
            acts += [order(on, Decimal("1.25") * place)] if day % 4 == 0 else []
            acts += [signed_order(on)] if day % 5 == 0 else []
            stored(sites[place % 2], *acts, at=at(day, place))
    tally_upkeep.catch_up(tenant.pk)
    return tenant


@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize("span", SPANS, ids=lambda span: span.words)
def test_spans(busy: Tenant, span: DateRange, settled: bool) -> None:
    if settled:
        tally_upkeep.settle(busy.pk, now=datetime.now(UTC))
    with tenant_context(busy.pk):
        truth = tally_oracle.count(busy)
        for site in (None, *sorted(set(truth.sites.values()))):
            visits = traffic.visits(span, site)
            for step, told in enumerate(visits.steps):
                assert told.now == truth.visitors(span.first, span.last, step=step, site=site)
                assert told.before == truth.visitors(span.before.first, span.before.last, step=step, site=site)
        assert visits.views(span) <= traffic.visits(span, None).views(span)
        told = traffic.visits(span, None).new
        assert told.now == truth.new(span.first, span.last)
        assert told.before == truth.new(span.before.first, span.before.last)
        origins = {(o.source, o.medium, o.campaign): o.visitors.now for o in traffic.origins(span, None)}
        assert origins == dict(truth.origins(span.first, span.last))
        for claimed in (False, True):
            orders = traffic.orders(span, None, claimed=claimed)
            counted = [key for key in truth.orders if span.first <= key[0] <= span.last and (claimed or not key[3])]
            assert orders.orders.now == sum(truth.orders[key] for key in counted)
            amount = sum((one.amount for one in orders.revenues), Decimal(0))
            assert amount == sum((truth.amounts[key] for key in counted), Decimal(0))


def test_contacts_recognized_count_once_and_for_the_first_time(tenant: Tenant) -> None:
    site, midnight = site_of(tenant), _midnight
    elsewhere = site_of(tenant)
    contact(tenant, email="ann@example.com")
    for day in (3, 4):
        stored(site, hit(device(), "identify", email="ann@example.com"), at=at(day))
    with tenant_context(tenant.pk):
        found = traffic.collected(DateRange(date(2026, 8, 1), date(2026, 8, 9)), None, midnight=midnight)
        assert (found.now, found.before) == (1, 0)
        found = traffic.collected(DateRange(date(2026, 8, 4), date(2026, 8, 4)), None, midnight=midnight)
        assert (found.now, found.before) == (0, 1)
        span = DateRange(date(2026, 8, 1), date(2026, 8, 9))
        assert traffic.collected(span, site.pk, midnight=midnight).now == 1
        assert traffic.collected(span, elsewhere.pk, midnight=midnight).now == 0


def _midnight(day: date) -> Any:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
