"""Erasing people for good: by a worker, in small steps, with nothing left but a keyed digest (docs/erasing.md)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contacts import bulk_queries, holdings, suppression
from contacts.bulk import Kind
from contacts.editing import EDITED
from contacts.models import Alias, BulkAction, Contact
from tenants.models import AuditEntry

IDENTIFIERS = ("external_id", "email", "phone")
# What a person types to confirm it.
WORD = "ERASE"


class Erase(Kind):
    """Remove deleted contacts from every store. Those that were merged into them go with them."""

    label, past, icon = "Erase for good", "erased for good", "eraser"
    undoable, permission = False, "contacts.erase"

    def wanted(self, contacts: Any) -> Any:
        return contacts.filter(deleted_at__isnull=False, merged_into=None)

    def step(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        wanted = self.wanted(Contact.objects.filter(pk__in=ids))
        found = list(wanted.order_by("pk").select_for_update().values_list("pk", flat=True))
        everybody = bulk_queries.with_merged(found)
        known = identifiers(everybody)
        suppression.add(known)
        holdings.erase(everybody, known)
        return found


def identifiers(contact_ids: Sequence[int]) -> list[tuple[str, str]]:
    """(kind, normal form) of everything that these contacts are known by, or were before a merge or an edit."""
    rows = Contact.objects.filter(pk__in=contact_ids).values_list(*IDENTIFIERS)
    own = {(kind, value) for row in rows for kind, value in zip(IDENTIFIERS, row, strict=True) if value}
    own |= set(Alias.objects.filter(contact_id__in=contact_ids).values_list("kind", "value"))
    edits = AuditEntry.objects.filter(verb=EDITED, detail__contact__in=list(contact_ids)).values_list(
        "detail", flat=True
    )
    own |= {
        (kind, state[0])
        for detail in edits
        for kind in IDENTIFIERS
        for state in detail["values"].get(kind, ())
        if state[0]
    }
    return sorted(own)
