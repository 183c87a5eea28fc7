"""Private PostgreSQL and Valkey from installed wheels, as child processes. Linux and macOS, as root or as anyone."""

import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg
import redis
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry

from cdp.stack.machine import (
    MB,
    StartError,
    give,
    is_locked,
    open_home,
    postgres_binaries,
    postgres_options,
    secret,
    server_folder,
    service_account,
    shared_memory,
    steady_port,
    take_lock,
    usable_memory,
    valkey_binary,
)
from cdp.stack.supervisor import Child, end_processes, wait_until

ROLES_SQL = Path(__file__).with_name("roles.sql")
CREATE_DATABASE = (
    "create database cdp template template0 encoding 'UTF8' locale 'C' locale_provider builtin builtin_locale 'C.UTF-8'"
)
# What a program of the stack finds in its environment; stack.json keeps the same under the same names in lower case.
STACK_ENV = (
    "database_url",
    "owner_database_url",
    "redis_url",
    "secret_key",
    "cdp_home",
    "cdp_port",
    "mail_dir",
    "site_url",
    "sftp_port",
    "ftps_port",
)


@dataclass(frozen=True)
class DatabaseUrls:
    """Three ways into one database: for the programs, for migrations, and for making the other two."""

    app: str
    owner: str
    superuser: str


class Server(Child):
    """What the two servers share: a folder, a port that stays the same, a lock, and an end to what was left behind."""

    program = ""

    def __init__(self, home: Path, *, name: str, port: int | None, throwaway: bool) -> None:
        home, account = open_home(home), service_account()
        self.wanted, self.throwaway, self.port = port, throwaway, 0
        self.folder = server_folder(home, name=name, account=account)
        # Both take SIGINT for an orderly end without waiting for their clients.
        stop_by = ((signal.SIGINT, 20), (signal.SIGQUIT, 5))
        super().__init__(name, log=home / "log" / f"{name}.log", cwd=self.folder, account=account, stop_by=stop_by)
        # An unset or unknown locale is a known reason for PostgreSQL not to start on macOS.
        self.env = {**{k: v for k, v in os.environ.items() if not k.startswith("PG")}, "LC_ALL": "C"}
        self._lock: IO[str] | None = None

    def prepare(self) -> None:
        """Make the folder, take the lock, settle on a port. Runs before the first start only."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        give(self.folder, account=self.account)
        self._lock = take_lock(self.folder / "lock")
        self.end_leftovers()
        self.port = steady_port(self.folder / "port", wanted=self.wanted)

    def leftovers(self) -> list[psutil.Process]:
        """Processes of this program that work in our private folder: nobody else's do."""
        return [p for p in psutil.process_iter() if works_in(p, self.workplace, program=self.program)]

    def end_leftovers(self) -> None:
        """End what an earlier parent, or an earlier life of the server, left running."""
        end_processes(self.leftovers(), first=signal.SIGINT, seconds=20)

    @contextlib.contextmanager
    def or_stop(self) -> Iterator[None]:
        """A start that fails leaves no process and no lock behind."""
        try:
            yield
        except BaseException:
            self.stop()
            raise

    @property
    def workplace(self) -> Path:
        """The working directory of the server's processes."""
        return self.folder

    def ready(self) -> bool:
        """True once our own process answers."""
        raise NotImplementedError

    def wait(self, *, seconds: float = 300) -> None:
        """Return when it answers; raise as soon as it has died. Recovery after a crash may take minutes."""
        wait_until(lambda: not self.alive() or self.ready(), seconds=seconds)
        if not (self.alive() and self.ready()):
            self.collect()
            raise StartError(f"{self.name} did not start:\n{tail(self.log)}")

    def stop(self) -> int | None:
        """Stop in order, end what remains, give the lock back."""
        code = super().stop()
        if self._lock:
            self.end_leftovers()
            self._lock.close()
            self._lock = None
        return code


class Postgres(Server):
    """A private PostgreSQL on a loopback port, with the product's two roles. `throwaway` trades safety for speed."""

    program = "postgres"
    # Where it listens, as PostgreSQL writes it.
    addresses = "127.0.0.1"

    def __init__(self, home: Path, *, port: int | None = None, throwaway: bool = False) -> None:
        super().__init__(home, name="postgres", port=port, throwaway=throwaway)
        self.data = self.folder / "data"
        self.small = False

    @property
    def workplace(self) -> Path:
        """Every process of a cluster works in its data folder."""
        return self.data

    def start(self) -> DatabaseUrls:
        """Start, making the cluster the first time; on a machine with little shared memory try again with less."""
        with self.or_stop():
            self.prepare()
            self.bin = postgres_binaries(self.folder, account=self.account)
            self.make_cluster()
            self.spawn()
            try:
                self.wait()
            except StartError:
                self.small = True
                self.spawn()
                self.wait()
            return self.make_database()

    def make_cluster(self) -> None:
        """Run initdb once, beside its final place: a half-made cluster is never taken for a whole one."""
        if (self.data / "PG_VERSION").exists():
            return
        fresh, password = self.folder / "data.new", self.folder / "superuser"
        shutil.rmtree(fresh, ignore_errors=True)
        secret(password)
        give(password, account=self.account)
        argv: list[str | Path] = [self.bin / "initdb", "-D", fresh, "-U", "postgres", "-A", "scram-sha-256"]
        argv += [f"--pwfile={password}", "-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        self.launch([*argv, "--no-sync"] if self.throwaway else argv)
        assert self.process
        if self.process.wait():
            raise StartError(f"initdb failed:\n{tail(self.log)}")
        fresh.rename(self.data)

    def spawn(self) -> None:
        """Start the postmaster. Backends of a dead one would keep its shared memory busy, so they go first."""
        self.collect()
        self.end_leftovers()
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        options = postgres_options(
            memory=usable_memory(),
            disk=shutil.disk_usage(self.data).free,
            throwaway=self.throwaway,
            small=self.small or shared_memory() < 512 * MB,
        )
        fixed = {"port": str(self.port), "listen_addresses": self.addresses, "unix_socket_directories": ""}
        settings = [f"--{key}={value}" for key, value in {**options, **fixed}.items()]
        self.launch([self.bin / "postgres", "-D", self.data, *settings])

    def ready(self) -> bool:
        """Our own pid and `ready` in the pid file: an answer on the port may be somebody else's."""
        with contextlib.suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"
        return False

    def make_database(self) -> DatabaseUrls:
        """Make database and roles where missing; returns the addresses."""
        passwords = {role: secret(self.folder / role) for role in ("superuser", "owner", "app")}
        server = f"postgresql://postgres:{passwords['superuser']}@127.0.0.1:{self.port}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            if not connection.execute("select from pg_database where datname = 'cdp'").rowcount:
                connection.execute(CREATE_DATABASE)
        with psycopg.connect(f"{server}/cdp") as connection:
            connection.execute(roles_statements(owner_password=passwords["owner"], app_password=passwords["app"]))
        where = f"127.0.0.1:{self.port}/cdp"
        app, owner = (f"postgresql://cdp_{role}:{passwords[role]}@{where}" for role in ("app", "owner"))
        return DatabaseUrls(app=app, owner=owner, superuser=f"{server}/cdp")


class Valkey(Server):
    """A private Valkey on a loopback port: append-only, never evicting. `throwaway` keeps nothing on disk."""

    program = "valkey-server"

    def __init__(self, home: Path, *, port: int | None = None, throwaway: bool = False) -> None:
        super().__init__(home, name="valkey", port=port, throwaway=throwaway)

    def start(self) -> str:
        """Start and return the address."""
        with self.or_stop():
            self.prepare()
            self.binary = valkey_binary(self.folder, account=self.account)
            self.password = secret(self.folder / "password")
            self.spawn()
            self.wait()
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def spawn(self) -> None:
        """Start it with its configuration on stdin: a command line is read by everybody."""
        self.collect()
        self.end_leftovers()
        settings = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": f'"{self.folder}"',
            "appendonly": "no" if self.throwaway else "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "requirepass": self.password,
        }
        self.launch([self.binary, "-"], stdin="".join(f"{k} {v}\n" for k, v in settings.items()).encode())

    def ready(self) -> bool:
        """It says that it is the process we started."""
        once = Retry(NoBackoff(), 0)
        client = redis.Redis(port=self.port, password=self.password, socket_timeout=1, retry=once)
        try:
            return bool(client.ping() and client.info("server")["process_id"] == self.pid)
        except redis.RedisError:
            return False
        finally:
            client.close()


def works_in(process: psutil.Process, folder: Path, *, program: str) -> bool:
    """True if the process is that program and its working directory is that folder."""
    try:
        return bool(process.name() == program and process.cwd() == str(folder))
    except (psutil.Error, OSError):
        return False


def roles_statements(*, owner_password: str, app_password: str) -> str:
    """The statements of roles.sql with the two passwords filled in where psql has its variables."""
    text = ROLES_SQL.read_text()
    for name, value in (("owner_password", owner_password), ("app_password", app_password)):
        text = text.replace(f":'{name}'", sql.quote(value))
    return text


def tail(log: Path, *, size: int = 2000) -> str:
    """The end of a log, for an error message that says where to look."""
    text = log.read_text(errors="replace")[-size:] if log.exists() else ""
    return f"{text}\n(see {log})"


def running_stack(home: str | Path) -> dict[str, Any] | None:
    """The addresses and secrets of the stack that runs on this home; None if none does."""
    home = Path(home).resolve()
    note = home / "stack.json"
    if not (note.exists() and is_locked(home / "lock")):
        return None
    stack: dict[str, Any] = json.loads(note.read_text())
    return stack


def apply_stack_env(home: str | Path) -> None:
    """Set this process's environment to that of the stack running on `home`; raises `StartError` if none does."""
    stack = running_stack(home)
    if stack is None:
        raise StartError(f"No stack is running on {Path(home).resolve()}; start one with `make up`.")
    os.environ.update({name.upper(): str(stack[name]) for name in STACK_ENV})


def main(home: str) -> int:
    """`python -m cdp.stack.embedded HOME`: PostgreSQL alone, until Ctrl-C, for a restore while nothing else runs."""
    try:
        with take_lock(open_home(Path(home)) / "lock"):
            postgres = Postgres(Path(home))
            postgres.start()
            sys.stderr.write(f"PostgreSQL answers on port {postgres.port}. Ctrl-C stops it.\n")
            with contextlib.suppress(KeyboardInterrupt):
                signal.sigwait({signal.SIGINT, signal.SIGTERM})
            postgres.stop()
    except StartError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.exit(main(sys.argv[1]))
