"""Made-up visits to a made-up shop: what the pixel of the demo's site has seen in the last thirty days. Pure."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cdp.demo.people import Draw, Person, person
from tracking.pixel.hits import Hit, campaign

SHOP = "https://shop.nordvik-outdoor.example"
PRODUCTS = (
    ("Trail jacket", "trail-jacket", 129.0),
    ("Two-person tent", "two-person-tent", 219.0),
    ("Merino base layer", "merino-base-layer", 64.5),
    ("Hiking boots", "hiking-boots", 149.0),
    ("Down sleeping bag", "down-sleeping-bag", 189.0),
    ("Trekking poles", "trekking-poles", 59.9),
    ("Head torch", "head-torch", 34.9),
    ("45 l backpack", "backpack-45", 139.0),
)
CAMPAIGNS = ("", "", "", "?utm_source=newsletter&utm_campaign=autumn", "?utm_source=ads&utm_campaign=boots")
REFERRERS = (None, None, "https://search.example/", "https://blog.example.org/best-tents")
DAY = 86_400
NAMESPACE = uuid.UUID("5c0c7a52-6f0e-4c57-9b1d-2f1a8f3f0b11")


@dataclass(frozen=True)
class Seen:
    """A hit and its age in seconds."""

    age: float
    hit: Hit


def hits(visitors: int, seed: int, *, known: range, coming: range) -> list[Seen]:
    """All hits of so many visitors, the oldest first.

    A fifth of them name themselves as people of `known`, a fifth as people of `coming`, by one of three identifiers;
    the rest stay anonymous.
    """
    seen: list[Seen] = []
    for n in range(visitors):
        draw = Draw(seed, n, 30)
        who = (known, coming, None, None, None)[n % 5]
        named = person(who[draw.below(len(who))], seed) if who else None
        seen += _visits(str(uuid.uuid5(NAMESPACE, f"{seed} {n}")), draw, named)
    return sorted(seen, key=lambda s: -s.age)


def shared(seed: int, *, known: range) -> list[Seen]:
    """Visits on computers of two people each: one form has the e-mail of one and the phone of the other."""
    seen: list[Seen] = []
    for n, (one, other) in enumerate(zip(known[::2], known[1::2], strict=True)):
        draw, device = Draw(seed, n, 31), str(uuid.uuid5(NAMESPACE, f"{seed} shared {n}"))
        age = float(draw.below(5 * DAY) + DAY)
        seen += _visit(device, draw, age, None)
        both = {"email": person(one, seed).email, "phone": person(other, seed).phone}
        seen.append(Seen(age - 400, Hit(device, "identify", None, f"{SHOP}/checkout", "Checkout", None, {}, both)))
    return sorted(seen, key=lambda s: -s.age)


def now(seed: int) -> list[Seen]:
    """Visits of the last minutes, without a name."""
    seen: list[Seen] = []
    for n in range(3):
        draw = Draw(seed, n, 32)
        seen += _visit(str(uuid.uuid5(NAMESPACE, f"{seed} now {n}")), draw, 600.0 + draw.below(300), None)
    return sorted(seen, key=lambda s: -s.age)


def _visits(device: str, draw: Draw, who: Person | None) -> Iterator[Seen]:
    visits = 1 + draw.below(4)
    ages = sorted((draw.below(30 * DAY) + DAY // 2 for _ in range(visits)), reverse=True)
    for no, age in enumerate(ages):
        # They give their name on the last visit, so that what they did before is found out later.
        yield from _visit(device, draw, age, who if no == visits - 1 else None)


def _visit(device: str, draw: Draw, age: float, who: Person | None) -> Iterator[Seen]:
    referrer = REFERRERS[draw.below(len(REFERRERS))]
    yield Seen(age, _hit(device, "page", f"/{CAMPAIGNS[draw.below(len(CAMPAIGNS))]}", "Nordvik Outdoor", referrer))
    for _ in range(1 + draw.below(3)):
        age -= 20 + draw.below(120)
        title, path, price = PRODUCTS[draw.below(len(PRODUCTS))]
        product = {"product": title, "price": price, "currency": "GBP"}
        yield Seen(age, _hit(device, "page", f"/p/{path}", title))
        yield Seen(age - 1, _hit(device, "track", f"/p/{path}", title, name="Product viewed", properties=product))
        if draw.below(3) == 0:
            yield Seen(age - 15, _hit(device, "track", f"/p/{path}", title, name="Added to cart", properties=product))
    if who:
        yield Seen(age - 60, _named(device, who, draw))
        if draw.below(2):
            order = {"order_id": f"N-{who.number + 10_000}", "amount": price, "currency": "GBP", "items": [product]}
            yield Seen(age - 90, _hit(device, "order", "/thank-you", "Thank you", properties=order))


def _named(device: str, who: Person, draw: Draw) -> Hit:
    names = {"email": who.email, "phone": who.phone, "external_id": who.external_id}
    kind = ("email", "email", "phone", "external_id")[draw.below(4)]
    return Hit(device, "identify", None, f"{SHOP}/account", "Your account", None, {}, {kind: names[kind]})


def _hit(
    device: str,
    kind: str,
    path: str,
    title: str,
    referrer: str | None = None,
    *,
    name: str | None = None,
    properties: dict[str, Any] | None = None,
) -> Hit:
    told = campaign(SHOP + path, referrer) if kind == "page" else {}
    return Hit(device, kind, name, SHOP + path, title, referrer, told | (properties or {}), {})
