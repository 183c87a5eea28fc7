"""Customers by their orders: quintiles, equal values together, and a rule that finds exactly the contacts of each cell."""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from contacts.models import Contact
from segments import rfm
from segments.rules import compiler, tree
from tenants.isolation.context import current_tenant, tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.segments.scene import contacts
from tests.segments.views.test_static import text
from tracking.models import Event

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def order(pk: int, days: float, *, amount: Any = 10, currency: str | None = "EUR", **more: Any) -> Event:
    properties = {"amount": amount, "currency": currency}
    properties = {name: value for name, value in properties.items() if value is not None}
    return Event(
        tenant_id=current_tenant(), at=NOW - timedelta(days=days), kind="order", contact_id=pk,
        properties=properties | more.pop("properties", {}), **more,
    )  # fmt: skip


@pytest.fixture
def shop(alice: Actor) -> Actor:
    """A hundred customers with random orders in two currencies, some without an amount, one deleted, one who never did."""
    dice = random.Random(7)
    with tenant_context(alice.workspace.pk):
        ids = contacts(*(f"C{i}" for i in range(102)))
        orders = []
        for pk in ids[:101]:
            for _i in range(dice.choice((1, 1, 1, 2, 3, 5, 9))):
                amount = dice.choice((None, 0, 5, Decimal("12.50"), 99, 250))
                orders.append(
                    order(
                        pk,
                        dice.choice((0.5, 2.5, 9.5, 40.5, 99.5, 700.5)),
                        amount=amount,
                        currency=dice.choice(("EUR", "eur", "USD", None)),
                    )
                )
        Event.objects.bulk_create(orders)
        Contact.objects.filter(pk=ids[100]).update(deleted_at=NOW)
    return alice


@pytest.mark.parametrize(("by", "currency"), [("frequency", ""), ("monetary", "EUR"), ("monetary", "USD")])
def test_the_rule_of_each_cell_finds_exactly_its_contacts(shop: Actor, by: str, currency: str) -> None:
    with tenant_context(shop.workspace.pk):
        grid = rfm.grid(by, currency=currency, now=NOW)
        assert 1 < len(grid.days) <= 4
        seen: set[int] = set()
        for _score, _words, cells in grid.rows():
            for cell in cells:
                rule = tree.loads(tree.dumps(grid.rule_of(cell.recency, cell.size)))
                found = set(Contact.objects.living().filter(compiler.compile_rule(rule)).values_list("pk", flat=True))
                assert len(found) == cell.contacts, (cell, grid.name_of(cell.recency, cell.size))
                assert not seen & found
                seen |= found
        assert len(seen) == grid.total
    if by == "frequency":
        assert grid.total == 100


def test_quintiles_of_different_values_are_fifths(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        ids = contacts(*(f"C{i}" for i in range(50)))
        Event.objects.bulk_create(order(pk, i + 0.5, amount=i) for i, pk in enumerate(ids) for _n in range(i % 10 + 1))
        grid = rfm.grid("frequency", currency="", now=NOW)
        assert (len(grid.days), len(grid.sizes)) == (4, 4)
        rows = grid.rows()
        assert [sum(cell.contacts for cell in cells) for _s, _w, cells in rows] == [10] * 5
        assert [sum(cells[s].contacts for _s, _w, cells in rows) for s in range(5)] == [10] * 5
        assert [words for _s, words, _c in rows] == [
            "In the last 10 days", "10 to 20 days ago", "20 to 30 days ago", "30 to 40 days ago", "More than 40 days ago",
        ]  # fmt: skip
        assert grid.size_words(0) == "1 to 2 orders"
        assert grid.size_words(4) == "9 or more orders"
        assert sum(rfm.grid("monetary", currency="EUR", now=NOW).cells.values()) == 50


def test_equal_values_stay_together(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        ids = contacts("Ann", "Ben", "Cleo")
        Event.objects.bulk_create([order(pk, 5) for pk in ids])
        grid = rfm.grid("frequency", currency="", now=NOW)
        assert (list(grid.days), list(grid.sizes), grid.cells) == ([], [], {(0, 0): 3})
        rule = grid.rule_of(0, 0)
        assert Contact.objects.living().filter(compiler.compile_rule(rule)).count() == 3


def test_what_only_a_browser_has_told_counts_by_choice(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        ids = contacts("Ann", "Ben")
        order(ids[0], 1, site_id=1).save()
        order(ids[1], 1, site_id=1, properties={"$signed": True}).save()
        assert rfm.grid("frequency", currency="", now=NOW).total == 1
    Tenant.objects.filter(pk=alice.workspace.pk).update(count_claimed_orders=True)
    with tenant_context(alice.workspace.pk):
        assert rfm.grid("frequency", currency="", now=NOW).total == 2


def test_the_page_names_the_currency_and_opens_cells(shop: Actor, member: Any, charlie: Actor) -> None:
    page = shop.get("segments/rfm/?by=monetary")
    assert "Amounts are in EUR" in text(page)
    assert "segments/new/?rule=" in page.content.decode()
    assert "Amounts are in USD" in text(shop.get("segments/rfm/?by=monetary&currency=USD"))
    assert "Amounts are in EUR" in text(shop.get("segments/rfm/?by=monetary&currency=%27;x"))
    assert shop.get("segments/rfm/?by=nonsense").context["grid"].by == "frequency"
    assert "segments/new/" not in member("viewer").get("segments/rfm/").content.decode()
    assert "No orders yet" in text(charlie.get("segments/rfm/"))
