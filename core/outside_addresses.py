"""Where the product may connect on somebody's wish: to hosts of the internet, never into the network that it runs in.

A name is resolved once, each of its addresses is checked, and the connection goes to a checked address: an answer that
differs the second time changes nothing. Networks in the setting `INSIDE_NETWORKS` are allowed as well.
"""

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings

# IPv6 addresses that carry one of IPv4, which is where packets go.
_NAT64 = ip_network("64:ff9b::/96")
MAX_HOST = 253


class BadAddress(ValueError):
    """A host that does not exist, or that may not be connected to. The sentence is for people."""


def resolve(host: str, port: int) -> list[str]:
    """The checked addresses of a host, as text, in the order of the resolver. Raises BadAddress.

    One address inside is enough to refuse the host. It may take as long as the resolver waits.
    """
    name = host.strip().strip("[]")
    if not name or len(name) > MAX_HOST or not 0 < port < 65_536 or any(c.isspace() or c in "/@\0" for c in name):
        raise BadAddress(f"“{host[:80]}” with port {port} is not a host that can be connected to.")
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise BadAddress(f"There is no host {name[:80]}. Check the spelling.") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not is_allowed(address):
            raise BadAddress(
                f"{name[:80]} has the address {address}, which is inside a private network. Use a host of the internet."
            )
    return addresses


def connect(host: str, port: int, *, seconds: float) -> socket.socket:
    """A connection to a checked address of a host, with this limit for each wait. Raises BadAddress, also when no address
    answers."""
    problem: OSError | None = None
    for address in resolve(host, port):
        try:
            return socket.create_connection((address, port), timeout=seconds)
        except OSError as failed:
            problem = failed
    raise BadAddress(f"{host[:80]} does not answer on port {port} ({problem}).")


def are_inside(addresses: Iterable[str]) -> bool:
    """Whether all of these belong to networks that the setting allows, where nothing is read on the way."""
    return all(
        any(_plain(ip_address(address)) in ip_network(network) for network in _allowed()) for address in addresses
    )


def is_allowed(address: str) -> bool:
    """Whether an address belongs to the internet, or to a network that the setting allows."""
    plain = _plain(ip_address(address.partition("%")[0]))
    if any(plain in ip_network(network) for network in _allowed()):
        return True
    return plain.is_global and not plain.is_multicast and not plain.is_reserved and not plain.is_unspecified


def is_inside(host: str, port: int) -> bool:
    """Whether a host is in a network that the setting allows: there, a connection need not be encrypted."""
    try:
        return all(_is_named(address) for address in resolve(host, port))
    except BadAddress:
        return False


def _is_named(address: str) -> bool:
    return any(_plain(ip_address(address.partition("%")[0])) in ip_network(network) for network in _allowed())


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The address to which packets go in the end."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def _allowed() -> Iterable[str]:
    networks: Iterable[str] = settings.INSIDE_NETWORKS
    return networks
