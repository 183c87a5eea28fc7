"""Visitors at scale: a generator of contacts, visitors and events in set-based statements, and the pages that read them.

Of the visitors six in ten are contacts; one in six of those has a second device. Stages, visits and pages are as uneven
as in a shop: everybody sees the first page, one in twenty orders, and most of 5,000 products are seen by few.
"""

import itertools
import time
from typing import Any

import psycopg
from django.test import Client

from benchmarks.imports import owner
from benchmarks.pages import at, one
from sources.models import Source
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tracking.models import Site, Visitor
from tracking.pixel.sites import new_key

EVENTS_PER_VISITOR = 20
COUNTRIES = ["LV", "SE", "NO", "FI", "EE", "LT", "DK", "DE", "PL", "GB"]

# A number from 0 to 1 that follows from another number, evenly spread.
_EVEN = "(abs(hashint8({n})::bigint) / 2147483648.0)"
CONTACTS = """
INSERT INTO contact (tenant_id, id, external_id, email, first_name, last_name, first_key, last_key, attributes, origin,
                     created_at, changed_at)
SELECT %(tenant)s, %(base)s + n, upper(%(letter)s) || '-' || n, %(letter)s || n || '@visitors.example',
  'First' || n %% 5000, 'Last' || n %% 20000,
  'first' || n %% 5000, 'last' || n %% 20000, jsonb_build_object('country', (%(countries)s::text[])[1 + n %% 10]), 'import',
  now(), now()
FROM generate_series(1, %(people)s) n"""
VISITORS = f"""
INSERT INTO visitor (tenant_id, id, site_id, device, first_seen, last_seen, views, visits, stage, seconds, timed, hours,
                     contact_id, claimed_at, matched_by)
SELECT %(tenant)s, %(first)s + n, (%(sites)s::bigint[])[1 + n %% 2], gen_random_uuid(),
  s.seen - s.long * interval '60 days', s.seen, 16, 1 + (s.long * s.long * 9)::int,
  CASE WHEN s.far > 0.95 THEN 3 WHEN s.far > 0.85 THEN 2 WHEN s.far > 0.6 THEN 1 ELSE 0 END,
  (s.long * s.long * 900)::int, true, (1 << (n %% 24)) | (1 << (n / 24 %% 24)),
  CASE WHEN n %% 10 < 5 THEN %(base)s + n WHEN n %% 10 = 5 THEN %(base)s + n - 1 END,
  CASE WHEN n %% 10 < 6 THEN s.seen END,
  CASE WHEN n %% 10 < 6 THEN (ARRAY['external_id', 'email', 'email', 'phone'])[1 + n %% 4] END
FROM generate_series(1, %(people)s) n CROSS JOIN LATERAL (
  SELECT now() - {_EVEN.format(n="n")} ^ 2 * interval '180 days' AS seen, {_EVEN.format(n="n + 1000000007")} AS long,
         {_EVEN.format(n="n + 2000000011")} AS far) s"""  # fmt: skip
IDENTIFIERS = """
INSERT INTO visitor_identifier (tenant_id, kind, value, visitor_id, seen_at)
SELECT %(tenant)s, 'email', c.email, v.id, v.claimed_at FROM visitor v
JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = v.contact_id WHERE v.tenant_id = %(tenant)s"""
# Of twenty events three are of the first page, eight of categories and five of products.
EVENTS = f"""
INSERT INTO event (tenant_id, at, visitor_id, site_id, kind, name, url)
SELECT %(tenant)s, v.first_seen + (v.last_seen - v.first_seen) * k / {EVENTS_PER_VISITOR}, v.id, v.site_id,
  CASE WHEN k %% 5 < 4 THEN 'page' WHEN k %% 10 = 4 THEN 'track' ELSE 'time' END,
  CASE WHEN k %% 10 = 4 THEN 'Viewed product' END,
  'https://shop.example' || CASE WHEN k <= 3 THEN '/' WHEN k <= 11 THEN '/category/' || (v.id + k * k) %% 40
    ELSE '/product/' || (({_EVEN.format(n="v.id * 32 + k")}) ^ 3 * 5000)::int END
FROM visitor v CROSS JOIN generate_series(1, {EVENTS_PER_VISITOR}) k
WHERE v.tenant_id = %(tenant)s AND v.id > %(after)s AND v.id <= %(after)s + %(step)s"""
PAGES = """
INSERT INTO page (tenant_id, host, path)
SELECT %(tenant)s, 'shop.example', p FROM (
  SELECT '/' AS p UNION ALL SELECT '/category/' || n FROM generate_series(0, 39) n
  UNION ALL SELECT '/product/' || n FROM generate_series(0, 5000) n) x"""
SEEN = """
INSERT INTO page_visitor (tenant_id, page_id, visitor_id)
SELECT DISTINCT e.tenant_id, p.id, e.visitor_id FROM event e
JOIN page p ON p.tenant_id = %(tenant)s AND p.host = 'shop.example' AND p.path = substring(e.url FROM 21)
WHERE e.tenant_id = %(tenant)s AND e.kind = 'page' AND e.visitor_id > %(after)s AND e.visitor_id <= %(after)s + %(step)s"""
CONTACT_VISITS = """
INSERT INTO contact_visit (tenant_id, contact_id, first_seen, last_seen, views, visits, seconds, stage, hours, visitors,
                           site_ids, matched_at, matched_by)
SELECT %(tenant)s, v.contact_id, min(v.first_seen), max(v.last_seen), sum(v.views), sum(v.visits), sum(v.seconds),
  max(v.stage), bit_or(v.hours), count(*), array_agg(DISTINCT v.site_id), min(v.claimed_at), min(v.matched_by)
FROM visitor v WHERE v.tenant_id = %(tenant)s AND v.contact_id IS NOT NULL GROUP BY v.contact_id"""
MEMBERS = """
INSERT INTO source_member (tenant_id, source_id, contact_id, added_at)
SELECT %(tenant)s, %(source)s, %(base)s + n, now() FROM generate_series(1, %(people)s) n WHERE n %% 2 = 0"""
STEP = 100_000
TABLES = ("contact", "visitor", "visitor_identifier", "event", "page", "page_visitor", "contact_visit", "source_member")

# One value of each filter, common ones and rare ones.
FILTERS = {
    "seen": "30", "time": "evening", "visits": "more", "spent": "more", "stage": "3", "kind": "returning", "region": "LV",
    "page": "/product/4321", "q": "last777",
}  # fmt: skip
POPULAR = ("/", "/category/7", "/product/1", "/product/")


def fill(owner_url: str, tenant: Tenant, people: int) -> float:
    """As many contacts as visitors, and twenty events for each; returns seconds."""
    begun = time.perf_counter()
    with tenant_context(tenant.pk):
        sites = [Site.objects.create(name=f"shop {n}", key=new_key(tenant.pk)).pk for n in range(2)]
        source = Source.objects.create(name="Half of them", type="customers", origin="segments").pk
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(f"SET app.tenant_id = '{int(tenant.pk)}'")
        base, first = (
            connection.execute(
                f"SELECT coalesce(max(id), 0) FROM {table} WHERE tenant_id = %s", [tenant.pk]
            ).fetchone()[0]
            for table in ("contact", "visitor")
        )
        given: dict[str, Any] = {
            "tenant": tenant.pk, "people": people, "base": base, "first": first, "sites": sites, "source": source,
            "countries": COUNTRIES, "letter": "v", "step": STEP,
        }  # fmt: skip
        for statement in (CONTACTS, VISITORS, IDENTIFIERS, PAGES):
            connection.execute(statement, given)
        connection.execute("ANALYZE visitor, page")
        for after in range(first, first + people, STEP):
            connection.execute(EVENTS, {**given, "after": after})
        connection.execute("ANALYZE event")
        for after in range(first, first + people, STEP):
            connection.execute(SEEN, {**given, "after": after})
        for statement in (CONTACT_VISITS, MEMBERS):
            connection.execute(statement, given)
        connection.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}")
    return time.perf_counter() - begun


def add_contacts(owner_url: str, tenant: Tenant, people: int) -> None:
    """Contacts whom no visitor is."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(f"SET app.tenant_id = '{int(tenant.pk)}'")
        [[base]] = connection.execute("SELECT max(id) FROM contact WHERE tenant_id = %s", [tenant.pk]).fetchall()
        connection.execute(
            CONTACTS,
            {"tenant": tenant.pk, "people": people, "base": base, "countries": COUNTRIES, "letter": "w"},
        )
        connection.execute("VACUUM (ANALYZE) contact")


def requests(tenant: Tenant) -> list[tuple[str, str]]:
    """(what, path): the list without a filter, with each, with every two; the pages of visitors."""
    with tenant_context(tenant.pk):
        chosen = {
            **FILTERS, "source": str(Source.objects.order_by("-pk")[0].pk), "site": str(Site.objects.order_by("-pk")[0].pk)
        }  # fmt: skip
        somebody = Visitor.objects.exclude(contact_id=None).order_by("-last_seen")[0].pk
    several = [("Resolved contacts", "resolved/")]
    several += [(f"… {name}", f"resolved/?{name}={value}") for name, value in chosen.items()]
    several += [(f"… page {path}", f"resolved/?page={path}") for path in POPULAR]
    several += [
        (f"… {one} and {other}", f"resolved/?{one}={a}&{other}={b}")
        for (one, a), (other, b) in itertools.combinations(chosen.items(), 2)
    ]
    several += [
        (f"… page {path} and {name}", f"resolved/?page={path}&{name}={value}")
        for path in POPULAR
        for name, value in chosen.items()
        if name != "page"
    ]
    return [
        *several,
        ("Visitors", "visitors/"),
        ("Visitors of a site, anonymous", f"visitors/?site={chosen['site']}&kind=anonymous"),
        ("One visitor", f"visitors/{somebody}/"),
    ]


def measure(tenant: Tenant, times: int) -> list[tuple[str, float, float]]:
    """(what, median, 95th percentile) in seconds, the slowest first; the first request of each warms up."""
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(owner())
    results = []
    for what, path in requests(tenant):
        url = f"/w/{tenant.slug}/{path}"
        one(client, url)
        waits = sorted(one(client, url) for _ in range(times))
        results.append((what, waits[len(waits) // 2], at(waits, 0.95)))
    return sorted(results, key=lambda row: -row[2])


def summary(waits: list[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    """The pages, and of those with filters the slowest with one and the slowest five with two."""
    two = [wait for wait in waits if " and " in wait[0]]
    alone = [wait for wait in waits if wait[0].startswith("…") and wait not in two]
    return [*(wait for wait in waits if not wait[0].startswith("…")), *alone[:3], *two[:5]]
