"""What the contacts themselves hold of a person, beside what other apps do (contacts.privacy.data_providers)."""

from collections.abc import Sequence

from django.db.models import Q

from contacts import change_queue
from contacts.bulk import export
from contacts.extensions import Identifiers, TransferRecord
from contacts.models import (
    Alias,
    BlacklistEntry,
    BulkItem,
    Change,
    ConsentRecord,
    Contact,
    Merge,
    ProbableKey,
    ProbablePair,
    QueuedChange,
    SilentChange,
    UndoArchive,
)  # fmt: skip
from tenants.models import Outbox

TABLES = (
    "contact", "alias", "merge", "withdrawn", "contact_change", "contact_news", "change_queue", "bulk_item", "bulk_action",
    "consent_record", "blacklist_entry", "probable_key", "probable_pair", "audit_entry",
    "outbox",
)  # fmt: skip


def held(_contact_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Nothing beside the contacts."""
    return []


def move(_contact_ids: Sequence[int], *, to: int) -> TransferRecord:
    """Nothing: contacts.duplicates.merge does it."""
    return {}


def restore(_moved: TransferRecord, *, of: int) -> None:
    """Nothing, as nothing was moved."""


def known(_contact_ids: Sequence[int]) -> list[tuple[str, str]]:
    """Nothing that is not found otherwise."""
    return []


def erase(contact_ids: Sequence[int], identifiers: Identifiers) -> None:
    """Remove the contacts and every trace of them, exports included."""
    values = [value for _kind, value in identifiers]
    Alias.objects.filter(contact_id__in=contact_ids).delete()
    Merge.objects.filter(contact_id__in=contact_ids).delete()
    UndoArchive.objects.filter(kind="contact", item__in=contact_ids).delete()
    Change.objects.filter(contact_id__in=contact_ids).delete()
    SilentChange.objects.filter(contact_id__in=contact_ids).delete()
    QueuedChange.objects.filter(contact_id__in=contact_ids).delete()
    ConsentRecord.objects.filter(contact_id__in=contact_ids).delete()
    BlacklistEntry.objects.filter(value__in=values).delete()
    Outbox.objects.filter(to__in=values).delete()
    ProbableKey.objects.filter(contact_id__in=contact_ids).delete()
    pairs = ProbablePair.objects.filter(Q(low_id__in=contact_ids) | Q(high_id__in=contact_ids))
    paired = {pk for pair in pairs.values_list("low_id", "high_id") for pk in pair}
    change_queue.add(paired - set(contact_ids), "duplicate")
    pairs.delete()
    BulkItem.objects.filter(contact_id__in=contact_ids).update(before=None)
    export.forget_all()
    Contact.objects.filter(pk__in=contact_ids).delete()
