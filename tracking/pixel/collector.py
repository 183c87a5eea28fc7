"""The collector: POST /p/<key> → judge → inbox → 204. A small WSGI application in front of Django.

It touches neither sessions nor the database (but for a key it has not seen for a minute): thousands of hits a second
must not slow the pages down. A hit is acknowledged only when the inbox has it.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import Error

from core.http import client_address
from tracking.pixel import hits, inbox, sites
from tracking.pixel.hits import Hit
from tracking.pixel.rate_limits import Rates

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
            return _answer(start, "411 Length Required")
        if method == "POST":
            return _answer(start, accept_hit(key, environ, _posted))
        if method == "OPTIONS":
            return _answer(start, "204 No Content")
        if method == "GET":
            accept_hit(key, environ, _without_script)
        if method in ("GET", "HEAD"):
            return _image(start)
        return _answer(start, "405 Method Not Allowed", [("Allow", "POST, GET, HEAD, OPTIONS")])


def accept_hit(key: str, environ: Environ, judge: Callable[[Environ, int], Hit]) -> str:
    """Judge and keep one hit; returns the status line.

    A wrong key, a robot, an opt-out and a page of another host are answered like a hit that was kept: nothing can be learned
    by asking. An address that sends too often is told so (429): an honest sender tries again later.
    """
    try:
        site = sites.find(key)
        if site is None:
            return "204 No Content"
        tenant_id, site_id = site.tenant_id, site.site_id
        if _rates().too_many(key, _address(environ)):
            inbox.count_drop("too_often", tenant_id=tenant_id, site_id=site_id)
            return "429 Too Many Requests"
        try:
            if not site.takes(_origin(environ)):
                raise hits.Dropped("host")
            hit = judge(environ, site_id)
        except hits.Dropped as dropped:
            inbox.count_drop(dropped.reason, tenant_id=tenant_id, site_id=site_id)
            return "204 No Content"
        inbox.push(hit, tenant_id=tenant_id, site_id=site_id)
    except (redis.RedisError, Error) as problem:
        log.warning("hit not kept: %s", problem)
        return "503 Service Unavailable"
    return "204 No Content"


@cache
def _rates() -> Rates:
    return Rates(settings.HITS_PER_MINUTE)


def _address(environ: Environ) -> str:
    return client_address(WSGIRequest(environ)) if settings.TRUSTED_PROXIES else str(environ.get("REMOTE_ADDR") or "")


def _origin(environ: Environ) -> str:
    """Where the page is that has sent a hit: browsers say so, and pages cannot change it."""
    origin = str(environ.get("HTTP_ORIGIN") or "")
    return origin if origin and origin != "null" else str(environ.get("HTTP_REFERER") or "")


def _posted(environ: Environ, _site_id: int) -> Hit:
    return hits.parse(_body(environ), **_browser(environ))


def _without_script(environ: Environ, site_id: int) -> Hit:
    return hits.without_script(environ.get("HTTP_REFERER", ""), site_id=site_id, **_browser(environ))


def _browser(environ: Environ) -> dict[str, Any]:
    return {"agent": environ.get("HTTP_USER_AGENT", ""), "opted_out": _opted_out(environ)}


def _opted_out(environ: Environ) -> bool:
    return environ.get("HTTP_SEC_GPC") == "1" or environ.get("HTTP_DNT") == "1"


def _body(environ: Environ) -> bytes:
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    return bytes(environ["wsgi.input"].read(max(0, min(length, hits.MAX_BYTES + 1))))


def _answer(start: Start, status: str, more: Sequence[tuple[str, str]] = ()) -> Iterable[bytes]:
    start(status, [*CORS, *more])
    return [b""]


def _image(start: Start) -> Iterable[bytes]:
    start("200 OK", [*CORS, ("Content-Type", "image/gif"), ("Content-Length", str(len(GIF)))])
    return [GIF]
