"""Which visitors have seen which pages."""

from dataclasses import replace

import pytest

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
