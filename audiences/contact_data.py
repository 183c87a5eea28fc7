"""Members of lookalikes, as what belongs to a contact (contacts.extensions). Those of audiences are members of segments."""

from collections.abc import Sequence
from typing import Any

from audiences.models import LookalikeChange, LookalikeMember
from contacts import change_queue
from contacts.extensions import Identifiers, TransferRecord
from tenants.isolation.context import current_tenant

TABLES = ("lookalike_member", "lookalike_change")


def held(contact_ids: Sequence[int]) -> list[tuple[int, str]]:
    """The lookalikes that contacts are in, each counted once."""
    # Below 0: of a refresh that is under way.
    mine = LookalikeMember.objects.filter(contact_id__in=contact_ids, lookalike_id__gt=0)
    count = mine.values("lookalike_id").distinct().count()
    return [(count, "lookalikes" if count != 1 else "lookalike")]


def move(contact_ids: Sequence[int], *, to: int) -> TransferRecord:
    """Give `to` the best place that the contacts have, where it has none itself; the next refresh judges it anew."""
    gone = list(LookalikeMember.objects.filter(contact_id__in=contact_ids).order_by("lookalike_id", "place"))
    has = set(LookalikeMember.objects.filter(contact_id=to).values_list("lookalike_id", flat=True))
    added: dict[int, LookalikeMember] = {}
    for member in gone:
        if member.lookalike_id not in has:
            added.setdefault(member.lookalike_id, member)
    _write([_member(pk, to, member.place, member.score) for pk, member in added.items()])
    LookalikeMember.objects.filter(contact_id__in=contact_ids).delete()
    change_queue.add([*contact_ids, to], "lookalike")
    return {"gone": [[m.lookalike_id, m.contact_id, m.place, m.score] for m in gone], "added": sorted(added)}


def restore(moved: TransferRecord, *, of: int) -> None:
    """Put the contacts back into their lookalikes; `of` leaves those that it came into only by them."""
    LookalikeMember.objects.filter(contact_id=of, lookalike_id__in=moved["added"]).delete()
    _write([_member(lookalike, contact, place, score) for lookalike, contact, place, score in moved["gone"]])
    change_queue.add([of, *(contact for _lookalike, contact, _place, _score in moved["gone"])], "lookalike")


def known(_contact_ids: Sequence[int]) -> list[tuple[str, str]]:
    """Nothing."""
    return []


def erase(contact_ids: Sequence[int], _identifiers: Identifiers) -> None:
    """Take the contacts out of all lookalikes, and out of their history."""
    LookalikeMember.objects.filter(contact_id__in=contact_ids).delete()
    LookalikeChange.objects.filter(contact_id__in=contact_ids).delete()


def _member(lookalike_id: int, contact_id: int, place: int, score: float) -> Any:
    return LookalikeMember(
        tenant_id=current_tenant(), lookalike_id=lookalike_id, contact_id=contact_id, place=place, score=score
    )


def _write(members: Sequence[Any]) -> None:
    LookalikeMember.objects.bulk_create(members, ignore_conflicts=True)
