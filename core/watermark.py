"""Up to which moment everything that was written can be seen: for readers that go on from where they stopped.

Rows say when they were written, by the clock, inside of a transaction that may commit much later. Who reads "everything
since my last look" by the clock alone misses what commits late. Below the watermark nothing can appear any more.
"""

from datetime import datetime, timedelta

from django.db import connection

# How far the clocks of hosts may be apart.
SKEW = timedelta(seconds=1)
# A transaction that has not written anything takes its time at most this long before its first write: no task runs longer.
QUIET_SECONDS = 310

# Other sessions of this role: web, workers, drain. One that has only read, for longer than any writer waits, does not
# count.
_OLDEST = """
SELECT least(clock_timestamp(), min(a.xact_start)) FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.usename = current_user AND a.pid <> pg_backend_pid()
  AND (a.backend_xid IS NOT NULL OR a.xact_start > clock_timestamp() - make_interval(secs => %s))"""


def settled() -> datetime:
    """Every row whose time lies before this moment is committed, or will never be. Ask first, then read (READ COMMITTED)."""
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST, [QUIET_SECONDS])
        (moment,) = cursor.fetchone()
    at: datetime = moment - SKEW
    return at
