"""How many hits one network address may send to a site in a minute, counted by each process for itself.

The limit keeps a single address from flooding a site with made-up hits; nothing else is asked for each hit. Addresses of
this machine and of private networks are proxies that do not say for whom they ask: they are not counted.
"""

import time
from functools import lru_cache
from ipaddress import ip_address, ip_network

MINUTE = 60.0
# So many addresses are cached; made-up ones must not fill the memory.
_MANY = 50_000


class Rates:
    """Hits of the running minute by site and address; `most` 0 means no limit."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.minute = 0.0
        self.seen: dict[tuple[str, str], int] = {}

    def too_many(self, key: str, address: str, *, count: int = 1, now: float | None = None) -> bool:
        """Count hits; whether they are too many."""
        if not self.most or not address or _is_ours(address):
            return False
        moment = (time.monotonic() if now is None else now) // MINUTE
        if moment != self.minute or len(self.seen) > _MANY:
            self.minute, self.seen = moment, {}
        seen = self.seen[key, address] = self.seen.get((key, address), 0) + count
        return seen > self.most


_OURS = [
    ip_network(text)
    for text in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10",
    )
]  # fmt: skip


@lru_cache(maxsize=4096)
def _is_ours(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return True
    return any(parsed in network for network in _OURS)
