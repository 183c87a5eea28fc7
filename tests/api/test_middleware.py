"""The way into the API: token, scope, size, rate, context; every error is a problem."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from api import tokens
from api.models import ApiToken
from contacts.models import Contact
from core.body_limit import JUDGE, LIMIT
from tenants.closing import lifecycle
from tenants.isolation.context import tenant_context
from tenants.models import Membership, Tenant, User
from tests.api.helpers import Program, problem, program
from tests.cast import Actor


@pytest.fixture
def sync(alice: Actor) -> Program:
    return program(alice)


def ask(header: str | None, path: str = "workspace") -> Any:
    return Client().get(f"/api/v1/{path}", headers={"Authorization": header} if header else {})


def test_a_token_says_the_workspace(sync: Program) -> None:
    said = sync.get("workspace")
    assert said.status_code == 200
    assert (said.json()["slug"], said.json()["token"]) == (sync.workspace.slug, "Sync")
    assert set(said.json()["scopes"]) == set(sync.token.scopes)
    assert said.headers["Cache-Control"] == "no-store"
    assert said.headers["Vary"] == "Authorization"
    assert "Set-Cookie" not in said.headers


def test_without_a_token_nothing_is_answered(sync: Program) -> None:
    for header in (None, "", "Basic YTpi", "Bearer", "Bearer "):
        answer = ask(header)
        assert problem(answer) == (401, "token_missing"), header
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "text",
    ["x", "cdp_1_", "cdp__" + "a" * 43, "cdp_zzzzzzzzzzzz_" + "a" * 43, "cdp_1_" + "a" * 43, "cdp_1_" + "é" * 43,
     "cdp_-1_" + "a" * 43, "cdp_²_" + "a" * 43, "a" * 9_000],
)  # fmt: skip
def test_a_token_that_is_none_is_refused(text: str) -> None:
    assert problem(ask(f"Bearer {text}")) == (401, "token_invalid")


def test_the_secret_of_one_workspace_opens_no_other(sync: Program, charlie: Actor) -> None:
    other = program(charlie)
    mixed = "_".join([*other.text.split("_")[:2], sync.text.split("_")[2]])
    assert problem(ask(f"Bearer {mixed}")) == (401, "token_invalid")


@pytest.mark.parametrize("why", ["expired", "revoked", "left", "disabled"])
def test_a_token_ends_with_its_time_and_its_member(alice: Actor, bob: Actor, why: str) -> None:
    sync = program(bob)
    assert sync.get("workspace").status_code == 200
    with tenant_context(alice.workspace.pk):
        if why == "expired":
            ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        elif why == "revoked":
            ApiToken.objects.update(revoked_at=timezone.now())
        elif why == "left":
            Membership.objects.filter(user=bob.user).delete()
        else:
            User.objects.filter(pk=bob.user.pk).update(is_active=False)
    assert problem(sync.get("workspace")) == (401, "token_invalid")


def test_a_token_of_a_closed_workspace_is_told_so_and_works_again(sync: Program, alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        assert lifecycle.close(alice.workspace, name=alice.workspace.name, user=alice.user)
    for answer in (sync.get("workspace"), sync.post("contacts", {}), sync.get("imports", wait="60")):
        assert problem(answer) == (403, "workspace_closed")
    erase_at = Tenant.objects.get(pk=alice.workspace.pk).erase_at
    assert erase_at is not None
    assert f"{erase_at:%d %B %Y}" in answer.json()["detail"]
    assert answer.json()["erase_at"] == f"{erase_at:%Y-%m-%dT%H:%M:%SZ}"
    assert alice.workspace.name not in answer.content.decode()
    with tenant_context(alice.workspace.pk):
        assert ApiToken.objects.get(pk=sync.token.pk).last_used_at is None, "nothing is done for a closed workspace"
        lifecycle.reopen(alice.workspace, user=alice.user)
    assert sync.get("workspace").status_code == 200


def test_a_workspace_that_is_being_erased_promises_no_way_back(sync: Program, alice: Actor) -> None:
    Tenant.objects.filter(pk=alice.workspace.pk).update(
        closed_at=timezone.now(), erase_at=timezone.now(), erasing_since=timezone.now()
    )
    answer = sync.get("workspace")
    assert problem(answer) == (403, "workspace_closed")
    assert "is being erased" in answer.json()["detail"]
    assert "reopen" not in answer.json()["detail"]
    Tenant.objects.filter(pk=alice.workspace.pk).update(erased_at=timezone.now())
    assert problem(sync.get("workspace")) == (401, "token_invalid")


@pytest.mark.parametrize("why", ["wrong", "another's", "expired", "revoked", "rotated", "left", "disabled"])
def test_no_other_learns_that_a_workspace_is_closed(alice: Actor, bob: Actor, charlie: Actor, why: str) -> None:
    """Byte by byte the answer of a workspace that never was."""
    sync, text = program(bob), ""
    number = sync.text.split("_")[1]
    if why == "wrong":
        text = f"cdp_{number}_{'a' * 43}"
    elif why == "another's":
        text = f"cdp_{number}_{program(charlie).text.split('_')[2]}"
    with tenant_context(alice.workspace.pk):
        if why == "expired":
            ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        elif why == "revoked":
            ApiToken.objects.update(revoked_at=timezone.now())
        elif why == "rotated":
            tokens.rotate(sync.token, user=bob.user)
            ApiToken.objects.update(previous_until=timezone.now() - timedelta(seconds=1))
        elif why == "left":
            Membership.objects.filter(user=bob.user).delete()
        elif why == "disabled":
            User.objects.filter(pk=bob.user.pk).update(is_active=False)
        lifecycle.close(alice.workspace, name=alice.workspace.name, user=alice.user)
    answer, never = ask(f"Bearer {text or sync.text}"), ask(f"Bearer cdp_zzzzzz_{'a' * 43}")
    assert problem(answer) == (401, "token_invalid")
    assert (answer.content, dict(answer.headers)) == (never.content, dict(never.headers))


def test_a_scope_is_needed_and_the_role_still_has_to_have_it(alice: Actor, bob: Actor) -> None:
    narrow = program(alice, "workspace.view")
    answer = narrow.get("imports")
    assert problem(answer) == (403, "scope_missing")
    assert answer.json()["scope"] == "imports.view"
    sync = program(bob, "imports.view", "workspace.view", "contacts.edit")
    with tenant_context(alice.workspace.pk):
        Membership.objects.filter(user=bob.user).update(role="viewer")
    assert sync.get("workspace").json()["scopes"] == ["workspace.view", "imports.view"]


def test_addresses_and_methods_that_do_not_exist(sync: Program) -> None:
    assert problem(sync.get("nothing")) == (404, "not_found")
    assert problem(sync.get("imports/999999999")) == (404, "not_found")
    assert problem(sync.get(f"imports/{10**30}")) == (404, "not_found")
    assert problem(sync.get("imports/1%00")) == (404, "not_found")
    answer = sync.call("DELETE", "workspace")
    assert problem(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET"
    assert sync.call("HEAD", "workspace").status_code == 200


def test_what_cannot_be_read_is_refused(sync: Program) -> None:
    assert problem(sync.get("imports", cursor="a\0b")) == (400, "request_unreadable")
    utf16 = sync.call("GET", "imports", data="x", content_type="application/json; charset=utf-16")
    assert problem(utf16) == (415, "content_type_unknown")
    for cursor in ("!", "e30", "WyJhIl0", "WzFdWzFd", "W" * 400, "WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwXQ"):
        assert problem(sync.get("imports", cursor=cursor)) == (422, "cursor_invalid"), cursor
    for limit in ("0", "-1", "1.5", "x", "1e9", "9" * 40):
        assert problem(sync.get("imports", limit=limit)) == (422, "parameters_invalid"), limit


def test_the_front_is_told_how_much_is_taken(sync: Program, settings: Any) -> None:
    """The front asks with the headers alone before it reads a large body."""
    headers = {"Authorization": f"Bearer {sync.text}"}
    judge: Any = {JUDGE: True}
    told = Client().get("/api/v1/workspace", headers=headers, **judge)
    assert (told.status_code, told.headers[LIMIT]) == (204, str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
    assert problem(Client().get("/api/v1/workspace", **judge)) == (401, "token_missing")
    large = sync.call("GET", "workspace", CONTENT_LENGTH=str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
    assert problem(large) == (413, "too_large")
    assert large.json()["limit"] == settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def test_use_is_noted_once_a_minute(sync: Program) -> None:
    sync.get("workspace")
    with tenant_context(sync.workspace.pk):
        first = ApiToken.objects.get(pk=sync.token.pk).last_used_at
        assert first is not None
    sync.get("workspace")
    with tenant_context(sync.workspace.pk):
        assert ApiToken.objects.get(pk=sync.token.pk).last_used_at == first
        ApiToken.objects.update(last_used_at=first - timedelta(seconds=61))
    sync.get("workspace")
    with tenant_context(sync.workspace.pk):
        assert ApiToken.objects.get(pk=sync.token.pk).last_used_at > first


def test_a_fault_of_ours_is_a_problem_and_nothing_stays(sync: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.routes import imports

    def fail(_request: Any, _imp: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    from tests.imports.helpers import bring

    imp = bring(sync.workspace, "email\na@x.example\n")
    monkeypatch.setattr(imports, "detailed", fail)
    assert problem(sync.get(f"imports/{imp.pk}")) == (500, "server_error")
    with tenant_context(sync.workspace.pk):
        assert Contact.objects.count() == 1
