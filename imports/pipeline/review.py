"""The review: what the import will do, in exact figures, before anything of the contacts is written."""

from collections import Counter
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from contacts.staging import Staging
from contacts.values.value_changes import sides
from imports.files.reader import FileProblem
from imports.models import Import, Unit, UnitKind
from imports.options import Options
from imports.pipeline import queries
from segments import membership
from segments.models import Segment
from tracking import imported_events

SHOWN_CHANGES = 12
# A column of segments with more names than these is not one.
MAX_NAMED_SEGMENTS = 200


def build_review(imp: Import, staging: Staging) -> dict[str, Any]:
    """Figures and examples from staging: counts, changes by value with before and after, visitors, segments.

    `counts` is what the person agrees to; if it differs when the import starts, the review is shown again.
    """
    visitors = _counts(imp, UnitKind.VISITORS).get("visitors", {})
    return {
        "counts": imp.counts | {"visitors": sum(n for kind, n in visitors.items() if kind != "ambiguous")},
        "changes": _changes(imp, staging),
        "statuses": _statuses(imp),
        "visitors": visitors,
        "segments": _segments(imp, staging),
        "events": _events(imp, staging),
    }


def _events(imp: Import, staging: Staging) -> dict[str, int]:
    """Events that will be added, those that are known or said twice, and rows in error, whose events stay out."""
    options = Options.parse(imp.options)
    if options.task == "contacts":
        return {}
    happened = parse_datetime(options.happened) or timezone.now()
    stop = 1 + max(
        (u.counts.get("last_line", 0) for u in Unit.objects.filter(import_id=imp.pk, kind=UnitKind.PARSE)), default=0
    )
    added, known = imported_events.foresee(staging, stop=stop, happened=happened, given=options.happened or imp.sha256)
    return {"added": added, "known": known, "in_error": imp.in_error}


def _counts(imp: Import, kind: UnitKind) -> dict[str, Any]:
    counts: dict[str, Any] = Unit.objects.get(import_id=imp.pk, kind=kind).counts
    return counts


def _changes(imp: Import, staging: Staging) -> list[dict[str, Any]]:
    totals: Counter[str] = Counter()
    example: dict[str, int] = {}
    for unit in Unit.objects.filter(import_id=imp.pk, kind=UnitKind.DIFF).order_by("no"):
        for key, (contacts, row_no) in unit.counts["changes"].items():
            totals[key] += contacts
            example.setdefault(key, row_no)
    return [
        {"key": key, "contacts": n, "row": example[key], **_before_after(staging, key, example[key])}
        for key, n in totals.most_common(SHOWN_CHANGES)
    ]


def _statuses(imp: Import) -> list[dict[str, Any]]:
    """Contacts by the status of a channel that they will get, the e-mail first."""
    totals: Counter[tuple[str, str]] = Counter()
    for unit in Unit.objects.filter(import_id=imp.pk, kind=UnitKind.DIFF):
        for key, statuses in unit.counts.get("statuses", {}).items():
            totals.update({(key, status): n for status, n in statuses.items()})
    return [{"key": key, "status": status, "contacts": n} for (key, status), n in sorted(totals.items())]


def _before_after(staging: Staging, key: str, row_no: int) -> dict[str, Any]:
    before, after = sides(queries.sample(staging, row_no), key)
    return {"before": before, "after": after}


def _segments(imp: Import, staging: Staging) -> list[dict[str, Any]]:
    """Size before and after of each segment of the settings, and of those that rows name (more than there may be are an
    error of the import)."""
    segments = []
    named = queries.named_segments(staging) if any(c["target"] == "row.segments" for c in imp.mapping) else []
    if len(named) > MAX_NAMED_SEGMENTS:
        raise FileProblem("too_many_segments", limit=MAX_NAMED_SEGMENTS, found=len(named))
    for name in dict.fromkeys([*Options.parse(imp.options).segments, *named]):
        segment = Segment.objects.present().filter(name=name).first()
        if segment and segment.rule is not None:
            raise FileProblem("segment_not_static", name=name)
        before = membership.size(segment.pk) if segment else 0
        everybody = name in Options.parse(imp.options).segments
        added = queries.new_members(staging, segment.pk if segment else 0, name="" if everybody else name)
        segments.append({"name": name, "new": segment is None, "before": before, "after": before + added})
    return segments
