"""Browsers in which a person is signed in: listed, ended, and told of when they are new."""

from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.core import mail, signing
from django.core.cache import cache
from django.test import Client

from tenants.accounts import sessions
from tests.cast import PASSWORD, Actor, person
from tests.tenants.factors import confirm, sign_in

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def fresh() -> None:
    cache.clear()
    sessions._seen.clear()


def told(email: str) -> list[str]:
    return [str(m.subject) for m in mail.outbox if m.to == [email]]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/140.0 Safari/537.36", "Chrome on macOS"),
        ("curl/8", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_in_words(agent: str, words: str) -> None:
    assert sessions.words_of(agent) == words


def test_the_page_lists_them_and_ends_one_or_all_others() -> None:
    ann = person("Ann")
    here, there, elsewhere = sign_in(ann), Client(headers={"user-agent": FIREFOX}), Client()
    for client in (there, elsewhere):
        sign_in(ann, client=client)
    page = here.get("/account/sessions/").content.decode()
    assert page.count("This browser") == 1
    assert "Firefox on Linux" in page
    row = UserSession.objects.get(user=ann, user_agent=FIREFOX)
    assert here.post("/account/sessions/end/", {"session": row.pk}).status_code == 302
    assert there.get("/account/").status_code == 302
    assert elsewhere.get("/account/").status_code == 200
    assert here.post("/account/sessions/end/").status_code == 302
    assert elsewhere.get("/account/").status_code == 302
    assert here.get("/account/").status_code == 200


def test_nobody_ends_a_session_of_someone_else() -> None:
    ann, eve = person("Ann"), person("Eve")
    victim, attacker = sign_in(ann), sign_in(eve)
    for given in (str(UserSession.objects.get(user=ann).pk), "x", "", "9" * 17):
        attacker.post("/account/sessions/end/", {"session": given})
    assert victim.get("/account/").status_code == 200
    assert attacker.get("/account/").status_code == 200


def test_a_session_of_another_way_in_is_listed_from_its_first_request(alice: Actor) -> None:
    """A session that was not made at the door (here: by the test itself) can be seen and ended, too."""
    assert not UserSession.objects.filter(user=alice.user).exists()
    alice.get("contacts/")
    (row,) = UserSession.objects.filter(user=alice.user)
    assert row.ip == "127.0.0.1"
    sign_in(alice.user).post("/account/sessions/end/")
    assert alice.get("contacts/").status_code == 302


def test_last_seen_is_written_now_and_then_only(alice: Actor, django_assert_num_queries: Any) -> None:
    alice.client.get("/account/sessions/")
    first = UserSession.objects.get(user=alice.user).last_seen_at
    alice.client.get("/account/sessions/")
    assert UserSession.objects.get(user=alice.user).last_seen_at == first
    sessions._seen.clear()
    alice.client.get("/account/sessions/")
    assert UserSession.objects.get(user=alice.user).last_seen_at > first


def test_an_address_that_is_none_is_no_fault(alice: Actor) -> None:
    client = Client(REMOTE_ADDR="")
    client.force_login(alice.user)
    assert client.get("/account/sessions/").status_code == 200
    assert sign_in(alice.user, client=Client(REMOTE_ADDR="")).get("/account/").status_code == 200


def test_a_new_browser_is_told_of_once_and_the_first_is_not() -> None:
    ann = person("Ann")
    first = sign_in(ann)
    assert told(ann.email) == []
    sign_in(ann, client=first)
    assert told(ann.email) == []
    second = sign_in(ann, headers={"user-agent": FIREFOX})
    assert told(ann.email) == ["New sign-in to your account"]
    assert "Firefox on Linux" in str(mail.outbox[-1].body)
    sign_in(ann, client=second)
    assert len(told(ann.email)) == 1


def test_a_browser_is_known_to_each_account_by_itself_and_cannot_be_made_up() -> None:
    ann, ben = person("Ann"), person("Ben")
    for user in (ann, ben):
        sign_in(user)
    client = sign_in(ann)
    assert (len(told(ann.email)), len(told(ben.email))) == (1, 0)
    sign_in(ben, client=client)
    assert len(told(ben.email)) == 1
    sign_in(ann, client=client)
    assert len(told(ann.email)) == 1, "the browser still knows the first"
    for made_up in ("x", "W10", signing.dumps([ann.pk], salt="another"), signing.dumps({"a": 1}, salt=sessions.SALT)):
        stranger = Client()
        stranger.cookies[sessions.COOKIE] = made_up
        sign_in(ann, client=stranger)
    assert len(told(ann.email)) == 5


def test_a_mail_server_that_is_away_lets_people_in(settings: Any) -> None:
    ann = person("Ann")
    sign_in(ann)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert sign_in(ann).get("/account/").status_code == 200


def test_another_password_signs_out_all_other_browsers() -> None:
    ann = person("Ann")
    here, there = sign_in(ann), sign_in(ann)
    confirm(here)
    new = {"oldpassword": PASSWORD, "password1": "a wholly new one", "password2": "a wholly new one"}
    assert here.post("/account/password/", new).status_code == 302
    assert (here.get("/account/").status_code, there.get("/account/").status_code) == (200, 302)
    assert told(ann.email)[-1] == "Your password was changed"
    assert len(sessions.of(ann)) == 1
