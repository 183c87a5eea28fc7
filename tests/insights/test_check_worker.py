"""The health check of a worker's container."""

import socket

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from core import signs_of_life
from core.broker import broker


@pytest.fixture(autouse=True)
def nobody() -> None:
    broker().delete(signs_of_life.ALIVE)


def test_a_worker_of_this_host_is_enough() -> None:
    signs_of_life.show(signs_of_life.member("worker", 7))
    call_command("check_worker")


@pytest.mark.parametrize(
    ("role", "host", "ago"),
    [("worker", "another", 0.0), ("beat", "", 0.0), ("worker", "", signs_of_life.GONE_AFTER + 1)],
)
def test_others_and_old_signs_are_not(role: str, host: str, ago: float) -> None:
    name = signs_of_life.member(role, 7, host=host or socket.gethostname())
    signs_of_life.show(name, now=signs_of_life.clock() - ago)
    with pytest.raises(CommandError, match="has shown a sign of life for 9 seconds"):
        call_command("check_worker")


def test_without_a_broker_it_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.REDIS_URL", "redis://127.0.0.1:1/0")
    broker.cache_clear()
    try:
        with pytest.raises(CommandError, match="The broker does not answer"):
            call_command("check_worker")
    finally:
        broker.cache_clear()
