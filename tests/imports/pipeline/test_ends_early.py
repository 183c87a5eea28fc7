"""Units that are killed, units that fail, and imports that end before their end: every row is accounted for."""

from typing import Any

import pytest
from django.db import OperationalError

from contacts.models import Contact
from imports.models import Import, RowEffect, Status, Unit
from imports.pipeline import transitions, unit_work, units, worker
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import again, bring, work
from tests.workspace_copies import copy_workspace

ROWS = 1_200


class Killed(BaseException):
    """Ends a worker as a signal does: nothing after it runs."""


def file(rows: int = ROWS) -> str:
    """Good rows, one repeated and one in error in each ten."""
    lines = ["email,first_name"]
    for n in range(rows):
        lines.append("nothing,Nobody" if n % 10 == 7 else f"p{n - 1 if n % 10 == 5 else n}@example.com,Name{n}")
    return "\n".join(lines) + "\n"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transitions, "LEAST_ROWS", 100)
    monkeypatch.setattr(units, "CLAIM_GRACE", units.CLAIM_GRACE * 0)


def waiting(tenant: Tenant) -> Import:
    return bring(tenant, file(), review=True)


def confirm(tenant: Tenant, imp: Import) -> None:
    with tenant_context(tenant.pk):
        Import.objects.filter(pk=imp.pk).update(started=True, phase="queued")


def failing(monkeypatch: pytest.MonkeyPatch, kind: str, problem: BaseException, *, times: int) -> list[int]:
    """The first so many tries at a kind of unit end with the problem, after they have done their work."""
    left, original = [times], unit_work.WORK[kind]

    def act(imp: Import, unit: Unit) -> dict[str, Any]:
        counts = original(imp, unit)
        if left[0]:
            left[0] -= 1
            raise problem
        return counts

    monkeypatch.setitem(unit_work.WORK, kind, act)
    return left


def until_it_ends(tenant: Tenant, imp: Import) -> Import:
    """Workers that die and come back, until the import has ended."""
    for _ in range(400):
        try:
            return work(tenant, imp)
        except (Killed, RuntimeError, OperationalError):
            continue
    raise AssertionError("it does not end")


def test_a_small_import_has_several_units_in_each_phase_that_takes_time(tenant: Tenant) -> None:
    imp = bring(tenant, file(20_000))
    with tenant_context(tenant.pk):
        kinds = list(Unit.objects.filter(import_id=imp.pk).values_list("kind", flat=True))
    assert {kind: kinds.count(kind) >= 4 for kind in ("parse", "diff", "apply")} == {
        "parse": True, "diff": True, "apply": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["plan", "parse", "match", "repeat", "resolve", "diff", "visitors", "collect", "apply"]
)
def test_nineteen_kills_at_one_unit_change_nothing(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    left = failing(monkeypatch, kind, Killed(), times=units.MAX_LOSSES - 1)
    imp = bring_through(tenant)
    assert left == [0]
    assert (imp.status, imp.rows, imp.not_reached) == (Status.IMPORTED, ROWS, 0)
    with tenant_context(tenant.pk):
        assert Contact.objects.count() == imp.created == ROWS * 8 // 10


def bring_through(tenant: Tenant) -> Import:
    """Upload and start, with workers that die."""
    from imports.options import Options
    from imports.wizard import column_choices, upload
    from tests.imports.helpers import receive

    imp = receive(tenant, file())
    with tenant_context(tenant.pk):
        upload.start(imp, options=Options.parse({}), columns=column_choices.apply_choices(imp, {}), auto_start=True)
    return until_it_ends(tenant, imp)


@pytest.mark.parametrize(
    ("problem", "reason", "most"),
    [
        (Killed(), "worker_lost", units.MAX_LOSSES),
        (OperationalError("the server is gone"), "worker_lost", units.MAX_LOSSES),
        (RuntimeError("a fault"), "unit_failed", units.MAX_ATTEMPTS),
    ],
)
@pytest.mark.parametrize("kind", ["parse", "apply"])
def test_a_unit_that_never_ends_well_ends_the_import_in_words(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, kind: str, problem: BaseException, reason: str, most: int
) -> None:
    failing(monkeypatch, kind, problem, times=10_000)
    imp = bring_through(tenant)
    assert (imp.status, imp.reason, imp.reason_facts["times"]) == (Status.FAILED, reason, most)
    accounted(tenant, imp)


def test_kills_do_not_use_up_the_attempts_of_a_unit_that_fails(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed twelve times, failed five times by itself: neither count is full."""
    failing(monkeypatch, "parse", Killed(), times=12)
    failing(monkeypatch, "parse", RuntimeError("now and then"), times=5)
    assert bring_through(tenant).status == Status.IMPORTED


def accounted(tenant: Tenant, imp: Import) -> None:
    """The outcomes and the rows not reached are the rows; those written are those in the tables."""
    imp = again(tenant, imp)
    assert sum(getattr(imp, name) for name in Import.OUTCOMES) + imp.not_reached == (imp.rows or 0)
    with tenant_context(tenant.pk):
        touched = RowEffect.objects.filter(import_id=imp.pk)
        assert touched.filter(outcome="c").count() == imp.created
        assert touched.filter(outcome="u").count() == imp.updated


def _half(alice: Actor) -> None:
    bring(alice.workspace, file(600))


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 34, 38])
@pytest.mark.parametrize("known", [False, True])
def test_a_cancel_at_any_step_accounts_for_every_row(alice: Any, steps: int, known: bool) -> None:
    from imports.options import Options
    from imports.wizard import column_choices, upload
    from tests.imports.helpers import receive

    tenant = alice.workspace
    if known:
        copy_workspace(alice, _half)
    imp = receive(tenant, file(), user=alice.user)
    with tenant_context(tenant.pk):
        upload.start(imp, options=Options.parse({}), columns=column_choices.apply_choices(imp, {}), auto_start=True)
    for _ in range(steps):
        worker.step(tenant.pk, imp.pk)
    alice.post(f"imports/{imp.pk}/cancel/")
    imp = until_it_ends(tenant, imp)
    accounted(tenant, imp)
    page = alice.get(f"imports/{imp.pk}/").content.decode()
    assert ("Not reached" in page) == bool(imp.status == Status.CANCELED and imp.not_reached)
    if imp.status == Status.CANCELED:
        # The same file again has the rest, and doubles nothing.
        rest = bring(tenant, file())
        with tenant_context(tenant.pk):
            assert Contact.objects.count() == ROWS * 8 // 10
        assert rest.not_reached == 0
