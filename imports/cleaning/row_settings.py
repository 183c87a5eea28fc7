"""What a row says beside the values of its contact: settings of its own, and what the contact did. Pure.

Settings (segments, consent, where the data came from) are in `settings` of the staged row, the event is in `event`. A row's
own setting wins over that of the file.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contacts.values import channel_status
from contacts.values.formula_guard import strip_guard
from contacts.values.types import BadValue
from imports.cleaning import row_setting_cells
from imports.cleaning.cells import Column
from imports.cleaning.row_setting_cells import Names
from imports.problems.catalogue import Problem

# Targets of a column, with their names for people. A row's setting wins over the file's.
SETTINGS: dict[str, str] = {
    "contact_id": "Contact ID (ours)",
    "email_status": "E-mail status",
    "phone_status": "Phone status",
    "row.segments": "Segments of the row",
    "row.endpoint": "API endpoint of the row",
    "row.touchpoint": "Touchpoint of the row",
    "row.action": "Source action of the row",
    "row.happened": "Date of the source action",
}
EVENT: dict[str, str] = {
    "event.name": "Event name",
    "event.time": "Time of the event",
    "event.id": "Event ID (order number)",
    "event.amount": "Amount",
    "event.currency": "Currency",
    "event.items": "Items",
    "event.channel": "Channel",
    "event.message": "Message name",
    "event.language": "Message language",
    "event.status": "Message status",
    "event.property": "Property of the event",
}
TARGETS = {**SETTINGS, **EVENT}
# Several columns may say it, each in its way (unsubscribed at, bounced): the strictest counts.
STATUSES = {"email_status": "email", "phone_status": "phone"}


@dataclass(frozen=True)
class ImportType:
    """A type of import: what its rows contain beside contacts. `kind` is that of the events, "" for none."""

    label: str
    kind: str
    targets: tuple[str, ...]

    @property
    def key(self) -> str:
        return next(key for key, task in TASKS.items() if task is self)


TASKS: dict[str, ImportType] = {
    "contacts": ImportType("Contacts", "", ()),
    "events": ImportType(
        "Contacts and events", "track",
        ("event.name", "event.time", "event.id", "event.property"),
    ),
    "orders": ImportType(
        "Contacts and orders", "order",
        ("event.id", "event.time", "event.amount", "event.currency", "event.items", "event.property"),
    ),
    "messages": ImportType(
        "Contacts and message activity", "message",
        ("event.time", "event.id", "event.channel", "event.message", "event.language", "event.status", "event.property"),
    ),
}  # fmt: skip
MAX_NAME = row_setting_cells.MAX_NAME


class RowSettings:
    """The compiled way from cells to what a row says beside its contact's values."""

    def __init__(
        self, columns: Sequence[Column], *, task: str = "contacts", event_name: str = "", names: Names | None = None
    ) -> None:
        self.task, self.event_name = TASKS[task], event_name
        names = names or Names()
        self.settings = [
            (c.index, c.target.removeprefix("row."), row_setting_cells.SETTING[c.target](c, names))
            for c in columns
            if c.target in SETTINGS
        ]
        self.events = [
            (c.index, c.target.removeprefix("event."), c.key, row_setting_cells.EVENT[c.target](c))
            for c in columns
            if c.target in self.task.targets or (c.target == row_setting_cells.PROPERTIES and self.task.kind)
        ]

    def __bool__(self) -> bool:
        return bool(self.settings or self.events or self._is_event_by_name())

    def read(self, cells: Sequence[str], problems: list[Problem] | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """(settings, event) of a row; empty when it says nothing. Bad cells are added to `problems`; without such a list
        the first one raises BadValue."""
        settings = self._values([(i, key, read) for i, key, read in self.settings], cells, problems)
        event = self._event(cells, problems) if self.task.kind else {}
        if event.get("k") == "message":
            _suppress(event, settings)
        return settings, event

    def _values(
        self, readers: Sequence[tuple[int, str, Callable[[str], Any]]], cells: Sequence[str],
        problems: list[Problem] | None,
    ) -> dict[str, Any]:  # fmt: skip
        values: dict[str, Any] = {}
        for i, key, read in readers:
            if text := cells[i].strip():
                try:
                    value = read(strip_guard(text) if text[0] == "'" else text)
                    if key in STATUSES:
                        value = _strictest(key, value, values.get(key))
                    if value is not None:
                        values[key] = value
                except BadValue as problem:
                    if problems is None:
                        raise
                    problems.append(Problem(i, problem.code, text[:400], problem.facts))
        return values

    def _event(self, cells: Sequence[str], problems: list[Problem] | None) -> dict[str, Any]:
        readers = [(i, f"p.{key}" if name == "property" else name, read) for i, name, key, read in self.events]
        before = len(problems) if problems is not None else 0
        values = self._values(readers, cells, problems)
        if not values:
            # A row without any cell of an event is a row about a contact, unless the file names one event for all.
            return {"k": "track", "n": self.event_name, "p": {}} if self._is_event_by_name() else {}
        event = _shaped(self.task.kind, values, self.event_name)
        missing = _missing(event)
        if not missing:
            return event
        if problems is None:
            raise BadValue(missing)
        if len(problems) == before:  # a cell that cannot be read is reason enough
            problems.append(Problem(None, missing, None))
        return {}

    def _is_event_by_name(self) -> bool:
        return self.task.kind == "track" and bool(self.event_name) and not any(n == "name" for _i, n, *_ in self.events)


def _strictest(key: str, value: str | None, other: str | None) -> str | None:
    if value is None or other is None:
        return other if value is None else value
    return value if channel_status.is_stricter(value, other, channel=STATUSES[key]) else other


def _shaped(kind: str, values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An event as it is staged: k kind, n name, t time, id, p properties."""
    event: dict[str, Any] = {"k": kind, "p": {}}
    for key, value in values.items():
        if key in ("time", "id"):
            event["t" if key == "time" else "id"] = value
        elif key == "name":
            event["n"] = value
        elif key == "properties":
            event["p"] |= value
        else:
            event["p"][key.removeprefix("p.")] = value
    event.setdefault("n", event["p"].get("message") if kind == "message" else "order" if kind == "order" else name)
    return {key: value for key, value in event.items() if value not in (None, "")}


def _missing(event: Mapping[str, Any]) -> str:
    """The code of what an event cannot be without, or nothing."""
    if event["k"] == "order" and not event.get("id"):
        return "order_without_id"
    if event["k"] == "track" and not event.get("n"):
        return "event_without_name"
    if event["k"] == "message" and not event["p"].get("status"):
        return "message_without_status"
    return ""


def _suppress(event: Mapping[str, Any], settings: dict[str, Any]) -> None:
    """A message that was answered with an unsubscription or a complaint makes its channel's status stricter."""
    status = event["p"].get("status")
    if event["p"].get("channel", "email") == "email" and status in ("unsubscribed", "spam"):
        known = settings.get("email_status", "active")
        if channel_status.is_stricter(status, known, channel="email"):
            settings["email_status"] = status
