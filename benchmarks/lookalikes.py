"""A lookalike over many candidates: trained, tested and scored by a worker, with its time and peak memory.

The cause is known: who looks at boots or has ordered is more likely a member, so that the lift can be held against the best
that is possible. Three in ten contacts have a visitor with twelve events, one in ten has orders, one in five got messages.
"""

import time
from dataclasses import dataclass
from typing import Any

import psycopg

from audiences.lookalikes import schedule
from audiences.models import Lookalike, LookalikeState
from benchmarks.stack import Stack, peak
from segments.models import Segment
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tracking.models import Site
from tracking.pixel.sites import new_key

CITIES = [f"City {n}" for n in range(40)]
STEPS = ("counting", "training", "scoring")
STEP, SIZE, LIMIT_SECONDS = 100_000, 3, 900.0

# A number from 0 to 1 that follows from another number, evenly spread.
EVEN = "(abs(hashint8({n})::bigint) / 2147483648.0)"
CONTACTS = """
INSERT INTO contact (tenant_id, id, external_id, email, first_name, attributes, origin, created_at, changed_at)
SELECT %(tenant)s, %(base)s + n, 'L-' || n,
  'l' || n || '@' || (ARRAY['mail.example', 'post.example', 'firm.example'])[1 + n %% 3], 'First' || n %% 5000,
  jsonb_build_object('country', (ARRAY['LV', 'SE', 'NO', 'FI', 'DK'])[1 + n %% 5],
    'city', (%(cities)s::text[])[1 + n * 7 %% 40], 'gender', (ARRAY['male', 'female'])[1 + n / 3 %% 2],
    'shoe_size', 36 + n %% 12),
  'import', now() - interval '400 days', now()
FROM generate_series(%(after)s + 1, least(%(after)s + %(step)s, %(people)s)) n"""
VISITORS = """
INSERT INTO visitor (tenant_id, id, site_id, device, first_seen, last_seen, contact_id, claimed_at, matched_by)
SELECT %(tenant)s, %(first)s + n, %(site)s, gen_random_uuid(), now() - interval '200 days', now() - interval '1 day',
  %(base)s + n, now() - interval '200 days', 'email'
FROM generate_series(1, %(people)s) n WHERE n %% 10 < 3"""
# Of twelve page views those of boots are the part that follows from the visitor's number.
VIEWS = f"""
INSERT INTO event (tenant_id, at, visitor_id, site_id, kind, name, url)
SELECT %(tenant)s, now() - interval '3 days' - {EVEN.format(n="v.id * 16 + k")} * interval '120 days', v.id, v.site_id,
  CASE WHEN k %% 6 = 5 THEN 'track' ELSE 'page' END, CASE WHEN k %% 6 = 5 THEN 'Viewed product' END,
  'https://shop.example/' || CASE WHEN {EVEN.format(n="v.id + 77")} > 0.6 AND k < 5 THEN 'boots/'
    ELSE (ARRAY['tents/', 'maps/', 'stoves/', 'sale/'])[1 + (v.id + k) %% 4] END || k
FROM visitor v CROSS JOIN generate_series(1, 12) k
WHERE v.tenant_id = %(tenant)s AND v.id > %(after)s AND v.id <= %(after)s + %(step)s"""
ORDERS = """
INSERT INTO event (tenant_id, at, contact_id, kind, properties)
SELECT %(tenant)s, now() - (10 + n %% 300) * interval '1 day', %(base)s + n, 'order',
  jsonb_build_object('amount', n %% 300, 'currency', 'EUR')
FROM generate_series(10, %(people)s, 10) n"""
MESSAGES = """
INSERT INTO event (tenant_id, at, contact_id, kind, properties)
SELECT %(tenant)s, now() - (3 + n %% 80) * interval '1 day', %(base)s + n, 'message',
  jsonb_build_object('id', n, 'channel', 'email', 'status', (ARRAY['delivered', 'read', 'clicked'])[1 + n %% 3])
FROM generate_series(5, %(people)s, 5) n"""
# The chance of each contact to be a member.
CHANCE = f"""0.006 + CASE WHEN n %% 10 < 3 AND {EVEN.format(n="%(first)s + n + 77")} > 0.6 THEN 0.12 ELSE 0 END
  + CASE WHEN n %% 10 = 0 THEN 0.05 ELSE 0 END"""
MEMBERS = f"""
INSERT INTO segment_member (tenant_id, segment_id, contact_id, added_at)
SELECT %(tenant)s, %(segment)s, %(base)s + n, now() - interval '1 day' FROM generate_series(1, %(people)s) n
WHERE {EVEN.format(n="n + 3000000019")} < {CHANCE}"""
# The best lift that anybody who knows the chances could have.
BEST = f"""
WITH people AS (
  SELECT {CHANCE} AS chance FROM generate_series(1, %(people)s) n),
placed AS (
  SELECT p.chance, row_number() OVER (ORDER BY p.chance DESC) AS place FROM people p)
SELECT sum(p.chance) FILTER (WHERE p.place <= %(opened)s) / sum(p.chance) FROM placed p"""
TABLES = ("contact", "visitor", "event", "segment_member")


@dataclass
class Found:
    """Seconds in all and by step, peak memory of a worker in bytes, what was scored, and the lift beside the best."""

    seconds: float
    steps: dict[str, float]
    memory: float
    judged: int
    members: int
    lift: float
    best: float


def fill(owner_url: str, tenant: Tenant, people: int) -> tuple[int, float]:
    """(the segment of the members, the best lift that is possible at SIZE)."""
    with tenant_context(tenant.pk):
        site = Site.objects.create(name="shop", key=new_key(tenant.pk)).pk
        segment = Segment.objects.create(name="Club members").pk
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(f"SET app.tenant_id = '{int(tenant.pk)}'")
        base, first = (
            connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]  # type: ignore[index]
            for table in ("contact", "visitor")
        )
        given: dict[str, Any] = {
            "tenant": tenant.pk, "people": people, "base": base, "first": first, "site": site, "segment": segment,
            "cities": CITIES, "step": STEP,
        }  # fmt: skip
        for after in range(0, people, STEP):
            connection.execute(CONTACTS, {**given, "after": after})
        connection.execute(VISITORS, given)
        for after in range(first, first + people, STEP):
            connection.execute(VIEWS, {**given, "after": after})
        for statement in (ORDERS, MESSAGES, MEMBERS):
            connection.execute(statement, given)
        connection.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}")
        row = connection.execute(BEST, {**given, "opened": round(people * SIZE / 100)}).fetchone()
    return segment, float(row[0]) / (SIZE / 100) if row else 0.0


def measure(stack: Stack, tenant: Tenant, people: int) -> Found:
    """Fill the workspace, and let a worker make the lookalike."""
    segment, best = fill(stack.info["owner_database_url"], tenant, people)
    with tenant_context(tenant.pk):
        own = Lookalike.objects.create(name="Like the club", seed_kind="segment", seed_id=segment, size=SIZE)
    steps: dict[str, float] = {}
    with peak(stack.workers) as memory:
        begun = at = time.perf_counter()
        with tenant_context(tenant.pk):
            schedule.begin(own)
        while own.active:
            time.sleep(0.1)
            with tenant_context(tenant.pk):
                own.refresh_from_db()
            now = time.perf_counter()
            steps[own.state] = steps.get(own.state, 0.0) + now - at
            at = now
            if now - begun > LIMIT_SECONDS:
                raise SystemExit(f"The lookalike was not ready in time: {own.state}")
        took = time.perf_counter() - begun
    if own.state != LookalikeState.READY and people >= STEP:
        raise SystemExit(f"The lookalike is {own.state}: {own.reason}")
    lift = next((one["lift"] for one in own.report.get("lifts", ()) if one["percent"] == SIZE), 0.0)
    return Found(took, steps, memory.most, own.judged, own.report.get("members", 0), lift, best)
