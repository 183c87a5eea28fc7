"""Who signs in at the file servers. A user name is WORKSPACE.NAME: it says the workspace, whose connectors are then asked.

Nothing here belongs into an event loop: each function waits for the database, and a password for its hash.
"""

import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network

from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from connectors import credentials, folders
from connectors.jail import Jail, Limits
from connectors.models import DROPPING, Connector
from tenants import audit
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tenants.workspaces import is_open

log = logging.getLogger(__name__)
# Wrong passwords in a quarter of an hour: of one user from one network, and of all users from one network.
WINDOW_SECONDS, MOST_OF_USER, MOST_OF_NETWORK = 900, 10, 100
# A program that signs in every minute gets a line in the audit log once in so long.
AUDIT_EVERY = timedelta(hours=1)


class Denied(Exception):
    """Nobody comes in. The sentence is for the log; whoever asks is told nothing."""


@dataclass(frozen=True)
class Session:
    """A user who is signed in."""

    tenant_id: int
    connector_id: int
    user_name: str
    changed_at: float
    jail: Jail


def user_name(tenant: Tenant, connector: Connector) -> str:
    """The name to sign in with."""
    return f"{tenant.slug}.{connector.login}"


def find(name: str, *, protocol: str) -> tuple[Tenant, Connector] | None:
    """The connector of a user name, also one that is disabled; None for an unknown one, or one of another protocol."""
    slug, _dot, login = name.partition(".")
    if protocol not in DROPPING or not login or "\0" in name or len(name) > 200:
        return None
    tenant = Tenant.open.filter(slug=slug).first()
    if tenant is None:
        return None
    with tenant_context(tenant.pk, read_only=True):
        connector = Connector.objects.filter(login=login, protocol=protocol, deleted_at=None).first()
    return (tenant, connector) if connector else None


def by_password(name: str, password: str, *, address: str, protocol: str) -> Session:
    """Sign in with a password. Raises Denied."""
    refuse_after_too_many(name, address)
    found = find(name, protocol=protocol)
    if not credentials.is_right(password, found[1].secret_hash if found else ""):
        _count_wrong(name, address)
        if found:
            _note(*found, f"A sign-in from {address} was refused: wrong password.")
            _record_refusal(*found, address=address, why="wrong password")
        raise Denied(f"{name} from {address}: wrong user name or password")
    assert found is not None
    session = _admitted(*found, address=address)
    record(session, address=address, way="password")
    return session


def by_key(name: str, *, address: str, protocol: str) -> Session:
    """Who may come in by one of its keys; that the client has it is for the server to check. Raises Denied."""
    found = find(name, protocol=protocol)
    if found is None:
        raise Denied(f"{name} from {address}: the connector has gone")
    return _admitted(*found, address=address)


def keys_of(name: str, *, protocol: str) -> list[str]:
    """The public keys of a user."""
    found = find(name, protocol=protocol)
    return found[1].public_keys.splitlines() if found else []


def still_good(session: Session) -> bool:
    """Whether a session may go on: its connector is as it was when it began, and the workspace is open."""
    if not is_open(session.tenant_id):
        return False
    with tenant_context(session.tenant_id, read_only=True):
        connector = Connector.objects.filter(pk=session.connector_id).first()
    return connector is not None and connector.active and connector.changed_at.timestamp() == session.changed_at


def network_of(address: str) -> str:
    """What one connection to the internet has: an IPv4 address, or the /64 of an IPv6 address."""
    plain = ip_address(address.partition("%")[0])
    plain = getattr(plain, "ipv4_mapped", None) or plain
    return str(plain) if plain.version == 4 else str(ip_network(f"{plain}/64", strict=False).network_address)


def refuse_after_too_many(name: str, address: str) -> None:
    """Raise Denied after too many wrong passwords, and while they cannot be counted."""
    by_user, by_network = _counters(name, address)
    try:
        counts = cache.get_many([by_user, by_network])
    except RedisError as problem:
        raise Denied("wrong passwords cannot be counted") from problem
    if counts.get(by_user, 0) >= MOST_OF_USER or counts.get(by_network, 0) >= MOST_OF_NETWORK:
        raise Denied(f"{name} from {address}: too many wrong passwords")


def _count_wrong(name: str, address: str) -> None:
    for counter in _counters(name, address):
        try:
            cache.add(counter, 0, WINDOW_SECONDS)
            cache.incr(counter)
        except ValueError:  # it has just expired
            cache.set(counter, 1, WINDOW_SECONDS)
        except RedisError as problem:
            raise Denied("wrong passwords cannot be counted") from problem


def _counters(name: str, address: str) -> tuple[str, str]:
    network = network_of(address)
    user = hashlib.sha256(f"{network} {name}".encode(errors="replace")).hexdigest()[:32]
    return f"connectors:wrong:{user}", f"connectors:wrong:{network}"


def _admitted(tenant: Tenant, connector: Connector, *, address: str) -> Session:
    """Let a user in whose password or key was right. Raises Denied for a disabled one, or an address that is not allowed."""
    why = ""
    if not connector.active:
        why = "the connector is disabled"
    elif not is_allowed(address, connector.networks):
        why = "the address is not one of the allowed networks"
    if why:
        _note(tenant, connector, f"A sign-in from {address} was refused: {why}.")
        _record_refusal(tenant, connector, address=address, why=why)
        raise Denied(f"{connector.login} from {address}: {why}")
    place = folders.of(tenant.pk, connector.pk)
    place.make()
    limits = Limits(connector.max_bytes, connector.max_files, tenant.max_upload_bytes)
    return Session(
        tenant.pk, connector.pk, user_name(tenant, connector), connector.changed_at.timestamp(), Jail(place, limits)
    )


def record(session: Session, *, address: str, way: str) -> None:
    """Note that a user has signed in: on the page, and now and then in the audit log."""
    now = timezone.now()
    with tenant_context(session.tenant_id):
        connector = Connector.objects.get(pk=session.connector_id)
        seen, before = connector.last_seen_at, connector.last_address
        if seen is None or before != address or now - seen > AUDIT_EVERY:
            audit.record(
                "connector.signed_in", user_id=None, target=f"connector {connector.pk}", name=connector.name,
                address=address, by=way,
            )  # fmt: skip
        Connector.objects.filter(pk=connector.pk).update(last_seen_at=now, last_address=address)


def is_allowed(address: str, networks: str) -> bool:
    """Whether an address is in one of the networks; where none are named, every address is."""
    plain = ip_address(address.partition("%")[0])
    plain = getattr(plain, "ipv4_mapped", None) or plain
    return not networks.strip() or any(plain in ip_network(network) for network in networks.split())


def _note(tenant: Tenant, connector: Connector, sentence: str) -> None:
    with tenant_context(tenant.pk):
        Connector.objects.filter(pk=connector.pk).update(error=sentence[:400], error_at=timezone.now())


def _record_refusal(tenant: Tenant, connector: Connector, *, address: str, why: str) -> None:
    with tenant_context(tenant.pk):
        audit.record(
            "connector.sign_in_refused", user_id=None, target=f"connector {connector.pk}", name=connector.name,
            address=address, why=why,
        )  # fmt: skip
