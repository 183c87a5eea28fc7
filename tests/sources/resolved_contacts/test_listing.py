"""Resolved contacts: who is in the list by each filter, search, orders, pages, the file."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from contacts.models import Contact
from sources.models import Source, SourceMember
from sources.resolved_contacts import listing
from sources.resolved_contacts.listing import ResolvedQuery
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor, person, workspace
from tests.tracking.helpers import device, hit, site_of, stored
from tracking import pages
from tracking.models import ContactVisit, Site

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Shop:
    """A workspace with two sites and four people who did different things there."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.devices: dict[str, str] = {}
        self.one, self.two = site_of(tenant), site_of(tenant)
        with tenant_context(tenant.pk):
            self.people = {
                name: Contact.objects.create(
                    origin="manual", first_name=name, email=f"{name.lower()}@example.com", first_key=name.lower(),
                    attributes={"country": country} if country else {},
                )
                for name, country in (("Anna", "LV"), ("Bob", "SE"), ("Cleo", "LV"), ("Dora", ""))
            }  # fmt: skip
            Contact.objects.create(origin="manual", email="never@example.com")
            source = Source.objects.create(name="Club", type="customers", origin="segments")
            self.source = source.pk
            SourceMember.objects.create(
                tenant_id=tenant.pk, source_id=source.pk, contact_id=self.people["Bob"].pk, added_at=NOW
            )
        # Anna came on two days, put something into the cart, and stayed for two minutes. 09:00 in the workspace.
        self.did(self.one, "Anna", NOW - 40 * DAY - timedelta(hours=3), urls=["/", "/boots/red?size=42", "/cart"],
                 seconds=120, track="Added to cart")  # fmt: skip
        self.did(self.one, "Anna", NOW - 20 * DAY - timedelta(hours=3), urls=["/"])
        # Bob ordered last week, in the evening. 19:00.
        self.did(self.two, "Bob", NOW - 6 * DAY + timedelta(hours=7), urls=["/boots/"], seconds=20, track="Purchase")
        # Cleo looked at a product yesterday night. 02:00.
        self.did(self.one, "Cleo", NOW - DAY - timedelta(hours=10), urls=["/boots/blue"], seconds=5, track="view_item")
        # Dora came four times this month, in the afternoon. 13:00.
        for days in (4, 3, 2, 1):
            self.did(self.two, "Dora", NOW - days * DAY + timedelta(hours=1), urls=["/about"], seconds=8)

    def did(
        self, site: Site, name: str, at: datetime, *, urls: list[str], seconds: int = 0, track: str | None = None
    ) -> None:
        on = self.devices.setdefault(name, device())
        host = "shop.example" if site is self.one else "blog.example"
        several = [replace(hit(on), url=f"https://{host}{url}") for url in urls]
        several.append(hit(on, "identify", email=self.people[name].email))
        if track:
            several.append(hit(on, "track", name=track))
        if seconds:
            several.append(replace(hit(on, "time"), properties={"seconds": seconds}))
        stored(site, *several, at=at.timestamp())


@pytest.fixture(scope="module")
def shop() -> Shop:
    """The tests below only look at it."""
    return Shop(workspace(person("Alice"), time_zone="UTC"))


def found(shop: Shop, **given: Any) -> list[str]:
    """First names of the list, in its order."""
    query = ResolvedQuery.of({k: str(v) for k, v in given.items()}, country=None)
    with tenant_context(shop.tenant.pk):
        shown = listing.page(query, now=NOW)
        assert (shown.total, shown.more) == (len(shown.people), False)
        return [person.contact.first_name or "" for person in shown.people]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, ["Dora", "Cleo", "Bob", "Anna"]),
        ({"order": "oldest"}, ["Anna", "Bob", "Cleo", "Dora"]),
        ({"seen": "7"}, ["Dora", "Cleo", "Bob"]),
        ({"seen": "30"}, ["Dora", "Cleo", "Bob", "Anna"]),
        ({"seen": "range", "since": "2026-11-23", "until": "2026-11-28"}, ["Dora", "Cleo", "Bob"]),
        ({"seen": "range", "since": "2026-11-24"}, ["Dora", "Cleo"]),
        ({"seen": "range", "until": "2026-11-09"}, ["Anna"]),
        ({"seen": "range", "until": "2026-11-08"}, []),
        ({"seen": "range", "until": "2026-13-40"}, ["Dora", "Cleo", "Bob", "Anna"]),
        ({"since": "2026-11-24"}, ["Dora", "Cleo"]),  # dates alone are meant, too
        ({"seen": "30", "since": "2026-11-24"}, ["Dora", "Cleo", "Bob", "Anna"]),  # beside another period they are not
        ({"time": "morning"}, ["Anna"]),
        ({"time": "afternoon"}, ["Dora"]),
        ({"time": "evening"}, ["Bob"]),
        ({"time": "night"}, ["Cleo"]),
        ({"visits": "1"}, ["Cleo", "Bob"]),
        ({"visits": "2"}, ["Anna"]),
        ({"visits": "3"}, []),
        ({"visits": "more"}, ["Dora"]),
        ({"spent": "10"}, ["Cleo"]),
        ({"spent": "30"}, ["Bob"]),
        ({"spent": "60"}, ["Dora"]),
        ({"spent": "more"}, ["Anna"]),
        ({"stage": "0"}, ["Dora"]),
        ({"stage": "1"}, ["Cleo"]),
        ({"stage": "2"}, ["Anna"]),
        ({"stage": "3"}, ["Bob"]),
        ({"kind": "new"}, ["Cleo", "Bob"]),
        ({"kind": "returning"}, ["Dora", "Anna"]),
        ({"region": "LV"}, ["Cleo", "Anna"]),
        ({"region": "EE"}, []),
        ({"q": "bob"}, ["Bob"]),
        ({"q": "cleo@example.com"}, ["Cleo"]),
        ({"q": "example.com"}, ["Dora", "Cleo", "Bob", "Anna"]),
        ({"q": "never@example.com"}, []),
        ({"page": "/boots"}, ["Cleo", "Bob", "Anna"]),
        ({"page": "/boots/"}, ["Cleo", "Bob", "Anna"]),
        ({"page": "/boots/red"}, ["Anna"]),
        ({"page": "shop.example"}, ["Cleo", "Anna"]),
        ({"page": "https://shop.example/boots/"}, ["Cleo", "Anna"]),
        ({"page": "https://blog.example/boots"}, ["Bob"]),
        ({"page": "/nowhere"}, []),
        ({"page": "/%"}, []),
        ({"kind": "returning", "region": "LV"}, ["Anna"]),
        ({"page": "/boots", "seen": "7"}, ["Cleo", "Bob"]),
        # What makes no sense is left out.
        ({"seen": "8", "time": "noon", "visits": "x", "spent": "-", "stage": "9", "kind": "?", "region": "XX"},
         ["Dora", "Cleo", "Bob", "Anna"]),
    ],
)  # fmt: skip
def test_each_filter(shop: Shop, given: dict[str, str], names: list[str]) -> None:
    assert found(shop, **given) == names


@pytest.mark.parametrize(("page", "names"), [("/boots", ["Cleo", "Bob", "Anna"]), ("/boots/red", ["Anna"]), ("/x", [])])
def test_pages_that_many_have_seen_find_the_same(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, page: str, names: list[str]
) -> None:
    """Contacts are then looked at one after the other, instead of the pairs of page and visitor."""
    monkeypatch.setattr(pages, "FEW_PAIRS", 0)
    assert found(shop, page=page) == names
    assert found(shop, page=page, kind="returning") == [name for name in names if name == "Anna"]


def test_by_source_and_site(shop: Shop) -> None:
    assert found(shop, source=shop.source) == ["Bob"]
    assert found(shop, source=shop.source + 1) == []
    assert found(shop, site=shop.one.pk) == ["Cleo", "Anna"]
    assert found(shop, site=shop.two.pk, seen=7) == ["Dora", "Bob"]


def test_a_row_says_what_a_person_did(shop: Shop) -> None:
    with tenant_context(shop.tenant.pk):
        shown = listing.page(ResolvedQuery.of({"q": "anna"}, country=None), now=NOW)
        bob = listing.page(ResolvedQuery.of({"q": "bob"}, country=None), now=NOW).people[0]
    anna = shown.people[0]
    assert (anna.visit.views, anna.visit.visits, anna.visit.seconds, anna.stage) == (4, 2, 120, "Abandoned cart")
    assert (anna.returning, anna.visit.matched_by, anna.sources) == (True, "email", [])
    assert (bob.returning, bob.sources) == (False, [(shop.source, "Club")])


# --- pages and orders -------------------------------------------------------------------------------------------------


def walk(tenant: Tenant, order: str, *, size: int) -> list[list[int]]:
    """The pages from the first to the last; on each step the page before is asked for, too."""
    query, walked = ResolvedQuery(order=order), list[list[int]]()
    with tenant_context(tenant.pk):
        while True:
            shown = listing.page(query, now=NOW, size=size)
            ids = [person.contact.pk for person in shown.people]
            if walked:
                back = listing.page(ResolvedQuery(order=order, before=shown.newer or ""), now=NOW, size=size)
                assert [person.contact.pk for person in back.people] == walked[-1]
            else:
                assert shown.newer is None
            walked.append(ids)
            if shown.older is None:
                return walked
            query = ResolvedQuery(order=order, after=shown.older)


@pytest.mark.parametrize("counted", [5, 10_000])
@pytest.mark.parametrize("order", ["", "oldest"])
def test_pages_show_each_once_in_both_directions(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, order: str, counted: int
) -> None:
    """Many have their last visit at the same moment. With more people than are counted, the order is walked."""
    monkeypatch.setattr(listing, "COUNTED", counted)
    site = site_of(tenant)
    with tenant_context(tenant.pk):
        for n in range(11):
            Contact.objects.create(origin="manual", email=f"p{n}@example.com")
    for n in range(11):
        stored(site, hit(device(), "identify", email=f"p{n}@example.com"), at=NOW.timestamp() + n // 4)
    walked = walk(tenant, order, size=3)
    assert [len(ids) for ids in walked] == [3, 3, 3, 2]
    with tenant_context(tenant.pk):
        by = ("-last_seen", "-contact_id") if order == "" else ("last_seen", "contact_id")
        assert [i for ids in walked for i in ids] == list(
            ContactVisit.objects.order_by(*by).values_list("contact_id", flat=True)
        )


def test_more_than_are_counted_are_told_as_more(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    site = site_of(tenant)
    with tenant_context(tenant.pk):
        for n in range(3):
            Contact.objects.create(origin="manual", email=f"p{n}@example.com")
    stored(site, *(hit(device(), "identify", email=f"p{n}@example.com") for n in range(3)))
    monkeypatch.setattr(listing, "COUNTED", 2)
    with tenant_context(tenant.pk):
        shown = listing.page(ResolvedQuery(), now=NOW, size=1)
    assert (shown.total, shown.more) == (2, True)


def test_deleted_contacts_are_not_listed(alice: Actor) -> None:
    site = site_of(alice.workspace)
    with tenant_context(alice.workspace.pk):
        gone = Contact.objects.create(origin="manual", email="gone@example.com")
        Contact.objects.create(origin="manual", email="here@example.com")
    for name in ("gone", "here"):
        stored(site, hit(device(), "identify", email=f"{name}@example.com"))
    assert "gone@example.com" in alice.get("resolved/").text
    alice.post(f"contacts/{gone.pk}/delete/", {"reason": "Other"})
    alice.get("resolved/")  # says that it was deleted
    page = alice.get("resolved/").text
    assert "gone@example.com" not in page
    assert "here@example.com" in page


@pytest.mark.parametrize("key", ["x", "1", "1_x", "1_2026-11-29", "9" * 40 + "_2026-11-29T00:00:00+00:00", "_"])
def test_a_damaged_key_means_the_first_page(shop: Shop, key: str) -> None:
    assert found(shop, after=key) == found(shop, before=key) == ["Dora", "Cleo", "Bob", "Anna"]


def test_the_address_says_what_is_asked_for() -> None:
    given = {
        "seen": "range",
        "since": "2026-11-01",
        "time": "night",
        "page": "/a b",
        "stage": "0",
        "source": "7",
        "q": "x",
    }
    query = ResolvedQuery.of(given, country=None)
    assert ResolvedQuery.of(dict(parse_qsl(query.querystring())), country=None) == query
    assert "seen" not in query.querystring(seen="", since="")
