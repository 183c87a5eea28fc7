"""Reading from a copy of the database that follows it a moment behind: which one, and when it may be asked.

A block inside of `reading` reads there: contexts of workspaces, statements and the ORM follow. The policies are those of the
database, since a replica has all of it, and the role has to be the same one. Only views that declare it read there
(`tenants.roles.tolerates_lag`). A replica that is not set, away, another database or too far behind is not asked.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

ALIAS = "replica"
# How long a look at the replica is good for, and one that found nobody: asking again may take as long as a connection may.
LOOK_SECONDS, AWAY_SECONDS = 1.0, 5.0
_PLACE = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}")
_alias: ContextVar[str] = ContextVar("database_alias", default=DEFAULT_DB_ALIAS)

# A place in the log of writes is a pair of numbers; one that the primary has written, and who it is.
PRIMARY = "SELECT pg_current_wal_lsn()::text, system_identifier FROM pg_control_system()"
# Where the replica is, and when what it has repeated last was written, by the clocks of both.
REPLICA = """
SELECT pg_last_wal_replay_lsn()::text, system_identifier,
       extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8
FROM pg_control_system() WHERE pg_is_in_recovery()
"""


@dataclass(frozen=True)
class Look:
    """What was found at a moment of this process's clock. `lag` in seconds; None: nobody knows. `place`: up to where it has
    repeated the log."""

    at: float
    up: bool = False
    lag: float | None = None
    place: tuple[int, int] = (0, 0)

    @property
    def is_near(self) -> bool:
        """Whether pages that tolerate lag may show what it has."""
        return self.up and self.lag is not None and self.lag <= settings.REPLICA_MOST_LAG


_latest: Look | None = None


class Router:
    """Sends the ORM where `reading` says. Writes, too: a replica refuses them, and the primary would let some through."""

    def db_for_read(self, _model: Any, **_hints: Any) -> str | None:
        return ALIAS if is_reading() else None

    def db_for_write(self, _model: Any, **_hints: Any) -> str | None:
        return ALIAS if is_reading() else None


def alias() -> str:
    """Name of the database that this code works with."""
    return _alias.get()


def database() -> BaseDatabaseWrapper:
    """The connection that this code works with."""
    found: BaseDatabaseWrapper = connections[_alias.get()]
    return found


def is_set() -> bool:
    """Whether there is a replica at all."""
    return ALIAS in connections.databases


def is_reading() -> bool:
    """Whether this code is inside of `reading`."""
    return _alias.get() == ALIAS


@contextmanager
def reading() -> Iterator[None]:
    """Inside of it everything is read from the replica; for the outermost context, and only if `may_read`."""
    token = _alias.set(ALIAS)
    try:
        yield
    finally:
        _alias.reset(token)


def may_read(seen: str = "") -> bool:
    """Whether the replica may be asked now, by somebody who has already `seen` their own write at this place of the log."""
    if not is_set() or connection.in_atomic_block:
        return False
    latest, wanted = look(), _numbers(seen)
    if wanted > latest.place and latest.up:
        latest = look(again=True)
    return latest.is_near and wanted <= latest.place


def written() -> str:
    """The place in the log behind everything that is committed by now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_lsn()::text")
        return str(cursor.fetchone()[0])


def look(*, again: bool = False) -> Look:
    """How the replica is; what was found a second ago is good enough, unless asked `again`."""
    global _latest
    now, latest = time.monotonic(), _latest
    if latest is not None and not again and now - latest.at < (LOOK_SECONDS if latest.up else AWAY_SECONDS):
        return latest
    _latest = _look(now)
    return _latest


def note_failure() -> None:
    """A statement has failed there: nobody is sent there for some seconds."""
    global _latest
    _latest = Look(time.monotonic())
    connections[ALIAS].close_if_unusable_or_obsolete()


def _look(now: float) -> Look:
    with connection.cursor() as cursor:
        cursor.execute(PRIMARY)
        newest, known = cursor.fetchone()
    try:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(REPLICA)
            row = cursor.fetchone()
    except Error:
        connections[ALIAS].close()
        return Look(now)
    if row is None or row[1] != known:
        return Look(now)
    place = _numbers(row[0])
    # Nothing is missing: it is not behind, however long ago the last write was.
    return Look(now, True, 0.0 if place >= _numbers(newest) else row[2], place)


def _numbers(place: str) -> tuple[int, int]:
    """A place, as 16/B374D848, as numbers that can be compared; (0, 0) for what is no place."""
    if not _PLACE.fullmatch(place or ""):
        return 0, 0
    high, _slash, low = place.partition("/")
    return int(high, 16), int(low, 16)
