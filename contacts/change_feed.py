"""What has happened to contacts since somebody last looked: for programs that follow them.

    cursor = change_feed.now()
    …
    page = change_feed.read(cursor, most=500)   # page.changes, page.cursor, page.more

A change is told once, whenever its transaction commits: a cursor holds the snapshot of the database up to which everything
has been told, and what was not visible in it is told, whether it began before or after. A moment could not say that (an
import writes for minutes what carries the time of its beginning). Several changes of one contact between two looks are one:
the contact as it is now (docs/decisions/0020-following-changes.md).
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from django.utils import timezone

from contacts.models import ChangeBatch
from tenants.isolation.statements import fetch

# So long somebody may be away (contacts.privacy.retention); and not quite, so that nothing is removed while it is read.
KEPT = timedelta(days=30)
FOLLOWED = KEPT - timedelta(hours=1)
MOST = 1_000
# Entries that a page looks at: those that a later change replaces are passed over. So many more than are wanted at a time.
SCANNED, STEP = 5_000, 200
_LARGEST = 2**63 - 1


class ChangeKind(StrEnum):
    """What has become of a contact."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"  # it can be restored, and is then `changed`; or an import that made it was undone
    MERGED = "merged"  # into the contact that `into` names
    ERASED = "erased"


class BadCursor(ValueError):
    """A text that is no cursor of ours, or one of another database."""


class CursorExpired(ValueError):
    """What happened since then is no longer known: read all contacts again."""


@dataclass(frozen=True)
class ContactChange:
    """One change. `at` is when it happened; `into` the contact that a merged one is now part of, by the last merge."""

    contact_id: int
    kind: ChangeKind
    at: datetime
    into: int | None = None


@dataclass(frozen=True)
class Page:
    """Changes in the order in which their transactions began to write, and the cursor behind them. `more`: others follow
    already."""

    changes: list[ContactChange]
    cursor: str
    more: bool


@dataclass(frozen=True)
class _Snapshot:
    """Transactions that had ended: all below `xmin`, and those below `xmax` that are not in `running`."""

    xmin: int
    xmax: int
    running: tuple[int, ...] = ()

    @classmethod
    def of(cls, text: str) -> Self:
        xmin, xmax, running = text.split(":")
        made = cls(_number(xmin), _number(xmax), tuple(map(_number, filter(None, running.split(",")))))
        ordered = [made.xmin, *made.running, made.xmax]
        if ordered != sorted(ordered) or len(set(made.running)) < len(made.running) or made.xmin < 1:
            raise ValueError("no snapshot")
        if made.running and made.running[-1] >= made.xmax:
            raise ValueError("no snapshot")
        return made

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, self.running))}"


@dataclass(frozen=True)
class _Cursor:
    """`seen`: all that it shows has been told; `at` is when it was taken. `upto`: the snapshot, and its time, whose changes
    are being told now, page by page, so far up to the entry `last` (transaction, microseconds, kind of batch, contact)."""

    cluster: int
    at: datetime
    seen: _Snapshot
    upto: tuple[datetime, _Snapshot] | None = None
    last: "Last" = None

    def text(self) -> str:
        upto = [_micros(self.upto[0]), str(self.upto[1])] if self.upto else None
        values = [self.cluster, _micros(self.at), str(self.seen), upto, list(self.last) if self.last else None]
        return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")

    @classmethod
    def of(cls, text: str) -> Self:
        try:
            raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
            cluster, at, seen, upto, last = json.loads(raw)
            if last is not None:
                xid, micros, kind, contact_id = last
                last = (_whole(xid), _micros(_moment(micros)), str(ChangeBatch.Kind(kind)), _whole(contact_id))
            if (upto is None) is not (last is None):
                raise ValueError("half a place")
            of = None if upto is None else (_moment(upto[0]), _Snapshot.of(upto[1]))
            return cls(_whole(cluster), _moment(at), _Snapshot.of(seen), of, last)
        except (
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            AttributeError,
            OverflowError,
            RecursionError,
            binascii.Error,
        ):
            raise BadCursor("This is not a cursor of the changes of contacts.") from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ValueError("no number")
    return _whole(int(text))


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError("no number")
    return value


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _moment(micros: Any) -> datetime:
    return _EPOCH + timedelta(microseconds=_whole(micros))


# Where a transaction number means something: another database has others.
HERE = """
SELECT pg_current_snapshot()::text,
       (SELECT c.system_identifier & 9007199254740991 FROM pg_control_system() c)"""


def now() -> str:
    """The cursor of somebody who knows everything up to here."""
    snapshot, cluster = fetch(HERE)[0]
    return _Cursor(cluster, timezone.now(), _Snapshot.of(snapshot)).text()


# Batches that `seen` does not show and `upto` does, with their entries, behind the last one. A change counts where the
# contact still carries its moment: a later one has a batch of its own. Rows: batch, contact (NULL: the batch has no entry
# left), and what it is now. Entries are found by their index, a batch at a time, and contacts looked up one by one: the
# planner would read all of both for each page.
CHANGES = """
SELECT f.xid, f.at, f.kind, f.contact_id, c.id, c.changed_at, c.created_at, c.deleted_at, c.merged_into
FROM (
  SELECT b.xid, b.at, b.kind, e.contact_id FROM (
    SELECT x.xid, x.at, x.kind FROM change_batch x
    WHERE x.tenant_id = %(tenant)s AND x.xid >= %(from)s AND x.xid < %(to)s AND x.xid >= %(xid)s
      AND (x.xid, x.at, x.kind) >= (%(xid)s, %(at)s, %(kind)s)
      AND NOT pg_visible_in_snapshot(x.xid::text::xid8, %(seen)s::pg_snapshot)
      AND pg_visible_in_snapshot(x.xid::text::xid8, %(upto)s::pg_snapshot)
    ORDER BY x.xid, x.at, x.kind LIMIT %(scanned)s) b
  CROSS JOIN LATERAL (
    SELECT CASE WHEN (b.xid, b.at, b.kind) = (%(xid)s, %(at)s, %(kind)s) THEN %(contact)s ELSE 0 END AS after OFFSET 0) l
  LEFT JOIN LATERAL (
    (SELECT n.contact_id FROM contact_change n
     WHERE b.kind = 'c' AND n.tenant_id = %(tenant)s AND n.at = b.at AND n.contact_id > l.after
     ORDER BY n.contact_id LIMIT %(scanned)s)
    UNION ALL
    (SELECT w.contact_id FROM contact_news w
     WHERE b.kind <> 'c' AND w.tenant_id = %(tenant)s AND w.at = b.at AND w.contact_id > l.after
     ORDER BY w.contact_id LIMIT %(scanned)s)) e ON true
  ORDER BY b.xid, b.at, b.kind, e.contact_id LIMIT %(scanned)s) f
LEFT JOIN LATERAL (
  SELECT k.id, k.changed_at, k.created_at, k.deleted_at, k.merged_into FROM contact k
  WHERE k.tenant_id = %(tenant)s AND k.id = f.contact_id OFFSET 0) c ON true
ORDER BY f.xid, f.at, f.kind, f.contact_id"""
# Of these moments, those at which batches have been written that `seen` does not show: who was made then is new.
NEW = """
SELECT DISTINCT x.at FROM change_batch x
WHERE x.tenant_id = %(tenant)s AND x.xid >= %(from)s AND x.kind = 'c' AND x.at = ANY(%(moments)s)
  AND NOT pg_visible_in_snapshot(x.xid::text::xid8, %(seen)s::pg_snapshot)"""


def read(cursor: str, *, most: int = MOST) -> Page:
    """The next changes behind a cursor, at most so many; read-only. A page can be empty although others follow.

    Raises BadCursor, CursorExpired.
    """
    snapshot, cluster = fetch(HERE)[0]
    place = _Cursor.of(cursor)
    if place.cluster != cluster or place.seen.xmax > _Snapshot.of(snapshot).xmax:
        raise BadCursor("This cursor is of another database. Read all contacts again, and begin with a new cursor.")
    if place.at < timezone.now() - FOLLOWED:
        raise CursorExpired(f"This cursor is more than {KEPT.days} days old. Read all contacts again.")
    upto_at, upto = place.upto or (timezone.now(), _Snapshot.of(snapshot))
    counted, last, done = _scan(place.seen, upto, place.last, most)
    changes = _told(counted, place.seen)
    if not done:
        return Page(changes, replace(place, upto=(upto_at, upto), last=last).text(), more=True)
    # All up to `upto` is told; what is younger comes with the next look.
    return Page(changes, _Cursor(cluster, upto_at, upto).text(), more=place.upto is not None)


Last = tuple[int, int, str, int] | None


def _scan(seen: _Snapshot, upto: _Snapshot, last: Last, most: int) -> tuple[list[tuple[Any, ...]], Last, bool]:
    """(rows of CHANGES that count, the place behind them, whether all are told): a little more than is wanted is read at a
    time, as nearly all count, or nearly none."""
    counted: list[tuple[Any, ...]] = []
    step, scanned = min(most + STEP, SCANNED), 0
    while scanned < SCANNED:
        xid, micros, kind, contact_id = last or (0, 0, "", 0)
        rows = fetch(
            CHANGES, **{"from": seen.xmin, "to": upto.xmax}, seen=str(seen), upto=str(upto), xid=xid, at=_moment(micros),
            kind=kind, contact=contact_id, scanned=step,
        )  # fmt: skip
        for row in rows:
            if len(counted) == most:
                return counted, last, False
            last = (row[0], _micros(row[1]), row[2], _LARGEST if row[3] is None else row[3])
            if _counts(row):
                counted.append(row)
        if len(rows) < step:
            return counted, last, True
        scanned += len(rows)
    return counted, last, False


def _counts(row: tuple[Any, ...]) -> bool:
    """Whether an entry is the last that was written about its contact."""
    _xid, at, kind, contact_id, known, changed_at, *_dates = row
    if kind == ChangeBatch.Kind.CHANGE:
        return known is not None and changed_at == at
    return contact_id is not None


def _told(rows: Sequence[tuple[Any, ...]], seen: _Snapshot) -> list[ContactChange]:
    moments = list({created_at for *_entry, created_at, _deleted_at, _into in rows if created_at is not None})
    found = fetch(NEW, **{"from": seen.xmin}, moments=moments, seen=str(seen)) if moments else []
    new = {row[0] for row in found}
    return [
        ContactChange(contact_id, _kind(batch, known, created_at in new, deleted_at, into), at, into)
        for _xid, at, batch, contact_id, known, _changed_at, created_at, deleted_at, into in rows
    ]


def _kind(batch: str, known: int | None, new: bool, deleted_at: datetime | None, into: int | None) -> ChangeKind:
    if batch == ChangeBatch.Kind.ERASED:
        return ChangeKind.ERASED
    if known is None:
        return ChangeKind.DELETED
    if deleted_at is not None:
        return ChangeKind.MERGED if into is not None else ChangeKind.DELETED
    return ChangeKind.CREATED if new else ChangeKind.CHANGED
