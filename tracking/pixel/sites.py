"""Sites by their public key, cached by each process for a minute: a hit must not wait for the database."""

import re
import secrets
import time
from typing import NamedTuple
from urllib.parse import urlsplit

from django.db import Error, close_old_connections

from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tracking.models import Site

REMEMBERED_SECONDS = 60.0
_known: dict[str, tuple[float, "Known | None"]] = {}
_MANY = 50_000
_KEY = re.compile(r"([0-9a-f]{1,15})-[0-9a-f]{16}").fullmatch


class Known(NamedTuple):
    """What a hit needs to know of its site. `hosts`: where its pages are; empty: anywhere."""

    tenant_id: int
    site_id: int
    hosts: frozenset[str] = frozenset()

    def takes(self, origin: str) -> bool:
        """Whether a page of this origin (its address, or only scheme and host) may send hits."""
        if not self.hosts:
            return True
        try:
            host = (urlsplit(origin).hostname or "").rstrip(".")
        except ValueError:
            return False
        parents = ("*." + ".".join(host.split(".")[n:]) for n in range(1, host.count(".") + 1))
        return bool(host) and (host in self.hosts or any(parent in self.hosts for parent in parents))


HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
MOST_HOSTS = 100


def read_hosts(text: str) -> list[str]:
    """The hosts that somebody has typed, one a line or with blanks or commas between, as they are stored. Raises ValueError
    with a sentence for the person."""
    hosts: dict[str, None] = {}
    for word in text.replace(",", " ").split():
        host = (urlsplit(word).hostname or "") if "://" in word else word.partition("/")[0].partition(":")[0]
        host = host.lower().rstrip(".")
        if not HOST.fullmatch(host.encode("idna").decode() if host.isprintable() and not host.isascii() else host):
            raise ValueError(f"{word[:100]} is not a host. Enter one such as shop.example.com or *.example.com.")
        hosts[host if host.isascii() else host.encode("idna").decode()] = None
    if len(hosts) > MOST_HOSTS:
        raise ValueError(f"Enter up to {MOST_HOSTS} hosts.")
    return list(hosts)


def forget(key: str) -> None:
    """Look the site up again: its settings have changed. Other processes do so within a minute."""
    _known.pop(key, None)


def new_key(tenant_id: int) -> str:
    """A key for a site of a tenant: it names the tenant, so that it can be looked up in the tenant's own rows."""
    return f"{tenant_id:x}-{secrets.token_hex(8)}"


def remembered(key: str, *, now: float | None = None) -> tuple[bool, Known | None]:
    """(True, the site of a key or None) as far as this process knows without asking the database; else (False, None)."""
    known = _known.get(key)
    if known and known[0] > (time.monotonic() if now is None else now):
        return True, known[1]
    return _KEY(key) is None, None


def find(key: str, *, now: float | None = None) -> Known | None:
    """The site of a key, or None. Asks the database once a minute a key at most.

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
        site = _look_up(key, tenant_id=int(form[1], 16))
    except Error:
        if known is None:
            raise
        site = known[1]
    if len(_known) > _MANY:  # made-up keys must not fill the memory
        _known.clear()
    _known[key] = (moment + REMEMBERED_SECONDS, site)
    return site


def _look_up(key: str, *, tenant_id: int) -> Known | None:
    close_old_connections()
    try:
        if not Tenant.objects.filter(pk=tenant_id).exists():
            return None
        with tenant_context(tenant_id):
            site = Site.objects.filter(key=key).first()
        return Known(tenant_id, site.pk, frozenset(site.hosts.split())) if site else None
    finally:
        close_old_connections()
