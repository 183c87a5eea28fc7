"""Members of static segments, written in bulk."""

from datetime import datetime

from contacts import queries
from contacts.staging import Staging
from segments.models import Member, Segment

# Adds the contacts of rows [start, stop) that an import has created or found; members already there stay as they are.
ADD = """
INSERT INTO segment_member (tenant_id, segment_id, contact_id, added_at)
SELECT m.tenant_id, %(segment)s, m.contact_id, %(now)s FROM {map} m
WHERE m.tenant_id = %(tenant)s AND m.row_no >= %(start)s AND m.row_no < %(stop)s
ON CONFLICT DO NOTHING"""


def add(staging: Staging, segment_id: int, *, start: int, stop: int, now: datetime) -> int:
    """Add the contacts of a range of rows to a static segment; returns how many are new in it."""
    return queries.run(ADD, staging, segment=segment_id, start=start, stop=stop, now=now)


def named(name: str) -> Segment:
    """The static segment of that name, made when it does not exist."""
    segment: Segment = Segment.objects.get_or_create(name=name)[0]
    return segment


def size(segment_id: int) -> int:
    """How many contacts are in a segment."""
    return int(Member.objects.filter(segment_id=segment_id).count())
