"""A cell and what it can become: columns, names, values of attributes. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contacts.values import identifiers, parsers, phones, types
from contacts.values.columns import SHOWN_IDENTIFIERS
from contacts.values.formula_guard import strip_guard
from contacts.values.texts import trimmed
from contacts.values.types import BadValue
from imports.cleaning import full_names

NAMES = ("first_name", "last_name")
# Targets that are no attribute of a contact; those with a dot are none either (imports.cleaning.row_settings).
NO_ATTRIBUTES = frozenset(
    {*SHOWN_IDENTIFIERS, *NAMES, "full_name", "skip", "contact_id", "email_status", "phone_status"}
)
MAX_PHONE = 64
# Nobody who gets messages was born before.
EARLIEST = "1900-01-01"
# Characters that no cell of a customer's file means: they would be invisible, or turn the text around them.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]").search
# More marks on one letter than any language has, of the blocks that are for marks alone.
_STACKED = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{9}").search


def is_attribute(target: str) -> bool:
    """Whether values of a target are an attribute of the contact."""
    return target not in NO_ATTRIBUTES and "." not in target


def attributes(targets: Iterable[str]) -> frozenset[str]:
    """The keys of the attributes that rows with these targets may have."""
    return frozenset(filter(is_attribute, targets))


@dataclass(frozen=True)
class Column:
    """A column of the file and where its values go: a core field, `full_name`, an attribute key, or `skip`."""

    index: int
    name: str
    target: str
    type: str = "text"
    options: Mapping[str, str] | None = None
    formats: tuple[str, ...] = ()
    zone: str = ""  # of times that say none
    key: str = ""  # of a property of an event
    strict: bool = False  # whether the workspace reads values by its strict rules
    required: bool = False  # whether a row without a value is an error
    region: str = ""  # of phones without a country, where the field has one of its own
    latest: str = ""  # the last date that can be meant, for birthdays; the first is EARLIEST

    @property
    def is_attribute(self) -> bool:
        return is_attribute(self.target)

    @property
    def repeats(self) -> bool:
        """Whether values are worth remembering: those of other types are nearly all different, and read at a look."""
        return self.type not in types.AS_STORED or bool(self.formats) or self.strict


@dataclass
class CleanRow:
    """A row that can be imported; `cleared` lists the keys that its blank cells empty, `settings` and `event` are what
    imports.cleaning.row_settings has read."""

    values: dict[str, str | None]
    attributes: dict[str, Any]
    cleared: list[str]
    settings: dict[str, Any] = field(default_factory=dict)
    event: dict[str, Any] = field(default_factory=dict)


class JsonCell(str):
    """A cell whose value a program has sent as JSON: it need not be written and read again. As text it only says so."""

    __slots__ = ("value",)
    value: Any

    def __new__(cls, value: Any) -> "JsonCell":
        """`value`: a list or an object of JSON."""
        cell = super().__new__(cls, "[…]" if isinstance(value, list) else "{…}")
        cell.value = value
        return cell

    def strip(self, *_characters: Any) -> "JsonCell":
        """Itself: a copy would be a text."""
        return self


def address(text: str) -> tuple[str | None, str]:
    """(the normal form of an e-mail or None, the address as it is written) in a trimmed cell."""
    bare = trimmed(text.lstrip("'"))
    normal = identifiers.normal_email(bare)
    if normal is None and (inner := identifiers.bare_email(text)) != bare:
        return identifiers.normal_email(inner), inner
    return normal, bare


def as_written(text: str) -> str:
    """A phone as it is shown beside its normal form."""
    return phones.as_written(text)[:MAX_PHONE]


def check_signs(text: str) -> None:
    """Raise BadValue for characters that nobody can see, that turn the text around them, or that climb over its lines."""
    if text.isascii() and text.isprintable():
        return
    if _CONTROL(text):
        raise BadValue("control_character")
    if _STACKED(text):
        raise BadValue("stacked_marks")


def reader(column: Column, *, region: str | None) -> Callable[[str], Any]:
    """A function from the trimmed text of an attribute's cell to its value. It raises BadValue."""
    parse = types.parser(
        column.type,
        options=column.options,
        region=column.region or region,
        formats=column.formats,
        zone=column.zone,
        strict=column.strict,
    )

    def read(text: str) -> Any:
        check_signs(text)
        value = parse(strip_guard(text) if text[0] == "'" else text)
        if column.latest:
            in_range(value, column.latest)
        return value

    return read


def in_range(day: str, latest: str) -> None:
    """Refuse an ISO date outside EARLIEST … latest; a day without its year is in no time. Raises BadValue."""
    if day.startswith("--"):
        return
    if not EARLIEST <= day <= latest:
        raise BadValue("date_out_of_range", first=EARLIEST, last=latest)


def name(text: str) -> str:
    """The name in a trimmed cell. Raises BadValue."""
    check_signs(text)
    return parsers.text(strip_guard(text))


def split_full_name(text: str, header: str = "") -> tuple[str | None, str | None]:
    """First and last name of a whole name in a column of this name. Raises BadValue."""
    return full_names.split(name(text), header=header)
