"""What the platform is made of, as it is now: programs, queue, pixel, database, disk. For those who run it."""

import re
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection

from core import signs_of_life
from core.broker import FIRST_LINE, LINE_BEHIND, broker
from core.signs_of_life import Program
from insights.operations import sample as samples
from insights.operations.sample import Sample
from tenants.isolation import replica
from tenants.isolation.replica import Look
from tracking import event_partitions
from tracking.pixel import inbox

UNACKED = "cdp:unacked"
ROLES = ("worker", "beat", "drain", "files")

# Connections, and what runs longest, of our own role: the texts of others are hidden from us. Locks nothing.
DATABASE = """
SELECT (SELECT count(*) FROM pg_stat_activity a WHERE a.datname = current_database()),
       (SELECT setting::int FROM pg_settings s WHERE s.name = 'max_connections'),
       extract(epoch FROM clock_timestamp())::float8,
       to_regclass('pg_stat_statements') IS NOT NULL
"""
SLOW = """
SELECT extract(epoch FROM clock_timestamp() - a.query_start)::float8, coalesce(a.wait_event_type, ''), a.query
FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.state = 'active' AND a.pid <> pg_backend_pid()
  AND a.query_start < clock_timestamp() - interval '1 second'
ORDER BY a.query_start LIMIT 5
"""
# Sums since the statistics began; only with the extension, and for a role that may read it.
SLOWEST = """
SELECT s.mean_exec_time / 1000, s.calls, s.query FROM pg_stat_statements s ORDER BY s.total_exec_time DESC LIMIT 5
"""
_TEXT = re.compile(r"\bE'(?:[^'\\]|\\.|'')*'?|'(?:[^']|'')*'?|\$(\w*)\$.*?(?:\$\1\$|\Z)", re.DOTALL)
_DIGITS = re.compile(r"\b\d+(?:\.\d+)?\b")


@dataclass(frozen=True)
class Statement:
    """A statement without its values: for how long it runs (or took on average), and what it waits for."""

    seconds: float
    waits_for: str
    text: str
    calls: int = 0


@dataclass
class Machinery:
    """Everything that was found; None is unknown, because the server that knows it is away."""

    at: float
    database: bool = False
    database_bytes: int | None = None
    connections: int | None = None
    most_connections: int | None = None
    event_months: int | None = None  # months to come that events have a partition for
    clock_difference: float | None = None  # seconds that the database's clock is ahead of ours
    slow: list[Statement] = field(default_factory=list)
    slowest: list[Statement] = field(default_factory=list)
    replica: Look | None = None  # None: there is none, or nobody could look
    broker: bool = False
    programs: list[Program] = field(default_factory=list)
    queued: int | None = None
    in_hand: int | None = None
    hits_waiting: int | None = None
    hits_lag: float | None = None
    sample: Sample | None = None
    disk_bytes: int = 0
    disk_free: int = 0

    def living(self, role: str) -> list[Program]:
        """Programs of a role that have shown a sign of life just now."""
        return [p for p in self.programs if p.role == role and not p.is_gone(self.at)]

    @property
    def gone(self) -> list[Program]:
        """Programs that have died, and nobody has noted it yet."""
        return [p for p in self.programs if p.is_gone(self.at)]


def look(*, statements: bool = True, database: bool = True) -> Machinery:
    """Look at everything. Never raises: what is away is said to be away.

    `statements`: also which run for long. Without `database` nothing is asked of it: who asks has just got answers from it.
    """
    found = Machinery(at=time.time(), database=not database)
    if database:
        _look_at_database(found, statements=statements)
    _look_at_broker(found)
    found.disk_bytes, _used, found.disk_free = shutil.disk_usage(_existing(settings.UPLOAD_DIR))
    return found


def _existing(folder: Any) -> Any:
    """The folder, or the next one above that exists: uploads may not have been made yet."""
    while not folder.exists():
        folder = folder.parent
    return folder


def _look_at_database(found: Machinery, *, statements: bool) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(DATABASE)
            used, most, clock, extension = cursor.fetchone()
            found.connections, found.most_connections = used, most
            found.clock_difference = float(clock) - time.time()
            found.event_months = event_partitions.months_ahead(datetime.fromtimestamp(float(clock), UTC))
            found.database = True
            if statements:
                cursor.execute(SLOW)
                found.slow = [Statement(float(s), wait, without_values(q)) for s, wait, q in cursor.fetchall()]
    except DatabaseError:
        connection.close_if_unusable_or_obsolete()
        return
    if statements and extension:
        found.slowest = _slowest()
    try:
        found.replica = replica.look() if replica.is_set() else None
    except DatabaseError:
        connection.close_if_unusable_or_obsolete()


def _slowest() -> list[Statement]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(SLOWEST)
            return [Statement(float(s), "", without_values(q), int(n)) for s, n, q in cursor.fetchall()]
    except DatabaseError:
        return []


def _look_at_broker(found: Machinery) -> None:
    try:
        found.at = signs_of_life.clock()
        found.programs = signs_of_life.programs()
        with broker().pipeline(transaction=False) as pipe:
            pipe.llen(FIRST_LINE)
            pipe.llen(LINE_BEHIND)
            pipe.hlen(UNACKED)
            first, behind, found.in_hand = pipe.execute()
        found.queued = first + behind
        found.hits_waiting, found.hits_lag = inbox.waiting(), inbox.lag(found.at)
        found.sample = samples.latest()
        found.database_bytes = found.sample.database_bytes
        found.broker = True
    except redis.RedisError:
        found.broker = False


def without_values(statement: str) -> str:
    """A statement as it may be shown: texts and numbers in it are somebody's, so each is a question mark."""
    plain = _DIGITS.sub("?", _TEXT.sub("?", statement))
    return " ".join(plain.split())[:300]
