"""A whole stack of its own, as `manage.py up` starts it (durable settings), and a look at its processes' memory."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from cdp.stack.embedded import apply_stack_env
from cdp.stack.machine import free_port, open_home
from tests.servers import throw_away

ROOT = Path(__file__).resolve().parent.parent
MB = 1024 * 1024
# What may be set around us and would lead the stack to other servers.
FOREIGN = ("DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL", "CDP_HOME", "SECRET_KEY", "MAIL_DIR", "SITE_URL")


class Stack:
    """`up` in a temporary home; leaves nothing behind."""

    def __init__(self) -> None:
        self.home = open_home(Path(tempfile.mkdtemp(prefix="cdp-bench-")))
        self.process: subprocess.Popen[str] | None = None
        self.info: dict[str, Any] = {}

    def __enter__(self) -> Self:
        env = {k: v for k, v in os.environ.items() if k not in FOREIGN}
        command = [sys.executable, "manage.py", "up", "--no-demo", "--home", str(self.home), "--workers", "2"]
        command += ["--port", str(free_port([]))]
        log = (self.home / "up.log").open("w")
        self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit((self.home / "up.log").read_text()[-3000:])
        self.info = json.loads(line)
        apply_stack_env(self.home)
        os.environ["CDP_WORKERS"] = "2"
        return self

    def __exit__(self, *_why: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(60)
        throw_away(self.home)

    def programs(self, *words: str) -> list[psutil.Process]:
        """Our processes whose command line has all these words."""
        assert self.process
        processes = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                line = " ".join(process.cmdline())
                if all(word in line for word in words):
                    processes.append(process)
        return processes

    def workers(self) -> list[psutil.Process]:
        """The two Celery processes that do the work: children of the one that talks to the broker."""
        return [p for p in self.programs("celery", "worker") if "celery" in " ".join(p.parent().cmdline())]

    def web(self) -> list[psutil.Process]:
        """The processes that serve pages."""
        main = self.programs("granian")
        return [p for p in main if p.parent() in main] or main

    def consumer(self) -> psutil.Process:
        """The process that empties the pixel's inbox."""
        return self.programs("drain_inbox")[0]


class Peak:
    """The largest memory that any of some processes has had, in MiB: RSS, looked at twenty times a second."""

    def __init__(self, processes: Callable[[], list[psutil.Process]]) -> None:
        self.processes, self.most, self.before = processes, 0.0, 0.0
        self.over = threading.Event()

    def look(self) -> float:
        """The largest now."""
        sizes = [0.0]
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                sizes.append(process.memory_info().rss / MB)
        return max(sizes)

    def watch(self) -> None:
        while not self.over.wait(0.05):
            self.most = max(self.most, self.look())


@contextlib.contextmanager
def peak(processes: Callable[[], list[psutil.Process]]) -> Iterator[Peak]:
    """Watch while the block runs. The list is asked for once: looking for processes costs more than looking at them."""
    known = processes()
    highest = Peak(lambda: known)
    highest.before = highest.most = highest.look()
    thread = threading.Thread(target=highest.watch, daemon=True)
    thread.start()
    try:
        yield highest
    finally:
        highest.over.set()
        thread.join()
