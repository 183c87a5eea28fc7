"""Signs of life: each program says every two seconds that it lives, and workers what they do. Pages and alerts read them.

They are in Valkey, which every program talks to anyway, and by its clock: one whose own clock is wrong neither seems dead
nor takes the others for dead, and says by how much it is wrong. A program that ends in order says goodbye; one whose signs
stop without that has died, however long ago that was, and whoever looks next can tell (insights.operations.incidents).
"""

import contextlib
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import redis

from core.broker import broker

log = logging.getLogger(__name__)
# Members are "role|host|process", scores the time of the last sign.
ALIVE = "cdp:alive"
# "role|host|process" → what it does now, as JSON; and by how many seconds its clock is ahead.
DOING = "cdp:doing"
CLOCKS = "cdp:clocks"
# What happened, oldest first, until somebody has written it down.
NEWS, MOST_NEWS = "cdp:news", 1_000
EVERY_SECONDS = 2.0
# After so long without a sign a program counts as gone. Ops hears of it within 15 seconds: this, and the next look.
GONE_AFTER = 9.0
# So far may two looks at the clock differ from what has passed; more is a clock that was set.
CLOCK_TOLERANCE = 5.0


@dataclass(frozen=True)
class Program:
    """A process that has shown signs of life: its role (worker, beat, drain, files), when it was heard last, and by how many
    seconds its clock is ahead of Valkey's."""

    role: str
    host: str
    pid: int
    seen_at: float
    doing: dict[str, Any] = field(default_factory=dict)
    ahead: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.role} {self.pid} on {self.host}"

    @property
    def key(self) -> str:
        return member(self.role, self.pid, host=self.host)

    def is_gone(self, now: float) -> bool:
        return now - self.seen_at > GONE_AFTER


def member(role: str, pid: int | None = None, *, host: str = "") -> str:
    """How a process is named in Valkey."""
    return f"{role}|{host or socket.gethostname()}|{pid or os.getpid()}"


def clock() -> float:
    """The time by which signs of life are given: Valkey's, in seconds since 1970. Raises redis.RedisError."""
    told: Any = broker().time()
    seconds, micros = told
    return float(seconds) + float(micros) / 1_000_000


def show(*names: str, now: float | None = None) -> None:
    """Say that these processes live. Raises redis.RedisError."""
    at = now or clock()
    ahead = time.time() - at if now is None else 0.0
    with broker().pipeline(transaction=False) as pipe:
        pipe.zadd(ALIVE, dict.fromkeys(names, at))
        pipe.hset(CLOCKS, mapping=dict.fromkeys(names, f"{ahead:.3f}"))
        pipe.execute()


def say_goodbye(*names: str) -> None:
    """These processes end in order. A broker that is away does not hold up their end."""
    with contextlib.suppress(redis.RedisError):
        broker().zrem(ALIVE, *names)
        broker().hdel(DOING, *names)
        broker().hdel(CLOCKS, *names)


def note_work(what: dict[str, Any] | None) -> None:
    """Say what this worker process does now: task and ids, never values; None: it waits."""
    name = member("worker")
    with contextlib.suppress(redis.RedisError):
        broker().hset(DOING, name, json.dumps(what or {}))


def programs() -> list[Program]:
    """Every process that lives, or has died without anybody having noted it. Raises redis.RedisError."""
    with broker().pipeline(transaction=False) as pipe:
        pipe.zrange(ALIVE, 0, -1, withscores=True)
        pipe.hgetall(DOING)
        pipe.hgetall(CLOCKS)
        signs, doing, clocks = pipe.execute()
    found = []
    for raw, seen_at in signs:
        role, host, pid = raw.decode().split("|")
        work = json.loads(doing.get(raw, b"{}"))
        found.append(Program(role, host, int(pid), float(seen_at), work, float(clocks.get(raw, 0.0))))
    return sorted(found, key=lambda p: (p.role, p.host, p.pid))


def forget(program: Program) -> bool:
    """Take a dead process off the list; False when somebody else has. Raises redis.RedisError."""
    broker().hdel(DOING, program.key)
    broker().hdel(CLOCKS, program.key)
    return bool(broker().zrem(ALIVE, program.key))


def tell(what: str, **facts: Any) -> None:
    """Leave a note for whoever writes incidents down; lost when the broker is away."""
    note = json.dumps({"what": what, "at": time.time(), **facts})
    with contextlib.suppress(redis.RedisError):
        broker().rpush(NEWS, note)
        broker().ltrim(NEWS, -MOST_NEWS, -1)


def take_news() -> list[dict[str, Any]]:
    """What was told, oldest first; nobody gets it twice. Raises redis.RedisError."""
    notes: Any = broker().lpop(NEWS, MOST_NEWS)
    return [json.loads(note) for note in notes or []]


class Clock:
    """Notices that the clock was set: by how much it moved beside what has passed."""

    def __init__(self) -> None:
        self._wall, self._steady = time.time(), time.monotonic()

    def jump(self) -> float:
        """Seconds by which the clock was set since the last look; 0 when it was not."""
        wall, steady = time.time(), time.monotonic()
        moved = (wall - self._wall) - (steady - self._steady)
        self._wall, self._steady = wall, steady
        return moved if abs(moved) > CLOCK_TOLERANCE else 0.0


class Pulse:
    """A thread that shows signs of life for this process until it ends; `also` runs with each beat, whatever it raises."""

    def __init__(self, role: str, *, also: Callable[[], None] | None = None) -> None:
        self.name, self._also = member(role), also
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pulse of {role}", daemon=True)
        self._clock = Clock()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """The process ends in order."""
        self._stop.set()
        self._thread.join(EVERY_SECONDS)
        say_goodbye(self.name)

    def _run(self) -> None:
        while True:
            self._beat()
            if self._stop.wait(EVERY_SECONDS):
                return

    def _beat(self) -> None:
        try:
            if jump := self._clock.jump():
                tell("clock", name=self.name, seconds=round(jump))
            show(self.name)
        except redis.RedisError as problem:
            log.warning("sign of life not written: %s", problem)
        if self._also is not None:
            try:
                self._also()
            except Exception:
                log.exception("the look beside the sign of life failed")
