"""Identifiers that a site gives to more people than one person can be: they tie nobody (identity, rule 7).

A site that sends one constant as ID for everybody, a shared terminal that keeps one e-mail: such a value is seen on more
devices in a day, or with more other identifiers, than a person has. From then on it says nothing about who a visitor is:
what it has tied is let go, and tied again by what else the visitors have named. Somebody may release it: then it counts
again, for good.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from tenants import pending_work
from tenants.isolation import statements
from tenants.isolation.context import current_tenant
from tracking import contact_visits, visitors
from tracking.models import Quarantine

# So many devices within a day, and so many other identifiers of one kind, are more than one person has.
MOST_DEVICES, MOST_OTHERS = 10, 5
DAY = timedelta(days=1)
Pair = tuple[str, str]

# Identifiers of a batch that are seen too widely now. At most a few more than allowed are counted, however many there are.
TOO_MANY = """
SELECT u.kind, u.value, d.devices, o.others FROM unnest(%(kinds)s::text[], %(values)s::text[]) u(kind, value)
CROSS JOIN LATERAL (SELECT count(*) AS devices FROM (
  SELECT DISTINCT v.device FROM (
    SELECT i.visitor_id FROM visitor_identifier i WHERE i.tenant_id = %(tenant)s AND i.kind = u.kind AND i.value = u.value
      AND i.seen_at >= %(since)s LIMIT 500) s
  JOIN visitor v ON v.tenant_id = %(tenant)s AND v.id = s.visitor_id LIMIT %(devices)s + 1) x) d
CROSS JOIN LATERAL (SELECT coalesce(max(k.n), 0) AS others FROM (
  SELECT o.kind, count(DISTINCT o.value) AS n FROM (
    SELECT i.visitor_id FROM visitor_identifier i WHERE i.tenant_id = %(tenant)s AND i.kind = u.kind AND i.value = u.value
    LIMIT 500) s
  JOIN visitor_identifier o ON o.tenant_id = %(tenant)s AND o.visitor_id = s.visitor_id AND o.kind <> u.kind
  GROUP BY o.kind) k) o
WHERE d.devices > %(devices)s OR o.others > %(others)s"""
# Lets go of visitors that one of these identifiers has tied; what was ordered or seen stays with the visitor.
LET_GO = """
UPDATE visitor v SET contact_id = NULL, claimed_at = NULL, matched_by = NULL, import_id = NULL, row_no = NULL, page = NULL
FROM visitor_identifier i
WHERE i.tenant_id = %(tenant)s AND i.kind = %(kind)s AND i.value = %(value)s
  AND v.tenant_id = %(tenant)s AND v.id = i.visitor_id AND v.contact_id IS NOT NULL AND v.matched_by = %(kind)s
RETURNING old.contact_id"""
# Ties visitors that have used an identifier by all the identifiers of theirs that are not in quarantine.
WHO_USED = """SELECT s.visitor_id FROM visitor_identifier s
    WHERE s.tenant_id = %(tenant)s AND s.kind = %(kind)s AND s.value = %(value)s"""
TIE = """
WITH {people}
UPDATE visitor v SET contact_id = j.contact_id, claimed_at = %(now)s, matched_by = j.kind
FROM judged j WHERE v.tenant_id = %(tenant)s AND v.id = j.visitor_id AND v.contact_id IS NULL
RETURNING v.contact_id"""


def held(pairs: Iterable[Pair]) -> set[Pair]:
    """Those of the identifiers (kind, normal form) that are in quarantine."""
    wanted = set(pairs)
    if not wanted:
        return set()
    rows = Quarantine.objects.filter(released_at=None, value__in={value for _kind, value in wanted})
    return wanted & set(rows.values_list("kind", "value"))


def find_shared(pairs: Iterable[Pair], *, now: datetime) -> list[Quarantine]:
    """Put identifiers that were just seen into quarantine where they are seen too widely; returns them. Those that somebody
    has released stay free."""
    known = set(Quarantine.objects.filter(value__in={v for _k, v in pairs}).values_list("kind", "value"))
    fresh = sorted(set(pairs) - known)
    made = []
    for kind, value, devices, others in _too_many(fresh, now):
        item: Quarantine = Quarantine.objects.create(kind=kind, value=value, devices=devices, others=others, at=now)
        _run(LET_GO, item, now)
        _run(_tie(), item, now)
        made.append(item)
    return made


def release(item_id: int, *, user_id: int) -> Quarantine:
    """Let an identifier count again, and tie the visitors that it names. Raises Quarantine.DoesNotExist."""
    item: Quarantine = Quarantine.objects.select_for_update().get(pk=item_id, released_at=None)
    item.released_at, item.released_by_id = timezone.now(), user_id
    item.save(update_fields=["released_at", "released_by"])
    _run(_tie(), item, item.released_at)
    pending_work.mark_pending(pending_work.IDENTITY)
    return item


def _too_many(pairs: list[Pair], now: datetime) -> list[tuple[Any, ...]]:
    if not pairs:
        return []
    kinds, values = (list(column) for column in zip(*pairs, strict=True))
    wanted: dict[str, Any] = {
        "tenant": current_tenant(), "kinds": kinds, "values": values, "since": now - DAY, "devices": MOST_DEVICES,
        "others": MOST_OTHERS,
    }  # fmt: skip
    return statements.fetch(TOO_MANY, **wanted)


def _tie() -> str:
    return statements.fill(TIE, people=visitors.people_of(WHO_USED))


def _run(statement: str, item: Quarantine, now: datetime) -> None:
    changed = statements.fetch(statement, kind=item.kind, value=item.value, now=now)
    contact_visits.refresh(row[0] for row in changed)
