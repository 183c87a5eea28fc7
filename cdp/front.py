"""A buffer in front of the web application: it waits for slow clients, so that no thread has to.

An ASGI application in one event loop per process. It reads the whole body of a request, into memory or a file, before a
thread is taken, and hands the answer out at the speed of the client when the thread is free again. Every wait has a
limit: a client that sends or fetches nothing, or too slowly, is cut off. Hits of the pixel need no thread: they are answered
in the event loop (tracking.pixel.collector), or by threads of their own where the setting COLLECTOR says so.

Whoever waits for something that has not happened yet (core.long_poll) waits here: the application is asked again each second
until it has, and keeps no thread in between.

Large bodies are read only if the page takes them from this person: the application is asked with the headers alone first
(`JUDGE`), and says how much it takes, or answers at once.
"""

import asyncio
import io
import json
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Any, Protocol, TypeVar

from cdp.gateway import Answer, Environ, Wsgi, environ_of, respond
from core import problem_json
from core.body_limit import JUDGE
from core.long_poll import AGAIN, MOST_SECONDS

log = logging.getLogger(__name__)
KB, MB = 1024, 1024 * 1024
# Bodies up to here are kept in memory, and read before anybody is asked: a form, a hit.
SMALL = 64 * KB
# More than this nobody takes outside of workspaces.
LARGEST_OUTSIDE = 10 * MB
# Answers up to here are kept in memory.
IN_MEMORY = MB
# Seconds without a byte, in either direction, after which a client is cut off.
SILENCE = 15.0
# A client has so many seconds, and one more for each so many bytes: slower is as good as never.
PATIENCE, SLOWEST = 20.0, 16 * KB
PAGE_THREADS, HIT_THREADS, FILE_THREADS = 8, 4, 4
# Who waits for something is looked after each so many seconds: often at first, then less.
OFTEN, SELDOM, OFTEN_FOR = 0.5, 1.0, 10.0
# Below this, errors are JSON; what they are called there, by status.
API = "/api/"
API_CODES = {
    408: ("request_timeout", "Request too slow"),
    413: ("too_large", "Too large"),
    500: ("server_error", "Error on our side"),
    507: ("storage_full", "No room"),
}

TOO_LARGE_A_HIT = "A hit can have up to 32 KB."

T = TypeVar("T")
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Collects(Protocol):
    """What answers hits in the event loop: status, headers and content of a request whose body is read by `body`."""

    async def answer(
        self, scope: Message, body: Callable[[], Awaitable[bytes]]
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]: ...


class Refused(Exception):
    """The request is not read to its end: the status says why."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class Gone(Exception):
    """The client has left, or fetches its answer too slowly."""


@dataclass(frozen=True)
class Limits:
    """How long a client may take; a test may be in more of a hurry."""

    silence: float = SILENCE
    patience: float = PATIENCE
    slowest: int = SLOWEST


class Front:
    """Buffers for a WSGI application. `hits` is the beginning of addresses that have threads of their own; `collect` makes
    the application that answers them in the event loop instead, with those threads for what would hold the loop up."""

    def __init__(
        self, application: Wsgi, *, hits: str, collect: Callable[[ThreadPoolExecutor], Collects] | None = None,
        limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self.application, self.hits, self.limits = application, hits, limits or Limits()
        self.pages = ThreadPoolExecutor(PAGE_THREADS, "page")
        self.hit_threads = ThreadPoolExecutor(HIT_THREADS, "hit")
        self.files = ThreadPoolExecutor(FILE_THREADS, "file")
        self.collector = collect(self.hit_threads) if collect else None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"only HTTP is answered, not {scope['type']}")
        try:
            if self.collector is not None and scope["path"].startswith(self.hits):
                await self._collect(self.collector, scope, receive, send)
                return
            with tempfile.SpooledTemporaryFile(SMALL) as body:
                answer = await self._answer(scope, receive, body)
            try:
                await self._hand_out(answer, send, head=scope["method"] == "HEAD")
            finally:
                answer.close()
        except Refused as refused:
            await _say(send, scope["path"], refused.status, refused.words)
        except Gone:
            log.info("a client left before its answer: %s", scope["path"])
        except Exception:
            log.exception("%s %s", scope["method"], scope["path"])
            await _say(send, scope["path"], 500, "Something went wrong on our side. The details are in the server log.")

    async def _collect(self, collector: Collects, scope: Message, receive: Receive, send: Send) -> None:
        """A hit, without a thread and without a file."""

        async def read() -> bytes:
            if (_length(scope) or 0) > SMALL:
                raise Refused(413, TOO_LARGE_A_HIT)
            body = io.BytesIO()
            await Reader(receive, body, limits=self.limits, pool=self.files).read(most=SMALL)
            return body.getvalue()

        status, headers, content = await collector.answer(scope, read)
        try:  # so short an answer fits into any buffer: nobody has to be waited for
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content if scope["method"] != "HEAD" else b""})
        except (OSError, RuntimeError) as problem:
            raise Gone from problem

    async def _answer(self, scope: Message, receive: Receive, body: IO[bytes]) -> Answer:
        environ = environ_of(scope)
        pool = self.hit_threads if scope["path"].startswith(self.hits) else self.pages
        length = _length(scope)
        if length is None and scope["method"] in ("GET", "HEAD"):
            length = 0
        reader = Reader(receive, body, limits=self.limits, pool=self.files)
        if length is not None and length <= SMALL:
            await reader.read(most=SMALL)
        elif length is None and await reader.read(most=SMALL, or_stop=True):
            pass  # of unknown length, and small
        elif pool is self.hit_threads:
            raise Refused(413, TOO_LARGE_A_HIT)
        else:
            judged = await self._in(
                pool, respond, self.application, {**environ, JUDGE: True}, io.BytesIO(), length or 0
            )
            if judged.limit is None:
                return judged
            judged.close()
            await reader.read(most=min(judged.limit, length) if length is not None else judged.limit)
        if reader.more and length is None:
            raise Refused(413, "The request is too large.")
        body.seek(0)
        answer = await self._in(pool, respond, self.application, environ, body, reader.size)
        return await self._wait(answer, environ, receive) if answer.wait else answer

    async def _wait(self, answer: Answer, environ: Environ, receive: Receive) -> Answer:
        """Ask again until the answer is what the client waits for, or its time is over. Raises Gone if the client leaves."""
        begun, most = time.monotonic(), min(answer.wait or 0, MOST_SECONDS)
        leaving = asyncio.ensure_future(receive())
        try:
            while answer.wait and (left := begun + most - time.monotonic()) > 0:
                pause = OFTEN if most - left < OFTEN_FOR else SELDOM
                if leaving.done():
                    await asyncio.sleep(min(pause, left))
                else:
                    await asyncio.wait({leaving}, timeout=min(pause, left))
                answer.close()
                if leaving.done() and leaving.result()["type"] == "http.disconnect":
                    raise Gone
                again = {**environ, AGAIN: True}
                answer = await self._in(self.pages, respond, self.application, again, io.BytesIO(), 0)
        finally:
            leaving.cancel()
        return answer

    async def _hand_out(self, answer: Answer, send: Send, *, head: bool) -> None:
        await self._send(send, {"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        begun, sent = time.monotonic(), 0
        chunk = b"" if head else await self._in(self.files, answer.read) if answer.on_disk else answer.read()
        while answer.on_disk and not head:
            following = await self._in(self.files, answer.read)
            if not following:
                break
            await self._send(send, {"type": "http.response.body", "body": chunk, "more_body": True})
            sent += len(chunk)
            if time.monotonic() - begun > self.limits.patience + sent / self.limits.slowest:
                raise Gone
            chunk = following
        await self._send(send, {"type": "http.response.body", "body": chunk, "more_body": False})

    async def _send(self, send: Send, message: Message) -> None:
        try:
            async with asyncio.timeout(self.limits.silence):
                await send(message)
        except (TimeoutError, OSError, RuntimeError) as problem:
            raise Gone from problem

    async def _in(self, pool: ThreadPoolExecutor, call: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, call, *args)


class Reader:
    """The body of one request, on its way into a file."""

    def __init__(self, receive: Receive, body: IO[bytes], *, limits: Limits, pool: ThreadPoolExecutor) -> None:
        self.receive, self.body, self.limits, self.pool = receive, body, limits, pool
        self.size, self.more, self.begun = 0, True, time.monotonic()

    async def read(self, *, most: int, or_stop: bool = False) -> bool:
        """Read to the end, and say so. Raises Refused at more than `most` bytes, unless told to stop there, and Gone."""
        waiting: list[bytes] = []
        while self.more:
            chunk = await self._next()
            waiting.append(chunk)
            self.size += len(chunk)
            if self.size > most and not or_stop:
                raise Refused(413, "The request is too large.")
            if sum(map(len, waiting)) >= MB or self.size > SMALL >= self.size - len(chunk) or not self.more:
                await self._keep(waiting)
                waiting = []
            if self.size > most:
                await self._keep(waiting)
                return False
        return True

    async def _next(self) -> bytes:
        left = self.begun + self.limits.patience + self.size / self.limits.slowest - time.monotonic()
        try:
            async with asyncio.timeout(max(0, min(self.limits.silence, left))):
                message = await self.receive()
        except TimeoutError as problem:
            raise Refused(408, "The request took too long to arrive.") from problem
        if message["type"] == "http.disconnect":
            raise Gone
        self.more = bool(message.get("more_body"))
        return bytes(message.get("body", b""))

    async def _keep(self, chunks: list[bytes]) -> None:
        """Into memory at once, to the disk in a thread."""
        if self.size <= SMALL:
            self.body.writelines(chunks)
        elif chunks:
            try:
                await asyncio.get_running_loop().run_in_executor(self.pool, self.body.writelines, chunks)
            except OSError as problem:
                log.exception("a request body cannot be stored")
                raise Refused(
                    507, "The server has no room for this request right now. Try again in a few minutes."
                ) from problem


def _length(scope: Message) -> int | None:
    """The length that a request says it has; None where it comes in chunks, or says nothing."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 18 else None
    return None


async def _say(send: Send, path: str, status: int, words: str) -> None:
    """A short answer to a request that was not read to its end; the connection ends with it."""
    text, kind = f"{words}\n", "text/plain; charset=utf-8"
    if path.startswith(API):
        code, title = API_CODES[status]
        text, kind = json.dumps(problem_json.document(status, code, title, words)), problem_json.CONTENT_TYPE
    content = text.encode()
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(content)).encode())]
    headers += [(b"connection", b"close"), (b"access-control-allow-origin", b"*"), (b"cache-control", b"no-store")]
    try:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content, "more_body": False})
    except (OSError, RuntimeError):
        log.info("a client left before it was told %s", status)
