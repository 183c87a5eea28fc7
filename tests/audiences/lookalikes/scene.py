"""Generated people with a known cause of being in a list: whoever looks at boots and has ordered is more likely a member."""

import math
from datetime import datetime, timedelta
from random import Random
from typing import Any

import numpy as np
from django.utils import timezone

from audiences.lookalikes import job, schedule
from audiences.models import Lookalike
from contacts.models import Contact
from segments.models import Member, Segment
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tracking.models import Event, Site

CITIES = ("Riga", "Oslo", "Bergen", "Malmö", "Turku")


class World:
    """Contacts of a workspace, each with the chance to be a member (`chance`), by ID. `cause`: how much boots and orders
    matter; 0 is pure noise. All members entered at `entered`."""

    def __init__(self, tenant: Tenant, *, people: int, cause: float, seed: int = 1, base: float = -2.6) -> None:
        self.tenant, self.draw, self.now = tenant, Random(seed), timezone.now()
        self.entered = self.now - timedelta(days=2)
        with tenant_context(tenant.pk):
            self.site = Site.objects.create(name="shop.example", key=f"x-lookalike-{tenant.pk}")
            self.chance: dict[int, float] = {}
            made = [self._contact(n) for n in range(people)]
            Contact.objects.bulk_create(made)
            events: list[Any] = []
            for contact in made:
                events += self._life(contact, cause, base)
            Event.objects.bulk_create(events, batch_size=5_000)
            self.members = sorted(pk for pk, chance in self.chance.items() if self.draw.random() < chance)
            self.segment: Segment = Segment.objects.create(name="Club")
            Member.objects.bulk_create(
                Member(tenant_id=tenant.pk, segment_id=self.segment.pk, contact_id=pk, added_at=self.entered)
                for pk in self.members
            )

    def _contact(self, n: int) -> Contact:
        return Contact(
            first_name=f"Person {n}", email=f"person{n}@{self.draw.choice(('example.com', 'example.org'))}",
            origin="import", created_at=self.now - timedelta(days=300),
            attributes={"city": self.draw.choice(CITIES), "gender": self.draw.choice(("male", "female"))},
        )  # fmt: skip

    def _life(self, contact: Contact, cause: float, base: float) -> list[Any]:
        boots, tents, orders = (self.draw.choice((0, 0, 0, 1, 2, 4)) for _ in range(3))
        score = base + cause * (1.2 * min(boots, 2) + 0.9 * (orders > 0) - 1.4)
        self.chance[contact.pk] = 1 / (1 + math.exp(-score))
        own = {"tenant_id": self.tenant.pk, "contact_id": contact.pk}
        page = [("/boots", boots), ("/tents", tents)]
        found = [
            Event(kind="page", url=f"https://shop.example{path}/{i}", at=self._ago(25), **own)
            for path, times in page
            for i in range(times)
        ]
        found += [
            Event(kind="order", at=self._ago(300), properties={"amount": 20, "currency": "EUR"}, **own)
            for _ in range(orders)
        ]
        return found

    def _ago(self, days: int) -> datetime:
        return self.entered - timedelta(days=self.draw.uniform(0.1, days))

    def lookalike(self, **more: Any) -> Lookalike:
        """A lookalike of the members, which has not begun."""
        given = {"name": "Like the club", "seed_kind": "segment", "seed_id": self.segment.pk, "size": 10, **more}
        with tenant_context(self.tenant.pk):
            made: Lookalike = Lookalike.objects.create(**given)
        return made

    def work(self, lookalike: Lookalike) -> Lookalike:
        """Begin, and work until it ends."""
        with tenant_context(self.tenant.pk):
            schedule.begin(Lookalike.objects.get(pk=lookalike.pk))
        run(self.tenant, lookalike)
        with tenant_context(self.tenant.pk):
            found: Lookalike = Lookalike.objects.get(pk=lookalike.pk)
        return found

    def best(self, percent: int) -> float:
        """The best lift that anybody who knows the chances could have, among all people."""
        chances = np.sort(np.array(list(self.chance.values())))[::-1]
        opened = max(1, round(len(chances) * percent / 100))
        return float(chances[:opened].sum() / chances.sum() / (percent / 100))


def run(tenant: Tenant, lookalike: Lookalike) -> None:
    """Work on a lookalike until it has ended."""
    for _ in range(200):
        with tenant_context(tenant.pk):
            if not Lookalike.objects.get(pk=lookalike.pk).active:
                return
        job.work(tenant.pk, lookalike.pk)
    raise AssertionError("It did not end.")
