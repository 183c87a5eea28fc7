"""From the inbox into the database: visitors, what they did, what they named themselves, whom they turn out to be.

One transaction a workspace and batch, together with the place in the stream: killed anywhere, nothing is lost and
nothing is stored twice.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import DataError, IntegrityError, OperationalError

from contacts import write_lock
from tenants import pending_work
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tracking import contact_visits, pages, quarantine, queries
from tracking.models import InboxPosition, Site
from tracking.pixel import inbox, repeats
from tracking.pixel.inbox import Entry
from tracking.pixel.visitor_resolution import Recognition

log = logging.getLogger(__name__)
BATCH = 5_000
# What may be wrong with a hit itself. It must not hold up those behind it; anything else is trouble with a server, and
# the hits stay in the inbox.
OF_THE_HIT = (DataError, IntegrityError, ValueError, TypeError, LookupError, ArithmeticError)


def drain(batch: int = BATCH) -> int:
    """Store the oldest hits of the inbox; returns how many were taken out of it.

    A workspace that is busy (an import holds its write lock) keeps its hits in the inbox and does not hold up the others.
    Raises OperationalError when nothing could be stored.
    """
    by_tenant: dict[int, list[Entry]] = defaultdict(list)
    for entry in inbox.read(batch):
        by_tenant[entry.tenant_id].append(entry)
    stored: list[str] = []
    busy: OperationalError | None = None
    for tenant_id, own in by_tenant.items():
        try:
            store(tenant_id, own)
        except OperationalError as problem:
            log.info("%s hits of workspace %s wait: %s", len(own), tenant_id, problem)
            busy = problem
        else:
            stored += [entry.id for entry in own]
    inbox.remove(stored)
    if busy and not stored:
        raise busy
    return len(stored)


def store(tenant_id: int, entries: Sequence[Entry]) -> None:
    """Store one workspace's entries. What the database cannot hold is dropped alone, counted and logged."""
    if not Tenant.objects.filter(pk=tenant_id, erasing_since=None).exists():
        log.warning("%s hits of workspace %s, which does not exist", len(entries), tenant_id)
        return
    try:
        _store(tenant_id, entries)
    except OF_THE_HIT:
        if len(entries) == 1:
            log.exception("hit %s of workspace %s cannot be stored", entries[0].id, tenant_id)
            inbox.count_drop("not_storable", tenant_id=tenant_id, site_id=entries[0].site_id)
            return
        middle = len(entries) // 2
        store(tenant_id, entries[:middle])
        store(tenant_id, entries[middle:])


def _store(tenant_id: int, entries: Sequence[Entry]) -> None:
    with tenant_context(tenant_id):
        queries.wait_briefly()
        InboxPosition.objects.bulk_create([InboxPosition(last_id="0-0")], ignore_conflicts=True)
        position = InboxPosition.objects.select_for_update().get()
        fresh = [e for e in entries if inbox.order(e.id) > inbox.order(position.last_id)]
        if not fresh:
            return
        new = repeats.take(fresh, now=datetime.now(UTC))
        if any(e.hit.identifiers for e in new):
            write_lock.lock()  # whom an identifier belongs to must not change under our hands (identity, rule 8)
        if new:
            _keep(tenant_id, new)
        position.last_id = fresh[-1].id
        position.save(update_fields=["last_id"])
    counted = Counter(e.site_id for e in fresh) - Counter(e.site_id for e in new)
    for site_id, count in counted.items():
        inbox.count_drop(repeats.REPEATED, tenant_id=tenant_id, site_id=site_id, count=count)


def _keep(tenant_id: int, entries: Sequence[Entry]) -> None:
    recognition = Recognition.load(tenant_id, entries)
    for entry in entries:
        recognition.take(entry)
    queries.add_visitors(tenant_id, recognition.made)
    queries.claim(tenant_id, recognition.claims)
    queries.add_identifiers(tenant_id, recognition.identifiers)
    queries.add_events(tenant_id, recognition.events)
    pages.note(recognition.viewed)
    contacts = queries.touch_visitors(tenant_id, recognition.seen)
    if recognition.identifiers:
        pending_work.mark_pending(pending_work.IDENTITY)
    latest = datetime.fromtimestamp(max(e.at for e in entries), UTC)
    quarantine.find_shared({(row[0], row[1]) for row in recognition.identifiers}, now=latest)
    contact_visits.refresh(contacts)
    for (site_id, reason), count in Counter(recognition.dropped).items():
        inbox.count_drop(reason, tenant_id=tenant_id, site_id=site_id, count=count)
    last = {e.site_id: e.at for e in entries}
    for site_id, at in last.items():
        Site.objects.filter(pk=site_id).update(last_hit_at=datetime.fromtimestamp(at, UTC))
