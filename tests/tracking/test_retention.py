"""What a site keeps for a time only is removed, and nothing else is."""

from datetime import UTC, datetime, timedelta

import pytest

from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import person, workspace
from tests.tracking.helpers import contact, device, hit, site_of, stored, visitors
from tracking import retention
from tracking.models import Event, Site, VisitorIdentifier

NOW = datetime(2026, 9, 1, tzinfo=UTC)
OLD, RECENT = (NOW - timedelta(days=40)).timestamp(), (NOW - timedelta(days=20)).timestamp()
ANNA, BOB = "anna@example.com", "bob@example.com"


def kept_for(site: Site, days: int | None) -> Site:
    with tenant_context(site.tenant_id):
        Site.objects.filter(pk=site.pk).update(retention_days=days)
    return site


def events(tenant: Tenant) -> int:
    with tenant_context(tenant.pk):
        return int(Event.objects.count())


@pytest.mark.parametrize("batch", [1, 2, 5_000])
def test_old_events_and_unclaimed_visitors_go(tenant: Tenant, batch: int) -> None:
    site, other = kept_for(site_of(tenant), 30), site_of(tenant)
    anna = contact(tenant, email=ANNA)
    gone, claimed, back, elsewhere = device(), device(), device(), device()
    stored(site, hit(gone), hit(gone, "identify", email=BOB), hit(claimed, "identify", email=ANNA), hit(back), at=OLD)
    stored(other, hit(elsewhere), at=OLD)
    stored(site, hit(back), hit(claimed), at=RECENT)
    stored(site, *(hit(device()) for _ in range(5)), at=OLD)
    removed = retention.tidy(tenant.pk, now=NOW, batch=batch)
    assert removed == {"events": 9, "visitors": 6}
    assert {(str(v.device), v.contact_id) for v in visitors(tenant)} == {
        (claimed, anna),
        (back, None),
        (elsewhere, None),
    }
    assert events(tenant) == 3
    with tenant_context(tenant.pk):
        assert list(VisitorIdentifier.objects.values_list("value", flat=True)) == [ANNA]
    assert retention.tidy(tenant.pk, now=NOW, batch=batch) == {}


def test_without_a_limit_nothing_goes(tenant: Tenant) -> None:
    stored(kept_for(site_of(tenant), None), hit(device()), at=OLD)
    assert retention.tidy(tenant.pk, now=NOW) == {}
    assert (events(tenant), len(visitors(tenant))) == (1, 1)


def test_the_second_person_of_a_device_leaves_a_trace(tenant: Tenant) -> None:
    """Otherwise the device would be that of the first one again."""
    site, on = kept_for(site_of(tenant), 30), device()
    anna = contact(tenant, email=ANNA)
    stored(site, hit(on, "identify", email=ANNA), at=OLD)
    stored(site, hit(on, "identify", email=BOB), at=OLD)
    retention.tidy(tenant.pk, now=NOW)
    stored(site, hit(on), at=RECENT)
    assert [(v.contact_id, v.views) for v in visitors(tenant)] == [(anna, 0), (None, 1)]


def test_a_failure_in_one_workspace_does_not_stop_the_others(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = workspace(person("Charlie"))
    seen: list[int] = []

    def fail(tenant_id: int, **_options: object) -> dict[str, int]:
        seen.append(tenant_id)
        raise RuntimeError("no")

    monkeypatch.setattr(retention, "tidy", fail)
    retention.run_for_all_workspaces()
    assert {tenant.pk, other.pk} <= set(seen)
    assert f"workspace {tenant.pk}" in caplog.text
