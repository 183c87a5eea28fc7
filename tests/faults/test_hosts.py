"""Several hosts in namespaces of the network: no shared folder, a broker behind sentinels, two web and two worker hosts.

Cables are pulled and hosts killed while files are imported and 500 hits a second arrive. A worker host is cut off for a
quarter of a minute in the usual suite; for a minute by `make faults`, which also cuts off the broker's primary.
"""

import contextlib
import os
import secrets
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from cdp.stack.embedded import Postgres
from cdp.stack.machine import open_home
from cdp.stack.stack import answers, web_server
from core import sentinels, signs_of_life
from tests.faults import network
from tests.faults.browsers import Browsers
from tests.faults.stack import STATE, result
from tests.faults.test_faults import people
from tests.s3_server import S3Server
from tests.servers import ROOT, program
from tests.watched_broker import Host, WatchedBroker
from tracking.pixel import inbox

pytestmark = [
    pytest.mark.faults,
    pytest.mark.long,
    pytest.mark.skipif(bool(network.missing()), reason=network.missing() or "none"),
]
ALL = int(os.environ.get("CDP_FAULTS", "4")) >= 50
CUT_SECONDS = 60 if ALL else 15
# From the fault on, until imports and hits go on.
GOES_ON_SECONDS = 90
ROWS = 10_000
# 10 browsers make 5 hits each 10 times a second.
BROWSERS = 10
CELERY = ("-m", "celery", "-A", "cdp")
WORKER = (*CELERY, "worker", "--pool", "prefork", "--concurrency", "2", "--without-gossip", "--without-mingle")
HOME_BEAT = "{home}/beat"
PROGRAMS = {
    "w1": {"worker": WORKER, "drain": ("manage.py", "drain_inbox")},
    "w2": {"worker": WORKER, "drain": ("manage.py", "drain_inbox"), "beat": (*CELERY, "beat", "--schedule", HOME_BEAT)},
}


class OpenPostgres(Postgres):
    """A database that other hosts reach."""

    def __init__(self, home: Path, *, address: str) -> None:
        super().__init__(home)
        self.addresses = f"127.0.0.1,{address}"
        self.network = f"{address.rpartition('.')[0]}.0/24"

    def make_cluster(self) -> None:
        super().make_cluster()
        with (self.data / "pg_hba.conf").open("a") as file:
            file.write(f"host all all {self.network} scram-sha-256\n")


class Hosts:
    """The whole product on hosts of its own: database and bucket here, all else in namespaces."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._ends = folder, contextlib.ExitStack()
        self.running: dict[str, list[subprocess.Popen[bytes]]] = {}
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        self.net = network.Network()
        self._ends.callback(self.net.close)
        home = open_home(self.folder / "home")
        postgres = OpenPostgres(home, address=self.net.address)
        self._ends.callback(postgres.stop)
        urls = postgres.start()
        self.database_url = urls.app
        bucket = S3Server(self.net.address)
        self._ends.callback(bucket.stop)
        brokers = [Host(self.net.add(name), self.net.enter(name)) for name in ("b1", "b2", "b3")]
        self.broker = WatchedBroker(self.folder, brokers)
        self._ends.callback(self.broker.close)
        web = [self.net.add(name) for name in ("web1", "web2")]
        self.urls = [f"http://{address}:8000" for address in web]
        own = ("DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "CDP_HOME", "MAIL_DIR")
        self.environ = {name: value for name, value in os.environ.items() if name not in own} | {
            "DATABASE_URL": urls.app.replace("127.0.0.1", self.net.address),
            "REDIS_URL": self.broker.address,
            "OBJECT_STORE": bucket.address,
            "SECRET_KEY": secrets.token_hex(32),
            "SITE_URL": self.urls[0],
            "ALLOWED_HOSTS": ",".join(web),
            "DJANGO_SETTINGS_MODULE": "cdp.settings",
        }
        done = self.manage("migrate", "--verbosity=0", DATABASE_URL=urls.owner)
        _out, errors = done.communicate(timeout=120)
        assert done.returncode == 0, errors.decode()[-3000:]
        for name in ("w1", "w2"):
            self.net.add(name)
        for name in ("web1", "web2", "w1", "w2"):
            self.start(name)
        for url in self.urls:
            self.wait_for_web(url)

    def close(self) -> None:
        self._ends.close()

    def home_of(self, name: str) -> Path:
        path = self.folder / f"home-{name}"
        path.mkdir(exist_ok=True)
        return path

    def start(self, name: str) -> None:
        """Start what runs on a host: a folder of its own, and nothing shared but the network."""
        home = self.home_of(name)
        programs = PROGRAMS.get(name) or {"web": web_server(8000, host=self.net.address_of(name))}
        self.running[name] = []
        for what, arguments in programs.items():
            with (home / f"{what}.log").open("ab") as log:
                command = [*self.net.enter(name), sys.executable, *(one.format(home=home) for one in arguments)]
                environ = {**self.environ, "CDP_HOME": str(home)}
                self.running[name].append(
                    self._ends.enter_context(program(command, env=environ, stdout=log, stderr=log))
                )

    def kill(self, name: str) -> None:
        """Kill every process of a host at once."""
        for parent in self.running[name]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(parent.pid)
                for one in [process, *process.children(recursive=True)]:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        one.kill()
            parent.wait(10)

    def wait_for_web(self, url: str, *, seconds: float = 180) -> None:
        until = time.monotonic() + seconds
        while not answers(f"{url}/healthz"):
            assert time.monotonic() < until, f"{url} does not answer"
            time.sleep(0.2)

    # --- what to do, as a person at the command line of a host that is neither web nor worker ---

    def manage(self, *arguments: str, **changes: str) -> "subprocess.Popen[bytes]":
        environ = {**self.environ, "CDP_HOME": str(self.home_of("console")), **changes}
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def workspace(self, slug: str) -> int:
        done = self.manage("create_workspace", slug, "--name", slug, "--country", "GB", "--owner", "owner@example.com")
        return int(result(done)["id"])

    def bring(self, path: Path, slug: str) -> "subprocess.Popen[bytes]":
        return self.manage("import_contacts", str(path), "--workspace", slug, "--json", "--set", "segment=Everybody")

    @contextlib.contextmanager
    def database(self, tenant_id: int) -> Iterator["psycopg.Connection[Any]"]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(f"SET app.tenant_id = '{tenant_id}'")
            yield connection

    def workers_alive(self, *, seconds: float = GOES_ON_SECONDS) -> set[str]:
        """The hosts of which two worker processes show signs of life: all, unless that takes too long."""
        until, found = time.monotonic() + seconds, set[str]()
        client = sentinels.connect(self.broker.address, socket_timeout=2)
        while time.monotonic() < until and found != set(PROGRAMS):
            now: Any = client.time()
            signs: Any = client.zrangebyscore(signs_of_life.ALIVE, now[0] - 5, "+inf")
            seen = Counter(sign.decode().split("|")[1] for sign in signs if sign.startswith(b"worker|"))
            found = {name for name, processes in seen.items() if processes == 2}
            time.sleep(0.5)
        return found

    def number(self, tenant_id: int, question: str) -> int:
        with self.database(tenant_id) as connection:
            row = connection.execute(question, [tenant_id]).fetchone()
        return int(row[0]) if row else 0

    def state(self, tenant_id: int) -> dict[str, list[tuple[Any, ...]]]:
        with self.database(tenant_id) as connection:
            return {name: connection.execute(sql, {"t": tenant_id}).fetchall() for name, sql in STATE.items()}


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    running = Hosts(tmp_path_factory.mktemp("hosts"))
    with contextlib.closing(running):
        yield running


UNITS = "SELECT count(*) FROM import_unit WHERE tenant_id = %s AND done_at IS NOT NULL"
EVENTS = "SELECT count(*) FROM event WHERE tenant_id = %s"


def goes_on(count: Callable[[], int], *, seconds: float = GOES_ON_SECONDS) -> float:
    """After how many seconds more is counted than now; fails when that takes too long."""
    began, first = time.monotonic(), count()
    while count() == first:
        assert time.monotonic() - began < seconds, f"nothing went on in {seconds} seconds"
        time.sleep(0.2)
    return time.monotonic() - began


def test_nothing_is_lost_doubled_or_stuck_when_hosts_go(hosts: Hosts, tmp_path: Path) -> None:
    file = people(tmp_path / "people.csv", ROWS)
    shop = hosts.workspace("shop")
    key = f"{shop:x}-{uuid.uuid4().hex[:16]}"
    with hosts.database(shop) as connection:
        connection.execute("INSERT INTO site (name, key, created_at, dropped) VALUES ('shop', %s, now(), '{}')", [key])
    with Browsers(*hosts.urls, key=key, count=BROWSERS, patience=120) as browsers:
        undisturbed = hosts.workspace("undisturbed")
        assert result(hosts.bring(file, "undisturbed"))["status"] == "imported"
        expected = hosts.state(undisturbed)
        for name, fault in FAULTS.items():
            tenant_id = hosts.workspace(f"without-{name}")
            run = hosts.bring(file, f"without-{name}")
            goes_on(partial(hosts.number, tenant_id, UNITS))
            with fault(hosts):
                hits = goes_on(partial(hosts.number, shop, EVENTS))
                began = time.monotonic()
                done = result(run, seconds=GOES_ON_SECONDS + CUT_SECONDS)
                print(f"{name}: hits go on after {hits:.1f} s, the import ends after {time.monotonic() - began:.1f} s")
            assert done["status"] == "imported", done
            assert hosts.state(tenant_id) == expected
            hosts.broker.wait_until_whole()
            assert hosts.workers_alive() == {"w1", "w2"}
    events = stored(hosts, shop, most=len(browsers.acknowledged))
    lost = browsers.acknowledged - events.keys()
    doubled = [hit for hit, times in events.items() if times > 1]
    print(
        f"{len(browsers.made)} hits in {browsers.seconds:.0f} s, {len(browsers.acknowledged)} acknowledged, "
        f"{events.total()} stored, {browsers.failed} bodies failed; lost {len(lost)}, doubled {len(doubled)}"
    )
    assert (lost, doubled, browsers.refused) == (set(), [], [])
    assert browsers.acknowledged == set(browsers.made) == events.keys()


@contextlib.contextmanager
def cut_worker(hosts: Hosts) -> Iterator[None]:
    """A worker host hears nobody for a while, in the middle of its units; what it does then is of no use or is too late."""
    with hosts.net.cut_off("w1"):
        time.sleep(CUT_SECONDS)
    yield


@contextlib.contextmanager
def kill_broker(hosts: Hosts) -> Iterator[None]:
    """The primary is killed; a replica takes over, and the killed one comes back as a replica."""
    hosts.broker.kill_primary()
    yield
    hosts.broker.start_again()


@contextlib.contextmanager
def kill_web(hosts: Hosts) -> Iterator[None]:
    """A web host is killed and comes back."""
    hosts.kill("web1")
    yield
    hosts.start("web1")
    hosts.wait_for_web(hosts.urls[0])


@contextlib.contextmanager
def cut_broker(hosts: Hosts) -> Iterator[None]:
    """The primary lives and hears nobody: who still speaks to it must not take its word, and it must give in later."""
    primary = hosts.broker.primary()
    name = next(name for name in hosts.net.numbers if hosts.net.address_of(name) == primary.address)
    with hosts.net.cut_off(name):
        yield


FAULTS = {"worker": cut_worker, "broker": kill_broker, "web": kill_web} | ({"split": cut_broker} if ALL else {})


def stored(hosts: Hosts, tenant_id: int, *, most: int) -> Counter[str]:
    """How often each hit is stored, once the inbox is empty."""
    until = time.monotonic() + GOES_ON_SECONDS
    client = sentinels.connect(hosts.broker.address, socket_timeout=2)
    while time.monotonic() < until:
        if hosts.number(tenant_id, EVENTS) >= most and not client.xlen(inbox.STREAM):
            break
        time.sleep(0.25)
    with hosts.database(tenant_id) as connection:
        rows = connection.execute(
            "SELECT properties ->> 'hit', count(*) FROM event WHERE tenant_id = %s GROUP BY 1", [tenant_id]
        ).fetchall()
    return Counter(dict(rows))
