"""Who is on the sites now."""

from datetime import UTC, datetime

import pytest

from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.tracking.helpers import NOW, contact, device, hit, site_of, stored, visitor
from tracking import live_view
from tracking.live_view import LiveView


def live(tenant: Tenant, *, at: float = NOW, site_id: int | None = None, kind: str = "") -> LiveView:
    with tenant_context(tenant.pk):
        return live_view.live(now=datetime.fromtimestamp(at, UTC), site_id=site_id, kind=kind)


@pytest.fixture
def full(tenant: Tenant) -> Tenant:
    """Two sites; on the first one Anna and somebody without a name, on the second one more."""
    contact(tenant, email="anna@example.com", first_name="Anna")
    one, two, anna = site_of(tenant), site_of(tenant), device()
    stored(one, hit(anna), hit(anna, "identify", email="anna@example.com"), at=NOW)
    stored(one, hit(device()), at=NOW - 60)
    stored(two, hit(device()), at=NOW - 1_700)
    stored(two, hit(device()), at=NOW - 1_801)  # has left
    return tenant


def test_the_latest_is_first_and_who_left_is_not_there(full: Tenant) -> None:
    shown = live(full)
    assert (shown.total, shown.known, shown.anonymous, shown.more) == (3, 1, 2, False)
    assert [one.seconds for one in shown.present] == [0, 60, 1_700]
    first = shown.present[0]
    assert first.contact is not None
    assert (first.contact.first_name, first.site) == ("Anna", "shop.example")
    assert first.event is not None
    assert first.event.kind == "identify"


def test_by_site_and_kind(full: Tenant) -> None:
    with tenant_context(full.pk):
        site_ids = sorted({one.visitor.site_id for one in live(full).present})
    assert [len(live(full, site_id=pk).present) for pk in site_ids] == [2, 1]
    assert live(full, site_id=site_ids[1]).total == 1
    assert [one.visitor.contact_id is None for one in live(full, kind="anonymous").present] == [True, True]
    assert len(live(full, kind="known").present) == 1
    assert live(full, kind="known").total == 3, "the figures are of all of them"


def test_counting_stops(full: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_view, "COUNTED", 1)
    assert (live(full).anonymous, live(full).more) == (1, True)


def test_a_clock_that_is_ahead_is_now(full: Tenant) -> None:
    assert live(full, at=NOW - 5).present[0].seconds == 0


def test_a_report_of_seen_time_is_not_what_somebody_does(tenant: Tenant) -> None:
    site, on = site_of(tenant), device()
    stored(site, hit(on))
    stored(site, hit(on, "time"), at=NOW + 1)
    event = live(tenant).present[0].event
    assert event is not None
    assert event.kind == "page"
    assert visitor(tenant, on).visits == 1
