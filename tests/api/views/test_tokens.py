"""The pages of tokens: made once, shown once, rotated by their maker, revoked by any admin."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from api.models import ApiToken
from tenants.isolation.context import tenant_context
from tenants.models import Membership
from tests.api.helpers import program
from tests.cast import Actor
from tests.imports.helpers import flat

URL = "settings/api/"


def form(**changes: Any) -> dict[str, Any]:
    return {"name": "Shop", "expires": "90", "scopes": ["workspace.view", "imports.run"], "mark": "m1"} | changes


def text_of(answer: Any) -> str:
    found = re.search(r"cdp_[0-9a-z]+_[0-9A-Za-z]{43}", answer.content.decode())
    assert found, answer.content.decode()[:2000]
    return found[0]


def works(text: str) -> bool:
    answer = Client().get("/api/v1/workspace", headers={"Authorization": f"Bearer {text}"})
    return answer.status_code == 200


def test_an_empty_page_says_what_belongs_there(alice: Actor) -> None:
    page = flat(alice.get(URL).content.decode())
    assert "No tokens yet" in page
    assert "Create a token for each program" in page


def test_a_token_is_made_and_shown_once(alice: Actor) -> None:
    page = alice.get(f"{URL}new/").content.decode()
    assert re.search(r'name="mark" value="[0-9a-f]{32}"', page)
    answer = alice.post(f"{URL}new/", form())
    text = text_of(answer)
    assert works(text)
    assert f"curl http://127.0.0.1:8000/api/v1/workspace \\\n  -H &quot;Authorization: Bearer {text}" in (
        answer.content.decode()
    )
    listed = alice.get(URL).content.decode()
    assert "Shop" in listed
    assert text not in listed
    assert "Workspace: view; Imports: run" in listed


def test_a_second_click_makes_no_second_token(alice: Actor) -> None:
    first, second = (text_of(alice.post(f"{URL}new/", form())) for _ in range(2))
    assert first == second
    with tenant_context(alice.workspace.pk):
        assert ApiToken.objects.count() == 1
    assert text_of(alice.post(f"{URL}new/", form(mark="m2"))) != first


def test_the_mark_of_another_member_or_workspace_gives_another_token(
    alice: Actor, charlie: Actor, member: Callable[[str], Actor]
) -> None:
    texts = {text_of(who.post(f"{URL}new/", form())) for who in (alice, charlie, member("admin"))}
    assert len(texts) == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"scopes": []}, "Choose at least one scope"),
        ({"scopes": ["nope"]}, "nope is not one of the available choices"),
        ({"scopes": ["mail.view"]}, "mail.view is not one of the available choices"),
        ({"expires": "7"}, "7 is not one of the available choices"),
        ({"mark": ""}, "This field is required"),
    ],
)
def test_what_is_missing_is_said(alice: Actor, changes: dict[str, Any], words: str) -> None:
    answer = alice.post(f"{URL}new/", form(**changes))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    with tenant_context(alice.workspace.pk):
        assert not ApiToken.objects.exists()


def test_an_admin_offers_no_scope_that_the_role_lacks(member: Callable[[str], Actor]) -> None:
    """Owners alone see mails; every other scope an admin has. A marketer has no such page."""
    assert member("admin").get(f"{URL}new/").status_code == 200
    assert member("marketer").get(f"{URL}new/").status_code == 404


def test_a_rotation_asks_and_shows_the_new_secret(alice: Actor) -> None:
    old = text_of(alice.post(f"{URL}new/", form()))
    with tenant_context(alice.workspace.pk):
        pk = ApiToken.objects.get().pk
    page = alice.get(f"{URL}{pk}/rotate/").content.decode()
    assert "one more hour" in flat(page)
    sent = {"mark": "r1", "seen": re.findall(r'name="seen" value="([^"]+)"', page)[0]}
    new = text_of(alice.post(f"{URL}{pk}/rotate/", sent))
    again = text_of(alice.post(f"{URL}{pk}/rotate/", sent))
    assert new == again != old
    assert works(old)
    assert works(new)
    late = alice.post(f"{URL}{pk}/rotate/", {**sent, "mark": "r2"}, follow=True)
    assert "rotated in the meantime" in late.content.decode()
    assert works(new)


def test_no_one_gets_the_secret_of_another_member(alice: Actor, member: Callable[[str], Actor]) -> None:
    """It could do what the owner may do."""
    sync = program(alice)
    admin = member("admin")
    assert admin.get(f"{URL}{sync.token.pk}/rotate/").status_code == 404
    assert admin.post(f"{URL}{sync.token.pk}/rotate/").status_code == 404
    assert f"{sync.token.pk}/rotate/" not in admin.get(URL).content.decode()


def test_any_admin_can_revoke(alice: Actor, member: Callable[[str], Actor]) -> None:
    sync = program(alice)
    admin = member("admin")
    page = flat(admin.get(f"{URL}{sync.token.pk}/revoke/").content.decode())
    assert "Revoke Sync?" in page
    assert "It was never used." in page
    assert admin.post(f"{URL}{sync.token.pk}/revoke/").status_code == 302
    assert not works(sync.text)
    assert admin.post(f"{URL}{sync.token.pk}/revoke/").status_code == 302
    assert admin.get(f"{URL}{sync.token.pk}/revoke/").status_code == 302
    assert "Sync" not in admin.get(URL).content.decode().replace("Token Sync revoked", "")


def test_the_list_says_what_no_longer_works(alice: Actor, member: Callable[[str], Actor]) -> None:
    admin = member("admin")
    program(admin, "imports.run", "imports.view")
    with tenant_context(alice.workspace.pk):
        Membership.objects.filter(user=admin.user).update(role="viewer")
    assert "now allows 1 of 2 scopes" in flat(alice.get(URL).content.decode())
    with tenant_context(alice.workspace.pk):
        Membership.objects.filter(user=admin.user).delete()
    page = flat(alice.get(URL).content.decode())
    assert "Stopped" in page
    assert "The member has left." in page
