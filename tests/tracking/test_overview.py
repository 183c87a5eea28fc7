"""The first tab of a profile has the latest activity, visits and orders without a script; the panel opens from the list."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import bring
from tracking import overview
from tracking.models import Event, Site, Visitor
from tracking.pixel.sites import new_key

AT = datetime(2026, 11, 12, 14, 0, tzinfo=UTC)


@pytest.fixture
def seen(alice: Actor) -> tuple[Actor, int]:
    """Ann, with three visits on two sites, four orders, and two messages."""
    bring(alice.workspace, "email,first_name\nann@example.com,Ann\nbob@example.com,Bob\n")
    with tenant_context(alice.workspace.pk):
        ann = Contact.objects.get(first_name="Ann")
        shop = Site.objects.create(name="shop.example", key=new_key(alice.workspace.pk))
        blog = Site.objects.create(name="blog.example", key=new_key(alice.workspace.pk))
        ids = []
        for device, site, visits in ((1, shop, 2), (2, blog, 1)):
            visitor = Visitor.objects.create(
                device=f"00000000-0000-4000-8000-00000000000{device}", site_id=site.pk, contact_id=ann.pk,
                matched_by="email", first_seen=AT, last_seen=AT, visits=visits, views=3,
            )  # fmt: skip
            ids.append(visitor.pk)
        for visitor_id, site, minutes, title in (
            (ids[0], shop, 0, "Tents"), (ids[0], shop, 9, "Boots"), (ids[0], shop, 60, "Cart"), (ids[1], blog, 62, "News"),
        ):  # fmt: skip
            at = AT + timedelta(minutes=minutes)
            Event.objects.create(
                tenant_id=alice.workspace.pk, at=at, visitor_id=visitor_id, site_id=site.pk, kind="page", title=title
            )
        for n in range(4):
            at = AT - timedelta(days=n + 1)
            properties = {"amount": 10 + n, "currency": "EUR"}
            Event.objects.create(
                tenant_id=alice.workspace.pk,
                at=at,
                contact_id=ann.pk,
                kind="order",
                name="order",
                properties=properties,
            )
        for status in ("delivered", "undelivered"):
            said = {"channel": "email", "message": "<b>Spring</b>", "language": "lv", "status": status}
            Event.objects.create(
                tenant_id=alice.workspace.pk, at=AT, contact_id=ann.pk, kind="message", properties=said
            )
        return alice, ann.pk


def test_visits_are_told_apart_by_half_an_hour_and_by_visitor(seen: tuple[Actor, int]) -> None:
    alice, pk = seen
    with tenant_context(alice.workspace.pk):
        found = overview.latest(pk)
    told = [(v.site, v.first.title, v.pages, v.minutes) for v in found["visits"]]
    assert told == [("blog.example", "News", 1, 0), ("shop.example", "Cart", 1, 0), ("shop.example", "Tents", 2, 9)]
    assert (found["visits_count"], found["orders_count"], len(found["orders"])) == (3, 4, overview.ORDERS)
    assert found["page"].count == 4 + 4 + 2 + 1  # the import that made her is one, too
    assert len(found["page"].entries) == overview.ENTRIES


def test_all_of_it_stands_in_the_page_itself(seen: tuple[Actor, int]) -> None:
    alice, pk = seen
    page = alice.get(f"contacts/{pk}/").text
    for words in (
        "Viewed <b>News</b>",
        "started on Tents",
        "10 EUR",
        "tab=activity&amp;kind=order",
        "tab=activity&amp;kind=site",
    ):
        assert words in page
    orders = alice.get(f"contacts/{pk}/?tab=activity&kind=order").text
    assert "Viewed" not in orders
    assert orders.count("Ordered") == 4
    assert "Viewed" in alice.get(f"contacts/{pk}/?tab=activity").text


def test_who_did_nothing(seen: tuple[Actor, int]) -> None:
    alice, _pk = seen
    with tenant_context(alice.workspace.pk):
        bob = Contact.objects.get(first_name="Bob").pk
    page = alice.get(f"contacts/{bob}/").text
    assert "No orders yet." in page
    assert "News" not in page


def test_the_panel_over_the_list(seen: tuple[Actor, int], member: Callable[[str], Actor], charlie: Actor) -> None:
    alice, pk = seen
    path = f"activity/of-contact/{pk}/panel/"
    for who in (alice, member("viewer")):
        assert who.url(path) in who.get("contacts/").text
        panel = who.get(path, headers={"HX-Request": "true"})
        assert (panel.context["activities"], panel.context["count"]) == (11, 2)
        for words in (
            "including 2 messages",
            "lv",
            "undelivered",
            "delivered",
            "&lt;b&gt;Spring",
            "<td>email</td>",
        ):
            assert words in panel.text
    assert alice.get(path).headers["Location"].endswith(f"/contacts/{pk}/?tab=activity&kind=message")
    assert charlie.get(path, headers={"HX-Request": "true"}).status_code == 404
    assert member("ops").get(path, headers={"HX-Request": "true"}).status_code == 404
