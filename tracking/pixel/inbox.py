"""The inbox of hits: a Redis stream. What has been answered with 204 is in it; what is stored is taken out of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from core import exact_json
from core.broker import broker
from tracking.pixel.hits import Hit

# Never trimmed by length: that would drop unread hits in silence. The operations page shows how many wait.
STREAM = "cdp:inbox"
DROPS = "cdp:drops"


@dataclass(frozen=True, slots=True)
class Entry:
    """A hit with its place in the stream, its site, and the time of its arrival (seconds since 1970, server's clock)."""

    id: str
    tenant_id: int
    site_id: int
    at: float
    hit: Hit


def push(hit: Hit, *, tenant_id: int, site_id: int) -> None:
    """Keep a hit. Raises redis.RedisError when it could not be kept: then it must not be acknowledged."""
    body = orjson.dumps([tenant_id, site_id, time.time(), hit], default=exact_json.piece)
    broker().xadd(STREAM, {b"h": body})


def count_drop(reason: str, *, tenant_id: int, site_id: int, count: int = 1) -> None:
    """Count a refused hit, or what was left out of one, for the site's page."""
    broker().hincrby(f"{DROPS}:{tenant_id}:{site_id}", reason, count)


def drops(*, tenant_id: int, site_id: int) -> dict[str, int]:
    """Refused hits of a site by reason."""
    found: Any = broker().hgetall(f"{DROPS}:{tenant_id}:{site_id}")
    return {reason.decode(): int(n) for reason, n in found.items()}


def read(count: int) -> list[Entry]:
    """The oldest entries, without taking them out."""
    found: Any = broker().xrange(STREAM, count=count)
    return [_entry(entry_id.decode(), fields[b"h"]) for entry_id, fields in found]


def remove(ids: Sequence[str]) -> None:
    """Take stored entries out."""
    if ids:
        broker().xdel(STREAM, *ids)


def waiting() -> int:
    """How many hits are not stored yet."""
    return int(broker().xlen(STREAM))


def order(entry_id: str) -> tuple[int, int]:
    """The place of an entry as numbers that compare: "1700000000000-3" → (1700000000000, 3)."""
    first, _dash, second = entry_id.partition("-")
    return int(first), int(second or 0)


def _entry(entry_id: str, body: bytes) -> Entry:
    tenant_id, site_id, at, hit = orjson.loads(body)
    if exact_json.has_float(hit["properties"]):
        hit = exact_json.loads(body)[3]
    return Entry(entry_id, tenant_id, site_id, at, Hit(**hit))
