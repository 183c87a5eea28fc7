"""Figures about all contacts of a workspace, worked out once for each version of them (contacts.write_lock)."""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache
from redis import RedisError

from contacts.models import WriteLock
from tenants.isolation.context import current_tenant

log = logging.getLogger(__name__)
KEPT_SECONDS = 3600
T = TypeVar("T")


def figures(name: str, work: Callable[[], T], *, while_writing: int, otherwise: int = KEPT_SECONDS) -> T:
    """What `work` says, or what it has said about the same contacts in the last seconds, `otherwise`. While an import
    writes, contacts change all the time: then an answer counts for `while_writing` seconds."""
    state = WriteLock.objects.values_list("version", "holder").first()
    if state is None:
        return work()  # nobody has written yet
    version, holder = state
    key = f"contacts:{current_tenant()}:{name}:{version}:{holder or ''}"
    try:
        known: T | None = cache.get(key)
        if known is None:
            known = work()
            cache.set(key, known, while_writing if holder else otherwise)
    except RedisError as problem:
        log.warning("figures of contacts not cached: %s", problem)
        return work()
    return known
