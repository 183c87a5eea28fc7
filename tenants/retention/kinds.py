"""Kinds of data that are stored for a time. A kind is a class of the app that owns the data, named in settings.RETENTION."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import Count, Max, Min, QuerySet
from django.utils.module_loading import import_string

from tenants.isolation.statements import TookTooLong, fetch, time_limit
from tenants.models import Tenant

# No rule is longer than ten years: what is stored longer is stored until it is erased.
MOST_DAYS = 3_650
# One transaction removes so many rows.
BATCH = 5_000
# The page counts as far as this, a preview as far as that; neither makes anybody wait for longer than so many milliseconds.
SHOWN, PREVIEWED = 100_000, 1_000_000
PATIENCE_MS = 4_000


@dataclass(frozen=True)
class Found:
    """How much there is, `at_least` where it was not counted to the end, and the times of the oldest and the newest.

    `count` is None where counting took too long.
    """

    count: int | None
    oldest: datetime | None = None
    newest: datetime | None = None
    at_least: bool = False

    def __bool__(self) -> bool:
        return self.count is None or self.count > 0


@dataclass(frozen=True)
class Step:
    """What one step of a run did. `waits`: something else is at work, so that the next look comes later."""

    removed: int
    is_over: bool
    waits: bool = False
    # What the next step has to know, and what went wrong, in words.
    progress: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


class Kind:
    """A kind of data with a rule. A subclass has the texts, the limits of the rule, and how rows are found and removed."""

    key: ClassVar[str]
    label: ClassVar[str]
    # What is stored, in one sentence; from when the time counts; what a removal does.
    words: ClassVar[str]
    since: ClassVar[str]
    effect: ClassVar[str]
    icon: ClassVar[str] = "clock"
    # Of what it counts, in the singular and the plural.
    nouns: ClassVar[tuple[str, str]] = ("entry", "entries")
    # The rule of a new workspace (None: stored without an end), the shortest and longest that can be set, and whether a rule
    # is needed at all.
    default: ClassVar[int | None] = None
    least: ClassVar[int] = 1
    most: ClassVar[int] = MOST_DAYS
    can_be_endless: ClassVar[bool] = True
    # What no rule is called.
    endless: ClassVar[str] = "No limit"
    # A sentence on what can be done after the removal.
    afterwards: ClassVar[str] = "After that, the removal cannot be undone."

    def initial(self, tenant: Tenant) -> int | None:
        """The rule of a workspace that has never set it."""
        return self.default

    def follow(self, tenant: Tenant, days: int | None) -> None:
        """Tell who else has to know that another rule holds now."""

    def find(self, *, before: datetime | None, most: int) -> Found:
        """What is stored; with `before`, what a rule that removes everything older would remove. Counts to `most`."""
        raise NotImplementedError

    def remove(self, *, before: datetime, most: int) -> int:
        """Remove up to so many rows that are older; returns how many. Fewer than `most` say that none are left."""
        raise NotImplementedError

    def step(self, *, before: datetime, progress: dict[str, Any]) -> Step:
        """The next step of a run, in a transaction of its own."""
        removed = self.remove(before=before, most=BATCH)
        return Step(removed, is_over=removed < BATCH)


@cache
def kinds() -> dict[str, Kind]:
    """All kinds by their key, in the order of the page."""
    made: list[Kind] = [import_string(path)() for path in settings.RETENTION]
    return {kind.key: kind for kind in made}


def counted(found: str, *, most: int, in_order: bool = True, **values: Any) -> Found:
    """Count what a statement finds, one column of times, as far as `most`; gives up after PATIENCE_MS.

    Where it does not find the oldest first (`in_order`), the times are known only when all were counted.
    """
    try:
        with time_limit(PATIENCE_MS):
            count, oldest, newest = fetch(_COUNT.replace("{found}", found), most=most + 1, **values)[0]
    except TookTooLong:
        return Found(None)
    if count > most and not in_order:
        oldest = newest = None
    return Found(min(count, most), oldest, newest, at_least=count > most)


def counted_query(query: QuerySet[Any], *, time: str, most: int) -> Found:
    """The same for a query of the ORM, `time` being its column of times."""
    try:
        with time_limit(PATIENCE_MS):
            rows = query.values(time)[: most + 1]
            sums = rows.aggregate(count=Count("*"), oldest=Min(time), newest=Max(time))
    except TookTooLong:
        return Found(None)
    return Found(min(sums["count"], most), sums["oldest"], sums["newest"], at_least=sums["count"] > most)


# Runs for the page and for previews; locks nothing. `{found}` is a statement of a kind for one column of times.
_COUNT = "SELECT count(*), min(f.at), max(f.at) FROM ({found} LIMIT %(most)s) f(at)"
