"""Browsers that send hits as the pixel's script does: several in one body, in order, again until they are acknowledged."""

import asyncio
import itertools
import json
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

# Of static/pixel.js: so many hits in a body, and so long it waits at most. Its waits are a tenth here.
MOST_IN_BODY = 50
FIRST_WAIT, LONGEST_WAIT, ANSWER_SECONDS = 0.1, 1.0, 10.0
# A browser adds so many hits ten times a second.
HITS_AT_ONCE, PAUSE = 5, 0.1
# Of a hundred bodies so many are sent by a browser that hears no answer: it sends them again.
UNHEARD = 0.02


class Made(NamedTuple):
    """A hit that waits to be acknowledged, and when it was made."""

    id: str
    at: float


class Browsers:
    """Browsers on one site, in a thread of their own while the block runs; after it everything is acknowledged."""

    def __init__(self, url: str, *more: str, key: str, count: int, seed: int = 1, patience: float = 60) -> None:
        self.servers = [(address.hostname, address.port) for address in map(urlsplit, (url, *more))]
        name = urlsplit(url).netloc
        self.head = f"POST /p/{key} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: Mozilla/5.0\r\nContent-Length: "
        self.count, self.patience = count, patience
        self.rng = random.Random(seed)
        self.made: list[str] = []
        self.acknowledged: set[str] = set()
        self.bodies = self.unheard = self.failed = 0
        self.seconds = 0.0  # in which hits were made
        self.refused: list[int] = []  # answers after which a script gives a hit up
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._browse_all()))

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.seconds = time.monotonic() - self._began
        self._leaving.set()
        self._thread.join()

    async def _browse_all(self) -> None:
        await asyncio.gather(*(self._browse() for _ in range(self.count)))

    async def _browse(self) -> None:
        device, queue, tries = str(uuid.UUID(int=self.rng.getrandbits(128), version=4)), deque[Made](), 0
        due, until = 0.0, float("inf")
        connection = Connection(self.rng.sample(self.servers, len(self.servers)))
        while queue or not self._leaving.is_set():
            now = time.monotonic()
            if self._leaving.is_set():
                until = min(until, now + self.patience)
                if now > until:
                    return
            else:
                fresh = [Made(uuid.uuid4().hex, now) for _ in range(HITS_AT_ONCE)]
                queue.extend(fresh)
                self.made += [hit.id for hit in fresh]
            if now >= due:
                if await self._flush(connection, device, queue):
                    tries = 0
                else:
                    due = time.monotonic() + min(LONGEST_WAIT, FIRST_WAIT * 2**tries) * self.rng.uniform(0.5, 1)
                    tries += 1
            await asyncio.sleep(max(0.0, now + PAUSE - time.monotonic()))
        connection.close()

    async def _flush(self, connection: "Connection", device: str, queue: "deque[Made]") -> bool:
        """Send the oldest hits; whether they were answered for good."""
        now = time.monotonic()
        batch = [queue[n] for n in range(min(len(queue), MOST_IN_BODY))]
        body = json.dumps([body_of(hit, device, now) for hit in batch]).encode()
        self.bodies += 1
        unheard = self.rng.random() < UNHEARD
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status = await connection.post(f"{self.head}{len(body)}\r\n\r\n".encode() + body, hear=not unheard)
        except (OSError, EOFError, ValueError):
            connection.close()
            self.failed += 1
            return False
        if status == 0:
            self.unheard += 1
            return False
        if status == 429 or status > 499:
            self.failed += 1
            return False
        for hit in batch:
            queue.popleft()
            if status == 204:
                self.acknowledged.add(hit.id)
        if status != 204:
            self.refused.append(status)
        return True


def body_of(hit: Made, device: str, now: float) -> dict[str, Any]:
    """A hit as the script sends it; its ID is among its properties as well, which are stored."""
    return {
        "id": hit.id, "kind": "page", "device": device, "url": f"https://shop.example.com/{hit.id[0]}", "title": "Shop",
        "properties": {"hit": hit.id}, "age": round((now - hit.at) * 1000),
    }  # fmt: skip


class Connection:
    """A connection that stays open, made anew where it has ended: to the next of several web servers, as a balancer does."""

    def __init__(self, servers: Sequence[tuple[str | None, int | None]]) -> None:
        self._servers = itertools.cycle(servers)
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, request: bytes, *, hear: bool) -> int:
        """The status of the answer; 0 where it is not listened to. Raises OSError, EOFError or ValueError."""
        if self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection(*next(self._servers))
        self._writer.write(request)
        await self._writer.drain()
        if not hear:
            await asyncio.sleep(PAUSE)  # the server reads it and answers
            self.close()
            return 0
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status != 204:
            self.close()
        return status

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
