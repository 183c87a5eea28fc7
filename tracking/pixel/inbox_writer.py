"""Hits into the inbox, many with one write: for a collector that serves thousands of connections from one event loop.

Hits that arrive while a write is under way go with the next one, in one entry of the stream. Under little load a hit waits
for its own write and nothing else; under much load it waits a few milliseconds, and a write carries a hundred. Nobody is
answered before the write that holds the hit has succeeded, so what is acknowledged is kept, as in `tracking.pixel.inbox`.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from core.sentinels import (
    Command,
    add_transaction,
    check_transaction,
    close_asynchronously,
    connect_asynchronously,
    replicas_needed,
)
from tracking.pixel import inbox
from tracking.pixel.hits import Hit

# As `core.broker` has it: a silent broker must not hold a visitor up.
PATIENCE_SECONDS = 2
# Where several hits came during a write, the next one waits so long for more of them: a write costs as much as ten hits.
GATHER_SECONDS = 0.003


@dataclass
class _Waiting:
    """What goes with the next write. Hits by workspace: an entry belongs to one, so that a busy workspace holds up nobody
    else's hits. Drops by workspace, site and reason; signs by workspace and site."""

    hits: dict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    drops: Counter[tuple[int, int, str]] = field(default_factory=Counter)
    signs: dict[tuple[int, int], dict[Any, Any]] = field(default_factory=lambda: defaultdict(dict))


class InboxWriter:
    """The way into the inbox of one event loop; it must be made inside of it."""

    def __init__(self) -> None:
        self._client = connect_asynchronously(
            settings.REDIS_URL,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._replicas = replicas_needed(settings.REDIS_URL)
        self._waiting = _Waiting()
        self._written = asyncio.get_running_loop().create_future()
        self._writing: asyncio.Task[None] | None = None
        self._busy = False  # whether the last write carried several hits

    async def keep(
        self, hits: Sequence[Hit], drops: Sequence[str] = (), *, tenant_id: int, site_id: int, host: str = ""
    ) -> None:
        """Keep the hits of a request and count those that are dropped; `host` is where they came from. Raises
        redis.RedisError when that could not be done: then nothing may be acknowledged."""
        waiting, now = self._waiting, time.time()
        signs, sign = waiting.signs[tenant_id, site_id], inbox.sign(now, host)
        if hits:
            encoded = [inbox.encode(hit, tenant_id=tenant_id, site_id=site_id, at=now) for hit in hits]
            waiting.hits[tenant_id] += encoded
            signs[inbox.KEPT] = sign
        for reason in drops:
            waiting.drops[tenant_id, site_id, reason] += 1
            signs[reason] = sign
        await self._next_write()

    async def note(self, what: str, *, tenant_id: int, site_id: int, host: str) -> None:
        """Note a sign of a site that is no hit. Raises redis.RedisError."""
        self._waiting.signs[tenant_id, site_id][what] = inbox.sign(time.time(), host)
        await self._next_write()

    async def close(self) -> None:
        """End the connection, when what was taken is written."""
        if self._writing is not None:
            await self._writing
        await close_asynchronously(self._client)

    def _next_write(self) -> "asyncio.Future[None]":
        """What ends when everything that has been taken so far is in the inbox. A client that leaves ends it for nobody
        else."""
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return asyncio.shield(self._written)

    async def _write_all(self) -> None:
        while self._waiting.signs:
            if self._busy:
                await asyncio.sleep(GATHER_SECONDS)
            waiting, written = self._waiting, self._written
            self._busy = sum(map(len, waiting.hits.values())) > 1
            self._waiting = _Waiting()
            self._written = asyncio.get_running_loop().create_future()
            try:
                await self._write(waiting)
            except redis.RedisError as problem:
                written.set_exception(problem)
            except BaseException:
                written.cancel()
                raise
            else:
                written.set_result(None)

    async def _write(self, waiting: _Waiting) -> None:
        """All of it or nothing: a hit of which the sender does not know whether it was kept would be sent twice."""
        commands: list[Command] = []
        for own in waiting.hits.values():
            for start in range(0, len(own), inbox.MOST_IN_ENTRY):
                commands += inbox.to_add(own[start : start + inbox.MOST_IN_ENTRY])
        for (tenant_id, site_id, reason), count in waiting.drops.items():
            commands += inbox.to_count(reason, count, tenant_id=tenant_id, site_id=site_id)
        for (tenant_id, site_id), signs in waiting.signs.items():
            commands.append(inbox.to_note(signs, tenant_id=tenant_id, site_id=site_id))
        async with self._client.pipeline(transaction=False) as pipe:
            add_transaction(pipe, commands, replicas=self._replicas)
            check_transaction(await pipe.execute(), replicas=self._replicas)
