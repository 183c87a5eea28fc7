"""What workers say of themselves: which processes live, what each does, how long tasks took and waited."""

import contextlib
import time
from typing import Any

import psutil
import redis
import structlog

from core import counters, signs_of_life, traces
from core.broker import broker

# Of this process: when its task began.
_began: dict[str, float] = {}
# Of the main process: the children that it has shown last.
_shown: set[int] = set()
SENT_AT = "sent_at"
# Arguments of tasks that are numbers of things: what logs and pages may name.
IDS = ("tenant_id", "import_id", "bulk_id", "source_id", "segment_id", "upload_id", "sync_id", "lookalike_id")


def show_children() -> None:
    """Show signs of life for each process of this worker, and tell of those that were killed."""
    with contextlib.suppress(redis.RedisError):
        now = _children()
        if now:
            signs_of_life.show(*(signs_of_life.member("worker", pid) for pid in now))
        for pid in _shown - now:
            _tell_of_death(pid)
        _shown.clear()
        _shown.update(now)


def _children() -> set[int]:
    """The processes of the pool, by their numbers."""
    found = set()
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if child.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(child.cmdline()):
                found.add(child.pid)
    return found


def _tell_of_death(pid: int) -> None:
    """A child is no longer there. One that has ended in order has said so, and is not known any more."""
    name = signs_of_life.member("worker", pid)
    if broker().zscore(signs_of_life.ALIVE, name) is not None:
        # Its last sign is made old, so that the next look at all programs notes it as dead.
        broker().zadd(signs_of_life.ALIVE, {name: signs_of_life.clock() - signs_of_life.GONE_AFTER - 1}, xx=True)


def begin() -> None:
    """A process of the pool is ready."""
    signs_of_life.note_work(None)


def end() -> None:
    """A process of the pool ends in order: it was stopped, or has done its share of tasks."""
    signs_of_life.say_goodbye(signs_of_life.member("worker"))


def end_children() -> None:
    """The worker ends in order, with all its processes."""
    names = [signs_of_life.member("worker", pid) for pid in {*_shown, *_children()}]
    signs_of_life.say_goodbye(*names) if names else None


def stamp(headers: Any) -> None:
    """Put into a message when it was sent, and which trace it belongs to."""
    if isinstance(headers, dict):
        headers[SENT_AT] = time.time()
        traces.inject(headers)


def began(task_id: str, task: Any, kwargs: Any) -> None:
    """A task begins: the page says so, and log lines have its ids."""
    ids = {name.removesuffix("_id"): kwargs[name] for name in IDS if isinstance((kwargs or {}).get(name), int)}
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task=task.name, **_renamed(ids))
    _began[task_id] = time.monotonic()
    signs_of_life.note_work({"task": task.name, "since": time.time(), **ids})
    if sent_at := getattr(task.request, SENT_AT, None):
        counters.observe("task_wait", "all", max(time.time() - float(sent_at), 0.0))
    traces.begin_task(task, ids)


def ended(task_id: str, task: Any) -> None:
    """A task has ended, however."""
    if (since := _began.pop(task_id, None)) is not None:
        counters.observe("task_seconds", task.name, time.monotonic() - since)
    traces.end_task(task)
    signs_of_life.note_work(None)
    structlog.contextvars.clear_contextvars()


def _renamed(ids: dict[str, int]) -> dict[str, int]:
    """Names of ids as logs have them: a tenant is called a workspace."""
    return {"workspace" if name == "tenant" else name: number for name, number in ids.items()}
