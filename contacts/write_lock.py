"""The tenant's turn: who may write contacts now, and whether a plan is still true (identity, rule 8)."""

from django.db.models import F

from contacts.models import Turn


def lock() -> Turn:
    """The tenant's turn, locked until the transaction ends. Made on first use."""
    Turn.objects.bulk_create([Turn()], ignore_conflicts=True)
    turn: Turn = Turn.objects.select_for_update().get()
    return turn


def take(turn: Turn, holder: int) -> bool:
    """Let one import write; False when another one does. The same holder may take it again."""
    if turn.holder not in (None, holder):
        return False
    turn.holder = holder
    turn.save(update_fields=["holder"])
    return True


def is_free(turn: Turn, holder: int) -> bool:
    """Whether nobody else is writing."""
    return turn.holder in (None, holder)


def is_held_by_another(holder: int) -> bool:
    """Whether somebody else writes at this moment; without a lock, for showing."""
    return bool(Turn.objects.exclude(holder=None).exclude(holder=holder).exists())


def release(holder: int, *, written: bool) -> None:
    """Give the turn back; `written` says that contacts changed, so that plans made before are out of date."""
    turn = lock()
    if turn.holder != holder:
        return
    turn.holder = None
    turn.version += int(written)
    turn.save(update_fields=["holder", "version"])


def written() -> None:
    """Say that contacts were written outside of an import. The caller has locked the turn."""
    Turn.objects.update(version=F("version") + 1)


def version() -> int | None:
    """The version of the workspace's contacts that plans are held against; without a lock. None before the first turn."""
    return Turn.objects.values_list("version", flat=True).first()
