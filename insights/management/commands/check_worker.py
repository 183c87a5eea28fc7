"""`manage.py check_worker`: whether a worker of this host works, for the health checks of containers."""

import socket
from typing import Any

import redis
from django.core.management.base import BaseCommand, CommandError

from core import signs_of_life


class Command(BaseCommand):
    """Ends with 0 if a worker process of this host has shown a sign of life within 9 seconds."""

    help = "Check that a worker of this host shows signs of life."
    requires_system_checks: list[str] = []  # noqa: RUF012  Django's own form

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Raises CommandError when there is none, or the broker does not answer."""
        host = socket.gethostname()
        try:
            now = signs_of_life.clock()
            own = [one for one in signs_of_life.programs() if (one.role, one.host) == ("worker", host)]
        except redis.RedisError as problem:
            raise CommandError(f"The broker does not answer: {problem}") from None
        if all(one.is_gone(now) for one in own):
            raise CommandError(
                f"No worker on {host} has shown a sign of life for {signs_of_life.GONE_AFTER:.0f} seconds."
            )
