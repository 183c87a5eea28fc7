"""Which sources the list shows, and in which order."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, FloatField
from django.db.models.functions import Cast, NullIf

from core.table_heads import sortable
from sources.models import Origin, Source, SourceState, SourceType

MOST = 200
# What the list can be sorted by → the columns of the query.
ORDERS = {"created": "pk", "name": "name", "contacts": "contacts", "matched": "matched", "rate": "rate"}
# status → (label, states)
STATUSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "ready": ("Ready", (SourceState.READY,)),
    "busy": ("In progress", (SourceState.WAITING, SourceState.GATHERING, SourceState.MATCHING)),
    "failed": ("Failed", (SourceState.FAILED,)),
}


@dataclass(frozen=True)
class SourceListQuery:
    """What a list is asked for. What makes no sense is left out."""

    q: str = ""
    type: str = ""
    origin: str = ""
    status: str = ""
    order: str = "-created"

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "SourceListQuery":
        order = given.get("order", "")
        return cls(
            q=given.get("q", "").replace("\x00", "").strip()[:100],
            type=given.get("type", "") if given.get("type") in SourceType.values else "",
            origin=given.get("origin", "") if given.get("origin") in Origin.values else "",
            status=given.get("status", "") if given.get("status") in STATUSES else "",
            order=order if order.removeprefix("-") in ORDERS else "-created",
        )

    @property
    def narrowed(self) -> bool:
        return bool(self.q or self.type or self.origin or self.status)

    def link(self, **other: str) -> str:
        """The address of the same list with something else, without what is usual."""
        asked = {**asdict(self), **other}
        return "?" + urlencode({k: v for k, v in asked.items() if v and (k, v) != ("order", "-created")})


def matching(query: SourceListQuery) -> Any:
    """The sources, in order, at most MOST."""
    sources = Source.objects.filter(archived_at=None).select_related("created_by")
    if query.q:
        sources = sources.filter(name__icontains=query.q) | sources.filter(description__icontains=query.q)
    if query.type:
        sources = sources.filter(type=query.type)
    if query.origin:
        sources = sources.filter(origin=query.origin)
    if query.status:
        sources = sources.filter(state__in=STATUSES[query.status][1])
    rate = Cast(F("matched"), FloatField()) / NullIf(F("contacts"), 0)
    column = F(ORDERS[query.order.removeprefix("-")])
    falling = query.order.startswith("-")
    first = column.desc(nulls_last=True) if falling else column.asc(nulls_first=True)
    return sources.annotate(rate=rate).order_by(first, "-pk")[:MOST]


def heads(query: SourceListQuery) -> list[dict[str, str]]:
    """The heads of the sortable columns: label, address, direction, class."""
    columns = [
        ("name", "Source", "col-30"), ("contacts", "Contacts", "num"), ("matched", "Matched people", "num"),
        ("rate", "Match rate", "num"), ("created", "Created", ""),
    ]  # fmt: skip
    return sortable(columns, order=query.order, link=lambda order: query.link(order=order))
