"""Figures about all contacts are worked out once for each version of them."""

from typing import Any

import pytest
from redis import RedisError

from contacts import figures_cache, write_lock
from contacts.models import WriteLock
from tenants.models import Tenant


def ask(calls: list[int]) -> int:
    def work() -> int:
        calls.append(1)
        return 40 + len(calls)

    return figures_cache.figures("test", work, while_writing=1)


def test_an_answer_counts_until_contacts_change(inside: Tenant) -> None:
    write_lock.lock()
    calls: list[int] = []
    assert [ask(calls), ask(calls)] == [41, 41]
    write_lock.bump_version()
    assert (ask(calls), len(calls)) == (42, 2)


def test_nothing_is_remembered_before_the_first_writing(inside: Tenant) -> None:
    assert not WriteLock.objects.exists()
    calls: list[int] = []
    assert [ask(calls), ask(calls)] == [41, 42]


def test_without_the_cache_it_is_worked_out(inside: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lock.lock()

    def away(_key: str) -> None:
        raise RedisError

    monkeypatch.setattr("contacts.figures_cache.cache.get_many", away)
    calls: list[int] = []
    assert [ask(calls), ask(calls)] == [41, 42]


def test_of_several_only_those_that_are_not_known_are_worked_out(inside: Tenant) -> None:
    write_lock.lock()
    asked: list[list[str]] = []

    def work(names: Any) -> dict[str, int]:
        asked.append(list(names))
        return {name: len(name) for name in names if name != "no"}

    def several(*names: str) -> dict[str, int]:
        return figures_cache.several(names, work, while_writing=1)

    assert several("a", "bb") == {"a": 1, "bb": 2}
    assert several("bb", "ccc", "no") == {"bb": 2, "ccc": 3}
    assert several("a", "bb", "ccc") == {"a": 1, "bb": 2, "ccc": 3}
    assert asked == [["a", "bb"], ["ccc", "no"]]


def test_a_recent_answer_counts_whatever_has_changed(inside: Tenant) -> None:
    calls: list[int] = []

    def ask_recent() -> int:
        calls.append(1)
        return len(calls)

    assert [figures_cache.recent("r", ask_recent, seconds=60) for _ in range(2)] == [1, 1]
    write_lock.lock()
    assert figures_cache.recent("r", ask_recent, seconds=60) == 1
