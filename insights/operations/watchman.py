"""Who looks after the others: a thread in the scheduler, and a task in the workers. Either is enough."""

import logging
import threading
from datetime import UTC, datetime

import redis
from django.db import DatabaseError, close_old_connections, connection

from core import signs_of_life
from core.signs_of_life import Pulse
from insights.models import Component
from insights.operations import incidents

log = logging.getLogger(__name__)
_pulses: list[Pulse] = []


class Watchman:
    """Looks at everything once in a while, and remembers since when a server is away: nothing can be written meanwhile."""

    def __init__(self) -> None:
        self.away: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def look(self, now: datetime | None = None) -> None:
        """One look. A server that is away is remembered, and noted when both servers are there."""
        moment = now or datetime.now(UTC)
        with self._lock:
            try:
                moment = now or datetime.fromtimestamp(signs_of_life.clock(), UTC)
                incidents.look(moment)
            except redis.RedisError as problem:
                self._miss(Component.BROKER, moment, problem)
            except DatabaseError as problem:
                self._miss(Component.DATABASE, moment, problem)
            else:
                self._note_returns(moment)
            finally:
                close_old_connections()

    def _miss(self, component: Component, now: datetime, problem: Exception) -> None:
        if component not in self.away:
            log.warning("%s does not answer: %s", component.label, problem)
        self.away.setdefault(component, now)

    def _note_returns(self, now: datetime) -> None:
        for component, since in list(self.away.items()):
            incidents.begin(component, "no answer", began_at=since, now=since)
            incidents.heal(component, now=now, name="no answer")
            del self.away[component]


def start(role: str) -> None:
    """Show signs of life of this process and look after the others, until the process ends."""
    watchman = Watchman()

    def look() -> None:
        watchman.look()
        if connection.connection is not None and not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()

    pulse = Pulse(role, also=look)
    _pulses.append(pulse)
    pulse.start()


def stop() -> None:
    """The process ends in order."""
    while _pulses:
        _pulses.pop().stop()
