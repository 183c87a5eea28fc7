"""A run of a kind that takes whole lists: the members are compared in the database, and the list is written anew when
something is different.

What the list will be is written first, then the file, then it is put in the place of the one before, all at once. A run that
was interrupted anywhere writes the file again.
"""

import csv
from collections.abc import Iterator
from typing import Any

from django.db.models import F
from django.utils import timezone

from core.unnamed_files import unnamed_file
from destinations import batches, told
from destinations.batches import Work
from destinations.difference import Difference
from destinations.kinds import Refused
from destinations.models import BatchState, RunKind, Sync, SyncBatch, SyncRun, SyncState
from destinations.normal_forms import Person
from tenants.isolation.statements import fetch, fill, hash_joins
from tenants.isolation.statements import run as execute

PAGE = 20_000
# Members become whoever should be in the list. The first two also count.
LEAVE = """
WITH desired AS MATERIALIZED ({desired})
UPDATE sync_member m SET gives = m.told
WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.gives IS NULL
  AND NOT EXISTS (SELECT 1 FROM desired d WHERE d.id = m.contact_id)"""
CHANGE = """
WITH desired AS MATERIALIZED ({desired})
UPDATE sync_member m SET changed_at = d.changed_at, told_at = %(now)s, gives = NULL FROM desired d
WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND d.id = m.contact_id
  AND (m.changed_at IS DISTINCT FROM d.changed_at OR m.gives IS NOT NULL)"""
COME = """
WITH desired AS MATERIALIZED ({desired})
INSERT INTO sync_member (tenant_id, sync_id, contact_id, told, changed_at, told_at)
SELECT %(tenant)s, %(sync)s, d.id, ARRAY['contact:' || d.id], d.changed_at, %(now)s FROM desired d
WHERE NOT EXISTS (
  SELECT 1 FROM sync_member m WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.contact_id = d.id)
ON CONFLICT DO NOTHING"""
GONE = "DELETE FROM sync_member m WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.gives IS NOT NULL"
# The rows of the file, page by page.
ROWS = """
SELECT m.contact_id FROM sync_member m WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.gives IS NULL
  AND m.contact_id > %(after)s ORDER BY m.contact_id LIMIT %(most)s"""


def run(worker: Any) -> None:
    """Compare, and replace the list if something is different, or if it is not known that the last file arrived."""
    with worker.transaction() as now:
        worker.is_wanted(now)
        batch = _compare(now)
    if batch is None:
        return
    with unnamed_file() as path:
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = _write(worker, file)
        try:
            outcome = worker.client.replace(str(path), rows=rows)
        except Refused as problem:
            with worker.transaction():
                batches.refused(batch, str(problem))
            raise
    with worker.transaction() as now:
        execute(GONE, sync=now.sync.pk)
        batches.answered(batch, outcome)
        Sync.objects.filter(pk=now.sync.pk).update(attempts=0, error="")


def _compare(work: Work) -> SyncBatch | None:
    """Write who will be in the list; the batch that replaces it, None when nothing is different."""
    desired = Difference.of(work.sync, work.destination)
    if work.run.kind == RunKind.REMOVAL:
        gone, changed, new = _only_forbidden(work, desired), 0, 0
    else:
        at = timezone.now()
        with hash_joins():
            gone = execute(fill(LEAVE, desired=desired.desired()), sync=work.sync.pk)
            changed = execute(fill(CHANGE, desired=desired.desired()), sync=work.sync.pk, now=at)
            new = execute(fill(COME, desired=desired.desired()), sync=work.sync.pk, now=at)
    SyncRun.objects.filter(pk=work.run.pk).update(
        read=F("read") + gone + changed + new, added=F("added") + new, changed=F("changed") + changed,
        removed=F("removed") + gone,
    )  # fmt: skip
    open_one = SyncBatch.objects.filter(sync_id=work.sync.pk, state=BatchState.SENDING).order_by("pk").first()
    last = SyncBatch.objects.filter(sync_id=work.sync.pk).order_by("-pk").first()
    never = last is None or last.state != BatchState.DONE
    if open_one is not None:
        SyncBatch.objects.filter(pk=open_one.pk).update(attempts=F("attempts") + 1, sent_at=timezone.now())
        return open_one  # type: ignore[no-any-return]
    if gone or changed or new or never or work.run.kind == RunKind.FULL or work.sync.state == SyncState.REMOVING:
        return batches.new(work, removes=False, contact_ids=[], counted=0, changed=0)
    return None


def _only_forbidden(work: Work, desired: Difference) -> int:
    with hash_joins():
        return execute(fill(LEAVE, desired=desired.permitted()), sync=work.sync.pk)


def _write(worker: Any, file: Any) -> int:
    """Write all rows; how many. Each page is a transaction of its own."""
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(Person._fields)
    count = 0
    for people in _pages(worker):
        writer.writerows([["" if value is None else value for value in person] for person in people])
        count += len(people)
    return count


def _pages(worker: Any) -> Iterator[list[Person]]:
    after = 0
    while True:
        with worker.transaction() as now:
            ids = [row[0] for row in fetch(ROWS, sync=now.sync.pk, after=after, most=PAGE)]
            people = [one.person for one in told.read(now.sync.pk, now.destination.kind, ids)]
        if people:
            yield people
        if len(ids) < PAGE:
            return
        after = ids[-1]
