"""Erasing people for good: by a worker, in small steps, with nothing left but a keyed digest (docs/erasing.md)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from contacts import change_log
from contacts.bulk import queries
from contacts.bulk.actions import BulkActionType
from contacts.consent import suppression
from contacts.models import Alias, BulkAction, Contact, Merge
from contacts.privacy import data_providers
from contacts.profile.edit import EDITED
from contacts.values.columns import IDENTIFIERS
from contacts.values.identifiers import name_key
from tenants.models import AuditEntry

NAMES = ("first_name", "last_name")
# What a person types to confirm it.
WORD = "ERASE"


class Erase(BulkActionType):
    """Remove deleted contacts from every store. Those that were merged into them go with them."""

    label, past, icon = "Erase for good", "erased for good", "eraser"
    effect = "Erased everywhere: fields, events, files that mention them, exports, and their data in the audit log"
    promise = (
        "This runs in the background. We keep only a digest of each address, number and ID, which cannot be read back: it "
        "stops imports from adding these people again."
    )
    choices_template, danger, word = "contacts/_confirm_erasing.html", True, WORD
    undoable, permission = False, "contacts.erase"

    def options(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        return {} if str(given.get("word", "")).strip() == self.word else None

    def wanted(self, contacts: Any) -> Any:
        return contacts.filter(deleted_at__isnull=False, merged_into=None)

    def step(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        wanted = self.wanted(Contact.objects.filter(pk__in=ids))
        locked = list(wanted.order_by("pk").select_for_update().values_list("pk", flat=True))
        everybody = queries.with_merged(locked)
        pairs = [*_own(everybody), *data_providers.known(everybody)]
        known = sorted({(kind, value) for kind, value in pairs if kind in IDENTIFIERS})
        values = [value for _kind, value in known]
        called = [*values, *_names(pairs)]
        suppression.add(known)
        data_providers.erase(everybody, known)
        change_log.note_erased(everybody, now=now)
        queries.forget_selections(values, called)
        queries.erase_audit(everybody, values, called)
        return locked


def _own(contact_ids: Sequence[int]) -> list[tuple[str, str]]:
    """(kind, normal form) of what these contacts are known by and called, or were before a merge or an edit."""
    kinds = (*IDENTIFIERS, *NAMES)
    rows = Contact.objects.filter(pk__in=contact_ids).values_list(*kinds)
    own = [pair for row in rows for pair in zip(kinds, row, strict=True)]
    own += Alias.objects.filter(contact_id__in=contact_ids).values_list("kind", "value")
    edits = AuditEntry.objects.filter(verb=EDITED, detail__contact__in=list(contact_ids))
    merges = Merge.objects.filter(contact_id__in=contact_ids)
    kept = [
        *(detail["values"] for detail in edits.values_list("detail", flat=True)),
        *merges.values_list("values", flat=True),
    ]
    own += [(kind, state[0]) for values in kept for kind in kinds for state in values.get(kind, ())]
    return [(kind, value) for kind, value in own if value]


def _names(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Names as people type them into a search: each one, and both in either order; with accents and without."""
    firsts, lasts = ({value for kind, value in pairs if kind == wanted} for wanted in NAMES)
    both = [text for one in firsts for other in lasts for text in (f"{one} {other}", f"{other} {one}")]
    names = [*firsts, *lasts, *both]
    return [*names, *map(name_key, names)]


def since(moment: datetime) -> bool:
    """Whether people may have been erased since then: an erasure leaves no trace of whom it was about."""
    wanted = BulkAction.objects.filter(kind__in=("erase", "expire"))
    return bool(wanted.filter(Q(finished_at__gte=moment) | Q(finished_at=None)).exists())
