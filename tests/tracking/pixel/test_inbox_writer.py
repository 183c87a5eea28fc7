"""Many hits with one write: nothing is acknowledged before it is kept, and nothing is kept twice."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.conf import settings

from core import broker
from tenants.models import Tenant
from tests.cast import person, workspace
from tests.tracking.helpers import device, hit, site_of
from tracking.models import Event, Site
from tracking.pixel import inbox, inbox_consumer
from tracking.pixel.hits import Hit
from tracking.pixel.inbox_writer import InboxWriter


@pytest.fixture
def site(tenant: Tenant) -> Site:
    return site_of(tenant)


@pytest.fixture(autouse=True)
def empty_inbox() -> Iterator[None]:
    inbox.remove([e.id for e in inbox.read(100_000)])
    yield
    inbox.remove([e.id for e in inbox.read(100_000)])
    assert inbox.waiting() == 0


def send(*what: tuple[Site, Hit]) -> list[BaseException | None]:
    """Push all at the same time; what each came to."""

    async def run() -> list[Any]:
        writer = InboxWriter()
        asked = [writer.keep([one], tenant_id=site.tenant_id, site_id=site.pk) for site, one in what]
        try:
            return await asyncio.gather(*asked, return_exceptions=True)
        finally:
            await writer.close()

    return asyncio.run(run())


def entries_in_stream() -> int:
    return int(broker.broker().xlen(inbox.STREAM))


def stored(tenant: Tenant) -> int:
    from tenants.isolation.context import tenant_context

    with tenant_context(tenant.pk):
        return int(Event.objects.count())


def test_hits_that_come_together_are_one_entry(site: Site) -> None:
    devices = [device() for _ in range(50)]
    assert send(*((site, hit(on)) for on in devices)) == [None] * 50
    assert [e.hit.device for e in inbox.read(1000)] == devices
    assert (entries_in_stream(), inbox.waiting()) == (1, 50)


def test_an_entry_has_a_most_and_belongs_to_one_workspace(site: Site) -> None:
    foreign = site_of(workspace(person("Charlie")))
    count = 2 * inbox.MOST_IN_ENTRY + 1
    assert set(send(*(((site, foreign)[n % 2], hit(device())) for n in range(2 * count)))) == {None}
    assert (entries_in_stream(), inbox.waiting()) == (6, 2 * count)
    assert len({e.id for e in inbox.read(10_000)}) == 2 * count


def test_numbers_keep_their_digits_in_an_entry_of_several(site: Site) -> None:
    exact = Hit(device(), "order", None, None, None, None, {"amount": Decimal("12.10")}, {})
    send((site, hit(device())), (site, exact))
    assert inbox.read(10)[1].hit.properties == {"amount": Decimal("12.10")}


def test_a_client_that_leaves_takes_nobodys_hit_along(site: Site) -> None:
    async def run() -> None:
        writer = InboxWriter()
        tasks = [
            asyncio.create_task(writer.keep([hit(device())], tenant_id=site.tenant_id, site_id=site.pk))
            for _ in range(5)
        ]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.gather(*tasks[1:])
        await writer.close()

    asyncio.run(run())
    assert inbox.waiting() == 5


def test_without_the_broker_every_hit_of_the_write_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    came = send(*((site, hit(device())) for _ in range(5)))
    assert len(came) == 5
    assert all(isinstance(problem, redis.RedisError) for problem in came)


def test_after_a_refused_write_the_next_one_is_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    write, times = InboxWriter._write, iter((True, False))

    async def fail_once(self: InboxWriter, *what: Any) -> None:
        if next(times):
            raise redis.ConnectionError("restarting")
        await write(self, *what)

    monkeypatch.setattr(InboxWriter, "_write", fail_once)

    async def run() -> list[Any]:
        writer = InboxWriter()
        whose: Any = {"tenant_id": site.tenant_id, "site_id": site.pk}
        first = await asyncio.gather(writer.keep([hit(device())], **whose), return_exceptions=True)
        second = await asyncio.gather(writer.keep([hit(device())], **whose), return_exceptions=True)
        await writer.close()
        return [*first, *second]

    first, second = asyncio.run(run())
    assert isinstance(first, redis.ConnectionError)
    assert second is None
    assert inbox.waiting() == 1


def test_drops_are_counted_with_the_write(site: Site) -> None:
    async def run() -> None:
        writer = InboxWriter()
        whose: Any = {"tenant_id": site.tenant_id, "site_id": site.pk}
        await asyncio.gather(*(writer.keep([], ["bot"], **whose) for _ in range(3)), writer.keep([], ["host"], **whose))
        await writer.close()

    asyncio.run(run())
    assert inbox.drops(tenant_id=site.tenant_id, site_id=site.pk) == {"bot": 3, "host": 1}
    assert entries_in_stream() == 0


def test_a_bad_hit_in_the_middle_of_an_entry_is_dropped_alone(tenant: Tenant, site: Site) -> None:
    bad = hit(device(), name="\x00")
    send(*((site, one) for one in (hit(device()), hit(device()), bad, hit(device()))))
    assert entries_in_stream() == 1
    assert inbox_consumer.drain() == 4
    assert (stored(tenant), inbox.waiting()) == (3, 0)


@pytest.mark.parametrize("stop", range(6))
def test_stopped_in_the_middle_of_an_entry_the_rest_is_stored_once(tenant: Tenant, site: Site, stop: int) -> None:
    send(*((site, hit(device())) for _ in range(5)))
    entries = inbox.read(100)
    if stop:
        inbox_consumer.store(tenant.pk, entries[:stop])
    assert inbox_consumer.drain() == 5
    assert (stored(tenant), inbox.waiting()) == (5, 0)


def test_taken_out_by_two_at_once_counts_once(site: Site) -> None:
    send(*((site, hit(device())) for _ in range(5)))
    send((site, hit(device())))
    places = [e.id for e in inbox.read(100)]
    inbox.remove(places[:5])
    inbox.remove(places[:5])
    assert inbox.waiting() == 1


def test_entries_of_before_are_read_and_taken_out(tenant: Tenant, site: Site) -> None:
    one = hit(device())
    body = inbox.encode(one, tenant_id=site.tenant_id, site_id=site.pk, at=1_780_000_000.5)
    broker.broker().xadd(inbox.STREAM, {b"h": body})
    [entry] = inbox.read(10)
    assert (entry.hit, entry.at, entry.tenant_id) == (one, 1_780_000_000.5, site.tenant_id)
    assert inbox_consumer.drain() == 1
    assert (stored(tenant), entries_in_stream(), inbox.waiting()) == (1, 0, 0)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("0-0", "1-0-0"), ("5-1-3", "5-1-4"), ("5-1", "5-2-0"), ("5-1-199", "5-1"), ("5-9-0", "6-0-0"), ("9-0", "10-0-0")],
)
def test_places_compare(earlier: str, later: str) -> None:
    assert inbox.order(earlier) < inbox.order(later)
