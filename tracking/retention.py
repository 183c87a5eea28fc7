"""What sites keep for a time only, removed when its time is over: events, unclaimed visitors, IDs of hits.

In batches, each a transaction of its own: safe to repeat and to stop anywhere, and nobody waits long for a lock.
"""

import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from contacts import change_queue
from tenants.isolation import statements
from tenants.isolation.context import tenant_context
from tenants.isolation.statements import fill
from tenants.models import Tenant
from tenants.retention.kinds import PREVIEWED, Found, counted
from tenants.retention.rules import is_shorter
from tracking import pages, tallies
from tracking.models import Site
from tracking.pixel import repeats

log = logging.getLogger(__name__)
BATCH = 5_000
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

# The next events of a site, oldest first, behind the place where the last batch has ended.
EVENTS = fill(
    """
WITH gone AS (
  DELETE FROM event e USING (
    SELECT o.at, o.id FROM event o
    WHERE o.tenant_id = %(tenant)s AND o.at < %(before)s AND (o.at, o.id) > (%(at)s, %(id)s) AND o.site_id = %(site)s
    ORDER BY o.at, o.id LIMIT %(most)s) old
  WHERE e.tenant_id = %(tenant)s AND e.at = old.at AND e.id = old.id
  RETURNING e.at, e.id, e.visitor_id, e.kind, e.properties, e.site_id),
tally AS ({orders})
SELECT g.at, g.id, g.visitor_id FROM gone g""",
    orders=tallies.orders_of("gone", removed=True),
)
# Contacts whose visitors have lost events.
CONTACTS = """
SELECT DISTINCT v.contact_id FROM visitor v
WHERE v.tenant_id = %(tenant)s AND v.id = ANY(%(visitors)s) AND v.contact_id IS NOT NULL"""
# Visitors of a site that no contact has claimed and that were last seen long ago, behind an ID. Whoever is being written at
# the moment is not of long ago. The second person of a device stays while the first one is there: without a trace of the
# second, what the device does next would be taken for the first one's doing.
VISITORS = """
SELECT v.id FROM visitor v
WHERE v.tenant_id = %(tenant)s AND v.id > %(after)s AND v.site_id = %(site)s AND v.contact_id IS NULL
  AND v.last_seen < %(before)s AND NOT EXISTS (
    SELECT 1 FROM visitor w WHERE w.tenant_id = %(tenant)s AND w.device = v.device AND w.generation < v.generation)
ORDER BY v.id LIMIT %(most)s FOR UPDATE SKIP LOCKED"""
# All that belongs to them.
OF_VISITORS = (
    "DELETE FROM event e WHERE e.tenant_id = %(tenant)s AND e.visitor_id = ANY(%(ids)s)",
    "DELETE FROM visitor_identifier i WHERE i.tenant_id = %(tenant)s AND i.visitor_id = ANY(%(ids)s)",
    "DELETE FROM visitor v WHERE v.tenant_id = %(tenant)s AND v.id = ANY(%(ids)s)",
)


def shown() -> list[dict[str, Any]]:
    """Each site with its rule, for the page of retention (settings.RETENTION_ELSEWHERE)."""
    return [
        {
            "label": site.name,
            "words": "Events, and visitors that no contact is known for",
            "days": site.retention_days,
            "url": f"{reverse('tracking:site', args=[site.pk])}?tab=settings",
            "action": "Site settings",
        }
        for site in Site.objects.order_by("name", "pk")
    ]


# Those of a site that a rule would remove now.
OLDER = "SELECT e.at FROM event e WHERE e.tenant_id = %(tenant)s AND e.site_id = %(site)s AND e.at < %(before)s"


def preview(site: Site, days: int | None, *, now: datetime) -> Found:
    """How many events of a site a rule of so many days would remove now, where it is shorter than that of today."""
    if not is_shorter(days, site.retention_days):
        return Found(0)
    return counted(OLDER, most=PREVIEWED, in_order=False, site=site.pk, before=now - timedelta(days=days or 0))


def run_for_all_workspaces() -> None:
    """Tidy up all workspaces; a failure of one does not stop the others."""
    for tenant_id in Tenant.open.order_by("?").values_list("pk", flat=True):
        try:
            removed = tidy(tenant_id, now=timezone.now())
        except Exception:
            log.exception("tidying the sites of workspace %s", tenant_id)
        else:
            if removed:
                log.info("workspace %s: removed %s", tenant_id, dict(removed))


def tidy(tenant_id: int, *, now: datetime, batch: int = BATCH) -> Counter[str]:
    """Remove what is too old in a workspace; returns how many events, visitors and IDs."""
    with tenant_context(tenant_id):
        sites = list(Site.objects.exclude(retention_days=None).values_list("pk", "retention_days"))
    removed: Counter[str] = Counter()
    for site_id, days in sites:
        before = now - timedelta(days=days)
        removed["events"] += _events(tenant_id, site_id, before=before, batch=batch)
        removed["visitors"] += _visitors(tenant_id, site_id, before=before, batch=batch)
    more = True
    while more:
        with tenant_context(tenant_id):
            gone = repeats.purge(now=now)
        removed["ids"] += gone
        more = gone == repeats.PURGED_AT_ONCE
    return +removed


def _events(tenant_id: int, site_id: int, *, before: datetime, batch: int) -> int:
    count, place = 0, (_BEGINNING, 0)
    while True:
        with tenant_context(tenant_id):
            zone = tallies.zone()
            gone = statements.fetch(
                EVENTS, site=site_id, before=before, at=place[0], id=place[1], most=batch, zone=zone
            )
            tallies.recount([(row[2], row[0]) for row in gone if row[2] is not None], removed=True)
            theirs = statements.fetch(CONTACTS, visitors=list({row[2] for row in gone}))
            change_queue.add((row[0] for row in theirs), "visit")
        count += len(gone)
        if len(gone) < batch:
            return count
        place = max((row[0], row[1]) for row in gone)


def _visitors(tenant_id: int, site_id: int, *, before: datetime, batch: int) -> int:
    count = after = 0
    while True:
        with tenant_context(tenant_id):
            found = statements.fetch(VISITORS, site=site_id, before=before, after=after, most=batch)
            ids = [row[0] for row in found]
            if ids:
                pages.forget(ids)
                tallies.forget(ids)
                for statement in OF_VISITORS:
                    statements.run(statement, ids=ids)
        count += len(ids)
        if len(ids) < batch:
            return count
        after = ids[-1]
