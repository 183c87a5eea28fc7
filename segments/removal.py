"""Deleting segments: refused while something needs them, restorable for some days, then for good."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from segments import refresh, usage
from segments.models import Segment
from segments.usage import Use
from tenants import audit
from tenants.isolation.statements import run

RESTORE_DAYS = 30

# Deletes segments of long ago for good, with all that is stored about them.
FORGET = """
WITH gone AS (
  DELETE FROM segment s WHERE s.tenant_id = %(tenant)s AND s.archived_at < %(before)s RETURNING s.id),
members AS (
  DELETE FROM segment_member m USING gone g WHERE m.tenant_id = %(tenant)s AND m.segment_id = g.id),
changes AS (
  DELETE FROM segment_change c USING gone g WHERE c.tenant_id = %(tenant)s AND c.segment_id = g.id),
sizes AS (
  DELETE FROM segment_size z USING gone g WHERE z.tenant_id = %(tenant)s AND z.segment_id = g.id),
edits AS (
  DELETE FROM segment_edit e USING gone g WHERE e.tenant_id = %(tenant)s AND e.segment_id = g.id RETURNING e.id)
DELETE FROM segment_edit_row r USING edits e WHERE r.tenant_id = %(tenant)s AND r.edit_id = e.id"""


def holding(segment: Segment, naming: list[Segment]) -> list[tuple[Segment, Use]]:
    """What stands in the way of deleting a segment together with those whose rules name it: (which of them, its use)."""
    together = {one.pk: one for one in [segment, *naming]}
    found = usage.uses(together)
    return [(together[pk], use) for pk, uses in found.items() for use in uses if use.holds]


def delete(segment: Segment, naming: list[Segment], *, user_id: int | None) -> None:
    """Archive a segment, and with it those whose rules name it. The caller has asked `holding`."""
    now = timezone.now()
    for one in [segment, *naming]:
        Segment.objects.filter(pk=one.pk).update(archived_at=now)
        audit.record(
            "segment.deleted", user_id=user_id, target=f"segment {one.pk}", name=one.name,
            because=segment.name if one is not segment else None,
        )  # fmt: skip
    refresh.request_dependents(segment.pk)  # a rule that was changed at this moment
    refresh.watch()


def restore(segment: Segment, name: str, *, user_id: int | None) -> bool:
    """Make a deleted segment available again, under a name. False when another one has that name."""
    try:
        with transaction.atomic():
            Segment.objects.filter(pk=segment.pk).update(archived_at=None, name=name)
    except IntegrityError:
        return False
    values = {"name": [segment.name, name]} if name != segment.name else None
    audit.record("segment.restored", user_id=user_id, target=f"segment {segment.pk}", name=name, values=values)
    refresh.request_dependents(segment.pk)
    back = Segment.objects.get(pk=segment.pk)
    if back.rule is not None:
        refresh.begin(back, rule_changed=True)  # nothing has kept its members meanwhile
    return True


def restorable_until(segment: Segment) -> datetime | None:
    """Until when a deleted segment can be restored."""
    return segment.archived_at + timedelta(days=RESTORE_DAYS) if segment.archived_at else None


def forget_deleted(*, now: datetime) -> None:
    """Delete segments that can no longer be restored."""
    run(FORGET, before=now - timedelta(days=RESTORE_DAYS))
