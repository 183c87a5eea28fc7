"""What is found of the platform and what is said of it: from figures to sentences, and no value in a statement."""

import time
from dataclasses import replace
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from core.signs_of_life import Program
from insights.operations import diagnosis, machinery
from insights.operations.machinery import Machinery, without_values
from insights.operations.sample import Sample

NOW = 1_800_000_000.0
WELL = Machinery(
    at=NOW, database=True, database_bytes=1, connections=5, most_connections=100, clock_difference=0.0,
    event_months=3, broker=True,
    programs=[Program(role, "h", n, NOW - 1) for n, role in enumerate(machinery.ROLES)], queued=0, in_hand=0,
    hits_waiting=0, hits_lag=0.0, sample=Sample(at=NOW - 5), disk_bytes=10**12, disk_free=10**11,
)  # fmt: skip


def without(role: str) -> list[Program]:
    return [p for p in WELL.programs if p.role != role]


def test_all_is_well() -> None:
    assert diagnosis.problems(WELL) == []


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        ({"database": False}, "database_down", "The database does not answer."),
        ({"broker": False}, "broker_down", "Valkey does not answer."),
        ({"programs": without("worker"), "sample": Sample(at=NOW, imports={"parse": 2, "draft": 5, "apply": 1})},
         "no_worker", "No worker is running. 3 imports wait."),
        ({"programs": without("worker"), "sample": Sample(at=NOW, imports={"parse": 1})},
         "no_worker", "No worker is running. 1 import waits."),
        ({"programs": without("beat")}, "no_beat", "The scheduler is not running."),
        ({"programs": without("drain")}, "no_drain", "The pixel consumer is not running."),
        ({"programs": without("files")}, "no_files", "The file servers are not running."),
        ({"programs": [*without("worker"), Program("worker", "h", 9, NOW - 10)]}, "no_worker", "No worker is running."),
        ({"sample": Sample(at=NOW - 40)}, "workers_busy", "Workers have not looked at the platform for 40 s."),
        ({"queued": 1_001}, "queue_long", "1,001 messages wait for workers."),
        ({"hits_lag": 61.0, "hits_waiting": 7}, "hits_late", "Hits of the pixel are stored 1 min 1 s late; 7 wait."),
        ({"sample": Sample(at=NOW, stuck=1)}, "imports_stuck", "1 import has shown no sign of life for a minute."),
        ({"sample": Sample(at=NOW, mails_failed=2)}, "mail_late", "2 e-mails could not be sent."),
        ({"sample": Sample(at=NOW, oldest_mail=700.0)}, "mail_late", "E-mails have waited for 11 min 40 s."),
        ({"clock_difference": -63.0}, "clock_wrong", "The clocks of this machine and of the database differ by 1 min 3 s."),
        ({"programs": [*without("drain"), Program("drain", "h", 9, NOW + 60)]},
         "clock_wrong", "A clock was set back: some signs of life are from the future."),
        ({"event_months": 2}, "partitions_end", "Partitions for events are made for 2 months ahead."),
        ({"connections": 95}, "connections_used_up", "95 of 100 connections to the database are used."),
        ({"disk_free": 1_000}, "disk_full", "The disk for files is full: 1 KB free of 1,000 GB."),
    ],
)  # fmt: skip
def test_each_fault_has_its_sentence(change: dict[str, Any], code: str, sentence: str) -> None:
    problems = diagnosis.problems(replace(WELL, **change))
    assert [(p.code, p.sentence) for p in problems] == [(code, sentence)]
    assert problems[0].advice


def test_the_worst_is_said_first() -> None:
    found = diagnosis.problems(replace(WELL, queued=5_000, database=False))
    assert [p.tone for p in found] == ["bad", "warn"]


def test_the_limit_of_the_disk_is_a_setting() -> None:
    with override_settings(LEAST_FREE_BYTES=10**13):
        assert [p.code for p in diagnosis.problems(WELL)] == ["disk_full"]


def test_this_machine_is_looked_at() -> None:
    found = machinery.look()
    assert found.database
    assert found.broker
    assert found.connections
    assert found.disk_bytes >= found.disk_free > 0
    assert abs(found.at - time.time()) < 60
    assert abs(found.clock_difference or 0) < 5


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT 1 FROM contact WHERE email = 'ann@example.com'", "SELECT ? FROM contact WHERE email = ?"),
        ("UPDATE x SET name = E'O\\'Hara'", None),
        ("SELECT 'it''s', 12.50, t1.a FROM t1", "SELECT ?, ?, t1.a FROM t1"),
        ("SELECT $x$Ann$x$ || 'cut off here", "SELECT ? || ?"),
        ("SELECT * FROM contact WHERE phone = $1", "SELECT * FROM contact WHERE phone = $?"),
    ],
)
def test_statements_are_shown_without_values(statement: str, shown: str | None) -> None:
    assert without_values(statement) == shown if shown else "Hara" not in without_values(statement)


@given(st.text(min_size=1))
def test_no_text_survives(value: str) -> None:
    quoted = "'" + f"Zq7{value}Zq7".replace("'", "''") + "'"
    assert "Zq7" not in without_values(f"SELECT a FROM b WHERE c = {quoted} AND d = 5")
