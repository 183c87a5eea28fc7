"""Which pages a visitor has seen: each page once, by its address without scheme, query and fragment.

A filter by address asks these two tables and not the events (docs/decisions/0018-pages-seen.md).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from tenants.isolation.context import current_tenant
from tenants.isolation.statements import fetch, fill, run

# Longer paths are cut: their pages count as one.
MAX_PATH = 300
Address = tuple[str, str]

# In order, so that two batches that meet new pages wait for each other in one direction only.
ADD_PAGES = """
INSERT INTO page (tenant_id, host, path)
SELECT %(tenant)s, u.host, u.path FROM unnest(%(hosts)s::text[], %(paths)s::text[]) u(host, path)
WHERE NOT EXISTS (SELECT 1 FROM page p WHERE p.tenant_id = %(tenant)s AND p.host = u.host AND p.path = u.path)
ORDER BY u.host, u.path ON CONFLICT DO NOTHING"""
# Locked until the batch is stored: `forget` does not take a page away that somebody is about to have seen.
PAGES = """
SELECT p.host, p.path, p.id FROM unnest(%(hosts)s::text[], %(paths)s::text[]) u(host, path)
JOIN page p ON p.tenant_id = %(tenant)s AND p.host = u.host AND p.path = u.path ORDER BY p.id FOR KEY SHARE OF p"""
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
    ids: dict[Address, int] = {}
    while missing := {page for _visitor, page in pairs} - ids.keys():  # again where one has just been forgotten
        hosts, paths = (list(column) for column in zip(*sorted(missing), strict=True))
        run(ADD_PAGES, hosts=hosts, paths=paths)
        ids |= {(host, path): page_id for host, path, page_id in fetch(PAGES, hosts=hosts, paths=paths)}
    rows = sorted((ids[page], visitor) for visitor, page in pairs)
    run(ADD_SEEN, pages=[page for page, _visitor in rows], visitors=[visitor for _page, visitor in rows])


OF_VISITORS = """
SELECT p.id FROM page p WHERE p.tenant_id = %(tenant)s AND p.id IN (
  SELECT s.page_id FROM page_visitor s WHERE s.tenant_id = %(tenant)s AND s.visitor_id = ANY(%(visitors)s))
ORDER BY p.id FOR UPDATE"""
UNSEE = "DELETE FROM page_visitor s WHERE s.tenant_id = %(tenant)s AND s.visitor_id = ANY(%(visitors)s)"
# Addresses may say something about the person who was there: no page is remembered that no visitor has seen.
UNSEEN = """
DELETE FROM page p WHERE p.tenant_id = %(tenant)s AND p.id = ANY(%(pages)s) AND NOT EXISTS (
  SELECT 1 FROM page_visitor s WHERE s.tenant_id = %(tenant)s AND s.page_id = p.id)"""


def forget(visitor_ids: Sequence[int]) -> None:
    """Forget which pages visitors have seen, and pages that no other visitor has seen."""
    found = [row[0] for row in fetch(OF_VISITORS, visitors=list(visitor_ids))]
    run(UNSEE, visitors=list(visitor_ids))
    run(UNSEEN, pages=found)


# So many pairs of page and visitor are joined with contacts before it is quicker to go the other way round.
FEW_PAIRS = 40_000
# Pages of hosts that begin so, of one host with a path that begins so, and of any host: ranges on the indexes.
_OF_HOSTS = "p.host >= %(host)s AND p.host < %(host_end)s"
_OF_HOST = "p.host = %(host)s AND p.path >= %(path)s AND p.path < %(path_end)s"
_OF_ANY = "p.path >= %(path)s AND p.path < %(path_end)s"
HOW_MANY = """
SELECT count(*) FROM (
  SELECT 1 FROM page p JOIN page_visitor s ON s.tenant_id = %(tenant)s AND s.page_id = p.id
  WHERE p.tenant_id = %(tenant)s AND {such} LIMIT %(most)s) x"""
# Contacts of the visitors of pages that few have seen.
CONTACTS = """
SELECT v.contact_id FROM page p JOIN page_visitor s ON s.tenant_id = %(tenant)s AND s.page_id = p.id
JOIN visitor v ON v.tenant_id = %(tenant)s AND v.id = s.visitor_id AND v.contact_id IS NOT NULL
WHERE p.tenant_id = %(tenant)s AND {such}"""
# Whether a contact, one after the other, has a visitor of such a page. The limit keeps it a question for each: as a join
# all pairs of the pages would be read.
HAS_SEEN = """
(SELECT true FROM visitor v JOIN page_visitor s ON s.tenant_id = %(tenant)s AND s.visitor_id = v.id
 JOIN page p ON p.tenant_id = %(tenant)s AND p.id = s.page_id AND {such}
 WHERE v.tenant_id = %(tenant)s AND v.contact_id = contact_visit.contact_id LIMIT 1)"""
# The end of the range of a prefix: nothing sorts behind it.
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class PagesSeen:
    """A condition on rows of ContactVisit; `dense`: so many have seen the pages that counting all of them takes long."""

    condition: Q
    dense: bool


def seen(wanted: Address) -> PagesSeen:
    """Contacts of whom a visitor has seen a page whose address begins so, on one host, or on any."""
    host, path = wanted
    such = _OF_HOSTS if not path else _OF_HOST if host else _OF_ANY
    given = {"host": host, "host_end": host + _LAST, "path": path, "path_end": path + _LAST}
    if fetch(fill(HOW_MANY, such=such), **given, most=FEW_PAIRS + 1)[0][0] <= FEW_PAIRS:
        return PagesSeen(Q(contact_id__in=_raw(fill(CONTACTS, such=such), given)), dense=False)
    return PagesSeen(Q(_raw(fill(HAS_SEEN, such=such), given, output_field=BooleanField())), dense=True)


def _raw(statement: str, given: dict[str, Any], **more: Any) -> RawSQL:
    """A condition of the ORM takes its values by their places."""
    values = {"tenant": current_tenant(), **given}
    names = re.findall(r"%\((\w+)\)s", statement)
    return RawSQL(re.sub(r"%\(\w+\)s", "%s", statement), [values[name] for name in names], **more)  # noqa: S611  constant
