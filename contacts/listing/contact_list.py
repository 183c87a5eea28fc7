"""Which contacts a list shows, in which order, page by page in both directions. Asked by the page, exports and selections.

A page begins behind, or ends before, a key of the form `id` or `id_time`: however far somebody turns, a page costs the same.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Q

from contacts import change_log, figures_cache
from contacts.listing import rule_filter, search_box, status_filters
from contacts.listing.status_filters import FILTERS, StatusFilter
from contacts.models import Contact
from core import keyset
from core.parse import parse_id, parse_moment

SIZES = (25, 50, 100, 200)
SIZE = 50
# A search that finds more is told as "more than": counting all of them would take longer than finding them.
COUNTED = 10_000
# A smart search that finds so few is looked for once: its page and its total are those contacts.
FEW = 500
# How long an answer counts: as long as somebody turns pages.
RULE_SECONDS = 30
# The ID of a contact, and its value in the column that sorts: a time, a rating, or nothing.
Key = tuple[int, datetime | int | None]


@dataclass(frozen=True)
class Order:
    """One way to sort: by `column` (None: by the order in which contacts were made, which is that of their IDs)."""

    label: str
    column: str | None
    down: bool


LIVING_ORDERS = {
    "-created": Order("Created, newest first", None, True),
    "created": Order("Created, oldest first", None, False),
    "-changed": Order("Changed, newest first", "changed_at", True),
    "changed": Order("Changed, oldest first", "changed_at", False),
    "-rating": Order("E-mail rating, best first", "rating", True),
    "rating": Order("E-mail rating, lowest first", "rating", False),
}
DELETED_ORDERS = {
    "-deleted": Order("Deleted, newest first", "deleted_at", True),
    "deleted": Order("Deleted, oldest first", "deleted_at", False),
    "-created": LIVING_ORDERS["-created"],
    "created": LIVING_ORDERS["created"],
}


@dataclass(frozen=True)
class ListQuery:
    """What a list is asked for. What makes no sense is left out: an unknown filter means all, a bad key the first page."""

    deleted: bool = False
    status: str = ""
    q: str = ""
    rule: str = ""
    order: str = ""
    size: int = SIZE
    after: str = ""
    before: str = ""
    region: str | None = field(default=None, compare=False)

    @classmethod
    def of(cls, given: Mapping[str, str], *, region: str | None) -> Self:
        deleted = given.get("show", "") == "deleted"
        orders = DELETED_ORDERS if deleted else LIVING_ORDERS
        status, order, size = given.get("status", ""), given.get("order", ""), given.get("size", "")
        return cls(
            deleted=deleted,
            status=status if status in FILTERS else "",
            q=given.get("q", "").replace("\x00", "").strip()[:200],
            rule=given.get("rule", "").strip()[: rule_filter.MAX_LENGTH],
            order=order if order in orders else next(iter(orders)),
            size=int(size) if size in map(str, SIZES) else SIZE,
            after=given.get("after", ""),
            before=given.get("before", ""),
            region=region,
        )

    @property
    def orders(self) -> dict[str, Order]:
        return DELETED_ORDERS if self.deleted else LIVING_ORDERS

    @property
    def filter(self) -> StatusFilter:
        return FILTERS[self.status]

    @property
    def rule_q(self) -> Q:
        """The contacts that the rule means."""
        return self._compiled[0]

    @property
    def rule_phrases(self) -> list[str]:
        """The rule in words, part by part; empty when it cannot be read."""
        return self._compiled[1]

    @cached_property
    def _compiled(self) -> tuple[Q, list[str]]:
        return rule_filter.compiled(self.rule)

    def selection(self) -> dict[str, str]:
        """What says who is asked for, without order and page: as a bulk action keeps it."""
        return {"show": "deleted" if self.deleted else "", "status": self.status, "q": self.q, "rule": self.rule}

    def querystring(self, **changed: str | int) -> str:
        """The part of an address behind the question mark; a change begins at the first page again."""
        values: dict[str, Any] = {
            "show": "deleted" if self.deleted else "",
            "status": self.status,
            "q": self.q,
            "rule": self.rule,
            "order": self.order,
            "size": self.size,
            **changed,
        }
        if values["show"] != ("deleted" if self.deleted else ""):
            values["order"] = ""  # the lists have orders of their own
        if values["order"] == next(iter(self.orders)):
            values["order"] = ""
        if values["size"] == SIZE:
            values["size"] = ""
        return urlencode({name: value for name, value in values.items() if value})


def matching(query: ListQuery) -> Any:
    """The contacts that are asked for, in no order."""
    return _of_status(query, query.filter)


def _of_status(query: ListQuery, wanted: StatusFilter) -> Any:
    contacts = _meant(query).filter(status_filters.where(wanted))
    if query.deleted:
        return contacts.exclude(deleted_at=None)
    return contacts if wanted.with_deleted else contacts.filter(deleted_at=None)


def _meant(query: ListQuery) -> Any:
    """Whom the search box and the rule mean, whatever their status, the deleted among them."""
    return Contact.objects.filter(search_box.condition(query.q, region=query.region), query.rule_q)


def counts(query: ListQuery) -> tuple[list[status_filters.StatusCount], bool]:
    """(how many of those that the search means there are of each status, whether there are more than were counted)."""
    if not query.q and not query.rule:
        return status_filters.cells(), False
    cells, more = figures_cache.figures(
        figures_cache.digest("counts", query.q, query.rule, query.region), lambda: _counts(query), while_writing=5,
        otherwise=RULE_SECONDS,
    )  # fmt: skip
    return [status_filters.StatusCount(*cell) for cell in cells], more


def _counts(query: ListQuery) -> tuple[list[tuple[Any, ...]], bool]:
    if query.rule:  # a rule looks at everybody anyway
        return status_filters.tally(_meant(query)), False
    each = list(status_filters.kinds(_meant(query))[: COUNTED + 1])
    counter = Counter(each[:COUNTED])
    return [(*kind, contacts) for kind, contacts in counter.items()], len(each) > COUNTED


def over(query: ListQuery) -> int:
    """How many of those that a search means are over the limit of the plan: exact but for very many."""
    return int(_of_status(query, FILTERS["email.over"]).order_by()[: COUNTED + 1].count())


@dataclass(frozen=True)
class Page:
    """Contacts in the order asked for, with the keys of the pages around them (None: there is none)."""

    contacts: list[Contact]
    newer: str | None
    older: str | None


@dataclass(frozen=True)
class ListPage:
    """What a smart search finds: how many contacts, and which ones where they are few."""

    total: int
    ids: list[int] | None


def cached_rule_result(query: ListQuery) -> ListPage | None:
    """What the rule of a list finds; None without one. It means to look at everybody, which the page and the total should
    not do each, nor the next page again: an answer counts for some seconds, as the rule may ask for more than contacts."""
    if not query.rule:
        return None
    name = figures_cache.digest("rule", query.deleted, query.status, query.q, query.rule, query.region)
    return ListPage(*figures_cache.figures(name, lambda: _find(query), while_writing=5, otherwise=RULE_SECONDS))


def _find(query: ListQuery) -> tuple[int, list[int] | None]:
    ids = list(matching(query).order_by().values_list("pk", flat=True)[: FEW + 1])
    return (len(ids), ids) if len(ids) <= FEW else (matching(query).order_by().count(), None)


def page(query: ListQuery, cached: ListPage | None = None) -> Page:
    """The page behind `after`, or the one before `before`; the first one without either. `found`: what `cached_rule_result`
    says."""
    order = query.orders[query.order]
    after, before = _key(query.after, order), _key(query.before, order)
    backwards = before is not None and after is None
    ids = cached.ids if cached else None
    rows = _rows(query, order, before if backwards else after, ids, down=order.down is not backwards)
    more, rows = len(rows) > query.size, rows[: query.size]
    if backwards:
        rows.reverse()
    if not rows:
        return Page([], None, None)
    has_newer, has_older = (more, True) if backwards else (after is not None, more)
    return Page(rows, key(rows[0], order) if has_newer else None, key(rows[-1], order) if has_older else None)


def _rows(query: ListQuery, order: Order, behind: Key | None, ids: list[int] | None, *, down: bool) -> list[Contact]:
    """One contact more than a page has. By change, what is not rare is met on the way through the order of changes."""
    wanted = matching(query) if ids is None else Contact.objects.filter(pk__in=ids)
    if order.column == "changed_at" and ids is None and not query.q and not query.filter.few:
        start = (behind[1], behind[0]) if behind and isinstance(behind[1], datetime) else None
        with suppress(change_log.ScanLimitReached):
            return change_log.in_order(wanted, newest_first=down, after=start, count=query.size + 1)
    if order.column == "rating":
        return _by_rating(wanted, behind, down=down, count=query.size + 1)
    sign = "-" if down else ""
    by = [f"{sign}{name}" for name in (order.column, "pk") if name]
    return list(wanted.filter(_beyond(behind, order, down=down)).order_by(*by)[: query.size + 1])


def _by_rating(wanted: Any, behind: Key | None, *, down: bool, count: int) -> list[Contact]:
    """Rated contacts by an index of their own, the best first or last; those without a rating count as less than all."""
    sign = "-" if down else ""
    rated = (wanted.exclude(rating=None), [f"{sign}rating", f"{sign}pk"], Order("", "rating", down))
    others = (wanted.filter(rating=None), [f"{sign}pk"], Order("", None, down))
    entries: list[Contact] = []
    zones = [rated, others] if down else [others, rated]
    if behind is not None and (behind[1] is None) == (zones[0] is rated):
        zones = zones[1:]
    for contacts, by, order in zones:
        entries += contacts.filter(_beyond(behind, order, down=down)).order_by(*by)[: count - len(entries)]
        behind = None  # the next zone begins at its beginning
    return entries


def _beyond(behind: Key | None, order: Order, *, down: bool) -> Q:
    return keyset.beyond(order.column, behind[1], behind[0], down=down) if behind else Q()


def key(contact: Contact, order: Order) -> str:
    """The place of a contact in an order."""
    if not order.column:
        return str(contact.pk)
    value = getattr(contact, order.column)
    return f"{contact.pk}_{value.isoformat() if isinstance(value, datetime) else value or 0}"


def is_key(text: str, order: Order) -> bool:
    """Whether a text is a place in an order."""
    return _key(text, order) is not None


def _key(text: str, order: Order) -> Key | None:
    number, _sep, time = text.partition("_")
    pk = parse_id(number)
    if pk is None:
        return None
    if order.column == "rating":
        return (pk, int(time) or None) if time.isascii() and time.isdigit() and len(time) == 1 else None
    at = parse_moment(time) if order.column else None
    return None if order.column and at is None else (pk, at)


def total(
    query: ListQuery, cells: list[status_filters.StatusCount], cached: ListPage | None = None, *, more: bool = False
) -> tuple[int, bool]:
    """(contacts that are asked for, whether there are more): exact but for a search that finds very many. `cells`, `more`:
    what `counts` says."""
    if cached is not None:
        return cached.total, False
    if not more and not (query.q and query.filter.over):
        return status_filters.count(cells, query.filter, deleted=query.deleted), False
    counted = matching(query).order_by()[: COUNTED + 1].count()
    return min(counted, COUNTED), counted > COUNTED
