"""What members decide about visitors: whose a visitor is, and whose it is not (identity, rule 7).

A decision claims an unclaimed visitor for a contact; a release makes a claimed one anonymous again, and what it has called
itself no longer makes it that contact. Both can be undone. The program itself ties what points at one contact only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from contacts.duplicates import merge
from contacts.models import Alias, Contact
from contacts.values.columns import IDENTIFIERS
from tenants.isolation import statements
from tenants.isolation.context import current_tenant
from tracking import contact_visits, links, visitors
from tracking.models import STRONGEST_FIRST, MatchedBy, Visitor, VisitorIdentifier, VisitorRefusal

# How a visitor was matched that a member has decided about.
_CLAIM = ("contact_id", "claimed_at", "matched_by", "import_id", "row_no", "page")
_ANONYMOUS: dict[str, Any] = dict.fromkeys(_CLAIM)


@dataclass(frozen=True)
class Pointer:
    """An identifier of a visitor that leads to a living contact."""

    visitor_id: int
    kind: str
    value: str
    contact_id: int


GIVEN = "SELECT u.id FROM unnest(%(ids)s::bigint[]) u(id)"
# Each identifier of unclaimed visitors with each contact that it leads to.
POINTERS = """
WITH {people}
SELECT p.visitor_id, p.kind, p.value, p.contact_id FROM pointing p
JOIN visitor v ON v.tenant_id = %(tenant)s AND v.id = p.visitor_id AND v.contact_id IS NULL
ORDER BY p.visitor_id, array_position({strongest_first}, p.kind::text), p.contact_id, p.value"""
# Unclaimed visitors whose identifiers lead to one contact. Runs under the write lock, which imports and hits take too.
TIE = """
WITH {people}
UPDATE visitor v SET contact_id = j.contact_id, claimed_at = %(now)s, page = (
    SELECT i.page FROM visitor_identifier i WHERE i.tenant_id = %(tenant)s AND i.visitor_id = v.id
      AND i.kind = j.kind ORDER BY i.seen_at LIMIT 1), matched_by = j.kind
FROM judged j WHERE v.tenant_id = %(tenant)s AND v.id = j.visitor_id AND v.contact_id IS NULL
RETURNING v.contact_id"""


def pointers(visitor_ids: Sequence[int]) -> list[Pointer]:
    """What the identifiers of those of the visitors that are unclaimed lead to; by visitor, the strongest kind first."""
    statement = statements.fill(POINTERS, people=visitors.people_of(GIVEN), strongest_first=STRONGEST_FIRST)
    rows = statements.fetch(statement, ids=list(visitor_ids))
    return [Pointer(*row) for row in rows]


def tie(visitor_ids: Sequence[int], *, now: datetime) -> int:
    """Claim those of the visitors that are unclaimed and lead to one contact; returns how many. Needs the write lock."""
    statement = statements.fill(TIE, people=visitors.people_of(GIVEN))
    tied = statements.fetch(statement, ids=list(visitor_ids), now=now)
    contact_visits.refresh(row[0] for row in tied)
    return len(tied)


# Visitors with an identifier that one of the contacts has or had.
OF_CONTACTS = """
SELECT i.visitor_id FROM contact c JOIN visitor_identifier i ON i.tenant_id = %(tenant)s AND i.kind = 'external_id'
  AND i.value = c.external_id WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(ids)s)
UNION SELECT i.visitor_id FROM contact c JOIN visitor_identifier i ON i.tenant_id = %(tenant)s AND i.kind = 'email'
  AND i.value = c.email WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(ids)s)
UNION SELECT i.visitor_id FROM contact c JOIN visitor_identifier i ON i.tenant_id = %(tenant)s AND i.kind = 'phone'
  AND i.value = c.phone WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(ids)s)
UNION SELECT i.visitor_id FROM alias a JOIN visitor_identifier i ON i.tenant_id = %(tenant)s AND i.kind = a.kind
  AND i.value = a.value WHERE a.tenant_id = %(tenant)s AND a.contact_id = ANY(%(ids)s)"""
# What visitors have called themselves, in the order in which it was stored. Exact under the write lock: whoever stores
# identifiers holds it.
NAMED_SINCE = """
SELECT i.visitor_id, i.added_at FROM visitor_identifier i WHERE i.tenant_id = %(tenant)s
  AND (i.added_at, i.visitor_id) > (%(since)s, %(after)s) ORDER BY i.added_at, i.visitor_id LIMIT %(most)s"""


def of_contacts(contact_ids: Sequence[int]) -> list[int]:
    """Visitors with an identifier that one of the contacts has, or had."""
    return [int(row[0]) for row in statements.fetch(OF_CONTACTS, ids=list(contact_ids))]


def named_since(moment: datetime, *, after: int, most: int) -> list[tuple[int, datetime]]:
    """(visitor, time) of identifiers that were stored behind a moment and visitor, the first first."""
    rows = statements.fetch(NAMED_SINCE, since=moment, after=after, most=most)
    return [(int(visitor_id), at) for visitor_id, at in rows]


def decide(visitor_id: int, contact_id: int, *, now: datetime) -> bool:
    """Claim a visitor for the contact that a member says it is. False when it is gone, or somebody's already."""
    claim = {**_ANONYMOUS, "contact_id": contact_id, "claimed_at": now, "matched_by": MatchedBy.DECISION}
    return _changed(Visitor.objects.filter(pk=visitor_id, contact_id=None), contact_id, claim)


def _changed(mine: Any, contact_id: int, values: dict[str, Any]) -> bool:
    """Give visitors of a contact, or that become its, new values. False when there are none."""
    changed = mine.update(**values)
    contact_visits.refresh([contact_id])
    return bool(changed)


def undo_decision(visitor_id: int, contact_id: int) -> bool:
    """Make a visitor anonymous again that a member has decided about. False when it is no longer so."""
    mine = Visitor.objects.filter(pk=visitor_id, contact_id=contact_id, matched_by=MatchedBy.DECISION)
    return _changed(mine, contact_id, _ANONYMOUS)


def release(visitor_id: int, contact_id: int, *, user_id: int, now: datetime) -> Visitor | None:
    """Make a visitor anonymous again that is not this contact. What it has called itself so far does not match it with the
    contact again. None when it is not, or no longer, the contact's."""
    visitor: Visitor | None = Visitor.objects.select_for_update().filter(pk=visitor_id, contact_id=contact_id).first()
    if visitor is None:
        return None
    was = {name: getattr(visitor, name) for name in _CLAIM}
    was["claimed_at"] = visitor.claimed_at.isoformat() if visitor.claimed_at else None
    common = {"tenant_id": current_tenant(), "visitor_id": visitor_id, "contact_id": contact_id, "refused_at": now,
              "refused_by_id": user_id}  # fmt: skip
    evidence = [VisitorRefusal(**common, kind=kind, value=value) for kind, value in _evidence(visitor_id, contact_id)]
    VisitorRefusal.objects.filter(visitor_id=visitor_id, contact_id=contact_id, kind="").delete()
    VisitorRefusal.objects.bulk_create(
        [VisitorRefusal(**common, kind="", value="", was=was), *evidence], ignore_conflicts=True
    )
    _changed(Visitor.objects.filter(pk=visitor_id), contact_id, _ANONYMOUS)
    return visitor


def undo_release(visitor_id: int, contact_id: int) -> bool:
    """Give a released visitor back to its contact. False when it is somebody's now, or the contact is no more."""
    said = VisitorRefusal.objects.filter(visitor_id=visitor_id, contact_id=contact_id)
    note = said.filter(kind="").first()
    if note is None or not Contact.objects.living().filter(pk=contact_id).exists():
        return False
    was = dict(note.was) | {"contact_id": contact_id}
    if was["claimed_at"]:
        was["claimed_at"] = datetime.fromisoformat(was["claimed_at"])
    if not _changed(Visitor.objects.filter(pk=visitor_id, contact_id=None), contact_id, was):
        return False
    said.delete()
    return True


def _evidence(visitor_id: int, contact_id: int) -> list[tuple[str, str]]:
    """The identifiers of a visitor that the contact has, or had."""
    used = list(VisitorIdentifier.objects.filter(visitor_id=visitor_id).values_list("kind", "value"))
    contact = Contact.objects.get(pk=contact_id)
    own = {(kind, getattr(contact, kind)) for kind in IDENTIFIERS}
    own |= {(links.KIND, str(pk)) for pk in merge.merged_ids(contact_id)}
    own |= set(Alias.objects.filter(contact_id=contact_id).values_list("kind", "value"))
    return [pair for pair in used if pair in own]


def releases(contact_id: int) -> list[VisitorRefusal]:
    """Visitors of which a member has said that they are not this contact, the latest first."""
    said = VisitorRefusal.objects.filter(Q(kind=""), contact_id=contact_id).select_related("refused_by")
    return list(said.order_by("-refused_at", "visitor_id"))
