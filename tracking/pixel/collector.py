"""The collector: POST /p/<key> → judge → inbox → 204. It stands in front of Django.

It touches neither sessions nor the database (but for a key it has not seen for a minute): thousands of hits a second
must not slow the pages down. A hit is acknowledged only when the inbox has it.

There are two ways in, which answer alike. `AsyncCollector` serves all connections of a process from its event loop, and
hits that arrive together go into the inbox together. `Collector` is a WSGI application that takes a thread and a write for
each hit; it is used where the setting COLLECTOR says "threads", and by servers that know no ASGI.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache, lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson
import redis
from django.conf import settings
from django.db import Error

from core.http import address_behind_proxies
from tracking.pixel import hits, inbox, signatures, sites
from tracking.pixel.hits import Hit, Proof
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


WRONG_SIGNATURE = b"The signature is missing, wrong or older than 5 minutes.\n"
# The header with which a site's server signs a body.
SIGNATURE = "CDP-Signature"


@dataclass(frozen=True, slots=True)
class Sender:
    """What the headers of a request say about who sends it. `origin`: where the page is; browsers say so, and pages cannot
    change it. `signature`: of the body, by the site's server."""

    agent: str
    origin: str
    opted_out: bool
    address: str
    signature: str = ""


class Judged(NamedTuple):
    """What becomes of a request: hits to keep, a reason for each that is dropped, and the answer once that is done. `check`
    is what the script says of itself where somebody looks at it."""

    hits: Sequence[Hit]
    drops: Sequence[str]
    status: int = 204
    content: bytes = b""
    check: str = ""


@dataclass(frozen=True, slots=True)
class _Posted:
    """A hit that a script sends, or an array of them."""

    body: bytes


@dataclass(frozen=True, slots=True)
class _WithoutScript:
    """The view of a page that fetches the image."""

    page: str


_Request = _Posted | _WithoutScript


def judge(site: Known, key: str, sender: Sender, request: _Request) -> Judged:
    """What becomes of a request to a site.

    A robot, an opt-out and a page of another host are answered like a hit that was kept: nothing can be learned by
    asking. An address that sends too often is told so: an honest sender tries again later.
    """
    body = request.body if isinstance(request, _Posted) else b""
    if sender.signature and signatures.is_body(sender.signature, body, secrets=site.secrets, now=time.time()):
        return _of_the_server(site, body)
    if _rates().too_many(key, sender.address):
        return Judged([], ["too_often"] * hits.count_in(body), 429)
    if sender.signature:
        return Judged([], ["signature"], 401, WRONG_SIGNATURE)
    if not site.takes(sender.origin):
        return Judged([], ["host"] * hits.count_in(body))
    if site.internal and sites.is_within(sender.address, site.internal):
        return Judged([], ["internal"] * hits.count_in(body))
    if not isinstance(request, _Posted):
        return _without_script(site, sender, request.page)
    check = hits.check_of(body)
    if check is not None:
        return Judged([], [], check=check)
    kept, drops = hits.parse_all(
        body, agent=sender.agent, opted_out=sender.opted_out, proof=Proof(site.secrets) if site.secrets else _NO_PROOF
    )
    several = len(kept) + len(drops) - 1
    if several > 0 and _rates().too_many(key, sender.address, count=several):
        return Judged([], ["too_often"] * (several + 1), 429)
    return Judged(*_counted(site, kept, drops))


_NO_PROOF = Proof()


def _of_the_server(site: Known, body: bytes) -> Judged:
    """Hits that the site's server sends: whoever it speaks for is no robot, and it is told what was wrong."""
    kept, drops = _counted(
        site, *hits.parse_all(body, agent="", opted_out=False, proof=Proof(site.secrets, now=time.time()))
    )
    if not drops:
        return Judged(kept, drops)
    return Judged(kept, drops, 422, orjson.dumps({"accepted": len(kept), "dropped": Counter(drops)}))


def _without_script(site: Known, sender: Sender, page: str) -> Judged:
    try:
        hit = hits.without_script(page, site_id=site.site_id, agent=sender.agent, opted_out=sender.opted_out)
    except hits.Dropped as dropped:
        return Judged([], [dropped.reason])
    return Judged(*_counted(site, [hit], []))


def _counted(site: Known, kept: list[Hit], drops: list[str]) -> tuple[list[Hit], list[str]]:
    """Without the hits of pages that are not counted."""
    if site.excluded is None:
        return kept, drops
    counted = [hit for hit in kept if not site.excludes(hit.url)]
    return counted, drops + ["excluded"] * (len(kept) - len(counted))


@lru_cache(maxsize=1_024)
def _host(origin: str) -> str:
    """The host of a page, for the live check; "" where none is said."""
    try:
        return (urlsplit(origin).hostname or "")[:100]
    except ValueError:
        return ""


def _unknown(sender: Sender) -> tuple[int, bytes]:
    """A wrong key is answered like a hit that was kept, or like a wrong signature: so nobody learns which keys there are."""
    return (401, WRONG_SIGNATURE) if sender.signature else (204, b"")


@cache
def _rates() -> Rates:
    return Rates(settings.HITS_PER_MINUTE, of_site=settings.SITE_HITS_PER_MINUTE)


# --- in the event loop ------------------------------------------------------------------------------------------------

Headers = list[tuple[bytes, bytes]]
_PLAIN: Headers = [(name.lower().encode(), value.encode()) for name, value in CORS]
_IMAGE: Headers = [*_PLAIN, (b"content-type", b"image/gif"), (b"content-length", str(len(GIF)).encode())]
_ALLOWED = "POST, GET, HEAD, OPTIONS"
_SIGNATURE = SIGNATURE.lower().encode()


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
            status, said = await self._accept(key, _sender(scope, headers), _Posted(content))
            return status, _PLAIN, said
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

    async def _accept(self, key: str, sender: Sender, request: _Request) -> tuple[int, bytes]:
        """Judge and keep what a request holds; returns status and content."""
        try:
            known, site = sites.remembered(key)
            if not known:
                site = await asyncio.get_running_loop().run_in_executor(self.pool, sites.find, key)
            if site is None:
                return _unknown(sender)
            judged, host = judge(site, key, sender, request), _host(sender.origin)
            self._writer = self._writer or InboxWriter()
            ids = {"tenant_id": site.tenant_id, "site_id": site.site_id}
            if judged.check:
                await self._writer.note(inbox.CHECK + judged.check, host=host, **ids)
            else:
                await self._writer.keep(judged.hits, judged.drops, host=host, **ids)
        except (redis.RedisError, Error) as problem:
            log.warning("hit not kept: %s", problem)
            return 503, b""
        return judged.status, judged.content


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
        signature=_text(headers, _SIGNATURE),
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
            status, content = accept(key, _sender_of(environ), _Posted(_body(environ)))
            return _answer(start, status, content=content)
        if method == "OPTIONS":
            return _answer(start, 204)
        if method == "GET":
            accept(key, _sender_of(environ), _WithoutScript(environ.get("HTTP_REFERER", "")))
        if method in ("GET", "HEAD"):
            return _image(start)
        return _answer(start, 405, [("Allow", _ALLOWED)])


def accept(key: str, sender: Sender, request: _Request) -> tuple[int, bytes]:
    """Judge and keep what a request holds; returns status and content."""
    try:
        site = sites.find(key)
        if site is None:
            return _unknown(sender)
        judged, host = judge(site, key, sender, request), _host(sender.origin)
        ids = {"tenant_id": site.tenant_id, "site_id": site.site_id}
        if judged.check:
            inbox.note(inbox.CHECK + judged.check, host=host, **ids)
        else:
            inbox.keep(judged.hits, judged.drops, host=host, **ids)
    except (redis.RedisError, Error) as problem:
        log.warning("hit not kept: %s", problem)
        return 503, b""
    return judged.status, judged.content


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
        signature=environ.get("HTTP_CDP_SIGNATURE", ""),
    )


def _body(environ: Environ) -> bytes:
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    return bytes(environ["wsgi.input"].read(max(0, min(length, hits.MAX_BATCH_BYTES + 1))))


def _answer(
    start: Start, status: int, more: Sequence[tuple[str, str]] = (), *, content: bytes = b""
) -> Iterable[bytes]:
    start(f"{status} {HTTPStatus(status).phrase}", [*CORS, *more])
    return [content]


def _image(start: Start) -> Iterable[bytes]:
    start("200 OK", [*CORS, ("Content-Type", "image/gif"), ("Content-Length", str(len(GIF)))])
    return [GIF]
