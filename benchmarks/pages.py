"""Server time of the pages that a large workspace makes slow, template and all, without the network."""

import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import psycopg
from django.test import Client

from benchmarks.imports import owner
from cdp.demo import people
from contacts.listing.status_filters import FILTERS
from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

SEED = 5


def active(owner_url: str, tenant: Tenant, contact_id: int, count: int) -> None:
    """Give a contact much activity, and many others an order."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        given = {"tenant": tenant.pk, "contact": contact_id, "count": count}
        connection.execute(f"SET app.tenant_id = '{int(tenant.pk)}'")
        connection.execute(ACTIVE, given)
        connection.execute(ORDERS, given)
        connection.execute("VACUUM (ANALYZE) event")


ACTIVE = """
INSERT INTO event (tenant_id, id, at, contact_id, kind, name, properties)
SELECT %(tenant)s, nextval('event_id_seq'), now() - n * interval '5 minutes', %(contact)s,
  (ARRAY['message', 'action', 'track'])[1 + n %% 3], 'Entry ' || n, jsonb_build_object('status', 'delivered')
FROM generate_series(1, %(count)s) n"""
ORDERS = """
INSERT INTO event (tenant_id, id, at, contact_id, kind, properties)
SELECT c.tenant_id, nextval('event_id_seq'), now() - (c.id %% 200) * interval '1 day', c.id, 'order',
  jsonb_build_object('amount', c.id %% 300, 'currency', 'EUR')
FROM contact c WHERE c.tenant_id = %(tenant)s AND c.id %% 10 = 0"""


def rule(*parts: dict[str, Any]) -> str:
    """A smart search as an address has it."""
    return quote(json.dumps({"v": 1, "all": list(parts)}))


CITY = {"attribute": "city", "op": "is", "values": [people.COUNTRIES[0].cities[0]]}
ORDERED = {"activity": "order", "times": "at_least", "count": "1", "days": 30}
STATUS = {"attribute": "email_status", "op": "is", "values": ["active"]}


def somebody(tenant: Tenant) -> Contact:
    """A person from the middle of the workspace, with both channels."""
    with tenant_context(tenant.pk):
        last = Contact.objects.order_by("-pk").values_list("pk", flat=True)[0]
        some = Contact.objects.living().filter(pk__lte=last // 2 or last).exclude(email=None).exclude(phone=None)
        contact: Contact = some.order_by("-pk")[0]
    return contact


def queries(tenant: Tenant, who: Contact, count: int) -> list[tuple[str, str]]:
    """(what, path) of what is asked."""
    with tenant_context(tenant.pk):
        middle = f"{who.pk}_{who.changed_at.isoformat()}".replace("+", "%2B")
    email, surname = (who.email or "")[:12], people.COUNTRIES[0].last[0][0]
    return [
        ("Contacts, newest first", "contacts/"),
        ("Contacts, oldest first", "contacts/?order=created"),
        ("Contacts, changed last", "contacts/?order=-changed"),
        ("Contacts, changed first", "contacts/?order=changed"),
        ("Contacts, best rating first", "contacts/?order=-rating"),
        ("Contacts, lowest rating first", "contacts/?order=rating"),
        ("… a page in the middle", f"contacts/?after={middle}"),
        ("… a page in the middle, by change", f"contacts/?order=-changed&after={middle}"),
        ("Search: an e-mail", f"contacts/?q={who.email}".replace("+", "%2B")),
        ("Search: the beginning of an e-mail", f"contacts/?q={email}".replace("+", "%2B")),
        ("Search: a phone", f"contacts/?q={(who.phone or '').replace('+', '%2B')}"),
        ("Search: an external ID", f"contacts/?q={who.external_id}"),
        ("Search: a surname that many have", f"contacts/?q={surname}"),
        ("… by change", f"contacts/?q={surname}&order=-changed"),
        ("Search: first name and surname", "contacts/?q=emma%20smith"),
        ("Search: no match", "contacts/?q=zzzyzx"),
        *(
            (f"Filter: {f.group.lower()}, {f.label.lower()}", f"contacts/?status={key}")
            for key, f in FILTERS.items()
            if key
        ),
        ("Deleted, newest first", "contacts/?show=deleted"),
        ("Deleted, by when they were made", "contacts/?show=deleted&order=created"),
        ("Duplicates by e-mail", "contacts/duplicates/"),
        ("Duplicates by phone", "contacts/duplicates/phone/"),
        ("Smart search: a city", f"contacts/?rule={rule(CITY)}"),
        ("Smart search: a city without contacts", f"contacts/?rule={rule({**CITY, 'values': ['Nowhere']})}"),
        ("Smart search: orders in 30 days and a status", f"contacts/?rule={rule(ORDERED, STATUS)}"),
        ("The builder of it, with all counts", f"segments/search/?rule={rule(ORDERED, STATUS, CITY)}"),
        ("Profile", f"contacts/{who.pk}/"),
        ("Profile: attributes", f"contacts/{who.pk}/?tab=attributes"),
        (f"Activity with {count:,} entries", f"activity/of-contact/{who.pk}/"),
        ("… its messages", f"activity/of-contact/{who.pk}/?kind=message"),
        ("Imports", "imports/"),
        ("Segments", "segments/"),
        ("Resolved contacts", "resolved/"),
    ]


def measure(owner_url: str, tenant: Tenant, times: int, *, count: int) -> list[tuple[str, float, float]]:
    """(what, median, 95th percentile) in seconds; the first request of each warms up and is not counted. `count`: entries
    in the activity of one contact."""
    who = somebody(tenant)
    active(owner_url, tenant, who.pk, count)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(owner())
    results = []
    for what, path in queries(tenant, who, count):
        url = f"/w/{tenant.slug}/{path}"
        one(client, url)
        waits = sorted(one(client, url) for _ in range(times))
        results.append((what, waits[len(waits) // 2], at(waits, 0.95)))
    return results


def one(client: Any, url: str) -> float:
    begun = time.perf_counter()
    response = client.get(url)
    seconds = time.perf_counter() - begun
    if response.status_code != 200:
        raise SystemExit(f"{url} answered {response.status_code}")
    return seconds


def at(waits: Sequence[float], share: float) -> float:
    return waits[min(len(waits) - 1, int(len(waits) * share))]
