"""The inbox of hits: a Redis stream. What has been answered with 204 is in it; what is stored is taken out of it.

An entry of the stream holds one hit of a workspace or several (`tracking.pixel.inbox_writer`). The place of a hit is that of
its entry and its number in it, so that a consumer may stop in the middle of an entry.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings

from core import exact_json
from core.broker import broker
from core.sentinels import Command, add_transaction, check_transaction, replicas_needed
from tracking.pixel.hits import Hit

# Never trimmed by length: that would drop unread hits in silence. The page of a site shows how many wait.
STREAM = "cdp:inbox"
DROPS, SIGNS = "cdp:drops", "cdp:signs"
# Names of signs beside the reasons of drops.
KEPT, CHECK = "kept", "check:"
# How many hits are in the stream: its own length counts entries.
WAITING = "cdp:inbox:hits"
# So that a consumer which reads some entries has neither too many hits in memory nor a round trip for each.
MOST_IN_ENTRY, READ_AT_ONCE = 200, 25
# Takes entries out and counts their hits off, each once, however many consumers take them out at the same time.
TAKE_OUT = """
local gone = 0
for i = 1, #ARGV do
  local entry = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
  if entry then
    redis.call('XDEL', KEYS[1], ARGV[i])
    local fields = entry[2]
    for f = 1, #fields, 2 do
      if fields[f] == 'n' then gone = gone + tonumber(fields[f + 1]) end
    end
  end
end
if redis.call('XLEN', KEYS[1]) == 0 then redis.call('DEL', KEYS[2])
elseif gone > 0 then redis.call('DECRBY', KEYS[2], gone) end
return gone"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A hit with its place in the stream, its site, and the time of its arrival (seconds since 1970, server's clock)."""

    id: str
    tenant_id: int
    site_id: int
    at: float
    hit: Hit


@dataclass(frozen=True, slots=True)
class Sign:
    """When something was seen of a site last (seconds since 1970), and on which host."""

    at: float
    host: str


def push(hit: Hit, *, tenant_id: int, site_id: int) -> None:
    """Keep a hit. Raises redis.RedisError when it could not be kept: then it must not be acknowledged."""
    keep([hit], tenant_id=tenant_id, site_id=site_id)


def keep(hits: Sequence[Hit], drops: Sequence[str] = (), *, tenant_id: int, site_id: int, host: str = "") -> None:
    """Keep the hits of a request, at most MOST_IN_ENTRY, and count those that are dropped, all or nothing; `host` is where
    they came from. Raises redis.RedisError: then nothing may be acknowledged."""
    now = time.time()
    commands: list[Command] = []
    if hits:
        commands += to_add([encode(hit, tenant_id=tenant_id, site_id=site_id, at=now) for hit in hits])
    for reason, count in Counter(drops).items():
        commands += to_count(reason, count, tenant_id=tenant_id, site_id=site_id)
    signs = {reason: sign(now, host) for reason in (*drops, *([KEPT] if hits else []))}
    commands.append(to_note(signs, tenant_id=tenant_id, site_id=site_id))
    replicas = replicas_needed(settings.REDIS_URL)
    with broker().pipeline(transaction=False) as pipe:
        add_transaction(pipe, commands, replicas=replicas)
        check_transaction(pipe.execute(), replicas=replicas)


def encode(hit: Hit, *, tenant_id: int, site_id: int, at: float) -> bytes:
    """A hit as it lies in an entry, at the time when it was made; `at` is now."""
    return orjson.dumps([tenant_id, site_id, at - hit.age, hit], default=exact_json.piece)


def to_add(hits: Sequence[bytes]) -> list[Command]:
    """The commands that put encoded hits of a workspace into one entry, at most MOST_IN_ENTRY."""
    entry = ("XADD", STREAM, "*", "h", b"[" + b",".join(hits) + b"]", "n", len(hits))
    return [entry, ("INCRBY", WAITING, len(hits))]


def to_count(reason: str, count: int, *, tenant_id: int, site_id: int) -> list[Command]:
    """The commands that count refused hits of a site, and of all."""
    return [("HINCRBY", key, reason, count) for key in (drops_key(tenant_id, site_id), DROPS)]


def to_note(signs: Mapping[str, str], *, tenant_id: int, site_id: int) -> Command:
    """The command that notes when something was seen of a site last."""
    return ("HSET", signs_key(tenant_id, site_id), *(part for pair in signs.items() for part in pair))


def count_drop(reason: str, *, tenant_id: int, site_id: int, count: int = 1) -> None:
    """Count a refused hit, or what was left out of one, for the site's page."""
    broker().hincrby(drops_key(tenant_id, site_id), reason, count)
    broker().hincrby(DROPS, reason, count)


def drops_key(tenant_id: int, site_id: int) -> str:
    """Where the refused hits of a site are counted."""
    return f"{DROPS}:{tenant_id}:{site_id}"


def forget_workspace(tenant_id: int) -> None:
    """Remove what is noted and counted of the sites of a workspace that is erased. Raises redis.RedisError."""
    for kind in (DROPS, SIGNS):
        for key in broker().scan_iter(match=f"{kind}:{tenant_id}:*", count=1_000):
            broker().delete(key)


def all_drops() -> dict[str, int]:
    """Refused hits of all sites together, by reason."""
    counts: Any = broker().hgetall(DROPS)
    return {reason.decode(): int(n) for reason, n in counts.items()}


def lag(now: float) -> float:
    """For how many seconds the oldest hit has waited; 0 when none waits. By the clock of the server that took it."""
    first: Any = broker().xrange(STREAM, count=1)
    return max(now - int(first[0][0].split(b"-")[0]) / 1000, 0.0) if first else 0.0


def signs_key(tenant_id: int, site_id: int) -> str:
    """Where it is noted when and from where the latest hit of each kind came."""
    return f"{SIGNS}:{tenant_id}:{site_id}"


def sign(at: float, host: str) -> str:
    """A note on the latest hit."""
    return f"{at:.0f} {host}"


def note(what: str, *, tenant_id: int, site_id: int, host: str) -> None:
    """Note a sign of a site that is no hit: what its script says of itself. Raises redis.RedisError."""
    broker().hset(signs_key(tenant_id, site_id), what, sign(time.time(), host))


def signs(*, tenant_id: int, site_id: int) -> dict[str, Sign]:
    """The latest sign of each kind: `KEPT`, reasons of drops, and `CHECK` with a state of the script."""
    notes: Any = broker().hgetall(signs_key(tenant_id, site_id))
    found = {}
    for what, text in notes.items():
        at, _blank, host = text.decode().partition(" ")
        found[what.decode()] = Sign(float(at), host)
    return found


def drops(*, tenant_id: int, site_id: int) -> dict[str, int]:
    """Refused hits of a site by reason."""
    counts: Any = broker().hgetall(drops_key(tenant_id, site_id))
    return {reason.decode(): int(n) for reason, n in counts.items()}


def read(count: int) -> list[Entry]:
    """The oldest hits, without taking them out: at least `count` if there are so many, and only whole entries."""
    entries: list[Entry] = []
    start = "-"
    while len(entries) < count:
        rows: Any = broker().xrange(STREAM, min=start, count=READ_AT_ONCE)
        for entry_id, fields in rows:
            entries += _hits(entry_id.decode(), fields[b"h"])
        if len(rows) < READ_AT_ONCE:
            break
        start = f"({rows[-1][0].decode()}"
    return entries


def remove(ids: Iterable[str]) -> None:
    """Take entries out. `ids` are places of hits; an entry goes when the place of one of its hits is among them, so it must
    name only entries whose hits are all stored."""
    entries = list(dict.fromkeys(stream_id(place) for place in ids))
    if entries:
        broker().eval(TAKE_OUT, 2, STREAM, WAITING, *entries)


def waiting() -> int:
    """How many hits are not stored yet."""
    return int(broker().get(WAITING) or 0)


def order(place: str) -> tuple[int, int, int]:
    """The place of a hit as numbers that compare: "1700000000000-3-17" → (1700000000000, 3, 17). A place without the last
    number, from before entries held several hits, is behind all of its entry."""
    first, second, *inner = place.split("-")
    return int(first), int(second), int(inner[0]) if inner else MOST_IN_ENTRY


def stream_id(place: str) -> str:
    """The ID of the entry that a hit is in."""
    return "-".join(place.split("-")[:2])


def _hits(entry_id: str, body: bytes) -> list[Entry]:
    hits = orjson.loads(body)
    if hits and not isinstance(hits[0], list):
        hits = [hits]  # from before entries held several hits
    if any(exact_json.has_float(hit["properties"]) for _tenant, _site, _at, hit in hits):
        exact = exact_json.loads(body)
        hits = exact if isinstance(exact[0], list) else [exact]
    return [
        Entry(f"{entry_id}-{number}", tenant_id, site_id, float(at), Hit(**hit))
        for number, (tenant_id, site_id, at, hit) in enumerate(hits)
    ]
