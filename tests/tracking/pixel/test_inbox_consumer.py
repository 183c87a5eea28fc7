"""From the inbox into the tables, on the real servers: visitors, events, and whom they turn out to be."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connections
from django.utils import timezone

from contacts import write_lock
from contacts.models import Contact
from core import exact_json
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import person, workspace
from tests.tracking.helpers import AGENT, NOW, contact, device, entry, hit, site_of, stored, visitor, visitors
from tracking.management.commands import drain_inbox
from tracking.models import Event, Site, VisitorIdentifier
from tracking.pixel import hits, inbox, inbox_consumer

ANNA, BOB = "anna@example.com", "bob@example.com"
PHONE = "+442079460958"


def events(tenant: Tenant) -> list[Event]:
    with tenant_context(tenant.pk):
        return list(Event.objects.order_by("at", "pk"))


def test_hits_become_visitors_and_events(tenant: Tenant, site: Site) -> None:
    one, two = device(), device()
    stored(site, hit(one), hit(one, "track", name="Signed up"), hit(two))
    stored(site, hit(one), at=NOW + 3600)
    assert [(v.views, v.visits, v.generation, v.contact_id) for v in (visitor(tenant, one), visitor(tenant, two))] == [
        (2, 2, 0, None),
        (1, 1, 0, None),
    ]
    found = events(tenant)
    assert [e.kind for e in found] == ["page", "track", "page", "page"]
    assert (found[1].name, found[1].url, found[1].title) == ("Signed up", "https://shop.example/", "Shop")
    assert found[3].visitor_id == visitor(tenant, one).pk
    assert visitor(tenant, one).last_seen - visitor(tenant, one).first_seen == timedelta(hours=1)
    with tenant_context(tenant.pk):
        assert Site.objects.get(pk=site.pk).last_hit_at is not None


def test_somebody_else_on_one_device_is_a_new_visitor_also_in_a_later_batch(tenant: Tenant, site: Site) -> None:
    on = device()
    stored(site, hit(on), hit(on, "identify", email=ANNA))
    stored(site, hit(on), hit(on, "identify", email=BOB), hit(on))
    stored(site, hit(on))
    assert [(v.generation, v.views) for v in visitors(tenant)] == [(0, 2), (1, 2)]
    with tenant_context(tenant.pk):
        used = {(i.value, i.visitor_id) for i in VisitorIdentifier.objects.all()}
    assert used == {(ANNA, visitor(tenant, on).pk), (BOB, visitor(tenant, on, 1).pk)}


def test_an_identification_meets_the_contact_that_exists(tenant: Tenant, site: Site) -> None:
    anna, on = contact(tenant, email=ANNA), device()
    stored(site, hit(on), hit(on, "identify", email="Anna@Example.com"))
    found = visitor(tenant, on)
    assert (found.contact_id, found.matched_by, found.page) == (anna, "email", "https://shop.example/")
    assert found.import_id is None
    assert found.claimed_at is not None


def test_deleted_contacts_are_not_met(tenant: Tenant, site: Site) -> None:
    contact(tenant, email=ANNA, deleted_at=timezone.now())
    on = device()
    stored(site, hit(on, "identify", email=ANNA))
    assert visitor(tenant, on).contact_id is None


@pytest.mark.parametrize("known_by", [{"external_id": "C-1"}, {"email": ANNA}])
def test_a_claimed_visitor_never_changes_hands(tenant: Tenant, site: Site, known_by: dict[str, str]) -> None:
    anna, bob = contact(tenant, **known_by), contact(tenant, email=BOB)
    on = device()
    stored(site, hit(on, "identify", **known_by), hit(on))
    stored(site, hit(on, "identify", email=BOB), hit(on))
    assert [(v.contact_id, v.views) for v in visitors(tenant)] == [(anna, 1), (bob, 1)]


def test_identifiers_never_change_a_contact(tenant: Tenant, site: Site) -> None:
    anna = contact(tenant, email=ANNA)
    stored(site, hit(device(), "identify", email=ANNA, phone=PHONE, external_id="C-1"))
    with tenant_context(tenant.pk):
        found = Contact.objects.get(pk=anna)
    assert (found.phone, found.external_id) == (None, None)


def test_the_same_batch_twice_is_stored_once(tenant: Tenant, site: Site) -> None:
    entries = stored(site, hit(device()), hit(device(), "identify", email=ANNA))
    inbox_consumer.store(tenant.pk, entries)
    inbox_consumer.store(tenant.pk, entries[1:])
    assert len(events(tenant)) == 2
    assert [v.views + v.visits for v in sorted(visitors(tenant), key=lambda v: v.views)] == [1, 2]


def push(site: Site, *what: Any) -> None:
    for one in what:
        inbox.push(one, tenant_id=site.tenant_id, site_id=site.pk)


@pytest.mark.usefixtures("empty_inbox")
def test_a_crash_between_storing_and_taking_out_doubles_nothing(
    tenant: Tenant, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_ids: list[str]) -> None:
        raise KeyboardInterrupt

    push(site, hit(device()), hit(device()))
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "remove", crash)
        with pytest.raises(KeyboardInterrupt):
            inbox_consumer.drain()
    push(site, hit(device()))
    assert inbox.waiting() == 3
    assert inbox_consumer.drain() == 3
    assert (inbox.waiting(), len(events(tenant))) == (0, 3)


@pytest.mark.usefixtures("empty_inbox")
def test_a_crash_while_storing_loses_nothing(tenant: Tenant, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_args: Any) -> None:
        raise OperationalError("server closed the connection")

    push(site, hit(device()))
    with monkeypatch.context() as patch:
        patch.setattr("tracking.queries.touch_visitors", crash)
        with pytest.raises(OperationalError):
            inbox_consumer.drain()
    assert (inbox.waiting(), events(tenant), visitors(tenant)) == (1, [], [])
    assert inbox_consumer.drain() == 1
    assert len(events(tenant)) == 1


@pytest.mark.usefixtures("empty_inbox")
def test_a_hit_that_cannot_be_stored_is_dropped_alone(tenant: Tenant, site: Site) -> None:
    bad = hit(device(), name="\x00")  # parse would not have let it through
    push(site, hit(device()), hit(device()), bad, hit(device()), hit(device()))
    assert inbox_consumer.drain() == 5
    assert (len(events(tenant)), inbox.waiting()) == (4, 0)
    assert inbox.drops(tenant_id=tenant.pk, site_id=site.pk) == {"not_storable": 1}


@pytest.mark.usefixtures("empty_inbox")
def test_workspaces_of_one_batch_are_kept_apart(tenant: Tenant, site: Site) -> None:
    other = workspace(person("Charlie"))
    foreign, on = site_of(other), device()
    anna = contact(tenant, email=ANNA)
    push(site, hit(on), hit(on, "identify", email=ANNA))
    push(foreign, hit(on, "identify", email=ANNA))
    push(site, hit(on))
    assert inbox_consumer.drain() == 4
    assert [(v.contact_id, v.views) for v in visitors(tenant)] == [(anna, 2)]
    assert [(v.contact_id, v.views) for v in visitors(other)] == [(None, 0)]
    assert (len(events(tenant)), len(events(other))) == (3, 1)


@pytest.mark.usefixtures("empty_inbox")
def test_a_busy_workspace_does_not_hold_up_the_others(tenant: Tenant, site: Site) -> None:
    other = workspace(person("Charlie"))
    push(site, hit(device(), "identify", email=ANNA))
    push(site_of(other), hit(device()))
    held, over = threading.Event(), threading.Event()

    def resolve_for_long() -> None:
        with tenant_context(tenant.pk):
            write_lock.lock()
            held.set()
            over.wait(20)
        connections.close_all()

    (thread := threading.Thread(target=resolve_for_long)).start()
    held.wait(10)
    try:
        assert inbox_consumer.drain() == 1
        with pytest.raises(OperationalError):
            inbox_consumer.drain()
    finally:
        over.set()
        thread.join()
    assert (len(events(other)), len(events(tenant)), inbox.waiting()) == (1, 0, 1)
    assert inbox_consumer.drain() == 1
    assert len(events(tenant)) == 1


@pytest.mark.usefixtures("empty_inbox")
def test_hits_of_a_workspace_that_is_gone_are_dropped(site: Site) -> None:
    site.tenant_id = 10**12
    push(site, hit(device()))
    assert inbox_consumer.drain() == 1
    assert inbox.waiting() == 0


def test_late_hits_of_a_visit_do_not_move_its_times_back(tenant: Tenant, site: Site) -> None:
    on = device()
    inbox_consumer.store(tenant.pk, [entry(site, hit(on), at=NOW + 60), entry(site, hit(on), at=NOW)])
    found = visitor(tenant, on)
    assert (found.visits, found.views) == (1, 2)
    assert (found.last_seen - found.first_seen).total_seconds() == 60


@pytest.mark.usefixtures("empty_inbox")
@pytest.mark.parametrize("number", ["12.10", "12345678901234567890.12", "12345678901234567890123", "0.10", "7"])
def test_numbers_keep_their_digits(tenant: Tenant, site: Site, number: str) -> None:
    body = f'{{"device": "{device()}", "kind": "track", "name": "Paid", "properties": {{"sum": [{number}]}}}}'
    push(site, hits.parse(body.encode(), agent=AGENT, opted_out=False))
    assert inbox_consumer.drain() == 1
    assert exact_json.dumps(events(tenant)[0].properties["sum"]) == f"[{number}]"


def test_few_hits_are_followed_by_a_wait_for_more_and_many_by_none() -> None:
    found = [drain_inbox.pause_after(taken) for taken in (None, 0, 1, 499, 500, 5_000)]
    assert found == [1.0, 0.2, 1.0, 1.0, 0.0, 0.0]


@pytest.mark.usefixtures("empty_inbox")
def test_the_command_empties_the_inbox_without_a_wait_for_more(
    tenant: Tenant, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(site, hit(device()))
    monkeypatch.setattr("signal.signal", lambda *_given: None)  # the handlers of the tests stay
    monkeypatch.setattr(drain_inbox, "GATHER_SECONDS", 3_600.0)
    call_command("drain_inbox", until_empty=True)
    assert (len(events(tenant)), inbox.waiting()) == (1, 0)
