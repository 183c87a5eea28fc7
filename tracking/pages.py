"""Which pages a visitor has seen: each page once, by its address without scheme, query and fragment.

A filter by address asks these two tables and not the events (docs/decisions/0018-pages-seen.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from tenants.isolation.context import current_tenant
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


# Of an address that more pages begin with, as many are looked at; so many pairs are joined before going the other way round.
MOST_PAGES, FEW_PAIRS = 2_000, 60_000
# Pages of a host or a path that begin so: ranges on the two indexes.
OF_HOST = """
SELECT p.id FROM page p WHERE p.tenant_id = %(tenant)s AND p.host = %(host)s AND p.path >= %(path)s AND p.path < %(end)s
LIMIT %(most)s"""
OF_HOSTS = """
SELECT p.id FROM page p WHERE p.tenant_id = %(tenant)s AND p.host >= %(host)s AND p.host < %(end)s LIMIT %(most)s"""
OF_PATH = """
SELECT p.id FROM page p WHERE p.tenant_id = %(tenant)s AND p.path >= %(path)s AND p.path < %(end)s LIMIT %(most)s"""
HOW_MANY = """
SELECT count(*) FROM (SELECT 1 FROM page_visitor s WHERE s.tenant_id = %(tenant)s AND s.page_id = ANY(%(pages)s)
                      LIMIT %(most)s) x"""
# Contacts of the visitors of few pages; and whether a contact, one after the other, has a visitor of pages that many saw.
CONTACTS = """
SELECT v.contact_id FROM page_visitor s JOIN visitor v
  ON v.tenant_id = {tenant} AND v.id = s.visitor_id AND v.contact_id IS NOT NULL
WHERE s.tenant_id = {tenant} AND s.page_id = ANY(%s)"""
HAS_SEEN = """
(SELECT true FROM visitor v JOIN page_visitor s
   ON s.tenant_id = {tenant} AND s.visitor_id = v.id AND s.page_id = ANY(%s)
 WHERE v.tenant_id = {tenant} AND v.contact_id = contact_visit.contact_id LIMIT 1)"""
# The end of the range of a prefix: nothing sorts behind it.
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class PagesSeen:
    """A condition on rows of ContactVisit; `dense`: so many have seen the pages that counting all of them takes long."""

    condition: Q
    dense: bool


def seen(wanted: Address) -> PagesSeen:
    """Contacts of whom a visitor has seen a page whose address begins so, on one host, or on any."""
    ids = _ids(wanted)
    if not ids:
        return PagesSeen(Q(pk__in=[]), dense=False)
    pairs = fetch(HOW_MANY, pages=ids, most=FEW_PAIRS + 1)[0][0]
    if pairs <= FEW_PAIRS:
        return PagesSeen(Q(contact_id__in=_raw(CONTACTS, ids)), dense=False)
    return PagesSeen(Q(_raw(HAS_SEEN, ids, output_field=BooleanField())), dense=True)


def _ids(wanted: Address) -> list[int]:
    host, path = wanted
    if not path:
        rows = fetch(OF_HOSTS, host=host, end=host + _LAST, most=MOST_PAGES)
    elif host:
        rows = fetch(OF_HOST, host=host, path=path, end=path + _LAST, most=MOST_PAGES)
    else:
        rows = fetch(OF_PATH, path=path, end=path + _LAST, most=MOST_PAGES)
    return [int(row[0]) for row in rows]


def _raw(statement: str, ids: list[int], **more: Any) -> RawSQL:
    text = statement.replace("{tenant}", str(current_tenant()))
    return RawSQL(text, [ids], **more)  # noqa: S611  our own constant, with the number of the workspace
