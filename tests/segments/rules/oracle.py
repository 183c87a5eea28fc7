"""What rules mean, once more: slow, obvious, in Python, one contact and one condition at a time.

It shares with the compiler only the trees and the tables' keys. Nothing here asks the database.
"""

import unicodedata
from calendar import isleap
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from segments.rules.tree import (
    ActivityCondition,
    FieldCondition,
    Group,
    InList,
    InSegment,
    Node,
    Period,
    PropertyFilter,
)

NUMBERS, DATES = ("number", "count", "total"), ("date", "birthday", "time", "moment", "visited")


@dataclass(frozen=True)
class Happened:
    """An event: `claimed` when only a browser says so."""

    kind: str
    at: datetime
    number: int
    name: str | None = None
    url: str | None = None
    title: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    visitor: int | None = None
    claimed: bool = False


@dataclass
class Somebody:
    """All that is known of a contact. `values`: by the key of the field; None or nothing: missing."""

    values: dict[str, Any] = field(default_factory=dict)
    events: list[Happened] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    segments: set[int] = field(default_factory=set)
    lists: set[tuple[str, int]] = field(default_factory=set)
    changes: list[tuple[str, datetime]] = field(default_factory=list)


@dataclass(frozen=True)
class Oracle:
    """Answers for one moment and zone; `kinds`: of the fields, by their keys."""

    now: datetime
    zone: str
    kinds: dict[str, str]

    @property
    def today(self) -> date:
        return self.day_of(self.now)

    def day_of(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.zone or "UTC")).date()

    def midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone or "UTC"))

    def means(self, node: Node, who: Somebody) -> bool:
        if isinstance(node, Group):
            answers = [self.means(part, who) for part in node.parts]
            if not answers:
                return False
            return {"all": all(answers), "any": any(answers), "none": not any(answers)}[node.match]
        if isinstance(node, InSegment):
            return (node.segment_id in who.segments) == (node.op == "in")
        if isinstance(node, InList):
            return ((node.kind, node.list_id) in who.lists) == (node.op == "in")
        return self.knows(node, who) if isinstance(node, FieldCondition) else self.has_done(node, who)

    # --- fields ---------------------------------------------------------------------------------------------------------

    def knows(self, node: FieldCondition, who: Somebody) -> bool:
        opposites = {"is_not": "is", "contains_not": "contains", "none_of": "any_of", "empty": "filled"}
        if node.op in opposites:
            return not self.knows(FieldCondition(node.key, opposites[node.op], node.values), who)
        kind, value = self.kinds[node.key], who.values.get(node.key)
        if kind == "flag":
            return (node.key in who.flags) == (node.op == "yes")
        if node.op == "changed":
            since = self.midnight(self.today - timedelta(days=int(node.values[0])))
            return any(key == node.key and at >= since for key, at in who.changes)
        if kind == "total" and value is None:
            value = 0
        if value is None:
            return False
        if node.op == "filled":
            return True
        if kind in DATES:
            return self.is_day(kind, node.op, node.values, value)
        return is_value(kind, node.op, node.values, value)

    def is_day(self, kind: str, op: str, wanted: tuple[str, ...], value: Any) -> bool:
        found = self.parse_day(kind, value)
        if found is None:
            return False
        year, month, day = found
        if op in ("comes", "came"):
            sign = 1 if op == "comes" else -1
            passed = [self.today + timedelta(days=sign * i) for i in range(min(int(wanted[0]), 800) + 1)]
            return any(comes_round(month, day, on) for on in passed)
        if op in ("on", "between") and wanted[0].startswith("--"):
            first, last = wanted[0][2:], wanted[-1][2:]
            own = f"{month:02}-{day:02}"
            return first <= own <= last if first <= last else own >= first or own <= last
        if year is None:
            return False
        then = date(year, month, day)
        if op in ("within", "longer_ago", "ahead", "further"):
            away = (then - self.today).days
            days = int(wanted[0])
            return {
                "within": -days <= away <= 0, "longer_ago": away < -days, "ahead": 0 <= away <= days, "further": away > days,
            }[op]  # fmt: skip
        days_ = [date.fromisoformat(text) for text in wanted]
        return {
            "on": then == days_[0], "before": then < days_[0], "after": then > days_[0],
            "between": days_[0] <= then <= days_[-1],
        }[op]  # fmt: skip

    def parse_day(self, kind: str, value: Any) -> tuple[int | None, int, int] | None:
        """(year, month, day) of a value in the workspace's calendar; None for what is none."""
        if isinstance(value, datetime):
            day = self.day_of(value)
            return day.year, day.month, day.day
        if not isinstance(value, str):
            return None
        if kind != "time" and value.startswith("--"):
            return None, int(value[2:4]), int(value[5:7])
        try:
            if kind == "time":
                if not value.endswith("Z"):
                    return None
                day = self.day_of(datetime.fromisoformat(value))
            else:
                day = date.fromisoformat(value)
        except ValueError:
            return None
        return day.year, day.month, day.day

    # --- activity -------------------------------------------------------------------------------------------------------

    def has_done(self, node: ActivityCondition, who: Somebody) -> bool:
        start, stop = self.span(node.period) if node.period else (None, None)
        if node.times in ("first", "last"):
            times = sorted(self.times(node, [e for e in who.events if e.at < self.now], who))
            return bool(times) and inside(times[0] if node.times == "first" else times[-1], start, stop)
        within = [event for event in who.events if inside(event.at, start, stop)]
        if node.what in AMOUNTS:
            return self.is_amount(node, [e for e in within if self.counts(node, e, who)])
        return compares(node, Decimal(len(self.times(node, within, who))))

    def times(self, node: ActivityCondition, events: list[Happened], who: Somebody) -> list[datetime]:
        """When it was done: the time of each event, or of each message."""
        found = [event for event in events if self.counts(node, event, who)]
        if node.what not in MESSAGES:
            return [event.at for event in found]
        messages: dict[str, list[Happened]] = {}
        for event in found:
            name = event.properties.get("id") or event.properties.get("message") or f"#{event.number}"
            messages.setdefault(name, []).append(event)
        reached = {"read": 2, "clicked": 3}
        return [
            min(event.at for event in own)
            for own in messages.values()
            if max(reached.get(event.properties["status"], 1) for event in own) <= MESSAGES[node.what]
        ]

    def counts(self, node: ActivityCondition, event: Happened, who: Somebody) -> bool:
        if event.kind != KINDS[node.what]:
            return False
        if event.kind == "order" and event.claimed:
            return False
        if event.kind in ("track", "action") and node.name and fold(event.name) != fold(node.name):
            return False
        if event.kind == "message" and event.properties.get("status") not in STATUSES[node.what]:
            return False
        if node.what == "landing" and not lands(event, who):
            return False
        currency = event.properties.get("currency")
        if node.what in AMOUNTS and node.currency and (not currency or currency.upper() != node.currency):
            return False
        answers = [is_property(one, event) for one in node.where]
        return not answers or (all(answers) if node.joined == "all" else any(answers))

    def is_amount(self, node: ActivityCondition, events: list[Happened]) -> bool:
        paid = [event for event in events if is_number(event.properties.get("amount"))]
        amounts = [Decimal(event.properties["amount"]) for event in paid]
        if node.what == "order_total":
            return compares(node, sum(amounts, Decimal(0)))
        if not amounts:
            return False
        if node.what == "order_last":
            return compares(node, Decimal(max(paid, key=lambda e: (e.at, e.number)).properties["amount"]))
        # Of an average, without rounding: all of it against as many times the number that it is compared with.
        many = len(amounts)
        times = [str(Decimal(text) * many) if text else "" for text in (node.count, node.until)]
        return compares(ActivityCondition(node.what, node.times, times[0], until=times[1]), sum(amounts, Decimal(0)))

    def span(self, period: Period) -> tuple[datetime | None, datetime | None]:
        if period.kind in ("last", "ago"):
            if period.unit == "months":
                edge = self.midnight(months_ago(self.today, period.count))
            else:
                edge = self.now - (timedelta(hours=1) if period.unit == "hours" else timedelta(hours=24)) * period.count
            return (edge, self.now) if period.kind == "last" else (None, edge)
        if period.kind in ("this", "previous"):
            return self.calendar(period)
        start = date.fromisoformat(period.start)
        after = start + timedelta(days=1)
        if period.kind == "between":
            return self.midnight(start), self.midnight(date.fromisoformat(period.stop) + timedelta(days=1))
        return {
            "before": (None, self.midnight(start)), "after": (self.midnight(after), None),
            "since": (self.midnight(start), None),
        }[period.kind]  # fmt: skip

    def calendar(self, period: Period) -> tuple[datetime, datetime]:
        """By walking: all days of the same part of the calendar as today, or as the last day before it."""
        day, one = self.today, timedelta(days=1)
        if period.kind == "previous":
            while part(day, period.unit) == part(self.today, period.unit):
                day -= one
        first = last = day
        while part(first - one, period.unit) == part(day, period.unit):
            first -= one
        while part(last + one, period.unit) == part(day, period.unit):
            last += one
        return self.midnight(first), self.midnight(last + one)


AMOUNTS = ("order_total", "order_average", "order_last")
# The furthest that a message may have got.
MESSAGES = {"sent": 3, "unread": 1, "unclicked": 2}
KINDS = {
    "page": "page", "landing": "page", "track": "track", "order": "order", "order_total": "order", "order_average": "order",
    "order_last": "order", "sent": "message", "delivered": "message", "read": "message", "clicked": "message",
    "unread": "message", "unclicked": "message", "undelivered": "message", "action": "action",
}  # fmt: skip
STATUSES = {
    "sent": ("sent", "delivered", "read", "clicked", "undelivered", "unsubscribed", "spam", "spam report"),
    "delivered": ("sent", "delivered"), "read": ("read",), "clicked": ("clicked",), "undelivered": ("undelivered",),
    "unread": ("sent", "delivered", "read", "clicked"), "unclicked": ("sent", "delivered", "read", "clicked"),
}  # fmt: skip


def fold(text: Any) -> str | None:
    """As texts are compared: composed, single blanks, without case."""
    return None if text is None else " ".join(unicodedata.normalize("NFC", str(text)).split()).casefold()


def part(day: date, unit: str) -> Any:
    week = day.isocalendar()
    return {
        "day": day, "week": (week.year, week.week), "month": (day.year, day.month),
        "quarter": (day.year, (day.month + 2) // 3), "year": day.year,
    }[unit]  # fmt: skip


def months_ago(day: date, months: int) -> date:
    year, month = day.year, day.month
    for _ in range(months):
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    for last in range(day.day, 0, -1):
        try:
            return date(year, month, last)
        except ValueError:
            continue
    raise AssertionError(day)


def comes_round(month: int, day: int, on: date) -> bool:
    if (month, day) == (on.month, on.day):
        return True
    return (month, day) == (2, 29) and (on.month, on.day) == (2, 28) and not isleap(on.year)


def inside(at: datetime, start: datetime | None, stop: datetime | None) -> bool:
    return (start is None or at >= start) and (stop is None or at < stop)


def is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def compares(node: ActivityCondition, found: Decimal) -> bool:
    if node.times == "never":
        return found == 0
    count, until = Decimal(node.count), Decimal(node.until or 0)
    return {
        "at_least": found >= count, "at_most": found <= count, "exactly": found == count, "more": found > count,
        "less": found < count, "between": count <= found <= until,
    }[node.times]  # fmt: skip


def is_value(kind: str, op: str, wanted: tuple[str, ...], value: Any) -> bool:
    if kind in NUMBERS:
        if not is_number(value):
            return False
        numbers = [Decimal(text) for text in wanted]
        found = Decimal(value)
        return {
            "is": found in numbers, "at_least": found >= numbers[0], "at_most": found <= numbers[0],
            "more": found > numbers[0], "less": found < numbers[0], "between": numbers[0] <= found <= numbers[-1],
        }[op]  # fmt: skip
    if kind == "boolean":
        return value is (op == "yes")
    if kind == "options":
        return isinstance(value, list) and {
            "any_of": any(one in value for one in wanted), "all_of": all(one in value for one in wanted),
        }[op]  # fmt: skip
    text = str(value)
    if kind == "name":
        wanted = tuple(without_accents(one) for one in wanted)
    if kind in ("option", "exact", "identifier", "name") and op == "is":
        return text in wanted
    own, others = fold(text) or "", [fold(one) or "" for one in wanted]
    return {"is": own in others, "contains": others[0] in own, "begins": own.startswith(others[0])}[op]


def without_accents(text: str) -> str:
    """Names are stored so: letters without their marks, small."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()


def lands(event: Happened, who: Somebody) -> bool:
    """Whether a visit begins with a page: its visitor has seen none, and no time on one, in the half hour before."""
    place = (event.at, event.number)
    gap = timedelta(minutes=30)
    return not any(
        other.visitor == event.visitor and other.visitor is not None and other.kind in ("page", "time")
        and (other.at, other.number) < place and event.at - other.at <= gap
        for other in who.events
    )  # fmt: skip


def is_property(one: PropertyFilter, event: Happened) -> bool:
    opposites = {"is_not": "is", "contains_not": "contains", "empty": "filled"}
    if one.op in opposites:
        return not is_property(PropertyFilter(one.name, opposites[one.op], one.value), event)
    if one.name == "items":
        return any(is_text(one.op, fold(name), one.value) for name in item_names(event) if name is not None)
    value = event.properties.get(one.name)
    if one.name in ("url", "title") and getattr(event, one.name) is not None:
        value = getattr(event, one.name)
    number = as_number(value)
    if one.op in ("more", "less", "at_least", "at_most"):
        wanted = Decimal(one.value)
        return number is not None and {
            "more": number > wanted, "less": number < wanted, "at_least": number >= wanted, "at_most": number <= wanted,
        }[one.op]  # fmt: skip
    if one.op == "is" and number is not None and number == as_number(one.value):
        return True
    return value is not None and is_text(one.op, fold("true" if value is True else value), one.value)


def is_text(op: str, own: str | None, wanted: str) -> bool:
    text, other = own or "", fold(wanted) or ""
    return {"is": text == other, "contains": other in text, "begins": text.startswith(other), "filled": text != ""}[op]


def item_names(event: Happened) -> list[Any]:
    items = event.properties.get("items")
    names: list[Any] = []
    for item in items if isinstance(items, list) else []:
        names += (
            [item.get(key) for key in ("name", "product", "title", "sku", "id")] if isinstance(item, dict) else [item]
        )
    return names


def as_number(value: Any) -> Decimal | None:
    if is_number(value):
        return Decimal(value)
    try:
        return Decimal(value) if isinstance(value, str) and value.strip("-.0123456789") == "" else None
    except InvalidOperation:
        return None
