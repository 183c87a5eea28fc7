"""So many requests a token may send in a minute, counted in Valkey for all web processes together.

Where Valkey is away, requests are let through: a cache that is down must not keep customers' data out. The log says so.
"""

import logging
import time
from typing import NamedTuple

import redis
from django.conf import settings

from core.broker import broker

log = logging.getLogger(__name__)
WINDOW = 60


class Rate(NamedTuple):
    """What is left of a minute. `reset`: seconds until the next one."""

    limit: int
    remaining: int
    reset: int
    over: bool

    def headers(self) -> dict[str, str]:
        told = {"RateLimit-Limit": self.limit, "RateLimit-Remaining": self.remaining, "RateLimit-Reset": self.reset}
        return {name: str(value) for name, value in told.items()}


def count(tenant_id: int, token_id: int, *, now: float | None = None) -> Rate | None:
    """Count a request; None where there is no limit, or nobody to count."""
    limit: int = settings.API_REQUESTS_PER_MINUTE
    if not limit:
        return None
    moment = time.time() if now is None else now
    key = f"cdp:api:{tenant_id}:{token_id}:{int(moment // WINDOW)}"
    try:
        with broker().pipeline(transaction=False) as pipe:
            pipe.incr(key)
            pipe.expire(key, WINDOW * 2)
            used = int(pipe.execute()[0])
    except redis.RedisError as problem:
        log.warning("requests not counted, and let through: %s", problem)
        return None
    return Rate(limit, max(0, limit - used), WINDOW - int(moment % WINDOW), used > limit)
