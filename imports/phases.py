"""The life of an import as a table: its phases in order, and what people see of them (docs/life-of-a-row.md).

State lives in the import's row and its units; a message only says "look at import 17" and may be lost, doubled or late.
Each phase begins when every unit of the one before is done, by one transaction that locks the import's row:

    draft → plan → parse → queued → match → resolve → diff → review → queued → apply → finish → done

The table is pure. What a unit does is a function in imports.pipeline.unit_work, the step out of a phase one in
imports.pipeline.transitions: each says there to which row of the table it belongs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from imports.models import Phase, UnitKind


@dataclass(frozen=True)
class Stage:
    """What people see of one or several phases: its name, and what is being done."""

    label: str
    doing: str


READ = Stage("Read", "Reading")
CHECK = Stage("Check", "Checking")
MATCH = Stage("Match", "Matching")
WRITE = Stage("Write", "Importing")
VERIFY = Stage("Verify", "Verifying")
# The stages of an import in order. An undo is a piece of work of its own, with its own page.
STAGES = (READ, CHECK, MATCH, WRITE, VERIFY)
UNDO = Stage("Undo and redo", "Undoing")
ENDED = Stage("Done", "Done")


@dataclass(frozen=True)
class UnitSpec:
    """A kind of unit.

    `repeatable`: it writes nothing but staging tables and issues. If the machine loses its power right after one, the unit
    is lost with what it wrote, and done again; anything later makes it durable. `of_ranges`: it looks at a small part of
    tables which may be large.
    """

    kind: UnitKind
    repeatable: bool = False
    of_ranges: bool = False


@dataclass(frozen=True)
class PhaseSpec:
    """A phase: the stage that it belongs to, the phases that may follow it, and the units that are its work.

    `waits`: only a person ends it. `writes`: contacts are changed in it.
    """

    phase: Phase
    stage: Stage
    leads_to: tuple[Phase, ...]
    units: tuple[UnitSpec, ...] = ()
    waits: bool = False
    writes: bool = False

    @property
    def kinds(self) -> tuple[UnitKind, ...]:
        return tuple(spec.kind for spec in self.units)


# Every phase also leads to `done`: an import may be canceled, and it may fail.
PHASES = (
    PhaseSpec(Phase.DRAFT, READ, (Phase.PLAN, Phase.DONE), waits=True),
    PhaseSpec(Phase.PLAN, READ, (Phase.PARSE, Phase.DONE), (UnitSpec(UnitKind.PLAN),)),
    PhaseSpec(Phase.PARSE, CHECK, (Phase.QUEUED, Phase.DONE), (UnitSpec(UnitKind.PARSE, repeatable=True),)),
    # Here imports of one workspace wait for each other: before they are matched, before they write, and for an undo.
    PhaseSpec(Phase.QUEUED, MATCH, (Phase.MATCH, Phase.APPLY, Phase.UNDO, Phase.REDO, Phase.DONE)),
    PhaseSpec(
        Phase.MATCH,
        MATCH,
        (Phase.RESOLVE, Phase.DONE),
        (UnitSpec(UnitKind.MATCH, repeatable=True), UnitSpec(UnitKind.REPEAT, repeatable=True)),
    ),
    # Back to the queue when contacts have overtaken the plan.
    PhaseSpec(Phase.RESOLVE, MATCH, (Phase.DIFF, Phase.QUEUED, Phase.DONE), (UnitSpec(UnitKind.RESOLVE),)),
    # Without a review, and after one whose figures still hold, it goes on to the writing at once.
    PhaseSpec(
        Phase.DIFF,
        MATCH,
        (Phase.REVIEW, Phase.APPLY, Phase.DONE),
        (
            UnitSpec(UnitKind.DIFF, repeatable=True, of_ranges=True),
            UnitSpec(UnitKind.VISITORS),
            UnitSpec(UnitKind.COLLECT),
        ),
    ),
    PhaseSpec(Phase.REVIEW, MATCH, (Phase.QUEUED, Phase.DRAFT, Phase.DONE), waits=True),
    PhaseSpec(Phase.APPLY, WRITE, (Phase.FINISH, Phase.DONE), (UnitSpec(UnitKind.APPLY, of_ranges=True),), writes=True),
    # Its unit ends the import itself, while it holds the write lock.
    PhaseSpec(Phase.FINISH, VERIFY, (Phase.DONE,), (UnitSpec(UnitKind.FINISH),), writes=True),
    PhaseSpec(
        Phase.UNDO,
        UNDO,
        (Phase.DONE,),
        (UnitSpec(UnitKind.UNDO, of_ranges=True), UnitSpec(UnitKind.WITHDRAW)),
        writes=True,
    ),
    PhaseSpec(Phase.REDO, UNDO, (Phase.DONE,), (UnitSpec(UnitKind.REDO, of_ranges=True),), writes=True),
    # An import that has ended waits in the queue again when somebody undoes it.
    PhaseSpec(Phase.DONE, ENDED, (Phase.QUEUED,)),
)
_BY_PHASE = {spec.phase: spec for spec in PHASES}
_UNITS = {unit.kind: unit for spec in PHASES for unit in spec.units}
WAITING = tuple(spec.phase for spec in PHASES if spec.waits)


def of(phase: str) -> PhaseSpec:
    """The row of a phase."""
    return _BY_PHASE[Phase(phase)]


def unit(kind: str) -> UnitSpec:
    """What is known of a kind of unit."""
    return _UNITS[UnitKind(kind)]


def kinds(*names: str) -> tuple[UnitKind, ...]:
    """The kinds of unit that are the work of these phases."""
    return _kinds_of(of(name) for name in names)


@cache
def kinds_of_stage(stage: Stage) -> tuple[UnitKind, ...]:
    """The kinds of unit that are the work of a stage."""
    return _kinds_of(spec for spec in PHASES if spec.stage is stage)


def _kinds_of(specs: Iterable[PhaseSpec]) -> tuple[UnitKind, ...]:
    return tuple(kind for spec in specs for kind in spec.kinds)
