"""The collector: POST /p/<key> → judge → inbox → 204. It stands in front of Django.

It touches neither sessions nor the database (but for a key it has not seen for a minute): thousands of hits a second
must not slow the pages down. A hit is acknowledged only when the inbox has it.

There are two ways in, which answer alike. `AsyncCollector` serves all connections of a process from its event loop, and
hits that arrive together go into the inbox together. `Collector` is a WSGI application that takes a thread and a write for
each hit; it is used where the setting COLLECTOR says "threads", and by servers that know no ASGI.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

import redis
from django.conf import settings
from django.db import Error

from core.http import address_behind_proxies
from tracking.pixel import hits, inbox, sites
from tracking.pixel.hits import Hit
from tracking.pixel.inbox_writer import InboxWriter
from tracking.pixel.rate_limits import Rates
from tracking.pixel.sites import Known

log = logging.getLogger(__name__)
PREFIX = "/p/"
# One transparent pixel, for browsers without script.
GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b")
CORS = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "POST, GET"),
    ("Access-Control-Allow-Headers", "Content-Type"),
    ("Access-Control-Max-Age", "86400"),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
]
Environ = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], Any]
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sender:
    """What the headers of a request say about who sends it. `origin`: where the page is; browsers say so, and pages cannot
    change it."""

    agent: str
    origin: str
    opted_out: bool
    address: str


@dataclass(frozen=True, slots=True)
class _Posted:
    """A hit that a script sends."""

    body: bytes

    def hit(self, _site: Known, sender: Sender) -> Hit:
        return hits.parse(self.body, agent=sender.agent, opted_out=sender.opted_out)


@dataclass(frozen=True, slots=True)
class _WithoutScript:
    """The view of a page that fetches the image."""

    page: str

    def hit(self, site: Known, sender: Sender) -> Hit:
        return hits.without_script(self.page, site_id=site.site_id, agent=sender.agent, opted_out=sender.opted_out)


_Request = _Posted | _WithoutScript


def judge(site: Known, key: str, sender: Sender, request: _Request) -> Hit:
    """The hit of a request. Raises Dropped with the reason."""
    if _rates().too_many(key, sender.address):
        raise hits.Dropped("too_often")
    if not site.takes(sender.origin):
        raise hits.Dropped("host")
    return request.hit(site, sender)


def status_of(dropped: hits.Dropped) -> int:
    """A robot, an opt-out and a page of another host are answered like a hit that was kept: nothing can be learned by
    asking. An address that sends too often is told so: an honest sender tries again later."""
    return 429 if dropped.reason == "too_often" else 204


@cache
def _rates() -> Rates:
    return Rates(settings.HITS_PER_MINUTE)


# --- in the event loop ------------------------------------------------------------------------------------------------

Headers = list[tuple[bytes, bytes]]
_PLAIN: Headers = [(name.lower().encode(), value.encode()) for name, value in CORS]
_IMAGE: Headers = [*_PLAIN, (b"content-type", b"image/gif"), (b"content-length", str(len(GIF)).encode())]
_ALLOWED = "POST, GET, HEAD, OPTIONS"


class AsyncCollector:
    """The collector in the event loop of a process. `pool` looks up sites that it has not seen for a minute: nothing in
    the loop may wait for the database."""

    def __init__(self, pool: Executor) -> None:
        self.pool = pool
        self._writer: InboxWriter | None = None

    async def answer(self, scope: Message, body: Callable[[], Awaitable[bytes]]) -> tuple[int, Headers, bytes]:
        """Status, headers and content for a request below PREFIX. `scope` is that of ASGI; `body` reads the body."""
        method, key = scope["method"], scope["path"][len(PREFIX) :]
        headers = dict(scope["headers"])
        if method == "POST":
            content = await body()
            return await self._accept(key, _sender(scope, headers), _Posted(content)), _PLAIN, b""
        if method == "OPTIONS":
            return 204, _PLAIN, b""
        if method == "GET":
            await self._accept(key, _sender(scope, headers), _WithoutScript(_text(headers, b"referer")))
        if method in ("GET", "HEAD"):
            return 200, _IMAGE, GIF
        return 405, [*_PLAIN, (b"allow", _ALLOWED.encode())], b""

    async def close(self) -> None:
        """Write what was taken and end the connection to the inbox."""
        if self._writer is not None:
            await self._writer.close()
            self._writer = None

    async def _accept(self, key: str, sender: Sender, request: _Request) -> int:
        """Judge and keep one hit; returns the status."""
        try:
            known, site = sites.remembered(key)
            if not known:
                site = await asyncio.get_running_loop().run_in_executor(self.pool, sites.find, key)
            if site is None:
                return 204
            self._writer = self._writer or InboxWriter()
            try:
                hit = judge(site, key, sender, request)
            except hits.Dropped as dropped:
                await self._writer.count_drop(dropped.reason, tenant_id=site.tenant_id, site_id=site.site_id)
                return status_of(dropped)
            await self._writer.push(hit, tenant_id=site.tenant_id, site_id=site.site_id)
        except (redis.RedisError, Error) as problem:
            log.warning("hit not kept: %s", problem)
            return 503
        return 204


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _sender(scope: Message, headers: dict[bytes, bytes]) -> Sender:
    address = (scope.get("client") or ("", 0))[0]
    if settings.TRUSTED_PROXIES:
        name = settings.CLIENT_ADDRESS_HEADER.lower().encode()
        told = b",".join(value for header, value in scope["headers"] if header == name)
        address = address_behind_proxies(address, told.decode("latin-1"))
    origin = _text(headers, b"origin")
    return Sender(
        agent=_text(headers, b"user-agent"),
        origin=origin if origin and origin != "null" else _text(headers, b"referer"),
        opted_out=headers.get(b"sec-gpc") == b"1" or headers.get(b"dnt") == b"1",
        address=address,
    )


# --- in a thread ------------------------------------------------------------------------------------------------------


class Collector:
    """Answers what begins with /p/ and hands everything else to the application behind it."""

    def __init__(self, behind: Callable[[Environ, Start], Iterable[bytes]]) -> None:
        self.behind = behind

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return self.behind(environ, start)
        key, method = path[len(PREFIX) :], environ["REQUEST_METHOD"]
        if method == "POST" and not environ.get("CONTENT_LENGTH") and environ.get("HTTP_TRANSFER_ENCODING"):
            # The front gives chunks a length (cdp.front). Without it a server would show an empty body here.
            return _answer(start, 411)
        if method == "POST":
            return _answer(start, accept(key, _sender_of(environ), _Posted(_body(environ))))
        if method == "OPTIONS":
            return _answer(start, 204)
        if method == "GET":
            accept(key, _sender_of(environ), _WithoutScript(environ.get("HTTP_REFERER", "")))
        if method in ("GET", "HEAD"):
            return _image(start)
        return _answer(start, 405, [("Allow", _ALLOWED)])


def accept(key: str, sender: Sender, request: _Request) -> int:
    """Judge and keep one hit; returns the status. A wrong key is answered like a hit that was kept."""
    try:
        site = sites.find(key)
        if site is None:
            return 204
        try:
            hit = judge(site, key, sender, request)
        except hits.Dropped as dropped:
            inbox.count_drop(dropped.reason, tenant_id=site.tenant_id, site_id=site.site_id)
            return status_of(dropped)
        inbox.push(hit, tenant_id=site.tenant_id, site_id=site.site_id)
    except (redis.RedisError, Error) as problem:
        log.warning("hit not kept: %s", problem)
        return 503
    return 204


def _sender_of(environ: Environ) -> Sender:
    origin = str(environ.get("HTTP_ORIGIN") or "")
    address = str(environ.get("REMOTE_ADDR") or "")
    if settings.TRUSTED_PROXIES:
        name = "HTTP_" + settings.CLIENT_ADDRESS_HEADER.upper().replace("-", "_")
        address = address_behind_proxies(address, environ.get(name, ""))
    return Sender(
        agent=environ.get("HTTP_USER_AGENT", ""),
        origin=origin if origin and origin != "null" else str(environ.get("HTTP_REFERER") or ""),
        opted_out=environ.get("HTTP_SEC_GPC") == "1" or environ.get("HTTP_DNT") == "1",
        address=address,
    )


def _body(environ: Environ) -> bytes:
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    return bytes(environ["wsgi.input"].read(max(0, min(length, hits.MAX_BYTES + 1))))


def _answer(start: Start, status: int, more: Sequence[tuple[str, str]] = ()) -> Iterable[bytes]:
    start(f"{status} {HTTPStatus(status).phrase}", [*CORS, *more])
    return [b""]


def _image(start: Start) -> Iterable[bytes]:
    start("200 OK", [*CORS, ("Content-Type", "image/gif"), ("Content-Length", str(len(GIF)))])
    return [GIF]
