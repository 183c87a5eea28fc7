"""Partitions of events: months in a row for ever, whatever lies in the way, and nothing lost.

The months of these tests are of the last century, where nothing else of a run has events; the year 2030 is the first that
the migrations have not made.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import OperationalError, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from hypothesis import given
from hypothesis import strategies as st

from cdp.stack.supervisor import wait_until
from tenants.isolation import checks
from tenants.models import Tenant
from tests.servers import ROOT, ask
from tracking import event_partitions
from tracking.event_partitions import Kept, Month, keep, months, months_ahead, wanted


def at(year: int, month: int, day: int = 15) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


@contextmanager
def as_owner() -> Iterator[None]:
    """Django's connection of this thread is the owner's."""
    url, served = urlsplit(os.environ["OWNER_DATABASE_URL"]), connections["default"]
    owner = DatabaseWrapper({**served.settings_dict, "USER": url.username, "PASSWORD": url.password}, "default")
    connections["default"] = owner
    try:
        yield
    finally:
        owner.close()
        connections["default"] = served


@pytest.fixture(autouse=True, scope="module")
def as_before(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Other tests find the partitions that the migrations have made, and no others."""
    with django_db_blocker.unblock():
        before = set(months())
        yield
        with psycopg.connect(os.environ["OWNER_DATABASE_URL"]) as raw:
            for month in set(months()) - before:
                raw.execute(f"DROP TABLE {month.table}")
            for month in before - set(months()):
                first, following = month.begins.isoformat(), month.plus(1).begins.isoformat()
                raw.execute(
                    f"CREATE TABLE {month.table} PARTITION OF event FOR VALUES FROM ('{first}') TO ('{following}')"
                )


def kept(now: datetime, *, ahead: int) -> Kept:
    with as_owner():
        return keep(now, ahead=ahead)


def add(tenant: Tenant, *moments: datetime) -> None:
    """Events of a workspace, as the application stores them."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as raw:
        raw.execute(f"SET LOCAL app.tenant_id = '{tenant.pk}'")
        for moment in moments:
            raw.execute("INSERT INTO event (tenant_id, at, kind) VALUES (%s, %s, 'page')", [tenant.pk, moment])


def seen(tenant: Tenant, begin: datetime, end: datetime) -> int:
    """How many events the application sees in a span."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as raw:
        raw.execute(f"SET LOCAL app.tenant_id = '{tenant.pk}'")
        row = raw.execute("SELECT count(*) FROM event e WHERE e.at >= %s AND e.at < %s", [begin, end]).fetchone()
        return int(row[0]) if row else 0


def rows_of(table: str, begin: datetime, end: datetime) -> int:
    """How many events of a span lie in a partition, as the owner sees it."""
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"]) as raw:
        row = raw.execute(f"SELECT count(*) FROM {table} e WHERE e.at >= %s AND e.at < %s", [begin, end]).fetchone()
        return int(row[0]) if row else 0


@given(st.integers(1, 9000), st.integers(1, 12), st.integers(-11, 400))
def test_months_count_like_a_calendar(year: int, number: int, steps: int) -> None:
    month = Month(year, number)
    there = month.plus(steps) if steps >= 0 or year > 1 else month
    assert there.plus(-steps if there != month else 0) == month
    assert 1 <= there.number <= 12
    assert Month.of(month.begins) == month
    assert Month.of(month.plus(1).begins - timedelta(microseconds=1)) == month


def test_a_month_is_one_of_utc() -> None:
    assert Month.of(datetime(2030, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == Month(2029, 12)
    assert Month(2029, 12).plus(1) == Month(2030, 1)
    assert Month(2030, 1).table == "event_2030_01"


def test_wanted_are_the_coming_months_and_older_ones_with_many_events() -> None:
    many = event_partitions.WORTH_A_PARTITION
    others = {Month(1999, 5): many, Month(1999, 6): many - 1, Month(2030, 2): 1, Month(2999, 1): many}
    assert wanted(at(2029, 12), ahead=2, others=others) == [
        Month(1999, 5), Month(2029, 11), Month(2029, 12), Month(2030, 1), Month(2030, 2),
    ]  # fmt: skip


def test_the_year_2030_is_made_and_its_events_are_moved(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    # Other tests have their events in the years before.
    monkeypatch.setattr(event_partitions, "KEPT_EMPTY", 1_000)
    add(tenant, at(2030, 3), at(2030, 3, 31), at(2031, 7), at(2035, 1))
    span = (at(2030, 1, 1), at(2036, 1, 1))
    done = kept(at(2029, 10), ahead=24)
    assert Month(2030, 1) in months()
    assert Month(2031, 10) in months()
    assert done.made == [] or done.moved >= 3
    assert seen(tenant, *span) == 4
    assert rows_of("event_other", at(2030, 1, 1), at(2031, 11, 1)) == 0
    assert rows_of("event_2030_03", *span) >= 2
    # What comes now goes straight there.
    add(tenant, at(2031, 7, 16))
    assert rows_of("event_2031_07", *span) >= 2
    assert months_ahead(at(2029, 10)) >= 24
    assert kept(at(2029, 10), ahead=24) == Kept()


def test_new_partitions_are_like_the_others(tenant: Tenant) -> None:
    kept(at(1990, 1), ahead=1)
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"]) as raw:
        shapes = [
            raw.execute(
                "SELECT array_agg(regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') ORDER BY 1), "
                "(SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a "
                " WHERE a.attrelid = i.indrelid AND a.attnum > 0 AND NOT a.attisdropped) "
                "FROM pg_index i WHERE i.indrelid = %s::regclass GROUP BY i.indrelid",
                [table],
            ).fetchone()
            for table in ("event_1990_02", "event_2028_02")
        ]
    assert shapes[0] is not None
    assert sorted(shapes[0][0]) == sorted(shapes[1][0])  # type: ignore[index]
    assert checks.findings() == []
    add(tenant, at(1990, 2))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(os.environ["DATABASE_URL"], "SELECT count(*) FROM event_1990_02")


def test_older_months_with_many_events_get_one(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_partitions, "WORTH_A_PARTITION", 3)
    add(tenant, at(1961, 5), at(1961, 5, 16), at(1961, 5, 17), at(1962, 6))
    assert Month(1961, 5) in kept(at(1963, 5), ahead=0).made
    assert rows_of("event_1961_05", at(1961, 1), at(1962, 1)) == 3
    assert rows_of("event_other", at(1962, 1), at(1963, 1)) == 1
    assert seen(tenant, at(1961, 1), at(1963, 1)) == 4


def test_months_that_are_over_and_empty_lose_theirs(tenant: Tenant) -> None:
    kept(at(1971, 3), ahead=2)
    add(tenant, at(1971, 3))
    assert {Month(1971, n) for n in range(2, 6)} <= set(months())
    done = kept(at(1971, 9), ahead=0)
    assert Month(1971, 2) in done.dropped
    assert {Month(1971, 4), Month(1971, 5)} <= set(done.dropped)
    assert Month(1971, 3) in months()
    # Not before they have been over for a while.
    assert {Month(1971, 8), Month(1971, 9)} <= set(months())
    assert seen(tenant, at(1971, 1), at(1972, 1)) == 1
    # A late event of such a month is kept all the same.
    add(tenant, at(1971, 4))
    assert seen(tenant, at(1971, 1), at(1972, 1)) == 2
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"], autocommit=True) as raw:
        raw.execute("DELETE FROM event_1971_03")
    assert Month(1971, 3) in kept(at(1971, 9), ahead=0).dropped


def test_two_at_once_make_each_month_once(tenant: Tenant) -> None:
    add(tenant, at(1980, 3), at(1980, 4))
    answers: list[Kept] = []
    begin = threading.Barrier(2)

    def work() -> None:
        begin.wait(30)
        answers.append(kept(at(1980, 2), ahead=6))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(answers) == 2
    made = [month for answer in answers for month in answer.made]
    assert sorted(made) == [Month(1980, n) for n in range(1, 9)]
    assert sum(answer.moved for answer in answers) == 2
    assert seen(tenant, at(1980, 1), at(1981, 1)) == 2


def test_events_that_come_meanwhile_are_kept(tenant: Tenant) -> None:
    moments = [at(1985, 1 + n % 6, 1 + n % 28) for n in range(120)]
    begin = threading.Barrier(2)

    def write() -> None:
        begin.wait(30)
        for moment in moments:
            add(tenant, moment)

    writer = threading.Thread(target=write)
    writer.start()
    begin.wait(30)
    done = kept(at(1985, 2), ahead=5)
    writer.join(120)
    assert len(done.made) == 7
    assert seen(tenant, at(1985, 1, 1), at(1986, 1, 1)) == 120
    assert rows_of("event_other", at(1985, 1, 1), at(1985, 8, 1)) == 0


def test_who_holds_events_for_long_is_waited_for_and_then_left(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_partitions, "PATIENCE", "50ms")
    monkeypatch.setattr(event_partitions, "TRIES", 2)
    with psycopg.connect(os.environ["DATABASE_URL"]) as raw:
        raw.execute(f"SET LOCAL app.tenant_id = '{tenant.pk}'")
        raw.execute("INSERT INTO event (tenant_id, at, kind) VALUES (%s, %s, 'page')", [tenant.pk, at(1955, 1)])
        with pytest.raises(OperationalError):
            kept(at(1955, 1), ahead=0)
    assert Month(1955, 1) not in months()
    assert Month(1955, 1) in kept(at(1955, 1), ahead=0).made
    assert seen(tenant, at(1955, 1, 1), at(1955, 2, 1)) == 1


def test_killed_in_the_middle_leaves_no_half_of_a_month(tenant: Tenant) -> None:
    owner = os.environ["OWNER_DATABASE_URL"]
    ahead = 100
    first = next(month for n in range(ahead) if (month := Month.of(datetime.now(UTC)).plus(n)) not in months())
    add(tenant, first.begins, first.begins)
    command = [sys.executable, "manage.py", "keep_partitions", "--ahead", str(ahead)]
    with psycopg.connect(owner) as raw:
        raw.execute(
            "SELECT count(*) FROM event_other"
        )  # held until the end: events are closed already, nothing is made yet
        with subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"DATABASE_URL": owner}, stdout=subprocess.PIPE
        ) as program:
            waits = "SELECT 1 FROM pg_locks l WHERE l.relation = 'event_other'::regclass AND NOT l.granted"
            assert wait_until(lambda: bool(ask(owner, waits)), seconds=60)
            program.send_signal(signal.SIGKILL)
    assert first not in months()
    assert rows_of("event_other", first.begins, first.plus(1).begins) == 2
    assert seen(tenant, first.begins, first.plus(1).begins) == 2


def test_the_command_says_what_it_has_done(tenant: Tenant) -> None:
    command = [sys.executable, "manage.py", "keep_partitions", "--ahead", "5"]
    env = os.environ | {"DATABASE_URL": os.environ["OWNER_DATABASE_URL"]}
    said = json.loads(subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=True).stdout)
    assert said["months_ahead"] >= 5
    assert said.keys() == {"made", "moved", "dropped", "months_ahead"}


def test_a_gap_ends_what_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_partitions, "months", lambda: [Month(2040, n) for n in (1, 2, 3, 5)])
    assert months_ahead(at(2040, 1)) == 2
    assert months_ahead(at(2040, 4)) == 1
    assert months_ahead(at(2040, 5)) == 0
