"""Sites by their public key, cached by each process for a minute: a hit must not wait for the database."""

import fnmatch
import re
import secrets
import time
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

from django.db import Error, close_old_connections
from django.utils import timezone

from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tracking.models import Site
from tracking.pixel import site_secrets

REMEMBERED_SECONDS = 60.0
_known: dict[str, tuple[float, "Known | None"]] = {}
_MANY = 50_000
_KEY = re.compile(r"([0-9a-f]{1,15})-[0-9a-f]{16}").fullmatch


Network = IPv4Network | IPv6Network


class Known(NamedTuple):
    """What a hit needs to know of its site. `hosts`: where its pages are; empty: anywhere. `excluded`: paths that are not
    counted. `internal`: networks of the workspace's own people. `secrets`: what its server signs with."""

    tenant_id: int
    site_id: int
    hosts: frozenset[str] = frozenset()
    excluded: re.Pattern[str] | None = None
    internal: tuple[Network, ...] = ()
    secrets: tuple[bytes, ...] = ()

    def excludes(self, url: str | None) -> bool:
        """Whether the page of a hit is one that is not counted."""
        if self.excluded is None or url is None:
            return False
        return self.excluded.fullmatch(urlsplit(url).path or "/") is not None

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


MOST_PATHS, MOST_ADDRESSES = 100, 200


def read_paths(text: str) -> list[str]:
    """Paths that somebody has typed, one a line; `*` is anything. Raises ValueError with a sentence for the person."""
    paths: dict[str, None] = {}
    for line in text.splitlines():
        path = line.strip()
        if "://" in path:
            path = urlsplit(path).path or "/"
        if path and not path.startswith(("/", "*")):
            raise ValueError(f"“{path[:100]}” is not a path. Enter one such as /admin/* or */checkout.")
        if len(path) > 300:
            raise ValueError("A path can have up to 300 characters.")
        if path:
            paths[path] = None
    if len(paths) > MOST_PATHS:
        raise ValueError(f"Enter up to {MOST_PATHS} paths.")
    return list(paths)


def read_addresses(text: str) -> list[str]:
    """IP addresses and networks that somebody has typed. Raises ValueError with a sentence for the person."""
    found: dict[str, None] = {}
    for word in text.replace(",", " ").split():
        try:
            network = ip_network(word, strict=False)
        except ValueError:
            example = "Enter one such as 203.0.113.7 or 203.0.113.0/24."
            raise ValueError(f"“{word[:100]}” is not an IP address or network. {example}") from None
        found[str(network.network_address if network.num_addresses == 1 else network)] = None
    if len(found) > MOST_ADDRESSES:
        raise ValueError(f"Enter up to {MOST_ADDRESSES} addresses.")
    return list(found)


@lru_cache(maxsize=4_096)
def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address is in one of the networks."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)  # an IPv4 client of a server that listens on IPv6
    return any((mapped or parsed) in network for network in networks)


def pattern_of(paths: list[str]) -> re.Pattern[str] | None:
    """What matches one of the paths."""
    return re.compile("|".join(_glob(path) for path in paths)) if paths else None


def _glob(path: str) -> str:
    """Only `*` means more than itself: addresses have brackets and question marks of their own."""
    return fnmatch.translate(path.replace("[", "[[]").replace("?", "[?]"))


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
        if not Tenant.open.filter(pk=tenant_id).exists():
            return None
        with tenant_context(tenant_id):
            site = Site.objects.filter(key=key).first()
        return _known_of(site) if site else None
    finally:
        close_old_connections()


def _known_of(site: Site) -> Known:
    return Known(
        site.tenant_id,
        site.pk,
        frozenset(site.hosts.split()),
        pattern_of(site.excluded_paths.splitlines()),
        tuple(ip_network(address) for address in site.internal_addresses.split()),
        site_secrets.secrets_of(site, now=timezone.now()),
    )
