"""Runs of data syncs as a kind of data with a rule."""

from datetime import datetime

from tenants.isolation.statements import fetch, fill, run
from tenants.retention.kinds import Found, Kind, counted

# Runs that are over; what was not confirmed is still needed, and so are requests without an answer.
FIND = """
SELECT r.ended_at FROM sync_run r
WHERE r.tenant_id = %(tenant)s AND r.state = 'ended' AND r.unconfirmed = 0 AND r.ended_at IS NOT NULL {older}
ORDER BY r.ended_at"""
OLD = """
SELECT r.id FROM sync_run r
WHERE r.tenant_id = %(tenant)s AND r.state = 'ended' AND r.unconfirmed = 0 AND r.ended_at < %(before)s
ORDER BY r.id LIMIT %(most)s FOR UPDATE SKIP LOCKED"""
REMOVE = (
    """DELETE FROM sync_batch b
WHERE b.tenant_id = %(tenant)s AND b.run_id = ANY(%(ids)s) AND b.state NOT IN ('sending', 'sent')""",
    "DELETE FROM sync_run r WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(ids)s)",
)


class Runs(Kind):
    """The rule of runs."""

    key, label, icon = "syncs", "Runs of data syncs", "refresh-cw"
    words = "What each run of a data sync sent, in figures, and its requests. What a destination has is stored apart."
    since, effect = "the run ended", "Removed from the lists of runs"
    nouns = ("run", "runs")
    default, least, can_be_endless = 180, 30, False

    def find(self, *, before: datetime | None, most: int) -> Found:
        older = "AND r.ended_at < %(before)s" if before else ""
        return counted(fill(FIND, older=older), most=most, before=before)

    def remove(self, *, before: datetime, most: int) -> int:
        ids = [row[0] for row in fetch(OLD, before=before, most=most)]
        for statement in REMOVE:
            run(statement, ids=ids)
        return len(ids)
