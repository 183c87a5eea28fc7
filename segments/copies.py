"""Copies of segments: static ones with the contacts that are in another one now."""

import re
from typing import Any

from segments import member_edits, membership
from segments.details import MOST_NAME
from segments.models import EditKind, Member, Segment, SegmentEdit


def name_for(source: Segment) -> str:
    """A free name for a copy: "VIP, copy", "VIP, copy 2" and so on."""
    for number in range(1, 100):
        name = f"{source.name}, copy{f' {number}' if number > 1 else ''}"
        if len(name) <= MOST_NAME and not Segment.objects.present().filter(name=name).exists():
            return name
    return ""


def copy_members(source: Segment, to: Segment, *, user_id: int | None) -> SegmentEdit | None:
    """Put the contacts of a segment into a new static one, by one statement. None where it has members already: the form
    was sent twice."""
    if member_edits.lock(to.pk) is None or Member.objects.filter(segment_id=to.pk).exists():
        return None
    wanted, values = named_parameters(membership.contacts(source).order_by().values("pk"))
    edit = member_edits.begin(to, EditKind.COPY, user_id=user_id)
    member_edits.change(edit, enter=wanted, **values)
    member_edits.finish(edit)
    return edit


def named_parameters(query: Any) -> tuple[str, dict[str, Any]]:
    """A query as SQL with parameters that have names, so that it can be a part of another statement."""
    sql, params = query.query.sql_with_params()
    values = {f"v{i}": value for i, value in enumerate(params)}
    names = iter(values)
    return re.sub(r"%%|%s", lambda found: f"%({next(names)})s" if found[0] == "%s" else "%%", sql), values
