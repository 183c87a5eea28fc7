"""Every part that a hit goes through is killed with SIGKILL, over and over, while browsers send hits.

Each part is killed twice in the usual suite, twenty times by `make faults`.
"""

import os
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.browsers import Browsers
from tests.faults.stack import Stack
from tracking.pixel import inbox
from tracking.pixel.repeats import REPEATED

pytestmark = [pytest.mark.faults, pytest.mark.long]
PARTS = ("a web worker", "the drain", "Valkey", "PostgreSQL")
# How often each part is killed.
KILLS = max(2, int(os.environ.get("CDP_FAULTS", "4")) * 2 // 5)
BROWSERS = 40


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("hits") / "home")
    yield running
    assert running.stop() == 0


def stored(stack: Stack, tenant_id: int, *, most: int, seconds: float) -> Counter[str]:
    """How often each hit is stored, once the inbox is empty and so many are there, or the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        stack.wait_for_database(tenant_id)
        with stack.database(tenant_id) as connection:
            row = connection.execute("SELECT count(*) FROM event WHERE tenant_id = %s", [tenant_id]).fetchone()
        if row and row[0] >= most and stack.has("Valkey") and not stack.broker().xlen(inbox.STREAM):
            break
        time.sleep(0.25)
    with stack.database(tenant_id) as connection:
        rows = connection.execute(
            "SELECT properties ->> 'hit', count(*) FROM event WHERE tenant_id = %s GROUP BY 1", [tenant_id]
        ).fetchall()
    return Counter(dict(rows))


def counted(stack: Stack, tenant_id: int, *, seconds: float) -> bool:
    """Whether all stored hits are counted before the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with stack.database(tenant_id) as connection:
            row = connection.execute("SELECT count(*) FROM tally_queue WHERE tenant_id = %s", [tenant_id]).fetchone()
        if row == (0,):
            return True
        time.sleep(0.25)
    return False


def test_every_acknowledged_hit_is_stored_once(stack: Stack) -> None:
    tenant_id = stack.workspace("pixel")
    key = f"{tenant_id:x}-{uuid.uuid4().hex[:16]}"
    with stack.database(tenant_id) as connection:
        site = connection.execute(
            "INSERT INTO site (name, key, created_at, dropped) VALUES ('shop', %s, now(), '{}') RETURNING id", [key]
        ).fetchone()
    assert site is not None
    rng, kills = random.Random(os.environ.get("CDP_FAULTS_SEED", "1")), Counter[str]()
    with Browsers(stack.info["url"], key=key, count=BROWSERS) as browsers:
        for _ in range(KILLS):
            for part in rng.sample(PARTS, len(PARTS)):
                time.sleep(rng.uniform(0.2, 1.2))
                stack.kill(part, rng)
                kills[part] += 1
    events = stored(stack, tenant_id, most=len(browsers.acknowledged), seconds=30 + 3 * KILLS)
    lost = browsers.acknowledged - events.keys()
    doubled = [hit for hit, times in events.items() if times > 1]
    print(
        f"{len(browsers.made)} hits in {browsers.seconds:.0f} s, {len(browsers.acknowledged)} acknowledged, "
        f"{events.total()} stored; {browsers.bodies} bodies, {browsers.failed} failed, {browsers.unheard} unheard; "
        f"kills {dict(kills)}; lost {len(lost)}, doubled {len(doubled)}"
    )
    assert (lost, doubled, browsers.refused) == (set(), [], [])
    assert browsers.acknowledged == set(browsers.made) == events.keys()
    assert kills == dict.fromkeys(PARTS, KILLS)
    # Nothing of what is added up was added twice, either, and repeated hits are the only ones dropped.
    assert counted(stack, tenant_id, seconds=90)
    with stack.database(tenant_id) as connection:
        views = connection.execute(
            "SELECT sum(views), count(*) FROM visitor WHERE tenant_id = %s", [tenant_id]
        ).fetchone()
        tallied = connection.execute(
            "SELECT (SELECT sum(views) FROM visit_tally WHERE tenant_id = %(tenant)s), "
            "(SELECT sum(visitors) FROM step_tally WHERE tenant_id = %(tenant)s AND step = 0 AND before IS NULL)",
            {"tenant": tenant_id},
        ).fetchone()
    assert views == tallied == (len(browsers.made), BROWSERS)
    broker: Any = stack.broker()
    assert broker.hkeys(inbox.drops_key(tenant_id, site[0])) == [REPEATED.encode()]
    assert (broker.xlen(inbox.STREAM), broker.get(inbox.WAITING)) == (0, None)
