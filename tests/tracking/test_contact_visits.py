"""The row of a contact is what its visitors add up to, whatever has happened to them."""

import random
import threading
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from contacts.duplicates import merge
from contacts.errors import NotAllowed
from contacts.models import Contact, Merge
from contacts.values.columns import IDENTIFIERS
from imports.models import Import, Status
from imports.pipeline import undo
from tenants.isolation.context import tenant_context
from tenants.isolation.statements import run
from tenants.models import Tenant
from tests.imports.helpers import bring, work
from tests.tracking.helpers import NOW, contact, device, hit, site_of, stored, visitor
from tracking import contact_data, contact_visits, quarantine
from tracking.funnel import NAMES as NAMES_OF_STAGES
from tracking.models import ContactVisit, Page, PageVisitor, Quarantine, Site, Visitor

KINDS = ("page", "identify", "track", "order")
NAMES = ("Viewed product", "add_to_cart", "Signed up")


def kept(tenant: Tenant) -> dict[int, dict[str, Any]]:
    """The rows of a workspace, by contact."""
    with tenant_context(tenant.pk):
        rows = ContactVisit.objects.values()
        return {
            row["contact_id"]: {k: sorted(v) if k == "site_ids" else v for k, v in row.items() if k != "tenant_id"}
            for row in rows
        }


def added_up(tenant: Tenant) -> dict[int, dict[str, Any]]:
    """The same, of one visitor after the other."""
    with tenant_context(tenant.pk):
        own: dict[int, list[Visitor]] = {}
        for one in Visitor.objects.exclude(contact_id=None).order_by("claimed_at", "pk"):
            own.setdefault(one.contact_id, []).append(one)
    return {
        contact_id: {
            "contact_id": contact_id,
            "first_seen": min(v.first_seen for v in vs),
            "last_seen": max(v.last_seen for v in vs),
            "views": sum(v.views for v in vs),
            "visits": sum(v.visits for v in vs),
            "seconds": sum(v.seconds for v in vs),
            "stage": max(v.stage for v in vs),
            "hours": sum(1 << hour for hour in range(24) if any(v.hours >> hour & 1 for v in vs)),
            "visitors": len(vs),
            "site_ids": sorted({v.site_id for v in vs}),
            "matched_by": min((v.matched_by for v in vs), key=lambda kind: IDENTIFIERS.index(kind)),
            "matched_at": min(v.claimed_at for v in vs if v.claimed_at),
        }
        for contact_id, vs in own.items()
    }


class Story:
    """Random acts on one workspace with few people, so that they meet again and again."""

    def __init__(self, tenant: Tenant, seed: int) -> None:
        self.tenant, self.rng, self.now = tenant, random.Random(seed), NOW
        self.sites = [site_of(tenant), site_of(tenant)]
        self.devices = [device() for _ in range(6)]
        self.imports: list[Import] = []
        self.most = 0  # rows that there were at once

    def person(self) -> dict[str, str]:
        n = self.rng.randrange(5)
        every = {"external_id": f"C-{n}", "email": f"p{n}@example.com", "phone": f"+44740000000{n}"}
        return {kind: every[kind] for kind in self.rng.sample(list(every), self.rng.randint(1, 2))}

    def hits(self) -> None:
        several = []
        for _ in range(self.rng.randint(1, 6)):
            kind = self.rng.choice(KINDS)
            names = self.person() if kind in ("identify", "order") else {}
            name = self.rng.choice(NAMES) if kind == "track" else None
            several.append(hit(self.rng.choice(self.devices), kind, name=name, **names))
        self.now += self.rng.choice((5, 300, 7_200))
        stored(self.rng.choice(self.sites), *several, at=self.now)

    def bring(self) -> None:
        rows = [self.person() for _ in range(self.rng.randint(1, 3))]
        content = "".join(",".join(row.get(kind, "") for kind in IDENTIFIERS) + "\n" for row in rows)
        self.imports.append(bring(self.tenant, ",".join(IDENTIFIERS) + "\n" + content))

    def turn(self) -> None:
        if self.imports:
            imp = self.imports[-1]
            with tenant_context(self.tenant.pk):
                imp.refresh_from_db()
                asked = undo.request(imp, "redo" if imp.status == Status.UNDONE else "undo", user=None)
            if asked:
                work(self.tenant, imp)

    def merge(self) -> None:
        with tenant_context(self.tenant.pk):
            ids = list(Contact.objects.living().values_list("pk", flat=True))
            if len(ids) > 1:
                with suppress(NotAllowed):
                    merge.merge(self.rng.sample(ids, 2), user_id=None)

    def part(self) -> None:
        with tenant_context(self.tenant.pk):
            made = Merge.objects.order_by("-pk").first()
            if made is not None:
                with suppress(NotAllowed):
                    merge.undo(made.pk, user_id=None)

    def erase(self) -> None:
        with tenant_context(self.tenant.pk):
            people = list(Contact.objects.living().order_by("pk"))
            if people:
                one = self.rng.choice(people)
                contact_data.erase([one.pk], [("email", one.email or "-")])

    def quarantine(self) -> None:
        with tenant_context(self.tenant.pk):
            held = Quarantine.objects.filter(released_at=None).first()
            if held is not None:
                quarantine.release(held.pk, user_id=0)

    def go(self) -> None:
        acts = [*[self.hits] * 8, *[self.bring] * 3, self.turn, self.merge, self.part, self.erase, self.quarantine]
        for act in [self.hits, self.bring, *self.rng.choices(acts, k=28)]:
            act()
            rows = kept(self.tenant)
            assert rows == added_up(self.tenant), act.__name__
            self.most = max(self.most, len(rows))


@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_the_visitors_add_up_to(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(quarantine, "MOST_DEVICES", 4)
    monkeypatch.setattr(contact_visits, "ROUND", 2)
    story = Story(tenant, seed)
    story.go()
    assert story.most >= 2, "something was there to compare"


@pytest.fixture
def site(tenant: Tenant) -> Site:
    return site_of(tenant)


def test_two_devices_of_a_contact_are_one_row(tenant: Tenant, site: Site) -> None:
    anna, one, two = contact(tenant, email="anna@example.com", phone="+442079460018"), device(), device()
    stored(site, hit(one), hit(one, "track", name="Added to cart"), hit(one, "identify", phone="+442079460018"))
    stored(site, hit(two), hit(two, "identify", email="anna@example.com"), at=NOW + 90_000)
    row = kept(tenant)[anna]
    assert (row["visitors"], row["views"], row["visits"], row["stage"], row["matched_by"]) == (2, 2, 2, 2, "email")
    assert (row["first_seen"].timestamp(), row["last_seen"].timestamp()) == (NOW, NOW + 90_000)


def test_whoever_has_no_visitor_left_has_no_row(tenant: Tenant, site: Site) -> None:
    anna, on = contact(tenant, email="anna@example.com"), device()
    stored(site, hit(on, "identify", email="anna@example.com"))
    assert list(kept(tenant)) == [anna]
    with tenant_context(tenant.pk):
        Visitor.objects.update(contact_id=None)
        contact_visits.refresh([anna, None])
    assert kept(tenant) == {}


def test_two_at_once_do_not_forget_each_others_visitor(tenant: Tenant, site: Site) -> None:
    """One transaction has tied a visitor and not yet committed; the other ties a second one of the same contact."""
    anna, one, two = contact(tenant, email="anna@example.com"), device(), device()
    stored(site, hit(one), hit(two))
    ids = [visitor(tenant, on).pk for on in (one, two)]
    tied, go_on = threading.Event(), threading.Event()

    def tie(visitor_id: int) -> None:
        Visitor.objects.filter(pk=visitor_id).update(contact_id=anna, claimed_at=timezone.now(), matched_by="email")
        contact_visits.refresh([anna])

    def first() -> None:
        with tenant_context(tenant.pk):
            tie(ids[0])
            tied.set()
            assert go_on.wait(10)
        connection.close()

    def second() -> None:
        with tenant_context(tenant.pk):
            go_on.set()
            tie(ids[1])  # waits for the first
        connection.close()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert tied.wait(10)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert kept(tenant) == added_up(tenant)
    assert kept(tenant)[anna]["visitors"] == 2


def test_what_was_there_before_is_filled_in_by_the_migration(tenant: Tenant, site: Site) -> None:
    """From the events alone, it finds what the hits have left when they came."""
    Tenant.objects.filter(pk=tenant.pk).update(time_zone="Asia/Kolkata")
    contact(tenant, email="anna@example.com")
    one, two = device(), device()
    page = replace(hit(one), url="https://Shop.example:8080/boots/red?size=42")
    stored(
        site, page, replace(hit(two), url="http://shop.example"), hit(one, "track", name="AddToCart"), hit(two, "order")
    )
    stored(site, hit(one), hit(two, "track", name="view_item"), at=NOW + 90)
    stored(site, hit(one, "identify", email="anna@example.com"), at=NOW + 9_000)
    named = ("pk", "stage", "seconds", "hours")

    def everything() -> list[Any]:
        rows = ContactVisit.objects.values()
        seen = PageVisitor.objects.values_list("page_id", "visitor_id")
        addresses = dict(Page.objects.values_list("pk", "path"))
        return [
            sorted(Visitor.objects.values_list(*named)),
            [{k: v for k, v in row.items() if k != "tenant_id"} for row in rows],
            sorted((addresses[page_id], visitor_id) for page_id, visitor_id in seen),
            sorted(Page.objects.values_list("host", "path")),
        ]

    migration = import_module("tracking.migrations.0021_contact_visit")
    with tenant_context(tenant.pk):
        before = everything()
        Visitor.objects.update(stage=0, seconds=0, hours=0)
        for model in (ContactVisit, PageVisitor, Page):
            model.objects.all().delete()
        for statement in (migration.BACKFILL, migration.PAGES, migration.PAGE_VISITORS, migration.CONTACTS):
            run(statement, **migration.NAMES)
        assert everything() == before
    assert [len(part) for part in before] == [2, 1, 3, 2]


def test_the_migration_knows_the_names_of_stages() -> None:
    migration = import_module("tracking.migrations.0021_contact_visit")
    assert {key: set(names) for key, names in migration.NAMES.items()} == {
        stage.name.lower(): set(names) for stage, names in NAMES_OF_STAGES.items()
    }
