"""Real processes are killed with SIGKILL while files are imported; the end must be that of a run nobody disturbed.

`CDP_FAULTS=50 make faults` kills fifty times; the usual suite a few.
"""

import json
import os
import random
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.stack import Stack, result

pytestmark = pytest.mark.faults
ROWS = 30_000
KILLS = int(os.environ.get("CDP_FAULTS", "4"))
RESUME_SECONDS = 90
CITIES = ("Riga", "Oslo", "London", "Łódź", "São Paulo")


def people(path: Path, rows: int = ROWS, first: int = 0) -> Path:
    """A file with doubles, bad values and short rows: a pure function of the row number."""
    lines = ["email,phone,external_id,first_name,last_name,city"]
    for i in range(first, first + rows):
        n = i - 7 if i % 50 == 49 else i  # a double of an earlier row
        email = f"person{n}@example.com" if n % 40 else f"person{n}.example.com"
        phone = f"07911 {123456 + n % 800000}" if n % 3 else ""
        lines.append(f"{email},{phone},C-{n},First{n % 700},Last{n % 900},{CITIES[i % 5]}"[: None if i % 97 else 30])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def visitors(stack: Stack, tenant_id: int) -> None:
    """Waiting visitors that the file will meet."""
    with stack.database(tenant_id) as connection:
        for n in range(1, 2_000, 4):
            visitor = connection.execute(
                "INSERT INTO visitor (site_id, device, first_seen, last_seen) VALUES (1, %s, now(), now()) RETURNING id",
                [uuid.UUID(int=n)],
            ).fetchone()
            assert visitor is not None
            connection.execute(
                "INSERT INTO visitor_identifier (tenant_id, kind, value, visitor_id, seen_at) "
                "VALUES (%s, 'email', %s, %s, now() - interval '1 day')",
                [tenant_id, f"person{n}@example.com", visitor[0]],
            )


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("faults") / "home")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return people(tmp_path_factory.mktemp("files") / "people.csv")


@pytest.fixture(scope="module")
def undisturbed(stack: Stack, file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the file becomes when nobody is killed."""
    tenant_id = stack.workspace("undisturbed")
    visitors(stack, tenant_id)
    done = result(stack.bring(file, "undisturbed", "segment=Everybody"))
    assert done["status"] == "imported"
    assert done["rows"] == sum(
        done[k] for k in ("created", "updated", "unchanged", "duplicates", "skipped", "in_error")
    )
    assert done["matched_visitors"] > 100
    return stack.state(tenant_id)


def test_kill_nine_of_everything_loses_and_doubles_nothing(
    stack: Stack, file: Path, undisturbed: dict[str, list[tuple[Any, ...]]]
) -> None:
    rng = random.Random(os.environ.get("CDP_FAULTS_SEED", "1"))
    killers = [stack.kill_worker_child, stack.kill_worker_tree, stack.kill_postgres, stack.kill_valkey]
    survived = kills = 0
    slowest = 0.0
    while kills < KILLS:
        slug = f"killed-{survived}"  # an import may end before anything was killed
        tenant_id = stack.workspace(slug)
        visitors(stack, tenant_id)
        run = stack.bring(file, slug, "segment=Everybody")
        stack.wait_for_import(tenant_id)
        for killer in rng.sample(killers, len(killers)):
            if kills >= KILLS:
                break
            time.sleep(rng.uniform(0.2, 2.0))
            stack.wait_for_database(tenant_id)
            if run.poll() is not None:
                break
            killer(rng)
            kills += 1
        began = time.monotonic()
        done = result(run)
        slowest = max(slowest, time.monotonic() - began)
        assert done["status"] == "imported", done
        assert stack.state(tenant_id) == undisturbed
        survived += 1
    assert slowest < RESUME_SECONDS
    print(f"{kills} kills over {survived} imports survived; rows lost 0, doubled 0; slowest end {slowest:.1f} s")


OUTSIDERS = ("C-100", "C-9000", "C-20000")
REVIEWED = "SELECT id FROM import WHERE tenant_id = %s AND phase = 'review'"
CONFIRM = "UPDATE import SET started = true, phase = 'queued' WHERE tenant_id = %s AND phase = 'review'"
WAKE = """INSERT INTO wake (kind, since, tenant_id) VALUES ('imports', now(), %s)
    ON CONFLICT (tenant_id, kind) DO UPDATE SET since = excluded.since"""
ENDED = "SELECT status, reason, created, updated FROM import WHERE tenant_id = %s AND phase = 'done'"
WRITING = "SELECT EXISTS (SELECT 1 FROM import WHERE tenant_id = %s AND phase = 'apply')"


def with_outsiders(stack: Stack, file: Path, slug: str, *, kills: int) -> tuple[Any, Any]:
    """An import some of whose external IDs are taken after the plan; workers are killed while it writes."""
    tenant_id = stack.workspace(slug)
    planned = stack.manage(
        "import_contacts", str(file), "--workspace", slug, "--json", "--review", "--set", "segment=Everybody"
    )
    assert result(planned)["status"] == "ready_for_review"
    with stack.database(tenant_id) as connection:
        for value in OUTSIDERS:
            connection.execute(
                "INSERT INTO contact (external_id, first_name, origin, created_at, changed_at) "
                "VALUES (%s, 'Outsider', 'manual', now(), now())", [value],
            )  # fmt: skip
        connection.execute(CONFIRM, [tenant_id])
        connection.execute(WAKE, [tenant_id])
        rng, until, ended = random.Random(kills), time.monotonic() + RESUME_SECONDS * 2, None
        while ended is None and time.monotonic() < until:
            ended = connection.execute(ENDED, [tenant_id]).fetchone()
            writing = connection.execute(WRITING, [tenant_id]).fetchone()
            if kills and writing == (True,):
                time.sleep(rng.uniform(0, 0.3))
                stack.kill_worker_tree(rng)
                kills -= 1
            time.sleep(0.01)
    assert kills == 0
    return ended, stack.state(tenant_id)


def test_kills_beside_outsiders_who_take_external_ids(stack: Stack, file: Path) -> None:
    ended, state = with_outsiders(stack, file, "outsiders", kills=0)
    assert ended is not None
    assert ended[:2] == ("failed", "sum_mismatch")
    assert [c[3] for c in state["contacts"] if c[0] in OUTSIDERS] == ["Outsider"] * 3
    assert (ended, state) == with_outsiders(stack, file, "outsiders-killed", kills=min(KILLS, 8))


def test_a_flushed_broker_leaves_nothing_stuck(stack: Stack, file: Path, undisturbed: Any) -> None:
    tenant_id = stack.workspace("flushed")
    visitors(stack, tenant_id)
    run = stack.bring(file, "flushed", "segment=Everybody")
    for _ in range(3):
        time.sleep(0.4)
        stack.broker().flushall()
    assert result(run)["status"] == "imported"
    assert stack.state(tenant_id) == undisturbed


def test_the_same_message_many_times(stack: Stack, file: Path, undisturbed: Any) -> None:
    tenant_id = stack.workspace("repeated")
    visitors(stack, tenant_id)
    run = stack.bring(file, "repeated", "segment=Everybody")
    broker, until = stack.broker(), time.monotonic() + 4
    while time.monotonic() < until and run.poll() is None:
        for message in broker.lrange("cdp:celery", 0, -1):
            broker.lpush("cdp:celery", message)
        time.sleep(0.1)
        broker.ltrim("cdp:celery", 0, 200)
    assert result(run)["status"] == "imported"
    assert stack.state(tenant_id) == undisturbed


def test_two_imports_of_one_file_at_once_make_nobody_twice(stack: Stack, file: Path, undisturbed: Any) -> None:
    tenant_id = stack.workspace("at-once")
    visitors(stack, tenant_id)
    runs = [stack.bring(file, "at-once", "segment=Everybody") for _ in range(2)]
    done = [result(run) for run in runs]
    assert [d["status"] for d in done] == ["imported", "imported"]
    assert sorted(d["created"] > 0 for d in done) == [False, True]
    state = stack.state(tenant_id)
    for name in ("contacts", "members"):
        assert state[name] == undisturbed[name]


def test_cancel_in_the_middle_keeps_whole_units(stack: Stack, file: Path) -> None:
    tenant_id = stack.workspace("canceled")
    run = stack.bring(file, "canceled")
    while stack.units_done(tenant_id) < 4:
        time.sleep(0.02)
    with stack.database(tenant_id) as connection:
        connection.execute('UPDATE "import" SET cancel_requested = true WHERE tenant_id = %s', [tenant_id])
    done = result(run)
    assert done["status"] in ("canceled", "imported")
    with stack.database(tenant_id) as connection:
        contacts = connection.execute("SELECT count(*) FROM contact WHERE tenant_id = %s", [tenant_id]).fetchone()
        left = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'staging' AND tablename LIKE %s",
                                  [f"t{tenant_id}_i%"]).fetchone()  # fmt: skip
    assert contacts == (done["created"],)
    assert left == (0,)


def send_hit(stack: Stack, key: str) -> bool:
    """One page view through the web server; whether it was acknowledged."""
    body = json.dumps({"kind": "page", "device": str(uuid.uuid4()), "url": "https://shop.example.com/"}).encode()
    request = urllib.request.Request(f"{stack.info['url']}/p/{key}", data=body, headers={"User-Agent": "Mozilla/5.0"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return bool(answer.status == 204)
    except OSError:
        return False  # refused while a server was away: never acknowledged


def test_no_acknowledged_hit_is_lost(stack: Stack) -> None:
    """Consumer, broker and database are killed while a site sends hits; what was answered with 204 is in the events."""
    tenant_id = stack.workspace("pixel")
    key = f"{tenant_id:x}-{uuid.uuid4().hex[:16]}"
    with stack.database(tenant_id) as connection:
        connection.execute("INSERT INTO site (name, key, created_at, dropped) VALUES ('shop', %s, now(), '{}')", [key])
    rng, acknowledged = random.Random(3), 0
    killers = {60: stack.kill_consumer, 120: stack.kill_valkey, 180: stack.kill_postgres, 240: stack.kill_consumer}
    for n in range(300):
        if n in killers:
            killers[n](rng)
        acknowledged += send_hit(stack, key)
    assert acknowledged > 100
    until, stored = time.monotonic() + 60, -1
    while stored < acknowledged and time.monotonic() < until:
        time.sleep(0.5)
        stack.wait_for_database(tenant_id)
        with stack.database(tenant_id) as connection:
            row = connection.execute("SELECT count(*) FROM event WHERE tenant_id = %s", [tenant_id]).fetchone()
            stored = int(row[0]) if row else 0
    assert stored == acknowledged
