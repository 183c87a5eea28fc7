"""The table of phases is whole, is what imports do, and is what the docs say."""

import re
from collections import Counter
from pathlib import Path

import pytest

from imports import phases
from imports.models import Import, Phase, Unit, UnitKind
from imports.options import Options
from imports.pipeline import transitions, undo, unit_work
from imports.results import summary
from imports.wizard import column_choices, upload
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import again, bring, receive, work_a_little, work_until

FILE = "email,city\na@example.com,Riga\nb@example.com,Oslo\nnobody,Rome\n"
DOC = Path(__file__).resolve().parents[2] / "docs" / "life-of-a-row.md"


def test_each_phase_has_one_row_and_a_next() -> None:
    assert Counter(spec.phase for spec in phases.PHASES) == Counter(Phase)
    assert [spec.phase for spec in phases.PHASES if not spec.leads_to] == []


def test_what_is_not_left_by_a_person_has_a_step_or_a_unit_that_ends_it() -> None:
    left = {spec.phase for spec in phases.PHASES} - set(transitions.STEPS)
    assert left == {Phase.DRAFT, Phase.REVIEW, Phase.FINISH, Phase.DONE}
    assert set(phases.WAITING) == {Phase.DRAFT, Phase.REVIEW}
    assert phases.of(Phase.FINISH).leads_to == (Phase.DONE,)


def test_each_kind_of_unit_has_one_phase_a_stage_and_work() -> None:
    found = Counter(kind for spec in phases.PHASES for kind in spec.kinds)
    assert found == Counter(UnitKind)
    shown = [kind for stage in (*phases.STAGES, phases.UNDO) for kind in phases.kinds_of_stage(stage)]
    assert Counter(shown) == found
    assert set(unit_work.WORK) == set(UnitKind)


def test_the_docs_have_the_phases_and_units_of_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", DOC.read_text(), re.MULTILINE)
    told = {phase: set(re.findall(r"`(\w+)`", told_units)) for phase, told_units in rows}
    assert told == {spec.phase.value: {kind.value for kind in spec.kinds} for spec in phases.PHASES}


def walked(tenant: Tenant, imp: Import, *, cancel_after: int | None = None) -> list[tuple[str, str]]:
    """Step by step to the end or to a person: each move from phase to phase."""
    moves, before, steps = [], again(tenant, imp).phase, 0
    while work_a_little(tenant, imp) or again(tenant, imp).phase not in (*phases.WAITING, Phase.DONE):
        now = again(tenant, imp).phase
        moves += [(before, now)] if now != before else []
        before, steps = now, steps + 1
        if steps == cancel_after:
            with tenant_context(tenant.pk):
                assert upload.cancel(imp, take_back=True)
    now = again(tenant, imp).phase
    return moves + ([(before, now)] if now != before else [])


def begun(tenant: Tenant, *, auto_start: bool) -> Import:
    imp = receive(tenant, FILE)
    with tenant_context(tenant.pk):
        columns = column_choices.apply_choices(imp, {})
        upload.start(imp, options=Options.parse({}), columns=columns, auto_start=auto_start)
    return imp


def allowed(moves: list[tuple[str, str]]) -> list[str]:
    """The phases of a walk, each of which the table lets follow the one before."""
    for before, now in moves:
        assert now in phases.of(before).leads_to, (before, now)
    return [before for before, _now in moves] + [moves[-1][1]]


def test_an_import_and_its_undo_walk_as_the_table_says(tenant: Tenant) -> None:
    imp = begun(tenant, auto_start=False)
    told = ["plan", "parse", "queued", "match", "resolve", "diff", "review"]
    assert allowed(walked(tenant, imp)) == told
    with tenant_context(tenant.pk):
        assert upload.confirm(imp)
    assert allowed(walked(tenant, imp)) == ["queued", "apply", "finish", "done"]
    for turn in ("undo", "redo"):
        with tenant_context(tenant.pk):
            assert undo.request(imp, turn, user=None)
        assert allowed(walked(tenant, imp)) == ["queued", turn, "done"]
    with tenant_context(tenant.pk):
        done = set(Unit.objects.filter(import_id=imp.pk).values_list("kind", flat=True))
        labels = [phase["label"] for phase in summary.timings(imp)]
    assert done == set(UnitKind) - {UnitKind.UNDO, UnitKind.WITHDRAW}, "those of the undo make room for the redo"
    assert labels == ["Read", "Check", "Match", "Write", "Verify", "Undo and redo"]


def test_without_a_review_the_writing_follows_at_once(tenant: Tenant) -> None:
    told = ["plan", "parse", "queued", "match", "resolve", "diff", "apply", "finish", "done"]
    assert allowed(walked(tenant, begun(tenant, auto_start=True))) == told


@pytest.mark.parametrize("steps", [1, 4, 8, 14, 16])
def test_a_canceled_import_walks_as_the_table_says(tenant: Tenant, steps: int) -> None:
    moves = walked(tenant, begun(tenant, auto_start=True), cancel_after=steps)
    # The end of a cancel that also undoes is a moment within one transaction: the import is in the queue behind it.
    undoes = [(before, now) for before, now in moves if now == Phase.QUEUED and phases.of(before).writes]
    for before, now in moves:
        assert (before, now) in undoes or now in phases.of(before).leads_to, (before, now)
    assert moves[-1][1] == Phase.DONE


def test_an_import_that_is_being_undone_is_not_asked_about_a_cancel(alice: Actor) -> None:
    imp = bring(alice.workspace, FILE, user=alice.user)
    with tenant_context(alice.workspace.pk):
        assert undo.request(imp, "undo", user=alice.user)
    work_until(alice.workspace, imp, Phase.UNDO)
    answer = alice.get(f"imports/{imp.pk}/cancel/ask/")
    assert (answer.status_code, answer.headers["Location"].endswith(f"/imports/{imp.pk}/")) == (302, True)
