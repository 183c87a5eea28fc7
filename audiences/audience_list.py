"""Which audiences the list shows, and in which order."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Sum

from audiences import usage
from audiences.models import Audience
from audiences.models import Use as Purpose
from audiences.usage import Use
from core.table_heads import sortable
from segments.models import Segment, SegmentSize, SegmentState

MOST = 200
GROWTH = timedelta(days=7)
# status → (label, states of the segment that holds the members)
STATUSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "ready": ("Ready", (SegmentState.READY, SegmentState.REFRESHING)),
    "building": ("Building", (SegmentState.BUILDING,)),
    "failed": ("Failed", (SegmentState.FAILED,)),
}
# What the list can be sorted by → the key of a row.
ORDERS = {
    "name": lambda row: row.audience.name.casefold(),
    "size": lambda row: row.segment.size,
    "uses": lambda row: len(row.uses),
    "changed": lambda row: row.audience.changed_at,
}


@dataclass(frozen=True)
class AudienceListQuery:
    """What a list is asked for. What makes no sense is left out."""

    q: str = ""
    use: str = ""
    status: str = ""
    order: str = "name"
    show: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "AudienceListQuery":
        order = given.get("order", "")
        return cls(
            q=given.get("q", "").replace("\x00", "").strip()[:100],
            use=given.get("use", "") if given.get("use") in Purpose.values else "",
            status=given.get("status", "") if given.get("status") in STATUSES else "",
            order=order if order.removeprefix("-") in ORDERS else "name",
            show="deleted" if given.get("show") == "deleted" else "",
        )

    def link(self, **other: str) -> str:
        """The address of the same list with something else, without what is usual."""
        asked = {**asdict(self), **other}
        return "?" + urlencode({k: v for k, v in asked.items() if v and (k, v) != ("order", "name")})


@dataclass(frozen=True)
class Row:
    """One audience, the segment that holds its members, what uses it, and how many entered and left within GROWTH."""

    audience: Audience
    segment: Segment
    uses: list[Use]
    entered: int
    left: int


def rows(query: AudienceListQuery, *, now: datetime) -> list[Row]:
    """The audiences that are asked for, in order, at most MOST."""
    audiences = list(_matching(query).select_related("created_by").order_by("name", "pk")[:MOST])
    segments = Segment.everything.in_bulk([one.segment_id for one in audiences])
    uses = usage.uses([one.pk for one in audiences])
    moved = _moved([one.segment_id for one in audiences], since=now - GROWTH)
    found = [
        Row(one, segments[one.segment_id], uses[one.pk], *moved.get(one.segment_id, (0, 0)))
        for one in audiences
        if one.segment_id in segments
    ]
    if query.status:
        found = [row for row in found if row.segment.state in STATUSES[query.status][1]]
    key: Any = ORDERS[query.order.removeprefix("-")]
    return sorted(found, key=key, reverse=query.order.startswith("-"))


def _matching(query: AudienceListQuery) -> Any:
    audiences = Audience.objects.exclude(archived_at=None) if query.show else Audience.objects.filter(archived_at=None)
    if query.q:
        audiences = audiences.filter(name__icontains=query.q) | audiences.filter(description__icontains=query.q)
    return audiences.filter(use=query.use) if query.use else audiences


def _moved(segment_ids: Sequence[int], *, since: datetime) -> dict[int, tuple[int, int]]:
    sizes = SegmentSize.objects.filter(segment_id__in=segment_ids, hour__gte=since).values("segment_id")
    sums = sizes.annotate(came=Sum("entered"), went=Sum("departed")).values_list("segment_id", "came", "went")
    return {segment_id: (came, went) for segment_id, came, went in sums}


def heads(query: AudienceListQuery) -> list[dict[str, str]]:
    """The heads of the sortable columns: label, address, direction, class."""
    columns = [
        ("name", "Audience", "col-30"), ("size", "Contacts", "num"), ("uses", "Used by", "num"), ("changed", "Changed", ""),
    ]  # fmt: skip
    return sortable(columns, order=query.order, link=lambda order: query.link(order=order))
