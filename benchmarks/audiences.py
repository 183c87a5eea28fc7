"""An audience at scale: how long its size takes with every condition, what a change would do, and its first build.

Three sources, two of which share contacts, and all five conditions. Nothing is remembered between the counts.
"""

import time
from dataclasses import dataclass
from typing import Any

import psycopg
from django.utils import timezone

from audiences import funnel, lifecycle
from audiences.audience_form import AudienceForm, ListRow
from audiences.definition import CONDITIONS
from audiences.models import Use
from segments import refresh
from segments.models import SegmentState
from sources.models import Source
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

# Of a hundred people, some of each kind cannot be reached, or were never asked.
CONTACTS = """
INSERT INTO contact (tenant_id, id, external_id, email, phone, email_status, phone_status, attributes, origin, created_at,
                     changed_at)
SELECT %(tenant)s, %(base)s + n, 'U-' || n, 'u' || n || '@audience.example', '+49171' || (1000000 + n),
  CASE WHEN n %% 20 = 7 THEN 'unsubscribed' WHEN n %% 50 = 9 THEN 'not_confirmed' ELSE 'active' END,
  CASE WHEN n %% 40 = 11 THEN 'blacklisted' ELSE 'active' END,
  CASE n %% 11 WHEN 3 THEN '{"city": "Riga"}' WHEN 5 THEN '{"city": "Oslo", "ads_consent": "denied"}'
    ELSE '{"city": "Bergen", "country": "NO", "ads_consent": "granted"}' END::jsonb, 'import', now(), now()
FROM generate_series(1, %(people)s) n"""
MEMBERS = """
INSERT INTO source_member (tenant_id, source_id, contact_id, added_at)
SELECT %(tenant)s, %(source)s, %(base)s + n, now() FROM generate_series(1, %(people)s) n WHERE {which}"""
WHICH = ("n %% 2 = 0", "n %% 3 > 0", "n %% 5 = 1")


@dataclass
class Sized:
    """Seconds of each count, of one beside a saved version, of the first build; included contacts and members."""

    counts: list[float]
    beside: float
    built: float
    included: int
    members: int


def measure(owner_url: str, tenant: Tenant, people: int, *, times: int) -> Sized:
    """Fill a workspace with so many contacts, size an audience of them, and build it."""
    form = _fill(owner_url, tenant, people)
    said, counts, found = form.definition, [], None
    for _time in range(times):
        begun = time.perf_counter()
        with tenant_context(tenant.pk):
            found = funnel.of_cells(funnel.count(said), said, form.use, names={})
        counts.append(time.perf_counter() - begun)
    with tenant_context(tenant.pk):
        audience = lifecycle.create(form, user_id=None)
    assert audience is not None, form.errors
    assert found is not None
    begun = time.perf_counter()
    refresh.work(tenant.pk, audience.segment_id)
    built = time.perf_counter() - begun
    with tenant_context(tenant.pk):
        segment = lifecycle.segment_of(audience)
        assert (segment.state, segment.size) == (SegmentState.READY, found.size), segment.reason
        begun = time.perf_counter()
        again = funnel.of_cells(funnel.count(said, saved=segment.pk), said, form.use, names={})
        beside = time.perf_counter() - begun
        assert (again.size, again.enter, again.leave) == (found.size, 0, 0)
    return Sized(counts, beside, built, found.included, found.size)


def _fill(owner_url: str, tenant: Tenant, people: int) -> AudienceForm:
    usual: dict[str, Any] = {"type": "customers", "origin": "segments", "segments": [], "state": "ready"}
    with tenant_context(tenant.pk):
        sources = [Source.objects.create(name=f"Source {n}", contacts=people, **usual).pk for n in range(3)]
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(f"SET app.tenant_id = '{int(tenant.pk)}'")
        (base,) = connection.execute("SELECT nextval('contact_id_seq')").fetchone() or (0,)
        given = {"tenant": tenant.pk, "base": base, "people": people}
        connection.execute(CONTACTS, given)
        for source, which in zip(sources, WHICH, strict=True):
            connection.execute(MEMBERS.replace("{which}", which), {**given, "source": source})
        connection.execute(f"SELECT setval('contact_id_seq', {base + people + 1})")
        connection.execute("VACUUM (ANALYZE) contact, source_member")
    rows = [ListRow("source", pk) for pk in sources]
    return AudienceForm(f"Winter {timezone.now()}", "", Use.GOOGLE, rows, [], list(CONDITIONS))
