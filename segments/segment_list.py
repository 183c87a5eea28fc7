"""Which segments the list shows, and in which order."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from core.table_heads import sortable
from segments import member_edits, usage
from segments.models import Segment, SegmentState
from segments.usage import Use

MOST = 500
KINDS = {"static": "Static", "dynamic": "Dynamic"}
# What the list can be sorted by → the key of a row.
ORDERS = {
    "name": lambda row: row.segment.name.casefold(),
    "size": lambda row: row.size or 0,
    "uses": lambda row: len(row.uses),
    "created": lambda row: row.segment.pk,
}


@dataclass(frozen=True)
class SegmentListQuery:
    """What a list is asked for. What makes no sense is left out."""

    q: str = ""
    kind: str = ""
    state: str = ""
    order: str = "name"
    show: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "SegmentListQuery":
        order = given.get("order", "")
        return cls(
            q=given.get("q", "").replace("\x00", "").strip()[:100],
            kind=given.get("kind", "") if given.get("kind") in KINDS else "",
            state=given.get("state", "") if given.get("state") in SegmentState.values else "",
            order=order if order.removeprefix("-") in ORDERS else "name",
            show="deleted" if given.get("show") == "deleted" else "",
        )

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.kind or self.state)

    def link(self, **other: str) -> str:
        """The address of the same list with something else, without what is usual."""
        asked = {**asdict(self), **other}
        return "?" + urlencode({k: v for k, v in asked.items() if v and (k, v) != ("order", "name")})


@dataclass(frozen=True)
class Row:
    """One segment with its size (of a dynamic one as its last refresh counted it; None: not counted yet) and what uses
    it."""

    segment: Segment
    size: int | None
    uses: list[Use]


def rows(query: SegmentListQuery) -> list[Row]:
    """The segments that are asked for, in order, at most MOST."""
    segments = list(_matching(query).select_related("created_by").order_by("name", "pk")[:MOST])
    static = member_edits.sizes([segment.pk for segment in segments if segment.rule is None])
    uses = usage.uses([segment.pk for segment in segments]) if not query.show else {}
    found = [Row(one, _size(one, static), uses.get(one.pk, [])) for one in segments]
    key: Any = ORDERS[query.order.removeprefix("-")]
    return sorted(found, key=key, reverse=query.order.startswith("-"))


def _size(segment: Segment, static: Mapping[int, int]) -> int | None:
    if segment.rule is None:
        return static.get(segment.pk, 0)
    return None if segment.refreshed_at is None else segment.size


def _matching(query: SegmentListQuery) -> Any:
    segments = Segment.objects.exclude(archived_at=None) if query.show else Segment.objects.present()
    if query.q:
        segments = segments.filter(name__icontains=query.q) | segments.filter(description__icontains=query.q)
    if query.kind:
        segments = segments.filter(rule__isnull=query.kind == "static")
    if query.state:
        segments = segments.filter(state=query.state)
    return segments


def heads(query: SegmentListQuery) -> list[dict[str, str]]:
    """The heads of the sortable columns: label, address, direction, class."""
    columns = [
        ("name", "Segment", "col-40"), ("size", "Contacts", "num"), ("uses", "Used by", "num"), ("created", "Created", ""),
    ]  # fmt: skip
    return sortable(columns, order=query.order, link=lambda order: query.link(order=order))
