"""How far somebody came on the way from a visit to an order (docs/visitors.md)."""

from django.db import models


class Stage(models.IntegerChoices):
    """The stages of the funnel; the furthest that a visitor has reached counts."""

    VISITOR = 0, "Visitor"
    PRODUCT = 1, "Viewed product"
    CART = 2, "Abandoned cart"
    CONVERTED = 3, "Converted"


# Names under which shops and their plugins report a product or a cart, as `_plain` writes them.
NAMES = {
    Stage.PRODUCT: (
        "viewed product", "product viewed", "product view", "view product", "view item", "viewed item", "product",
        "view content", "product detail",
    ),
    Stage.CART: (
        "added to cart", "add to cart", "product added", "cart", "cart updated", "added to basket", "add to basket",
        "basket", "checkout started", "started checkout", "begin checkout", "initiate checkout",
    ),
    Stage.CONVERTED: ("order completed", "order placed", "placed order", "purchase", "purchased", "completed order"),
}  # fmt: skip
_STAGES = {name: stage for stage, names in NAMES.items() for name in names}


def stage_of(kind: str, name: str | None) -> Stage:
    """The stage that a hit shows: an order by its kind, a `track` by its name, anything else none."""
    if kind == "order":
        return Stage.CONVERTED
    return _STAGES.get(_plain(name), Stage.VISITOR) if kind == "track" and name else Stage.VISITOR


def _plain(name: str) -> str:
    """`Added to cart`, `add_to_cart`, `AddToCart` → words in lower case with one space between them."""
    apart = "".join(f" {c}" if c.isupper() and i and name[i - 1].islower() else c for i, c in enumerate(name))
    return " ".join(apart.replace("_", " ").replace("-", " ").replace(".", " ").lower().split())
