"""What the tests of the hit road send, and how they look at what came of it."""

import asyncio
import io
import itertools
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import orjson
from django.db import connections

from cdp.front import Front
from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tracking.models import Site, Visitor
from tracking.pixel import inbox_consumer
from tracking.pixel.collector import PREFIX, AsyncCollector, Collector
from tracking.pixel.hits import Hit
from tracking.pixel.inbox import Entry
from tracking.pixel.sites import new_key

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NOW = 1_780_000_000.0
_numbers = itertools.count(1)


def site_of(tenant: Tenant) -> Site:
    """A new site of a workspace."""
    with tenant_context(tenant.pk):
        site: Site = Site.objects.create(name="shop.example", key=new_key(tenant.pk))
        return site


def device() -> str:
    return str(uuid.uuid4())


def hit(on: str, kind: str = "page", *, name: str | None = None, **identifiers: str) -> Hit:
    """A hit on a device; identifiers by keyword."""
    return Hit(on, kind, name, "https://shop.example/", "Shop", None, {}, identifiers)


def entry(site: Site, what: Hit, *, at: float = NOW, tenant_id: int | None = None) -> Entry:
    """The hit as it comes out of the inbox, each later in the stream than the one before."""
    return Entry(f"{int(NOW * 1000)}-{next(_numbers)}", tenant_id or site.tenant_id, site.pk, at, what)


def stored(site: Site, *what: Hit, at: float = NOW) -> list[Entry]:
    """Store hits of one site as the consumer does."""
    entries = [entry(site, h, at=at) for h in what]
    inbox_consumer.store(site.tenant_id, entries)
    return entries


def contact(tenant: Tenant, **identifiers: Any) -> int:
    """A contact that exists; returns its id."""
    with tenant_context(tenant.pk):
        return int(Contact.objects.create(origin="manual", **identifiers).pk)


def visitors(tenant: Tenant) -> list[Visitor]:
    """The visitors of a workspace, by device and generation."""
    with tenant_context(tenant.pk):
        return list(Visitor.objects.order_by("device", "generation"))


def visitor(tenant: Tenant, on: str, generation: int = 0) -> Visitor:
    with tenant_context(tenant.pk):
        found: Visitor = Visitor.objects.get(device=on, generation=generation)
        return found


def ask(
    path: str, body: bytes | dict[str, Any] = b"", *, method: str = "POST", **headers: str
) -> tuple[str, dict[str, str], bytes]:
    """What the collector answers: status, headers, body. `headers` are names of the WSGI environment."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(raw)),
        "wsgi.input": io.BytesIO(raw),
        "HTTP_USER_AGENT": AGENT,
        **headers,
    }
    said: list[Any] = []
    answer: Callable[..., Any] = lambda status, headers: said.extend((status, dict(headers)))  # noqa: E731
    content = b"".join(Collector(behind)(environ, answer))
    return said[0], said[1], content


def ask_in_loop(
    path: str, body: bytes | dict[str, Any] = b"", *, method: str = "POST", **headers: str
) -> tuple[str, dict[str, str], bytes]:
    """The same of the collector that answers in the event loop, behind the real front."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    given = {"HTTP_USER_AGENT": AGENT, **headers}
    address = given.pop("REMOTE_ADDR", "")
    named = [(k.removeprefix("HTTP_").lower().replace("_", "-").encode(), v.encode()) for k, v in given.items()]
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "http_version": "1.1", "client": (address, 0), "headers": [*named, (b"content-length", str(len(raw)).encode())],
    }  # fmt: skip
    told: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    async def run() -> None:
        look_up = ThreadPoolExecutor(1)  # one thread, so that its connection is the one that is closed below
        collector = AsyncCollector(look_up)
        front = Front(behind, hits=PREFIX, collect=lambda _pool: collector)
        await front(scope, receive, send)
        await collector.close()
        look_up.submit(connections.close_all).result()
        for pool in (look_up, front.hit_threads, front.pages, front.files):
            pool.shutdown()

    asyncio.run(run())
    status = told[0]["status"]
    sent = {name.decode().title(): value.decode() for name, value in told[0]["headers"]}
    word = "Behind" if status == 418 else HTTPStatus(status).phrase
    return f"{status} {word}", sent, told[1]["body"]


def behind(_environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    """The application that everything else is for."""
    start("418 Behind", [])
    return [b"behind"]
