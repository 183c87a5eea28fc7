"""The blacklist of the platform: who may change it, what it keeps from being sent, and what a workspace can learn of it."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings
from django.urls import reverse

from contacts.consent import platform_blacklist
from contacts.models import Contact, PlatformBlock, SignupForm
from contacts.subscriptions import signup
from tenants.isolation.context import tenant_context
from tenants.models import Outbox
from tests.cast import Actor
from tests.imports.helpers import bring

PATH = "/platform/blacklist/"


@pytest.fixture
def blocked(alice: Actor) -> str:
    """An address of nobody else, blocked for all workspaces."""
    email = f"blocked{alice.workspace.pk}@example.com"
    assert platform_blacklist.add([email], reason="spam trap", by="op@example.com") == 1
    return email


def contact(who: Actor, email: str) -> Contact:
    bring(who.workspace, f"email\n{email}\n", user=who.user)
    with tenant_context(who.workspace.pk):
        found: Contact = Contact.objects.get(email=email)
    return found


def test_only_operators_find_the_page(alice: Actor) -> None:
    assert alice.client.get(PATH).status_code == 404
    assert alice.client.post(PATH, {"values": "a@example.com", "do": "add"}).status_code == 404
    with override_settings(OPERATORS=[alice.user.email]):
        assert alice.client.get(PATH).status_code == 200
    assert reverse("platform_blacklist") == PATH


def test_operators_block_find_and_let_go(alice: Actor) -> None:
    email = f"trap{alice.workspace.pk}@example.com"
    with override_settings(OPERATORS=[alice.user.email]):
        assert (
            alice.client.post(PATH, {"values": f"{email.upper()}\n", "reason": "trap", "do": "add"}).status_code == 302
        )
        found = alice.client.get(PATH, {"q": email})
        assert "is blocked" in found.text
        assert "trap" in found.text
        assert alice.client.post(PATH, {"values": "nobody", "do": "add"}).status_code == 422
        mixed = alice.client.post(PATH, {"values": "nobody\nsomebody@example.com", "do": "add"})
        assert (mixed.status_code, mixed.context["bad"], mixed.context["typed"]) == (422, ["nobody"], "nobody")
        assert "1 blocked for all workspaces." in mixed.text
        assert platform_blacklist.find("somebody@example.com") is not None
        assert alice.client.post(PATH, {"values": "", "do": "remove"}).status_code == 422
        assert platform_blacklist.blocks(email)
        alice.client.post(PATH, {"values": email, "do": "remove"})
    assert not platform_blacklist.blocks(email)


def test_no_address_is_kept(blocked: str) -> None:
    entry = platform_blacklist.find(blocked)
    assert entry is not None
    assert blocked not in str(vars(entry))
    assert platform_blacklist.add([blocked], reason="again", by="") == 0
    assert PlatformBlock.objects.get(pk=entry.pk).reason == "spam trap"


def test_a_profile_says_blocked_and_nothing_else(alice: Actor, blocked: str) -> None:
    """It counts for a contact that comes later, and only its profile tells."""
    who = contact(alice, blocked)
    shown = alice.get(f"contacts/{who.pk}/").text
    assert "Blocked" in shown
    assert "spam trap" not in shown
    assert who.email_status == "active"
    for path in ("contacts/", "contacts/?status=email.blacklisted", "contacts/blacklist/?q=" + blocked, "imports/"):
        assert "Blocked" not in alice.get(path).text
        assert "spam trap" not in alice.get(path).text


def test_nobody_can_ask_in_bulk(alice: Actor, charlie: Actor, blocked: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(platform_blacklist, "ASKED_PER_HOUR", 3)
    who = contact(alice, blocked)
    told = ["Blocked" in alice.get(f"contacts/{who.pk}/").text for _ in range(5)]
    assert told == [True, True, True, False, False]
    with tenant_context(charlie.workspace.pk):
        assert platform_blacklist.is_blocked_for_display(blocked) is True  # another workspace has questions of its own
    cache.delete(f"platform-asked:{alice.workspace.pk}")


def test_a_form_sends_no_mail_to_a_blocked_address(alice: Actor, blocked: str) -> None:
    with tenant_context(alice.workspace.pk):
        key = signup.new_key(alice.workspace.pk)
        form = SignupForm.objects.create(key=key, title="News", wording="I want it.")
        signup.ask(form, email=blocked, name="")
        signup.ask(form, email=f"free{alice.workspace.pk}@example.com", name="")
        assert list(Outbox.objects.values_list("to", flat=True)) == [f"free{alice.workspace.pk}@example.com"]
        assert not Contact.objects.filter(email=blocked).exists()
