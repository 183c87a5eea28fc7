"""The consumer of the inbox: stores hits until it is told to stop."""

import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

import redis
from django.core.management.base import BaseCommand
from django.db import OperationalError, close_old_connections

from core.signs_of_life import Pulse
from tenants.isolation.checks import refuse_bypassing_role
from tracking.pixel import inbox_consumer

log = logging.getLogger(__name__)
IDLE_SECONDS = 0.2
TROUBLE_SECONDS = 1.0
# A transaction costs much the same for one hit of a workspace as for a hundred. After fewer than MANY, the next ones are
# given time to gather: a hit is stored a second later at most.
MANY, GATHER_SECONDS = 500, 1.0


class Command(BaseCommand):
    help = "Store the hits of the pixel. Runs until SIGTERM; a second one beside it does no harm."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--until-empty", action="store_true", help="stop when nothing is left")

    def handle(self, *_args: Any, **options: Any) -> None:
        refuse_bypassing_role()
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        pulse = Pulse("drain")
        pulse.start()
        while not stop.is_set():
            taken = self._drain()
            if options["until_empty"] and taken is not None:
                if taken == 0:
                    break
                continue
            stop.wait(pause_after(taken))
        pulse.stop()

    def _drain(self) -> int | None:
        """How many hits were stored; None when a server was not to be reached."""
        try:
            return inbox_consumer.drain()
        except (OperationalError, redis.RedisError) as problem:
            # Nothing is lost: what was not stored is still in the inbox.
            log.warning("inbox not drained: %s", problem)
            close_old_connections()
            return None


def pause_after(taken: int | None) -> float:
    """Seconds to wait after a drain that stored so many hits; None: a server was not to be reached."""
    if taken is None:
        return TROUBLE_SECONDS
    if taken == 0:
        return IDLE_SECONDS
    return GATHER_SECONDS if taken < MANY else 0.0
