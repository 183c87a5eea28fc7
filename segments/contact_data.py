"""Members of segments, as what belongs to a contact (contacts.privacy.data_providers)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import F

from contacts import change_queue
from contacts.extensions import Identifiers, TransferRecord
from segments import member_edits, refresh
from segments.models import Member, MemberChange, Segment
from tenants.isolation.context import current_tenant

TABLES = ("segment", "segment_member", "segment_change", "segment_edit_row")
ERASED = "(erased)"


def held(contact_ids: Sequence[int]) -> list[tuple[int, str]]:
    """The segments that contacts are in, each counted once."""
    theirs = Member.objects.filter(contact_id__in=contact_ids, segment_id__in=Segment.objects.values("pk"))
    segments = theirs.values("segment_id").distinct().count()
    return [(segments, "segments" if segments != 1 else "segment")]


def move(contact_ids: Sequence[int], *, to: int) -> TransferRecord:
    """Put `to` into the static segments of the contacts, and take them out. Dynamic ones follow from their rules."""
    static = Segment.objects.filter(rule__isnull=True).values("pk")
    theirs = Member.objects.filter(contact_id__in=contact_ids, segment_id__in=static)
    gone = list(theirs.order_by("segment_id", "contact_id"))
    has = set(Member.objects.filter(contact_id=to).values_list("segment_id", flat=True))
    added = {m.segment_id: m for m in reversed(gone) if m.segment_id not in has}
    _write([_member(m.segment_id, to, m.added_at, m.import_id) for m in added.values()])
    theirs.delete()
    change_queue.add([*contact_ids, to], "segment")
    rows = [[m.segment_id, m.contact_id, m.added_at.isoformat(), m.import_id] for m in gone]
    return {"gone": rows, "added": [[segment_id, m.added_at.isoformat()] for segment_id, m in added.items()]}


def restore(moved: TransferRecord, *, of: int) -> None:
    """Put the contacts back into their segments; `of` leaves those that it came into only by them."""
    for segment_id, at in moved["added"]:
        # Somebody may have added it again meanwhile.
        Member.objects.filter(segment_id=segment_id, contact_id=of, added_at=datetime.fromisoformat(at)).delete()
    _write([_member(segment, contact, datetime.fromisoformat(at), imp) for segment, contact, at, imp in moved["gone"]])
    change_queue.add([of, *(row[1] for row in moved["gone"])], "segment")


def known(_contact_ids: Sequence[int]) -> list[tuple[str, str]]:
    """Nothing."""
    return []


def erase(contact_ids: Sequence[int], identifiers: Identifiers) -> None:
    """Take the contacts out of all segments, and their identifiers out of the rules that name them."""
    members = Member.objects.filter(contact_id__in=contact_ids)
    for segment in Segment.everything.filter(pk__in=members.values("segment_id")).order_by("pk").select_for_update():
        theirs = members.filter(segment_id=segment.pk).delete()[0]
        Segment.everything.filter(pk=segment.pk, rule__isnull=False).update(size=F("size") - theirs)
    MemberChange.objects.filter(contact_id__in=contact_ids).delete()
    member_edits.of_contacts(contact_ids).delete()
    known = {value.casefold() for _kind, value in identifiers}
    for segment in Segment.everything.filter(rule__isnull=False).select_for_update():
        blank = _without(segment.rule, known)
        if blank != segment.rule:
            segment.rule = blank
            segment.save(update_fields=["rule"])
            refresh.begin(segment, rule_changed=True)


def _without(rule: Any, known: set[str]) -> Any:
    """A rule in which the identifiers are replaced by a word that is nobody's."""
    if isinstance(rule, dict):
        return {
            name: _values(value, known) if name == "values" else _without(value, known) for name, value in rule.items()
        }
    if isinstance(rule, list):
        return [_without(value, known) for value in rule]
    return ERASED if isinstance(rule, str) and rule.casefold() in known else rule


def _values(values: list[str], known: set[str]) -> list[str]:
    """The other values of a condition; the word where there is no other, so that the rule means nobody and says so."""
    return [value for value in values if value.casefold() not in known] or ([ERASED] if values else [])


def _member(segment_id: int, contact_id: int, added_at: datetime, import_id: int | None) -> Member:
    own: dict[str, Any] = {"tenant_id": current_tenant(), "segment_id": segment_id, "contact_id": contact_id}
    return Member(**own, added_at=added_at, import_id=import_id)


def _write(members: Sequence[Member]) -> None:
    Member.objects.bulk_create(members, ignore_conflicts=True)
