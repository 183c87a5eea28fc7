"""The command that makes a token."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from api.models import ApiToken
from tenants.isolation.context import tenant_context
from tests.cast import Actor


def made(capsys: pytest.CaptureFixture[str], **options: Any) -> Any:
    call_command("api_token", **options)
    return json.loads(capsys.readouterr().out)


def test_it_prints_a_token_that_works(alice: Actor, capsys: pytest.CaptureFixture[str]) -> None:
    said = made(capsys, workspace=alice.workspace.slug, scopes=["workspace.view"])
    answer = Client().get("/api/v1/workspace", headers={"Authorization": f"Bearer {said['token']}"})
    assert answer.status_code == 200
    assert answer.json()["scopes"] == said["scopes"] == ["workspace.view"]
    with tenant_context(alice.workspace.pk):
        token = ApiToken.objects.get()
    assert (token.created_by_id, token.name) == (alice.user.pk, "Command line")
    assert token.expires_at is not None


def test_without_scopes_it_has_all_of_the_member(alice: Actor, bob: Actor, capsys: pytest.CaptureFixture[str]) -> None:
    said = made(capsys, workspace=alice.workspace.slug, member=bob.user.email, days=0)
    assert "contacts.edit" in said["scopes"]
    assert "contacts.erase" not in said["scopes"]
    with tenant_context(alice.workspace.pk):
        assert ApiToken.objects.get().expires_at is None


def test_plain_is_the_token_alone(alice: Actor, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("api_token", workspace=alice.workspace.slug, plain=True)
    text = capsys.readouterr().out.strip()
    assert Client().get("/api/v1/workspace", headers={"Authorization": f"Bearer {text}"}).status_code == 200


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workspace": "nowhere"}, "no workspace nowhere"),
        ({"member": "x@example.com"}, "x@example.com is not a member"),
        ({"scopes": ["nope"]}, "Choose scopes of"),
        ({"days": -1}, "from 0"),
        ({"days": 10**9}, "from 0"),
    ],
)
def test_what_cannot_be_is_said(alice: Actor, options: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("api_token", **{"workspace": alice.workspace.slug} | options)
