"""A hit that comes again is stored once, whoever sends it again and wherever a drain is stopped."""

import threading
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connections

from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import person, workspace
from tests.tracking.helpers import NOW, device, entry, hit, site_of
from tracking.models import Event, HitId, Site
from tracking.pixel import inbox, inbox_consumer, repeats
from tracking.pixel.hits import Hit

ANNA = "anna@example.com"


def named(what: Hit, event_id: str | None = None) -> Hit:
    return replace(what, id=event_id or uuid.uuid4().hex)


def store(site: Site, *what: Hit, at: float = NOW) -> None:
    inbox_consumer.store(site.tenant_id, [entry(site, one, at=at) for one in what])


def kinds(tenant: Tenant) -> list[str]:
    with tenant_context(tenant.pk):
        return list(Event.objects.order_by("pk").values_list("kind", flat=True))


@pytest.mark.parametrize("later", [False, True], ids=["one batch", "two batches"])
def test_a_hit_that_comes_again_is_stored_once(tenant: Tenant, site: Site, later: bool) -> None:
    on = device()
    one, two = named(hit(on)), named(hit(on, "identify", email=ANNA))
    if later:
        store(site, one, two)
        store(site, one, named(hit(on, "track", name="Signed up")), two)
    else:
        store(site, one, two, one, named(hit(on, "track", name="Signed up")), two)
    assert sorted(kinds(tenant)) == ["identify", "page", "track"]
    assert inbox.drops(tenant_id=tenant.pk, site_id=site.pk) == {"repeated": 2}


def test_hits_without_an_id_are_stored_each_time(tenant: Tenant, site: Site) -> None:
    on = device()
    store(site, hit(on), hit(on))
    assert kinds(tenant) == ["page", "page"]


def test_another_workspace_may_have_the_same_id(tenant: Tenant, site: Site) -> None:
    other = workspace(person("Charlie"))
    one = named(hit(device()))
    store(site, one)
    store(site_of(other), one)
    assert (kinds(tenant), kinds(other)) == (["page"], ["page"])


def test_a_hit_that_could_not_be_stored_is_not_remembered_by_those_beside_it(tenant: Tenant, site: Site) -> None:
    good, bad = named(hit(device())), named(hit(device(), name="\x00"))
    store(site, good, bad, good)
    assert kinds(tenant) == ["page"]
    assert inbox.drops(tenant_id=tenant.pk, site_id=site.pk) == {"repeated": 1, "not_storable": 1}


def test_a_crash_in_the_transaction_forgets_the_ids(
    tenant: Tenant, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_args: object) -> None:
        raise OperationalError("server closed the connection")

    one = named(hit(device()))
    with monkeypatch.context() as patch:
        patch.setattr("tracking.queries.touch_visitors", crash)
        with pytest.raises(OperationalError):
            store(site, one)
    store(site, one)
    assert kinds(tenant) == ["page"]


def test_two_drains_that_get_the_same_hits_store_each_once(tenant: Tenant, site: Site) -> None:
    """Both read before one has taken out: as after a retry of the sender, the IDs are in different entries, too."""
    hits = [named(hit(device())) for _ in range(50)]
    batches = [[entry(site, one) for one in hits] for _ in range(4)]
    start = threading.Barrier(4)
    problems: list[Exception] = []

    def run(entries: Sequence[inbox.Entry]) -> None:
        start.wait(10)
        try:
            inbox_consumer.store(tenant.pk, entries)
        except Exception as problem:
            problems.append(problem)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(entries,)) for entries in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert kinds(tenant) == ["page"] * 50


def test_ids_are_forgotten_after_their_time(tenant: Tenant) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    old = now - repeats.KEPT_FOR - timedelta(seconds=1)
    with tenant_context(tenant.pk):
        HitId.objects.bulk_create(
            HitId(tenant_id=tenant.pk, hit=uuid.uuid4(), at=at) for at in (old, old, old, now - timedelta(days=2))
        )
        assert [repeats.purge(now=now, most=2) for _ in range(3)] == [2, 1, 0]
        assert HitId.objects.count() == 1
