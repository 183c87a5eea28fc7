"""Changes of the members of static segments by people: added, removed, copied, changed by a file. Each can be undone.

An edit notes whom it put in and whom it took out, with the time and the import of the memberships that it ended. All its
statements are set-based and run in the caller's transaction, under a lock on the segment: two edits follow each other.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from contacts import change_queue
from segments import history, membership, refresh
from segments.models import EditKind, EditRow, Segment, SegmentEdit, SegmentSize
from tenants import audit
from tenants.isolation.statements import fetch, fill, hash_joins, run

# So long an edit can be undone; then what it noted is deleted.
UNDO_DAYS = 30
# More contacts than these are not queued one by one: a whole refresh of what asks for them costs less.
MOST_QUEUED = 20_000

# Of a workspace that is new since the last ANALYZE the planner believes that it has one row of everything, and joins by
# going through one side for each row of the other. So sets are subtracted (EXCEPT, INTERSECT), contacts are looked up by
# their key (LATERAL), and what must be joined runs without nested loops (`hash_joins`).
MEMBERS = "SELECT k.contact_id FROM segment_member k WHERE k.tenant_id = %(tenant)s AND k.segment_id = %(segment)s"
# {some} is one column of IDs of contacts, each of them once: the living ones.
LIVING = """
SELECT c.id FROM ({some}) w(id) CROSS JOIN LATERAL (
  SELECT p.id FROM contact p WHERE p.tenant_id = %(tenant)s AND p.id = w.id AND p.deleted_at IS NULL LIMIT 1) c"""
# {wanted} is one column of IDs of contacts. Deleted contacts do not enter. The order of keys is the same in every edit, so
# that two of them wait for each other instead of locking each other out.
ENTER = """
WITH entered AS (
  INSERT INTO segment_member (tenant_id, segment_id, contact_id, added_at)
  SELECT %(tenant)s, %(segment)s, l.id, %(at)s FROM ({living}) l ORDER BY l.id
  ON CONFLICT DO NOTHING RETURNING contact_id)
INSERT INTO segment_edit_row (tenant_id, edit_id, contact_id, entered)
SELECT %(tenant)s, %(edit)s, e.contact_id, true FROM entered e
ON CONFLICT DO NOTHING"""
LEAVE = """
WITH departed AS (
  DELETE FROM segment_member m USING ({wanted}) w(id)
  WHERE m.tenant_id = %(tenant)s AND m.segment_id = %(segment)s AND m.contact_id = w.id
  RETURNING m.contact_id, m.added_at, m.import_id)
INSERT INTO segment_edit_row (tenant_id, edit_id, contact_id, entered, added_at, import_id)
SELECT %(tenant)s, %(edit)s, d.contact_id, false, d.added_at, d.import_id FROM departed d
ON CONFLICT DO NOTHING"""
# Contacts that an edit put in leave again, unless somebody else has put them in since.
UNDO_ENTERED = """
WITH departed AS (
  DELETE FROM segment_member m USING segment_edit_row r
  WHERE m.tenant_id = %(tenant)s AND m.segment_id = %(segment)s AND r.tenant_id = %(tenant)s AND r.edit_id = %(edit)s
    AND r.entered AND m.contact_id = r.contact_id AND m.added_at = %(edited_at)s AND m.import_id IS NULL
  RETURNING m.contact_id)
INSERT INTO segment_change (tenant_id, segment_id, at, contact_id, entered, cause)
SELECT %(tenant)s, %(segment)s, %(at)s, d.contact_id, false, 'undo' FROM departed d ON CONFLICT DO NOTHING"""
# Contacts that it took out return with the time at which they had been added.
UNDO_DEPARTED = """
WITH entered AS (
  INSERT INTO segment_member (tenant_id, segment_id, contact_id, added_at, import_id)
  SELECT r.tenant_id, %(segment)s, r.contact_id, r.added_at, r.import_id FROM segment_edit_row r
  CROSS JOIN LATERAL (SELECT p.id FROM contact p WHERE p.tenant_id = %(tenant)s AND p.id = r.contact_id LIMIT 1) c
  WHERE r.tenant_id = %(tenant)s AND r.edit_id = %(edit)s AND NOT r.entered ORDER BY r.contact_id
  ON CONFLICT DO NOTHING RETURNING contact_id)
INSERT INTO segment_change (tenant_id, segment_id, at, contact_id, entered, cause)
SELECT %(tenant)s, %(segment)s, %(at)s, e.contact_id, true, 'undo' FROM entered e ON CONFLICT DO NOTHING"""
# What an edit did, as entries of the history.
TELL = """
INSERT INTO segment_change (tenant_id, segment_id, at, contact_id, entered, cause)
SELECT r.tenant_id, %(segment)s, %(at)s, r.contact_id, r.entered, %(cause)s
FROM segment_edit_row r WHERE r.tenant_id = %(tenant)s AND r.edit_id = %(edit)s ON CONFLICT DO NOTHING"""
OF_EDIT = "SELECT r.contact_id FROM segment_edit_row r WHERE r.tenant_id = %(tenant)s AND r.edit_id = %(edit)s"
CHOSEN = "SELECT unnest(%(ids)s::bigint[])"
# Members, and those of them that are deleted contacts: two indexes alone, where a join with all contacts would read them.
SIZES = """
SELECT m.segment_id, count(*) FROM segment_member m
WHERE m.tenant_id = %(tenant)s AND m.segment_id = ANY(%(segments)s::bigint[]) GROUP BY m.segment_id"""
DELETED = """
SELECT m.segment_id, count(*) FROM contact c JOIN segment_member m ON m.tenant_id = %(tenant)s AND m.contact_id = c.id
WHERE c.tenant_id = %(tenant)s AND c.deleted_at IS NOT NULL AND m.segment_id = ANY(%(segments)s::bigint[])
GROUP BY m.segment_id"""
FORGET = """
WITH old AS (
  DELETE FROM segment_edit e WHERE e.tenant_id = %(tenant)s AND e.at < %(before)s RETURNING e.id)
DELETE FROM segment_edit_row r USING old o WHERE r.tenant_id = %(tenant)s AND r.edit_id = o.id"""


def lock(segment_id: int) -> Segment | None:
    """A static segment, locked until the transaction ends; None where there is none that can be changed."""
    segment: Segment | None = Segment.objects.static().select_for_update(no_key=True).filter(pk=segment_id).first()
    return segment


def add(segment: Segment, ids: Iterable[int], *, user_id: int | None) -> SegmentEdit:
    """Put living contacts into a static segment."""
    return _edit(segment, EditKind.ADDED, user_id, enter=CHOSEN, ids=sorted(set(ids)))


def remove(segment: Segment, ids: Iterable[int], *, user_id: int | None) -> SegmentEdit:
    """Take contacts out of a static segment."""
    return _edit(segment, EditKind.REMOVED, user_id, leave=CHOSEN, ids=sorted(set(ids)))


OTHERS = """
SELECT o.contact_id FROM segment_member o
WHERE o.tenant_id = %(tenant)s AND o.segment_id = %(segment)s AND o.contact_id <> ALL(%(ids)s::bigint[])"""


def replace(segment: Segment, ids: Iterable[int], *, user_id: int | None) -> SegmentEdit:
    """Let a static segment have these living contacts and no others."""
    return _edit(segment, EditKind.REPLACED, user_id, leave=OTHERS, enter=CHOSEN, ids=sorted(set(ids)))


def _edit(
    segment: Segment, kind: EditKind, user_id: int | None, *, enter: str = "", leave: str = "", **values: Any
) -> SegmentEdit:
    edit = begin(segment, kind, user_id=user_id)
    change(edit, enter=enter, leave=leave, **values)
    finish(edit)
    return edit


def change(edit: SegmentEdit, *, enter: str = "", leave: str = "", **values: Any) -> None:
    """Let contacts leave and enter the segment of an edit: statements that find one column of IDs, with their `values`. They
    may ask for the members by %(segment)s: who leaves is found first."""
    own = {"segment": edit.segment_id, "edit": edit.pk, **values}
    if leave:
        with hash_joins():
            edit.departed += run(fill(LEAVE, wanted=leave), **own)
    if enter:
        new = fill(LIVING, some=f"({enter}) EXCEPT {MEMBERS}")
        edit.entered += run(fill(ENTER, living=new), at=edit.at, **own)


def begin(segment: Segment, kind: EditKind, *, user_id: int | None) -> SegmentEdit:
    """An edit that has done nothing yet."""
    edit: SegmentEdit = SegmentEdit.objects.create(segment_id=segment.pk, kind=kind, at=timezone.now(), user_id=user_id)
    return edit


def finish(edit: SegmentEdit) -> None:
    """Tell what an edit did: to the history, to segments that ask for this one, to the audit log. One that did nothing
    leaves nothing behind."""
    if not edit.entered and not edit.departed:
        edit.delete()
        return
    edit.save(update_fields=["entered", "departed"])
    run(TELL, segment=edit.segment_id, edit=edit.pk, at=edit.at, cause=edit.kind)
    _follow(edit, at=edit.at, entered=edit.entered, departed=edit.departed)
    membership.learn(edit.entered + edit.departed)
    _record("segment.members_changed", edit, user_id=edit.user_id, how=edit.kind)


def undo(edit: SegmentEdit, *, user_id: int | None) -> tuple[int, int]:
    """Undo an edit whose segment is locked; returns how many contacts left again and how many returned. A second undo
    changes nothing."""
    if edit.undone_at is not None:
        return 0, 0
    edit.undone_at = timezone.now()
    edit.save(update_fields=["undone_at"])
    own = {"segment": edit.segment_id, "edit": edit.pk, "at": edit.undone_at}
    with hash_joins():
        departed = run(UNDO_ENTERED, edited_at=edit.at, **own)
    returned = run(UNDO_DEPARTED, **own)
    _follow(edit, at=edit.undone_at, entered=returned, departed=departed)
    _record("segment.members_restored", edit, user_id=user_id, left=departed, returned=returned)
    return departed, returned


def _follow(edit: SegmentEdit, *, at: datetime, entered: int, departed: int) -> None:
    """Note the size, and let segments that ask for this one look again: at these contacts, or as a whole if these are
    many."""
    size = sizes([edit.segment_id]).get(edit.segment_id, 0)
    history.record_size(edit.segment_id, size, entered=entered, left=departed, now=at)
    if entered + departed <= MOST_QUEUED:
        change_queue.add_found(OF_EDIT, "segment", edit=edit.pk)
    else:
        refresh.request_dependents(edit.segment_id)


def _record(verb: str, edit: SegmentEdit, *, user_id: int | None, **detail: Any) -> None:
    counts = {"added": edit.entered, "removed": edit.departed}
    audit.record(verb, user_id=user_id, target=f"segment {edit.segment_id}", **{**counts, **detail})


def of_contacts(contact_ids: Iterable[int]) -> Any:
    """Rows of edits that are about contacts; a query."""
    return EditRow.objects.filter(contact_id__in=list(contact_ids))


def latest(segment_id: int, *, count: int) -> list[SegmentEdit]:
    """The last edits of a segment, the latest first."""
    edits = SegmentEdit.objects.filter(segment_id=segment_id).select_related("user").order_by("-pk")
    return list(edits[:count])


def sizes(segment_ids: Iterable[int]) -> dict[int, int]:
    """How many living contacts static segments have."""
    ids = list(segment_ids)
    with hash_joins():
        deleted = dict(fetch(DELETED, segments=ids))
    return {pk: count - deleted.get(pk, 0) for pk, count in fetch(SIZES, segments=ids)}


def note_sizes(segment_ids: Iterable[int], *, now: datetime) -> None:
    """Note how large static segments are after an import or a bulk action, which write too many members to note each."""
    ids = list(segment_ids)
    counted = sizes(ids)
    for pk in ids:
        size = counted.get(pk, 0)
        last = SegmentSize.objects.filter(segment_id=pk).order_by("-hour").values_list("size", flat=True).first() or 0
        if size != last:
            history.record_size(pk, size, entered=max(0, size - last), left=max(0, last - size), now=now)


def forget_old(*, now: datetime) -> None:
    """Delete what it takes to undo edits of long ago."""
    run(FORGET, before=now - timedelta(days=UNDO_DAYS))
