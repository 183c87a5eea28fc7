"""Each part of a running stack dies and stays dead for a while: the deep check says so in words within 15 seconds, and says
that all is well again when the part is back. The supervisor is held meanwhile, or it would be too quick to be seen."""

import json
import random
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.faults.stack import Stack

pytestmark = pytest.mark.faults
SAID_WITHIN = 15.0
HEALED_WITHIN = 90.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("operations") / "home")
    yield running
    running.process.send_signal(signal.SIGCONT)  # should a test have failed while the supervisor was held
    assert running.stop() == 0


def deep(stack: Stack) -> dict[str, str]:
    """What is wrong, by code; {"silent": …} while nobody answers."""
    try:
        with urllib.request.urlopen(f"{stack.info['url']}/health/deep", timeout=20) as answer:
            body: dict[str, Any] = json.loads(answer.read())
    except urllib.error.HTTPError as problem:
        with problem:
            body = json.loads(problem.read())
    except OSError as problem:
        return {"silent": str(problem)}
    return {problem["code"]: problem["sentence"] for problem in body["problems"]}


def until(what: Callable[[], Any], *, seconds: float, told: Callable[[], Any]) -> float:
    """Wait for something; returns for how long."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds, told()
        time.sleep(0.2)
    return time.monotonic() - began


def beat(stack: Stack) -> None:
    for process in stack._find(lambda c: "celery" in c and "beat" in c):
        process.kill()


PARTS: dict[str, tuple[str, str]] = {
    "worker": ("no_worker", "No worker is running."),
    "beat": ("no_beat", "The scheduler is not running."),
    "drain": ("no_drain", "The pixel consumer is not running."),
    "files": ("no_files", "The file servers are not running."),
    # Nothing is left that could say it: that is said by whoever asks, and afterwards by an incident.
    "web": ("silent", ""),
    "broker": ("broker_down", "Valkey does not answer."),
    "database": ("database_down", "The database does not answer."),
}


def kill(stack: Stack, part: str) -> None:
    rng = random.Random(1)
    killers: dict[str, Callable[[], None]] = {
        "worker": lambda: stack.kill_worker_tree(rng), "beat": lambda: beat(stack),
        "drain": lambda: stack.kill_consumer(rng), "files": lambda: stack.kill_files(rng),
        "web": lambda: stack.kill_web(rng), "broker": lambda: stack.kill_valkey(rng),
        "database": lambda: stack.kill_postgres(rng),
    }  # fmt: skip
    killers[part]()


@pytest.mark.parametrize("part", list(PARTS))
def test_what_died_is_said_in_words_and_heals(stack: Stack, part: str) -> None:
    code, sentence = PARTS[part]
    until(lambda: deep(stack) == {}, seconds=HEALED_WITHIN, told=lambda: deep(stack))
    stack.process.send_signal(signal.SIGSTOP)
    try:
        kill(stack, part)
        took = until(lambda: code in deep(stack), seconds=SAID_WITHIN, told=lambda: f"not said: {deep(stack)}")
        assert deep(stack)[code].startswith(sentence)
    finally:
        stack.process.send_signal(signal.SIGCONT)
    healed = until(lambda: deep(stack) == {}, seconds=HEALED_WITHIN, told=lambda: deep(stack))
    print(f"{part}: said after {took:.1f} s, well again {healed:.1f} s after it could be")


def test_each_death_is_an_incident_that_is_over(stack: Stack) -> None:
    """After the tests above; the supervisor's notes are read by the next look."""

    def over() -> bool:
        with psycopg.connect(stack.info["database_url"]) as connection:
            rows = connection.execute("SELECT component FROM incident WHERE healed_at IS NOT NULL").fetchall()
        return {row[0] for row in rows} >= set(PARTS)

    until(over, seconds=60, told=lambda: "not all deaths are noted")
