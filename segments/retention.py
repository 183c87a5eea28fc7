"""The history of segments as a kind of data with a rule: who entered and left, and sizes by hour."""

from datetime import datetime

from segments import history
from tenants.isolation.statements import fill, run
from tenants.retention.kinds import Found, Kind, counted

FIND = "SELECT c.at FROM segment_change c WHERE c.tenant_id = %(tenant)s {older}"
# Entries of one segment after the other, by their key. Chosen once (MATERIALIZED): a plan that
# asks again for each row would skip those that this statement has just deleted.
CHANGES = """
WITH old AS MATERIALIZED (
  SELECT o.segment_id, o.at, o.contact_id FROM segment_change o WHERE o.tenant_id = %(tenant)s AND o.at < %(before)s
  ORDER BY o.segment_id, o.at, o.contact_id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
DELETE FROM segment_change c USING old
WHERE c.tenant_id = %(tenant)s AND c.segment_id = old.segment_id AND c.at = old.at AND c.contact_id = old.contact_id"""
# One row an hour and segment: few beside the entries.
SIZES = "DELETE FROM segment_size s WHERE s.tenant_id = %(tenant)s AND s.hour < %(before)s"


class History(Kind):
    """The rule of entries and sizes."""

    key, label, icon = "segments", "History of segments", "blend"
    words = "Who entered and left segments, when and why, and how large they were. Members stay."
    since, effect = "the contact entered or left", "Removed from the history and the growth of segments"
    default, least, can_be_endless = history.KEPT_DAYS, 30, False

    def find(self, *, before: datetime | None, most: int) -> Found:
        older = "AND c.at < %(before)s" if before else ""
        return counted(fill(FIND, older=older), most=most, in_order=False, before=before)

    def remove(self, *, before: datetime, most: int) -> int:
        run(SIZES, before=before)
        return run(CHANGES, before=before, most=most)
