"""Contacts and events as programs send them: whole requests over HTTP to the stack, in batches of 5,000 and one by one."""

import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from api import tokens
from benchmarks.imports import SEED, owner
from benchmarks.stack import Stack, peak
from cdp.demo import people
from imports.direct_upsert import MAX_ITEMS
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

SCOPES = ("contacts.view", "contacts.edit")
FIELDS = ("email", "phone", "external_id", "first_name", "last_name", "city", "country", "birthday")
CLIENTS = 2


@dataclass(frozen=True)
class Sent:
    """One kind of request: how many items, over how many connections, how long all of it took, and what the larger web
    process needed at most (MiB)."""

    what: str
    items: int
    clients: int
    seconds: float
    memory: float

    @property
    def speed(self) -> float:
        return self.items / self.seconds


@dataclass(frozen=True)
class Measured:
    """Batches, and the times of single requests in seconds."""

    batches: list[Sent]
    singles: list[float]


class Caller:
    """A program with a token, and one connection."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self.line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def post(self, path: str, body: bytes) -> dict[str, Any]:
        """The answer; another program's turn at the write lock is waited for."""
        while True:
            self.line.request("POST", f"/api/v1/{path}", body, self.headers)
            response = self.line.getresponse()
            content = response.read()
            if response.status == 409:
                time.sleep(0.01)
                continue
            if response.status not in (200, 201):
                raise SystemExit(f"The API answered with {response.status}: {content[:500]!r}")
            return dict(json.loads(content))


def contact(number: int, salt: int) -> dict[str, str]:
    """One made-up person as an item; all are clean."""
    cells = people.row(number, SEED, 0)
    item = {name: cell for name, cell in zip(FIELDS, cells, strict=False) if cell}
    return item | {"company": f"Company {number * (salt + 1) % 977}"}


def event(number: int, contacts: int) -> dict[str, Any]:
    """An order of one of the people."""
    return {
        "kind": "order", "id": f"O-{number}", "contact": {"external_id": people.row(number % contacts, SEED, 0)[2]},
        "amount": f"{number % 500}.90", "currency": "EUR", "time": "2026-05-31T10:00:00Z",
        "properties": {"basket": number % 7, "coupon": "SPRING"},
    }  # fmt: skip


def measure(stack: Stack, tenant: Tenant, batches: int, *, singles: int, items: int = MAX_ITEMS) -> Measured:
    """Send `batches` of new contacts, the same again, changed ones, and as many events; then single contacts."""
    with tenant_context(tenant.pk):
        _token, text = tokens.create("Benchmark", scopes=list(SCOPES), user=owner())
    total = batches * items

    def contacts(first: int, salt: int) -> bytes:
        return json.dumps({"contacts": [contact(n, salt) for n in range(first, first + items)]}).encode()

    def events(first: int) -> bytes:
        return json.dumps({"events": [event(n, total) for n in range(first, first + items)]}).encode()

    starts = [number * items for number in range(batches)]
    known, changed = ([contacts(first, salt) for first in starts] for salt in (0, 1))
    orders, more = ([events(first + ahead) for first in starts] for ahead in (0, total))
    sent = [
        send(stack, text, "New contacts", "contacts/bulk", known, items),
        send(stack, text, "The same again", "contacts/bulk", known, items),
        send(stack, text, "Changed contacts", "contacts/bulk", changed, items),
        send(stack, text, f"Changed back, {CLIENTS} programs", "contacts/bulk", known, items, clients=CLIENTS),
        send(stack, text, "Orders of known contacts", "events", orders, items),
        send(stack, text, "The same orders again", "events", orders, items),
        send(stack, text, f"Other orders, {CLIENTS} programs", "events", more, items, clients=CLIENTS),
    ]
    caller, times = Caller(stack.info["url"], text), list[float]()
    for number in range(singles):
        body = json.dumps({"contact": contact(number, 2)}).encode()
        begun = time.perf_counter()
        caller.post("contacts", body)
        times.append(time.perf_counter() - begun)
    return Measured(sent, times)


def send(
    stack: Stack, token: str, what: str, path: str, bodies: Sequence[bytes], items: int, *, clients: int = 1
) -> Sent:
    """Send all bodies over so many connections."""
    with peak(stack.web) as memory:
        begun = time.perf_counter()
        side_by_side([_sender(stack.info["url"], token, path, bodies[place::clients]) for place in range(clients)])
        took = time.perf_counter() - begun
    return Sent(what, len(bodies) * items, clients, took, memory.most)


def _sender(url: str, token: str, path: str, bodies: Sequence[bytes]) -> Callable[[], None]:
    def run() -> None:
        caller = Caller(url, token)
        for body in bodies:
            answer = caller.post(path, body)
            if answer["counts"]["error"]:
                raise SystemExit(f"{answer['counts']['error']} items were refused")

    return run


def side_by_side(work: Sequence[Callable[[], None]]) -> None:
    """Do all of it at once; what one raises is raised."""
    failed: list[BaseException] = []

    def guarded(one: Callable[[], None]) -> None:
        try:
            one()
        except BaseException as problem:
            failed.append(problem)

    threads = [threading.Thread(target=guarded, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def middle(times: Sequence[float]) -> tuple[float, float]:
    """(median, 95 %) of times."""
    ordered = sorted(times)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
