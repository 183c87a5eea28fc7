"""Workers and the database are killed with SIGKILL while a lookalike learns and scores. In the end its contacts are those of
one that nothing has disturbed.

Three kills in the usual suite, fifty by `make faults`.
"""

import contextlib
import os
import random
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.faults.stack import Stack

pytestmark = [pytest.mark.faults, pytest.mark.long]
KILLS = max(3, int(os.environ.get("CDP_FAULTS", "3")))
CONTACTS = 60_000
MAKE = """
INSERT INTO contact (tenant_id, first_name, attributes, origin, created_at, changed_at)
SELECT %s, 'P' || n, jsonb_build_object('city', (ARRAY['Riga', 'Oslo', 'Bonn', 'Turku'])[1 + n %% 4], 'company',
  'Firm ' || n %% 9), 'manual', now() - interval '90 days', now() FROM generate_series(1, %s) n"""
SEGMENT = "INSERT INTO segment (tenant_id, name, state, created_at) VALUES (%s, 'Club', 'ready', now()) RETURNING id"
# Of Riga one in nine is a member, of the others one in a hundred.
JOIN = """
INSERT INTO segment_member (tenant_id, segment_id, contact_id, added_at)
SELECT c.tenant_id, %(segment)s, c.id, now() - interval '1 day' FROM contact c WHERE c.tenant_id = %(tenant)s
  AND abs(hashint8(c.id)::bigint) %% 900 < CASE WHEN c.attributes ->> 'city' = 'Riga' THEN 100 ELSE 9 END"""
LOOKALIKE = """
INSERT INTO lookalike (tenant_id, name, seed_kind, seed_id, seed_moment, size, random_seed, state, attempts, cursor, judged,
                       entered, departed, created_at)
VALUES (%s, %s, 'segment', %s, 'entered', 10, 1, 'counting', 0, 0, 0, 0, 0, now()) RETURNING id"""
WAKE = "INSERT INTO wake (tenant_id, kind, since) VALUES (%s, 'lookalikes', now()) ON CONFLICT DO NOTHING"
STATE = "SELECT state, reason, cursor FROM lookalike WHERE tenant_id = %s AND id = %s"
MEMBERS = "SELECT contact_id, place FROM lookalike_member WHERE tenant_id = %s AND lookalike_id = %s"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("lookalikes") / "home")
    yield running
    assert running.stop() == 0


def begun(stack: Stack, tenant_id: int, name: str, segment: int) -> int:
    with stack.database(tenant_id) as connection:
        row = connection.execute(LOOKALIKE, [tenant_id, name, segment]).fetchone()
        connection.execute(WAKE, [tenant_id])
    assert row is not None
    return int(row[0])


def state(stack: Stack, tenant_id: int, lookalike: int) -> Any:
    """(state, reason, cursor); None while the database is away."""
    with contextlib.suppress(psycopg.OperationalError), stack.database(tenant_id) as connection:
        return connection.execute(STATE, [tenant_id, lookalike]).fetchone()
    return None


def wait_for(stack: Stack, tenant_id: int, lookalike: int, *states: str) -> Any:
    until = time.monotonic() + 150
    found: Any = None
    while time.monotonic() < until:
        found = state(stack, tenant_id, lookalike) or found
        if found is not None and found[0] in states:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{found} is not one of {states}")


def test_the_contacts_are_the_same_whatever_is_killed(stack: Stack) -> None:
    tenant_id, rng = stack.workspace("lookalikes"), random.Random(os.environ.get("CDP_FAULTS_SEED", "1"))
    with stack.database(tenant_id) as connection:
        connection.execute(MAKE, [tenant_id, CONTACTS])
        row = connection.execute(SEGMENT, [tenant_id]).fetchone()
        assert row is not None
        segment = int(row[0])
        connection.execute(JOIN, {"segment": segment, "tenant": tenant_id})
    calm = begun(stack, tenant_id, "Calm", segment)
    assert wait_for(stack, tenant_id, calm, "ready", "refused", "failed")[:2] == ("ready", "")
    wild = begun(stack, tenant_id, "Wild", segment)
    killers = (stack.kill_worker_tree, stack.kill_postgres, stack.kill_worker_child)
    for kill in range(KILLS):
        # The first kill meets the learning, the others the scoring, if it is not over yet.
        wait_for(stack, tenant_id, wild, *(("training", "scoring") if kill == 0 else ("scoring",)), "ready", "failed")
        time.sleep(rng.uniform(0.0, 0.6))
        killers[kill % len(killers)](rng)
        stack.wait_for_database(tenant_id)
        stack.worker()
    assert wait_for(stack, tenant_id, wild, "ready", "refused", "failed")[:2] == ("ready", "")
    with stack.database(tenant_id) as connection:
        first, second = (connection.execute(MEMBERS, [tenant_id, one]).fetchall() for one in (calm, wild))
        assert connection.execute(MEMBERS, [tenant_id, -wild]).fetchall() == []
    assert len(first) > CONTACTS * 0.19
    assert sorted(first) == sorted(second)
