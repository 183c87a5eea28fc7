"""Incidents: who died without a goodbye is noted once, with who took over and when all was well again."""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
import time_machine
from django.db import OperationalError
from django.test import override_settings

from core import signs_of_life
from core.broker import broker
from insights.models import Component, Incident
from insights.operations import diagnosis, incidents, machinery, watchman, worker_signs
from tests.cast import Actor


@pytest.fixture(autouse=True)
def quiet() -> None:
    """Signs of other tests of this process are none of ours."""
    broker().delete(signs_of_life.ALIVE, signs_of_life.DOING, signs_of_life.CLOCKS, signs_of_life.NEWS)
    Incident.objects.filter(healed_at=None).update(healed_at=datetime.now(UTC))


@pytest.fixture
def host() -> str:
    return f"host-{uuid.uuid4().hex[:8]}"


def of(host: str) -> list[Incident]:
    return list(Incident.objects.filter(name__contains=host).order_by("pk"))


def now() -> datetime:
    return datetime.now(UTC)


def test_who_died_without_a_goodbye_is_noted_once_and_replaced(host: str) -> None:
    dead = signs_of_life.member("worker", 11, host=host)
    signs_of_life.show(dead, now=time.time() - 60)
    broker().hset(signs_of_life.DOING, dead, json.dumps({"task": "imports.work", "import": 7, "tenant": 3}))
    incidents.look(now())
    incidents.look(now())
    (incident,) = of(host)
    assert (incident.component, incident.healed_at) == ("worker", None)
    assert incident.facts["doing"]["import"] == 7
    assert 59 < (incident.noticed_at - incident.began_at).total_seconds() < 70
    signs_of_life.show(signs_of_life.member("worker", 12, host=host))
    incidents.look(now())
    (incident,) = of(host)
    assert incident.healed_at
    assert incident.taken_over_by == f"worker 12 on {host}"


def test_who_says_goodbye_has_not_died(host: str) -> None:
    name = signs_of_life.member("drain", 11, host=host)
    signs_of_life.show(name, now=time.time() - 60)
    signs_of_life.say_goodbye(name)
    incidents.look(now())
    assert of(host) == []


def test_a_living_program_is_left_alone(host: str) -> None:
    signs_of_life.show(signs_of_life.member("drain", 11, host=host))
    incidents.look(now())
    assert of(host) == []


def test_a_taken_over_part_is_shown_to_its_workspace_alone(alice: Actor, charlie: Actor) -> None:
    signs_of_life.tell(
        "take_over", **{"import": 17}, tenant=alice.workspace.pk, kind="apply", times=1, since=time.time() - 9
    )
    incidents.look(now())
    found = Incident.objects.get(workspace_id=alice.workspace.pk)
    assert (found.component, found.facts["import_id"], found.facts["times"]) == ("unit", 17, 1)
    assert found.healed_at
    assert "apply of import 17" in alice.client.get("/operations/incidents/").content.decode()
    assert "apply of import 17" not in charlie.client.get("/operations/incidents/").content.decode()


def test_platform_incidents_are_for_operators(alice: Actor, host: str) -> None:
    incidents.begin(Component.WORKER, f"worker 1 on {host}", began_at=now(), now=now())
    assert host not in alice.client.get("/operations/incidents/").content.decode()
    with override_settings(OPERATORS=[alice.user.email]):
        assert host in alice.client.get("/operations/incidents/").content.decode()


def test_what_the_supervisor_saw_die_becomes_an_incident(tmp_path: Path) -> None:
    at = time.time() - 100
    (tmp_path / incidents.DEATHS).write_text(
        json.dumps({"name": "web", "at": at, "back": at + 2, "code": -9})
        + "\n"
        + json.dumps({"name": "stranger", "at": at, "back": at, "code": 0})
        + "\n"
    )
    before = Incident.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    with override_settings(HOME=tmp_path):
        incidents.look(now())
        incidents.look(now())
    (found,) = Incident.objects.filter(pk__gt=before, component="web")
    assert found.facts == {"code": -9}
    assert found.healed_at
    assert (found.healed_at - found.began_at).total_seconds() == pytest.approx(2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("problem", "component"),
    [(OperationalError("gone"), Component.DATABASE), (redis.ConnectionError("gone"), Component.BROKER)],
)
def test_a_server_that_was_away_is_noted_when_it_answers(
    problem: Exception, component: Component, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard, real = watchman.Watchman(), incidents.look

    def away(_now: datetime) -> None:
        raise problem

    began = now() - timedelta(seconds=40)
    monkeypatch.setattr(incidents, "look", away)
    guard.look(began)
    guard.look(began + timedelta(seconds=20))
    monkeypatch.setattr(incidents, "look", real)
    guard.look(began + timedelta(seconds=40))
    found = Incident.objects.filter(component=component, name="no answer").latest("pk")
    assert (found.began_at, found.healed_at) == (began, began + timedelta(seconds=40))
    assert guard.away == {}


def test_a_clock_that_was_set_is_noticed() -> None:
    with time_machine.travel("2026-01-01 12:00", tick=True) as clock:
        watch = signs_of_life.Clock()
        assert watch.jump() == 0
        clock.shift(timedelta(hours=1))
        # The steady clock of the process is not moved by this, as it is not by a person who sets the clock.
        jumped = watch.jump()
    assert jumped in (0.0, pytest.approx(3600, abs=5))


def test_a_killed_process_of_the_pool_is_noted_by_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_signs, "_children", lambda: {101, 102})
    worker_signs.show_children()
    monkeypatch.setattr(worker_signs, "_children", lambda: {102})
    worker_signs.show_children()
    incidents.look(now())
    found = Incident.objects.filter(component="worker", name__startswith="worker 101 ").latest("pk")
    incidents.look(now())
    found.refresh_from_db()
    assert found.taken_over_by.startswith("worker 102 ")


def test_what_a_task_does_is_named_by_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    import structlog

    task: Any = SimpleNamespace(name="imports.work", request=SimpleNamespace(sent_at=time.time() - 2))
    signs_of_life.show(signs_of_life.member("worker"))
    worker_signs.began("x", task, {"tenant_id": 3, "import_id": 17, "secret": "ann@example.com"})
    try:
        (me,) = [p for p in signs_of_life.programs() if p.key == signs_of_life.member("worker")]
        assert {k: v for k, v in me.doing.items() if k != "since"} == {
            "task": "imports.work",
            "tenant": 3,
            "import": 17,
        }
        bound = structlog.contextvars.get_contextvars()
        assert bound == {"task": "imports.work", "workspace": 3, "import": 17}
    finally:
        worker_signs.ended("x", task)
    assert structlog.contextvars.get_contextvars() == {}


def test_old_incidents_are_forgotten(host: str) -> None:
    old = now() - timedelta(days=91)
    incidents.begin(Component.FILES, f"files 1 on {host}", began_at=old, now=old)
    incidents.heal(Component.FILES, now=old, name=f"files 1 on {host}")
    incidents.begin(Component.FILES, f"files 2 on {host}", began_at=old, now=old)
    incidents.tidy(now())
    assert [i.name for i in of(host)] == [f"files 2 on {host}"]


def test_a_program_whose_clock_is_wrong_neither_seems_dead_nor_takes_others_for_dead(host: str) -> None:
    """Hours ahead or behind: all signs are by one clock, and the wrong one is told."""
    right, wrong = (signs_of_life.member(role, 21, host=host) for role in ("drain", "worker"))
    for hours in (3, -3):
        signs_of_life.show(right)
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours), tick=True):
            signs_of_life.show(wrong)
            watchman.Watchman().look()
            found = machinery.look(statements=False)
        assert of(host) == []
        told = [problem.sentence for problem in diagnosis.problems(found) if problem.code == "clock_wrong"]
        assert len(told) == 1
        ahead = {p.key: p.ahead for p in signs_of_life.programs()}
        assert abs(ahead[right]) < 1
        assert abs(ahead[wrong] - hours * 3600) < 5
        seen = machinery.look(statements=False)
        (sentence,) = [p.sentence for p in diagnosis.problems(seen) if p.code == "clock_wrong"]
        assert sentence == f"The clock of worker 21 on {host} is 3 h {'ahead' if hours > 0 else 'behind'}."
