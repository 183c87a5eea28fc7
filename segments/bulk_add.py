"""Adding many contacts to static segments (contacts.bulk.actions)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contacts.bulk.actions import BulkActionType
from contacts.models import BulkAction, Contact
from segments.models import Member, Segment
from tenants.isolation.context import current_tenant


class AddToSegments(BulkActionType):
    """Put living contacts into static segments; those that are in all of them already are skipped."""

    label, past, icon, writes = "Add to segments", "added to segments", "folder-plus", False
    effect = "Added to the segments you choose"

    def wanted(self, contacts: Any) -> Any:
        return contacts.filter(deleted_at=None)

    def step(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        segments = list(Segment.objects.filter(pk__in=action.options["segments"]).values_list("pk", flat=True))
        living = Contact.objects.living().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True)
        there = Member.objects.filter(segment_id__in=segments, contact_id__in=ids)
        known = set(there.values_list("segment_id", "contact_id"))
        new = [(segment, contact) for contact in living for segment in segments if (segment, contact) not in known]
        own: dict[str, Any] = {"tenant_id": current_tenant(), "added_at": action.started_at}
        members = [Member(segment_id=segment, contact_id=contact, **own) for segment, contact in new]
        Member.objects.bulk_create(members, ignore_conflicts=True, batch_size=5_000)
        return sorted({contact for _segment, contact in new})

    def undo(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        """Take out again whom this action has put in: known by the time at which they were added."""
        mine = Member.objects.filter(
            segment_id__in=action.options["segments"], contact_id__in=ids, added_at=action.started_at
        )
        members = sorted(set(mine.values_list("contact_id", flat=True)))
        mine.delete()
        return members
