"""How far an import is, in figures, from its units: what the running page and the list show."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from core import formatting, outcome_bar
from imports import phases
from imports.models import Import, Phase, Unit, UnitKind
from imports.pipeline.queue import is_behind, waits_for_turn

STUCK_AFTER = timedelta(seconds=60)
# Places of the stages in their order; behind the last one everything is done.
READ, CHECK, MATCH, WRITE, VERIFY, ENDED = range(len(phases.STAGES) + 1)


@dataclass
class Stage:
    """One stage: done, current, stuck or still to come, with its share."""

    label: str
    state: str
    note: str


@dataclass
class Progress:
    """A running import: `done` of `total` rows in the current stage; `left` in seconds, None when unknown.

    `waiting`: nobody works on it yet; `behind`: another import holds the write lock. `step_seconds`: since this step began.
    """

    stage: int
    done: int
    total: int
    rate: int
    left: float | None
    stages: list[Stage]
    stuck: bool
    silent_for: float
    waiting: bool
    behind: bool
    running_before: int
    step_seconds: float
    canceling: bool
    counts: dict[str, int]

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.total) if self.total else 0

    @property
    def writing(self) -> bool:
        """Whether contacts are being written: only then there are outcomes to show."""
        return self.stage >= WRITE

    @property
    def measured(self) -> bool:
        """Whether rows done of rows in all say how far the stage is."""
        return self.stage in (CHECK, WRITE) and self.total > 0

    @property
    def written(self) -> int:
        return self.counts["created"] + self.counts["updated"] if self.writing else 0

    @property
    def doing(self) -> str:
        """What is being done, in one or two words."""
        if self.canceling:
            return "Canceling"
        if self.waiting:
            return "Waiting for another import" if self.behind else "Waiting for a worker"
        return phases.STAGES[min(self.stage, VERIFY)].doing

    @property
    def title(self) -> str:
        """The state in words, with the share where there is one."""
        if self.stuck:
            return f"Stuck while {phases.STAGES[min(self.stage, VERIFY)].doing.lower()}"
        share = f", {self.percent} %" if self.measured and not self.canceling else ""
        return f"{self.doing}{share}"

    @property
    def announcement(self) -> str:
        """What is said aloud: each stage, and each quarter of it; not every tick."""
        if self.stuck or not self.measured or self.canceling:
            return self.title
        return f"{self.doing}, {self.percent // 25 * 25} %"

    @property
    def time_left(self) -> str:
        """About 15 s left; over two minutes in minutes."""
        if self.left is None:
            return ""
        if self.left <= 120:
            return f"about {max(1, round(self.left))} s left"
        return f"about {formatting.duration(round(self.left / 60) * 60)} left"


def of(imp: Import) -> Progress:
    """Work out the progress of an import now."""
    now = timezone.now()
    kinds = {row["kind"]: row for row in _by_kind(imp)}
    stage = _stage_of(imp)
    counts = _counts(imp, stage)
    done, total, work = _rows(imp, stage, kinds, counts)
    began = kinds.get(UnitKind.PARSE if stage == CHECK else UnitKind.APPLY, {}).get("began")
    seconds = (now - began).total_seconds() if began else 0.0
    rate = int(work / seconds) if seconds > 0.5 and stage in (CHECK, WRITE) else 0
    silent = (now - max([imp.phase_at, *(r["sign"] for r in kinds.values() if r["sign"])])).total_seconds()
    turn = waits_for_turn(imp)
    stuck = silent > STUCK_AFTER.total_seconds() and imp.phase != Phase.QUEUED and not turn and not imp.ended
    return Progress(
        stage=stage,
        done=done,
        total=total,
        rate=rate,
        left=(total - done) / rate if rate and total > done else None,
        stages=_stages(imp, stage, kinds, stuck=stuck),
        stuck=stuck,
        silent_for=silent,
        waiting=imp.phase == Phase.QUEUED,
        behind=imp.phase == Phase.QUEUED and is_behind(imp),
        running_before=turn,
        step_seconds=max((now - imp.phase_at).total_seconds(), 0.0),
        canceling=imp.is_canceling,
        counts=counts,
    )


def _stage_of(imp: Import) -> int:
    """The place of the stage in which an import is; one that is being undone has ended before."""
    stage = phases.of(imp.phase).stage
    return phases.STAGES.index(stage) if stage in phases.STAGES else ENDED


def written(imports: Iterable[Import]) -> dict[int, Counter[str]]:
    """Rows created and updated in the contacts so far, by import: what the database has, not what was planned."""
    by_import: dict[int, Counter[str]] = {imp.pk: Counter(created=0, updated=0) for imp in imports}
    done = Unit.objects.filter(import_id__in=by_import, kind=UnitKind.APPLY).exclude(done_at=None)
    for import_id, counts in done.values_list("import_id", "counts"):
        by_import[import_id].update({name: counts.get(name, 0) for name in ("created", "updated")})
    return by_import


def outcome(imp: Import) -> dict[str, int]:
    """The six outcomes of an import that has ended. A failed one has what was written until then."""
    return imp.counts | (written([imp])[imp.pk] if imp.status == "failed" else {})


def _by_kind(imp: Import) -> Any:
    return (
        Unit.objects.filter(import_id=imp.pk)
        .values("kind")
        .annotate(
            units=Count("pk"),
            finished=Count("pk", filter=~Q(done_at=None)),
            bytes=Coalesce(Sum("stop", filter=~Q(done_at=None)), 0)
            - Coalesce(Sum("start", filter=~Q(done_at=None)), 0),
            all_bytes=Sum("stop") - Sum("start"),
            began=Min("claimed_at"),
            ended=Max("done_at"),
            sign=Max(Coalesce("done_at", "claimed_at")),
        )
    )


def _rows(imp: Import, stage: int, kinds: dict[str, Any], counts: dict[str, int]) -> tuple[int, int, int]:
    """Rows done, rows in all, and rows that took work.

    While the file is read, bytes are shown in place of rows not counted yet. While contacts are written, a row is done
    when its outcome is known: those that need no writing are so from the start.
    """
    if stage <= CHECK:
        # Of the text, not of the upload: that may be packed, or in another encoding.
        parse = kinds.get(UnitKind.PARSE, {})
        share = parse.get("bytes", 0) / max(parse.get("all_bytes", 1), 1)
        return counts["rows"], int(counts["rows"] / min(share, 1)) if share else 0, counts["rows"]
    total = imp.rows or 0
    if stage < WRITE:
        return total, total, 0
    return min(outcome_bar.done(counts), total), total, counts["created"] + counts["updated"]


def _counts(imp: Import, stage: int) -> dict[str, int]:
    """Outcomes that are facts now: rows in error while the file is checked, then also what has been written."""
    if imp.ended:
        return outcome(imp)
    if stage >= WRITE:
        return imp.counts | written([imp])[imp.pk]
    if stage == MATCH:
        return {"rows": imp.rows or 0, "in_error": imp.in_error}
    units = (
        Unit.objects.filter(import_id=imp.pk, kind=UnitKind.PARSE)
        .exclude(done_at=None)
        .values_list("counts", flat=True)
    )
    sums = {"rows": 0, "rejected": 0}
    for unit in units:
        sums = {name: n + unit.get(name, 0) for name, n in sums.items()}
    return {"rows": sums["rows"], "in_error": sums["rejected"]}


def _stages(imp: Import, current: int, kinds: dict[str, Any], *, stuck: bool) -> list[Stage]:
    known = (
        formatting.filesize(imp.size),
        f"{formatting.number(imp.in_error)} in error",
        f"{formatting.number(imp.updated + imp.unchanged)} known",
        f"{formatting.number(imp.rows)} rows",
        "",
    )
    waiting = (
        "" if imp.phase != Phase.QUEUED else "waiting for another import" if is_behind(imp) else "waiting for a worker"
    )
    stages = []
    for i, part in enumerate(phases.STAGES):
        units = [kinds[k] for k in phases.kinds_of_stage(part) if k in kinds]
        note = _note(i, current, units, known[i], waiting=waiting)
        stages.append(Stage(part.label, _state(i, current, stuck=stuck), note))
    return stages


def _state(stage: int, current: int, *, stuck: bool) -> str:
    if stage == current:
        return "stuck" if stuck else "current"
    return "done" if stage < current else "todo"


def _note(stage: int, current: int, kinds: list[Any], known: str, *, waiting: str) -> str:
    """What is said below a stage: what came of it and how long it took, or which part is being done."""
    if stage > current:
        return "outcomes must add up" if stage == VERIFY else ""
    if stage == current and waiting:
        return waiting
    if stage == current:
        units, finished = sum(k["units"] for k in kinds), sum(k["finished"] for k in kinds)
        return f"part {min(finished + 1, units)} of {units}" if units > 1 else ""
    times = [(k["began"], k["ended"]) for k in kinds if k["began"] and k["ended"]]
    if not times:
        return known
    took = max(ended for _, ended in times) - min(began for began, _ in times)
    return f"{known}, {formatting.duration(took)}"
