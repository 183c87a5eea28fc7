"""Server time of the pages that a large workspace makes slow, template and all, without the network."""

import time
from collections.abc import Sequence
from typing import Any

from django.test import Client

from benchmarks.imports import owner
from cdp import people
from contacts.models import Contact
from contacts.statuses import FILTERS
from tenants.context import tenant_context
from tenants.models import Tenant

SEED = 5


def queries(tenant: Tenant) -> list[tuple[str, str]]:
    """(what, path) of what is asked. The person is somewhere in the middle."""
    with tenant_context(tenant.pk):
        last = Contact.objects.order_by("-pk").values_list("pk", flat=True)[0]
        some = Contact.objects.filter(pk__lte=last // 2 or last).exclude(email=None).exclude(phone=None)
        who = some.order_by("-pk")[0]
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
        ("Search: nobody", "contacts/?q=zzzyzx"),
        *(
            (f"Filter: {f.group.lower()}, {f.label.lower()}", f"contacts/?status={key}")
            for key, f in FILTERS.items()
            if key
        ),
        ("Deleted, latest first", "contacts/?show=deleted"),
        ("Deleted, by when they were made", "contacts/?show=deleted&order=created"),
        ("Duplicates by e-mail", "contacts/duplicates/"),
        ("Duplicates by phone", "contacts/duplicates/phone/"),
        ("Profile", f"contacts/{who.pk}/"),
        ("Imports", "imports/"),
        ("Segments", "segments/"),
        ("Resolved contacts", "resolved/"),
    ]


def measure(tenant: Tenant, times: int) -> list[tuple[str, float, float]]:
    """(what, median, 95th percentile) in seconds; the first request of each warms up and is not counted."""
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(owner())
    found = []
    for what, path in queries(tenant):
        url = f"/w/{tenant.slug}/{path}"
        one(client, url)
        waits = sorted(one(client, url) for _ in range(times))
        found.append((what, waits[len(waits) // 2], at(waits, 0.95)))
    return found


def one(client: Any, url: str) -> float:
    begun = time.perf_counter()
    response = client.get(url)
    seconds = time.perf_counter() - begun
    if response.status_code != 200:
        raise SystemExit(f"{url} answered {response.status_code}")
    return seconds


def at(waits: Sequence[float], share: float) -> float:
    return waits[min(len(waits) - 1, int(len(waits) * share))]
