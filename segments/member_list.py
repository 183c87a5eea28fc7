"""Which members of a segment its page shows: search, order, keyset pages in one direction.

A page begins behind the value in the column that sorts and the ID of the last contact before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q

from contacts.listing import search_box
from contacts.models import Contact
from core import keyset
from core.parse import parse_id, parse_moment
from segments import member_edits, membership
from segments.models import Member, Segment

PAGE = 50
# Memberships that are read at once to fill a page by time: some of their contacts may be deleted.
LOOK = 2 * PAGE
# A search that finds more is told as "more than".
COUNTED = 10_000


@dataclass(frozen=True)
class Order:
    """One way to sort: by a column that may be empty; `down`: the largest first."""

    label: str
    column: str | None
    down: bool = False


ORDERS = {
    "": Order("Oldest contacts first", None),
    "-id": Order("Newest contacts first", None, True),
    "name": Order("Name, A to Z", "last_key"),
    "-name": Order("Name, Z to A", "last_key", True),
    "email": Order("E-mail, A to Z", "email"),
    "-email": Order("E-mail, Z to A", "email", True),
    "-added": Order("Added last", "added_at", True),
    "added": Order("Added first", "added_at"),
}


@dataclass(frozen=True)
class MemberQuery:
    """What the list of members is asked for. What makes no sense is left out."""

    q: str = ""
    order: str = ""
    after: str = ""
    region: str | None = field(default=None, compare=False)

    @classmethod
    def of(cls, given: Mapping[str, str], *, region: str | None) -> "MemberQuery":
        order = given.get("order", "")
        return cls(
            q=given.get("q", "").replace("\x00", "").strip()[:200],
            order=order if order in ORDERS else "",
            after=given.get("after", ""),
            region=region,
        )

    def link(self, **other: str) -> str:
        """The address of the list with something else; a change begins at the first page again."""
        asked = {"q": self.q, "order": self.order, **other}
        return "?" + urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True)
class MemberPage:
    """Contacts in the order asked for, each with the time at which it was added (None: not stored); the key of the next
    page (None: there is none)."""

    rows: list[tuple[Contact, datetime | None]]
    after: str | None


def found(segment: Segment, query: MemberQuery) -> Any:
    """The members that the search means, in no order."""
    members = membership.contacts(segment)
    return members.filter(search_box.condition(query.q, region=query.region)) if query.q else members


def size(segment: Segment) -> int:
    """How many living contacts are in a segment."""
    if segment.rule is None:
        return member_edits.sizes([segment.pk]).get(segment.pk, 0)
    return segment.size if is_stored(segment) else int(membership.contacts(segment).count())


def count(segment: Segment, query: MemberQuery) -> tuple[int, bool]:
    """(how many members the search means, whether there are more): exact but for very many."""
    counted = found(segment, query).order_by()[: COUNTED + 1].count()
    return min(counted, COUNTED), counted > COUNTED


def page(segment: Segment, query: MemberQuery) -> MemberPage:
    """The page behind `after`. Contacts without a value in the column that sorts come last in both directions."""
    order = ORDERS[query.order]
    behind = _key(query.after, order)
    rows: list[Contact] = []
    if order.column == "added_at" and is_stored(segment):
        rows = _by_time(segment, query, behind, down=order.down)
    else:
        for zone, by in _zones(found(segment, query), order, behind):
            rows += zone.order_by(*by)[: PAGE + 1 - len(rows)]
    more, rows = len(rows) > PAGE, rows[:PAGE]
    times = _times(segment, rows)
    return MemberPage(
        [(contact, times.get(contact.pk)) for contact in rows], _name(rows[-1], order, times) if more else None
    )


def _zones(members: Any, order: Order, behind: tuple[Any, int] | None) -> list[tuple[Any, list[str]]]:
    """The parts of the list that follow each other, each with its order: with a value, and then without."""
    sign = "-" if order.down else ""
    if order.column in (None, "added_at"):
        start = keyset.beyond(None, None, behind[1], down=order.down) if behind else Q()
        return [(members.filter(start), [f"{sign}pk"])]
    by = [f"{sign}{order.column}", f"{sign}pk"]
    with_value = members.filter(**{f"{order.column}__isnull": False})
    without = members.filter(**{f"{order.column}__isnull": True})
    if behind is None:
        return [(with_value, by), (without, [f"{sign}pk"])]
    value, pk = behind
    if value is None:
        return [(without.filter(keyset.beyond(None, None, pk, down=order.down)), [f"{sign}pk"])]
    rest = with_value.filter(keyset.beyond(order.column, value, pk, down=order.down))
    return [(rest, by), (without, [f"{sign}pk"])]


def is_stored(segment: Segment) -> bool:
    """Whether the members of a segment are stored: not those of a dynamic one that has not been built yet."""
    return segment.rule is None or segment.refreshed_at is not None


def _by_time(segment: Segment, query: MemberQuery, behind: tuple[Any, int] | None, *, down: bool) -> list[Contact]:
    """One contact more than a page has, by the time at which they were added. Memberships are sorted alone, and contacts
    looked up for a page at a time: to join all of them first would take seconds for a million."""
    sign, rows = "-" if down else "", list[Contact]()
    behind = behind if behind and behind[0] is not None else None
    members = Member.objects.filter(segment_id=segment.pk)
    if query.q:
        wanted = Contact.objects.filter(search_box.condition(query.q, region=query.region))
        members = members.filter(contact_id__in=wanted.values("pk"))
    while len(rows) <= PAGE:
        rest = members.filter(keyset.beyond("added_at", *behind, key="contact_id", down=down)) if behind else members
        next_ = list(rest.order_by(f"{sign}added_at", f"{sign}contact_id").values_list("added_at", "contact_id")[:LOOK])
        living = Contact.objects.living().in_bulk([pk for _at, pk in next_])
        rows += [living[pk] for _at, pk in next_ if pk in living]
        if len(next_) < LOOK:
            break
        behind = next_[-1]
    return rows[: PAGE + 1]


def _times(segment: Segment, contacts: list[Contact]) -> dict[int, datetime]:
    """Contact → when it was added to the segment."""
    own = Member.objects.filter(segment_id=segment.pk, contact_id__in=[c.pk for c in contacts])
    return dict(own.values_list("contact_id", "added_at"))


def _name(contact: Contact, order: Order, times: Mapping[int, datetime]) -> str:
    """The place of a contact in an order."""
    if order.column is None:
        return str(contact.pk)
    if order.column == "added_at":
        added_at = times.get(contact.pk)
        return f"{contact.pk}_{added_at.isoformat() if added_at else ''}"
    value = getattr(contact, order.column)
    return f"{contact.pk}_" if value is None else f"{contact.pk}_={value}"


def _key(text: str, order: Order) -> tuple[Any, int] | None:
    """The value and the ID that a page begins behind; None: at the beginning, as for a key that cannot be read."""
    number, sep, rest = text.replace("\x00", "").partition("_")
    pk = parse_id(number)
    if pk is None or (order.column is not None and not sep):
        return None
    if order.column is None or not rest:
        return None, pk
    if order.column == "added_at":
        at = parse_moment(rest)
        return (at, pk) if at is not None else None
    return (rest[1:320], pk) if rest.startswith("=") else None


def heads(query: MemberQuery) -> list[dict[str, str]]:
    """The heads of the sortable columns: label, address, direction, class."""
    columns = [("name", "Name, ID", "col-30"), ("email", "E-mail", "col-30"), ("added", "Added", "")]
    return [
        {
            "key": key,
            "label": label,
            "css": css,
            "url": query.link(order=f"-{key}" if query.order == key else key),
            "sorted": {f"-{key}": "descending", key: "ascending"}.get(query.order, ""),
        }
        for key, label, css in columns
    ]
