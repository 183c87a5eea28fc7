"""Counters of all processes together, in Valkey: how often something happened since it was first counted, and how long tasks
took. `/metrics` reads them (insights.operations.metrics). Names and labels are words of the code, never data.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import redis

from core.broker import broker

# name → label → number, as fields "name|label".
COUNTS = "cdp:counts"
# Upper ends of the buckets of a duration, in seconds.
BUCKETS = (0.05, 0.25, 1.0, 5.0, 15.0, 60.0)


@dataclass
class Durations:
    """How long something took: how many were at most as long as each of BUCKETS, how many in all, and their sum."""

    buckets: list[int] = field(default_factory=lambda: [0] * len(BUCKETS))
    count: int = 0
    seconds: float = 0.0


def count(name: str, label: str = "", by: int = 1) -> None:
    """Add to a counter. While the broker is away nothing is counted, and nothing waits."""
    with contextlib.suppress(redis.RedisError):
        broker().hincrby(COUNTS, f"{name}|{label}", by)


def observe(name: str, label: str, seconds: float) -> None:
    """Count a duration."""
    with contextlib.suppress(redis.RedisError), broker().pipeline(transaction=False) as pipe:
        for number, limit in enumerate(BUCKETS):
            if seconds <= limit:
                pipe.hincrby(COUNTS, f"{name}|{label}|{number}", 1)
        pipe.hincrby(COUNTS, f"{name}|{label}|count", 1)
        pipe.hincrbyfloat(COUNTS, f"{name}|{label}|seconds", round(seconds, 4))
        pipe.execute()


class Counters:
    """All counters at one moment."""

    def __init__(self, stored: Mapping[bytes, bytes]) -> None:
        self._fields = {key.decode(): value.decode() for key, value in stored.items()}

    @classmethod
    def read(cls) -> "Counters":
        """Raises redis.RedisError."""
        stored: Any = broker().hgetall(COUNTS)
        return cls(stored)

    def of(self, name: str) -> dict[str, int]:
        """A counter by its labels."""
        parts = [(key.split("|"), value) for key, value in self._fields.items()]
        return {key[1]: int(value) for key, value in parts if key[0] == name and len(key) == 2}

    def durations(self, name: str) -> dict[str, Durations]:
        """Durations by their labels."""
        found: dict[str, Durations] = {}
        for key, value in self._fields.items():
            parts = key.split("|")
            if parts[0] != name or len(parts) != 3:
                continue
            one = found.setdefault(parts[1], Durations())
            if parts[2] == "count":
                one.count = int(value)
            elif parts[2] == "seconds":
                one.seconds = float(value)
            else:
                one.buckets[int(parts[2])] = int(value)
        return found
