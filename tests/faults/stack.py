"""A whole private stack for tests that kill: started like a person does, observed through the database."""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis

from cdp.stack.machine import free_port
from tests.servers import watch_over

ROOT = Path(__file__).resolve().parent.parent.parent
# Everything of a workspace that must not depend on what was killed. Ids and times differ from run to run.
STATE = {
    "contacts": """
        SELECT external_id, email, phone, first_name, last_name, attributes::text, count(*) FROM contact
        WHERE tenant_id = %(t)s GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3""",
    "members": """
        SELECT c.external_id, c.email, count(*) FROM segment_member m
        JOIN contact c ON c.tenant_id = m.tenant_id AND c.id = m.contact_id
        WHERE m.tenant_id = %(t)s GROUP BY 1, 2 ORDER BY 1, 2""",
    "visitors": """
        SELECT v.device::text, v.matched_by, v.row_no, c.external_id, c.email FROM visitor v
        LEFT JOIN contact c ON c.tenant_id = v.tenant_id AND c.id = v.contact_id
        WHERE v.tenant_id = %(t)s ORDER BY 1""",
    "issues": """
        SELECT row_no, "column", code, value, severity, count(*) FROM row_issue
        WHERE tenant_id = %(t)s GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4""",
    "rejected": "SELECT row_no, cells::text FROM rejected_row WHERE tenant_id = %(t)s ORDER BY 1",
    "touched": "SELECT row_no, outcome::text, changed FROM touched WHERE tenant_id = %(t)s ORDER BY 1",
}


class Stack:
    """`manage.py up` in a home of its own; ended by `stop`."""

    def __init__(self, home: Path, *, root: Path = ROOT, environ: Mapping[str, str] | None = None) -> None:
        self.home, self.root = home, root
        self.environ = dict(environ or {})
        env = {
            k: v
            for k, v in os.environ.items()
            if k not in ("DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "CDP_HOME")
        }
        # Of its own: the usual ones may be another stack's, or become so while a server here is killed.
        env |= {"SFTP_PORT": str(free_port()), "FTPS_PORT": str(free_port())} | self.environ
        command = [sys.executable, "manage.py", "up", "--no-demo", "--home", str(home), "--workers", "2"]
        with (home.parent / "up.log").open("wb") as log:
            self.process = subprocess.Popen(command, cwd=root, env=env, stdout=subprocess.PIPE, stderr=log)
        self.watchdog = watch_over("--process", str(self.process.pid))
        assert self.process.stdout is not None
        self.info: dict[str, Any] = json.loads(self.process.stdout.readline() or b"{}")
        assert self.info, (home.parent / "up.log").read_text()[-3000:]

    def stop(self) -> int:
        self.process.terminate()
        code = self.process.wait(60)
        if self.process.stdout is not None:
            self.process.stdout.close()
        if self.watchdog.stdin is not None:
            self.watchdog.stdin.close()
        self.watchdog.wait(60)
        return code

    # --- whom to kill: only children of our own process, by what they are ---

    def _descendants(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def _find(self, wanted: Callable[[list[str]], bool]) -> list[psutil.Process]:
        found = []
        for process in self._descendants():
            with contextlib.suppress(psutil.NoSuchProcess):
                if wanted(process.cmdline()):
                    found.append(process)
        return found

    def part(self, word: str) -> psutil.Process:
        """The child that has this word in its command line."""
        return next(p for p in psutil.Process(self.process.pid).children() if word in " ".join(p.cmdline()))

    def worker(self) -> psutil.Process:
        """The main process of the Celery worker, once it has its pool; it may just be starting anew."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            for process in self._find(lambda c: "worker" in c and "celery" in " ".join(c)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if len(process.children()) >= 2:
                        return process
            time.sleep(0.1)
        raise AssertionError("no worker came back")

    def kill_worker_child(self, rng: random.Random) -> None:
        rng.choice(self.worker().children()).kill()

    def kill_worker_tree(self, _rng: random.Random) -> None:
        main = self.worker()
        for process in [*main.children(recursive=True), main]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def kill_postgres(self, _rng: random.Random) -> None:
        found = self._find(lambda c: bool(c) and c[0].endswith("/postgres") and "-D" in c)
        found[0].kill()

    def kill_valkey(self, _rng: random.Random) -> None:
        found = self._find(lambda c: bool(c) and "valkey-server" in c[0])
        found[0].kill()

    def kill_consumer(self, _rng: random.Random) -> None:
        for process in self._find(lambda c: "drain_inbox" in c):
            process.kill()

    def kill_files(self, _rng: random.Random) -> None:
        for process in self._find(lambda c: "serve_files" in c):
            process.kill()

    def kill_web(self, _rng: random.Random) -> None:
        """The web server with all of its processes."""
        for server in self._find(lambda c: "granian" in c):
            with contextlib.suppress(psutil.NoSuchProcess):
                for process in [server, *server.children(recursive=True)]:
                    process.kill()

    def kill_web_worker(self, rng: random.Random) -> None:
        rng.choice(self.web_workers()).kill()

    def web_workers(self) -> list[psutil.Process]:
        """The processes that answer requests: children of the web server, without Python's own helper."""
        servers = self._find(lambda c: "granian" in c)
        children = [child for server in servers for child in server.children()]
        return [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]

    def has(self, part: str) -> bool:
        """Whether a part (web worker, drain, Valkey, PostgreSQL) is there and at work."""
        with contextlib.suppress(psutil.NoSuchProcess, psycopg.OperationalError, redis.RedisError):
            if part == "a web worker":
                return bool(self.web_workers())
            if part == "the drain":
                return any(p.net_connections("tcp") for p in self._find(lambda c: "drain_inbox" in c))
            if part == "Valkey":
                return bool(self.broker().ping())
            psycopg.connect(self.info["database_url"]).close()
            return True
        return False

    def kill(self, part: str, rng: random.Random, *, seconds: float = 60) -> None:
        """Kill a part as soon as it is there."""
        killers = {
            "a web worker": self.kill_web_worker, "the drain": self.kill_consumer, "Valkey": self.kill_valkey,
            "PostgreSQL": self.kill_postgres,
        }  # fmt: skip
        until = time.monotonic() + seconds
        while not self.has(part):
            assert time.monotonic() < until, f"{part} did not come back"
            time.sleep(0.05)
        killers[part](rng)

    def broker(self) -> redis.Redis:
        return redis.Redis.from_url(self.info["redis_url"])

    # --- what to do, as a person at the command line ---

    def manage(self, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "manage.py", *arguments, "--home", str(self.home)]
        env = {**os.environ, **self.environ}
        return subprocess.Popen(command, cwd=self.root, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def workspace(self, slug: str) -> int:
        done = self.manage("create_workspace", slug, "--name", slug, "--country", "GB", "--owner", "owner@example.com")
        out, err = done.communicate(timeout=60)
        assert done.returncode == 0, err.decode()
        return int(json.loads(out)["id"])

    def bring(self, path: Path, slug: str, *settings: str) -> "subprocess.Popen[bytes]":
        pairs = [part for setting in settings for part in ("--set", setting)]
        return self.manage("import_contacts", str(path), "--workspace", slug, "--json", *pairs)

    @contextlib.contextmanager
    def database(self, tenant_id: int) -> Iterator["psycopg.Connection[Any]"]:
        """A connection as the application role, inside of a workspace."""
        with psycopg.connect(self.info["database_url"], autocommit=True) as connection:
            connection.execute(f"SET app.tenant_id = '{tenant_id}'")
            yield connection

    def state(self, tenant_id: int) -> dict[str, list[tuple[Any, ...]]]:
        with self.database(tenant_id) as connection:
            return {name: connection.execute(sql, {"t": tenant_id}).fetchall() for name, sql in STATE.items()}

    def units_done(self, tenant_id: int) -> int:
        """Finished units of a workspace's imports; −1 while the database is away."""
        try:
            with self.database(tenant_id) as connection:
                row = connection.execute(
                    "SELECT count(*) FROM import_unit WHERE tenant_id = %s AND done_at IS NOT NULL", [tenant_id]
                ).fetchone()
        except psycopg.OperationalError:
            return -1
        return int(row[0]) if row else 0

    def wait_for_import(self, tenant_id: int, seconds: float = 30) -> None:
        """Until a workspace's first import is stored: what is killed before that is a command that has told nobody."""
        until = time.monotonic() + seconds
        while True:
            with self.database(tenant_id) as connection:
                if connection.execute('SELECT 1 FROM "import" WHERE tenant_id = %s', [tenant_id]).fetchone():
                    return
            assert time.monotonic() < until, "no import was made"
            time.sleep(0.02)

    def wait_for_database(self, tenant_id: int, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while self.units_done(tenant_id) < 0:
            assert time.monotonic() < until, "the database did not come back"
            time.sleep(0.1)


def result(run: "subprocess.Popen[bytes]", seconds: float = 150) -> dict[str, Any]:
    """What import_contacts printed; fails with its errors when it did not end well."""
    out, err = run.communicate(timeout=seconds)
    assert out.strip(), err.decode()[-3000:]
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found
