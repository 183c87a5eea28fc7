"""The e-mail rating of a contact, 1 to 5: how it has taken the messages of the last 60 days (docs/rating.md).

Recomputed for contacts of new reports, and every night for all that have a rating or had messages: what
is older than 60 days counts no more.
"""

import logging
from collections.abc import Sequence

from contacts import change_queue
from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tenants.isolation.statements import fetch
from tenants.models import Tenant

log = logging.getLogger(__name__)
RATED_DAYS, CHUNK = 60, 5_000

# 1 when messages were delivered, and up to 4 more: 0.6 for the share that was read, 0.4 for the share that was clicked. A
# message that was clicked was read, and one that was read was delivered. One look-up by index for each contact.
RATE = """
UPDATE contact c SET rating = r.rating FROM (
  SELECT w.id, CASE WHEN m.delivered > 0 THEN
    (1 + floor(4 * (0.6 * m.read + 0.4 * m.clicked) / m.delivered + 0.000001))::smallint END AS rating
  FROM unnest(%(ids)s::bigint[]) w(id) CROSS JOIN LATERAL (
    SELECT count(*) AS delivered, count(*) FILTER (WHERE l.best >= 2) AS read, count(*) FILTER (WHERE l.best >= 3) AS clicked
    FROM (
      SELECT max(CASE e.properties ->> 'status' WHEN 'clicked' THEN 3 WHEN 'read' THEN 2 ELSE 1 END) AS best
      FROM event e WHERE e.tenant_id = %(tenant)s AND e.contact_id = w.id AND e.kind = 'message'
        AND e.at >= now() - make_interval(days => %(days)s)
        AND coalesce(e.properties ->> 'channel', 'email') = 'email'
        AND e.properties ->> 'status' IN ('sent', 'delivered', 'read', 'clicked')
      GROUP BY coalesce(e.properties ->> 'id', e.properties ->> 'message', e.id::text)) l OFFSET 0) m) r
WHERE c.tenant_id = %(tenant)s AND c.id = r.id AND c.rating IS DISTINCT FROM r.rating RETURNING c.id"""
# Contacts that may have another rating today: behind an ID, in its order.
RATED = """
SELECT x.id FROM (
  SELECT c.id FROM contact c WHERE c.tenant_id = %(tenant)s AND c.rating IS NOT NULL AND c.id > %(after)s
  UNION SELECT e.contact_id FROM event e WHERE e.tenant_id = %(tenant)s AND e.kind = 'message' AND e.contact_id > %(after)s
    AND e.at >= now() - make_interval(days => %(days)s)) x ORDER BY x.id LIMIT %(count)s"""


def recompute_rating(contact_ids: Sequence[int]) -> int:
    """Recompute the rating of contacts; returns how many have another one. In a tenant's transaction."""
    changed = [row[0] for row in fetch(RATE, ids=list(contact_ids), days=RATED_DAYS)]
    change_queue.add(changed, "contact")
    return len(changed)


def run_for_all_workspaces() -> None:
    """Rate the contacts of all workspaces, a chunk a transaction; a failure of one workspace does not stop the others."""
    for tenant_id in Tenant.open.values_list("pk", flat=True):
        try:
            _workspace(tenant_id)
        except Exception:
            log.exception("ratings of workspace %s", tenant_id)


def _workspace(tenant_id: int) -> None:
    after = 0
    while True:
        with tenant_context(tenant_id):
            ids = [row[0] for row in fetch(RATED, after=after, days=RATED_DAYS, count=CHUNK)]
            if not ids:
                return
            # In the order of their IDs, as everybody locks contacts.
            list(Contact.objects.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk"))
            recompute_rating(ids)
        after = ids[-1]
