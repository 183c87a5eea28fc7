"""Which contacts imports have given another value (contacts.extensions.value_changes)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models.expressions import RawSQL

from contacts.staging import Reverted
from imports.models import RowEffect


def changed_since(key: str, *, since: datetime, of: Sequence[int] | None) -> Any:
    """The IDs of the contacts whose value a row has changed since then, and no undo has changed back. What a contact was
    created with is no change."""
    rows = RowEffect.objects.filter(at__gte=since, changed__has_key=key).exclude(undone=Reverted.FULLY)
    if of is not None:
        rows = rows.filter(contact_id__in=RawSQL("SELECT unnest(%s::bigint[])", [list(of)]))
    return rows.values("contact_id")
