"""`manage.py up` for real: it starts, survives kills, stops in order, and starts again on the same data."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from django.urls import reverse

from cdp.stack.embedded import running_stack
from cdp.stack.supervisor import MARK, Supervisor, clear_orphans, marked, running, wait_until, write_private
from tests.servers import ask, new_home, throw_away, watch_over

pytestmark = pytest.mark.faults
ROOT = Path(__file__).resolve().parents[3]
# What tests.servers has set for this process would point the new stack to the test servers.
FOREIGN = {
    "DATABASE_URL",
    "OWNER_DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "CDP_HOME",
    "MAIL_DIR",
    "SITE_URL",
    "CDP_PORT",
}
PROGRAMS = ("web", "worker", "beat", "drain", "files")


@dataclass
class Stack:
    """One home, and the `up` that runs on it now."""

    home: Path
    said: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    watchdog: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str) -> list[str]:
        """The command line of `up`."""
        return [sys.executable, "manage.py", "up", "--home", str(self.home), "--no-demo", *arguments]

    def start(self) -> None:
        """Start and wait for the line of JSON."""
        env = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        with (self.home / "said").open("w") as said:
            self.process = subprocess.Popen(
                self.command(), cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=said, text=True
            )
        self.watchdog = watch_over("--process", str(self.process.pid))
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, (self.home / "said").read_text()
        self.said = json.loads(line)

    def end(self, number: signal.Signals) -> int:
        """Send a signal to the parent and wait for its end."""
        assert self.process
        with self.process as process:
            process.send_signal(number)
            code = process.wait(60)
        self.process = None
        assert self.watchdog
        with self.watchdog as watchdog:  # which has nothing to do any more
            assert watchdog.stdin
            watchdog.stdin.close()
        return code

    def children(self) -> dict[str, psutil.Process]:
        """Who runs, by name."""
        rows = json.loads((self.home / "pids.json").read_text())["children"]
        return {row["name"]: psutil.Process(row["pid"]) for row in rows if psutil.pid_exists(row["pid"])}

    def family(self) -> list[psutil.Process]:
        """Everything that runs because of this stack."""
        assert self.process
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def get(self, path: str) -> int:
        """The status of a page; 0 if nobody answers."""
        try:
            with urllib.request.urlopen(self.said["url"] + path, timeout=5) as answer:
                return int(answer.status)
        except OSError as problem:
            return int(getattr(problem, "code", 0))

    def worker_answers(self) -> bool:
        """True if a Celery worker shows signs of life, as the health check of its container asks."""
        environ = {**os.environ, "REDIS_URL": self.said["redis_url"]}
        done = subprocess.run([sys.executable, "manage.py", "check_worker"], cwd=ROOT, env=environ, capture_output=True)
        return done.returncode == 0

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        """One statement as the owner."""
        return ask(self.said["owner_database_url"], question)

    def database_answers(self) -> bool:
        """True if a new connection is taken: a server that has just come back may still be starting up."""
        try:
            return self.ask("select 1") == [(1,)]
        except psycopg.OperationalError:
            return False


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A started stack, shared by the tests of this file."""
    stack = Stack(new_home())
    try:
        stack.start()
        yield stack
    finally:
        if stack.process:
            stack.end(signal.SIGTERM)
        throw_away(stack.home)


def test_it_answers_and_says_how_to_reach_it(stack: Stack) -> None:
    expected = {"url", "workspace", "login", "password", "database_url", "owner_database_url", "redis_url", "home"}
    assert set(stack.said) == expected | {"logins", "connectors", "sftp_port", "ftps_port"}
    # Without the demo nobody can sign in yet; tests/cdp/demo/test_workspace.py has its five roles.
    assert stack.said["logins"] == []
    assert stack.get("/favicon.ico") == 200
    assert stack.get("/healthz") == 200
    assert stack.get(reverse("account_login")) == 200
    assert set(stack.children()) >= {*PROGRAMS, "valkey", "postgres"}
    assert wait_until(stack.worker_answers, seconds=45)
    found = running_stack(stack.home)
    assert found
    assert found.items() >= stack.said.items()
    assert (stack.home / "stack.json").stat().st_mode & 0o077 == 0


def test_what_serves_pages_does_not_know_the_owner(stack: Stack) -> None:
    for name in PROGRAMS:
        environ = stack.children()[name].environ()
        assert "OWNER_DATABASE_URL" not in environ
        assert environ["DATABASE_URL"] == stack.said["database_url"]


def test_a_second_start_on_the_same_home_is_refused(stack: Stack) -> None:
    second = subprocess.run(stack.command(), cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert "already running" in second.stderr
    assert stack.said["url"] in second.stderr
    assert stack.get("/healthz") == 200


@pytest.mark.parametrize("names", [PROGRAMS, ("valkey", "postgres")], ids=["programs", "servers"])
def test_what_is_killed_comes_back(stack: Stack, names: tuple[str, ...]) -> None:
    stack.ask("create table if not exists public.kept_by_test (a int)")
    stack.ask("insert into public.kept_by_test values (1)")
    before = stack.children()
    for name in names:
        before[name].kill()

    def back() -> bool:
        now = stack.children()
        return all(name in now and now[name] != before[name] and running(now[name]) for name in before)

    assert wait_until(lambda: all(before[name] not in stack.children().values() for name in names), seconds=30)
    assert wait_until(lambda: stack.get("/healthz") == 200 and stack.worker_answers(), seconds=45)
    assert wait_until(stack.database_answers, seconds=30)
    assert all(running(child) for child in stack.children().values())
    assert len(stack.children()) == len(before)
    assert stack.ask("select min(a) from public.kept_by_test") == [(1,)]


def test_a_stop_leaves_nothing_and_the_next_start_finds_its_data(stack: Stack) -> None:
    family, first = stack.family(), stack.said
    assert stack.end(signal.SIGTERM) == 0
    assert not [process for process in family if running(process)]
    assert running_stack(stack.home) is None
    stack.start()
    assert stack.said == first, "same ports, same passwords"
    assert stack.ask("select min(a) from public.kept_by_test") == [(1,)]


def test_what_a_killed_parent_leaves_is_found_and_ended(stack: Stack) -> None:
    family = stack.family()
    assert stack.end(signal.SIGKILL) == -signal.SIGKILL
    assert [process for process in family if running(process)]
    assert clear_orphans(stack.home / "pids.json") >= len(PROGRAMS) + 2
    assert wait_until(lambda: not [process for process in family if running(process)], seconds=15)


def test_strangers_are_never_ended(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        row = {"name": "web", "pid": stranger.pid, "created": time.time() - 3600, "signal": int(signal.SIGTERM)}
        write_private(tmp_path / "pids.json", json.dumps({"mark": "ours", "children": [row]}))
        assert clear_orphans(tmp_path / "pids.json") == 0
        assert stranger.poll() is None
        stranger.kill()


def test_a_descendant_is_known_by_its_mark() -> None:
    with subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: "ours"}) as child:
        process = psutil.Process(child.pid)
        assert wait_until(lambda: marked(process, mark="ours"), seconds=5)
        assert not marked(process, mark="theirs")
        child.kill()


class Failing:
    """A child that dies as soon as it is started."""

    name, log, pid, code = "failing", Path("failing.log"), None, 1
    stop_by = ((signal.SIGTERM, 1.0),)

    def __init__(self) -> None:
        self.starts: list[float] = []
        self.now = 0.0

    def alive(self) -> bool:
        return False

    def collect(self) -> int:
        return 1

    def spawn(self) -> None:
        self.starts.append(self.now)


def test_restarts_slow_down_to_five_seconds(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor, child = Supervisor(tmp_path / "pids.json", mark="ours", say=said.append), Failing()
    supervisor.add(child)  # type: ignore[arg-type]
    supervisor.watches["failing"].since = 0.0
    for tenth in range(600):
        child.now = tenth / 10
        supervisor.look_after(child, now=child.now)  # type: ignore[arg-type]
    gaps = [round(b - a, 1) for a, b in zip(child.starts[1:], child.starts[2:], strict=False)]
    assert gaps[:4] == sorted(gaps[:4])
    assert gaps[0] < 1
    assert 5 <= gaps[-1] <= 5.3
    assert "failing.log" in said[0]
