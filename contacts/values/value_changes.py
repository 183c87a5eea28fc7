"""`changed`: the JSON that says what a row of an import changes in its contact. In the staging table {map} and in `touched`.

Each key has a list. Who writes or reads one does so through this module, which alone knows the positions:

- a core column: [before, after]; where it has a companion: [before, after, companion before, companion after]
- an attribute: [before, after]
- the status of a channel: [before, after, set at, reason], both as they were before; then the reason that the new status
  gets, if it is not the import
- `deleted`, for a contact that is restored: [deleted at, null, reason]
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

from contacts.values.channel_status import ORDERS
from contacts.values.columns import COMPANIONS, CORE_COLUMNS

DELETED = "deleted"
# A function of PostgreSQL takes a hundred arguments.
MOST_PAIRS = 50
# The keys that are not attributes.
OWN_KEYS = (*(column.key for column in CORE_COLUMNS), *(f"{channel}_status" for channel in ORDERS), DELETED)


class Side(IntEnum):
    """The positions that every entry has."""

    BEFORE = 0
    AFTER = 1


class Companion(IntEnum):
    """The positions of a companion, in the entry of its column."""

    BEFORE = 2
    AFTER = 3


class StatusPart(IntEnum):
    """The further positions in the entry of a status."""

    SET_AT = 2
    REASON = 3
    NEW_REASON = 4


class DeletedPart(IntEnum):
    """The further position in the entry `deleted`."""

    REASON = 2


def sides(changed: Mapping[str, Sequence[Any]] | None, key: str) -> tuple[Any, Any]:
    """(before, after) of a value; (None, None) where it does not change."""
    entry = (changed or {}).get(key)
    return (entry[Side.BEFORE], entry[Side.AFTER]) if entry else (None, None)


def state_before(key: str, entry: Sequence[Any]) -> list[Any]:
    """The state that a value had (contacts.value_state)."""
    if key.removesuffix("_status") in ORDERS and key.endswith("_status"):
        return [entry[Side.BEFORE], entry[StatusPart.SET_AT], entry[StatusPart.REASON]]
    return [entry[Side.BEFORE], *([entry[Companion.BEFORE]] if key in COMPANIONS else [])]


# --- as SQL: the contact is c, the staging row is s ----------------------------------------------------------------------


def read(changed: str, key: str, position: IntEnum) -> str:
    """The SQL that reads one position, as text; `changed` is the column."""
    return f"{changed} -> '{key}' ->> {position.value}"


def column(key: str) -> str:
    """The SQL that makes the list of a core column with a companion."""
    form = COMPANIONS[key]
    return _list(f"c.{key}", f"s.{key}", f"c.{form}", f"s.{form}")


def gap(key: str) -> str:
    """The SQL that makes the list of a value that the contact did not have."""
    return _list("NULL", f"s.{key}")


def attribute(before: str, after: str) -> str:
    """The SQL that makes the list of an attribute of two expressions."""
    return _list(before, after)


def status(channel: str, after: str, *, reason: str = "") -> str:
    """The SQL that makes the list of a status; `after` and `reason` are expressions."""
    key = f"{channel}_status"
    return _list(f"c.{key}", after, f"c.{key}_at", f"c.{key}_reason", *([reason] if reason else []))


def deletion() -> str:
    """The SQL that makes the list of a contact that is restored."""
    return _list("c.deleted_at", "NULL", "c.deleted_reason")


def entry(key: str, made: str) -> str:
    """The SQL of an object with one key, a name of ours."""
    return f"jsonb_build_object('{key}', {made})"


def all_of(*groups: Sequence[tuple[str, str, str]]) -> str:
    """The SQL of one object of (key as SQL, whether it changes, list); NULL where none does. Keys are different within a
    group; what a later group says of a key counts.

    Values are scalars and lists of them: a null inside of an object would go, too.
    """
    return f"nullif({' || '.join(_object(group) for group in groups if group)}, '{{}}')"


def _object(changes: Sequence[tuple[str, str, str]]) -> str:
    pairs = [f"{key}, CASE WHEN {condition} THEN {made} END" for key, condition, made in changes]
    objects = (f"jsonb_build_object({', '.join(pairs[i : i + MOST_PAIRS])})" for i in range(0, len(pairs), MOST_PAIRS))
    return f"jsonb_strip_nulls({' || '.join(objects)})"


def current() -> str:
    """The SQL that makes one JSON object of all values of the contact, by the keys of `changed`."""
    own = (f"'{key}', c.{'deleted_at' if key == DELETED else key}" for key in OWN_KEYS)
    return f"c.attributes || jsonb_build_object({', '.join(own)})"


def _list(*parts: str) -> str:
    return f"jsonb_build_array({', '.join(parts)})"
