"""Figures about all contacts of a workspace, worked out once for each version of them (contacts.write_lock)."""

import logging
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

from django.conf import settings
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
    return several([name], lambda _names: {name: work()}, while_writing=while_writing, otherwise=otherwise)[name]


def several(
    names: Sequence[str],
    work: Callable[[Sequence[str]], Mapping[str, T]],
    *,
    while_writing: int,
    otherwise: int = KEPT_SECONDS,
) -> dict[str, T]:
    """The same of several figures, by name; `work` says those that are not known, all at once. It may say fewer."""
    state = WriteLock.objects.values_list("version", "holder").first()
    if state is None:
        return dict(work(names))  # nobody has written yet
    version, holder = state
    keys = {name: f"contacts:{current_tenant()}:{name}:{version}:{holder or ''}" for name in names}
    return _several(keys, work, while_writing if holder else otherwise)


def recent(name: str, work: Callable[[], T], *, seconds: int) -> T:
    """What `work` says, or what it has said in the last seconds, whatever has changed since."""
    return _several({name: f"contacts:{current_tenant()}:{name}"}, lambda _names: {name: work()}, seconds)[name]


def digest(what: str, *parts: object) -> str:
    """The name of a figure about something that people enter: short, and nobody can forge that of something else."""
    key = settings.SECRET_KEY.encode()[:64]
    return f"{what}.{blake2b(repr(parts).encode(), key=key, digest_size=16).hexdigest()}"


def _several(keys: Mapping[str, str], work: Callable[[Sequence[str]], Mapping[str, T]], seconds: int) -> dict[str, T]:
    try:
        cached: Mapping[str, Any] = cache.get_many(list(keys.values()))
    except RedisError as problem:
        log.warning("figures of contacts not cached: %s", problem)
        return dict(work(list(keys)))
    known = {name: cached[key] for name, key in keys.items() if cached.get(key) is not None}
    unknown = [name for name in keys if name not in known]
    said = dict(work(unknown)) if unknown else {}
    try:
        cache.set_many({keys[name]: value for name, value in said.items() if value is not None}, seconds)
    except RedisError as problem:
        log.warning("figures of contacts not cached: %s", problem)
    return {**known, **said}
