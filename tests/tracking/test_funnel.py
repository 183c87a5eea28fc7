"""How far a visitor came: names of shops and plugins, and what a visitor that did several things has reached."""

import pytest

from tenants.models import Tenant
from tests.tracking.helpers import device, hit, site_of, stored, visitor
from tracking.funnel import NAMES, Stage, stage_of


@pytest.mark.parametrize(
    ("kind", "name", "stage"),
    [
        ("page", None, Stage.VISITOR),
        ("page", "Added to cart", Stage.VISITOR),  # a view is a view, however it is called
        ("identify", None, Stage.VISITOR),
        ("order", None, Stage.CONVERTED),
        ("order", "N-1", Stage.CONVERTED),
        ("track", "Signed up", Stage.VISITOR),
        ("track", None, Stage.VISITOR),
        ("track", "Viewed product", Stage.PRODUCT),
        ("track", "product_viewed", Stage.PRODUCT),
        ("track", "view_item", Stage.PRODUCT),
        ("track", "ViewContent", Stage.PRODUCT),
        ("track", "Added to cart", Stage.CART),
        ("track", "add_to_cart", Stage.CART),
        ("track", "AddToCart", Stage.CART),
        ("track", "  ADD-TO-CART ", Stage.CART),
        ("track", "cart", Stage.CART),
        ("track", "Order Completed", Stage.CONVERTED),
        ("track", "cartoon", Stage.VISITOR),
    ],
)
def test_the_stage_of_a_hit(kind: str, name: str | None, stage: Stage) -> None:
    assert stage_of(kind, name) == stage


def test_no_name_means_two_stages() -> None:
    every = [name for names in NAMES.values() for name in names]
    assert len(every) == len(set(every))


def test_the_furthest_stage_counts_and_stays(tenant: Tenant) -> None:
    site, on = site_of(tenant), device()
    stored(site, hit(on, "track", name="Added to cart"), hit(on, "track", name="Viewed product"), hit(on))
    assert visitor(tenant, on).stage == Stage.CART
    stored(site, hit(on, "order"))
    stored(site, hit(on, "track", name="Viewed product"))
    assert visitor(tenant, on).stage == Stage.CONVERTED
