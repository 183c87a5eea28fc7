"""Monthly partitions of the events: made ahead for ever, and dropped when they are over and empty.

Run by the owner of the tables (`manage.py keep_partitions`); web and workers only read how far ahead they reach. Whatever
has no partition falls into `event_other`, from where it is moved when the partition of its month is made. Each month is a
transaction of its own, so it can be stopped anywhere; nobody who reads or writes waits for longer than `PATIENCE`.
"""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from django.db import OperationalError, ProgrammingError, connection, transaction
from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable, UndefinedTable

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
OTHER = "event_other"
AHEAD = 24
# The health check warns when fewer months than this one and so many more have partitions.
LEAST_AHEAD = 3
# Older months get a partition when so many of their events are in `event_other`.
WORTH_A_PARTITION = 50_000
# Months that are over for so long and have no events lose their partition.
KEPT_EMPTY = 3
# So long each try waits for a lock, and holds up others who want one behind it.
PATIENCE = "2s"
TRIES = 15
_NAME = re.compile(r"event_(\d{4})_(\d\d)")

# Names from the catalogue, which every role may read; locks nothing.
NAMES = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'public.event'::regclass ORDER BY c.relname"""
# Reads all of `event_other`, without the policy of the table above: run by the owner alone.
OTHER_MONTHS = f"""
SELECT extract(year FROM o.at AT TIME ZONE 'UTC')::int, extract(month FROM o.at AT TIME ZONE 'UTC')::int, count(*)
FROM {OTHER} o GROUP BY 1, 2"""  # noqa: S608  a constant of ours


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month in UTC."""

    year: int
    number: int

    @staticmethod
    def of(moment: datetime) -> "Month":
        at = moment.astimezone(UTC)
        return Month(at.year, at.month)

    def plus(self, months: int) -> "Month":
        year, number = divmod(self.year * 12 + self.number - 1 + months, 12)
        return Month(year, number + 1)

    @property
    def begins(self) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def table(self) -> str:
        return f"event_{self.year:04}_{self.number:02}"


@dataclass
class Kept:
    """What a run has done: months with a new partition, how many events moved into them, and months whose partition went."""

    made: list[Month] = field(default_factory=list)
    moved: int = 0
    dropped: list[Month] = field(default_factory=list)


def months() -> list[Month]:
    """The months that have a partition, in order."""
    with connection.cursor() as cursor:
        cursor.execute(NAMES)
        names = [_NAME.fullmatch(name) for (name,) in cursor.fetchall()]
    return sorted(Month(int(name[1]), int(name[2])) for name in names if name)


def months_ahead(now: datetime) -> int:
    """How many months behind the present one have a partition, without a gap."""
    have, ahead = set(months()), 0
    while Month.of(now).plus(ahead + 1) in have:
        ahead += 1
    return ahead


def wanted(now: datetime, *, ahead: int, others: dict[Month, int]) -> list[Month]:
    """Months that should have a partition: from the last one on, and older ones of which many events are in `others`."""
    present = Month.of(now)
    coming = [present.plus(step) for step in range(-1, ahead + 1)]
    older = [month for month, count in others.items() if month < coming[0] and count >= WORTH_A_PARTITION]
    return sorted({*coming, *older})


def keep(now: datetime, *, ahead: int = AHEAD) -> Kept:
    """Make the partitions that are missing and drop those that are over and empty. Raises OperationalError when somebody
    holds the table for minutes; what is done by then stays done."""
    done, have = Kept(), set(months())
    for month in wanted(now, ahead=ahead, others=_other_months()):
        if month not in have:
            moved = _patiently(partial(_make, month))
            if moved is not None:
                done.made.append(month)
                done.moved += moved
    last = Month.of(now).plus(-KEPT_EMPTY)
    for month in sorted(have):
        if month < last and _patiently(partial(_drop_if_empty, month)):
            done.dropped.append(month)
    return done


def _other_months() -> dict[Month, int]:
    with connection.cursor() as cursor:
        cursor.execute(OTHER_MONTHS)
        return {Month(year, number): count for year, number, count in cursor.fetchall()}


def _patiently(act: Callable[[], Answer]) -> Answer:
    """Do something in a transaction that gives up on a lock soon, and try again: who comes behind it does not wait long."""
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
                return act()
        except OperationalError as problem:
            if not left or not isinstance(problem.__cause__, (LockNotAvailable, DeadlockDetected)):
                raise
            log.info("events are in use, trying again: %s", problem)
            time.sleep(0.5)
    raise AssertionError("the last try returns or raises")


def _make(month: Month) -> int | None:
    """Make the partition of a month and move its events out of `event_other`; None when it is there already.

    Who writes events waits until the end, before it is decided in which partition a row belongs: a row on its way to
    `event_other` would be refused there afterwards. Where nothing is moved that takes milliseconds.
    """
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE event IN SHARE ROW EXCLUSIVE MODE")
        if month in months():
            return None
        names = {
            "table": sql.Identifier(month.table),
            "other": sql.Identifier(OTHER),
            "first": sql.Literal(month.begins),
            "next": sql.Literal(month.plus(1).begins),
        }
        cursor.execute(sql.SQL("LOCK TABLE {other} IN ACCESS EXCLUSIVE MODE").format(**names))
        cursor.execute(sql.SQL("CREATE TABLE {table} (LIKE event INCLUDING ALL)").format(**names))
        cursor.execute(sql.SQL(_MOVE).format(**names))
        moved = int(cursor.rowcount)
        cursor.execute(
            sql.SQL("ALTER TABLE event ATTACH PARTITION {table} FOR VALUES FROM ({first}) TO ({next})").format(**names)
        )
        return moved


_MOVE = """
WITH gone AS (DELETE FROM {other} o WHERE o.at >= {first} AND o.at < {next} RETURNING o.*)
INSERT INTO {table} SELECT g.* FROM gone g"""


def _drop_if_empty(month: Month) -> bool:
    """Drop the partition of a month that has no events. Looked at first without a lock, which nobody then waits for."""
    if not _is_empty(month):
        return False
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
        if month not in months() or not _is_empty(month):
            return False
        cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(month.table)))
        return True


def _is_empty(month: Month) -> bool:
    """Whether the partition of a month is there and has no events."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT NOT EXISTS (SELECT 1 FROM {} e)").format(sql.Identifier(month.table)))
            return bool(cursor.fetchone()[0])
    except ProgrammingError as problem:
        if isinstance(problem.__cause__, UndefinedTable):
            return False  # somebody else has just dropped it
        raise
