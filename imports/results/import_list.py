"""Which imports a list shows, in which order, and what they add up to. Asked by the page and by its download.

A page begins behind a key of the form `value_id`, so that it stays fast and exact while new imports come in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Case, Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone
from django.utils.dateparse import parse_date

from core import keyset
from core.parse import parse_id
from imports import csv_output
from imports.models import Import, Phase, Status, Unit, UnitKind
from imports.problems import catalogue
from tenants.models import User

RUNNING = Q(status__in=(Status.PREPARING, Status.IMPORTING, Status.UNDOING)) & ~Q(phase=Phase.DRAFT)
# name → (label, condition)
FILTERS: dict[str, tuple[str, Q]] = {
    "": ("All", Q()),
    "running": ("Running", RUNNING),
    "mapping": ("Needs mapping", Q(phase=Phase.DRAFT)),
    "review": ("Ready for review", Q(status=Status.READY)),
    "imported": ("Imported", Q(status=Status.IMPORTED)),
    "errors": ("With rows in error", Q(status=Status.IMPORTED, in_error__gt=0)),
    "failed": ("Failed", Q(status=Status.FAILED)),
    "canceled": ("Canceled", Q(status=Status.CANCELED)),
    "undone": ("Undone", Q(status=Status.UNDONE)),
}
# What the list can be sorted by → the column of the query.
ORDERS = {"date": "pk", "errors": "bad", "imported": "good"}
ORIGINS = {
    "browser": "Browser", "command": "Command line", "api": "API", "connector": "Connector", "mended": "Corrected rows",
}  # fmt: skip
NOBODY = "none"  # no person: the command line


@dataclass(frozen=True)
class ImportListQuery:
    """What a list is asked for. What makes no sense is left out."""

    show: str = ""
    q: str = ""
    person: str = ""
    origin: str = ""
    since: str = ""
    until: str = ""
    order: str = "-date"
    after: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        show, order = given.get("show", ""), given.get("order", "")
        person, origin = given.get("person", ""), given.get("origin", "")
        return cls(
            show=show if show in FILTERS else "",
            q=given.get("q", "").replace("\x00", "").strip()[:100],
            person=person if person == NOBODY or parse_id(person) is not None else "",
            origin=origin if origin in ORIGINS else "",
            since=given.get("since", "") if _day(given.get("since", "")) else "",
            until=given.get("until", "") if _day(given.get("until", "")) else "",
            order=order if order.removeprefix("-") in ORDERS else "-date",
            after=given.get("after", "") if None not in map(parse_id, given.get("after", "").split("_")) else "",
        )

    @property
    def newest_first(self) -> bool:
        return self.order == "-date"

    @property
    def narrowed(self) -> bool:
        """Whether more than the state is asked for."""
        return bool(self.q or self.person or self.origin or self.since or self.until)

    def querystring(self, **changes: str) -> str:
        """The part of an address behind the question mark; a change begins at the first page again."""
        names = ("show", "q", "person", "origin", "since", "until", "order")
        values = {name: getattr(self, name) for name in names} | {"after": "", **changes}
        values["order"] = "" if values["order"] == "-date" else values["order"]
        return urlencode({name: value for name, value in values.items() if value})


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _begin(day: date) -> datetime:
    """The first moment of a day, by the clock of the workspace."""
    return timezone.make_aware(datetime.combine(day, time.min))


def matching(query: ImportListQuery) -> "QuerySet[Import]":
    """Imports that are asked for, each with `good`, its rows imported, and `bad`, those in error, as far as they are
    facts: an import that has failed has what it wrote, one that has not ended has nothing yet."""
    imports: QuerySet[Import] = Import.objects.filter(FILTERS[query.show][1])
    if query.q:
        imports = imports.filter(Q(file_name__icontains=query.q) | Q(description__icontains=query.q))
    if query.person:
        imports = imports.filter(created_by=None if query.person == NOBODY else int(query.person))
    if query.origin:
        imports = imports.filter(origin=query.origin)
    if since := _day(query.since):
        imports = imports.filter(created_at__gte=_begin(since))
    if (until := _day(query.until)) and until < date.max:
        imports = imports.filter(created_at__lt=_begin(until + timedelta(days=1)))
    ended = Q(phase=Phase.DONE)
    return imports.annotate(
        wrote_new=_written("created"),
        wrote_old=_written("updated"),
        good=Case(When(ended, then=F("wrote_new") + F("wrote_old") + F("unchanged") + F("duplicates")), default=0),
        bad=Case(When(ended, then=F("in_error")), default=0),
        told=Case(When(ended, then=Coalesce(F("rows"), 0)), default=0),
    )


def _written(name: str) -> Case:
    """Rows created or updated; of a failed import by the units that it has finished."""
    units = Unit.objects.filter(import_id=OuterRef("pk"), kind=UnitKind.APPLY).exclude(done_at=None).order_by()
    total = Sum(Cast(KT(f"counts__{name}"), IntegerField()))
    done = Coalesce(Subquery(units.values("import_id").annotate(n=total).values("n")), 0)
    return Case(When(status=Status.FAILED, then=done), default=F(name), output_field=IntegerField())


def page(query: ImportListQuery, *, rows: int) -> list[Import]:
    """That many imports behind the key."""
    by, down = ORDERS[query.order.removeprefix("-")], query.order.startswith("-")
    imports = matching(query).select_related("created_by").filter(_behind(query.after, by, down=down))
    sign = "-" if down else ""
    return list(imports.order_by(*dict.fromkeys((f"{sign}{by}", f"{sign}pk")))[:rows])


def _behind(after: str, by: str, *, down: bool) -> Q:
    value, _sep, pk = after.partition("_")
    if not (value and pk):
        return Q()
    return keyset.beyond(by, int(value), int(pk), down=down)


def key(query: ImportListQuery, imp: Import) -> str:
    """The key of the page that begins behind this import."""
    return f"{getattr(imp, ORDERS[query.order.removeprefix('-')])}_{imp.pk}"


def sums(query: ImportListQuery) -> dict[str, int]:
    """What all imports that are asked for add up to, not only those of the page."""
    totals = matching(query).aggregate(
        imports=Count("pk"), sum_rows=Sum("told"), sum_good=Sum("good"), sum_bad=Sum("bad")
    )
    return {
        "imports": totals["imports"],
        "rows": totals["sum_rows"] or 0,
        "imported": totals["sum_good"] or 0,
        "in_error": totals["sum_bad"] or 0,
    }


def creators() -> list[tuple[str, str]]:
    """(value of the filter, name) of everybody who has imported."""
    known = set(Import.objects.order_by().values_list("created_by", flat=True).distinct())
    named = [(str(user.pk), user.display_name) for user in User.objects.filter(pk__in=known - {None})]
    return sorted(named, key=lambda p: p[1].casefold()) + ([(NOBODY, "Command line")] if None in known else [])


def origins() -> list[tuple[str, str]]:
    """(value of the filter, name) of every way in which imports have come."""
    known = Import.objects.order_by().values_list("origin", flat=True).distinct()
    return [(name, ORIGINS.get(name, name)) for name in sorted(known)]


_HEAD = (
    "import", "file", "description", "status", "reason", "origin", "person", "received", "ended", "rows",
    "created", "updated", "unchanged", "duplicate", "skipped", "in error", "imported",
)  # fmt: skip


def lines(query: ImportListQuery) -> Iterator[str]:
    """The list as lines of CSV, all pages of it, in constant memory. Runs in the caller's tenant context."""
    yield csv_output.line(_HEAD)
    by, sign = ORDERS[query.order.removeprefix("-")], "-" if query.order.startswith("-") else ""
    imports = matching(query).select_related("created_by").order_by(*dict.fromkeys((f"{sign}{by}", f"{sign}pk")))
    for imp in imports.iterator(chunk_size=500):
        yield csv_output.line(map(str, _cells(imp)))


def _cells(imp: Any) -> list[Any]:
    made, ended = (
        timezone.localtime(at).isoformat(" ", "seconds") if at else "" for at in (imp.created_at, imp.finished_at)
    )
    counts = [
        imp.told,
        imp.wrote_new,
        imp.wrote_old,
        imp.unchanged,
        imp.duplicates,
        imp.skipped,
        imp.in_error,
        imp.good,
    ]
    reason = catalogue.title(imp.reason) if imp.status == Status.FAILED else ""
    return [
        imp.pk, imp.file_name, imp.description, Status(imp.status).label, reason, ORIGINS.get(imp.origin, imp.origin),
        imp.created_by.display_name if imp.created_by else "", made, ended, *(counts if imp.ended else [""] * 8),
    ]  # fmt: skip
