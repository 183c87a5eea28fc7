"""What the contact base adds up to: counted anew by a worker whenever contacts have changed, in one pass over them.

Every change of contacts raises their version (contacts.write_lock); while an import writes they change all the time. A count
replaces the one before in one transaction, so it is right whatever has happened: a killed worker leaves the one before.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.utils import timezone

from contacts.duplicates import exact
from contacts.linkage import review
from contacts.models import Decision, WriteLock
from insights.models import ContactCount, ContactTally
from tenants.isolation.context import tenant_context
from tenants.isolation.statements import fetch, run
from tenants.models import Tenant

log = logging.getLogger(__name__)
# While contacts change all the time, a count may take such a share of a worker's time.
SHARE = 0.05

# One pass over the contacts. A status counts from the day on which it was set; a contact that was deleted has none.
COUNT = """
WITH who AS MATERIALIZED (
  SELECT (c.created_at AT TIME ZONE %(zone)s)::date AS made, c.origin, (c.deleted_at AT TIME ZONE %(zone)s)::date AS deleted,
    CASE WHEN c.email IS NOT NULL AND c.deleted_at IS NULL THEN c.email_status END AS email,
    CASE WHEN c.email IS NOT NULL AND c.deleted_at IS NULL THEN
      (coalesce(c.email_status_at, c.created_at) AT TIME ZONE %(zone)s)::date END AS email_day,
    CASE WHEN c.phone IS NOT NULL AND c.deleted_at IS NULL THEN c.phone_status END AS phone,
    CASE WHEN c.phone IS NOT NULL AND c.deleted_at IS NULL THEN
      (coalesce(c.phone_status_at, c.created_at) AT TIME ZONE %(zone)s)::date END AS phone_day,
    CASE WHEN c.deleted_at IS NOT NULL THEN NULL WHEN c.email IS NOT NULL AND c.phone IS NOT NULL THEN 'both'
      WHEN c.email IS NOT NULL THEN 'email' WHEN c.phone IS NOT NULL THEN 'phone' ELSE 'none' END AS channel
  FROM contact c WHERE c.tenant_id = %(tenant)s),
found AS (
  SELECT grouping(w.made, w.deleted, w.email, w.phone, w.channel) AS what, w.made, w.origin, w.deleted, w.email, w.email_day,
    w.phone, w.phone_day, w.channel, count(*) AS contacts
  FROM who w GROUP BY GROUPING SETS ((w.made, w.origin), (w.deleted), (w.email, w.email_day), (w.phone, w.phone_day),
    (w.channel)))
INSERT INTO contact_tally (tenant_id, kind, label, day, contacts)
SELECT %(tenant)s, k.kind, k.label, k.day, f.contacts FROM found f CROSS JOIN LATERAL (VALUES
  (15, 'made', f.origin, f.made), (23, 'deleted', '', f.deleted), (27, 'email', f.email, f.email_day),
  (29, 'phone', f.phone, f.phone_day), (30, 'channel', f.channel, NULL::date)) AS k(what, kind, label, day)
WHERE f.what = k.what AND k.label IS NOT NULL AND (k.kind = 'channel' OR k.day IS NOT NULL)
ON CONFLICT DO NOTHING"""
# Contacts by the day on which somebody first recorded that they agreed.
CONSENT = """
INSERT INTO contact_tally (tenant_id, kind, label, day, contacts)
SELECT %(tenant)s, 'consent', f.purpose, f.day, count(*) FROM (
  SELECT r.contact_id, r.purpose, (min(r.at) AT TIME ZONE %(zone)s)::date AS day FROM consent_record r
  JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = r.contact_id AND c.deleted_at IS NULL
  WHERE r.tenant_id = %(tenant)s GROUP BY r.contact_id, r.purpose) f
GROUP BY f.purpose, f.day
ON CONFLICT DO NOTHING"""
# Reasons of imports that have ended and were not looked at yet; at most so many at once.
REASONS = """
WITH fresh AS MATERIALIZED (
  SELECT i.id, i.in_error FROM import i WHERE i.tenant_id = %(tenant)s AND i.phase = 'done' AND NOT EXISTS (
    SELECT 1 FROM import_error_tally t WHERE t.tenant_id = %(tenant)s AND t.import_id = i.id)
  ORDER BY i.id LIMIT 100),
said AS (
  SELECT r.import_id, r.code, count(DISTINCT r.row_no) AS rows FROM row_issue r
  WHERE r.tenant_id = %(tenant)s AND r.severity = 'error' AND r.import_id = ANY(
    ARRAY(SELECT f.id FROM fresh f WHERE f.in_error > 0)) GROUP BY r.import_id, r.code)
INSERT INTO import_error_tally (tenant_id, import_id, code, rows)
SELECT %(tenant)s, s.import_id, s.code, s.rows FROM said s
UNION ALL SELECT %(tenant)s, f.id, '', 0 FROM fresh f
ON CONFLICT DO NOTHING"""
# Whether there are imports to look at, and whether contacts may have changed since they were counted in this time zone; most
# workspaces have neither.
NEEDS = """
SELECT EXISTS (
    SELECT 1 FROM import i WHERE i.tenant_id = %(tenant)s AND i.phase = 'done' AND NOT EXISTS (
      SELECT 1 FROM import_error_tally t WHERE t.tenant_id = %(tenant)s AND t.import_id = i.id)),
  (EXISTS (SELECT 1 FROM turn w WHERE w.tenant_id = %(tenant)s)
    OR EXISTS (SELECT 1 FROM contact_count n WHERE n.tenant_id = %(tenant)s))
  AND NOT EXISTS (
    SELECT 1 FROM contact_count n LEFT JOIN turn w ON w.tenant_id = %(tenant)s
    WHERE n.tenant_id = %(tenant)s AND n.zone = %(zone)s
      AND (w.id IS NULL OR (w.holder IS NULL AND w.version = n.version)))"""


def sweep() -> None:
    """Count where contacts have changed; a failure stops neither the other workspaces nor the other count of its own."""
    for tenant_id, zone in Tenant.open.order_by("?").values_list("pk", "time_zone"):
        with _logged(tenant_id):
            with tenant_context(tenant_id):
                fresh, changed = fetch(NEEDS, zone=zone)[0]
            for work in [_count_reasons] * fresh + [_count_if_due] * changed:
                with _logged(tenant_id):
                    work(tenant_id)


@contextmanager
def _logged(tenant_id: int) -> Iterator[None]:
    """What fails inside is in the log, and nothing else fails with it."""
    try:
        yield
    except Exception:
        log.exception("counting for workspace %s", tenant_id)


def _count_reasons(tenant_id: int) -> None:
    with tenant_context(tenant_id):
        run(REASONS)


def _count_if_due(tenant_id: int) -> None:
    if is_due(tenant_id, now=timezone.now()):
        count(tenant_id, now=timezone.now())


def is_due(tenant_id: int, *, now: datetime) -> bool:
    """Whether contacts have changed since they were counted, and counting again now takes no more than its share."""
    zone = Tenant.objects.values_list("time_zone", flat=True).get(pk=tenant_id)
    with tenant_context(tenant_id):
        last, state = ContactCount.objects.first(), WriteLock.objects.first()
    if last is None or last.zone != zone:
        return state is not None or last is not None
    if state is None or (state.holder is None and state.version == last.version):
        return False
    return bool(now >= last.counted_at + timedelta(seconds=last.seconds / SHARE))


def count(tenant_id: int, *, now: datetime) -> None:
    """Count the contacts of a workspace."""
    zone = Tenant.objects.values_list("time_zone", flat=True).get(pk=tenant_id)
    with tenant_context(tenant_id):
        begun = time.monotonic()
        ContactCount.objects.bulk_create([ContactCount(zone=zone, counted_at=now, seconds=0)], ignore_conflicts=True)
        last = ContactCount.objects.select_for_update().get()
        state = WriteLock.objects.first()
        # Before they are read: what changes meanwhile makes the next count due.
        last.version = state.version if state is not None and state.holder is None else None
        ContactTally.objects.all().delete()
        for statement in (COUNT, CONSENT):
            run(statement, zone=zone)
        duplicates = {kind: exact.totals(kind).values for kind in exact.KINDS}
        duplicates["probable"] = review.count(Decision.OPEN)
        last.zone, last.counted_at, last.duplicates = zone, now, duplicates
        last.seconds = time.monotonic() - begun
        last.save()
