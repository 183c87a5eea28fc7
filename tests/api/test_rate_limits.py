"""So many requests a minute for each token, and what happens when nobody counts."""

import time
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from api import rate_limits
from tests.api.helpers import Program, problem, program
from tests.cast import Actor


@pytest.fixture
def sync(alice: Actor) -> Program:
    return program(alice)


def test_a_token_has_so_many_requests_a_minute(alice: Actor, sync: Program, settings: Any, monkeypatch: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    monkeypatch.setattr(time, "time", lambda: 1_000_000_010.0)
    left = [sync.get("workspace").headers["RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    over = sync.get("workspace")
    assert problem(over) == (429, "rate_limited")
    assert over.headers["Retry-After"] == over.headers["RateLimit-Reset"]
    assert 0 < int(over.headers["Retry-After"]) <= 60
    assert over.headers["RateLimit-Limit"] == "3"
    assert program(alice, name="Second").get("workspace").status_code == 200
    monkeypatch.setattr(time, "time", lambda: 1_000_000_080.0)
    assert sync.get("workspace").status_code == 200


def test_refusals_count_as_well(sync: Program, settings: Any, monkeypatch: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    monkeypatch.setattr(time, "time", lambda: 1_000_000_010.0)
    assert sync.get("imports/999999999").headers["RateLimit-Remaining"] == "1"
    assert sync.get("imports", limit="x").headers["RateLimit-Remaining"] == "0"
    assert problem(sync.get("workspace")) == (429, "rate_limited")


def test_no_limit_has_no_headers(sync: Program, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 0
    assert "RateLimit-Limit" not in sync.get("workspace").headers


def test_without_valkey_requests_are_let_through_and_the_log_says_so(
    sync: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.1, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(rate_limits, "broker", lambda: away)
    answer = sync.get("workspace")
    assert answer.status_code == 200
    assert "RateLimit-Limit" not in answer.headers
    assert "let through" in caplog.text
