"""Some contacts of a workspace, chosen evenly over their IDs: figures about all of them are estimated from these."""

from dataclasses import dataclass

from contacts import figures_cache
from contacts.listing import status_filters
from contacts.listing.status_filters import FILTERS, StatusCount
from tenants.isolation import statements

SIZE = 6_000
KEPT_SECONDS = 600
# How long the number of very many contacts counts: to count them anew at each change would take longer than all the rest.
TOTAL_SECONDS = 60

# IDs of every so many contacts: a prime leaves no pattern in which contacts were made.
EVERY = "SELECT c.id FROM contact c WHERE c.tenant_id = %(tenant)s AND c.id %% %(step)s = 0 ORDER BY c.id"


@dataclass(frozen=True)
class Sample:
    """IDs of contacts, and how many contacts each of them stands for."""

    ids: list[int]
    step: int


def total(*, deleted: bool = False) -> int:
    """How many contacts the workspace has, living or deleted; of very many as it was in the last minute."""
    recent = figures_cache.recent("total", status_filters.cells, seconds=TOTAL_SECONDS)
    cells = status_filters.cells() if _few(recent) else recent
    return status_filters.count(cells, FILTERS[""], deleted=deleted)


def sample(*, deleted: bool = False) -> Sample | None:
    """A sample of the living, or of the deleted, contacts of the current workspace, with some others among them; None where
    there are so few that they can all be asked."""
    number = total(deleted=deleted)
    if number < SIZE * 5:
        return None
    step = _prime(number // SIZE)
    ids = figures_cache.recent(f"sample.{step}", lambda: _every(step), seconds=KEPT_SECONDS)
    return Sample(ids, step) if ids else None


def rounded(number: int) -> int:
    """An estimate with no more digits than it is worth: two."""
    return int(round(number, min(0, 2 - len(str(number)))))


def _few(cells: list[StatusCount]) -> bool:
    return sum(cell.contacts for cell in cells) < SIZE * 5


def _every(step: int) -> list[int]:
    return [row[0] for row in statements.fetch(EVERY, step=step)]


def _prime(least: int) -> int:
    """The first prime that is no less."""
    number = max(least, 2)
    while any(number % divisor == 0 for divisor in range(2, int(number**0.5) + 1)):
        number += 1
    return number
