"""What a dashboard is asked for: a span of days, and one site or all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from core.parse import parse_id

PRESETS = {7: "7 days", 28: "28 days", 90: "90 days", 365: "1 year"}
USUAL = 28
MOST_DAYS = 731


@dataclass(frozen=True)
class DateRange:
    """Days of the workspace, both ends with it."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "DateRange":
        """As many days before."""
        return DateRange(self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    def dates(self) -> list[date]:
        """Each of the days."""
        return [self.first + timedelta(days=i) for i in range(self.days)]

    @property
    def words(self) -> str:
        """ "26 Oct – 22 Nov", with years where they are not both the same."""
        if self.first == self.last:
            return f"{self.first.day} {self.first:%b %Y}"
        same = self.first.year == self.last.year
        start = f"{self.first.day} {self.first:%b}" if same else f"{self.first.day} {self.first:%b %Y}"
        return f"{start} \N{EN DASH} {self.last.day} {self.last:%b %Y}"


@dataclass(frozen=True)
class DashboardQuery:
    """What the address of a dashboard says; what makes no sense is left out."""

    span: DateRange
    preset: int | None
    site_id: int | None

    @classmethod
    def of(cls, given: Mapping[str, str], *, today: date) -> "DashboardQuery":
        site_id = parse_id(given.get("site", ""))
        first, last = _day(given.get("from", "")), _day(given.get("to", ""))
        if first and last and first <= last and (last - first).days < MOST_DAYS:
            return cls(DateRange(first, min(last, max(today, first))), None, site_id)
        days = parse_id(given.get("days", ""))
        preset = days if days in PRESETS else USUAL
        return cls(DateRange(today - timedelta(days=preset - 1), today), preset, site_id)

    def link(self, **other: str) -> str:
        """The address of the same with something else, without what is usual."""
        own: dict[str, str] = {"site": str(self.site_id or "")}
        if self.preset is None:
            own |= {"from": self.span.first.isoformat(), "to": self.span.last.isoformat()}
        elif self.preset != USUAL:
            own["days"] = str(self.preset)
        if "days" in other:
            own = {"site": own["site"]}
        asked = {k: v for k, v in {**own, **other}.items() if v and (k, v) != ("days", str(USUAL))}
        return "?" + urlencode(asked)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
    return day if day and 2000 <= day.year < 2200 else None
