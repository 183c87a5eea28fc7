"""Contacts in the order in which they changed, and how many there are: fast at a million."""

import logging
from collections.abc import Iterator
from datetime import datetime

from django.core.cache import cache
from django.db.models import Q
from redis import RedisError

from contacts.models import Change, Contact, Turn
from tenants.context import current_tenant

log = logging.getLogger(__name__)
# Entries are read so many at a time; those that a later change has overtaken are passed over.
STEP = 200
KEPT_SECONDS = 3600


def in_order(*, newest_first: bool, after: tuple[datetime, int] | None, count: int) -> list[Contact]:
    """The next `count` living contacts by change, behind the key (time, id)."""
    found: list[Contact] = []
    for contact in _walk(newest_first=newest_first, after=after):
        found.append(contact)
        if len(found) == count:
            break
    return found


def _walk(*, newest_first: bool, after: tuple[datetime, int] | None) -> Iterator[Contact]:
    order = ("-at", "-contact_id") if newest_first else ("at", "contact_id")
    while True:
        behind = _behind(after, newest_first=newest_first) if after else Q()
        entries = list(Change.objects.filter(behind).order_by(*order).values_list("at", "contact_id")[:STEP])
        contacts = Contact.objects.living().in_bulk([contact_id for _at, contact_id in entries])
        for at, contact_id in entries:
            contact = contacts.get(contact_id)
            if contact is not None and contact.changed_at == at:
                yield contact
        if len(entries) < STEP:
            return
        after = entries[-1]


def _behind(after: tuple[datetime, int], *, newest_first: bool) -> Q:
    at, contact_id = after
    if newest_first:
        return Q(at__lte=at) & (Q(at__lt=at) | Q(contact_id__lt=contact_id))
    return Q(at__gte=at) & (Q(at__gt=at) | Q(contact_id__gt=contact_id))


def total() -> int:
    """How many living contacts the workspace has. Counted once for each version of its contacts (contacts.turns)."""
    turn = Turn.objects.values_list("version", "holder").first()
    if turn is None or turn[1] is not None:
        return int(Contact.objects.living().count())  # nobody has written yet, or somebody is writing now
    key = f"contacts:{current_tenant()}:{turn[0]}"
    try:
        known = cache.get(key)
        if known is None:
            known = int(Contact.objects.living().count())
            cache.set(key, known, KEPT_SECONDS)
    except RedisError as problem:
        log.warning("number of contacts not remembered: %s", problem)
        return int(Contact.objects.living().count())
    return int(known)
