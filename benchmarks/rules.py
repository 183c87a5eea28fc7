"""Rules at scale: how long contacts are counted that match a rule, and how long a step of the rule builder takes.

A workspace with visitors as those of benchmarks.visitors, and with more of what rules ask about: fields, statuses, orders of
files and of visitors, messages, members of a segment.
"""

import itertools
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from django.core.cache import cache
from django.test import Client

from benchmarks import visitors
from benchmarks.imports import owner
from benchmarks.pages import at
from contacts import write_lock
from contacts.models import Attribute, Contact
from segments.models import Segment
from segments.rules import compiler, tree
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tracking.models import Site
from tracking.pixel.sites import new_key

# Of three contacts two have a visitor; a visitor has twenty events, of which sixteen are page views.
CONTACTS_PER_VISITOR, EVENTS_PER_VISITOR = 1.5, visitors.EVENTS_PER_VISITOR
MEMBERS = 5  # one contact in so many is in the segment
CITIES = [f"City {n}" for n in range(40)]

CONTACTS = """
INSERT INTO contact (tenant_id, id, external_id, email, phone, first_name, last_name, first_key, last_key, attributes,
                     origin, email_status, created_at, changed_at)
SELECT %(tenant)s, %(base)s + n, 'R-' || n, 'r' || n || '@rules.example', '+3712' || (1000000 + n), 'First' || n %% 5000,
  'Last' || n %% 20000, 'first' || n %% 5000, 'last' || n %% 20000,
  jsonb_build_object('country', (%(countries)s::text[])[1 + n %% 10], 'city', (%(cities)s::text[])[1 + n * 7 %% 40],
    'shoe_size', 36 + n %% 12, 'birthday', to_char(date '1950-01-01' + n %% 20000, 'YYYY-MM-DD'),
    'company', 'Firm ' || n %% 999),
  'import', CASE WHEN n %% 20 = 0 THEN 'unsubscribed' WHEN n %% 101 = 0 THEN 'spam' ELSE 'active' END,
  now() - n %% 700 * interval '1 day', now()
FROM generate_series(%(after)s + 1, least(%(after)s + %(step)s, %(contacts)s)) n"""
# Every tenth contact has up to three orders of a file; every fifth got two messages; one in twelve visitors ordered.
ORDERS = """
INSERT INTO event (tenant_id, at, contact_id, kind, properties)
SELECT %(tenant)s, now() - (n %% 400 + k * 30) * interval '1 day', %(base)s + n, 'order',
  jsonb_build_object('id', n || '-' || k, 'amount', n %% 300 + k, 'currency', 'EUR')
FROM generate_series(10, %(contacts)s, 10) n CROSS JOIN generate_series(0, 2) k WHERE n / 10 %% 3 >= k"""
SITE_ORDERS = """
INSERT INTO event (tenant_id, at, visitor_id, site_id, kind, properties)
SELECT v.tenant_id, v.last_seen, v.id, v.site_id, 'order',
  jsonb_build_object('id', 's' || v.id, 'amount', v.id %% 200, 'currency', 'EUR', '$signed', true)
FROM visitor v WHERE v.tenant_id = %(tenant)s AND v.id %% 12 = 0"""
MESSAGES = """
INSERT INTO event (tenant_id, at, contact_id, kind, properties)
SELECT %(tenant)s, now() - (n %% 90 + k) * interval '1 day', %(base)s + n, 'message',
  jsonb_build_object('id', n, 'channel', 'email', 'status', (ARRAY['delivered', 'read', 'clicked'])[1 + k * (n %% 3)])
FROM generate_series(5, %(contacts)s, 5) n CROSS JOIN generate_series(0, 1) k"""
IN_SEGMENT = """
INSERT INTO segment_member (tenant_id, segment_id, contact_id, added_at)
SELECT %(tenant)s, %(segment)s, %(base)s + n, now() FROM generate_series(1, %(contacts)s::int) n
WHERE n %% %(members)s = 0"""
TABLES = ("contact", "visitor", "event", "segment_member")


def fill(owner_url: str, tenant: Tenant, contacts: int) -> tuple[int, float]:
    """So many contacts with visitors, events and a segment; returns how many events, and seconds."""
    begun, people = time.perf_counter(), int(contacts / CONTACTS_PER_VISITOR)
    with tenant_context(tenant.pk):
        sites = [Site.objects.create(name=f"shop {n}", key=new_key(tenant.pk)).pk for n in range(2)]
        segment = Segment.objects.create(name="One in five").pk
        write_lock.lock()  # as after the first import: from now on figures are remembered
        Attribute.objects.create(key="shoe_size", label="Shoe size", type="integer")
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(f"SET app.tenant_id = '{int(tenant.pk)}'")
        (base,), (first,) = (connection.execute(f"SELECT nextval('{table}_id_seq')").fetchone() for table in TABLES[:2])
        given: dict[str, Any] = {
            "tenant": tenant.pk, "contacts": contacts, "people": people, "base": base, "first": first, "sites": sites,
            "countries": visitors.COUNTRIES, "cities": CITIES, "step": visitors.STEP, "segment": segment, "members": MEMBERS,
        }  # fmt: skip
        for after in range(0, contacts, visitors.STEP):
            connection.execute(CONTACTS, {**given, "after": after})
        connection.execute(visitors.VISITORS, given)
        connection.execute("ANALYZE visitor")
        for after in range(first, first + people, visitors.STEP):
            connection.execute(visitors.EVENTS, {**given, "after": after})
        for statement in (ORDERS, SITE_ORDERS, MESSAGES, visitors.CONTACT_VISITS, IN_SEGMENT):
            connection.execute(statement, given)
        for table in TABLES[:2]:
            connection.execute(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")
        connection.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}, contact_visit")
        events = connection.execute("SELECT count(*) FROM event WHERE tenant_id = %s", [tenant.pk]).fetchone()[0]
    return int(events), time.perf_counter() - begun


# --- common rules -------------------------------------------------------------------------------------------------------


def last(days: int) -> dict[str, Any]:
    return {"days": days}


def conditions(segment: int) -> dict[str, dict[str, Any]]:
    """Conditions that most rules are made of."""
    return {
        "city": {"attribute": "city", "op": "is", "values": CITIES[:2]},
        "country": {"attribute": "country", "op": "is", "values": ["LV"]},
        "shoe size": {"attribute": "shoe_size", "op": "at_least", "values": ["46"]},
        "e-mail status": {"attribute": "email_status", "op": "is", "values": ["active"]},
        "created in 30 days": {"attribute": "created_at", "op": "within", "values": ["30"]},
        "ordered in 30 days": {"activity": "order", "times": "at_least", "count": "1", **last(30)},
        "ordered twice in a year": {"activity": "order", "times": "at_least", "count": "2", **last(365)},
        "spent 200 in 90 days": {"activity": "order_total", "times": "at_least", "count": "200", **last(90)},
        "read in 30 days": {"activity": "read", "times": "at_least", "count": "1", **last(30)},
        "in a segment": {"segment": segment, "op": "in"},
    }


PAGES = {
    "viewed 3 pages in 30 days": {"activity": "page", "times": "at_least", "count": "3", **last(30)},
    "viewed a product in 30 days": {
        "activity": "page", "times": "at_least", "count": "1", **last(30),
        "where": {"property": "url", "op": "contains", "value": "/product/"},
    },
}  # fmt: skip
EIGHT = ("city", "country", "shoe size", "e-mail status", "ordered in 30 days", "spent 200 in 90 days", "read in 30 days",
         "in a segment")  # fmt: skip


def rules(segment: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(what, rule): each condition, its opposite for some, every two."""
    common = conditions(segment)
    for what, condition in (common | PAGES).items():
        yield what, {"v": 1, "all": [condition]}
    for what in ("ordered in 30 days", "in a segment"):
        yield f"not: {what}", {"v": 1, "none": [common[what]]}
    for (one, a), (other, b) in itertools.combinations(common.items(), 2):
        yield f"{one} and {other}", {"v": 1, "all": [a, b]}


def measure(tenant: Tenant, times: int) -> list[tuple[str, int, float, float]]:
    """(what, contacts, median, 95th percentile in seconds) of each rule; the first count of each warms up."""
    results = []
    with tenant_context(tenant.pk):
        segment = Segment.objects.get(name="One in five").pk
    for what, data in rules(segment):
        waits, found = [], 0
        for _ in range(times + 1):
            with tenant_context(tenant.pk):
                begun = time.perf_counter()
                found = Contact.objects.living().filter(compiler.compile_rule(tree.parse(data))).count()
                waits.append(time.perf_counter() - begun)
        waits = sorted(waits[1:])
        results.append((what, found, waits[len(waits) // 2], at(waits, 0.95)))
    return results


def steps(tenant: Tenant, times: int) -> list[tuple[str, float, float]]:
    """(what, median, 95th percentile in seconds) of a step of the builder with eight conditions: one value changes."""
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(owner())
    with tenant_context(tenant.pk):
        segment = Segment.objects.get(name="One in five").pk
    url, form = f"/w/{tenant.slug}/segments/search/", {"match:": "any"}
    for i, what in enumerate(EIGHT):
        form |= _fields(i, conditions(segment)[what])
    results = []
    for what, do in (("A step of the builder with eight conditions", ""), ("The exact figures of it", "count")):
        waits = []
        cache.clear()
        for n in range(times + 1):
            form["value:0"] = " | ".join(CITIES[n % 40 : n % 40 + 1 + n // 40])
            begun = time.perf_counter()
            response = client.post(url, {**form, "do": do})
            waits.append(time.perf_counter() - begun)
            if response.status_code != 200:
                raise SystemExit(f"{url} answered {response.status_code}")
        waits = sorted(waits[1:])
        results.append((what, waits[len(waits) // 2], at(waits, 0.95)))
    return results


def _fields(i: int, condition: dict[str, Any]) -> dict[str, str]:
    """The fields of the form for a condition, as a browser sends them."""
    if "attribute" in condition:
        values = condition["values"]
        ticked = {f"option:{i}": values[0]} if condition["attribute"] == "email_status" else {}
        typed = {f"op:{i}": condition["op"], f"value:{i}": " | ".join(values)}
        return {f"about:{i}": f"attribute:{condition['attribute']}", **typed, **ticked}
    if "segment" in condition:
        return {f"about:{i}": "segment", f"op:{i}": condition["op"], f"segment:{i}": str(condition["segment"])}
    times = {f"times:{i}": condition["times"], f"count:{i}": condition["count"]}
    period = {f"period:{i}": "last", f"days:{i}": str(condition["days"]), f"unit:{i}": "days"}
    return {f"about:{i}": f"activity:{condition['activity']}", **times, **period}
