"""Who comes in: user names say the workspace, passwords are counted, addresses and states are looked at."""

import pytest
from django.core.cache import cache
from django.utils import timezone

from connectors import credentials, logins
from connectors.logins import Denied
from connectors.models import Connector
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.connectors import scene
from tests.connectors.scene import PASSWORD, user_name

ADDRESS = "198.51.100.7"


@pytest.fixture(autouse=True)
def fresh() -> None:
    cache.clear()


def sign_in(name: str, password: str = PASSWORD, address: str = ADDRESS, protocol: str = "sftp") -> logins.Session:
    return logins.by_password(name, password, address=address, protocol=protocol)


def test_a_user_comes_in_and_is_seen(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    session = sign_in(user_name(alice.workspace, made))
    assert (session.tenant_id, session.connector_id) == (alice.workspace.pk, made.pk)
    with tenant_context(alice.workspace.pk):
        seen = Connector.objects.get()
        assert seen.last_address == ADDRESS
        assert seen.last_seen_at is not None
        assert AuditEntry.objects.filter(verb="connector.signed_in").count() == 1
    sign_in(user_name(alice.workspace, made))
    with tenant_context(alice.workspace.pk):
        assert AuditEntry.objects.filter(verb="connector.signed_in").count() == 1, "once an hour from one address"


def test_each_workspace_has_names_of_its_own(alice: Actor, charlie: Actor) -> None:
    mine, other = scene.connector(alice.workspace), scene.connector(charlie.workspace)
    assert mine.login == other.login
    assert sign_in(user_name(alice.workspace, mine)).tenant_id == alice.workspace.pk
    assert sign_in(user_name(charlie.workspace, other)).tenant_id == charlie.workspace.pk


@pytest.mark.parametrize("name", ["", ".", "orders", "nobody.orders", "\0.orders", "x" * 300, "a.b.c", "ü.ö"])
def test_unknown_names_are_denied(alice: Actor, name: str) -> None:
    scene.connector(alice.workspace)
    with pytest.raises(Denied):
        sign_in(name)


def test_another_protocol_is_denied(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    with pytest.raises(Denied):
        sign_in(user_name(alice.workspace, made), protocol="ftps")


def test_ten_wrong_passwords_lock_one_user_for_one_address(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    name = user_name(alice.workspace, made)
    for _ in range(logins.MOST_OF_USER):
        with pytest.raises(Denied, match="wrong user name or password"):
            sign_in(name, "guess")
    with pytest.raises(Denied, match="too many"):
        sign_in(name)
    assert sign_in(name, address="198.51.100.8")
    with tenant_context(alice.workspace.pk):
        assert "wrong password" in Connector.objects.get().error
        assert AuditEntry.objects.filter(verb="connector.sign_in_refused").count() == logins.MOST_OF_USER


def test_a_hundred_wrong_passwords_lock_an_address(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    for n in range(logins.MOST_OF_NETWORK):
        with pytest.raises(Denied):
            sign_in(f"nobody.{n}", "guess", "2001:db8:1:2::7")
    with pytest.raises(Denied, match="too many"):
        sign_in(user_name(alice.workspace, made), address="2001:db8:1:2::8")
    assert sign_in(user_name(alice.workspace, made), address="2001:db8:1:3::8")


def test_while_nothing_can_be_counted_nobody_comes_in_by_password(
    alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redis.exceptions import ConnectionError as Away

    def away(*_args: object) -> None:
        raise Away

    made = scene.connector(alice.workspace)
    monkeypatch.setattr("connectors.logins.cache.get_many", away, raising=False)
    with pytest.raises(Denied, match="cannot be counted"):
        sign_in(user_name(alice.workspace, made))


def test_addresses_outside_of_the_allowed_networks_are_denied(alice: Actor) -> None:
    made = scene.connector(alice.workspace, networks="203.0.113.0/24\n2001:db8::/32")
    name = user_name(alice.workspace, made)
    for address in ("203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1"):
        assert sign_in(name, address=address)
    with pytest.raises(Denied, match="allowed networks"):
        sign_in(name)
    with tenant_context(alice.workspace.pk):
        assert ADDRESS in Connector.objects.get().error


def test_disabled_and_deleted_connectors_are_denied(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    name = user_name(alice.workspace, made)
    session = sign_in(name)
    assert logins.still_good(session)
    alice.post(f"connectors/{made.pk}/disable/")
    assert not logins.still_good(session)
    with pytest.raises(Denied, match="disabled"):
        sign_in(name)
    with tenant_context(alice.workspace.pk):
        Connector.objects.update(disabled_at=None, deleted_at=timezone.now())
    with pytest.raises(Denied, match="wrong user name"):
        sign_in(name)


def test_a_password_that_was_right_is_known_without_its_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = credentials.hashed("right")
    assert credentials.is_right("right", stored)

    def slow(*_args: object) -> bool:
        raise AssertionError("hashed again")

    monkeypatch.setattr(credentials, "check_password", slow)
    assert credentials.is_right("right", stored)
    monkeypatch.undo()
    assert not credentials.is_right("wrong", stored)
    assert not credentials.is_right("right", credentials.hashed("other"))
    assert not credentials.is_right("", "")


def test_secrets_are_long_and_differ() -> None:
    made = {credentials.new_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(secret) for secret in made} == {credentials.LENGTH}
