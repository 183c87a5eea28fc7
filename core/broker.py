"""Signs of life of the workers: each writes the time to Redis while it lives; a page counts the recent ones."""

import logging
import time
from functools import lru_cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.sentinels import connect

log = logging.getLogger(__name__)
KEY = "cdp:pulse"
FRESH_SECONDS = 30.0
# The lists of messages for workers: those that are taken first, and those of work that goes on for long, which are taken
# when no other waits. Names and order are kombu's; so is the number of the second one.
BEHIND = 9
FIRST_LINE, LINE_BEHIND = "cdp:celery", f"cdp:celery\x06\x16{BEHIND}"


@lru_cache(maxsize=1)
def broker() -> redis.Redis:
    """One connection pool a process, with short time-outs: a silent broker must not hold up a page.

    One more try at once, for a connection that a restart has ended; the client's own waits would take four seconds.
    """
    once_more = Retry(NoBackoff(), 1)
    return connect(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2, retry=once_more)


def beat(host: str, *, processes: int, now: float | None = None) -> None:
    """Say that the worker processes of a host live."""
    moment = now or time.time()
    try:
        broker().zadd(KEY, {f"{host}#{i}": moment for i in range(processes)})
    except redis.RedisError as problem:
        log.warning("sign of life not written: %s", problem)


def workers_alive(*, now: float | None = None) -> int | None:
    """Number of worker processes heard of in the last 30 s; None when the broker does not answer."""
    moment = now or time.time()
    try:
        broker().zremrangebyscore(KEY, "-inf", moment - FRESH_SECONDS)
        return int(broker().zcard(KEY))
    except redis.RedisError as problem:
        log.warning("workers not counted: %s", problem)
        return None


def first_in_line() -> int:
    """How many messages wait that are taken first; 0 when the broker does not answer."""
    try:
        return int(broker().llen(FIRST_LINE))
    except redis.RedisError as problem:
        log.warning("messages not counted: %s", problem)
        return 0
