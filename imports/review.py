"""The review: what the import will do, in exact figures, before anything of the contacts is written."""

from collections import Counter
from typing import Any

from contacts.staging import Staging
from imports import queries
from imports.models import Import, Unit
from segments import membership
from segments.models import Segment

SHOWN_CHANGES = 12


def work_out(imp: Import, staging: Staging) -> dict[str, Any]:
    """Figures and examples from staging: counts, changes by value with before and after, visitors, the segment.

    `counts` is what the person agrees to; if it differs when the import starts, the review is shown again.
    """
    visitors = _counts(imp, "visitors").get("visitors", {})
    return {
        "counts": imp.counts | {"visitors": sum(n for kind, n in visitors.items() if kind != "ambiguous")},
        "changes": _changes(imp, staging),
        "visitors": visitors,
        "segment": _segment(imp, staging),
    }


def _counts(imp: Import, kind: str) -> dict[str, Any]:
    counts: dict[str, Any] = Unit.objects.get(import_id=imp.pk, kind=kind).counts
    return counts


def _changes(imp: Import, staging: Staging) -> list[dict[str, Any]]:
    totals: Counter[str] = Counter()
    example: dict[str, int] = {}
    for unit in Unit.objects.filter(import_id=imp.pk, kind="diff").order_by("no"):
        for key, (contacts, row_no) in unit.counts["changes"].items():
            totals[key] += contacts
            example.setdefault(key, row_no)
    return [
        {"key": key, "contacts": n, "row": example[key], **_before_after(staging, key, example[key])}
        for key, n in totals.most_common(SHOWN_CHANGES)
    ]


def _before_after(staging: Staging, key: str, row_no: int) -> dict[str, Any]:
    found = queries.sample(staging, row_no)
    if found is None:
        return {"before": None, "after": None}
    contact, row = found
    if key in row and key != "attributes":
        return {"before": contact[key], "after": row[key]}
    return {"before": contact["attributes"].get(key), "after": row["attributes"].get(key)}


def _segment(imp: Import, staging: Staging) -> dict[str, Any] | None:
    name = imp.options.get("segment")
    if not name:
        return None
    segment = Segment.objects.filter(name=name).first()
    before = membership.size(segment.pk) if segment else 0
    added = queries.new_members(staging, segment.pk if segment else 0)
    return {"name": name, "new": segment is None, "before": before, "after": before + added}
