"""How far an import is, in figures, from its units: what the running page and the list show."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from imports.models import Import, Phase, Unit

STUCK_AFTER = timedelta(seconds=60)
# The stages that people see, each with the kinds of unit that belong to it.
STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Read", ("plan",)),
    ("Check", ("parse",)),
    ("Match", ("match", "repeat", "resolve", "diff", "visitors", "collect")),
    ("Write", ("apply",)),
    ("Count and prove", ("finish",)),
)
_STAGE_OF = {
    Phase.PLAN: 0,
    Phase.PARSE: 1,
    Phase.QUEUED: 2,
    Phase.MATCH: 2,
    Phase.RESOLVE: 2,
    Phase.DIFF: 2,
    Phase.REVIEW: 3,
    Phase.APPLY: 3,
    Phase.FINISH: 4,
    Phase.DONE: 5,
}


@dataclass
class Stage:
    """One stage: done, current or still to come, with its share."""

    label: str
    state: str
    note: str


@dataclass
class Progress:
    """Figures of a running import. `done` of `total` rows in the current stage; `left` in seconds, None when unknown."""

    done: int
    total: int
    rate: int
    left: float | None
    stages: list[Stage]
    stuck: bool
    silent_for: float
    waiting: bool
    counts: dict[str, int]

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.total) if self.total else 0


def of(imp: Import) -> Progress:
    """Work out the progress of an import now."""
    now = timezone.now()
    kinds = {row["kind"]: row for row in _by_kind(imp)}
    stage = _STAGE_OF[Phase(imp.phase)]
    done, total = _rows(imp, stage, kinds)
    began = kinds.get("parse" if stage == 1 else "apply", {}).get("began")
    seconds = (now - began).total_seconds() if began else 0.0
    rate = int(done / seconds) if seconds > 0.5 else 0
    sign = max([imp.phase_at, *(r["sign"] for r in kinds.values() if r["sign"])])
    silent = (now - sign).total_seconds()
    return Progress(
        done=done,
        total=total,
        rate=rate,
        left=(total - done) / rate if rate and total > done else None,
        stages=_stages(imp, stage, kinds),
        stuck=silent > STUCK_AFTER.total_seconds() and imp.phase != Phase.QUEUED and not imp.ended,
        silent_for=silent,
        waiting=imp.phase == Phase.QUEUED,
        counts=_counts(imp, stage),
    )


def _by_kind(imp: Import) -> Any:
    return (
        Unit.objects.filter(import_id=imp.pk)
        .values("kind")
        .annotate(
            units=Count("pk"),
            finished=Count("pk", filter=~Q(done_at=None)),
            bytes=Coalesce(Sum("stop", filter=~Q(done_at=None)), 0) - Coalesce(Sum("start", filter=~Q(done_at=None)), 0),
            seconds=Sum("seconds"),
            began=Min("claimed_at"),
            sign=Max(Coalesce("done_at", "claimed_at")),
        )
    )


def _rows(imp: Import, stage: int, kinds: dict[str, Any]) -> tuple[int, int]:
    """Rows done and rows in all: while the file is read, bytes stand for rows that nobody has counted yet."""
    if stage <= 1:
        counts = Unit.objects.filter(import_id=imp.pk, kind="parse").exclude(done_at=None).values_list("counts", flat=True)
        read = sum(c.get("rows", 0) for c in counts)
        share = kinds.get("parse", {}).get("bytes", 0) / max(imp.size, 1)
        return read, int(read / share) if share else 0
    total = imp.rows or 0
    if stage < 3:
        return total, total
    apply = kinds.get("apply")
    if apply is None or not apply["units"]:
        return 0, total
    return total * apply["finished"] // apply["units"], total


def _stages(imp: Import, current: int, kinds: dict[str, Any]) -> list[Stage]:
    out = []
    for i, (label, members) in enumerate(STAGES):
        units = sum(kinds[k]["units"] for k in members if k in kinds)
        finished = sum(kinds[k]["finished"] for k in members if k in kinds)
        state = "done" if i < current else "current" if i == current else "todo"
        note = f"part {min(finished + 1, units)} of {units}" if state == "current" and units > 1 else ""
        out.append(Stage(label, state, note))
    return out


def _counts(imp: Import, stage: int) -> dict[str, int]:
    """Outcomes so far: planned until the writing begins, then what has been written."""
    if stage < 3 or imp.ended:
        return imp.counts
    written = Unit.objects.filter(import_id=imp.pk, kind="apply").exclude(done_at=None).values_list("counts", flat=True)
    sums = {name: sum(c.get(name, 0) for c in written) for name in ("created", "updated")}
    return imp.counts | sums
