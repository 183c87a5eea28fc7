"""Workers are shared: a large import of one workspace gives way to whatever else waits after each of its units, so a small
one of another waits for the units that are in hand, however many large ones there are. By the order of units; no clock
decides."""

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.utils import timezone

from core.broker import FIRST_LINE, LINE_BEHIND, broker
from imports import tasks
from imports.models import Import, Phase, Status, Unit, UnitKind
from imports.pipeline import queue, worker
from tenants import pending_work
from tenants.isolation.context import tenant_context
from tenants.models import PendingWork
from tests.cast import actor
from tests.imports.helpers import bring

SMALL = "email\nann@example.com\n"


class Lines:
    """What workers have to do, as (workspace, import): they take the second line when the first is empty."""

    def __init__(self) -> None:
        self.first: deque[tuple[int, int]] = deque()
        self.behind: deque[tuple[int, int]] = deque()

    def take(self) -> tuple[int, int] | None:
        line = self.first or self.behind
        return line.popleft() if line else None


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """The two lines of messages, first in, first out."""
    lines = Lines()
    PendingWork.objects.filter(kind=queue.LARGE).delete()  # other tests leave imports that nobody works on

    def into(line: "deque[tuple[int, int]]") -> Callable[..., None]:
        return lambda _task, *, tenant_id, import_id, only_turn=0: line.append((tenant_id, import_id))

    monkeypatch.setattr(queue, "defer", into(lines.first))
    monkeypatch.setattr(queue, "defer_behind", into(lines.behind))
    monkeypatch.setattr(worker, "first_in_line", lambda: len(lines.first))
    return lines


def start(tenant_id: int, name: str, *, size: int = 1) -> int:
    with tenant_context(tenant_id):
        imp = Import.objects.create(
            file_name=name,
            path="x",
            size=size,
            sha256="0" * 64,
            phase=Phase.PARSE,
            status=Status.PREPARING,
            started=True,
        )
        return int(imp.pk)


def test_a_small_import_waits_for_one_unit_of_each_worker(messages: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many large ones there are: each has had its turn, and the small one comes before their next."""
    small = actor("Olga").workspace.pk
    large = [actor("Alice").workspace.pk for _ in range(5)]
    order: list[int] = []
    units = dict.fromkeys(large, 40) | {small: 4}
    monkeypatch.setattr(worker, "_step", lambda tenant_id, _import_id: _one_unit(tenant_id, units, order))
    monkeypatch.setattr(worker, "TIME_SLICE_SECONDS", -1.0)  # every slice ends after its first step
    ids = {pk: start(pk, "large.csv", size=queue.LARGE_BYTES + 1) for pk in large} | {small: start(small, "small.csv")}
    messages.behind.extend([(pk, ids[pk]) for pk in large] * 2)
    work(messages, 2)  # two workers have one in hand each when the small one comes
    messages.first.extend([(small, ids[small])] * 2)
    work(messages)
    assert all(order.count(pk) == 40 for pk in large)
    assert order[:6] == [*order[:2], small, small, small, small]
    # The large ones share what is left: none is done before another has begun.
    assert set(order[6:16]) == set(large)


def work(messages: Lines, most: int = 10_000) -> None:
    for _ in range(most):
        message = messages.take()
        if message is None:
            return
        worker.work(*message)


def test_a_large_import_gives_way_after_a_unit_and_a_small_one_goes_on(
    messages: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    large, small = actor("Alice").workspace.pk, actor("Olga").workspace.pk
    order: list[int] = []
    units = {large: 5, small: 5}
    monkeypatch.setattr(worker, "_step", lambda tenant_id, _import_id: _one_unit(tenant_id, units, order))
    ids = {large: start(large, "large.csv", size=queue.LARGE_BYTES + 1), small: start(small, "small.csv")}
    messages.first.extend([(large, ids[large]), (small, ids[small]), (0, 0)])
    worker.work(*messages.first.popleft())
    assert (order, list(messages.behind)) == ([large], [(large, ids[large])])
    worker.work(*messages.first.popleft())  # somebody waits behind it, and it is small
    assert order == [large, *[small] * 5]
    messages.first.clear()
    worker.work(*messages.behind.popleft())  # nobody waits
    assert order == [large, *[small] * 5, *[large] * 4]


def test_a_large_import_that_nobody_works_on_comes_before_others_again(messages: Lines) -> None:
    """The sweep tells workers by the first line: it is not passed over for ever."""
    tenant_id = actor("Alice").workspace.pk
    import_id = start(tenant_id, "large.csv", size=queue.LARGE_BYTES + 1)
    worker.wake_active(tenant_id)
    assert set(messages.first) == {(tenant_id, import_id)}
    assert not messages.behind


def test_large_imports_have_their_turns_however_many_others_wait(messages: Lines) -> None:
    """At each look as many as there are workers, and each comes before any comes again."""
    made = [actor("Alice").workspace.pk for _ in range(3)]
    large = {pk: start(pk, "large.csv", size=queue.LARGE_BYTES + 1) for pk in made}
    small = actor("Olga").workspace.pk
    with tenant_context(small):
        queue.wake(start(small, "small.csv"))
    for pk, import_id in large.items():
        with tenant_context(pk):
            queue.wake(import_id)
    told = []
    for _look in range(3):
        messages.first.clear()
        worker.wake_large()
        assert len(messages.first) == settings.WORKERS == 2
        told += list(messages.first)
    assert Counter(told) == dict.fromkeys(large.items(), 2)
    assert set(told[:3]) == set(large.items())


def test_a_turn_leaves_no_further_message(messages: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """One lies in the second line already: with each turn there would be one more."""
    tenant_id, order, units = actor("Alice").workspace.pk, list[int](), dict[int, int]()
    units[tenant_id] = 3
    monkeypatch.setattr(worker, "_step", lambda tenant_id, _import_id: _one_unit(tenant_id, units, order))
    import_id = start(tenant_id, "large.csv", size=queue.LARGE_BYTES + 1)
    messages.first.append((0, 0))
    tasks.work(tenant_id=tenant_id, import_id=import_id, only_turn=1)
    assert (len(order), len(messages.behind)) == (1, 0)
    tasks.work(tenant_id=tenant_id, import_id=import_id)
    assert (len(order), len(messages.behind)) == (2, 1)


def test_a_large_import_that_a_worker_has_needs_no_turn(messages: Lines) -> None:
    tenant_id = actor("Alice").workspace.pk
    import_id = start(tenant_id, "large.csv", size=queue.LARGE_BYTES + 1)
    with tenant_context(tenant_id):
        queue.wake(import_id)
        Unit.objects.create(import_id=import_id, kind=UnitKind.PARSE, no=0, start=0, stop=1, claimed_at=timezone.now())
    messages.first.clear()
    worker.wake_large()
    assert not messages.first
    with tenant_context(tenant_id):
        Unit.objects.update(claimed_at=timezone.now() - worker.PASSED_OVER)
    worker.wake_large()
    assert list(messages.first) == [(tenant_id, import_id)]


def test_large_imports_that_have_ended_are_forgotten(messages: Lines) -> None:
    tenant_id = actor("Alice").workspace.pk
    import_id = start(tenant_id, "large.csv", size=queue.LARGE_BYTES + 1)
    with tenant_context(tenant_id):
        queue.wake(import_id)
        Import.objects.update(phase=Phase.DONE)
    messages.first.clear()
    worker.wake_large()
    assert not messages.first
    assert tenant_id not in pending_work.waiting(queue.LARGE)


def test_workers_take_the_first_line_first() -> None:
    """The lines have the names and the order that Celery's own transport gives them."""
    with current_app.connection_for_write() as connection, connection.channel() as channel:
        lines = [f"cdp:{channel._q_for_pri('celery', step)}" for step in channel.priority_steps]
    assert (lines[0], lines[-1]) == (FIRST_LINE, LINE_BEHIND)
    before = [broker().llen(line) for line in (FIRST_LINE, LINE_BEHIND)]
    tenant_id = actor("Alice").workspace.pk
    with tenant_context(tenant_id):
        for name, size in (("large.csv", queue.LARGE_BYTES + 1), ("small.csv", queue.LARGE_BYTES)):
            import_id = start(tenant_id, name, size=size)
            queue.go_on(import_id)
            queue.call_helpers(import_id)
    after = [broker().llen(line) for line in (FIRST_LINE, LINE_BEHIND)]
    assert after == [before[0] + 1, before[1] + settings.WORKERS]


def test_a_small_import_is_told_to_one_worker_and_a_large_one_to_all(messages: Lines) -> None:
    tenant_id = actor("Alice").workspace.pk
    with tenant_context(tenant_id):
        queue.wake(start(tenant_id, "large.csv", size=queue.LARGE_BYTES + 1))
        assert len(messages.first) == settings.WORKERS > 1
        queue.wake(start(tenant_id, "small.csv"))
        assert len(messages.first) == settings.WORKERS + 1


def _one_unit(tenant_id: int, units: dict[int, int], order: list[int]) -> bool:
    if not units[tenant_id]:
        return False
    units[tenant_id] -= 1
    order.append(tenant_id)
    return True


def test_moved_to_front_is_first_of_those_that_wait(messages: Lines) -> None:
    tenant_id = actor("Alice").workspace.pk
    first, second = start(tenant_id, "first.csv"), start(tenant_id, "second.csv")
    with tenant_context(tenant_id):
        Import.objects.update(phase=Phase.QUEUED)
        one, two = Import.objects.get(pk=first), Import.objects.get(pk=second)
        assert (queue.waits_behind(one), queue.waits_behind(two)) == (False, True)
        assert queue.move_to_front(second)
        one.refresh_from_db()
        two.refresh_from_db()
        assert (queue.waits_behind(one), queue.waits_behind(two)) == (True, False)
        assert queue.move_to_front(first)
        one.refresh_from_db()
        assert one.priority > two.priority
    assert {import_id for _tenant, import_id in messages.first} == {first, second}


def test_what_has_ended_is_not_moved_or_retried(messages: Lines) -> None:
    tenant: Any = actor("Alice").workspace
    bring(tenant, SMALL)
    messages.first.clear()
    with tenant_context(tenant.pk):
        ended = Import.objects.latest("pk")
        assert ended.ended
        assert not queue.move_to_front(ended.pk)
        assert not queue.retry(ended.pk)
    assert not messages.first
