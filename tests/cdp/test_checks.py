"""Checks answer what they are documented to answer, whatever cookie comes along, while the database is well, away, or takes
connections and says nothing; and no session is read for them."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern

from cdp import checks, urls
from core.postgres import liveness
from insights.operations import platform_urls
from insights.operations.views import checks as check_views
from tenants.accounts import sessions
from tests.cast import Actor

COOKIES = ("none", "live", "dead", "garbage", "unreadable")


@contextmanager
def moved_to(port: int) -> Iterator[None]:
    """Programs of this process look for the database at another port of this machine."""
    connection.close()
    before = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(port)}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict |= before


@pytest.fixture
def away() -> Iterator[None]:
    """Nobody listens where the database was."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with moved_to(port):
        yield


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Connections are taken, and nothing is answered; this process serves people, and has little patience."""
    monkeypatch.setattr(liveness, "CONNECT_SECONDS", 1)
    monkeypatch.setattr(liveness, "_watched", None)
    liveness.watch()
    with socket.create_server(("127.0.0.1", 0)) as dumb, moved_to(dumb.getsockname()[1]):
        yield


@pytest.fixture
def browsers(alice: Actor) -> dict[str, Client]:
    """A browser for each kind of cookie."""
    sessions._seen.clear()
    found = {kind: Client(raise_request_exception=False) for kind in COOKIES}
    found["live"].force_login(alice.user)
    found["dead"].force_login(alice.user)
    SessionStore(found["dead"].session.session_key).delete()
    found["garbage"].cookies[settings.SESSION_COOKIE_NAME] = "%00; '\"ü" * 20
    found["unreadable"].cookies.load(rf'{settings.SESSION_COOKIE_NAME}="a\000b"')
    return found


def asked(browser: Client, path: str) -> Any:
    return browser.get(path, REMOTE_ADDR="127.0.0.1")


@pytest.mark.parametrize(("place", "kind"), [*(("away", kind) for kind in COOKIES), ("hanging", "live")])
def test_checks_answer_without_a_database(
    place: str, kind: str, browsers: dict[str, Client], request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(place)
    browser = browsers[kind]
    answers = {path: asked(browser, path) for path in checks.ADDRESSES}
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/health/live": 200, "/health/ready": 503, "/health/deep": 503, "/healthz": 503, "/metrics": 200,
    }  # fmt: skip
    assert answers["/health/live"].json() == {"live": True}
    assert answers["/health/ready"].json() == {"ready": False, "database": False, "broker": True}
    assert "database_down" in [problem["code"] for problem in answers["/health/deep"].json()["problems"]]
    assert json.loads(answers["/healthz"].content)["database"] is False
    assert 'cdp_up{server="database"} 0.0' in answers["/metrics"].content.decode()
    assert all(not answer.cookies for answer in answers.values()), "no browser is signed out by it"


@pytest.mark.parametrize("kind", COOKIES)
@pytest.mark.parametrize("path", sorted(checks.ADDRESSES))
def test_no_session_is_read(path: str, kind: str, browsers: dict[str, Client]) -> None:
    with CaptureQueriesContext(connection) as asked_for:
        answer = asked(browsers[kind], path)
    assert answer.headers["Content-Type"].startswith(("application/json", "text/plain"))
    statements = " ".join(query["sql"] for query in asked_for.captured_queries)
    assert not [table for table in ("session", '"user"', "member") if table in statements], statements


def test_a_page_knows_the_session(browsers: dict[str, Client]) -> None:
    """Else the test above would prove nothing."""
    with CaptureQueriesContext(connection) as asked_for:
        assert browsers["live"].get("/operations/").status_code == 200
    assert "session" in " ".join(query["sql"] for query in asked_for.captured_queries)


def test_every_check_is_listed() -> None:
    """Those of the module of checks, and the older one."""
    routes: list[URLPattern] = [*platform_urls.urlpatterns, *(r for r in urls.urlpatterns if isinstance(r, URLPattern))]
    views = [view for view in vars(check_views).values() if getattr(view, "__module__", "") == check_views.__name__]
    found = {f"/{route.pattern}" for route in routes if route.callback in views or route.name == "health"}
    assert len(views) == 4
    assert found == checks.ADDRESSES
