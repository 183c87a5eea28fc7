"""Figures about all contacts are worked out once for each version of them."""

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

    monkeypatch.setattr("contacts.figures_cache.cache.get", away)
    calls: list[int] = []
    assert [ask(calls), ask(calls)] == [41, 42]
