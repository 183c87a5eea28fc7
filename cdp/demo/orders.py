"""Made-up orders of the shop's customers over the last fifteen months, as the shop would export them. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from cdp.demo.people import Draw, person
from cdp.demo.visits import PRODUCTS

HEADER = ("Order number", "Customer number", "Order date", "Order total", "Currency", "Items")
TARGETS = {
    "Order number": "event.id", "Customer number": "external_id", "Order date": "event.time",
    "Order total": "event.amount", "Currency": "event.currency", "Items": "event.items",
}  # fmt: skip
# Of ten customers, how many orders each has made; those who order often are few.
ORDERS = (0, 0, 0, 0, 1, 1, 1, 2, 3, 7)
DAYS = 450


def rows(seed: int, *, customers: range, until: datetime) -> Iterator[list[str]]:
    """One row for each order, customer by customer. One in twelve customers pays in euros, the others in pounds."""
    for number in customers:
        draw = Draw(seed, number, 40)
        count = ORDERS[draw.below(len(ORDERS))]
        # Who orders often has ordered recently: the last order is the older the fewer there are.
        last = draw.below(DAYS // max(count, 1))
        currency = "EUR" if draw.below(12) == 0 else "GBP"
        for n in range(count):
            age = last + n * draw.below(60) + draw.below(20) if n else last
            bought = {PRODUCTS[draw.below(len(PRODUCTS))]: 1 + draw.below(8) // 6 for _ in range(1 + draw.below(3))}
            total = sum(price * pieces for (_title, _path, price), pieces in bought.items())
            at = until - timedelta(days=age, minutes=1 + draw.below(1_400))
            items = " | ".join(f"{title} x{pieces}" for (title, _path, _price), pieces in bought.items())
            yield [
                f"A-{number:05}-{n + 1}", person(number, seed).external_id, f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{total:.2f}",
                currency, items,
            ]  # fmt: skip
