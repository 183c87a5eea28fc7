"""Tallies are made anew in slices: whatever happens between two of them, and wherever one is killed, they end as a count
from scratch, and until then pages say that they are not whole."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.tracking.helpers import device, site_of, stored
from tests.tracking.test_tallies import NOW, agree, at, order, page
from tracking import retention, tally_rebuild, tally_upkeep
from tracking.models import Site
from tracking.tally_models import OrderTally, TallyState, VisitTally


def history(tenant: Tenant, *, people: int = 6, months: int = 3) -> tuple[Site, list[str]]:
    """Visitors with page views and orders in some months, all counted."""
    site, devices = site_of(tenant), [device() for _ in range(people)]
    for number, on in enumerate(devices):
        for month in range(months):
            moment = datetime(2026, 5 + month, 3 + number, 12, tzinfo=UTC).timestamp()
            stored(site, page(on, utm_source=f"s{number % 2}"), order(on, Decimal("1.10") * number), at=moment)
    tally_upkeep.catch_up(tenant.pk)
    return site, devices


def wreck(tenant: Tenant) -> None:
    """Figures that are wrong, as a fault would leave them."""
    with tenant_context(tenant.pk):
        VisitTally.objects.update(views=1_000)
        OrderTally.objects.all().delete()


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally_rebuild, "VISITORS_AT_ONCE", 1)
    monkeypatch.setattr(tally_rebuild, "ROWS_AT_ONCE", 7)


@pytest.mark.usefixtures("one_by_one")
def test_hits_late_ones_and_removals_between_all_slices(alice: Actor) -> None:
    tenant = alice.workspace
    site, devices = history(tenant)
    wreck(tenant)
    tally_rebuild._begin(tenant.pk, now=NOW)
    slices, shares = 0, []
    while tally_rebuild.step(tenant.pk, now=NOW):
        on = devices[slices % len(devices)]
        stored(site, page(on), order(on, 3), at=at(1 + slices % 28))
        stored(site, page(device()), order(on, 2), at=datetime(2026, 5, 1 + slices % 28, tzinfo=UTC).timestamp())
        tally_upkeep.catch_up(tenant.pk)
        tally_upkeep.settle(tenant.pk, now=NOW)
        if slices % 5 == 2:
            with tenant_context(tenant.pk):
                Site.objects.filter(pk=site.pk).update(retention_days=70)
            retention.tidy(tenant.pk, now=NOW - timedelta(days=40) + timedelta(days=slices), batch=2)
        with tenant_context(tenant.pk):
            shares.append(tally_rebuild.progress())
        slices += 1
        assert slices < 200
    assert slices > 15
    assert None not in shares
    assert shares[0] == 0
    agree(tenant)
    with tenant_context(tenant.pk):
        assert tally_rebuild.progress() is None


@pytest.mark.usefixtures("one_by_one")
def test_another_zone_in_between_begins_once_more(alice: Actor) -> None:
    tenant = alice.workspace
    history(tenant)
    tally_rebuild._begin(tenant.pk, now=NOW)
    for _slice in range(9):
        assert tally_rebuild.step(tenant.pk, now=NOW)
    Tenant.objects.filter(pk=tenant.pk).update(time_zone="Asia/Tokyo")
    assert tally_rebuild.is_stale(tenant.pk)
    while tally_rebuild.go_on(tenant.pk, now=NOW, seconds=0):
        pass
    with tenant_context(tenant.pk):
        assert TallyState.objects.get().zone == "Asia/Tokyo"
    agree(tenant)


def test_the_sweep_goes_on_with_what_was_broken_off(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = alice.workspace
    history(tenant, people=2)
    wreck(tenant)
    tally_rebuild._begin(tenant.pk, now=NOW)
    monkeypatch.setattr(tally_upkeep, "REBUILDING_SECONDS", 0.0)
    while tally_rebuild.is_rebuilding(tenant.pk):
        tally_upkeep.sweep()
    agree(tenant)
    assert not tally_rebuild.go_on(tenant.pk, now=NOW, seconds=0)


def test_an_empty_workspace(alice: Actor) -> None:
    tally_rebuild.rebuild(alice.workspace.pk, now=NOW)
    agree(alice.workspace)
    assert not tally_rebuild.is_rebuilding(alice.workspace.pk)


def test_pages_say_that_figures_are_not_whole(alice: Actor) -> None:
    history(alice.workspace, people=2)
    said = "Visitors and orders are being counted again"
    for path in ("dashboard/analytics/", "dashboard/"):
        assert said not in alice.get(path).content.decode()
    tally_rebuild._begin(alice.workspace.pk, now=NOW)
    for path in ("dashboard/analytics/", "dashboard/"):
        assert said in alice.get(path).content.decode()
    assert said not in alice.get("dashboard/base/").content.decode()
    tally_rebuild.rebuild(alice.workspace.pk, now=NOW)
    assert said not in alice.get("dashboard/analytics/").content.decode()


# Prints a line in the transaction of each slice, before it commits.
WORKER = """
import sys, django
django.setup()
from datetime import datetime, UTC
from django.db import transaction
from tracking import tally_rebuild
from tracking.tally_models import TallyState
tally_rebuild.VISITORS_AT_ONCE, tally_rebuild.ROWS_AT_ONCE = 1, 7
own, now = int(sys.argv[1]), datetime(2026, 9, 1, 12, tzinfo=UTC)
run, count = tally_rebuild.run, tally_rebuild._clear_some
def told(what):
    def told_(*args, **values):
        found = what(*args, **values)
        print("written", flush=True)
        sys.stdin.readline()
        return found
    return told_
tally_rebuild.run, tally_rebuild._clear_some = told(run), told(count)
tally_rebuild.rebuild(own, now=now)
print("done", flush=True)
"""


@pytest.mark.faults
@pytest.mark.xdist_group("alone")
def test_kill_9_in_each_phase_leaves_what_the_state_says(alice: Actor) -> None:
    tenant = alice.workspace
    site, devices = history(tenant, people=4)
    wreck(tenant)
    for turn, writes in enumerate((1, 3, 9, 14, 4)):  # while it clears, counts visitors, counts orders
        with subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tenant.pk)], env=os.environ.copy(), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        ) as program:  # fmt: skip
            assert program.stdin is not None
            assert program.stdout is not None
            for number in range(writes):
                if program.stdout.readline().strip() == "done":
                    break
                if number < writes - 1:
                    program.stdin.write("\n")
                    program.stdin.flush()
            os.kill(program.pid, signal.SIGKILL)
        stored(site, page(devices[turn % 4]), order(devices[0], 7), at=at(2 + turn))
        tally_upkeep.catch_up(tenant.pk)
    if tally_rebuild.is_rebuilding(tenant.pk):
        tally_rebuild.rebuild(tenant.pk, now=NOW)
    agree(tenant)
