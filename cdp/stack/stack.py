"""The whole product with one command: servers, tables, demo workspace, web, worker, beat and the pixel's consumer.

This runs before Django, whose settings need the addresses that are only known once the servers run. The parent holds
no state: it starts children, watches them, starts again what dies and stops them in order.
"""

import argparse
import json
import os
import secrets
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from cdp.stack import renewal
from cdp.stack.embedded import STACK_ENV, Postgres, Server, Valkey, running_stack, tail
from cdp.stack.environment import check
from cdp.stack.environment import number as whole_number
from cdp.stack.machine import DEMO_LOGIN, StartError, free_port, open_home, secret, steady_port, take_lock
from cdp.stack.supervisor import MARK, Child, Supervisor, clear_orphans, stop_all, wait_until, write_private

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT = 120
# The mark of a restore that has not finished (cdp.stack.restore).
RESTORING = "restoring"
ANNOUNCED = (
    "url", "workspace", "login", "password", "database_url", "owner_database_url", "redis_url", "home", "logins",
    "sftp_port", "ftps_port", "connectors",
)  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Run until Ctrl-C or SIGTERM; 0 after an orderly end, 1 when the stack could not start."""
    parser = argparse.ArgumentParser(prog="manage.py up", description=__doc__)
    add_arguments(parser)
    options = parser.parse_args(argv)
    try:
        check(os.environ, required=False)
        port = whole_number(str(options.port), name="The port", low=1, high=65_535)
        workers = whole_number(str(options.workers), name="The number of workers", low=1, high=64)
        return Stack(Path(options.home), port=port, workers=workers, demo=options.demo).run()
    except StartError as problem:
        say(str(problem))
        return 1
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        say(f"{where}{problem.strerror or problem}. Choose another --home, or make room there.")
        return 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options; each has an environment variable so that containers and `make up` need no arguments."""
    environ = os.environ
    parser.add_argument("--home", default=environ.get("CDP_HOME") or ROOT / ".home", help="state folder")
    parser.add_argument("--port", default=environ.get("CDP_PORT", "8000"), help="port of the web server")
    parser.add_argument("--workers", default=environ.get("CDP_WORKERS", "2"), help="Celery processes")
    parser.add_argument("--no-demo", dest="demo", action="store_false", help="do not create a demo workspace")


def say(text: str) -> None:
    """Tell the person at the terminal. Standard output belongs to the one line of JSON."""
    try:
        print(text, file=sys.stderr, flush=True)  # noqa: T201  this is a command
    except OSError:
        return  # The terminal is gone; the servers are not to stop for that.


class Stack:
    """One running stack on one home."""

    def __init__(self, home: Path, *, port: int, workers: int, demo: bool) -> None:
        self.home = open_home(home)
        if (self.home / RESTORING).exists():
            raise StartError(f"A restore into {self.home} did not finish. Run `manage.py restore` again.")
        self.wanted_port, self.workers, self.demo = port, workers, demo
        self.mark = secrets.token_hex(16)
        self.supervisor = Supervisor(
            self.home / "pids.json", mark=self.mark, say=say, deaths=self.home / "deaths.jsonl"
        )
        self.servers: list[Server] = []
        self.values: dict[str, Any] = {"home": str(self.home), "workspace": None, "login": None, "password": None}
        self.values |= {"logins": [], "connectors": {}, "pid": os.getpid()}
        self.supervisor.renew = partial(renewal.renew, self.supervisor, self.home / renewal.NOTE)

    def run(self) -> int:
        """Everything, from the lock to the lock."""
        os.umask(0o077)
        lock = self.take_home()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.ask_to_stop)
        signal.signal(renewal.ASK, self.ask_to_renew)
        try:
            self.start()
            self.supervisor.watch()
        finally:
            self.stop()
            lock.close()
        return 0

    def take_home(self) -> Any:
        """The lock on the home; raises `StartError` if another `up` runs there."""
        try:
            return take_lock(self.home / "lock")
        except StartError:
            running = running_stack(self.home) or {}
            where = f" at {running['url']}" if "url" in running else ""
            raise StartError(f"A stack is already running on {self.home}{where}; stop it first.") from None

    def ask_to_stop(self, _number: int, _frame: object) -> None:
        """The signal handler: only a note, the loop does the rest."""
        self.supervisor.stopping = True

    def ask_to_renew(self, _number: int, _frame: object) -> None:
        """The signal handler of `manage.py restart`."""
        self.supervisor.renewing = True

    @property
    def stopping(self) -> bool:
        """True once somebody asked us to stop."""
        return self.supervisor.stopping

    def start(self) -> None:
        """Every step from an empty home to the ready line; a request to stop ends it between two steps."""
        begun = time.monotonic()
        say(f"Starting in {self.home}: the servers ...")
        if ended := clear_orphans(self.home / "pids.json"):
            say(f"Ended {ended} processes left behind by an earlier start.")
        self.start_servers()
        self.settle()
        steps = (
            ("the tables", self.migrate),
            ("the programs", self.start_programs),
            ("the demo workspace, which takes half a minute the first time" if self.demo else "", self.seed),
            ("the web server", self.wait_for_web),
        )
        for name, step in steps:
            if not self.stopping:
                say(f"  {time.monotonic() - begun:3.0f} s  {name} ...") if name else None
                step()
        if not self.stopping:
            self.announce(seconds=time.monotonic() - begun)

    def start_servers(self) -> None:
        """PostgreSQL and Valkey, together; a server named in the environment is used instead."""
        postgres = None if os.environ.get("DATABASE_URL") else Postgres(self.home)
        valkey = None if os.environ.get("REDIS_URL") else Valkey(self.home)
        self.servers = [server for server in (valkey, postgres) if server]
        with ThreadPoolExecutor(2) as pool:
            database = pool.submit(postgres.start) if postgres else None
            broker = pool.submit(valkey.start) if valkey else None
        for server in self.servers:
            if server.alive():
                self.supervisor.add(server, running=True)
        self.values["redis_url"] = broker.result() if broker else os.environ["REDIS_URL"]
        self.values["database_url"] = database.result().app if database else os.environ["DATABASE_URL"]
        self.values["owner_database_url"] = (
            database.result().owner if database else os.environ.get("OWNER_DATABASE_URL")
        )
        if not self.values["owner_database_url"]:
            raise StartError("DATABASE_URL is set but OWNER_DATABASE_URL, the role that migrates, is not.")

    def settle(self) -> None:
        """Port, secret key and folders."""
        port = free_port([self.wanted_port])
        if port != self.wanted_port:
            say(f"Port {self.wanted_port} is taken; using {port} instead.")
        url = f"http://127.0.0.1:{port}"
        self.values |= {
            "url": url,
            "cdp_port": port,
            "cdp_home": str(self.home),
            "secret_key": os.environ.get("SECRET_KEY") or secret(self.home / "secret"),
            "mail_dir": os.environ.get("MAIL_DIR") or str(self.home / "mail"),
            "site_url": os.environ.get("SITE_URL") or url,
            "sftp_port": self.file_port("sftp", usual=2222),
            "ftps_port": self.file_port("ftps", usual=2121),
        }
        Path(self.values["mail_dir"]).mkdir(parents=True, exist_ok=True, mode=0o700)

    def file_port(self, name: str, *, usual: int) -> int:
        """The port of a file server: the one of the last start or the usual one if it is free, as programs know it."""
        path = self.home / f"{name}.port"
        if given := os.environ.get(f"{name.upper()}_PORT"):
            path.write_text(given)
        elif not path.exists():
            path.write_text(str(usual))
        return steady_port(path, wanted=None)

    def environment(self) -> dict[str, str]:
        """What the programs get. The owner's address is not among it: what serves pages cannot become the owner."""
        given = {name.upper(): str(self.values[name]) for name in STACK_ENV}
        own = {MARK: self.mark, "CDP_WORKERS": str(self.workers), "PYTHONUNBUFFERED": "1"}
        # Whoever runs this machine runs the platform: the login of the demo is the one they have.
        own |= {"OPERATORS": DEMO_LOGIN} if self.demo and "OPERATORS" not in os.environ else {}
        together = {**os.environ, "DJANGO_SETTINGS_MODULE": "cdp.settings", **given, **own}
        return {name: value for name, value in together.items() if name != "OWNER_DATABASE_URL"}

    def child(self, name: str, *arguments: str | Path, **changes: str) -> Child:
        """A Python program of ours; `changes` are made to its environment."""
        return Child(
            name,
            argv=[sys.executable, *arguments],
            env={**self.environment(), **changes},
            log=self.home / "log" / f"{name}.log",
            cwd=ROOT,
            # A worker that is busy goes on SIGQUIT: it hands its task back instead of ending it.
            stop_by=((signal.SIGTERM, 10), (signal.SIGQUIT, 5)),
        )

    def finish(self, child: Child) -> None:
        """Wait for a program that ends by itself; raises `StartError` if it failed."""
        self.supervisor.note(child)
        wait_until(lambda: self.stopping or not child.alive(), seconds=3600)
        if self.stopping:
            stop_all([child])
        elif child.collect():
            raise StartError(f"{child.name} failed ({child.code}):\n{tail(child.log)}")

    def migrate(self) -> None:
        """Migrate the tables, as their owner, and make partitions of events for the coming months."""
        owner = self.values["owner_database_url"]
        child = self.child("migrate", "manage.py", "keep_partitions", "--migrate", DATABASE_URL=owner)
        child.spawn()
        self.finish(child)

    def start_programs(self) -> None:
        """Web, worker, beat, the pixel's consumer and the file servers: the order in which they are asked to stop, too."""
        celery = ("-m", "celery", "-A", "cdp")
        quiet = ("-l", "warning")
        pool = ("--pool", "prefork", "--concurrency", str(self.workers))
        programs = (
            self.child("web", *web_server(self.values["cdp_port"])),
            self.child("worker", *celery, "worker", *pool, "--without-gossip", "--without-mingle", *quiet),
            self.child("beat", *celery, "beat", "--schedule", self.home / "beat", *quiet),
            self.child("drain", "manage.py", "drain_inbox"),
            self.child("files", "manage.py", "serve_files"),
        )
        for program in programs:
            self.supervisor.add(program)

    def seed(self) -> None:
        """Fill the demo workspace once, and keep its login: nobody can ask for it again."""
        kept = self.home / "demo.json"
        if not self.demo:
            return
        if not (kept.exists() and len(self.servers) == 2 and "connectors" in kept.read_text()):
            child = self.child("seed_demo", "manage.py", "seed_demo")
            child.output = self.home / "demo.new"
            child.spawn()
            self.finish(child)
            if self.stopping:
                return
            write_private(kept, child.output.read_text())
            child.output.unlink()
        self.values |= json.loads(kept.read_text())

    def wait_for_web(self) -> None:
        """Return when the web server answers; a child that dies this early will not do better the next time."""

        def settled() -> bool:
            return self.stopping or bool(self.dead()) or answers(f"{self.values['url']}/healthz")

        answered = wait_until(settled, seconds=START_LIMIT, pause=0.1)
        if self.stopping:
            return
        for child in self.dead():
            raise StartError(f"{child.name} stopped immediately:\n{tail(child.log)}")
        if not answered:
            raise StartError(f"The web server does not answer:\n{tail(self.home / 'log' / 'web.log')}")

    def dead(self) -> list[Child]:
        """The children that do not run."""
        return [child for child in self.supervisor.children if not child.alive()]

    def announce(self, *, seconds: float) -> None:
        """Keep the values for other commands, then say that all is ready."""
        write_private(self.home / "stack.json", json.dumps(self.values))
        print(json.dumps({name: self.values[name] for name in ANNOUNCED}), flush=True)  # noqa: T201  the contract
        login = f", sign in as {self.values['login']} with {self.values['password']}" if self.values["login"] else ""
        say(f"\nReady in {seconds:.0f} s: open {self.values['url']}{login}")
        for other in self.values["logins"][1:]:
            say(f"  {other['role']:<9} {other['login']} with {other['password']}")
        ports = {"sftp": self.values["sftp_port"], "ftps": self.values["ftps_port"]}
        say(f"Files: SFTP on port {ports['sftp']}, FTPS on port {ports['ftps']}")
        for protocol, user in self.values["connectors"].items():
            scheme = "sftp" if protocol == "sftp" else "ftp"
            say(f"  {scheme}://{user}@127.0.0.1:{ports[protocol]}/in/ with {self.values['password']}")
        say(f"Reference of the API for programs: {self.values['url']}/api/")
        say(f"Ctrl-C stops everything; the logs are in {self.home / 'log'}")

    def stop(self) -> None:
        """Stop programs, then Valkey, then PostgreSQL."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self.supervisor.stop(last=self.servers)
        (self.home / "stack.json").unlink(missing_ok=True)


def web_server(port: int, *, host: str = "127.0.0.1") -> tuple[str, ...]:
    """The arguments of Python for the web server: two processes, renewed when one fails. Threads: cdp.front."""
    options = {
        "--interface": "asginl",
        "--http": "1",
        "--host": host,
        "--port": str(port),
        "--log-level": "warning",
        # Connections that wait cost no thread: many may.
        "--backlog": "4096",
        "--backpressure": "4000",
        "--http1-header-read-timeout": "10000",
    }
    options |= {"--workers": "2", "--respawn-interval": "0.2", "--workers-kill-timeout": "8"}
    pairs = [part for pair in options.items() for part in pair]
    return ("-m", "granian", *pairs, "--no-ws", "--respawn-failed-workers", "cdp.asgi:application")


def answers(url: str) -> bool:
    """True if a GET is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310  our own loopback address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
