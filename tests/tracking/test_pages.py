"""Which visitors have seen which pages."""

import threading
from dataclasses import replace

import pytest
from django.db import connection

from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.tracking.helpers import device, hit, site_of, stored, visitor
from tracking import pages
from tracking.models import Page, PageVisitor


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://Shop.example/boots?color=red#top", ("shop.example", "/boots")),
        ("http://shop.example:8080", ("shop.example:8080", "/")),
        ("https://shop.example/a/b/", ("shop.example", "/a/b/")),
        ("https://shop.example/" + "x" * 400, ("shop.example", "/" + "x" * 299)),
        ("https://[broken", None),
        ("about:blank", None),
        ("", None),
        (None, None),
    ],
)
def test_the_address_of_a_page(url: str | None, address: pages.Address | None) -> None:
    assert pages.address(url) == address


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("/cart", ("", "/cart")),
        ("shop.example", ("shop.example", "")),
        ("Shop.example/Cart", ("shop.example", "/Cart")),
        (" https://shop.example/cart?x=1#y ", ("shop.example", "/cart")),
        ("https://", None),
        ("\x00", None),
        ("", None),
    ],
)
def test_what_somebody_types(typed: str, wanted: pages.Address | None) -> None:
    assert pages.typed_address(typed) == wanted


def test_each_page_of_a_visitor_is_remembered_once(tenant: Tenant) -> None:
    site, one, two = site_of(tenant), device(), device()
    boots = replace(hit(one), url="https://shop.example/boots?color=red")
    stored(site, boots, replace(boots, url="https://shop.example/boots"), replace(boots, device=two), hit(one))
    stored(site, boots, hit(one, "identify", email="anna@example.com"), replace(boots, url=None))
    with tenant_context(tenant.pk):
        seen = {(p.host, p.path): p.pk for p in Page.objects.all()}
        pairs = sorted(PageVisitor.objects.values_list("page_id", "visitor_id"))
    assert sorted(seen) == [("shop.example", "/"), ("shop.example", "/boots")]
    own = {on: visitor(tenant, on).pk for on in (one, two)}
    boots_id, root = seen["shop.example", "/boots"], seen["shop.example", "/"]
    assert pairs == sorted([(boots_id, own[one]), (boots_id, own[two]), (root, own[one])])


def test_forgetting_leaves_the_pages_of_others(tenant: Tenant) -> None:
    site, one, two = site_of(tenant), device(), device()
    stored(site, hit(one), replace(hit(one), url="https://shop.example/mine"), hit(two))
    with tenant_context(tenant.pk):
        pages.forget([visitor(tenant, one).pk])
        assert list(Page.objects.values_list("path", flat=True)) == ["/"]
        assert list(PageVisitor.objects.values_list("visitor_id", flat=True)) == [visitor(tenant, two).pk]
    stored(site, replace(hit(two), url="https://shop.example/mine"))
    with tenant_context(tenant.pk):
        assert PageVisitor.objects.count() == 2


def test_a_batch_that_waited_for_a_page_that_is_forgotten_makes_it_again(tenant: Tenant) -> None:
    """Forgetting has deleted the page and not yet committed, while a batch is about to note that somebody saw it."""
    site, one, two = site_of(tenant), device(), device()
    stored(site, hit(one))
    stored(site, replace(hit(two), url="https://shop.example/other"))
    first, second = visitor(tenant, one).pk, visitor(tenant, two).pk
    forgotten, go_on = threading.Event(), threading.Event()

    def forget() -> None:
        with tenant_context(tenant.pk):
            pages.forget([first])
            forgotten.set()
            assert go_on.wait(10)
        connection.close()

    def note() -> None:
        with tenant_context(tenant.pk):
            go_on.set()
            pages.note([(second, ("shop.example", "/"))])  # waits for the other
        connection.close()

    threads = [threading.Thread(target=forget), threading.Thread(target=note)]
    threads[0].start()
    assert forgotten.wait(10)
    threads[1].start()
    for thread in threads:
        thread.join()
    with tenant_context(tenant.pk):
        again = Page.objects.get(path="/").pk
        assert PageVisitor.objects.filter(page_id=again, visitor_id=second).exists()
