"""Deleted contacts as a kind of data with a rule: after a time they are erased for good."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contacts.bulk import queries
from contacts.bulk.kinds import lock_wanted
from contacts.bulk.retention import KindByAction, moment_of
from contacts.models import BulkAction, Contact
from contacts.privacy.erasure import Erase
from tenants.retention.kinds import Found, counted_query


def expired(before: datetime) -> Any:
    """Contacts that were deleted before a moment; those that were merged go with the contact that they have become."""
    return Contact.objects.filter(deleted_at__lt=before, merged_into=None)


class EraseExpired(Erase):
    """Erase deleted contacts whose time is over. Only the rule begins it."""

    label, past = "Erase old deleted contacts", "erased for good"
    effect, choices_template, word = "Deleted contacts whose time is over", "", ""

    def options(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        return None

    def gather(self, action: BulkAction) -> int:
        return queries.gather(action.pk, expired(moment_of(action)).values("pk"))

    def step(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        return super().step(action, lock_wanted(expired(moment_of(action)), ids), now=now)


class DeletedContacts(KindByAction):
    """The rule of deleted contacts."""

    key, label, icon, action = "deleted", "Deleted contacts", "eraser", "expire"
    words = "Contacts that were deleted, with all their data. They can be restored as long as they are stored."
    since, effect = "the contact was deleted", "Erased for good, with everything known of them, and all export files"
    least = 7
    afterwards = "After that, erasing cannot be undone, and imports do not add these people again."

    def find(self, *, before: datetime | None, most: int) -> Found:
        deleted = expired(before) if before else Contact.objects.exclude(deleted_at=None).filter(merged_into=None)
        return counted_query(deleted.order_by("deleted_at"), time="deleted_at", most=most)
