"""What imports have made of a contact, as entries of its activity (tracking.timeline)."""

from typing import Any

from contacts.duplicates import merge
from contacts.profile.timeline import Cursor, Entry
from contacts.staging import Reverted, RowOutcome
from core import keyset
from imports.models import Import, RowEffect
from imports.wizard import column_choices

LABEL = "Imports"
MOST_KEYS = 5


def latest(contact_id: int, *, behind: Cursor | None, count: int) -> list[Entry]:
    """The rows that have made or changed the contact, and those that have become part of it; the latest first."""
    effects = _rows(contact_id)
    if behind is not None:
        effects = effects.filter(keyset.beyond("at", behind.at, behind.number, key="import_id"))
    rows = list(effects.order_by("-at", "-import_id")[:count])
    names = dict(Import.objects.filter(pk__in={row.import_id for row in rows}).values_list("pk", "file_name"))
    labels = column_choices.labels() if rows else {}
    return [_entry(row, names.get(row.import_id, ""), labels) for row in rows]


def count(contact_id: int) -> int:
    """How many such rows there are."""
    return int(_rows(contact_id).count())


def _rows(contact_id: int) -> Any:
    return RowEffect.objects.filter(contact_id__in=merge.merged_ids(contact_id)).exclude(undone=Reverted.FULLY)


def _entry(row: RowEffect, name: str, labels: dict[str, str]) -> Entry:
    keys = [labels.get(key, key) for key in row.changed or ()]
    more = ", ".join(keys[:MOST_KEYS]) + (f" and {len(keys) - MOST_KEYS} more" if len(keys) > MOST_KEYS else "")
    text = "Created by import" if row.outcome == RowOutcome.CREATED else "Updated by import"
    return Entry(row.at, row.import_id, "download", text, name, more, f"line {row.row_no:,}", row.import_id)
