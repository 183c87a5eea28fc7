"""Who was told and may no longer be: looked for after each change of contacts, whatever the schedule of a sync says.

Changes are followed by contacts.change_feed: the contacts that changed, and those that share an address with them. Where too
many have changed to ask for each, all members are compared. Somebody found means a run that does nothing but take out, also
of a sync that is disabled or has failed, as long as its connection works.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from contacts import change_feed
from destinations import eligibility
from destinations.models import Destination, DestinationState, RunKind, Sync, SyncRun
from tenants.isolation.statements import fetch, fill, hash_joins

# Up to so many changed contacts are asked for one by one.
MOST = 2_000
# All members are compared at most once in so many seconds for each million of them.
SECONDS_A_MILLION = 60

# Whether one of these contacts, or of those with an address of theirs, was told and may not be. For some thousand IDs.
FORBIDDEN_AMONG = """
SELECT EXISTS (
  SELECT 1 FROM (
    SELECT u.id FROM unnest(%(ids)s::bigint[]) u(id)
    UNION
    SELECT s.id FROM unnest(%(ids)s::bigint[]) u(id)
    CROSS JOIN LATERAL (
      SELECT k.email, k.phone FROM contact k WHERE k.tenant_id = %(tenant)s AND k.id = u.id OFFSET 0) c
    CROSS JOIN LATERAL (
      SELECT e.id FROM contact e WHERE e.tenant_id = %(tenant)s AND e.email = c.email
      UNION ALL SELECT p.id FROM contact p WHERE p.tenant_id = %(tenant)s AND p.phone = c.phone) s) x
  CROSS JOIN LATERAL (
    SELECT 1 FROM sync_member m WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.contact_id = x.id
      AND m.gives IS DISTINCT FROM m.told AND m.told <> '{}' OFFSET 0) m
  WHERE NOT EXISTS (SELECT 1 FROM contact a WHERE a.tenant_id = %(tenant)s AND a.id = x.id AND {permitted}))"""
# Whether any member may not be there. Reads all members and contacts.
FORBIDDEN = """
WITH permitted AS MATERIALIZED (
  SELECT a.id FROM contact a WHERE a.tenant_id = %(tenant)s AND {permitted})
SELECT EXISTS (
  SELECT 1 FROM sync_member m LEFT JOIN permitted p ON p.id = m.contact_id
  WHERE m.tenant_id = %(tenant)s AND m.sync_id = %(sync)s AND m.gives IS DISTINCT FROM m.told
    AND m.told <> '{}' AND p.id IS NULL)"""


def look(sync: Sync, destination: Destination) -> bool:
    """Whether somebody has to be taken out, after what has changed since the last look; if so, a run that does it waits."""
    now = timezone.now()
    found = sync.removal_since is not None or _found(sync, destination, now)
    if found and sync.removal_since is None:
        sync.removal_since = now
    sync.save(update_fields=["looked_until", "looked_at", "removal_since"])
    if not found or destination.state != DestinationState.CONNECTED:
        return False
    active = SyncRun.objects.filter(sync_id=sync.pk, state__in=SyncRun.ACTIVE)
    if not active.exists():
        SyncRun.objects.create(sync_id=sync.pk, kind=RunKind.REMOVAL)
    return True


def _found(sync: Sync, destination: Destination, now: datetime) -> bool:
    here = change_feed.now()
    permitted = eligibility.permitted(destination.kind, "a")
    try:
        page = change_feed.read(sync.looked_until, most=MOST) if sync.looked_until else None
    except (change_feed.BadCursor, change_feed.CursorExpired):
        page = None
    if page is not None and not page.more:
        sync.looked_until = page.cursor
        ids = [change.contact_id for change in page.changes]
        return bool(ids and fetch(fill(FORBIDDEN_AMONG, permitted=permitted), sync=sync.pk, ids=ids)[0][0])
    pause = timedelta(seconds=SECONDS_A_MILLION * sync.members / 1_000_000)
    if sync.looked_at is not None and sync.looked_until and sync.looked_at > now - pause:
        return False
    sync.looked_until, sync.looked_at = here, now
    with hash_joins():
        return bool(fetch(fill(FORBIDDEN, permitted=permitted), sync=sync.pk)[0][0])
