"""Who entered and left a segment, when and why; and how large it was, hour by hour.

Whoever writes members of a segment calls `record` in the same transaction, or writes the same with a statement of its own
(segments.refresh).
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from segments.models import MemberChange
from tenants.isolation.context import current_tenant
from tenants.isolation.statements import run

# Where no other rule is set (segments.retention).
KEPT_DAYS = 400

# Why it happened, beside the causes of contacts.change_queue.
CAUSES = {
    "contact": "Contact changed", "visit": "Visit", "event": "Event", "segment": "Another segment", "source": "Source",
    "lookalike": "Lookalike", "import": "Import", "duplicate": "Probable duplicates", "time": "Time passed",
    "rule": "Rule changed",
    "added": "Added manually", "removed": "Removed manually", "upload": "Upload", "copy": "Copied",
    "replaced": "Replaced",
    "undo": "Undone", "refresh": "Refresh", "setting": "Setting changed",
}  # fmt: skip

# One entry an hour; locks that of the hour.
SIZE = """
INSERT INTO segment_size (tenant_id, segment_id, hour, size, entered, departed)
VALUES (%(tenant)s, %(segment)s, %(hour)s, %(size)s, %(entered)s, %(departed)s)
ON CONFLICT (tenant_id, segment_id, hour) DO UPDATE SET size = excluded.size,
  entered = segment_size.entered + excluded.entered, departed = segment_size.departed + excluded.departed"""


def record(
    segment_id: int, *, entered: Collection[int], left: Collection[int], cause: str, now: datetime,
    why: Mapping[int, str] | None = None,
) -> None:  # fmt: skip
    """Note who entered and left; `why` has, by contact, the conditions that decided it in words."""
    said = why or {}
    own: dict[str, Any] = {"tenant_id": current_tenant(), "segment_id": segment_id, "at": now, "cause": cause}
    changes = [MemberChange(**own, contact_id=pk, entered=True, why=said.get(pk)) for pk in entered]
    changes += [MemberChange(**own, contact_id=pk, entered=False, why=said.get(pk)) for pk in left]
    MemberChange.objects.bulk_create(changes, batch_size=5_000)


def record_size(segment_id: int, size: int, *, entered: int, left: int, now: datetime) -> None:
    """Note how large a segment is now, and how many entered and left since it was last noted."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    run(SIZE, segment=segment_id, hour=hour, size=size, entered=entered, departed=left)
