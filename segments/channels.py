"""How many contacts of a segment may be written to, by channel: an address or a number alone is not enough."""

from dataclasses import dataclass

from contacts import figures_cache
from contacts.listing import status_filters
from contacts.listing.status_filters import StatusCount
from segments import membership
from segments.models import Segment

# So long an answer counts.
SECONDS = 20


@dataclass(frozen=True)
class Channels:
    """Contacts that may be written to by e-mail, by phone, by both, and by neither; of all of them."""

    total: int
    email: int
    phone: int
    both: int

    @property
    def neither(self) -> int:
        return self.total - self.email - self.phone + self.both


def of_segment(segment: Segment) -> Channels:
    """The figures of a segment, at most some seconds old."""
    name = f"channels.{segment.pk}"
    cells = figures_cache.figures(name, lambda: _cells(segment), while_writing=SECONDS, otherwise=SECONDS)
    return of_cells([StatusCount(*cell) for cell in cells])


def _cells(segment: Segment) -> list[tuple[bool, str | None, str | None, int]]:
    return status_filters.tally(membership.contacts(segment))


def of_cells(cells: list[StatusCount]) -> Channels:
    """The figures of cells of contacts (contacts.listing.status_filters)."""
    return Channels(
        total=sum(cell.contacts for cell in cells),
        email=sum(cell.contacts for cell in cells if cell.email == "active"),
        phone=sum(cell.contacts for cell in cells if cell.phone == "active"),
        both=sum(cell.contacts for cell in cells if cell.email == "active" and cell.phone == "active"),
    )
