"""What pages of dashboards are made of: parts, each loaded by itself, with the tables behind its charts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from core.formatting import number, percent
from insights.dashboards.date_range import DashboardQuery
from insights.dashboards.tables import Table
from insights.dashboards.traffic import Compared
from tenants.models import Membership, Tenant


@dataclass(frozen=True)
class Asked:
    """What a part is asked for, by whom, and when."""

    query: DashboardQuery
    workspace: Tenant
    membership: Membership
    now: datetime

    def midnight(self, day: date) -> datetime:
        """When a day of the workspace begins."""
        return datetime.combine(day, time(), tzinfo=ZoneInfo(self.workspace.time_zone or "UTC"))


@dataclass
class Shown:
    """What the template of a part shows, and the tables that can be had as a file."""

    context: dict[str, Any]
    tables: list[Table] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """A part of a page. `tables`: the names of its tables; `width`: of three columns."""

    key: str
    title: str
    build: Callable[[Asked], Shown]
    tables: Sequence[str] = ()
    width: int = 3

    @property
    def template(self) -> str:
        return f"insights/_{self.key}.html"


def stat(label: str, figure: Compared, *, note: str = "", good: bool = True, url: str = "") -> dict[str, Any]:
    """A figure with how it changed, as ui/stats.html shows it. `good`: more is better."""
    change, tone = change_of(figure.now, figure.before, good=good)
    told = note or (f"from {number(figure.before)}" if figure.before else "none before")
    return {
        "label": label,
        "figure": number(figure.now),
        "change": change,
        "change_tone": tone,
        "note": told,
        "url": url,
    }


def change_of(now: Any, before: Any, *, good: bool = True) -> tuple[str, str]:
    """The change in percent, "+22 %" or "", and its tone; from ten times as much on as "12×"."""
    if not before or now == before:
        return "", ""
    if now >= 10 * before > 0:
        return f"{number(now / before)}×", "ok" if good else "bad"
    share = percent(now - before, before)
    return (f"+{share}" if now > before else share), "ok" if (now > before) == good else "bad"
