"""Sites by their public key, remembered by each process for a minute: a hit must not wait for the database."""

import re
import secrets
import time

from django.db import Error, close_old_connections

from tenants.context import tenant_context
from tenants.models import Tenant
from tracking.models import Site

REMEMBERED_SECONDS = 60.0
_known: dict[str, tuple[float, tuple[int, int] | None]] = {}
_MANY = 50_000
_KEY = re.compile(r"([0-9a-f]{1,15})-[0-9a-f]{16}").fullmatch


def new_key(tenant_id: int) -> str:
    """A key for a site of a tenant: it names the tenant, so that it can be looked up in the tenant's own rows."""
    return f"{tenant_id:x}-{secrets.token_hex(8)}"


def find(key: str, *, now: float | None = None) -> tuple[int, int] | None:
    """(tenant id, site id) of a key, or None. Asks the database once a minute a key at most.

    While the database is away, what was known stays true; raises django.db.Error for a key that was not.
    """
    moment = time.monotonic() if now is None else now
    known = _known.get(key)
    if known and known[0] > moment:
        return known[1]
    form = _KEY(key)
    if form is None:
        return None
    try:
        found = _look_up(key, tenant_id=int(form[1], 16))
    except Error:
        if known is None:
            raise
        found = known[1]
    if len(_known) > _MANY:  # made-up keys must not fill the memory
        _known.clear()
    _known[key] = (moment + REMEMBERED_SECONDS, found)
    return found


def _look_up(key: str, *, tenant_id: int) -> tuple[int, int] | None:
    close_old_connections()
    try:
        if not Tenant.objects.filter(pk=tenant_id).exists():
            return None
        with tenant_context(tenant_id):
            site = Site.objects.filter(key=key).first()
        return (tenant_id, site.pk) if site else None
    finally:
        close_old_connections()
