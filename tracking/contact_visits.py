"""What all visitors of a contact add up to, one row a contact: what lists and filters of resolved contacts read.

Whoever ties a visitor to a contact, lets it go, or adds to a tied one calls `refresh` in the same transaction, after it has
written. The row is worked out anew from the visitors, so it cannot drift.
"""

from collections.abc import Iterable
from itertools import islice

from contacts import change_queue
from tenants.isolation.statements import fill, run
from tracking.models import STRONGEST_FIRST

# The rows are made and locked in order of contact, and worked out in a statement that begins afterwards: what another
# transaction has added to a visitor of the same contact is seen then.
MAKE = """
INSERT INTO contact_visit (tenant_id, contact_id, first_seen, last_seen)
SELECT %(tenant)s, v.contact_id, min(v.first_seen), max(v.last_seen) FROM visitor v
WHERE v.tenant_id = %(tenant)s AND v.contact_id = ANY(%(contacts)s)
GROUP BY v.contact_id ORDER BY v.contact_id
ON CONFLICT DO NOTHING"""
LOCK = """
SELECT c.contact_id FROM contact_visit c WHERE c.tenant_id = %(tenant)s AND c.contact_id = ANY(%(contacts)s)
ORDER BY c.contact_id FOR UPDATE"""
# By which identifier: by the strongest of all visitors.
WRITE = """
UPDATE contact_visit c SET first_seen = t.first_seen, last_seen = t.last_seen, views = t.views, visits = t.visits,
  seconds = t.seconds, stage = t.stage, hours = t.hours, visitors = t.visitors, site_ids = t.site_ids,
  matched_at = t.matched_at, matched_by = t.matched_by
FROM (
  SELECT v.contact_id, min(v.first_seen) AS first_seen, max(v.last_seen) AS last_seen, sum(v.views)::int AS views,
         sum(v.visits)::int AS visits, sum(v.seconds)::int AS seconds, max(v.stage) AS stage, bit_or(v.hours) AS hours,
         count(*)::int AS visitors, array_agg(DISTINCT v.site_id) AS site_ids, min(v.claimed_at) AS matched_at,
         ({strongest_first})[min(array_position({strongest_first}, v.matched_by::text))] AS matched_by
  FROM visitor v WHERE v.tenant_id = %(tenant)s AND v.contact_id = ANY(%(contacts)s) GROUP BY v.contact_id) t
WHERE c.tenant_id = %(tenant)s AND c.contact_id = t.contact_id"""
CLEAR = """
DELETE FROM contact_visit c WHERE c.tenant_id = %(tenant)s AND c.contact_id = ANY(%(contacts)s) AND NOT EXISTS (
  SELECT 1 FROM visitor v WHERE v.tenant_id = %(tenant)s AND v.contact_id = c.contact_id)"""
# Contacts that one round of statements works out.
ROUND = 5_000


def refresh(contact_ids: Iterable[int | None]) -> None:
    """Work out the rows of contacts whose visitors have changed; one without a visitor has none. None is passed over."""
    wanted = iter(sorted({contact_id for contact_id in contact_ids if contact_id is not None}))
    while contacts := list(islice(wanted, ROUND)):
        for statement in (MAKE, LOCK, fill(WRITE, strongest_first=STRONGEST_FIRST), CLEAR):
            run(statement, contacts=contacts)
        change_queue.add(contacts, "visit")
