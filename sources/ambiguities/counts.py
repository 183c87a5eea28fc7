"""How many ambiguities are open, left or decided: for tabs and the navigation, from the cache for a minute."""

import logging
from typing import Any

from django.core.cache import cache
from redis import RedisError

from sources.models import Ambiguity, AmbiguityState
from tenants.isolation.context import current_tenant

log = logging.getLogger(__name__)
SECONDS = 60


def of_state(state: AmbiguityState) -> int:
    """How many have this state."""
    return int(Ambiguity.objects.filter(state=state).count())


def still_open() -> int:
    """How many are to be decided, as it was at most a minute ago."""
    try:
        known: Any = cache.get(_key())
        if known is None:
            known = of_state(AmbiguityState.OPEN)
            cache.set(_key(), known, SECONDS)
    except RedisError as problem:
        log.warning("count of ambiguities not cached: %s", problem)
        return of_state(AmbiguityState.OPEN)
    return int(known)


def forget() -> None:
    """Count again: somebody has decided something."""
    try:
        cache.delete(_key())
    except RedisError as problem:
        log.warning("count of ambiguities not forgotten: %s", problem)


def _key() -> str:
    return f"ambiguities:{current_tenant()}:open"
