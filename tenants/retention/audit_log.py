"""The audit log as a kind of data with a rule: at least a year, which the database itself sees to (isolation.rls)."""

from datetime import datetime

from tenants.isolation.rls import AUDIT_DAYS
from tenants.isolation.statements import fill, run
from tenants.retention.kinds import Found, Kind, counted

# Entries in the order in which they were made, so that the oldest come first.
FIND = "SELECT a.at FROM audit_entry a WHERE a.tenant_id = %(tenant)s {older} ORDER BY a.id"
# Of the first entries, those that are old enough: entries are made in the order of time, but for moments.
REMOVE = """
WITH first (id) AS MATERIALIZED (
  SELECT o.id FROM audit_entry o WHERE o.tenant_id = %(tenant)s ORDER BY o.id LIMIT %(most)s)
DELETE FROM audit_entry a USING first
WHERE a.tenant_id = %(tenant)s AND a.id = first.id AND a.at < %(before)s"""


class Entries(Kind):
    """The rule of entries."""

    key, label, icon = "audit", "Audit log", "scroll-text"
    words = "Who did what in this workspace, with the values before and after."
    since, effect = "the entry was made", "Removed from the audit log and from the history of contacts"
    least = AUDIT_DAYS

    def find(self, *, before: datetime | None, most: int) -> Found:
        older = "AND a.at < %(before)s" if before else ""
        return counted(fill(FIND, older=older), most=most, before=before)

    def remove(self, *, before: datetime, most: int) -> int:
        return run(REMOVE, before=before, most=most)
