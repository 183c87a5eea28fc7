"""Sites by their public key, remembered by each process for a minute: a hit must not wait for the database."""

import secrets
import time

from django.db import close_old_connections

from tenants.context import tenant_context
from tenants.models import Tenant
from tracking.models import Site

REMEMBERED_SECONDS = 60.0
_known: dict[str, tuple[float, tuple[int, int] | None]] = {}
_MANY = 50_000


def new_key(tenant_id: int) -> str:
    """A key for a site of a tenant: it names the tenant, so that it can be looked up in the tenant's own rows."""
    return f"{tenant_id:x}-{secrets.token_hex(8)}"


def find(key: str, *, now: float | None = None) -> tuple[int, int] | None:
    """(tenant id, site id) of a key, or None. Asks the database once a minute a key at most."""
    moment = time.monotonic() if now is None else now
    known = _known.get(key)
    if known and known[0] > moment:
        return known[1]
    found = _look_up(key)
    if len(_known) > _MANY:  # made-up keys must not fill the memory
        _known.clear()
    _known[key] = (moment + REMEMBERED_SECONDS, found)
    return found


def _look_up(key: str) -> tuple[int, int] | None:
    try:
        tenant_id = int(key.partition("-")[0], 16)
    except ValueError:
        return None
    close_old_connections()
    try:
        if tenant_id >= 2**62 or not Tenant.objects.filter(pk=tenant_id).exists():
            return None
        with tenant_context(tenant_id):
            site = Site.objects.filter(key=key).first()
        return (tenant_id, site.pk) if site else None
    finally:
        close_old_connections()
