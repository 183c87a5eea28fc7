"""Wrong passwords: ten lock one account out from one connection; nobody else, and the owner not from elsewhere."""

import uuid
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client, RequestFactory
from redis.exceptions import ConnectionError as RedisAway

from core.http import client_address, client_network
from tenants.models import User
from tests.cast import PASSWORD, person
from tests.tenants.simultaneous import together

WRONG, HERE, ELSEWHERE = "wrong", "203.0.113.7", "198.51.100.9"


@pytest.fixture(autouse=True)
def fresh_counts() -> None:
    cache.clear()


def attempt(user: User | str, password: str = WRONG, *, address: str = HERE, **headers: str) -> str:
    """What comes of it: "in", "wrong" or "locked"."""
    email = user if isinstance(user, str) else user.email
    answer = Client(REMOTE_ADDR=address, headers=headers).post("/login/", {"login": email, "password": password})
    if answer.status_code == 302:
        return "in"
    text = answer.content.decode()
    assert answer.status_code == 200, answer.status_code
    return "locked" if "Too many wrong passwords" in text else "wrong" if "not correct" in text else text


def lock(user: User, *, address: str = HERE) -> None:
    assert [attempt(user, address=address) for _ in range(10)] == ["wrong"] * 10
    assert attempt(user, PASSWORD, address=address) == "locked"


def test_ten_wrong_passwords_lock_the_account_from_that_address() -> None:
    lock(person("Ann"))


def test_nine_do_not() -> None:
    ann = person("Ann")
    assert [attempt(ann) for _ in range(9)] == ["wrong"] * 9
    assert attempt(ann, PASSWORD) == "in"


def test_the_owner_comes_in_from_elsewhere() -> None:
    ann = person("Ann")
    lock(ann)
    assert attempt(ann, PASSWORD, address=ELSEWHERE) == "in"


def test_the_others_of_the_house_come_in() -> None:
    ann, rest = person("Ann"), [person(f"P{n}") for n in range(5)]
    lock(ann)
    # Going on does not use up what the house has.
    assert {attempt(ann) for _ in range(150)} == {"locked"}
    assert [attempt(other, PASSWORD) for other in rest] == ["in"] * 5


def test_log_ins_that_succeed_are_not_counted() -> None:
    ann = person("Ann")
    assert {attempt(ann, PASSWORD) for _ in range(40)} == {"in"}


def test_one_connection_that_tries_many_accounts_is_stopped() -> None:
    ann, tag = person("Ann"), uuid.uuid4().hex
    tries = [attempt(f"{tag}.{n}@example.com") for n in range(101)]
    assert (set(tries[:100]), tries[100]) == ({"wrong"}, "locked")
    assert attempt(ann, PASSWORD) == "locked"
    assert attempt(ann, PASSWORD, address=ELSEWHERE) == "in"


def test_other_writings_of_the_address_are_the_same_account() -> None:
    ann = User.objects.create_user(f"kissi.{uuid.uuid4().hex}@example.com", PASSWORD)
    for number, written in enumerate([ann.email.upper(), ann.email.title(), f" {ann.email} ", ann.email] * 3):
        assert attempt(written) == ("wrong" if number < 10 else "locked")
    for alike in (ann.email.replace("s", "\u017f"), ann.email.replace("i", "\u0131"), ann.email.replace("k", "\u212a")):
        assert attempt(alike, PASSWORD) != "in"


def test_guesses_at_one_moment_are_counted_each() -> None:
    ann = person("Ann")
    results = together([lambda: attempt(ann)] * 25)
    assert results.count("wrong") <= 10


def test_addresses_of_one_ipv6_connection_are_one() -> None:
    ann = person("Ann")
    for number in range(10):
        assert attempt(ann, address=f"2001:db8:1:2::{number:x}") == "wrong"
    assert attempt(ann, PASSWORD, address="2001:db8:1:2:ffff::1") == "locked"
    assert attempt(ann, PASSWORD, address="2001:db8:1:3::1") == "in"


def test_many_networks_of_one_ipv6_connection_are_stopped() -> None:
    tag = uuid.uuid4().hex
    tries = [attempt(f"{tag}.{n}@example.com", address=f"2001:db8:1:{n:x}::1") for n in range(101)]
    assert (set(tries[:100]), tries[100]) == ({"wrong"}, "locked")


def test_a_new_password_by_mail_ends_it(settings: Any) -> None:
    ann = person("Ann")
    lock(ann)
    client = Client(REMOTE_ADDR=HERE)
    client.post("/password/forgotten/", {"email": ann.email})
    link = next(word for word in str(mail.outbox[-1].body).split() if "/password/new/" in word)
    where = client.get(link.removeprefix(settings.SITE_URL), follow=True).redirect_chain[-1][0]
    assert client.post(where, {"password1": "a wholly new one", "password2": "a wholly new one"}).status_code == 302
    assert attempt(ann, "a wholly new one") == "in"


def test_without_counts_nobody_is_let_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: object, **_kwargs: object) -> bool:
        raise RedisAway("away")

    ann = person("Ann")
    monkeypatch.setattr("django.core.cache.backends.redis.RedisCache.add", away)
    assert "You cannot sign in right now" in attempt(ann, PASSWORD)


# --- which address it is --------------------------------------------------------------------------------------------

ADDRESSES = [
    # proxies, header, value, peer, address
    (0, "X-Forwarded-For", "1.2.3.4", "10.0.0.1", "10.0.0.1"),
    (1, "X-Forwarded-For", "1.2.3.4", "10.0.0.1", "1.2.3.4"),
    (1, "X-Forwarded-For", "6.6.6.6, 1.2.3.4", "10.0.0.1", "1.2.3.4"),
    (2, "X-Forwarded-For", "6.6.6.6, 1.2.3.4, 10.0.0.2", "10.0.0.1", "1.2.3.4"),
    (2, "X-Forwarded-For", "1.2.3.4", "10.0.0.1", "1.2.3.4"),
    (1, "X-Forwarded-For", "", "10.0.0.1", "10.0.0.1"),
    (1, "X-Forwarded-For", "nonsense", "10.0.0.1", "10.0.0.1"),
    (1, "X-Forwarded-For", ", ,", "10.0.0.1", "10.0.0.1"),
    (1, "X-Forwarded-For", "1.2.3.4:5678", "10.0.0.1", "1.2.3.4"),
    (1, "X-Forwarded-For", "[2001:db8::1]:443", "10.0.0.1", "2001:db8::1"),
    (1, "X-Forwarded-For", '"[2001:db8::1]"', "10.0.0.1", "2001:db8::1"),
    (1, "X-Forwarded-For", "2001:DB8:0:0::1", "10.0.0.1", "2001:db8::1"),
    (1, "X-Forwarded-For", "::ffff:1.2.3.4", "10.0.0.1", "1.2.3.4"),
    (1, "X-Forwarded-For", "fe80::1%eth0", "10.0.0.1", "fe80::1"),
    (1, "X-Real-IP", "1.2.3.4", "10.0.0.1", "1.2.3.4"),
    (1, "CF-Connecting-IP", "2001:db8::1", "10.0.0.1", "2001:db8::1"),
    (0, "X-Real-IP", "1.2.3.4", "::1", "::1"),
    (1, "X-Forwarded-For", "", "", ""),
]


@pytest.mark.parametrize(("proxies", "header", "value", "peer", "expected"), ADDRESSES)
def test_the_address_of_a_visitor(
    settings: Any, proxies: int, header: str, value: str, peer: str, expected: str
) -> None:
    settings.TRUSTED_PROXIES, settings.CLIENT_ADDRESS_HEADER = proxies, header
    headers = {header: value} if value else {}
    request = RequestFactory(REMOTE_ADDR=peer, headers=headers).get("/")
    assert client_address(request) == expected


def test_what_is_one_connection() -> None:
    def network(address: str) -> str:
        return client_network(RequestFactory(REMOTE_ADDR=address).get("/"))

    assert (network("1.2.3.4"), network("::ffff:1.2.3.4")) == ("1.2.3.4", "1.2.3.4")
    assert network("2001:db8:1:2:3:4:5:6") == network("2001:db8:1:2::1") == "2001:db8:1:2::"
    assert network("unix") == "unix"


def test_behind_a_proxy_the_header_counts(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    ann = person("Ann")
    for number in range(10):  # What a client writes in front of it changes nothing.
        assert attempt(ann, x_forwarded_for=f"9.9.9.{number}, 1.2.3.4") == "wrong"
    assert attempt(ann, PASSWORD, x_forwarded_for="1.2.3.4") == "locked"
    assert attempt(ann, PASSWORD, x_forwarded_for="1.2.3.5") == "in"
