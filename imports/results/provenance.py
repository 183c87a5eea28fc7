"""Where the values of a contact came from: import, line and time, from what imports have touched."""

from dataclasses import dataclass
from datetime import datetime

from contacts.duplicates import merge
from contacts.staging import Reverted, RowOutcome
from imports.models import Import, RowEffect


@dataclass(frozen=True)
class Provenance:
    """The row of an import that gave a value, or made the contact."""

    import_id: int
    file_name: str
    line: int
    at: datetime | None


def of_contact(contact_id: int) -> tuple[dict[str, Provenance], Provenance | None]:
    """(key of a value → its origin, the row that made the contact).

    The latest row that changed a value gave it; a value that no row changed came with the row that made the contact.
    """
    touches = list(RowEffect.objects.filter(contact_id__in=merge.merged_ids(contact_id)).order_by("-import_id"))
    imports = {i.pk: i for i in Import.objects.filter(pk__in={t.import_id for t in touches})}
    by_key: dict[str, Provenance] = {}
    made: Provenance | None = None
    for touch in touches:
        imp = imports.get(touch.import_id)
        if imp is None or touch.undone == Reverted.FULLY:
            continue
        origin = Provenance(imp.pk, imp.file_name, touch.row_no, imp.finished_at or imp.started_at)
        for key in touch.changed or ():
            by_key.setdefault(key, origin)
        if touch.outcome == RowOutcome.CREATED:
            made = origin
    return by_key, made
