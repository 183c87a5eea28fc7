"""Imports of all workspaces of a person that are under way: one list, two statements, read by the policy `members`.

The policy (tenants.isolation.rls.LetMembersRead) lets a person's own workspaces through and no others; each statement names
these workspaces as well, which is the second wall.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, Count, Exists, F, IntegerField, Max, OuterRef, Q, QuerySet, Sum, When

from core.signs_of_life import Program
from imports import phases
from imports.models import Import, Phase, Status, Unit, UnitKind
from imports.pipeline.units import MAX_ATTEMPTS, MAX_LOSSES
from imports.results.progress import STUCK_AFTER
from tenants.workspaces import WorkspaceLink

PAGE = 30
# Rates are those of the last minute.
RATE_WINDOW = timedelta(seconds=60)
# Imports that have failed are listed for so long.
FAILED_FOR = timedelta(days=1)
STATES = {
    "": "Under way",
    "stuck": "Stuck",
    "working": "Working",
    "waiting": "In line",
    "person": "Waiting for a person",
    "failed": "Failed in the last day",
}
STAGES = tuple((stage.label.lower(), stage.label) for stage in (*phases.STAGES, phases.UNDO))
# What the list needs of an import: not its header, mapping or report, which may be large.
FIELDS = (
    "id", "tenant_id", "file_name", "size", "rows", "phase", "status", "phase_at", "created_at", "cancel_requested",
    "take_back", "undo_direction", "started", "reason", "finished_at", "origin", "priority",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A place in the list, where imports that are stuck come first: the last one of a page. In addresses "s17" or "17"."""

    is_stuck: bool
    import_id: int

    @classmethod
    def of(cls, text: str) -> "Place | None":
        """From an address; None for what makes no sense."""
        number = text.removeprefix("s")
        fits = number.isascii() and number.isdigit() and len(number) < 19
        return cls(text.startswith("s"), int(number)) if fits else None

    def __str__(self) -> str:
        return f"{'s' if self.is_stuck else ''}{self.import_id}"

    @property
    def rest(self) -> Q:
        """What comes after it."""
        later = Q(stuck=int(self.is_stuck), pk__lt=self.import_id)
        return later | Q(stuck=0) if self.is_stuck else later


@dataclass(frozen=True)
class BoardQuery:
    """What is asked for: a workspace by its slug, a state, a stage, part of a file's name, and where the page begins."""

    workspace: str = ""
    state: str = ""
    stage: str = ""
    q: str = ""
    after: "Place | None" = None

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "BoardQuery":
        """From an address; what makes no sense is ignored."""
        return cls(
            workspace=given.get("workspace", "").replace("\x00", "")[:60],
            state=given.get("state", "") if given.get("state", "") in STATES else "",
            stage=given.get("stage", "") if given.get("stage", "") in dict(STAGES) else "",
            q=given.get("q", "").replace("\x00", "").strip()[:100],
            after=Place.of(given.get("after", "")),
        )

    @property
    def narrowed(self) -> bool:
        return bool(self.workspace or self.state or self.stage or self.q)

    def querystring(self, **changes: Any) -> str:
        """As an address has it; a page always begins anew unless `after` says otherwise."""
        asked = replace(self, **({"after": None} | changes))
        values = {"workspace": asked.workspace, "state": asked.state, "stage": asked.stage, "q": asked.q}
        return urlencode({k: v for k, v in (values | {"after": asked.after}).items() if v})


@dataclass(frozen=True)
class Row:
    """An import as the list shows it. `state` is a key of STATES; ages in seconds; rate in rows a second."""

    imp: Any
    workspace: WorkspaceLink
    state: str
    stage: str
    part: str
    age: float
    silent_for: float | None
    rate: int | None
    left: int | None
    workers: tuple[str, ...]
    why: str

    @property
    def may_be_retried(self) -> bool:
        return self.state == "stuck"


def _imports(workspaces: Iterable[WorkspaceLink], query: BoardQuery, *, now: datetime) -> "QuerySet[Any]":
    """Imports that match."""
    ids = [place.id for place in workspaces if query.workspace in ("", place.slug)]
    found: QuerySet[Import] = QuerySet(Import).filter(tenant_id__in=ids)
    if query.state == "failed":
        found = found.filter(phase=Phase.DONE, status=Status.FAILED, finished_at__gt=now - FAILED_FOR)
    else:
        found = found.exclude(phase=Phase.DONE)
    if query.stage:
        found = found.filter(phase__in=_phases_of(query.stage))
    if query.q:
        found = found.filter(file_name__icontains=query.q)
    return found.filter(_condition(query.state, now=now))


def _phases_of(stage: str) -> list[str]:
    return [spec.phase for spec in phases.PHASES if spec.stage.label.lower() == stage]


def _condition(state: str, *, now: datetime) -> Q:
    waits, queued = Q(phase__in=phases.WAITING), Q(phase=Phase.QUEUED)
    return {
        "stuck": ~waits & ~queued & _is_silent(now - STUCK_AFTER),
        "working": ~waits & ~queued & ~_is_silent(now - STUCK_AFTER),
        "waiting": queued,
        "person": waits,
    }.get(state, Q())


def _is_silent(since: datetime) -> Q:
    """No change of phase, and no unit taken up or done. What is cheap comes first: nearly all imports are told by it."""
    units: QuerySet[Unit] = QuerySet(Unit).filter(tenant_id=OuterRef("tenant_id"), import_id=OuterRef("pk"))
    return Q(phase_at__lt=since) & ~Q(Exists(units.filter(Q(done_at__gte=since) | Q(claimed_at__gte=since))))


def counts(workspaces: Sequence[WorkspaceLink], *, now: datetime) -> dict[str, int]:
    """How many imports of these workspaces are in each state. One statement."""
    found = _imports(workspaces, BoardQuery(), now=now)
    states = ("stuck", "waiting", "person")
    sums = found.aggregate(all=Count("pk"), **{name: Count("pk", filter=_condition(name, now=now)) for name in states})
    return {"working": sums.pop("all") - sum(sums.values()), **sums}


def page(
    workspaces: Sequence[WorkspaceLink], query: BoardQuery, *, now: datetime, programs: Sequence[Program] | None,
    rows: int = PAGE,
) -> tuple[list[Row], Place | None]:  # fmt: skip
    """Those that are stuck first, then the newest, and where the next page begins.

    `programs`: who lives; None when that is not known. Has to run inside of `user_context`.
    """
    is_stuck = Case(When(_condition("stuck", now=now), then=1), default=0, output_field=IntegerField())
    found: Any = _imports(workspaces, query, now=now).annotate(stuck=is_stuck)
    if query.after is not None:
        found = found.filter(query.after.rest)
    imports: list[Any] = list(found.only(*FIELDS).order_by("-stuck", "-pk")[: rows + 1])
    shown, more = imports[:rows], len(imports) > rows
    units = _units(shown, now=now)
    places = {place.id: place for place in workspaces}
    doing = _doing(programs)
    out = [
        _row(
            imp, places[imp.tenant_id], units.get(imp.pk, {}), now=now, programs=programs, workers=doing.get(imp.pk, ())
        )
        for imp in shown
    ]
    return out, Place(bool(shown[-1].stuck), shown[-1].pk) if more else None


def _units(imports: Sequence[Any], *, now: datetime) -> dict[int, dict[str, Any]]:
    """Sums over the units of each import, by kind. One statement."""
    recent = Q(done_at__gt=now - RATE_WINDOW)
    open_ = Q(done_at=None)
    span = F("stop") - F("start")
    rows = (
        QuerySet(Unit)
        .filter(tenant_id__in={imp.tenant_id for imp in imports}, import_id__in=[imp.pk for imp in imports])
        .values("import_id", "kind")
        .annotate(
            units=Count("pk"), done=Count("pk", filter=~open_), span=Sum(span), open_span=Sum(span, filter=open_),
            recent_span=Sum(span, filter=recent), losses=Max("losses", filter=open_),
            attempts=Max("attempts", filter=open_), claimed=Max("claimed_at"), ended=Max("done_at"),
        )
    )  # fmt: skip
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row["import_id"], {})[row["kind"]] = row
    return found


def _doing(programs: Sequence[Program] | None) -> dict[int, tuple[str, ...]]:
    """Which workers have an import in hand, by its ID."""
    found: dict[int, tuple[str, ...]] = {}
    for program in programs or ():
        import_id = program.doing.get("import")
        if import_id:
            found[import_id] = (*found.get(import_id, ()), f"{program.pid} on {program.host}")
    return found


# Units of these kinds are ranges of rows; those of PARSE are ranges of bytes.
_OF_ROWS = (UnitKind.MATCH, UnitKind.DIFF, UnitKind.APPLY, UnitKind.UNDO, UnitKind.REDO)


def _row(
    imp: Any, place: WorkspaceLink, kinds: dict[str, Any], *, now: datetime, programs: Sequence[Program] | None,
    workers: tuple[str, ...],
) -> Row:  # fmt: skip
    spec = phases.of(imp.phase)
    own = [kinds[kind] for kind in spec.kinds if kind in kinds]
    signs = [at for kind in kinds.values() for at in (kind["claimed"], kind["ended"]) if at]
    silent = max((now - max([imp.phase_at, *signs])).total_seconds(), 0.0)
    state = state_of(imp, silent=silent)
    units, done = sum(k["units"] for k in own), sum(k["done"] for k in own)
    rate, left = _speed(imp, own, now=now) if state in ("working", "stuck") else (None, None)
    return Row(
        imp=imp, workspace=place, state=state, stage=spec.stage.label,
        part=f"part {min(done + 1, units)} of {units}" if units > 1 and state in ("working", "stuck") else "",
        age=(now - imp.created_at).total_seconds(), silent_for=None if state in ("person", "failed") else silent,
        rate=rate, left=left, workers=workers,
        why=reason(imp, own, state=state, programs=programs, in_hand=bool(workers)),
    )  # fmt: skip


def state_of(imp: Any, *, silent: float) -> str:
    """A key of STATES, from the phase and the seconds since the last sign of life."""
    if imp.phase == Phase.DONE:
        return "failed"
    if imp.phase in phases.WAITING:
        return "person"
    if imp.phase == Phase.QUEUED:
        return "waiting"
    return "stuck" if silent > STUCK_AFTER.total_seconds() else "working"


def _speed(imp: Any, own: list[dict[str, Any]], *, now: datetime) -> tuple[int | None, int | None]:
    """Rows a second in the last minute, and rows left in this phase; None where units are not ranges of rows."""
    ranges = [k for k in own if k["kind"] in _OF_ROWS]
    if not ranges:
        return None, None
    seconds = min((now - imp.phase_at).total_seconds(), RATE_WINDOW.total_seconds())
    recent = sum(k["recent_span"] or 0 for k in ranges)
    return int(recent / seconds) if seconds > 0.5 else None, sum(k["open_span"] or 0 for k in ranges)


def reason(
    imp: Any, own: list[dict[str, Any]], *, state: str, programs: Sequence[Program] | None, in_hand: bool
) -> str:
    """Why an import does not go on, in words; "" for one that does."""
    if state == "person":
        return "Needs its columns assigned." if imp.phase == Phase.DRAFT else "Waits for the review of a person."
    alive = programs is None or any(p.role == "worker" for p in programs)
    if not alive and state in ("stuck", "waiting"):
        return "No worker is running."
    if state == "waiting":
        return "Another import of this workspace is first, or a worker will take it up soon."
    if state != "stuck":
        return ""
    losses, attempts = (max([k[name] or 0 for k in own] or [0]) for name in ("losses", "attempts"))
    if attempts:
        return f"A part has failed {attempts} of {MAX_ATTEMPTS} times; the worker’s log has the reason."
    if losses and not in_hand:
        return f"The worker that had it is gone; taken up {losses} of {MAX_LOSSES} times."
    if in_hand:
        return "A worker has it in hand and has not finished this part."
    return "No worker has taken it up: all may be busy, or the message was lost."
