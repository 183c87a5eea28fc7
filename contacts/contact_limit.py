"""How many contacts a workspace may have (tenants.limits): the count, and the refusal of more by people and programs.

Contacts are counted exactly by an import, which asks twice. Who makes one at a time cannot count a million for it: they go
by a count of the last minute to which is added what was let in since, and by an exact one before anybody is refused.
"""

import contextlib

from django.core.cache import cache
from redis import RedisError

from contacts.errors import NotAllowed
from contacts.models import Contact
from tenants import limits
from tenants.isolation.context import current_tenant
from tenants.models import Tenant

KEPT_SECONDS = 60
# A full workspace is not counted anew for each refusal.
REFUSED_SECONDS = 5


class ContactsFull(NotAllowed):
    """The workspace has as many contacts as it may have."""


def living() -> int:
    """Contacts of the workspace of the context that are not deleted, counted now."""
    return int(Contact.objects.living().count())


def over(created: int) -> int | None:
    """The limit, where so many more contacts would pass it; None where there is room, and then they count as made.

    Those who ask at the same moment may pass the limit by what they make together."""
    most = limits.of(Tenant.objects.get(pk=current_tenant())).contacts
    if most is None or created <= 0:
        return None
    key = f"contacts:{current_tenant()}:living"
    try:
        known = cache.get(key)
        if known is None or (known + created > most and cache.add(f"{key}:exact", 1, REFUSED_SECONDS)):
            known = living()
            cache.set(key, known, KEPT_SECONDS)
        if known + created > most:
            return most
        with contextlib.suppress(ValueError):  # it has just expired
            cache.incr(key, created)
    except RedisError:
        return most if living() + created > most else None
    return None


def refuse(created: int) -> None:
    """Raise ContactsFull where so many more contacts would pass the limit."""
    if most := over(created):
        raise ContactsFull(
            f"The workspace has reached its limit of {most:,} contacts. Delete contacts, or ask those who run the platform "
            "for more."
        )
