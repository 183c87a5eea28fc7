"""Requests to a destination, from before they are sent to what came of them. Every function is part of a transaction of the
caller, and none talks to anybody.

A batch is written before it is sent. What was being sent when a worker died is sent again under the same ID, without
those who have changed or may no longer be sent since: the destination has either seen them in it before, or not at all, and
the next comparison finds them.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import F
from django.utils import timezone

from destinations import kinds, told
from destinations.kinds import Outcome, Parcel
from destinations.models import BatchState, Destination, Sync, SyncBatch, SyncRun
from tenants.isolation.statements import run

# Results are asked for after so long, doubled each time up to the longest.
FIRST_LOOK, LONGEST_LOOK = timedelta(seconds=30), timedelta(hours=1)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Work(NamedTuple):
    """What a worker has in its hands: rows as they were read last."""

    sync: Sync
    destination: Destination
    run: SyncRun


class Prepared(NamedTuple):
    """A batch that is written, and its request; None: nobody has to be told anything."""

    batch: SyncBatch
    parcel: Parcel | None


def add(work: Work, ids: Sequence[int]) -> Prepared | None:
    """Write a batch that tells these contacts, as they are now; None when nothing about them is different."""
    normalize, keys = kinds.normalizer(work.destination.kind), kinds.of(work.destination.kind).keys
    rows, people, seen, counted, listed = [], [], [], 0, []
    for one in told.read(work.sync.pk, work.destination.kind, ids, compared=True):
        found = normalize(one.person)
        mark = told.fingerprint(found)
        if one.known_at is not None and mark == one.fingerprint and not _again(work.sync, one.told_at):
            seen.append((one.person.contact_id, one.changed_at))
            continue
        entries = told.entries(found, keys)
        if not one.given.isdisjoint(entries):
            continue  # what is being taken back is told again once that is done
        rows.append(told.Row(one.person.contact_id, entries, mark, one.changed_at, one.is_new))
        if entries:
            people.append(found)
            listed.append(one.person.contact_id)
            counted += one.told_at is None
    told.touch(work.sync.pk, seen)
    told.write(work.sync.pk, rows, now=timezone.now())
    if not people:
        return None
    batch = new(work, removes=False, contact_ids=listed, counted=counted, changed=len(listed) - counted)
    return Prepared(batch, Parcel(batch.uid, False, people))


def _again(sync: Sync, told_at: datetime | None) -> bool:
    """Whether somebody is told anew, though nothing is different."""
    return sync.full_since is not None and told_at is not None and told_at < sync.full_since


def take_out(work: Work, ids: Sequence[int]) -> Prepared:
    """Write a batch that takes back everything that was told of these members."""
    batch = new(work, removes=True, contact_ids=list(ids), counted=len(ids), changed=0)
    told.give_all(work.sync.pk, ids, batch=batch.pk)
    return _removal(batch)


def take_back(work: Work, ids: Sequence[int]) -> Prepared | None:
    """Write a batch that takes back what these members no longer have; None when they still have everything."""
    normalize, keys = kinds.normalizer(work.destination.kind), kinds.of(work.destination.kind).keys
    seen, given = [], []
    for one in told.read(work.sync.pk, work.destination.kind, ids):
        found = normalize(one.person)
        if one.known_at is not None and told.fingerprint(found) == one.fingerprint:
            seen.append((one.person.contact_id, one.changed_at))
        elif stale := one.entries.difference(told.entries(found, keys)):
            given.append((one.person.contact_id, sorted(stale)))
    told.touch(work.sync.pk, seen)
    if not given:
        return None
    batch = new(work, removes=True, contact_ids=[pk for pk, _e in given], counted=0, changed=len(given))
    told.give(work.sync.pk, given, batch=batch.pk)
    return _removal(batch)


def _removal(batch: SyncBatch) -> Prepared:
    alone = told.alone(batch.sync_id, batch.contact_ids, batch=batch.pk)
    batch.keys = ["\n".join(entries) for entries in alone]
    batch.save(update_fields=["keys"])
    return Prepared(batch, _parcel_of_keys(batch))


def _parcel_of_keys(batch: SyncBatch) -> Parcel | None:
    people = [[told.identifier(entry) for entry in keys.split("\n")] for keys in batch.keys]
    return Parcel(batch.uid, True, people) if people else None


def again(work: Work, batch: SyncBatch) -> Prepared:
    """The request of a batch that may have been sent before."""
    SyncBatch.objects.filter(pk=batch.pk).update(attempts=F("attempts") + 1, sent_at=timezone.now())
    if batch.removes:
        return Prepared(batch, _parcel_of_keys(batch))
    normalize = kinds.normalizer(work.destination.kind)
    people, same = [], set()
    for one in told.read(work.sync.pk, work.destination.kind, batch.contact_ids):
        found = normalize(one.person)
        if told.fingerprint(found) == one.fingerprint:
            people.append(found)
            same.add(one.person.contact_id)
    told.look_again(work.sync.pk, [pk for pk in batch.contact_ids if pk not in same])
    return Prepared(batch, Parcel(batch.uid, False, people) if people else None)


CONTACTS = """
UPDATE sync_batch SET contact_ids = string_to_array(%(ids)s, ',')::bigint[]
WHERE tenant_id = %(tenant)s AND id = %(batch)s"""


def new(work: Work, *, removes: bool, contact_ids: list[int], counted: int, changed: int) -> SyncBatch:
    """Write a batch that is about to be sent."""
    work.run.batches += 1
    batch: SyncBatch = SyncBatch.objects.create(
        sync_id=work.sync.pk, run_id=work.run.pk, destination_id=work.destination.pk, removes=removes,
        uid=uuid.uuid4().hex, place=work.run.batches, counted=counted, changed=changed, attempts=1, sent_at=timezone.now(),
    )  # fmt: skip
    if contact_ids:  # Django would look at each of thousands of numbers
        run(CONTACTS, batch=batch.pk, ids=",".join(map(str, contact_ids)))
        batch.contact_ids = contact_ids
    SyncRun.objects.filter(pk=work.run.pk).update(batches=work.run.batches)
    return batch


# --- what came of it ----------------------------------------------------------------------------------------------------


def answered(batch: SyncBatch, outcome: Outcome) -> None:
    """A request was taken: done, or its result comes later."""
    now = timezone.now()
    batch.received = outcome.received
    if outcome.request_id:
        batch.state, batch.request_id, batch.next_look_at = BatchState.SENT, outcome.request_id, now + FIRST_LOOK
        batch.save(update_fields=["state", "request_id", "next_look_at", "received"])
        _count(batch, unconfirmed=1)
        return
    _end(batch, outcome.rejected, now)
    _count(batch, rejected=outcome.rejected)


def confirmed(batch: SyncBatch, outcome: Outcome | None) -> None:
    """The result of a request that was taken; None: it is not known yet."""
    now = timezone.now()
    if outcome is None:
        waited = max((now - batch.sent_at) if batch.sent_at else FIRST_LOOK, FIRST_LOOK)
        batch.next_look_at = now + min(waited, LONGEST_LOOK)
        batch.save(update_fields=["next_look_at"])
        return
    _end(batch, outcome.rejected, now)
    _count(batch, rejected=outcome.rejected, unconfirmed=-1, figures=False)


def refused(batch: SyncBatch, sentence: str) -> None:
    """Nothing of it was done: what it was to change is found again by the next comparison."""
    if batch.removes:
        told.keep(batch.sync_id, batch.contact_ids, batch=batch.pk)
    else:
        told.look_again(batch.sync_id, batch.contact_ids)
    if batch.state == BatchState.SENT:
        _count(batch, unconfirmed=-1, figures=False)
    batch.state, batch.ended_at, batch.error = BatchState.FAILED, timezone.now(), sentence[:400]
    batch.contact_ids, batch.keys = [], []
    batch.save(update_fields=["state", "ended_at", "error", "contact_ids", "keys"])


def _end(batch: SyncBatch, rejected: Mapping[str, int], now: datetime) -> None:
    if batch.removes:
        told.forget(batch.sync_id, batch.contact_ids, batch=batch.pk)
    batch.state, batch.ended_at, batch.rejected = BatchState.DONE, now, dict(rejected)
    batch.contact_ids, batch.keys = [], []
    batch.save(update_fields=["state", "ended_at", "rejected", "received", "contact_ids", "keys"])


def _count(
    batch: SyncBatch, *, rejected: Mapping[str, int] | None = None, unconfirmed: int = 0, figures: bool = True
) -> None:
    """Add to the figures of the run."""
    run: SyncRun = SyncRun.objects.select_for_update().get(pk=batch.run_id)
    if figures:
        run.removed += batch.counted if batch.removes else 0
        run.added += 0 if batch.removes else batch.counted
        # Who gives back something and is told something else is one change: counted as told.
        run.changed += 0 if batch.removes else batch.changed
    for reason, count in (rejected or {}).items():
        run.rejected[reason] = run.rejected.get(reason, 0) + count
    run.unconfirmed += unconfirmed
    run.save(update_fields=["removed", "added", "changed", "rejected", "unconfirmed"])


def seconds_to_wait(destination: Destination, *, now: datetime) -> float:
    """How long the next request has to wait for the limits of the destination; 0: not at all."""
    limits = kinds.of(destination.kind).limits
    sent = SyncBatch.objects.filter(destination_id=destination.pk)
    for most, span in ((limits.minute, MINUTE), (limits.day, DAY)):
        if most and sent.filter(sent_at__gt=now - span).count() >= most:
            oldest: Any = sent.filter(sent_at__gt=now - span).order_by("sent_at").values_list("sent_at", flat=True)[0]
            return float(max((oldest + span - now).total_seconds(), 1.0))
    return 0.0
