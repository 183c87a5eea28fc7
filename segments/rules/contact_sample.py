"""Some contacts of a workspace, chosen evenly over their IDs: figures about all of them are estimated from these."""

from dataclasses import dataclass

from contacts import figures_cache
from contacts.listing import status_filters
from tenants.isolation import statements

SIZE = 6_000
KEPT_SECONDS = 600

# IDs of every so many contacts: a prime leaves no pattern in which contacts were made.
EVERY = "SELECT c.id FROM contact c WHERE c.tenant_id = %(tenant)s AND c.id %% %(step)s = 0 ORDER BY c.id"


@dataclass(frozen=True)
class Sample:
    """IDs of contacts, deleted ones among them, and how many contacts each of them stands for."""

    ids: list[int]
    step: int


def sample() -> Sample | None:
    """Those of the current workspace; None where it has so few contacts that they can all be asked."""
    total = status_filters.total()
    if total < SIZE * 5:
        return None
    step = _prime(total // SIZE)
    ids = figures_cache.recent(f"sample.{step}", lambda: _every(step), seconds=KEPT_SECONDS)
    return Sample(ids, step) if ids else None


def _every(step: int) -> list[int]:
    return [row[0] for row in statements.fetch(EVERY, step=step)]


def _prime(least: int) -> int:
    """The first prime that is no less."""
    number = max(least, 2)
    while any(number % divisor == 0 for divisor in range(2, int(number**0.5) + 1)):
        number += 1
    return number
