"""Of whom a model learns: the members of a list at their moments, and a sample of all others at moments like these."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from audiences.lookalikes.model import Floats, Ids, draw
from audiences.lookalikes.people import LISTS
from audiences.models import Lookalike
from tenants.isolation.context import current_tenant
from tenants.isolation.statements import fetch, fill
from tenants.models import Tenant

# Of so many members and others at most a model learns; of more, a part that the random seed decides.
MOST_SEEDS, MOST_OTHERS = 20_000, 60_000

SEEDS = """
SELECT c.id, m.added_at, c.created_at FROM ({list}) m
JOIN contact c ON c.tenant_id = %(tenant)s AND c.id = m.contact_id AND c.deleted_at IS NULL
WHERE (hashint8extended(c.id, %(seed)s) & 2147483647) < %(cut)s ORDER BY c.id"""
OTHERS = """
SELECT c.id, c.created_at FROM contact c
WHERE c.tenant_id = %(tenant)s AND c.deleted_at IS NULL AND (hashint8extended(c.id, %(seed)s) & 2147483647) < %(cut)s
  AND NOT EXISTS (SELECT 1 FROM ({list}) m WHERE m.contact_id = c.id) ORDER BY c.id"""
FIRST_ORDERS = """
SELECT p.id, least(
  (SELECT min(e.at) FROM event e WHERE e.tenant_id = %(tenant)s AND e.contact_id = p.id AND e.kind = 'order'
   AND (%(claimed)s OR e.site_id IS NULL OR e.properties -> '$signed' = 'true')),
  (SELECT min(e.at) FROM visitor v CROSS JOIN LATERAL (
    SELECT e.at FROM event e WHERE e.tenant_id = %(tenant)s AND e.visitor_id = v.id AND e.contact_id IS NULL
    AND e.kind = 'order' AND (%(claimed)s OR e.properties -> '$signed' = 'true') OFFSET 0) e
   WHERE v.tenant_id = %(tenant)s AND v.contact_id = p.id))
FROM unnest(%(ids)s::bigint[]) p(id)"""


@dataclass(frozen=True)
class Sample:
    """People, their moments, who of them are members, and for how many people each of them stands."""

    ids: Ids
    moments: list[datetime]
    members: Any
    weight: Floats


def draw_sample(lookalike: Lookalike, *, members: int, others: int, now: datetime) -> Sample:
    """Members at their moments, and others at moments drawn from those, none from before the contact was created. Members
    without a moment, such as those without an order, are left out."""
    asked = {"pk": lookalike.seed_id, "seed": lookalike.random_seed}
    listed = LISTS[lookalike.seed_kind]
    seeds = fetch(fill(SEEDS, list=listed), cut=_cut(MOST_SEEDS, members), **asked)
    at = {pk: added for pk, added, _created in seeds}
    if lookalike.seed_moment == "first_order":
        at = first_orders(list(at))
    elif lookalike.seed_moment == "now":
        at = dict.fromkeys(at, now)
    rest = fetch(fill(OTHERS, list=listed), cut=_cut(MOST_OTHERS, others), **asked)
    own = sorted(at)
    ids = np.array([*own, *(pk for pk, _created in rest)], dtype=np.int64)
    drawn = drawn_moments(
        np.array([pk for pk, _created in rest], dtype=np.int64), [created for _pk, created in rest],
        list(at.values()), seed=lookalike.random_seed, now=now,
    )  # fmt: skip
    is_member = np.arange(len(ids)) < len(own)
    stands = np.where(is_member, members / max(len(seeds), 1), others / max(len(rest), 1))
    return Sample(ids, [*(at[pk] for pk in own), *drawn], is_member, stands)


def first_orders(ids: Sequence[int]) -> dict[int, datetime]:
    """When people ordered for the first time; those who never did are missing."""
    claimed = Tenant.objects.get(pk=current_tenant()).count_claimed_orders
    return {pk: at for pk, at in fetch(FIRST_ORDERS, ids=list(ids), claimed=claimed) if at is not None}


def drawn_moments(
    ids: Ids, created: Sequence[datetime], moments: Sequence[datetime], *, seed: int, now: datetime
) -> list[datetime]:
    """For each person one of the moments from after the contact was created; now where there is none."""
    known = np.sort(np.array([one.timestamp() for one in moments]))
    born = np.array([one.timestamp() for one in created])
    first = np.searchsorted(known, born, side="left")
    place = first + np.floor(draw(ids, seed + 1) * (len(known) - first)).astype(np.int64)
    return [datetime.fromtimestamp(known[at], UTC) if at < len(known) else now for at in place.tolist()]


def _cut(most: int, of: int) -> int:
    """Hashes below this are taken: all of them, or about `most`."""
    return 2**31 if of <= most else int(2**31 * most / of)
