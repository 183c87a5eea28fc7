"""Ends a worker whose main process has stopped turning, so that whatever started it starts it anew.

The main process of a worker hands tasks to its pool in one loop. If a library waits in it for something that never comes,
the process looks alive and does nothing, for ever: this was seen with a broker whose host was cut off and replaced. Its
tasks are done again by others, as after any death.
"""

import contextlib
import faulthandler
import logging
import os
import threading
import time
from collections.abc import Callable

import psutil
import redis

from core.broker import broker

log = logging.getLogger(__name__)
# The loop beats each 2 seconds; to come back to a broker that was away it takes up to 30.
STALLED_AFTER = 120.0
EVERY_SECONDS = 10.0


def end_worker() -> None:
    """Say where the process stands, then end it with its pool, as a kill would."""
    faulthandler.dump_traceback()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # one that ends by itself must not save this one
            child.kill()
    os._exit(1)


class Watchdog:
    """Knows when the loop turned last. While the broker is away the loop may wait as long as it likes."""

    def __init__(self, end: Callable[[], None] = end_worker) -> None:
        self._end, self._turned = end, time.monotonic()
        self._stopped = threading.Event()

    def beat(self) -> None:
        """The loop turns."""
        self._turned = time.monotonic()

    def look(self) -> None:
        """End the worker if the loop has not turned for too long, although the broker answers."""
        try:
            broker().ping()
        except redis.RedisError:
            self.beat()
            return
        silent = time.monotonic() - self._turned
        if silent > STALLED_AFTER:
            log.critical("the worker has done nothing for %.0f seconds: it ends, to be started anew", silent)
            self._end()

    def start(self) -> None:
        """Look again and again, in a thread, until `stop`."""
        self.beat()
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """The worker ends in order: its last tasks may take their time."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_SECONDS):
            self.look()
