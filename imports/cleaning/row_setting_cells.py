"""Cells of what a row says beside its contact's values: settings of the row, and parts of an event. Pure.

Each reader is made for a column and turns trimmed, non-empty text into a JSON value, or raises BadValue.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contacts.values import identifiers, parsers, texts, types
from contacts.values.types import BadValue
from core import exact_json
from core.parse import parse_id
from imports.cleaning import cells as cell_readers
from imports.cleaning import consent_columns
from imports.cleaning.cells import Column, JsonCell
from segments import membership

CHANNELS = ("email", "sms", "viber", "whatsapp", "push", "web_push", "widget", "telegram", "in_app")
_CHANNEL_WORDS = {"e-mail": "email", "mail": "email", "web push": "web_push", "webpush": "web_push",
                  "mobile push": "push", "in-app": "in_app", "in app": "in_app"}  # fmt: skip
_STATUS_WORDS = {
    "delivered": "delivered|sent|zugestellt|delivre|entregado",
    "read": "read|opened|open|viewed",
    "clicked": "clicked|click",
    "undelivered": "undelivered|not delivered|bounced|bounce|failed|hard bounce|soft bounce|rejected",
    "unsubscribed": "unsubscribed|unsubscribe|opted out",
    "spam": "spam|complained|complaint|abuse|spam report",
}
MESSAGE_STATUSES = {word: status for status, words in _STATUS_WORDS.items() for word in words.split("|")}
MAX_NAME, MAX_SEGMENTS = 120, 200
# What programs say of an event beside what a column can: one object (imports.cleaning.json_items).
PROPERTIES = "event.properties"
MAX_PROPERTIES, MAX_LIST, MAX_DEPTH = 100, 1_000, 5


@dataclass(frozen=True)
class Names:
    """Names of the workspace that a cell may hold, small letters → as they are written."""

    endpoint: Mapping[str, str] = field(default_factory=dict)
    touchpoint: Mapping[str, str] = field(default_factory=dict)
    action: Mapping[str, str] = field(default_factory=dict)
    # Segments with a rule, as they are written: no row can name them. Imports look at all names of a file at once.
    dynamic: Collection[str] = ()


def _number(column: Column, _names: Names) -> Callable[[str], Any]:
    def read(text: str) -> int:
        number = parse_id(text)
        if number is None:
            raise BadValue("not_a_contact_id")
        return number

    return read


def _status(channel: str) -> Callable[[Column, Names], Callable[[str], Any]]:
    return lambda column, _names: consent_columns.reader(column.name, channel)


def segment_names(text: str) -> list[str]:
    """The segments that a cell names, each once."""
    return list(dict.fromkeys(name for part in membership.split(text) if (name := texts.normal_text(part))))


def _segments(_column: Column, known: Names) -> Callable[[str], Any]:
    def read(text: str) -> list[str]:
        names = segment_names(text)
        if len(names) > MAX_SEGMENTS or any(len(name) > MAX_NAME for name in names):
            raise BadValue("segments_unreadable", limit=MAX_SEGMENTS)
        if known.dynamic and (dynamic := [name for name in names if name in known.dynamic]):
            raise BadValue("segment_not_static", name=dynamic[0])
        return names

    return read


def _known(kind: str) -> Callable[[Column, Names], Callable[[str], Any]]:
    def make(_column: Column, names: Names) -> Callable[[str], Any]:
        known: Mapping[str, str] = getattr(names, kind)

        def read(text: str) -> str:
            name = known.get(text.casefold())
            if name is None:
                raise BadValue("unknown_name", kind=kind, value=text[:MAX_NAME])
            return name

        return read

    return make


def _moment(column: Column, _names: Names | None = None) -> Callable[[str], Any]:
    return types.parser("datetime", formats=column.formats, zone=column.zone, strict=column.strict)


SETTING: dict[str, Callable[[Column, Names], Callable[[str], Any]]] = {
    "contact_id": _number,
    "email_status": _status("email"),
    "phone_status": _status("phone"),
    "row.segments": _segments,
    "row.endpoint": _known("endpoint"),
    "row.touchpoint": _known("touchpoint"),
    "row.action": _known("action"),
    "row.happened": _moment,
}


def _text(limit: int) -> Callable[[Column], Callable[[str], Any]]:
    def make(_column: Column) -> Callable[[str], Any]:
        def read(text: str) -> str:
            cell_readers.check_signs(text)
            text = texts.normal_text(text)
            if len(text) > limit:
                raise BadValue("field_too_long", limit=limit, found=len(text))
            return text

        return read

    return make


def _currency(_column: Column) -> Callable[[str], Any]:
    def read(text: str) -> str:
        if len(text) != 3 or not text.isascii() or not text.isalpha():
            raise BadValue("not_a_currency")
        return text.upper()

    return read


def _channel(_column: Column) -> Callable[[str], Any]:
    def read(text: str) -> str:
        word = text.casefold()
        channel = _CHANNEL_WORDS.get(word, word)
        if channel not in CHANNELS:
            raise BadValue("not_a_channel", options=", ".join(CHANNELS))
        return channel

    return read


def _message_status(_column: Column) -> Callable[[str], Any]:
    def read(text: str) -> str:
        status = MESSAGE_STATUSES.get(identifiers.name_key(text))
        if status is None:
            raise BadValue("not_a_message_status", options=", ".join(_STATUS_WORDS))
        return status

    return read


def _items(_column: Column) -> Callable[[str], Any]:
    """Items of an order: a JSON list of objects, or names with | between them, each perhaps with its number: "Tent x2"."""

    def read(text: str) -> list[Any]:
        if text.startswith("["):
            try:
                items = text.value if isinstance(text, JsonCell) else exact_json.loads(text)
            except (ValueError, RecursionError):
                raise BadValue("items_unreadable") from None
            if not all(isinstance(item, dict | str) for item in items) or not _are_storable(items, deep=MAX_DEPTH + 1):
                raise BadValue("items_unreadable")
            return [item if isinstance(item, dict) else {"name": item} for item in items][:1000]
        return [_item(part.strip()) for part in text.split("|") if part.strip()][:1000]

    return read


def _item(text: str) -> dict[str, Any]:
    name, sign, count = text.rpartition(" x")
    return {"name": name, "quantity": int(count)} if sign and count.isascii() and count.isdigit() else {"name": text}


def _amount(column: Column) -> Callable[[str], Any]:
    return types.parser("decimal", formats=column.formats)


def _property(column: Column) -> Callable[[str], Any]:
    kind = column.type if column.type in types.TYPES else "text"
    return cell_readers.reader(Column(column.index, column.name, column.key, kind, formats=column.formats), region=None)


def _properties(_column: Column) -> Callable[[str], Any]:
    """All properties of an event at once: a JSON object."""

    def read(text: str) -> dict[str, Any]:
        properties = text.value if isinstance(text, JsonCell) else exact_json.loads(text)
        if not isinstance(properties, dict) or not _is_storable(properties, deep=MAX_DEPTH):
            raise BadValue("properties_unreadable", limit=MAX_PROPERTIES)
        return properties

    return read


def _is_storable(value: Any, *, deep: int) -> bool:
    """Whether the database can hold a value of JSON, and pages can show it."""
    if isinstance(value, str):
        return len(value) <= parsers.MAX_TEXT and texts.is_storable(value)
    if isinstance(value, dict):
        names = all(name and len(name) <= MAX_NAME and texts.is_storable(name) for name in value)
        return names and deep > 0 and len(value) <= MAX_PROPERTIES and _are_storable(value.values(), deep=deep)
    if isinstance(value, list):
        return deep > 0 and len(value) <= MAX_LIST and _are_storable(value, deep=deep)
    return not isinstance(value, float)  # a power of ten that nobody means


def _are_storable(values: Iterable[Any], *, deep: int) -> bool:
    return all(_is_storable(value, deep=deep - 1) for value in values)


EVENT: dict[str, Callable[[Column], Callable[[str], Any]]] = {
    "event.name": _text(MAX_NAME),
    "event.time": _moment,
    "event.id": _text(200),
    "event.amount": _amount,
    "event.currency": _currency,
    "event.items": _items,
    "event.channel": _channel,
    "event.message": _text(200),
    "event.language": _text(40),
    "event.status": _message_status,
    "event.property": _property,
    PROPERTIES: _properties,
}
