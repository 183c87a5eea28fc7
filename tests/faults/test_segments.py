"""Workers and the database are killed with SIGKILL while contacts change, rules are edited and segments are refreshed.

Two kills in the usual suite, fifty by `make faults`. In the end each segment has exactly the members that its rule means.
"""

import contextlib
import json
import os
import random
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.faults.stack import Stack

pytestmark = [pytest.mark.faults, pytest.mark.long]
KILLS = max(2, int(os.environ.get("CDP_FAULTS", "2")))
CONTACTS = 2_000
TOWNS = ("Riga", "Oslo", "Bonn")
MAKE = """
INSERT INTO contact (tenant_id, first_name, attributes, origin, created_at, changed_at)
SELECT %s, 'P' || n, jsonb_build_object('city', (%s::text[])[1 + n %% 3]), 'manual', now(), now()
FROM generate_series(1, %s) n"""
# What a page or an import writes for a change: the contact, and its place in the queue.
CHANGE = """
WITH moved AS (
  UPDATE contact SET attributes = jsonb_build_object('city', %(town)s::text), changed_at = now()
  WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s) RETURNING id)
INSERT INTO change_queue (tenant_id, contact_id, cause) SELECT %(tenant)s, m.id, 'contact' FROM moved m
WHERE EXISTS (SELECT 1 FROM watched_cause w WHERE w.tenant_id = %(tenant)s AND w.cause = 'contact')"""
ADD = """
INSERT INTO segment (tenant_id, name, rule, state, causes, created_at)
VALUES (%s, %s, %s, 'building', ARRAY['contact', 'segment'], now()) RETURNING id"""
EDIT = """
UPDATE segment SET rule = %s, state = 'building', refreshed_at = NULL, fence = NULL, attempts = 0
WHERE tenant_id = %s AND id = %s"""
WATCH = """
INSERT INTO watched_cause (tenant_id, cause)
SELECT %s, c FROM unnest(ARRAY['contact', 'segment']) c ON CONFLICT DO NOTHING"""
WAKE = "INSERT INTO wake (tenant_id, kind, since) VALUES (%s, 'segments', now()) ON CONFLICT DO NOTHING"
MEMBERS = "SELECT contact_id FROM segment_member WHERE tenant_id = %s AND segment_id = %s"
LIVING = "SELECT id FROM contact WHERE tenant_id = %s AND attributes ->> 'city' = ANY(%s)"
REST = """
SELECT (SELECT count(*) FROM segment WHERE tenant_id = %(t)s AND (state <> 'ready' OR fence IS NOT NULL)),
       (SELECT count(*) FROM change_queue WHERE tenant_id = %(t)s)"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("segments") / "home")
    yield running
    assert running.stop() == 0


def rule(towns: list[str]) -> str:
    return json.dumps({"v": 1, "all": [{"attribute": "city", "op": "is", "values": towns}]})


def change(stack: Stack, tenant_id: int, rng: random.Random, wanted: dict[int, list[str]]) -> None:
    """A batch of contacts moves; now and then a rule is edited. What was not acknowledged may be done or not."""
    with contextlib.suppress(psycopg.OperationalError), stack.database(tenant_id) as connection:
        rows = connection.execute("SELECT id FROM contact WHERE tenant_id = %s ORDER BY random() LIMIT 40", [tenant_id])
        ids = [row[0] for row in rows]
        connection.execute(CHANGE, {"tenant": tenant_id, "ids": sorted(ids), "town": rng.choice(TOWNS)})
        if rng.random() < 0.1:
            segment, towns = rng.choice(list(wanted)), rng.sample(TOWNS, rng.choice([1, 2]))
            connection.execute(EDIT, [rule(towns), tenant_id, segment])
            wanted[segment] = towns


def at_rest(stack: Stack, tenant_id: int, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    left: Any = None
    while time.monotonic() < until:
        with contextlib.suppress(psycopg.OperationalError), stack.database(tenant_id) as connection:
            left = connection.execute(REST, {"t": tenant_id}).fetchone()
            if left == (0, 0):
                return
        time.sleep(0.25)
    raise AssertionError(f"{left} segments and contacts are still waiting")


def test_members_are_right_whatever_is_killed(stack: Stack) -> None:
    tenant_id, rng = stack.workspace("segments"), random.Random(os.environ.get("CDP_FAULTS_SEED", "1"))
    wanted: dict[int, list[str]] = {}
    with stack.database(tenant_id) as connection:
        connection.execute(MAKE, [tenant_id, list(TOWNS), CONTACTS])
        for i in range(6):
            towns = rng.sample(TOWNS, 1 + i % 2)
            row = connection.execute(ADD, [tenant_id, f"S{i}", rule(towns)]).fetchone()
            assert row is not None
            wanted[row[0]] = towns
        inner = next(iter(wanted))
        row = connection.execute(
            ADD, [tenant_id, "Not S0", json.dumps({"v": 1, "none": [{"segment": inner, "op": "in"}]})]
        ).fetchone()
        assert row is not None
        outer = row[0]
        connection.execute(WATCH, [tenant_id])
        connection.execute(WAKE, [tenant_id])
    killers = (stack.kill_worker_child, stack.kill_worker_tree, stack.kill_postgres)
    for kill in range(KILLS):
        until = time.monotonic() + rng.uniform(1.0, 3.0)
        while time.monotonic() < until:
            change(stack, tenant_id, rng, wanted)
        killers[kill % len(killers)](rng)
        stack.wait_for_database(tenant_id)
        stack.worker()
    at_rest(stack, tenant_id, seconds=90)
    with stack.database(tenant_id) as connection:
        everybody = {row[0] for row in connection.execute("SELECT id FROM contact WHERE tenant_id = %s", [tenant_id])}
        meant = {}
        for segment in wanted:
            # As it is stored: an edit that was not acknowledged may have been written.
            [kept] = connection.execute(
                "SELECT rule -> 'all' -> 0 -> 'values' FROM segment WHERE tenant_id = %s AND id = %s",
                [tenant_id, segment],
            ).fetchall()
            meant[segment] = {row[0] for row in connection.execute(LIVING, [tenant_id, kept[0]])}
        meant[outer] = everybody - meant[inner]
        for segment, ids in meant.items():
            members = {row[0] for row in connection.execute(MEMBERS, [tenant_id, segment])}
            size = connection.execute("SELECT size FROM segment WHERE tenant_id = %s AND id = %s", [tenant_id, segment])
            assert members == ids, f"segment {segment}: {len(members)} members, {len(ids)} meant"
            assert size.fetchall() == [(len(ids),)]
    assert len(everybody) == CONTACTS
