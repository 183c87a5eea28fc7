"""Keeping the list of ambiguities true: what is found, found again with new evidence, and what no longer is one.

What nobody has decided and is no ambiguity any more is closed with the reason, and opens again if it becomes one again. What
a member has decided stays decided.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contacts.models import Contact
from imports.models import Import, RejectedRow
from sources.models import Ambiguity, AmbiguityState
from tenants.isolation import statements
from tracking.models import Visitor

# Why something was closed without a member: `undo["why"]`.
REASONS = {
    "matched": "The visitor was matched with a contact in the meantime.",
    "one": "Its identifiers no longer belong to two contacts.",
    "gone": "The visitor or row no longer exists.",
    "retried": "The row was corrected and imported again.",
    "undone": "The import was undone.",
}
UNDECIDED = (AmbiguityState.OPEN, AmbiguityState.LEFT)
Candidate = dict[str, Any]


def keep_visitors(found: Mapping[int, Sequence[Candidate]], ids: Sequence[int], *, now: datetime) -> None:
    """Of the visitors `ids`, those of `found` lead to several contacts; the others are unclear no longer."""
    known = {a.visitor_id: a for a in Ambiguity.objects.select_for_update().filter(visitor_id__in=ids).order_by("pk")}
    new = [
        Ambiguity(visitor_id=pk, candidates=list(found[pk]), found_at=now) for pk in sorted(found) if pk not in known
    ]
    Ambiguity.objects.bulk_create(new, ignore_conflicts=True)
    changed = [one for pk, one in known.items() if pk in found and _again(one, list(found[pk]), now)]
    Ambiguity.objects.bulk_update(changed, ["candidates", "state", "found_at", *_DECISION])
    over = [one.pk for pk, one in known.items() if pk not in found and one.state in UNDECIDED]
    _close(over, "one", now=now)


_DECISION = ("contact_id", "merge_id", "decided_by", "decided_at", "undo")


def _again(one: Ambiguity, candidates: list[Candidate], now: datetime) -> bool:
    """Bring a known one up to date with what is found now; whether that changes it."""
    if one.state == AmbiguityState.OPEN and one.candidates == candidates:
        return False
    more = any(candidate not in one.candidates for candidate in candidates)
    if one.state == AmbiguityState.LEFT and not more:
        return False
    if one.state != AmbiguityState.OPEN:
        one.state, one.found_at, one.undo = AmbiguityState.OPEN, now, {}
        one.contact_id = one.merge_id = one.decided_by_id = one.decided_at = None
    one.candidates = candidates
    return True


# Those whose visitor has become somebody's, or is no more.
MATCHED = """
UPDATE ambiguity a SET state = 'decided', decided_at = %(now)s, contact_id = v.contact_id,
  undo = jsonb_build_object('why', 'matched')
FROM visitor v WHERE a.tenant_id = %(tenant)s AND a.state IN ('open', 'left') AND v.tenant_id = %(tenant)s
  AND v.id = a.visitor_id AND v.contact_id IS NOT NULL"""
GONE = """
DELETE FROM ambiguity a WHERE a.tenant_id = %(tenant)s AND a.state IN ('open', 'left') AND a.visitor_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM visitor v WHERE v.tenant_id = %(tenant)s AND v.id = a.visitor_id)"""


def close_matched(*, now: datetime) -> None:
    """Close those whose visitor is somebody's now; forget those whose visitor is no more."""
    statements.run(MATCHED, now=now)
    statements.run(GONE)


def close_rows(*, now: datetime) -> None:
    """Close those whose row was imported again, or whose import was undone or its cells tidied away."""
    rows = list(
        Ambiguity.objects.filter(state__in=UNDECIDED).exclude(import_id=None).values_list("pk", "import_id", "row_no")
    )
    if not rows:
        return
    imports = {import_id for _pk, import_id, _row in rows}
    undone = dict(Import.objects.filter(pk__in=imports).values_list("pk", "undone_at"))
    stored = RejectedRow.objects.filter(import_id__in=imports, row_no__in={row for _pk, _import, row in rows})
    cells = {(i, line): again for i, line, again in stored.values_list("import_id", "row_no", "retried_in")}
    over: dict[str, list[int]] = {}
    for pk, import_id, row in rows:
        if import_id not in undone or (import_id, row) not in cells:
            over.setdefault("gone", []).append(pk)
        elif undone[import_id] is not None:
            over.setdefault("undone", []).append(pk)
        elif cells[import_id, row] is not None:
            over.setdefault("retried", []).append(pk)
    for why, ids in over.items():
        _close(ids, why, now=now)


def close_rows_of(contact_ids: Sequence[int], *, now: datetime) -> None:
    """Close the rows of which fewer than two contacts are left, after these contacts have changed."""
    changed = set(contact_ids)
    rows = [(a.pk, {c["contact"] for c in a.candidates})
            for a in Ambiguity.objects.filter(state__in=UNDECIDED).exclude(import_id=None)]  # fmt: skip
    about = [(pk, ids) for pk, ids in rows if ids & changed]
    living = set(
        Contact.objects.living().filter(pk__in={i for _pk, ids in about for i in ids}).values_list("pk", flat=True)
    )
    over = [pk for pk, ids in about if len(ids & living) < 2]
    _close(over, "one", now=now)


def _close(ids: Sequence[int], why: str, *, now: datetime) -> None:
    if ids:
        Ambiguity.objects.filter(pk__in=ids, state__in=UNDECIDED).update(
            state=AmbiguityState.DECIDED, decided_at=now, undo={"why": why}
        )


def exists(one: Ambiguity) -> bool:
    """Whether its visitor or row is still there."""
    if one.visitor_id is not None:
        return bool(Visitor.objects.filter(pk=one.visitor_id).exists())
    return bool(RejectedRow.objects.filter(import_id=one.import_id, row_no=one.row_no).exists())
