"""The write lock of a workspace: who may write contacts now, and whether a plan is still valid (identity, rule 8)."""

from django.db.models import F

from contacts.models import WriteLock
from tenants import pending_work


def lock() -> WriteLock:
    """The row of the write lock, locked until the transaction ends. Made on first use."""
    WriteLock.objects.bulk_create([WriteLock()], ignore_conflicts=True)
    row: WriteLock = WriteLock.objects.select_for_update().get()
    return row


def acquire(row: WriteLock, holder: int) -> bool:
    """Let one import write; False when another one does. The same holder may take it again."""
    if row.holder not in (None, holder):
        return False
    row.holder = holder
    row.save(update_fields=["holder"])
    return True


def is_available(row: WriteLock, holder: int) -> bool:
    """Whether nobody else is writing."""
    return row.holder in (None, holder)


def is_held_by_another(holder: int) -> bool:
    """Whether somebody else writes at this moment; without a lock, for showing."""
    return bool(WriteLock.objects.exclude(holder=None).exclude(holder=holder).exists())


def release(holder: int, *, written: bool) -> None:
    """Release the lock; `written` says that contacts changed, so that plans made before are out of date."""
    row = lock()
    if row.holder != holder:
        return
    row.holder = None
    row.version += int(written)
    row.save(update_fields=["holder", "version"])
    pending_work.mark_pending(pending_work.IDENTITY)


def bump_version() -> None:
    """Say that contacts were written outside of an import. The caller has locked the row."""
    WriteLock.objects.update(version=F("version") + 1)
    pending_work.mark_pending(pending_work.IDENTITY)


def version() -> int | None:
    """The version of the workspace's contacts that plans are held against; without a lock. None before the first use."""
    return WriteLock.objects.values_list("version", flat=True).first()
