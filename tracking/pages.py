"""Which pages a visitor has seen: each page once, by its address without scheme, query and fragment.

A filter by address asks these two tables and not the events (docs/decisions/0018-pages-seen.md).
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from tenants.isolation.statements import fetch, run

# Longer paths are cut: their pages count as one.
MAX_PATH = 300
Address = tuple[str, str]

# In order, so that two batches that meet new pages wait for each other in one direction only.
ADD_PAGES = """
INSERT INTO page (tenant_id, host, path)
SELECT %(tenant)s, u.host, u.path FROM unnest(%(hosts)s::text[], %(paths)s::text[]) u(host, path)
WHERE NOT EXISTS (SELECT 1 FROM page p WHERE p.tenant_id = %(tenant)s AND p.host = u.host AND p.path = u.path)
ORDER BY u.host, u.path ON CONFLICT DO NOTHING"""
PAGES = """
SELECT p.host, p.path, p.id FROM unnest(%(hosts)s::text[], %(paths)s::text[]) u(host, path)
JOIN page p ON p.tenant_id = %(tenant)s AND p.host = u.host AND p.path = u.path"""
ADD_SEEN = """
INSERT INTO page_visitor (tenant_id, page_id, visitor_id)
SELECT %(tenant)s, u.page, u.visitor FROM unnest(%(pages)s::bigint[], %(visitors)s::bigint[]) u(page, visitor)
WHERE NOT EXISTS (SELECT 1 FROM page_visitor s
  WHERE s.tenant_id = %(tenant)s AND s.page_id = u.page AND s.visitor_id = u.visitor)
ORDER BY u.page, u.visitor ON CONFLICT DO NOTHING"""


def address(url: str | None) -> Address | None:
    """(host, path) of a page: `https://Shop.example/boots?color=red` → ("shop.example", "/boots"). None without a host."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2].lower()
    except ValueError:
        return None
    return (host[:MAX_PATH], (parts.path or "/")[:MAX_PATH]) if host else None


def typed_address(text: str) -> Address | None:
    """What somebody looks for: ("", "/cart") for a path on any host, (host, beginning of a path) else. None: nothing."""
    text = text.replace("\x00", "").strip()
    scheme, found, rest = text.partition("://")
    text = rest if found and scheme.isalpha() else text
    text = text.partition("?")[0].partition("#")[0]
    if not text:
        return None
    host, slash, path = text.partition("/")
    return host.lower()[:MAX_PATH], f"{slash}{path}"[:MAX_PATH]


def note(seen: Iterable[tuple[int, Address]]) -> None:
    """Remember which visitors have seen which pages: (visitor, address)."""
    pairs = set(seen)
    if not pairs:
        return
    hosts, paths = (list(column) for column in zip(*sorted({page for _visitor, page in pairs}), strict=True))
    run(ADD_PAGES, hosts=hosts, paths=paths)
    ids = {(host, path): page_id for host, path, page_id in fetch(PAGES, hosts=hosts, paths=paths)}
    rows = sorted((ids[page], visitor) for visitor, page in pairs)
    run(ADD_SEEN, pages=[page for page, _visitor in rows], visitors=[visitor for _page, visitor in rows])
