"""Acceptance of identity: eight clients identify the same hundred people in random order, fifty rounds, beside imports of
those people. No event is lost, no visitor is tied to somebody else, no contact is there twice.

The clients put their hits into the inbox, two drains at once store them, and an import of all people runs beside, each with
connections of its own. `CDP_RACE_ROUNDS=50 pytest -m long` does all rounds; the usual suite does some.
"""

import os
import random
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connections

from contacts.models import Contact
from imports.models import Import, Status
from sources.ambiguities import sweep
from sources.models import Ambiguity
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.imports.helpers import bring
from tests.tracking.helpers import hit, site_of
from tracking.models import Event, Site, Visitor
from tracking.pixel import inbox, inbox_consumer

pytestmark = pytest.mark.long
CLIENTS, PEOPLE = 8, 100
ROUNDS = int(os.environ.get("CDP_RACE_ROUNDS", "3"))
SECONDS = 600


def names_of(person: int, draw: random.Random) -> dict[str, str]:
    """What a person calls itself this time: one of its identifiers, or all."""
    everything = {
        "external_id": f"C-{person}", "email": f"person{person}@example.com", "phone": f"+4479111{person:05d}",
    }  # fmt: skip
    kind = draw.choice([*everything, "all"])
    return everything if kind == "all" else {kind: everything[kind]}


def rows(change: int) -> str:
    lines = [f"C-{n},person{n}@example.com,+4479111{n:05d},Name {change}" for n in range(PEOPLE)]
    return "\n".join(["external_id,email,phone,first_name", *lines]) + "\n"


def device_of(site: Site, client: int, person: int) -> str:
    """The browser in which a client is a person."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{site.tenant_id}.{site.pk}.{client}.{person}"))


def together(works: list[Callable[[], Any]]) -> None:
    """Run all at the same time; the first failure is raised."""

    def closed(work: Callable[[], Any]) -> None:
        try:
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(closed, work) for work in works]:
            done.result(timeout=SECONDS)


@dataclass
class Race:
    """What happens at the same time in a round."""

    tenant: Tenant
    site: Site
    pushed: threading.Event = field(default_factory=threading.Event)
    until: float = field(default_factory=lambda: time.monotonic() + SECONDS)

    def round(self, turn: int) -> None:
        self.pushed.clear()
        together([lambda: self.clients(turn), lambda: self.imports(turn), self.drain, self.drain])

    def clients(self, turn: int) -> None:
        together([partial(self.client, number, turn) for number in range(CLIENTS)])
        self.pushed.set()

    def client(self, number: int, turn: int) -> None:
        draw = random.Random(1_000 * turn + number)
        for person in draw.sample(range(PEOPLE), PEOPLE):
            what = hit(device_of(self.site, number, person), "identify", **names_of(person, draw))
            inbox.push(what, tenant_id=self.tenant.pk, site_id=self.site.pk)

    def drain(self) -> None:
        while not (self.pushed.is_set() and not inbox.waiting()):
            assert time.monotonic() < self.until
            try:
                inbox_consumer.drain(200)
            except OperationalError:  # an import writes: the hits stay in the inbox, and are read again
                continue

    def imports(self, turn: int) -> None:
        assert bring(self.tenant, rows(turn)).status == Status.IMPORTED
        sweep.run(self.tenant.pk)


def test_eight_clients_identify_a_hundred_people_beside_imports(tenant: Tenant) -> None:
    race = Race(tenant, site_of(tenant))
    for turn in range(ROUNDS):
        race.round(turn)
    sweep.run(tenant.pk)
    with tenant_context(tenant.pk):
        assert Import.objects.filter(status=Status.IMPORTED).count() == ROUNDS
        assert Event.objects.count() == ROUNDS * CLIENTS * PEOPLE, "no event is lost, none is stored twice"
        assert Contact.objects.living().count() == PEOPLE, "no contact is there twice"
        whose = {c.pk: int(str(c.external_id)[2:]) for c in Contact.objects.all()}
        found = {(str(v.device), whose.get(v.contact_id or 0)) for v in Visitor.objects.all()}
        expected = {(device_of(race.site, n, person), person) for n in range(CLIENTS) for person in range(PEOPLE)}
        assert found == expected, "each visitor is the person that it has called itself"
        assert not Ambiguity.objects.filter(state="open").exists()
    assert inbox.drops(tenant_id=tenant.pk, site_id=race.site.pk) == {}
