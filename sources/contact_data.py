"""Sources and ambiguities, as what belongs to a contact (contacts.extensions)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from contacts import change_queue
from contacts.extensions import Identifiers, TransferRecord
from sources.models import Ambiguity, AmbiguityState, SourceMember
from tenants.isolation.context import current_tenant

TABLES = ("source", "source_member", "ambiguity")


def held(contact_ids: Sequence[int]) -> list[tuple[int, str]]:
    """The sources that contacts are in, each counted once."""
    count = SourceMember.objects.filter(contact_id__in=contact_ids).values("source_id").distinct().count()
    return [(count, "sources" if count != 1 else "source")]


def move(contact_ids: Sequence[int], *, to: int) -> TransferRecord:
    """Put `to` into the sources of the contacts, and take them out. What it matches is found by the next refresh."""
    gone = list(SourceMember.objects.filter(contact_id__in=contact_ids).order_by("source_id", "contact_id"))
    has = set(SourceMember.objects.filter(contact_id=to).values_list("source_id", flat=True))
    added = {m.source_id: m.added_at for m in reversed(gone) if m.source_id not in has}
    _write([_member(source_id, to, at) for source_id, at in added.items()])
    SourceMember.objects.filter(contact_id__in=contact_ids).delete()
    change_queue.add([*contact_ids, to], "source")
    return {
        "gone": [[m.source_id, m.contact_id, m.added_at.isoformat()] for m in gone],
        "added": [[source_id, at.isoformat()] for source_id, at in added.items()],
    }


def restore(moved: TransferRecord, *, of: int) -> None:
    """Put the contacts back into their sources; `of` leaves those that it came into only by them."""
    for source_id, at in moved["added"]:
        SourceMember.objects.filter(source_id=source_id, contact_id=of, added_at=datetime.fromisoformat(at)).delete()
    _write([_member(source, contact, datetime.fromisoformat(at)) for source, contact, at in moved["gone"]])
    change_queue.add([of, *(contact for _source, contact, _at in moved["gone"])], "source")


def known(_contact_ids: Sequence[int]) -> list[tuple[str, str]]:
    """Nothing."""
    return []


def erase(contact_ids: Sequence[int], _identifiers: Identifiers) -> None:
    """Take the contacts out of all sources, and out of what they could have been."""
    SourceMember.objects.filter(contact_id__in=contact_ids).delete()
    for contact_id in contact_ids:
        for ambiguity in Ambiguity.objects.filter(candidates__contains=[{"contact": contact_id}]).select_for_update():
            _without(ambiguity, contact_id)


def _without(ambiguity: Ambiguity, contact_id: int) -> None:
    """Forget that it could be this contact. With one candidate left there is nothing to decide."""
    ambiguity.candidates = [c for c in ambiguity.candidates if c["contact"] != contact_id]
    ambiguity.undo = {}
    if ambiguity.contact_id == contact_id:
        ambiguity.contact_id = None
    if len({c["contact"] for c in ambiguity.candidates}) < 2 and ambiguity.state != AmbiguityState.DECIDED:
        ambiguity.state, ambiguity.decided_at = AmbiguityState.DECIDED, timezone.now()
    ambiguity.save()


def _member(source_id: int, contact_id: int, added_at: datetime) -> Any:
    return SourceMember(tenant_id=current_tenant(), source_id=source_id, contact_id=contact_id, added_at=added_at)


def _write(members: Sequence[Any]) -> None:
    SourceMember.objects.bulk_create(members, ignore_conflicts=True)
