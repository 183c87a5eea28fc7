"""Removal by the rules: exactly what is too old, in steps, whatever interrupts, by several workers."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.models import Delivery
from api.webhooks.retention import Deliveries
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, RetentionRule, Tenant
from tenants.retention import job, kinds
from tests.cast import Actor, actor
from tests.tenants.closing.test_lifecycle import close
from tests.tenants.retention.test_rules import ages, delivered, entries, rule
from tests.tenants.simultaneous import together


def set_rule(who: Actor, days: int | None, kind: str = "webhooks", **more: Any) -> None:
    with tenant_context(who.workspace.pk):
        RetentionRule.objects.create(kind=kind, days=days, **more)


@given(st.lists(st.integers(0, 400), max_size=30), st.integers(3, 365), st.integers(1, 7))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_exactly_what_is_older_goes(monkeypatch: pytest.MonkeyPatch, old: list[int], days: int, batch: int) -> None:
    monkeypatch.setattr(kinds, "BATCH", batch)
    who, now = actor("Alice"), timezone.now()
    with tenant_context(who.workspace.pk):
        for number, age in enumerate(old):
            at = now - timedelta(days=age, minutes=1)
            Delivery.objects.create(webhook_id=1, message_id=str(number), events=[], created_at=at)
        found = Deliveries().find(before=now - timedelta(days=days), most=10)
    set_rule(who, days)
    gone = sum(age >= days for age in old)
    assert (found.count, found.at_least) == (min(gone, 10), gone > 10)
    assert not job.work(who.workspace.pk, now=now)
    assert ages(who, now) == sorted(age for age in old if age < days)
    held = rule(who)
    assert held is not None
    assert held.removed == gone
    assert [entry["removed"] for entry in entries(who, "removed")] == ([gone] if gone else [])


def test_each_workspace_by_its_own_rule(alice: Actor, charlie: Actor) -> None:
    for who, days in ((alice, 5), (charlie, 50)):
        delivered(who, 1, 20, 100)
        set_rule(who, days)
    assert {alice.workspace.pk, charlie.workspace.pk} <= set(job.due_workspaces())
    job.work(alice.workspace.pk)
    assert (ages(alice), ages(charlie)) == ([1], [1, 20, 100])
    job.work(charlie.workspace.pk)
    assert ages(charlie) == [1, 20]
    assert not {alice.workspace.pk, charlie.workspace.pk} & set(job.due_workspaces())
    tomorrow = timezone.now() + timedelta(days=1)
    assert {alice.workspace.pk, charlie.workspace.pk} <= set(job.due_workspaces(now=tomorrow))


def test_a_closed_workspace_is_left_alone(alice: Actor) -> None:
    close(alice)
    assert alice.workspace.pk not in job.due_workspaces()


def test_once_a_day(alice: Actor) -> None:
    delivered(alice, 10)
    set_rule(alice, 5)
    now = timezone.now()
    job.work(alice.workspace.pk, now=now)
    delivered(alice, 11)
    job.work(alice.workspace.pk, now=now + timedelta(hours=20))
    assert ages(alice) == [11]
    job.work(alice.workspace.pk, now=now + timedelta(hours=24))
    assert ages(alice) == []


def test_two_workers_remove_once(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "BATCH", 3)
    delivered(alice, *range(1, 60))
    set_rule(alice, 10)
    together([lambda: job.work(alice.workspace.pk)] * 3)
    job.work(alice.workspace.pk)
    held = rule(alice)
    assert held is not None
    assert (held.removed, ages(alice)) == (50, list(range(1, 10)))


def test_a_rule_that_becomes_longer_saves_what_is_left(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "BATCH", 10)
    delivered(alice, *range(1, 60))
    set_rule(alice, 10)
    with tenant_context(alice.workspace.pk):
        assert job.step(Deliveries(), now=timezone.now()) is job.Outcome.MORE
    answer = alice.post("settings/retention/webhooks/save/", {"days": "40", "seen": "0"})
    assert answer.status_code == 302
    while job.work(alice.workspace.pk):
        pass
    assert ages(alice) == list(range(1, 40))
    held = rule(alice)
    assert held is not None
    assert held.removed == 20


def test_a_failure_of_one_kind_does_not_stop_others(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any, **_step: Any) -> Any:
        raise ValueError("no")

    delivered(alice, 10)
    monkeypatch.setattr("imports.retention.Files.step", fail)
    set_rule(alice, 5)
    job.work(alice.workspace.pk)
    assert ages(alice) == []
    failed = rule(alice, "files")
    assert failed is not None
    assert "stopped with an error" in failed.problem
    assert "stopped with an error" in alice.get("settings/retention/").content.decode()


def test_a_database_that_goes_away_leaves_the_run_for_the_next_look(
    alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(self: Any, **_step: Any) -> Any:
        raise OperationalError("gone")

    delivered(alice, 10)
    set_rule(alice, 5)
    with monkeypatch.context() as patch:
        patch.setattr(Deliveries, "step", gone)
        with pytest.raises(OperationalError):
            job.work(alice.workspace.pk)
    assert alice.workspace.pk in job.due_workspaces()
    job.work(alice.workspace.pk)
    assert ages(alice) == []


def test_entries_of_the_audit_log_stay_a_year_whatever_the_row_says(alice: Actor) -> None:
    now = timezone.now()
    with tenant_context(alice.workspace.pk):
        for age in (10, 364, 366, 800):
            AuditEntry.objects.create(verb=f"test.{age}", at=now - timedelta(days=age))
    set_rule(alice, 500, kind="audit")
    job.work(alice.workspace.pk, now=now)
    assert kept(alice) == {"test.10", "test.364", "test.366"}
    with tenant_context(alice.workspace.pk):
        RetentionRule.objects.filter(kind="audit").update(days=1, ended_at=None)
    job.work(alice.workspace.pk, now=now)
    assert kept(alice) == {"test.10", "test.364"}


def kept(who: Actor) -> set[str]:
    with tenant_context(who.workspace.pk):
        return set(AuditEntry.objects.filter(verb__startswith="test.").values_list("verb", flat=True))


WORKER = """
import sys
import django
django.setup()
from tenants.retention import job, kinds
kinds.BATCH = 20
print("ready", flush=True)
while job.work(int(sys.argv[1]), seconds=0):
    print("step", flush=True)
print("done", flush=True)
"""


@pytest.mark.faults
@pytest.mark.xdist_group("alone")
def test_kill_9_loses_nothing_and_counts_once(alice: Actor) -> None:
    total = 1_000
    now = timezone.now()
    with tenant_context(alice.workspace.pk):
        old = [now - timedelta(days=10, minutes=minute) for minute in range(total)]
        Delivery.objects.bulk_create(
            Delivery(webhook_id=1, message_id=str(at), events=[], created_at=at) for at in [*old, *[now] * 30]
        )
    set_rule(alice, 5)
    killed = 0
    for steps in (1, 3, 2, 7):
        with start(alice.workspace) as program:
            assert program.stdout is not None
            for _step in range(steps):
                assert program.stdout.readline().strip() != "done"
            os.kill(program.pid, signal.SIGKILL)
        killed += 1
    with start(alice.workspace) as last:
        assert last.stdout is not None
        assert last.stdout.read().strip().endswith("done")
    assert last.returncode == 0
    held = rule(alice)
    assert held is not None
    assert (killed, held.removed, len(ages(alice))) == (4, total, 30)
    assert [entry["removed"] for entry in entries(alice, "removed")] == [total]


def start(tenant: Tenant) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tenant.pk)], env=os.environ.copy(), stdout=subprocess.PIPE, text=True
    )
