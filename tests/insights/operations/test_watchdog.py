"""A worker that stopped turning is ended; one that waits for its broker is not."""

import subprocess
import sys
import time

import psutil
import pytest
import redis

from insights.operations import watchdog
from insights.operations.watchdog import STALLED_AFTER, Watchdog
from tests.servers import program


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_only_a_loop_that_stands_still_too_long_is_ended(clock: list[float]) -> None:
    ended: list[float] = []
    watch = Watchdog(lambda: ended.append(clock[0]))
    clock[0] += STALLED_AFTER
    watch.look()
    watch.beat()
    clock[0] += STALLED_AFTER
    watch.look()
    assert ended == []
    clock[0] += 1
    watch.look()
    assert ended == [clock[0]]


def test_while_the_broker_is_away_a_loop_may_wait(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def ping(self) -> None:
            raise redis.ConnectionError("away")

    ended: list[float] = []
    watch = Watchdog(lambda: ended.append(clock[0]))
    with monkeypatch.context() as patch:
        patch.setattr(watchdog, "broker", Away)
        clock[0] += 10 * STALLED_AFTER
        watch.look()
    clock[0] += STALLED_AFTER
    watch.look()  # it counts from the last look without a broker
    assert ended == []


STANDS_STILL = """
import subprocess, time
from insights.operations import watchdog
watchdog.EVERY_SECONDS, watchdog.STALLED_AFTER = 0.1, 0.5
child = subprocess.Popen(["sleep", "60"])
print(child.pid, flush=True)
watchdog.Watchdog().start()
time.sleep(60)
"""


def test_a_process_that_stands_still_ends_with_its_children() -> None:
    command = [sys.executable, "-W", "ignore", "-c", STANDS_STILL]
    with program(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        child = int(process.stdout.readline())
        assert process.wait(60) == 1
        assert "Thread 0x" in process.stderr.read().decode()
    until = time.monotonic() + 20
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_child_that_has_just_ended_saves_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with program([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        found = psutil.Process(child.pid)
        monkeypatch.setattr(psutil.Process, "children", lambda *_arguments, **_options: [found])
        child.kill()
        child.wait(20)
        ended: list[int] = []
        monkeypatch.setattr("os._exit", ended.append)
        watchdog.end_worker()
    assert ended == [1]
