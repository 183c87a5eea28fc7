"""Child processes: start them, see that they live, start them again, stop them in order, and find those left behind."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import psutil

# Every child inherits this variable; its value tells our processes from strangers after an unclean end.
MARK = "CDP_STACK"
TICK = 0.1
LOG_LIMIT = 20_000_000


@dataclass(frozen=True)
class Account:
    """The system user a child runs as; empty means the user we are."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        """No further groups for a user we switched to."""
        return None if self.uid is None else []


class Child:
    """One program in a session of its own, so that Ctrl-C reaches the parent only and a group can be ended whole.

    `stop_by` lists the signals that ask it to end, each with the seconds it is given; after them the group is killed.
    A dead child stays a zombie until `collect`: its number cannot be given to a stranger in between.
    """

    def __init__(
        self,
        name: str,
        *,
        argv: Sequence[str | Path] = (),
        env: Mapping[str, str] | None = None,
        log: Path,
        cwd: Path,
        account: Account | None = None,
        stop_by: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 10),),
    ) -> None:
        self.name, self.argv, self.env, self.log, self.cwd = name, argv, env, log, cwd
        self.account = account or Account()
        self.stop_by = stop_by
        self.process: subprocess.Popen[bytes] | None = None
        self.code: int | None = None
        self.output: Path | None = None

    @property
    def pid(self) -> int | None:
        """The process id while there is a process, alive or not yet collected."""
        return self.process.pid if self.process else None

    def spawn(self) -> None:
        """Start the program and return at once."""
        self.launch(self.argv)

    def launch(self, argv: Sequence[str | Path], *, stdin: bytes = b"") -> None:
        """Start `argv`, feed it `stdin`, append what it says to the log; standard output to `output`, if set."""
        self.collect()
        with contextlib.ExitStack() as files:
            log = files.enter_context(open_log(self.log))
            if self.output:
                self.output.unlink(missing_ok=True)
            self.process = subprocess.Popen(  # noqa: S603  the callers' own programs, no shell
                argv,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=files.enter_context(open_log(self.output)) if self.output else log,
                stderr=log,
                cwd=self.cwd,
                env=None if self.env is None else dict(self.env),
                start_new_session=True,
                user=self.account.uid,
                group=self.account.gid,
                extra_groups=self.account.groups,
            )
        if self.process.stdin:
            with contextlib.suppress(BrokenPipeError), self.process.stdin as pipe:
                pipe.write(stdin)

    def alive(self) -> bool:
        """True while it runs. A zombie is dead."""
        if self.process is None or self.process.returncode is not None:
            return False
        try:
            return running(psutil.Process(self.process.pid))
        except psutil.NoSuchProcess:
            return False

    def collect(self) -> int | None:
        """Kill what is left of the group and reap the leader; returns its exit code."""
        if self.process is None:
            return self.code
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.code, self.process = self.process.returncode, None
        return self.code

    def stop(self) -> int | None:
        """Ask, wait, insist, kill; returns the exit code."""
        stop_all([self])
        return self.code


def stop_all(children: Sequence[Child]) -> None:
    """Ask all of them in order, then wait for them together; who does not listen is killed."""
    for step in range(max((len(child.stop_by) for child in children), default=0)):
        stopping = [child for child in children if child.alive() and step < len(child.stop_by)]
        for child in stopping:
            if child.process:
                child.process.send_signal(child.stop_by[step][0])
        limit = max((child.stop_by[step][1] for child in stopping), default=0)
        wait_until(lambda stopping=stopping: not any(child.alive() for child in stopping), seconds=limit)  # type: ignore[misc]
    for child in children:
        child.collect()


def wait_until(ready: Callable[[], bool], *, seconds: float, pause: float = 0.02) -> bool:
    """Ask `ready` until it says yes or the time is over; returns its last answer."""
    end = time.monotonic() + seconds
    while not (answer := ready()) and time.monotonic() < end:
        time.sleep(pause)
    return answer


def open_log(path: Path) -> BinaryIO:
    """Open a private log for appending; one that has grown large is put aside first."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.old"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def write_private(path: Path, text: str) -> None:
    """Write a file that only we may read, all of it or nothing."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


@dataclass
class Watch:
    """When one child was last started, and how long to wait before the next try."""

    since: float = 0.0
    due: float | None = None
    delay: float = 0.2
    death: dict[str, Any] | None = None  # of which it is not known yet when it was started again


@dataclass
class Supervisor:
    """Keeps children running until `stopping` is set; `record` is what the next start reads if we are killed."""

    record: Path
    mark: str
    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    watches: dict[str, Watch] = field(default_factory=dict)
    stopping: bool = False
    # Set by a signal; done between two looks.
    renewing: bool = False
    renew: Callable[[], None] = lambda: None
    # Who died is written here, one line of JSON each, for the operations page (insights.operations.incidents).
    deaths: Path | None = None

    def add(self, child: Child, *, running: bool = False) -> None:
        """Take a child into care, starting it unless it already runs."""
        self.children.append(child)
        self.watches[child.name] = Watch(since=time.monotonic())
        if not running:
            child.spawn()
        self.note()

    def note(self, *others: Child) -> None:
        """Write down who runs, each with its start time: a number alone may belong to a stranger tomorrow."""
        everybody = (*self.children, *others)
        rows = [
            {"name": c.name, "pid": c.pid, "created": created(c.pid), "signal": int(c.stop_by[0][0])}
            for c in everybody
            if c.pid
        ]
        write_private(self.record, json.dumps({"mark": self.mark, "children": rows}))

    def watch(self) -> None:
        """Start again whatever dies, until told to stop."""
        while not self.stopping:
            if self.renewing:
                self.renewing = False
                self.renew()
            for child in self.children:
                self.look_after(child, now=time.monotonic())
            time.sleep(TICK)

    def look_after(self, child: Child, *, now: float) -> None:
        """One glance at one child: well, newly dead, waiting, or due."""
        watch = self.watches[child.name]
        if child.alive():
            if now - watch.since > 30:
                watch.delay = 0.2
        elif watch.due is None:
            code = child.collect()
            self.say(f"{child.name} ended ({code}); starting it again in {watch.delay:.1f} s, see {child.log}")
            watch.due = now + watch.delay
            watch.death = watch.death or {"name": child.name, "at": time.time(), "code": code}
        elif now >= watch.due:
            self.restart(child, watch=watch, now=now)

    def restart(self, child: Child, *, watch: Watch, now: float) -> None:
        """Start a child again; each failure doubles the wait, up to five seconds."""
        watch.since, watch.due, watch.delay = now, None, min(watch.delay * 2, 5.0)
        try:
            child.spawn()
        except (OSError, RuntimeError) as problem:
            self.say(f"{child.name} cannot be started: {problem}")
        else:
            self.note_death(watch)
        self.note()

    def note_death(self, watch: Watch) -> None:
        """Leave a note of who died and was started again. A full disk must not stop the supervisor."""
        if self.deaths and watch.death:
            line = json.dumps(watch.death | {"back": time.time()})
            with contextlib.suppress(OSError), open_log(self.deaths) as file:
                file.write(f"{line}\n".encode())
        watch.death = None

    def stop(self, *, last: Iterable[Child] = ()) -> None:
        """Stop everything: first the programs together, then those in `last` one after another."""
        final = list(last)
        stop_all([child for child in self.children if child not in final])
        for child in final:
            child.stop()
        self.record.unlink(missing_ok=True)


def created(pid: int | None) -> float:
    """When a process was born; 0 if there is none."""
    try:
        return float(psutil.Process(pid).create_time()) if pid else 0.0
    except psutil.NoSuchProcess:
        return 0.0


def clear_orphans(record: Path) -> int:
    """End what a killed parent left running; returns how many. Same number and birth, or our mark: never strangers."""
    if not record.exists():
        return 0
    notes = json.loads(record.read_text())
    known = {row["pid"]: row for row in notes["children"]}
    ours = [p for p in psutil.process_iter() if is_same(p, known.get(p.pid)) or marked(p, mark=notes["mark"])]
    wanted = {p.pid: signal.Signals(known.get(p.pid, {}).get("signal", signal.SIGTERM)) for p in ours}
    # Programs first, they end on SIGTERM; then the servers: a worker that has lost its broker takes long to end.
    for first in sorted(set(wanted.values()), key=lambda number: number != signal.SIGTERM):
        end_processes([p for p in ours if wanted[p.pid] == first], first=first)
    record.unlink()
    return len(ours)


def is_same(process: psutil.Process, row: Mapping[str, Any] | None) -> bool:
    """True if the process is the one in our notes, and not a later one with its number."""
    try:
        return row is not None and bool(process.create_time() == row["created"]) and running(process)
    except psutil.Error:
        return False


def marked(process: psutil.Process, *, mark: str) -> bool:
    """True if the process inherited our mark."""
    try:
        return bool(process.environ().get(MARK) == mark)
    except (psutil.Error, OSError):
        return False


def end_processes(
    processes: Sequence[psutil.Process], *, first: signal.Signals = signal.SIGTERM, seconds: float = 10
) -> None:
    """Ask, wait, kill. Who has a parent among them is left to that parent first."""
    numbers = {process.pid for process in processes}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.ppid() not in numbers:
                process.send_signal(first)
    wait_until(lambda: not any(running(process) for process in processes), seconds=seconds)
    for process in filter(running, processes):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    wait_until(lambda: not any(running(process) for process in processes), seconds=5)


def running(process: psutil.Process) -> bool:
    """False once it is gone, or a zombie that nobody reaps: in containers process 1 often does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
