"""When a contact entered and left segments, as entries of its activity (tracking.timeline)."""

from typing import Any

from contacts.profile.timeline import Cursor, Entry
from core import keyset
from segments import history
from segments.models import MemberChange, Segment

LABEL = "Segments"


def latest(contact_id: int, *, behind: Cursor | None, count: int) -> list[Entry]:
    """The segments that the contact entered and left, and why; the latest first. Those that hold the members of audiences,
    and those that were removed for good, are left out."""
    changes = _of(contact_id)
    if behind is not None:
        changes = changes.filter(keyset.beyond("at", behind.at, behind.number, key="segment_id"))
    rows = list(changes.order_by("-at", "-segment_id")[:count])
    names = dict(Segment.objects.filter(pk__in={row.segment_id for row in rows}).values_list("pk", "name"))
    return [_entry(row, names.get(row.segment_id, "")) for row in rows]


def count(contact_id: int) -> int:
    """How many such entries there are."""
    return int(_of(contact_id).count())


def _of(contact_id: int) -> Any:
    return MemberChange.objects.filter(contact_id=contact_id, segment_id__in=Segment.objects.values("pk"))


def _entry(row: MemberChange, name: str) -> Entry:
    text, icon = ("Entered segment", "user-plus") if row.entered else ("Left segment", "user-minus")
    cause = history.CAUSES.get(row.cause, row.cause)
    return Entry(row.at, row.segment_id, icon, text, name, row.why or "", cause)
