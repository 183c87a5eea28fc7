"""The statements of the search for probable duplicates. Each is above the one function that runs it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from contacts import change_queue
from contacts.linkage.blocking import CAP
from tenants.isolation.context import current_tenant
from tenants.isolation.statements import fetch, run

BATCH = 100_000


FORGET_KEYS = "DELETE FROM probable_key k WHERE k.tenant_id = %(tenant)s AND k.contact_id = ANY(%(ids)s)"


PUT_KEYS = """
INSERT INTO probable_key (tenant_id, key, contact_id)
SELECT %(tenant)s, k.key, k.contact_id FROM unnest(%(keys)s::bigint[], %(of)s::bigint[]) k(key, contact_id)
ORDER BY k.key
ON CONFLICT DO NOTHING"""


def replace_keys(ids: Sequence[int], keys: Iterable[tuple[int, int]]) -> None:
    """Give contacts new keys: `keys` are pairs (key, contact ID)."""
    run(FORGET_KEYS, ids=list(ids))
    pairs = list(keys)
    run(PUT_KEYS, keys=[key for key, _pk in pairs], of=[pk for _key, pk in pairs])


# Statistics of the keys, which the planner needs after many were written.
ANALYZE_KEYS = "ANALYZE (SKIP_LOCKED) probable_key"


def learn_keys() -> None:
    """Tell the planner how many keys there are."""
    with connection.cursor() as cursor:
        cursor.execute(ANALYZE_KEYS)


# Contacts that share a key which not too many have. Reads all keys of the workspace once in their order.
PAIRS = """
SELECT DISTINCT a.contact_id, b.contact_id
FROM (SELECT k.key FROM probable_key k WHERE k.tenant_id = %(tenant)s GROUP BY k.key
      HAVING count(*) BETWEEN 2 AND %(cap)s) w
JOIN probable_key a ON a.tenant_id = %(tenant)s AND a.key = w.key
JOIN probable_key b ON b.tenant_id = %(tenant)s AND b.key = w.key AND b.contact_id > a.contact_id"""
WORK_MEMORY = "SET LOCAL work_mem = '256MB'"


def pairs(cap: int) -> Iterator[list[tuple[int, int]]]:
    """All pairs of contacts to be compared, a batch at a time: those that share a key which at most `cap` have. Inside of a
    transaction."""
    run(WORK_MEMORY)
    with connection.cursor().connection.cursor(name="probable_pairs") as cursor:
        cursor.execute(PAIRS, {"tenant": current_tenant(), "cap": cap})
        while rows := cursor.fetchmany(BATCH):
            yield rows


NEAR = """
SELECT DISTINCT o.contact_id FROM unnest(%(keys)s::bigint[]) w(key)
CROSS JOIN LATERAL (
  SELECT k.contact_id FROM probable_key k WHERE k.tenant_id = %(tenant)s AND k.key = w.key LIMIT %(cap)s + 1) o
WHERE (SELECT count(*) FROM (
  SELECT 1 FROM probable_key k WHERE k.tenant_id = %(tenant)s AND k.key = w.key LIMIT %(cap)s + 1) n) <= %(cap)s"""


def near(keys: Iterable[int]) -> list[int]:
    """IDs of contacts that share one of the keys, without keys that too many have."""
    return [row[0] for row in fetch(NEAR, keys=list(keys), cap=CAP)]


# What no decision was made about makes way for what the new search has found. A decision on people who have changed since
# counts no more; the finder leaves out those that count.
FORGET_OPEN = "DELETE FROM probable_pair p WHERE p.tenant_id = %(tenant)s AND p.decision = ''"
PUT = """
INSERT INTO probable_pair (tenant_id, low_id, high_id, group_id, strength, bits, head, detail, print)
VALUES (%(tenant)s, %(low)s, %(high)s, %(group)s, %(strength)s, %(bits)s, %(head)s, %(detail)s, %(print)s)
ON CONFLICT (tenant_id, low_id, high_id) DO UPDATE SET group_id = excluded.group_id, strength = excluded.strength,
  bits = excluded.bits, head = excluded.head, detail = excluded.detail, print = excluded.print,
  decision = CASE WHEN probable_pair.decision = 'later' THEN 'later' ELSE '' END"""


# Contacts of the pairs, for segments that ask for probable duplicates.
PAIRED = """
SELECT p.low_id FROM probable_pair p WHERE p.tenant_id = %(tenant)s
UNION SELECT p.high_id FROM probable_pair p WHERE p.tenant_id = %(tenant)s"""


def replace_pairs(pairs: Iterable[dict[str, Any]]) -> None:
    """Keep what a search has found in place of what the last one has."""
    change_queue.add_found(PAIRED, "duplicate")
    run(FORGET_OPEN)
    tenant = current_tenant()
    with connection.cursor() as cursor:
        rows: list[Any] = [{"tenant": tenant, **row, "detail": Jsonb(row["detail"])} for row in pairs]
        cursor.executemany(PUT, rows)
    change_queue.add_found(PAIRED, "duplicate")


# One pair for each group whose contacts are all still there, the strongest first.
GROUPS = """
SELECT p.group_id, p.strength, p.low_id, p.high_id FROM probable_pair p
WHERE p.tenant_id = %(tenant)s AND p.head AND p.decision = %(decision)s
  AND (%(strength)s::float8 IS NULL OR (p.strength, p.group_id) < (%(strength)s, %(group)s))
  AND EXISTS (SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s AND c.id = p.low_id AND c.deleted_at IS NULL)
  AND EXISTS (SELECT 1 FROM contact c WHERE c.tenant_id = %(tenant)s AND c.id = p.high_id AND c.deleted_at IS NULL)
ORDER BY p.strength DESC, p.group_id DESC LIMIT %(count)s"""


def group_heads(decision: str, *, after: tuple[float, int] | None, count: int) -> list[tuple[int, float, int, int]]:
    """(group, strength, the two IDs of its strongest pair), behind a strength and group."""
    strength, group = after or (None, None)
    rows = fetch(GROUPS, decision=decision, strength=strength, group=group, count=count)
    return [(group, bits, low, high) for group, bits, low, high in rows]


COUNT_GROUPS = """
SELECT p.decision, count(*) FROM probable_pair p
JOIN contact a ON a.tenant_id = %(tenant)s AND a.id = p.low_id AND a.deleted_at IS NULL
JOIN contact b ON b.tenant_id = %(tenant)s AND b.id = p.high_id AND b.deleted_at IS NULL
WHERE p.tenant_id = %(tenant)s AND p.head GROUP BY p.decision"""


def group_counts() -> dict[str, int]:
    """Decision → groups whose contacts are all still there."""
    return dict(fetch(COUNT_GROUPS))
