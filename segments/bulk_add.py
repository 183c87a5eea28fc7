"""Adding many contacts to static segments (contacts.bulk.actions)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from contacts import change_queue
from contacts.bulk.actions import BulkActionType
from contacts.models import BulkAction, Contact
from segments import history, member_edits, membership
from segments.models import Member, Segment
from tenants.isolation.context import current_tenant


class AddToSegments(BulkActionType):
    """Put living contacts into static segments; those that are in all of them already are skipped."""

    label, past, icon, writes = "Add to segments", "added to segments", "folder-plus", False
    effect = "Added to the segments you choose"

    def wanted(self, contacts: Any) -> Any:
        return contacts.filter(deleted_at=None)

    def step(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        segments = list(Segment.objects.static().filter(pk__in=action.options["segments"]).values_list("pk", flat=True))
        living = Contact.objects.living().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True)
        there = Member.objects.filter(segment_id__in=segments, contact_id__in=ids)
        known = set(there.values_list("segment_id", "contact_id"))
        new = [(segment, contact) for contact in living for segment in segments if (segment, contact) not in known]
        own: dict[str, Any] = {"tenant_id": current_tenant(), "added_at": action.started_at}
        members = [Member(segment_id=segment, contact_id=contact, **own) for segment, contact in new]
        Member.objects.bulk_create(members, ignore_conflicts=True, batch_size=5_000)
        for segment in segments:
            entered = [contact for one, contact in new if one == segment]
            history.record(segment, entered=entered, left=[], cause="added", now=now)
        added = sorted({contact for _segment, contact in new})
        change_queue.add(added, "segment")
        return added

    def undo(self, action: BulkAction, ids: Sequence[int], *, now: datetime) -> list[int]:
        """Take out again whom this action has put in: known by the time at which they were added."""
        mine = Member.objects.filter(
            segment_id__in=action.options["segments"], contact_id__in=ids, added_at=action.started_at
        )
        left = list(mine.values_list("segment_id", "contact_id"))
        mine.delete()
        for segment in action.options["segments"]:
            gone = [contact for one, contact in left if one == segment]
            history.record(segment, entered=[], left=gone, cause="undo", now=now)
        members = sorted({contact for _segment, contact in left})
        change_queue.add(members, "segment")
        return members

    def finish(self, action: BulkAction) -> None:
        """The sizes are noted once, not for every step."""
        member_edits.note_sizes(action.options["segments"], now=timezone.now())
        membership.learn(action.done)
