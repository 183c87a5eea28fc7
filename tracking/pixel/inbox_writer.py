"""Hits into the inbox, many with one write: for a collector that serves thousands of connections from one event loop.

Hits that arrive while a write is under way go with the next one, in one entry of the stream. Under little load a hit waits
for its own write and nothing else; under much load it waits a few milliseconds, and a write carries a hundred. Nobody is
answered before the write that holds the hit has succeeded, so what is acknowledged is kept, as in `tracking.pixel.inbox`.
"""

import asyncio
import time
from collections import Counter, defaultdict

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tracking.pixel import inbox
from tracking.pixel.hits import Hit

# As `core.broker` has it: a silent broker must not hold a visitor up.
PATIENCE_SECONDS = 2
# Where several hits came during a write, the next one waits so long for more of them: a write costs as much as ten hits.
GATHER_SECONDS = 0.003


class InboxWriter:
    """The way into the inbox of one event loop; it must be made inside of it."""

    def __init__(self) -> None:
        self._client = redis.asyncio.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        # By workspace: an entry belongs to one, so that a busy workspace holds up nobody else's hits.
        self._hits: dict[int, list[bytes]] = defaultdict(list)
        self._drops: Counter[tuple[int, int, str]] = Counter()
        self._written = asyncio.get_running_loop().create_future()
        self._writing: asyncio.Task[None] | None = None
        self._busy = False  # whether the last write carried several hits

    async def push(self, hit: Hit, *, tenant_id: int, site_id: int) -> None:
        """Keep a hit. Raises redis.RedisError when it could not be kept: then it must not be acknowledged."""
        self._hits[tenant_id].append(inbox.encode(hit, tenant_id=tenant_id, site_id=site_id, at=time.time()))
        await self._next_write()

    async def count_drop(self, reason: str, *, tenant_id: int, site_id: int) -> None:
        """Count a refused hit for the site's page. Raises redis.RedisError."""
        self._drops[tenant_id, site_id, reason] += 1
        await self._next_write()

    async def close(self) -> None:
        """End the connection, when what was taken is written."""
        if self._writing is not None:
            await self._writing
        await self._client.aclose()

    def _next_write(self) -> "asyncio.Future[None]":
        """What ends when everything that has been taken so far is in the inbox. A client that leaves ends it for nobody
        else."""
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return asyncio.shield(self._written)

    async def _write_all(self) -> None:
        while self._hits or self._drops:
            if self._busy:
                await asyncio.sleep(GATHER_SECONDS)
            hits, drops, written = self._hits, self._drops, self._written
            self._busy = sum(map(len, hits.values())) > 1
            self._hits, self._drops = defaultdict(list), Counter()
            self._written = asyncio.get_running_loop().create_future()
            try:
                await self._write(hits, drops)
            except redis.RedisError as problem:
                written.set_exception(problem)
            except BaseException:
                written.cancel()
                raise
            else:
                written.set_result(None)

    async def _write(self, hits: dict[int, list[bytes]], drops: Counter[tuple[int, int, str]]) -> None:
        """All of it or nothing: a hit of which the sender does not know whether it was kept would be sent twice."""
        async with self._client.pipeline(transaction=True) as pipe:
            for own in hits.values():
                for start in range(0, len(own), inbox.MOST_IN_ENTRY):
                    inbox.add_entry(pipe, own[start : start + inbox.MOST_IN_ENTRY])
            for (tenant_id, site_id, reason), count in drops.items():
                pipe.hincrby(inbox.drops_key(tenant_id, site_id), reason, count)
            await pipe.execute()
