"""Which resolved contacts a list asks for, in which order, page by page in both directions; asked by the page and the file.

People are the rows, not visitors: what all visitors of a contact add up to is kept by tracking.contact_visits.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from django.core.exceptions import EmptyResultSet
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.lookups import GreaterThan
from django.utils import timezone
from django.utils.dateparse import parse_date

from contacts.listing import search_box
from contacts.models import Contact
from contacts.values.vocabulary import COUNTRY_CODES
from core import keyset
from core.parse import parse_id, parse_moment
from sources.models import Source, SourceMember
from tenants.isolation.statements import fetch, fill
from tracking import pages
from tracking.funnel import Stage
from tracking.models import ContactVisit

SIZE = 50
# More are told as "more than": counting all of them would take longer than finding them. Of pages that many have seen,
# contacts are looked at one after the other.
COUNTED, COUNTED_DENSE = 10_000, 500
Choices = dict[str, str]
# The place of a row in the order: its last visit, and its contact.
Place = tuple[datetime, int]

PERIODS = {"7": "Last 7 days", "30": "Last 30 days", "180": "Last 6 months", "range": "Own dates"}
# Hours of the workspace's day, from and to.
HOURS = {"morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (0, 6)}
TIMES = {
    "morning": "Morning, 6 to 12", "afternoon": "Afternoon, 12 to 18", "evening": "Evening, 18 to 24",
    "night": "Night, 0 to 6",
}  # fmt: skip
VISITS = {"1": "1 visit", "2": "2 visits", "3": "3 visits", "more": "4 visits or more"}
# Seconds, from and to.
SPANS: dict[str, tuple[int, int | None]] = {"10": (0, 10), "30": (10, 30), "60": (30, 60), "more": (60, None)}
SPENT = {"10": "Under 10 s", "30": "10 to 30 s", "60": "30 to 60 s", "more": "1 min or more"}
STAGES = {str(stage.value): str(stage.label) for stage in Stage}
KINDS = {"new": "New", "returning": "Returning"}
ORDERS = {"": "Last visit, newest first", "oldest": "Last visit, oldest first"}
CHOICES: dict[str, Choices] = {
    "seen": PERIODS, "time": TIMES, "visits": VISITS, "spent": SPENT, "stage": STAGES, "kind": KINDS, "order": ORDERS,
}  # fmt: skip


@dataclass(frozen=True)
class ResolvedQuery:
    """What the list is asked for. What makes no sense is left out: an unknown filter means all, a bad key the first page."""

    seen: str = ""
    since: date | None = None
    until: date | None = None
    time: str = ""
    page: str = ""
    visits: str = ""
    spent: str = ""
    stage: str = ""
    kind: str = ""
    region: str = ""
    source: int | None = None
    site: int | None = None
    q: str = ""
    order: str = ""
    after: str = ""
    before: str = ""
    # The country of phones that are searched for.
    country: str | None = field(default=None, compare=False)

    @classmethod
    def of(cls, given: Mapping[str, str], *, country: str | None) -> Self:
        chosen: dict[str, Any] = {
            name: given.get(name, "") if given.get(name, "") in choices else "" for name, choices in CHOICES.items()
        }
        region = given.get("region", "")
        since, until = _date(given.get("since", "")), _date(given.get("until", ""))
        if not chosen["seen"] and (since or until):
            chosen["seen"] = "range"  # dates alone say it, too
        own = chosen["seen"] == "range"
        return cls(
            **chosen,
            since=since if own else None,
            until=until if own else None,
            page=_text(given.get("page", "")),
            region=region if region in COUNTRY_CODES else "",
            source=parse_id(given.get("source", "")),
            site=parse_id(given.get("site", "")),
            q=_text(given.get("q", "")),
            after=given.get("after", ""),
            before=given.get("before", ""),
            country=country,
        )

    def filters(self) -> dict[str, str]:
        """The filters that are set, by their names in the address; without search, order and page."""
        values = {name: str(getattr(self, name) or "") for name in FILTERS}
        return {name: value for name, value in values.items() if value}

    def querystring(self, **changed: str) -> str:
        """The part of an address behind the question mark; a change begins at the first page again."""
        values = {**self.filters(), "q": self.q, "order": self.order, **changed}
        return urlencode({name: value for name, value in values.items() if value})


FILTERS = (
    "seen", "since", "until", "time", "page", "visits", "spent", "stage", "kind", "region", "source", "site",
)  # fmt: skip


def _text(given: str) -> str:
    return given.replace("\x00", "").strip()[:200]


def _date(given: str) -> date | None:
    try:
        return parse_date(given)
    except ValueError:
        return None


# --- conditions -----------------------------------------------------------------------------------------------------


def _seen(query: ResolvedQuery, now: datetime) -> Q:
    if query.seen != "range":
        return Q(last_seen__gte=now - timedelta(days=int(query.seen)))
    condition = Q()
    if query.since:
        condition &= Q(last_seen__gte=_midnight(query.since))
    if query.until:
        condition &= Q(last_seen__lt=_midnight(query.until + timedelta(days=1)))
    return condition


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _time(query: ResolvedQuery, _now: datetime) -> Q:
    start, stop = HOURS[query.time]
    return Q(GreaterThan(F("hours").bitand(sum(1 << hour for hour in range(start, stop))), 0))


def _visits(query: ResolvedQuery, _now: datetime) -> Q:
    return Q(visits__gte=4) if query.visits == "more" else Q(visits=int(query.visits))


def _spent(query: ResolvedQuery, _now: datetime) -> Q:
    start, stop = SPANS[query.spent]
    return Q(seconds__gte=start) & (Q(seconds__lt=stop) if stop is not None else Q())


def _stage(query: ResolvedQuery, _now: datetime) -> Q:
    return Q(stage=int(query.stage))


def _kind(query: ResolvedQuery, _now: datetime) -> Q:
    return Q(visits__lte=1) if query.kind == "new" else Q(visits__gt=1)


def _region(query: ResolvedQuery, _now: datetime) -> Q:
    return Q(contact_id__in=Contact.objects.filter(country=query.region).values("pk"))


def _source(query: ResolvedQuery, _now: datetime) -> Q:
    return Q(contact_id__in=SourceMember.objects.filter(source_id=query.source).values("contact_id"))


def _site(query: ResolvedQuery, _now: datetime) -> Q:
    return Q(site_ids__contains=[query.site])


_CONDITIONS: dict[str, Callable[[ResolvedQuery, datetime], Q]] = {
    "seen": _seen, "time": _time, "visits": _visits, "spent": _spent, "stage": _stage, "kind": _kind, "region": _region,
    "source": _source, "site": _site,
}  # fmt: skip


@dataclass(frozen=True)
class Matching:
    """The rows that are asked for, in no order; so many of them are counted."""

    rows: Any
    counted: int


def matching(query: ResolvedQuery, *, now: datetime) -> Matching:
    """The visits of the contacts that are asked for; those of deleted contacts are none."""
    gone = Contact.objects.exclude(deleted_at=None).filter(pk=OuterRef("contact_id"))
    rows = ContactVisit.objects.filter(~Exists(gone))
    for name, condition in _CONDITIONS.items():
        if getattr(query, name) not in ("", None):
            rows = rows.filter(condition(query, now))
    if query.q:
        found = Contact.objects.living().filter(search_box.condition(query.q, region=query.country))
        rows = rows.filter(contact_id__in=found.values("pk"))
    counted, wanted = COUNTED, pages.typed_address(query.page)
    if wanted is not None:
        seen = pages.seen(wanted)
        rows, counted = rows.filter(seen.condition), COUNTED_DENSE if seen.dense else COUNTED
    return Matching(rows, counted)


# --- pages ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """A row of the list: the contact, what its visitors add up to, and the names of the sources that it is in."""

    contact: Contact
    visit: ContactVisit
    sources: list[tuple[int, str]]

    @property
    def stage(self) -> str:
        return STAGES[str(self.visit.stage)]

    @property
    def returning(self) -> bool:
        return self.visit.visits > 1


@dataclass(frozen=True)
class ListPage:
    """People in the order asked for, the keys of the pages around them (None: there is none), and how many there are."""

    people: list[Person]
    newer: str | None
    older: str | None
    total: int
    more: bool


def page(query: ResolvedQuery, *, now: datetime, size: int = SIZE) -> ListPage:
    """The page behind `after`, or the one before `before`; the first one without either.

    As long as not too many are asked for, all their places are read in one pass, and the page is cut out of them: a walk
    through the order would pass by nearly everybody for a few. Where there are many, the walk meets a page of them soon.
    """
    found = matching(query, now=now)
    after, before = _key(query.after), _key(query.before)
    backwards = before is not None and after is None
    behind, down = before if backwards else after, (query.order == "") is not backwards
    total, rows = _cut(found, behind, down=down, count=size + 1)
    if total > found.counted:
        rows = _rows(found.rows, behind, down=down, count=size + 1)
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    has_newer, has_older = (more, True) if backwards else (after is not None, more)
    return ListPage(
        people=people(rows),
        newer=key(rows[0]) if rows and has_newer else None,
        older=key(rows[-1]) if rows and has_older else None,
        total=min(total, found.counted),
        more=total > found.counted,
    )


# The places of all that are asked for, but for no more than are counted; how many, and the page behind a place.
CUT = """
WITH m AS MATERIALIZED ({places})
SELECT t.total, x.contact_id FROM (SELECT count(*) AS total FROM m) t LEFT JOIN LATERAL (
  SELECT m.last_seen, m.contact_id FROM m WHERE {behind} ORDER BY m.last_seen {way}, m.contact_id {way} LIMIT %(count)s
) x ON true ORDER BY x.last_seen {way}, x.contact_id {way}"""


def _cut(found: Matching, behind: Place | None, *, down: bool, count: int) -> tuple[int, list[ContactVisit]]:
    """(how many are asked for, the next ones behind a place); of more than are counted only that they are more."""
    places = found.rows.order_by().values_list("last_seen", "contact_id")[: found.counted + 1]
    try:
        asked, values = places.query.sql_with_params()
    except EmptyResultSet:  # no row can match
        return 0, []
    names = iter(range(len(values)))
    statement = fill(
        CUT,
        places=re.sub("%s", lambda _place: f"%(p{next(names)})s", asked),
        behind="true" if behind is None else f"(m.last_seen, m.contact_id) {'<' if down else '>'} (%(at)s, %(number)s)",
        way="DESC" if down else "ASC",
    )
    given = {f"p{n}": value for n, value in enumerate(values)}
    at, number = behind or (None, None)
    cut = fetch(statement, **given, at=at, number=number, count=count)
    ids = [contact_id for _total, contact_id in cut if contact_id is not None]
    rows = ContactVisit.objects.in_bulk(ids)
    return int(cut[0][0]), [rows[contact_id] for contact_id in ids]


def every(query: ResolvedQuery, *, now: datetime, size: int) -> Iterator[list[Person]]:
    """All people that are asked for, so many at a time."""
    found, behind = matching(query, now=now), None
    while rows := _rows(found.rows, behind, down=query.order == "", count=size):
        yield people(rows)
        behind = (rows[-1].last_seen, rows[-1].contact_id)


def _rows(rows: Any, behind: Place | None, *, down: bool, count: int) -> list[ContactVisit]:
    sign = "-" if down else ""
    beyond = keyset.beyond("last_seen", *behind, key="contact_id", down=down) if behind else Q()
    return list(rows.filter(beyond).order_by(f"{sign}last_seen", f"{sign}contact_id")[:count])


def people(rows: list[ContactVisit]) -> list[Person]:
    """The people of some rows, in their order."""
    ids = [row.contact_id for row in rows]
    contacts = Contact.objects.in_bulk(ids)
    names = dict(Source.objects.filter(archived_at=None).values_list("pk", "name"))
    sources: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for contact_id, source_id in SourceMember.objects.filter(contact_id__in=ids).values_list("contact_id", "source_id"):
        if source_id in names:
            sources[contact_id].append((source_id, names[source_id]))
    return [
        Person(contacts[row.contact_id], row, sorted(sources[row.contact_id]))
        for row in rows
        if row.contact_id in contacts
    ]


def key(row: ContactVisit) -> str:
    """The place of a row in the list."""
    return f"{row.contact_id}_{row.last_seen.isoformat()}"


def is_key(text: str) -> bool:
    """Whether a text is a place in the list."""
    return _key(text) is not None


def _key(text: str) -> Place | None:
    number, _sep, moment = text.partition("_")
    pk, at = parse_id(number), parse_moment(moment)
    return None if pk is None or at is None else (at, pk)
