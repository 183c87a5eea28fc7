"""Deliveries of webhooks as a kind of data with a rule."""

from datetime import datetime

from api.webhooks import deliveries
from tenants.isolation.statements import fill, run
from tenants.retention.kinds import Found, Kind, counted

FIND = "SELECT d.created_at FROM webhook_delivery d WHERE d.tenant_id = %(tenant)s {older} ORDER BY d.created_at"
# The oldest deliveries; those that could not be sent, too. Chosen once (MATERIALIZED), as a plan that asks again for each
# row would skip those that this statement has just deleted, and take the next ones.
REMOVE = """
WITH old (id) AS MATERIALIZED (
  SELECT o.id FROM webhook_delivery o WHERE o.tenant_id = %(tenant)s AND o.created_at < %(before)s
  ORDER BY o.created_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
DELETE FROM webhook_delivery d USING old
WHERE d.tenant_id = %(tenant)s AND d.id = old.id"""


class Deliveries(Kind):
    """The rule of deliveries."""

    key, label, icon = "webhooks", "Webhook deliveries", "webhook"
    words = "What was sent to webhooks and how it was answered, also what could not be sent."
    since, effect = "the delivery was noted", "Can no longer be seen or sent again"
    nouns = ("delivery", "deliveries")
    default, least, most, can_be_endless = deliveries.KEEP.days, 3, 365, False

    def find(self, *, before: datetime | None, most: int) -> Found:
        older = "AND d.created_at < %(before)s" if before else ""
        return counted(fill(FIND, older=older), most=most, before=before)

    def remove(self, *, before: datetime, most: int) -> int:
        return run(REMOVE, before=before, most=most)
