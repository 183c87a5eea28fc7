"""What destinations were told of contacts, as what belongs to a contact (contacts.extensions).

Nothing moves by a merge: the contact that is gone is taken out by what was told of it, and the one that stays is told anew.
An erasure leaves what was told, which is hashes, or a number, until the removal was told as well; then it is deleted.
"""

from collections.abc import Sequence

from contacts.extensions import Identifiers, TransferRecord
from destinations import syncs
from destinations.models import Sync, SyncMember
from tenants.isolation.statements import run

TABLES = ("sync_member", "sync_key", "sync_batch")

# Who has no entries at a destination needs no removal.
ERASE_UNTOLD = """
DELETE FROM sync_member m
WHERE m.tenant_id = %(tenant)s AND m.told = '{}' AND m.contact_id = ANY(%(ids)s::bigint[])"""


def held(contact_ids: Sequence[int]) -> list[tuple[int, str]]:
    """The data syncs that have told of contacts, each counted once."""
    count = SyncMember.objects.filter(contact_id__in=contact_ids).values("sync_id").distinct().count()
    return [(count, "data syncs" if count != 1 else "data sync")]


def move(_contact_ids: Sequence[int], *, to: int) -> TransferRecord:
    """Nothing: the next run compares, and the removal of who is gone does not wait for it."""
    return {}


def restore(_moved: TransferRecord, *, of: int) -> None:
    """Nothing, as nothing was moved."""


def known(_contact_ids: Sequence[int]) -> list[tuple[str, str]]:
    """Nothing: what was told cannot be read back."""
    return []


def erase(contact_ids: Sequence[int], _identifiers: Identifiers) -> None:
    """Have the contacts taken out at once; what was told of them goes when that is done."""
    run(ERASE_UNTOLD, ids=list(contact_ids))
    told = SyncMember.objects.filter(contact_id__in=contact_ids).values_list("sync_id", flat=True).distinct()
    for sync in Sync.objects.filter(pk__in=list(told)):
        syncs.take_out_soon(sync)
