"""One value of a contact with everything that goes with it: its other forms, or when and why a status was set.

What merges and edits record, compare and restore. A state is a list of JSON values, in the order of its columns.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contacts import change_log
from contacts.models import Contact
from contacts.values.columns import COMPANIONS
from contacts.values.types import CORE


def _columns(key: str) -> list[str]:
    """The columns that make up a value; an attribute has none."""
    if key.endswith("_status"):
        return [key, f"{key}_at", f"{key}_reason"]
    return [key, *([COMPANIONS[key]] if key in COMPANIONS else [])] if key in CORE else []


def state_of(contact: Contact, key: str) -> list[Any]:
    """The state of a value: of a core field, of a channel's status, or of the attribute with this key."""
    columns = _columns(key)
    if not columns:
        return [contact.attributes.get(key)]
    values = (getattr(contact, column) for column in columns)
    return [value.isoformat() if isinstance(value, datetime) else value for value in values]


def restore_state(contact: Contact, key: str, state: Sequence[Any]) -> None:
    """Give a value a state. Nothing is written to the database."""
    columns = _columns(key)
    for column, value in zip(columns, state, strict=False):
        dated = column.endswith("_at") and value is not None
        setattr(contact, column, datetime.fromisoformat(value) if dated else value)
    if not columns and state[0] is None:
        contact.attributes.pop(key, None)
    elif not columns:
        contact.attributes[key] = state[0]


# What is not written with the others: what never changes, and what is read from the row that is written.
_APART = ("id", "tenant_id", "attributes")


def write_states(contact: Contact, states: Mapping[str, Sequence[Any]], now: datetime) -> None:
    """Give values their states and write the contact, with its place in the order of changes."""
    for key, state in states.items():
        restore_state(contact, key, state)
    contact.changed_at = now
    # Attributes that stay are not written again.
    others = [f.attname for f in Contact._meta.concrete_fields if not f.generated and f.attname not in _APART]
    attributes = ["attributes"] if any(not _columns(key) for key in states) else []
    contact.save(update_fields=None if contact.pk is None else [*others, *attributes])
    change_log.note([contact.pk], now=now)
