"""Tokens: what is stored of them, what they may have, rotation and revocation."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from api import tokens
from api.models import ApiToken
from api.scopes import GROUPS, NOT_FOR_TOKENS, SCOPES
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tenants.roles import PERMISSIONS
from tests.api.helpers import program
from tests.cast import Actor


def test_every_permission_is_a_scope_or_none_for_programs() -> None:
    assert set(SCOPES) | NOT_FOR_TOKENS == set(PERMISSIONS)
    grouped = [scope for group in GROUPS.values() for scope in group]
    assert sorted(grouped) == sorted(SCOPES)
    assert len(grouped) == len(set(grouped))


def test_the_secret_is_stored_nowhere(alice: Actor) -> None:
    sync = program(alice)
    secret = sync.text.rpartition("_")[2]
    with tenant_context(alice.workspace.pk), connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM api_token t UNION ALL SELECT a::text FROM audit_entry a")
        assert all(secret not in row for (row,) in cursor.fetchall())
    assert len(secret) == tokens.SECRET
    assert secret.isalnum()


def test_tokens_differ(alice: Actor) -> None:
    assert program(alice).text != program(alice).text


@pytest.mark.parametrize(
    ("name", "scopes", "field"),
    [
        ("", ["imports.view"], "name"),
        ("  ", ["imports.view"], "name"),
        ("x" * 81, ["imports.view"], "name"),
        ("x", [], "scopes"),
        ("x", ["imports.view", "nope"], "scopes"),
        ("x", ["mail.view"], "scopes"),
        ("x", ["contacts.erase"], "scopes"),
    ],
)
def test_what_a_token_cannot_be(bob: Actor, name: str, scopes: list[str], field: str) -> None:
    """Bob is a marketer, who may not erase: neither may his tokens."""
    with tenant_context(bob.workspace.pk):
        with pytest.raises(tokens.BadToken) as caught:
            tokens.create(name, scopes=scopes, user=bob.user)
        assert caught.value.field == field
        assert not ApiToken.objects.exists()


def test_a_workspace_has_so_many_tokens(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST", 2)
    sync = program(alice)
    program(alice)
    with tenant_context(alice.workspace.pk):
        with pytest.raises(tokens.BadToken, match="2 tokens, which is the limit"):
            tokens.create("Third", scopes=["imports.view"], user=alice.user)
        assert tokens.revoke(sync.token, user=alice.user)
        tokens.create("Third", scopes=["imports.view"], user=alice.user)


def test_after_a_rotation_the_old_secret_has_an_hour(alice: Actor) -> None:
    sync = program(alice)
    with tenant_context(alice.workspace.pk):
        text = tokens.rotate(ApiToken.objects.get(pk=sync.token.pk), user=alice.user)
    assert text != sync.text
    old, new = tokens.find(sync.text), tokens.find(text)
    assert old is not None
    assert new is not None
    assert old.token.pk == new.token.pk == sync.token.pk
    with tenant_context(alice.workspace.pk):
        ApiToken.objects.update(previous_until=timezone.now() - timedelta(seconds=1))
    assert tokens.find(sync.text) is None
    assert tokens.find(text) is not None


def test_a_second_rotation_ends_the_first_secret(alice: Actor) -> None:
    sync = program(alice)
    with tenant_context(alice.workspace.pk):
        token = ApiToken.objects.get(pk=sync.token.pk)
        second = tokens.rotate(token, user=alice.user)
        third = tokens.rotate(token, user=alice.user)
    assert [tokens.find(text) is not None for text in (sync.text, second, third)] == [False, True, True]


def test_a_revoked_token_ends_at_once_with_both_secrets(alice: Actor) -> None:
    sync = program(alice)
    with tenant_context(alice.workspace.pk):
        token = ApiToken.objects.get(pk=sync.token.pk)
        text = tokens.rotate(token, user=alice.user)
        assert tokens.revoke(token, user=alice.user)
        assert not tokens.revoke(token, user=alice.user)
    assert tokens.find(text) is None
    assert tokens.find(sync.text) is None


def test_the_audit_log_says_who_did_what(alice: Actor) -> None:
    sync = program(alice, "imports.view")
    with tenant_context(alice.workspace.pk):
        tokens.rotate(ApiToken.objects.get(pk=sync.token.pk), user=alice.user)
        tokens.revoke(sync.token, user=alice.user)
        entries: list[Any] = list(AuditEntry.objects.filter(verb__startswith="token.").order_by("pk"))
    assert [entry.verb for entry in entries] == ["token.created", "token.rotated", "token.revoked"]
    assert {entry.user_id for entry in entries} == {alice.user.pk}
    assert {entry.object for entry in entries} == {f"API token {sync.token.pk}"}
    assert entries[0].detail["scopes"] == ["imports.view"]


def test_a_form_of_long_ago_brings_no_secret_back(alice: Actor) -> None:
    """Whoever sends an old form again, by a reload or the back button, does not undo a rotation or a revocation."""
    with tenant_context(alice.workspace.pk):
        scopes = ["imports.view"]
        token, first = tokens.create("Shop", scopes=scopes, user=alice.user, mark="m")
        seen = tokens.state_of(token)
        second = tokens.rotate(token, user=alice.user, mark="r", seen=seen)
        assert tokens.rotate(token, user=alice.user, mark="r", seen=seen) == second, "a second click"
        third = tokens.rotate(token, user=alice.user, mark="s", seen=tokens.state_of(token))
        assert len({first, second, third}) == 3
        with pytest.raises(tokens.BadToken, match="rotated in the meantime"):
            tokens.rotate(token, user=alice.user, mark="r", seen=seen)
        other, of_other = tokens.create("Other", scopes=scopes, user=alice.user, mark="s")
        assert of_other != third, "a mark makes another secret of another form"
        tokens.rotate(other, user=alice.user, mark="t", seen=tokens.state_of(other))
        with pytest.raises(tokens.BadToken, match="revoked or rotated"):
            tokens.create("Other", scopes=scopes, user=alice.user, mark="s")
        tokens.revoke(other, user=alice.user)
        with pytest.raises(tokens.BadToken, match="revoked or rotated"):
            tokens.create("Other", scopes=scopes, user=alice.user, mark="s")
    assert tokens.find(second) is not None, "for an hour"
    assert tokens.find(third) is not None
