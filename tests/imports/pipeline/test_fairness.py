"""Workers are shared: a large import of one workspace gives way after each time slice, so a small one of another waits for
one slice at most before each of its own. By the order of units, on one worker with one queue; no clock decides."""

from collections import deque
from typing import Any

import pytest

from imports.models import Import, Phase, Status
from imports.pipeline import queue, worker
from tenants.isolation.context import tenant_context
from tests.cast import actor
from tests.imports.helpers import bring

SMALL = "email\nann@example.com\n"


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> "deque[tuple[int, int]]":
    """The queue of messages, first in, first out: (workspace, import)."""
    waiting: deque[tuple[int, int]] = deque()

    def defer(_task: str, *, tenant_id: int, import_id: int) -> None:
        waiting.append((tenant_id, import_id))

    monkeypatch.setattr(queue, "defer", defer)
    # Every slice ends after its first step.
    monkeypatch.setattr(worker, "TIME_SLICE_SECONDS", -1.0)
    return waiting


def start(tenant_id: int, name: str) -> int:
    with tenant_context(tenant_id):
        imp = Import.objects.create(
            file_name=name, path="x", size=1, sha256="0" * 64, phase=Phase.PARSE, status=Status.PREPARING, started=True
        )
        return int(imp.pk)


def test_a_small_import_waits_for_one_slice_of_a_large_one(
    messages: "deque[tuple[int, int]]", monkeypatch: pytest.MonkeyPatch
) -> None:
    large, small = actor("Alice").workspace.pk, actor("Olga").workspace.pk
    order: list[int] = []
    units = {large: 40, small: 4}
    monkeypatch.setattr(worker, "_step", lambda tenant_id, _import_id: _one_unit(tenant_id, units, order))
    ids = {large: start(large, "large.csv"), small: start(small, "small.csv")}
    messages.extend([(large, ids[large])] * 2 + [(small, ids[small])])
    while messages:
        worker.work(*messages.popleft())
    assert (order.count(large), order.count(small)) == (40, 4)
    last = max(i for i, tenant_id in enumerate(order) if tenant_id == small)
    # Two messages of the large one before each unit of the small one, and no more.
    assert order[: last + 1].count(large) <= 2 * 4


def _one_unit(tenant_id: int, units: dict[int, int], order: list[int]) -> bool:
    if not units[tenant_id]:
        return False
    units[tenant_id] -= 1
    order.append(tenant_id)
    return True


def test_moved_to_front_is_first_of_those_that_wait(messages: "deque[tuple[int, int]]") -> None:
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
    assert {import_id for _tenant, import_id in messages} == {first, second}


def test_what_has_ended_is_not_moved_or_retried(messages: "deque[tuple[int, int]]") -> None:
    tenant: Any = actor("Alice").workspace
    bring(tenant, SMALL)
    messages.clear()
    with tenant_context(tenant.pk):
        ended = Import.objects.latest("pk")
        assert ended.ended
        assert not queue.move_to_front(ended.pk)
        assert not queue.retry(ended.pk)
    assert not messages
