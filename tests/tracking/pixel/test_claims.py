"""Claims of browsers: identifiers of everybody, devices of many people, pages of other hosts, orders of anybody."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from contacts.models import Contact
from segments.rules import compiler
from segments.rules.tree import ActivityCondition, Group
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Tenant
from tests.cast import Actor
from tests.imports.helpers import bring
from tests.tracking.helpers import NOW, ask, contact, device, hit, site_of, stored, visitor, visitors
from tracking import quarantine, timeline
from tracking.models import Event, Quarantine, Site, Visitor, VisitorIdentifier
from tracking.pixel import hits, inbox, sites, visitor_resolution
from tracking.pixel.hits import Hit
from tracking.pixel.rate_limits import Rates

PAGE = {"kind": "page", "url": "https://shop.example/"}


@pytest.fixture
def site(tenant: Tenant) -> Site:
    return site_of(tenant)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    sites._known.clear()
    yield
    inbox.remove([e.id for e in inbox.read(1000)])
    sites._known.clear()


def drops(site: Site) -> dict[str, int]:
    return inbox.drops(tenant_id=site.tenant_id, site_id=site.pk)


def held(tenant: Tenant) -> list[tuple[str, str]]:
    with tenant_context(tenant.pk):
        return sorted(Quarantine.objects.filter(released_at=None).values_list("kind", "value"))


def ties(tenant: Tenant) -> list[int]:
    with tenant_context(tenant.pk):
        return sorted(Visitor.objects.exclude(contact_id=None).values_list("contact_id", flat=True))


# --- one constant for everybody ---------------------------------------------------------------------------------------

CONSTANTS: list[tuple[str, str]] = [
    ("external_id", "user-1"), ("email", "info@example.com"), ("phone", "+442079460018"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value"), CONSTANTS)
@pytest.mark.parametrize("batches", ["one", "many"])
def test_a_constant_ties_nobody(tenant: Tenant, site: Site, kind: str, value: str, batches: str) -> None:
    """Even the contact that has it: the visitors that it tied at first are let go."""
    with tenant_context(tenant.pk):
        Contact.objects.create(origin="manual", **{kind: value})
    all_hits = [hit(device(), "identify", **{kind: value}) for _ in range(quarantine.MOST_DEVICES + 3)]
    for part in [all_hits] if batches == "one" else [[h] for h in all_hits]:
        stored(site, *part)
    assert held(tenant) == [(kind, value)]
    assert ties(tenant) == []
    bring(tenant, f"{kind}\n{value}\n")
    assert ties(tenant) == [], "nor does an import tie them"


def test_as_many_devices_as_a_person_has_are_one_person(tenant: Tenant, site: Site) -> None:
    who = contact(tenant, external_id="C-1")
    stored(site, *(hit(device(), "identify", external_id="C-1") for _ in range(quarantine.MOST_DEVICES)))
    assert (held(tenant), ties(tenant)) == ([], [who] * quarantine.MOST_DEVICES)


def test_devices_of_many_days_are_a_persons(tenant: Tenant, site: Site) -> None:
    who = contact(tenant, external_id="C-1")
    for day in range(3 * quarantine.MOST_DEVICES):
        stored(site, hit(device(), "identify", external_id="C-1"), at=NOW + day * 86_400)
    assert (held(tenant), set(ties(tenant))) == ([], {who})


def test_more_other_identifiers_than_a_person_has(tenant: Tenant, site: Site) -> None:
    """One ID, another e-mail each: few devices are enough. Who has an e-mail of their own is tied by it."""
    known = [contact(tenant, email=f"p{n}@example.com") for n in range(quarantine.MOST_OTHERS + 2)]
    contact(tenant, external_id="user-1")
    for n in range(len(known)):
        stored(site, hit(device(), "identify", external_id="user-1", email=f"p{n}@example.com"))
    assert held(tenant) == [("external_id", "user-1")]
    assert ties(tenant) == sorted(known)


def test_a_constant_does_not_make_two_people_one(tenant: Tenant, site: Site) -> None:
    """On one device: the ID is the same, the e-mail another one, so it is somebody else."""
    with tenant_context(tenant.pk):
        Quarantine.objects.create(kind="external_id", value="user-1", devices=11, others=0, at=timezone.now())
    ann, bob, on = contact(tenant, email="ann@example.com"), contact(tenant, email="bob@example.com"), device()
    stored(site, hit(on, "identify", external_id="user-1", email="ann@example.com"))
    stored(site, hit(on, "identify", external_id="user-1", email="bob@example.com"))
    assert [v.contact_id for v in visitors(tenant)] == [ann, bob]


def test_it_is_shown_and_can_be_released(alice: Actor, bob: Any) -> None:
    site = site_of(alice.workspace)
    who = contact(alice.workspace, external_id="user-1")
    stored(site, *(hit(device(), "identify", external_id="user-1") for _ in range(quarantine.MOST_DEVICES + 1)))
    page = alice.get("sites/").content.decode()
    assert "Identifiers in quarantine" in page
    assert "user-1" in page
    with tenant_context(alice.workspace.pk):
        item = Quarantine.objects.get()
    assert alice.post(f"sites/quarantine/{item.pk}/release/").status_code == 302
    assert ties(alice.workspace) == [who] * (quarantine.MOST_DEVICES + 1)
    stored(site, *(hit(device(), "identify", external_id="user-1") for _ in range(quarantine.MOST_DEVICES + 1)))
    assert held(alice.workspace) == [], "what somebody has released stays free"
    with tenant_context(alice.workspace.pk):
        assert AuditEntry.objects.filter(verb="identifier.released").count() == 1
    assert alice.post(f"sites/quarantine/{item.pk}/release/").status_code == 404


# --- identifiers that cannot be read ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "number", "normal"),
    [
        ("", "07911 123456", "+447911123456"),
        ("DE", "030 123456", "+4930123456"),
        ("", "+371 2000 0000", "+37120000000"),
        ("LV", "20000000", "+37120000000"),
    ],
)
def test_phones_are_read_with_the_sites_or_the_workspaces_country(
    tenant: Tenant, site: Site, country: str, number: str, normal: str
) -> None:
    with tenant_context(tenant.pk):
        Site.objects.filter(pk=site.pk).update(country=country)
    who, on = contact(tenant, phone=normal), device()
    stored(site, hit(on, "identify", phone=number))
    assert visitor(tenant, on).contact_id == who
    assert drops(site) == {}


@pytest.mark.parametrize(
    ("kind", "value"), [("phone", "12"), ("phone", "call me"), ("email", "not an address"), ("external_id", "null")]
)
def test_what_cannot_be_read_is_counted_and_the_rest_is_kept(tenant: Tenant, site: Site, kind: str, value: str) -> None:
    ann = contact(tenant, email="ann@example.com", external_id="C-1")
    good = {"external_id": "C-1"} if kind == "email" else {"email": "ann@example.com"}
    on = device()
    stored(site, hit(on, "identify", **{kind: value}, **good))
    assert drops(site) == {f"unreadable_{kind}": 1}
    assert visitor(tenant, on).contact_id == ann
    with tenant_context(tenant.pk):
        assert Event.objects.count() == 1


def test_the_reason_is_said_on_the_page(alice: Actor) -> None:
    site = site_of(alice.workspace)
    stored(site, hit(device(), "identify", phone="12"))
    assert "Phone number not recognised" in alice.get(f"sites/{site.pk}/").content.decode()


# --- caps -------------------------------------------------------------------------------------------------------------


def test_a_device_is_not_everybody(tenant: Tenant, site: Site) -> None:
    on, many = device(), visitor_resolution.MOST_VISITORS + 5
    for n in range(many):
        stored(site, hit(on, "identify", external_id=f"C-{n}"), at=NOW + n)
    assert len(visitors(tenant)) == visitor_resolution.MOST_VISITORS
    assert drops(site) == {"too_many_people": 5}
    with tenant_context(tenant.pk):
        assert Event.objects.count() == many, "what was done is kept"


def test_a_visitor_has_so_many_identifiers(tenant: Tenant, site: Site) -> None:
    on = device()
    stored(site, hit(on, "identify", external_id="C-1"))
    with tenant_context(tenant.pk):
        VisitorIdentifier.objects.bulk_create(
            VisitorIdentifier(
                tenant_id=tenant.pk, visitor_id=visitor(tenant, on).pk, kind="phone", value=f"+4479111234{n:02}",
                seen_at=timezone.now(),
            )
            for n in range(visitor_resolution.MOST_NAMES - 1)
        )  # fmt: skip
    stored(site, hit(on, "identify", external_id="C-1", email="ann@example.com"), at=NOW + 60)
    with tenant_context(tenant.pk):
        assert VisitorIdentifier.objects.count() == visitor_resolution.MOST_NAMES
        assert Event.objects.count() == 2
    assert drops(site) == {"too_many_identifiers": 1}


# --- hosts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hosts", "origin", "taken"),
    [
        ("", "https://evil.example", True),
        ("shop.example", "https://shop.example", True),
        ("shop.example", "https://SHOP.example:8443", True),
        ("shop.example", "https://www.shop.example", False),
        ("*.shop.example", "https://www.shop.example", True),
        ("*.shop.example", "https://a.b.shop.example", True),
        ("*.shop.example", "https://shop.example", False),
        ("*.shop.example", "https://evilshop.example", False),
        ("shop.example", "https://shop.example.evil.example", False),
        ("shop.example", "null", False),
        ("shop.example", "", False),
        ("shop.example", "https://[", False),
        ("shop.example other.example", "https://other.example", True),
    ],
)
def test_pages_of_other_hosts_are_not_believed(site: Site, hosts: str, origin: str, taken: bool) -> None:
    with tenant_context(site.tenant_id):
        Site.objects.filter(pk=site.pk).update(hosts=hosts)
    headers = {"HTTP_ORIGIN": origin} if origin else {}
    status, _headers, _content = ask(f"/p/{site.key}", {"device": device(), **PAGE}, **headers)
    assert status == "204 No Content"
    assert len(inbox.read(10)) == int(taken)
    assert drops(site) == ({} if taken else {"host": 1})


def test_the_settings_of_a_site(alice: Actor) -> None:
    site = site_of(alice.workspace)
    assert "anyone can send hits with the public key" in alice.get(f"sites/{site.pk}/").content.decode()
    path = f"sites/{site.pk}/settings/"
    good = {"hosts": "https://Shop.example/path, *.shop.example\nzürich.example", "country": "lv"}
    assert alice.post(path, good).status_code == 302
    with tenant_context(alice.workspace.pk):
        site.refresh_from_db()
    assert (site.hosts.split(), site.country) == (["shop.example", "*.shop.example", "xn--zrich-kva.example"], "LV")
    for bad in ({"hosts": "sh op_.example"}, {"hosts": "*"}, {"country": "XX"}, {"hosts": "-a.example"}):
        answer = alice.post(path, bad)
        assert answer.status_code == 422, bad
    with tenant_context(alice.workspace.pk):
        site.refresh_from_db()
    assert site.country == "LV"


# --- how often --------------------------------------------------------------------------------------------------------


def test_an_address_sends_so_many_hits_a_minute() -> None:
    rates = Rates(3)
    assert [rates.too_many("k", "203.0.113.7", now=10) for _ in range(5)] == [False, False, False, True, True]
    assert not rates.too_many("k", "203.0.113.8", now=11)
    assert not rates.too_many("other", "203.0.113.7", now=11)
    assert not rates.too_many("k", "203.0.113.7", now=61)
    for ours in ("127.0.0.1", "10.0.0.7", "192.168.1.1", "::1", "", "unix"):
        assert not any(rates.too_many("k", ours, now=10) for _ in range(9))
    assert not any(Rates(0).too_many("k", "203.0.113.7", now=10) for _ in range(9))


def test_too_many_hits_are_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracking.pixel import collector

    limit = Rates(2)
    monkeypatch.setattr(collector, "_rates", lambda: limit)
    answers = [ask(f"/p/{site.key}", {"device": device(), **PAGE}, REMOTE_ADDR="203.0.113.7")[0] for _ in range(4)]
    assert answers == ["204 No Content"] * 2 + ["429 Too Many Requests"] * 2
    assert (len(inbox.read(10)), drops(site)) == (2, {"too_often": 2})


# --- orders that only a browser has told of ---------------------------------------------------------------------------


def test_claimed_orders_do_not_count_unless_the_workspace_says_so(alice: Actor) -> None:
    tenant = alice.workspace
    site, on = site_of(tenant), device()
    who = contact(tenant, email="ann@example.com")
    order = Hit(on, "order", "N-1", "https://shop.example/", None, None, {"amount": 5}, {"email": "ann@example.com"})
    stored(site, order)
    bring(tenant, "email,Order\nbob@example.com,O-1\n", task="orders", maps={"Order": "event.id"})
    assert buyers(tenant) == ["bob@example.com"]
    assert "claimed" in alice.get(f"activity/of-contact/{who}/").content.decode()
    alice.post("sites/claimed/", {"count": "on"})
    assert buyers(tenant) == ["ann@example.com", "bob@example.com"]
    alice.post("sites/claimed/", {})
    assert buyers(tenant) == ["bob@example.com"]


def test_orders_that_the_sites_server_has_signed_count(alice: Actor) -> None:
    tenant, on = alice.workspace, device()
    who = contact(tenant, email="ann@example.com")
    names = {"email": "ann@example.com"}
    stored(site_of(tenant), Hit(on, "order", "N-1", None, None, None, {"amount": 5, hits.SIGNED: True}, names))
    assert buyers(tenant) == ["ann@example.com"]
    assert "claimed" not in alice.get(f"activity/of-contact/{who}/").content.decode()


def test_how_long_a_page_was_seen_is_no_entry_and_no_view(alice: Actor) -> None:
    tenant, on = alice.workspace, device()
    who = contact(tenant, email="ann@example.com")
    site = site_of(tenant)
    page = Hit(on, "page", None, "https://shop.example/", "Boots", None, {}, {"email": "ann@example.com"})
    stored(site, page, replace(page, kind="time", properties={"seconds": 40}, identifiers={}))
    with tenant_context(tenant.pk):
        assert sorted(Event.objects.values_list("kind", flat=True)) == ["page", "time"]
    assert visitor(tenant, on).views == 1
    assert timeline_kinds(tenant, who) == ["page"]


def timeline_kinds(tenant: Tenant, contact_id: int) -> list[str]:
    with tenant_context(tenant.pk):
        entries = timeline.page(contact_id, kind="site", after="").entries
        return [entry.event.kind for entry in entries if entry.event]


def buyers(tenant: Tenant) -> list[str]:
    rule = Group("all", (ActivityCondition("order", times="at_least", count="1"),))
    with tenant_context(tenant.pk):
        found = Contact.objects.living().filter(compiler.compile_rule(rule, compiler.context()))
        return sorted(found.values_list("email", flat=True))
