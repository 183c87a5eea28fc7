"""Fields that a column of a file will become: their name, key and type, and what speaks against making them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contacts.fields import custom_fields
from contacts.models import Attribute
from contacts.values.formula_guard import unmarked
from imports.wizard import column_choices

MAX_NAME, MAX_KEY = 120, 60


@dataclass(frozen=True)
class NewField:
    """A field as somebody wishes it."""

    label: str
    key: str
    type: str = "text"

    @property
    def choice(self) -> str:
        """As `columns.choose` takes it."""
        return f"new:{self.type}:{self.key}:{self.label}"


def suggested(name: str, column: Mapping[str, Any]) -> NewField:
    """The field that the name of a column suggests."""
    label = " ".join(unmarked(name).split())[:MAX_NAME]
    return NewField(label, column_choices.key_of(label or name), column.get("type", "text"))


def read(posted: Mapping[str, str], i: int, known: NewField, *, kind: str) -> NewField:
    """The field that the page says for column `i`. The key is made from the name where it is left empty."""
    label = " ".join(posted.get(f"label-{i}", known.label).replace("\x00", "").split())[:MAX_NAME]
    key = posted.get(f"key-{i}", known.key).strip()[:MAX_KEY]
    return NewField(label, key or column_choices.key_of(label or known.label), posted.get(f"type-{i}", kind))


def problems(wished: Mapping[int, NewField]) -> dict[int, str]:
    """What is wrong with new fields, by the index of their column, in a sentence."""
    if not wished:
        return {}
    taken = custom_fields.taken_names()
    known = {row.key: row for row in Attribute.objects.filter(key__in=[new.key for new in wished.values()])}
    keys = Counter(new.key for new in wished.values())
    names = Counter(custom_fields.column_name(new.label) for new in wished.values())
    messages = {}
    for i, new in wished.items():
        row = known.get(new.key)
        if not new.label:
            messages[i] = "Enter a name for the new field."
        elif keys[new.key] > 1 or names[custom_fields.column_name(new.label)] > 1:
            messages[i] = "Two new fields have this name. Choose another name."
        elif row is not None and (row.archived_at or row.type != new.type):
            messages[i] = f"The field {new.key} already exists. Choose another name."
        elif row is None and custom_fields.column_name(new.label) in taken:
            messages[i] = f"Exports already have a column named {new.label}. Choose another name."
        elif not column_choices.is_key(new.key):
            messages[i] = "Enter an unused column name of lower-case letters, digits and underscores, like shoe_size."
    return messages
