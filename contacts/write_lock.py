"""The write lock of a workspace: who may write contacts now, and whether a plan is still valid (identity, rule 8)."""

import time

from django.db import OperationalError, transaction
from django.db.models import F
from psycopg.errors import LockNotAvailable

from contacts.models import WriteLock
from tenants import pending_work
from tenants.isolation.context import wait_briefly

# Somebody who waits for an answer waits so long for an import that writes; it is looked for again after a moment.
PATIENCE_SECONDS, MOMENT_SECONDS = 2, 0.05


class Held(Exception):
    """An import writes contacts, and went on doing so for as long as somebody waits."""


def lock() -> WriteLock:
    """The row of the write lock, locked until the transaction ends. Made on first use."""
    WriteLock.objects.bulk_create([WriteLock()], ignore_conflicts=True)
    row: WriteLock = WriteLock.objects.select_for_update().get()
    return row


def lock_when_free() -> WriteLock:
    """The row of the write lock, locked, at a time at which no import writes: contacts may then be matched and made.

    Waits PATIENCE_SECONDS in all. Raises Held.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    wait_briefly(PATIENCE_SECONDS)
    while True:
        try:
            with transaction.atomic():  # what is locked in here is let go where it raises
                row = lock()
                if row.holder is None:
                    return row
                raise Held
        except OperationalError as problem:
            if isinstance(problem.__cause__, LockNotAvailable):
                raise Held from None
            raise
        except Held:
            if time.monotonic() >= until:
                raise
        time.sleep(MOMENT_SECONDS)


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
