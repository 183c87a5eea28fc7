"""Sign-ins at networks: bound to the session and the workspace, good once; what comes of them."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from destinations import sign_in
from destinations.kinds import Problem
from tests.destinations import scene

BACK = "https://cdp.example/connected"


@pytest.fixture
def session() -> dict[str, Any]:
    return {}


def state_of(address: str) -> str:
    return parse_qs(urlsplit(address).query)["state"][0]


def begun(session: dict[str, Any], kind: str = "google") -> str:
    return state_of(sign_in.begin(session, kind, tenant_id=7, redirect_uri=BACK, remembered={"name": "Shop"}))


def test_a_state_is_good_once_in_the_session_that_asked_for_it(session: dict[str, Any]) -> None:
    state = begun(session)
    assert sign_in.who(session, state) == ("google", 7, {"name": "Shop"})
    with pytest.raises(Problem):
        sign_in.who(session, state)


@pytest.mark.parametrize("said", ["", "x", "ä"])
def test_another_state_is_nobodys(session: dict[str, Any], said: str) -> None:
    begun(session)
    with pytest.raises(Problem):
        sign_in.who(session, said)
    assert session == {}, "who guesses once has lost the right one, too"


def test_another_session_knows_nothing(session: dict[str, Any]) -> None:
    with pytest.raises(Problem):
        sign_in.who({}, begun(session))


def test_it_is_good_for_a_quarter_of_an_hour(session: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    state = begun(session)
    session[sign_in.KEY]["until"] -= sign_in.SECONDS + 1
    with pytest.raises(Problem):
        sign_in.who(session, state)


def test_google_gives_a_refresh_token_that_has_no_end(settings: Any) -> None:
    with scene.google(settings) as network:
        found = sign_in.finish(sign_in.Begun("google", 7, {}), "code", redirect_uri=BACK)
    assert found.secret["refresh_token"] in network.refresh_tokens
    assert found.expires_at is None


def test_meta_gives_a_token_of_sixty_days(settings: Any) -> None:
    with scene.meta(settings) as network:
        found = sign_in.finish(sign_in.Begun("meta", 7, {}), "code", redirect_uri=BACK)
    assert found.secret["access_token"] in network.tokens
    assert found.expires_at is not None
    assert timedelta(days=59) < found.expires_at - timezone.now() <= timedelta(days=60)


@pytest.mark.parametrize("kind", ["google", "meta"])
def test_a_network_that_does_not_answer_is_said_in_words(settings: Any, kind: str) -> None:
    settings.GOOGLE_TOKEN_URL = settings.META_GRAPH_URL = "http://127.0.0.1:9"
    with pytest.raises(Problem, match="does not answer"):
        sign_in.finish(sign_in.Begun(kind, 7, {}), "code", redirect_uri=BACK)


def test_who_has_said_no_is_told_so() -> None:
    with pytest.raises(Problem, match="canceled"):
        sign_in.finish(sign_in.Begun("google", 7, {}), "", redirect_uri=BACK)


def test_it_is_offered_where_the_platform_has_an_account(settings: Any) -> None:
    settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET, settings.META_APP_ID = "a", "b", ""
    assert [sign_in.is_offered(kind) for kind in ("google", "meta", "webhook", "file")] == [True, False, False, False]
