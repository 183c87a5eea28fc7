"""Contacts in the order in which they changed: fast at a million."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from contacts import change_queue
from contacts.models import Change, ChangeBatch, Contact, SilentChange
from core import keyset
from tenants.isolation.statements import run

# Entries are read so many at a time; those that a later change has overtaken are passed over, but not for ever.
STEP, MOST_STEPS = 200, 25
# So many entries beside those that count are left alone.
SPARE = 20_000


class ScanLimitReached(Exception):
    """So few of the entries are wanted contacts that sorting all of those is faster."""


def in_order(wanted: Any, *, newest_first: bool, after: tuple[datetime, int] | None, count: int) -> list[Contact]:
    """The next `count` contacts of the query `wanted` by change, behind the key (time, id). Raises ScanLimitReached."""
    contacts: list[Contact] = []
    for contact in _walk(wanted, newest_first=newest_first, after=after):
        contacts.append(contact)
        if len(contacts) == count:
            break
    return contacts


def _walk(wanted: Any, *, newest_first: bool, after: tuple[datetime, int] | None) -> Iterator[Contact]:
    order = ("-at", "-contact_id") if newest_first else ("at", "contact_id")
    for _step in range(MOST_STEPS):
        behind = keyset.beyond("at", *after, key="contact_id", down=newest_first) if after else Q()
        entries = list(Change.objects.filter(behind).order_by(*order).values_list("at", "contact_id")[:STEP])
        contacts = wanted.in_bulk([contact_id for _at, contact_id in entries])
        for at, contact_id in entries:
            contact = contacts.get(contact_id)
            if contact is not None and contact.changed_at == at:
                yield contact
        if len(entries) < STEP:
            return
        after = entries[-1]
    raise ScanLimitReached


def tidy() -> int:
    """Remove entries that a later one of the same contact replaces, once there are many; returns how many. They cost
    nothing but the time to pass over them, so this may run at any time, beside anything."""
    contacts = Contact.objects.count()
    if Change.objects.count() <= contacts + max(SPARE, contacts // 20) and not _in_the_way():
        return 0
    counts = Contact.objects.filter(pk=OuterRef("contact_id"), changed_at=OuterRef("at"))
    removed, _by_model = Change.objects.filter(~Exists(counts)).delete()
    return int(removed)


def _in_the_way() -> bool:
    """Whether a list would pass over many entries before it comes to its first contacts."""
    for order in ("-at", "at"):
        entries = list(Change.objects.order_by(order).values_list("contact_id", "at")[: STEP * MOST_STEPS // 5])
        at = dict(Contact.objects.filter(pk__in=[pk for pk, _at in entries]).values_list("pk", "changed_at"))
        if sum(at.get(pk) != moment for pk, moment in entries) > STEP * MOST_STEPS // 10:
            return True
    return False


def forget_news(*, before: datetime) -> int:
    """Remove news that everybody has read."""
    return int(SilentChange.objects.filter(at__lt=before).delete()[0])


def forget_batches(*, before: datetime) -> int:
    """Remove what nobody reads any more who follows the changes (contacts.change_feed)."""
    return int(ChangeBatch.objects.filter(at__lt=before).delete()[0])


NOTE_CHANGES = """
INSERT INTO contact_change (tenant_id, at, contact_id)
SELECT %(tenant)s, %(now)s, u.id FROM unnest(%(ids)s::bigint[]) u(id) ON CONFLICT DO NOTHING"""
NOTE_SILENT = """
INSERT INTO contact_news (tenant_id, at, contact_id)
SELECT %(tenant)s, %(now)s, u.id FROM unnest(%(ids)s::bigint[]) u(id) ON CONFLICT DO NOTHING"""
# That this transaction has written entries of a moment; its number is the default of the column.
NOTE_BATCH = """
INSERT INTO change_batch (tenant_id, at, kind) VALUES (%(tenant)s, %(now)s, %(kind)s) ON CONFLICT DO NOTHING"""


def note(ids: Sequence[int], *, now: Any) -> None:
    """Add to the order of changes, and to the queue of what follows from them."""
    run(NOTE_CHANGES, ids=list(ids), now=now)
    note_batch(now=now)
    change_queue.add(ids, "contact")


def note_erased(ids: Sequence[int], *, now: Any) -> None:
    """Tell those who follow the changes that these contacts are no more."""
    run(NOTE_SILENT, ids=list(ids), now=now)
    note_batch(now=now, kind=ChangeBatch.Kind.ERASED)


def note_batch(*, now: Any, kind: str = ChangeBatch.Kind.CHANGE) -> None:
    """Tell those who follow the changes that this transaction has written entries of this moment, with a statement of the
    caller's own."""
    run(NOTE_BATCH, now=now, kind=str(kind))
