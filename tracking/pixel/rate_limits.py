"""How many hits one network address may send to a site in a minute, and how many a site may get from all addresses, counted
by each process for itself.

The limits keep an address from flooding a site with made-up hits, and one site from taking the time of the others; nothing
else is asked for each hit. Addresses of this machine and of private networks are proxies that do not say for whom they ask:
they count for the site alone.
"""

import time
from functools import lru_cache
from ipaddress import ip_address, ip_network

MINUTE = 60.0
# So many addresses are cached; made-up ones must not fill the memory.
_MANY = 50_000


class Rates:
    """Hits of the running minute by site and address, and by site; `most` 0 means no limit."""

    def __init__(self, most: int, *, of_site: int = 0) -> None:
        self.most, self.of_site = most, of_site
        self.minute = 0.0
        self.seen: dict[tuple[str, str], int] = {}

    def too_many(self, key: str, address: str, *, count: int = 1, now: float | None = None) -> bool:
        """Count hits; whether they are too many."""
        counted = self.most and address and not _is_ours(address)
        if not counted and not self.of_site:
            return False
        moment = (time.monotonic() if now is None else now) // MINUTE
        if moment != self.minute or len(self.seen) > _MANY:
            self.minute, self.seen = moment, {}
        if self.of_site and self._add(key, "", count) > self.of_site:
            return True
        return bool(counted) and self._add(key, address, count) > self.most

    def _add(self, key: str, address: str, count: int) -> int:
        seen = self.seen[key, address] = self.seen.get((key, address), 0) + count
        return seen


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
