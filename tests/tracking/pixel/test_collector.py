"""The collector as a web server calls it, with the real inbox behind it."""

import asyncio
import gzip
import importlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connections

from cdp.front import Front
from core import broker
from tests.tracking import helpers
from tests.tracking.helpers import device
from tests.tracking.pixel.conftest import Ask
from tracking.models import Site
from tracking.pixel import hits, inbox, sites
from tracking.pixel.collector import PREFIX, AsyncCollector, Collector

PAGE = {"kind": "page", "url": "https://shop.example/"}


pytestmark = pytest.mark.usefixtures("empty_inbox")


def kept() -> list[hits.Hit]:
    return [e.hit for e in inbox.read(1000)]


def test_a_hit_is_kept_before_it_is_acknowledged(ask: Ask, site: Site) -> None:
    on = device()
    status, headers, content = ask(f"/p/{site.key}", {"device": on, **PAGE})
    assert (status, content) == ("204 No Content", b"")
    assert headers["Access-Control-Allow-Origin"] == "*"
    [entry] = inbox.read(10)
    assert (entry.tenant_id, entry.site_id, entry.hit.device) == (site.tenant_id, site.pk, on)


@pytest.mark.parametrize(
    ("reason", "body", "headers"),
    [
        ("bot", PAGE, {"HTTP_USER_AGENT": "Googlebot/2.1"}),
        ("opted_out", PAGE, {"HTTP_SEC_GPC": "1"}),
        ("opted_out", PAGE, {"HTTP_DNT": "1"}),
        ("not_json", b"<xml>", {}),
        ("kind", {"kind": "?"}, {}),
        ("too_large", b"x" * (hits.MAX_BYTES + 1), {}),
    ],
)
def test_what_is_refused_is_counted_and_answered_alike(
    ask: Ask, site: Site, reason: str, body: Any, headers: dict[str, str]
) -> None:
    body = {"device": device(), **body} if isinstance(body, dict) else body
    status, answered, content = ask(f"/p/{site.key}", body, **headers)
    good = ask(f"/p/{site.key}", {"device": device(), **PAGE})
    assert (status, answered, content) == good
    assert inbox.drops(tenant_id=site.tenant_id, site_id=site.pk) == {reason: 1}
    assert len(kept()) == 1


@pytest.mark.parametrize("length", ["-1", "many", ""])
def test_a_length_that_is_none_is_read_as_nothing(site: Site, length: str) -> None:
    """Web servers refuse such a request themselves; the application would not read beyond it."""
    assert helpers.ask(f"/p/{site.key}", PAGE, CONTENT_LENGTH=length)[0] == "204 No Content"
    assert inbox.drops(tenant_id=site.tenant_id, site_id=site.pk) == {"not_json": 1}


@pytest.mark.parametrize("collect", [None, AsyncCollector])
def test_a_hit_in_chunks_is_stored_or_refused(site: Site, collect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the front it has a length and is stored; without the front it is refused, and never lost without a word."""
    status, _headers, _content = helpers.ask(
        f"/p/{site.key}", PAGE, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked"
    )
    assert status == "411 Length Required"
    body = json.dumps({"device": device(), **PAGE}).encode()
    scope = {
        "type": "http", "method": "POST", "path": f"/p/{site.key}", "query_string": b"", "http_version": "1.1",
        "headers": [(b"transfer-encoding", b"chunked"), (b"user-agent", b"Mozilla/5.0")],
    }  # fmt: skip
    chunks = [body[:7], body[7:20], body[20:]]
    told: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    before = len(kept())

    # One thread, so that its connection is the one that is closed below.
    monkeypatch.setattr("cdp.front.HIT_THREADS", 1)

    async def run() -> Front:
        front = Front(Collector(lambda _environ, _start: []), hits=PREFIX, collect=collect)
        await front(scope, receive, send)
        if isinstance(front.collector, AsyncCollector):
            await front.collector.close()
        return front

    front = asyncio.run(run())
    front.hit_threads.submit(connections.close_all).result()
    assert told[0]["status"] == 204
    assert len(kept()) == before + 1


@pytest.mark.parametrize("wrong", ["", "x", "1-", "zz-00", "%", "1-\x00", "f" * 400, "-1-0011223344556677", "1/2"])
def test_a_wrong_key_is_answered_alike_and_kept_nowhere(ask: Ask, site: Site, wrong: str) -> None:
    assert ask(f"/p/{wrong}", {"device": device(), **PAGE})[0] == "204 No Content"
    assert not kept()


def test_the_key_of_another_site_or_workspace_opens_nothing(ask: Ask, site: Site) -> None:
    tenant, _dash, secret = site.key.partition("-")
    for key in (f"{tenant}-{'0' * 16}", f"{int(tenant, 16) + 10**6:x}-{secret}", f"{'f' * 15}-{secret}"):
        assert ask(f"/p/{key}", {"device": device(), **PAGE})[0] == "204 No Content"
    assert not kept()


def test_no_more_than_the_limit_is_read(site: Site) -> None:
    class Counting:
        read_bytes = 0

        def read(self, size: int) -> bytes:
            self.read_bytes += size
            return b" " * size

    body = Counting()
    helpers.ask(f"/p/{site.key}", CONTENT_LENGTH=str(10**9), **{"wsgi.input": body})  # type: ignore[arg-type]
    assert body.read_bytes == hits.MAX_BATCH_BYTES + 1


def test_a_preflight_is_answered(ask: Ask, site: Site) -> None:
    status, headers, _content = ask(f"/p/{site.key}", method="OPTIONS")
    assert status == "204 No Content"
    assert headers["Access-Control-Allow-Methods"] == "POST, GET"
    assert "Access-Control-Allow-Headers" in headers


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(ask: Ask, site: Site, method: str) -> None:
    status, headers, _content = ask(f"/p/{site.key}", method=method)
    assert status == "405 Method Not Allowed"
    assert headers["Allow"] == "POST, GET, HEAD, OPTIONS"


def test_the_image_counts_a_page_view_of_the_sites_own_device(ask: Ask, site: Site) -> None:
    status, headers, content = ask(f"/p/{site.key}", method="GET", HTTP_REFERER="https://shop.example/a?token=1")
    assert (status, headers["Content-Type"]) == ("200 OK", "image/gif")
    assert content.startswith(b"GIF89a")
    assert int(headers["Content-Length"]) == len(content)
    [hit] = kept()
    assert (hit.kind, hit.url) == ("page", "https://shop.example/a?token=")
    assert hit.device.endswith(f"{site.pk:x}")


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {"HTTP_REFERER": "https://shop.example/"}),
        ("GET", {}),
        ("GET", {"HTTP_REFERER": "https://shop.example/", "HTTP_DNT": "1"}),
        ("GET", {"HTTP_REFERER": "https://shop.example/", "HTTP_USER_AGENT": "Slurp"}),
    ],
)
def test_the_image_is_always_answered_but_not_always_counted(
    ask: Ask, site: Site, method: str, headers: dict[str, Any]
) -> None:
    assert ask(f"/p/{site.key}", method=method, **headers)[0] == "200 OK"
    assert not kept()


def test_without_the_broker_nothing_is_acknowledged(ask: Ask, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    broker.broker.cache_clear()
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    begun = time.monotonic()
    assert ask(f"/p/{site.key}", {"device": device(), **PAGE})[0] == "503 Service Unavailable"
    assert ask(f"/p/{site.key}", b"x")[0] == "503 Service Unavailable"
    assert ask(f"/p/{site.key}", method="GET", HTTP_REFERER="https://shop.example/")[0] == "200 OK"
    assert time.monotonic() - begun < 2
    monkeypatch.undo()
    broker.broker.cache_clear()


def test_without_the_database_known_sites_go_on(ask: Ask, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(f"/p/{site.key}", {"device": device(), **PAGE})

    def gone(*_args: Any, **_kwargs: Any) -> None:
        raise OperationalError("the database is restarting")

    monkeypatch.setattr(sites, "_look_up", gone)
    monkeypatch.setattr(sites, "REMEMBERED_SECONDS", -1.0)
    sites._known[site.key] = (0.0, sites.Known(site.tenant_id, site.pk))
    assert ask(f"/p/{site.key}", {"device": device(), **PAGE})[0] == "204 No Content"
    assert len(kept()) == 2
    assert ask(f"/p/{site.tenant_id:x}-{'0' * 16}", b"x")[0] == "503 Service Unavailable"


def test_a_site_is_looked_up_once_a_minute(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    look_up = sites._look_up

    def noted(key: str, **options: Any) -> Any:
        asked.append(key)
        return look_up(key, **options)

    monkeypatch.setattr(sites, "_look_up", noted)
    for moment in (0.0, 30.0, 59.0, 61.0):
        assert sites.find(site.key, now=moment) == sites.Known(site.tenant_id, site.pk)
    assert len(asked) == 2


def test_made_up_keys_do_not_fill_the_memory(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "_look_up", lambda _key, **_kw: None)
    monkeypatch.setattr(sites, "_MANY", 100)
    for n in range(1000):
        sites.find(f"1-{n:016x}")
    assert len(sites._known) <= 101


@pytest.mark.parametrize("path", ["/", "/p", "/pixel", "/w/p/x", "/static/pixel.js", "/P/1-2"])
def test_everything_else_goes_to_the_application_behind(ask: Ask, path: str) -> None:
    assert ask(path, method="GET")[0] == "418 Behind"


@pytest.mark.parametrize(("value", "in_loop"), [("loop", True), ("threads", False)])
def test_a_setting_says_who_takes_hits(monkeypatch: pytest.MonkeyPatch, value: str, in_loop: bool) -> None:
    import cdp.asgi

    monkeypatch.setattr(settings, "COLLECTOR", value)
    try:
        front = importlib.reload(cdp.asgi).front
        assert isinstance(front.collector, AsyncCollector) is in_loop
    finally:
        monkeypatch.undo()
        importlib.reload(cdp.asgi)


def test_the_web_servers_application_has_the_collector_in_front() -> None:
    from cdp.wsgi import application
    from tracking.pixel.collector import Collector

    assert isinstance(application, Collector)


def test_the_pixel_is_small_and_sends_what_the_collector_reads() -> None:
    source = Path("static/pixel.js").read_text()
    assert len(gzip.compress(source.encode())) < 3000
    words = ("globalPrivacyControl", "doNotTrack", "keepalive: true", *(f'"{state}"' for state in hits.CHECKS))
    for word in (*(f'"{kind}"' for kind in hits.KINDS - {"page"}), 'send("page")', *words):
        assert word in source
    assert "eval" not in source
