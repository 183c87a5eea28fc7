"""Admins see which sign-ins with accounts of members failed, and nothing about anybody else."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.webauthn import forms as webauthn_forms
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.cache import cache
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisAway

from tenants.accounts import failed_sign_ins
from tenants.isolation.context import tenant_context
from tenants.models import FailedSignIn, Membership, Tenant, User
from tenants.retention import job
from tests.cast import PASSWORD, Actor
from tests.tenants import factors, passkeys
from tests.tenants.passkeys import Passkey

PAGE = "audit/failed-sign-ins/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
WRONG = "not-my-password-zyxwv"


@pytest.fixture(autouse=True)
def fresh_counts() -> None:
    cache.clear()


def attempt(login: str, password: str = WRONG, *, address: str = "203.0.113.7", agent: str = FIREFOX) -> int:
    client = Client(REMOTE_ADDR=address, headers={"User-Agent": agent})
    return client.post("/login/", {"login": login, "password": password}).status_code


def noted(who: Actor) -> list[tuple[int, str, str]]:
    with tenant_context(who.workspace.pk):
        return list(FailedSignIn.objects.order_by("pk").values_list("user_id", "reason", "address"))


def test_a_wrong_password_is_listed_with_when_where_and_why(alice: Actor, bob: Actor) -> None:
    assert attempt(bob.user.email.upper()) == 200
    assert noted(alice) == [(bob.user.pk, "password", "203.0.113.7")]
    page = " ".join(alice.get(PAGE).content.decode().split())
    for words in (bob.user.display_name, "Wrong password", "203.0.113.7", "Firefox on Linux", "Stored for 90 days"):
        assert words in page
    assert WRONG not in page
    assert attempt(bob.user.email, PASSWORD) == 302
    assert len(noted(alice)) == 1, "who comes in is not listed"


def test_nobody_else_is_listed(alice: Actor, bob: Actor, charlie: Actor) -> None:
    """Strangers, people without an account, and former members; nor what was typed in the wrong field."""
    for login in (charlie.user.email, "nobody@example.com", "hunter2-typed-as-address", "a\0b@example.com", "x" * 400):
        attempt(login)
    assert noted(alice) == []
    assert noted(charlie) == [(charlie.user.pk, "password", "203.0.113.7")]
    attempt(bob.user.email)
    with tenant_context(alice.workspace.pk):
        Membership.objects.filter(user=bob.user).delete()
    assert bob.user.display_name not in alice.get(PAGE).content.decode()
    attempt(bob.user.email)
    assert len(noted(alice)) == 1


def test_each_workspace_of_a_person_has_its_own(alice: Actor, charlie: Actor) -> None:
    with tenant_context(charlie.workspace.pk):
        Membership.objects.create(user=alice.user, role="viewer")
    attempt(alice.user.email)
    assert [len(noted(who)) for who in (alice, charlie)] == [1, 1]
    page = charlie.get(PAGE).content.decode()
    assert alice.workspace.slug not in page
    Tenant.objects.filter(pk=charlie.workspace.pk).update(closed_at=timezone.now())
    attempt(alice.user.email)
    assert [len(noted(who)) for who in (alice, charlie)] == [2, 1]


@pytest.mark.parametrize("role", ["marketer", "ops", "viewer"])
def test_only_admins_see_them(alice: Actor, member: Callable[[str], Actor], charlie: Actor, role: str) -> None:
    assert member(role).get(PAGE).status_code == 404
    assert charlie.client.get(alice.url(PAGE)).status_code == 404
    assert member("admin").get(PAGE).status_code == 200


def test_a_locked_account_is_noted_once_a_minute_for_an_address(alice: Actor) -> None:
    for _attempt in range(13):
        attempt(alice.user.email)
    reasons = [reason for _user, reason, _address in noted(alice)]
    assert reasons == ["password"] * 10 + ["locked"]


def test_a_wrong_code_is_listed(alice: Actor, bob: Actor) -> None:
    factors.set_up(bob.client)
    client = Client(REMOTE_ADDR="203.0.113.7", headers={"User-Agent": FIREFOX})
    client.post("/login/", {"login": bob.user.email, "password": PASSWORD})
    assert noted(alice) == []
    client.post("/account/second-factor/sign-in/", {"code": "000000"})
    assert noted(alice) == [(bob.user.pk, "code", "203.0.113.7")]
    assert "Wrong code" in alice.get(PAGE).content.decode()


@pytest.mark.parametrize(
    "spoilt",
    [
        {"key": ec.generate_private_key(ec.SECP256R1())},
        {"origin": "https://elsewhere.example.com"},
        {"flags": passkeys.FLAG.UP},
    ],
    ids=["signature", "origin", "not verified"],
)
def test_a_passkey_that_is_refused_is_listed(alice: Actor, bob: Actor, spoilt: dict[str, Any]) -> None:
    key = Passkey(bob.user).register()
    client = passkeys.browser(**{"User-Agent": FIREFOX})
    assert key.sign_in(client, **spoilt).headers["Location"] == "/login/"
    assert client.get(alice.url()).status_code == 302
    assert noted(alice) == [(bob.user.pk, "passkey", "203.0.113.7")]
    page = alice.get(PAGE).content.decode()
    assert "Passkey refused" in page
    assert "Firefox on Linux" in page
    assert key.sign_in(client).headers["Location"] != "/login/", "the same key, not spoilt, opens the door"
    assert client.get(alice.url("contacts/")).status_code == 200
    assert len(noted(alice)) == 1


def test_an_old_challenge_and_none_at_all_are_refused_passkeys(alice: Actor) -> None:
    key = Passkey(alice.user).register()
    first = passkeys.browser()
    old = key.answer(passkeys.challenge_of(first))
    passkeys.challenge_of(first)
    passkeys.send(first, old)
    passkeys.send(passkeys.browser(address="203.0.113.8"), old)
    assert [(reason, address) for _user, reason, address in noted(alice)] == [
        ("passkey", "203.0.113.7"), ("passkey", "203.0.113.8"),
    ]  # fmt: skip


def test_a_passkey_that_nobody_has_leaves_no_trace(alice: Actor, bob: Actor, charlie: Actor) -> None:
    """Numbers of accounts can be guessed: only a passkey of the account names it. And other texts are none."""
    client = passkeys.browser()
    Passkey(alice.user).sign_in(client)
    Passkey(charlie.user).register().sign_in(client, user=bob.user)
    Passkey(charlie.user).register().sign_in(client, flags=passkeys.FLAG.UP)
    texts: list[Any] = [None, 5, "x", [], {}, {"id": "x"}, {"response": 5}, {"response": {"userHandle": "x"}}]
    for text in texts:
        cache.clear()
        assert passkeys.send(client, text).status_code == 302, text
    assert noted(alice) == []
    assert noted(charlie) == [(charlie.user.pk, "passkey", "203.0.113.7")]


def test_refused_passkeys_are_listed_once_a_minute(alice: Actor) -> None:
    """They are not counted for the account, as anybody could then lock somebody out: still they fill no table."""
    key = Passkey(alice.user).register()
    for number in range(5):
        key.sign_in(passkeys.browser(address=f"2001:db8::{number}"), flags=passkeys.FLAG.UP)
    assert len(noted(alice)) == 1
    key.sign_in(passkeys.browser(address="2001:db8:1::1"), flags=passkeys.FLAG.UP)
    assert len(noted(alice)) == 2


def test_a_passkey_beside_the_password_is_listed(alice: Actor, bob: Actor) -> None:
    Passkey(bob.user).register()
    other = Passkey(bob.user)
    client = passkeys.browser()
    client.post("/login/", {"login": bob.user.email, "password": PASSWORD})
    step = "/account/second-factor/sign-in/"
    for _attempt in range(13):
        asked = client.get(step).context["js_data"]["request_options"]["publicKey"]["challenge"]
        client.post(step, {"credential": json.dumps(other.answer(asked))})
    assert [(user, reason) for user, reason, _address in noted(alice)] == [
        (bob.user.pk, "passkey"), (bob.user.pk, "locked"),
    ]  # fmt: skip
    assert client.get(alice.url("contacts/")).status_code == 302


def test_who_was_switched_off_is_listed(alice: Actor, bob: Actor) -> None:
    key = Passkey(bob.user).register()
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    client = passkeys.browser()
    assert key.sign_in(client).headers["Location"] == "/inactive/"
    assert noted(alice) == [(bob.user.pk, "inactive", "203.0.113.7")]


def test_passkeys_that_cannot_be_counted_open_nothing(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    key = Passkey(alice.user).register()
    client = passkeys.browser()
    client.post("/login/", {"login": alice.user.email, "password": PASSWORD})
    step = "/account/second-factor/sign-in/"
    asked = client.get(step).context["js_data"]["request_options"]["publicKey"]["challenge"]

    def away(_user: object) -> None:
        raise RedisAway

    monkeypatch.setattr(webauthn_forms, "check_rate_limit", away)
    assert client.post(step, {"credential": json.dumps(key.answer(asked))}).status_code == 200
    assert client.get(alice.url("contacts/")).status_code == 302


def test_a_list_that_cannot_be_written_keeps_nobody_out(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_user_id: int) -> None:
        raise DatabaseError

    monkeypatch.setattr(failed_sign_ins, "workspaces_of", away)
    assert attempt(alice.user.email) == 200
    assert attempt(alice.user.email, PASSWORD) == 302


def test_pages_follow_each_other(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        for number in range(60):
            FailedSignIn.objects.create(user=alice.user, reason="password", address=f"203.0.113.{number}")
    first = alice.get(PAGE).content.decode()
    assert "203.0.113.59" in first
    assert "203.0.113.10<" in first
    assert "203.0.113.9<" not in first
    with tenant_context(alice.workspace.pk):
        tenth = FailedSignIn.objects.order_by("pk")[10].pk
    older = alice.get(f"{PAGE}?before={tenth}").content.decode()
    assert "203.0.113.9<" in older
    assert "203.0.113.10<" not in older
    assert alice.get(f"{PAGE}?before=x").status_code == 200


def test_after_ninety_days_they_go(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        for days in (91, 89):
            at = timezone.now() - timedelta(days=days)
            FailedSignIn.objects.create(user=alice.user, reason="password", at=at, address=str(days))
    job.work(alice.workspace.pk)
    assert [address for _user, _reason, address in noted(alice)] == ["89"]
