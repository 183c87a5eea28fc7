"""Many workspaces of mixed sizes on one machine, all at once for a while: imports large and small, hits, pages, segments.

Threads of this process are the people and programs outside: they wait for answers nearly all of the time. Everything else
is the stack's own. Says how long small ones wait behind large ones, whether a queue grows without end, and the memory.
"""

import contextlib
import http.client
import io
import itertools
import json
import random
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import Client

from benchmarks import load, pixel
from benchmarks.pages import at
from benchmarks.stack import MB, Stack
from cdp.demo import people
from core.broker import FIRST_LINE, broker
from insights.operations import machinery
from segments import dynamic
from segments.rules import tree
from tenants.isolation.context import tenant_context
from tenants.models import Tenant, User
from tenants.workspaces import create_workspace

SEED = 19
SMALL_ROWS = 100
# Of forty workspaces one is large and four are middling.
SHARE_LARGE, SHARE_MIDDLE = 40, 10
LARGE_IMPORTERS, SMALL_IMPORTERS, READERS = 2, 3, 4
SMALL_PAUSE, PAGE_PAUSE = 1.0, 0.3
HITS_A_SECOND, HITS_AT_ONCE = 100, 10
# What is under way at the end may take so long to end.
END_SECONDS = 120.0
SITES = 20
PAGES = {
    "Dashboard": "dashboard/",
    "Dashboard: a part": "dashboard/audience/cards/",
    "Contacts": "contacts/",
    "Contacts: a search": "contacts/?q=first7",
    "Segments": "segments/",
    "Imports": "imports/",
}
CONTACTS = """
INSERT INTO contact (tenant_id, id, external_id, email, first_name, last_name, first_key, last_key, attributes, origin,
                     created_at, changed_at)
SELECT %(tenant)s, nextval('contact_id_seq'), 'F-' || n, 'f' || n || '@fleet.example',
  'First' || n %% 500, 'Last' || n %% 900,
  'first' || n %% 500, 'last' || n %% 900, jsonb_build_object('city', 'City ' || n %% 40), 'import', now(), now()
FROM generate_series(1, %(people)s) n"""
# A queue that is longer at the end than before by more than this, and by half, grows.
SLACK = {
    "Messages for workers": 20.0,
    "Hits that wait": 500.0,
    "Age of the oldest hit, s": 5.0,
    "Changes for segments": 2_000.0,
}


@dataclass(frozen=True)
class Fleet:
    """How many workspaces, for how long; contacts of a large, a middling and a small one; rows of a large import."""

    workspaces: int = 200
    seconds: float = 600.0
    large: int = 100_000
    middle: int = 5_000
    small: int = 200
    rows: int = 50_000


@dataclass
class Got:
    """Waits in seconds by what was waited for; queues as (second, length); memory of processes in MiB as (before, most)."""

    seconds: float = 0.0
    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    queues: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    memory: dict[str, tuple[float, float]] = field(default_factory=dict)
    tasks: Counter[str] = field(default_factory=Counter)  # of messages that were seen waiting in the first line
    hits: int = 0
    failures: list[str] = field(default_factory=list)

    def waiting(self) -> list[tuple[str, float]]:
        """The tasks that most of the messages in the first line were for, and how many waited on average."""
        looks = max(len(self.queues["Messages for workers"]), 1)
        return [(task, seen / looks) for task, seen in self.tasks.most_common(6)]

    def thirds(self, queue: str) -> tuple[float, float, float]:
        """The mean length of a queue in the first, second and last third of the run."""
        values = [length for _second, length in self.queues[queue]]
        size = max(len(values) // 3, 1)
        parts = (values[:size], values[size : 2 * size] or values, values[-size:])
        first, second, last = (sum(part) / len(part) for part in parts)
        return first, second, last

    def grows(self, queue: str) -> bool:
        """Whether a queue looks as if it had no end."""
        _first, second, last = self.thirds(queue)
        return last > 1.5 * second + SLACK[queue]


@dataclass
class Member:
    """A workspace, how large it is, and the cookie of its owner."""

    tenant: Tenant
    size: str
    cookie: str


def measure(stack: Stack, wanted: Fleet) -> Got:
    """Make the workspaces, let all begin at once, and stop after the time."""
    fleet, got, over = make(stack, wanted), Got(), threading.Event()
    groups: dict[str, list[Member]] = defaultdict(list)
    for member in fleet:
        groups[member.size].append(member)
    large, small = _file(stack.home, wanted.rows), _file(stack.home, SMALL_ROWS)
    sites = [pixel.site(member.tenant) for member in (*groups["large"], *groups["middle"], *groups["small"])[:SITES]]
    _warm_up(stack, fleet[0])
    begun = time.perf_counter()
    work: list[tuple[str, Callable[[], None]]] = [
        ("hits", partial(_send, stack, [site.key for site in sites], got, over)),
        ("look", partial(_watch, stack, got, over, begun)),
    ]
    for n in range(LARGE_IMPORTERS):
        chosen = groups["large"][n::LARGE_IMPORTERS] or groups["large"]
        work.append(("large", partial(_import, chosen, "A large import", large, got, over)))
    for n in range(SMALL_IMPORTERS):
        chosen = groups["small"][n::SMALL_IMPORTERS]
        work.append(("small", partial(_import, chosen, "A small import", small, got, over, pause=SMALL_PAUSE)))
    work += [("pages", partial(_read, stack, fleet, got, over, n)) for n in range(READERS)]
    threads = [threading.Thread(target=_guarded, args=(name, one, got, over), daemon=True) for name, one in work]
    for thread in threads:
        thread.start()
    over.wait(wanted.seconds)
    over.set()
    got.seconds = time.perf_counter() - begun
    until = time.monotonic() + END_SECONDS
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0))
    if got.failures:
        raise SystemExit("\n".join(got.failures))
    return got


def make(stack: Stack, wanted: Fleet) -> list[Member]:
    """Workspaces with contacts, an owner each, and dynamic segments in those that are not small."""
    members = []
    with psycopg.connect(stack.info["owner_database_url"], autocommit=True) as connection:
        for n in range(wanted.workspaces):
            size = "large" if n % SHARE_LARGE == 0 else "middle" if n % SHARE_MIDDLE == 1 else "small"
            owner = User.objects.create_user(f"fleet{n}@example.com")
            tenant = create_workspace(f"fleet-{n}", name=f"Fleet {n}", country="GB", owner=owner)
            connection.execute(f"SET app.tenant_id = '{int(tenant.pk)}'")
            connection.execute(CONTACTS, {"tenant": tenant.pk, "people": getattr(wanted, size)})
            if size != "small":
                _segments(tenant, owner)
            client = Client()
            client.force_login(owner)
            name = settings.SESSION_COOKIE_NAME
            members.append(Member(tenant, size, f"{name}={client.cookies[name].value}"))
        connection.execute("VACUUM (ANALYZE)")
    return members


def _segments(tenant: Tenant, owner: User) -> None:
    with tenant_context(tenant.pk):
        for city in range(3):
            rule = {"v": 1, "all": [{"attribute": "city", "op": "is", "values": [f"City {city}"]}]}
            dynamic.save_dynamic_segment(tree.parse(rule), f"In city {city}", user_id=owner.pk)


def _file(folder: Path, rows: int) -> Path:
    path = folder / f"fleet-{rows}.csv"
    people.write(path, people.rows(rows, SEED))
    return path


def _guarded(name: str, work: Callable[[], None], got: Got, over: threading.Event) -> None:
    try:
        work()
    except Exception as problem:
        got.failures.append(f"{name}: {problem!r}")
        over.set()
    finally:
        connections.close_all()


def _import(
    members: list[Member], what: str, path: Path, got: Got, over: threading.Event, *, pause: float = 0.0
) -> None:
    """Import the same file into one workspace after another."""
    maps = [f"--set=map.{name}={target}" for name, target in people.OWN_COLUMNS.items()]
    for member in itertools.cycle(members):
        said, begun = io.StringIO(), time.perf_counter()
        call_command("import_contacts", str(path), f"--workspace={member.tenant.slug}", "--json", *maps, stdout=said)
        status = json.loads(said.getvalue())["status"]
        if status != "imported":
            raise RuntimeError(f"{path.name} did not import: {said.getvalue()[:500]}")
        got.waits[what].append(time.perf_counter() - begun)
        if over.wait(pause):
            return


def _warm_up(stack: Stack, member: Member) -> None:
    """Each page some times: the first ones of a web process read its templates."""
    address = urlsplit(stack.info["url"])
    for _ in range(4):
        for path in PAGES.values():
            line = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
            with contextlib.closing(line):
                line.request("GET", f"/w/{member.tenant.slug}/{path}", headers={"Cookie": member.cookie})
                line.getresponse().read()


def _read(stack: Stack, fleet: list[Member], got: Got, over: threading.Event, turn: int) -> None:
    """Open pages of any workspace, as a person does who thinks for a moment."""
    chance = random.Random(SEED + turn)
    address = urlsplit(stack.info["url"])
    line = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    with contextlib.closing(line):
        while not over.wait(PAGE_PAUSE * chance.random() * 2):
            member, (what, path) = chance.choice(fleet), chance.choice(list(PAGES.items()))
            begun = time.perf_counter()
            line.request("GET", f"/w/{member.tenant.slug}/{path}", headers={"Cookie": member.cookie})
            answer = line.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path} answered {answer.status}")
            got.waits[what].append(time.perf_counter() - begun)


def _send(stack: Stack, keys: list[str], got: Got, over: threading.Event) -> None:
    """Hits at a steady rate, a few at a time on one connection."""
    address = urlsplit(stack.info["url"])
    asks = [load.request(address.netloc, key, no * 31 + n) for no in range(100) for n, key in enumerate(keys)]
    with socket.create_connection((address.hostname or "", address.port or 80), timeout=60) as line:
        for start in itertools.count(0, HITS_AT_ONCE):
            begun = time.perf_counter()
            for n in range(HITS_AT_ONCE):
                line.sendall(asks[(start + n) % len(asks)])
                if not load.answer(line).startswith(b"HTTP/1.1 204"):
                    raise RuntimeError("a hit was refused")
            got.hits += HITS_AT_ONCE
            if over.wait(max(HITS_AT_ONCE / HITS_A_SECOND - (time.perf_counter() - begun), 0)):
                return


def _watch(stack: Stack, got: Got, over: threading.Event, begun: float) -> None:
    """Queues and memory, once a second."""
    while True:
        found, second = machinery.look(statements=False), time.perf_counter() - begun
        got.queues["Messages for workers"].append((second, float(found.queued or 0)))
        got.queues["Hits that wait"].append((second, float(found.hits_waiting or 0)))
        got.queues["Age of the oldest hit, s"].append((second, found.hits_lag or 0.0))
        got.queues["Changes for segments"].append((second, float(found.sample.changes_waiting if found.sample else 0)))
        messages: Any = broker().lrange(FIRST_LINE, 0, 500)
        got.tasks.update(json.loads(message)["headers"]["task"] for message in messages)
        for what, size in _sizes(stack):
            before, most = got.memory.get(what, (size, size))
            got.memory[what] = (before, max(most, size))
        if over.wait(1):
            return


def _sizes(stack: Stack) -> Iterator[tuple[str, float]]:
    """The largest process of each kind, in MiB."""
    for what, processes in (
        ("Worker", stack.workers()),
        ("Web", stack.web()),
        ("Consumer of hits", [stack.consumer()]),
    ):
        sizes = [0.0]
        for process in processes:
            with contextlib.suppress(psutil.Error):
                sizes.append(process.memory_info().rss / MB)
        yield what, max(sizes)


def summary(got: Got) -> list[tuple[str, int, float, float, float]]:
    """(what, how often, median, 95th percentile, at most) in seconds: imports, all pages together, then each page."""
    every = {"All pages": [wait for what in PAGES for wait in got.waits[what]]}
    named = {what: got.waits[what] for what in ("A small import", "A large import")} | every
    rows = []
    for what, waits in {**named, **{page: got.waits[page] for page in PAGES}}.items():
        if waits:
            waits = sorted(waits)
            rows.append((what, len(waits), at(waits, 0.5), at(waits, 0.95), waits[-1]))
    return rows
