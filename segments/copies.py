"""Copies of segments: static ones with the contacts that are in another one now."""

import re
from typing import Any

from django.utils import timezone

from segments import history, member_edits, membership
from segments.models import EditKind, Member, Segment
from segments.segment_form import MOST_NAME
from tenants import audit
from tenants.isolation.statements import fill, hash_joins, run

# A copy is one statement. It cannot be undone, as its segment can be deleted, so nothing is noted for that.
COPY = """
INSERT INTO segment_member (tenant_id, segment_id, contact_id, added_at)
SELECT %(tenant)s, %(segment)s, w.id, %(at)s FROM ({wanted}) w(id) ORDER BY w.id
ON CONFLICT DO NOTHING"""
# Who entered by it, unless they are very many: as when a dynamic segment is built, the size then says enough.
TELL = """
INSERT INTO segment_change (tenant_id, segment_id, at, contact_id, entered, cause)
SELECT m.tenant_id, m.segment_id, m.added_at, m.contact_id, true, %(cause)s
FROM segment_member m WHERE m.tenant_id = %(tenant)s AND m.segment_id = %(segment)s"""


def name_for(source: Segment) -> str:
    """A free name for a copy: "VIP, copy", "VIP, copy 2" and so on."""
    for number in range(1, 100):
        name = f"{source.name}, copy{f' {number}' if number > 1 else ''}"
        if len(name) <= MOST_NAME and not Segment.objects.present().filter(name=name).exists():
            return name
    return ""


def copy_members(source: Segment, to: Segment, *, user_id: int | None) -> int | None:
    """Put the contacts of a segment into a new static one; returns how many. None where it has members already: the form
    was sent twice."""
    if member_edits.lock(to.pk) is None or Member.objects.filter(segment_id=to.pk).exists():
        return None
    wanted, values = named_parameters(membership.contacts(source).order_by().values("pk"))
    now = timezone.now()
    with hash_joins():
        count = run(fill(COPY, wanted=wanted), segment=to.pk, at=now, **values)
    membership.learn(count)
    if count and count <= member_edits.MOST_QUEUED:
        run(TELL, segment=to.pk, cause=EditKind.COPY)
    history.record_size(to.pk, count, entered=count, left=0, now=now)
    audit.record("segment.copied", user_id=user_id, target=f"segment {to.pk}", source=source.name, contacts=count)
    return count


def named_parameters(query: Any, prefix: str = "v") -> tuple[str, dict[str, Any]]:
    """A query as SQL with parameters that have names, so that it can be a part of another statement."""
    sql, params = query.query.sql_with_params()
    values = {f"{prefix}{i}": value for i, value in enumerate(params)}
    names = iter(values)
    return re.sub(r"%%|%s", lambda found: f"%({next(names)})s" if found[0] == "%s" else "%%", sql), values
