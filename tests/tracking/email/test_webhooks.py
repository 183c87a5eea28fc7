"""What e-mail providers post: read in their dialects, kept once, and never a reason to write to somebody again."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import BlacklistEntry, Contact
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import bring
from tests.workspace_copies import copy_workspace
from tracking.email import rating, webhooks
from tracking.models import Event, MailHook

ROWS = "email,first_name\nann@example.com,Ann\nbob@example.com,Bob\n"
POSTMARK = {"Recipient": "Ann@Example.com", "MessageID": "m-1", "Tag": "Spring letter", "ServerID": 1}

GONE = {"SuppressSending": True, "SuppressionReason": "ManualSuppression"}


def postmark(kind: str, **more: Any) -> str:
    times = {
        "Delivery": "DeliveredAt", "Open": "ReceivedAt", "Click": "ReceivedAt", "Bounce": "BouncedAt",
        "SpamComplaint": "BouncedAt", "SubscriptionChange": "ChangedAt",
    }  # fmt: skip
    body = {"RecordType": kind, **POSTMARK, times[kind]: "2026-11-20T10:00:00Z", **more}
    if kind in ("Bounce", "SpamComplaint"):
        body |= {"ID": 77, "Email": body.pop("Recipient"), "Type": more.get("Type", "SpamComplaint"), "TypeCode": 1}
    return json.dumps(body)


def ann_and_bob(alice: Actor) -> None:
    bring(alice.workspace, ROWS)


@pytest.fixture
def hook(alice: Actor) -> tuple[Actor, MailHook]:
    copy_workspace(alice, ann_and_bob)
    return alice, add(alice, "postmark")


def add(who: Actor, provider: str) -> MailHook:
    with tenant_context(who.workspace.pk):
        return webhooks.add(provider)


def post(hook: MailHook, body: str | bytes, **kwargs: Any) -> Any:
    return Client().post(
        f"/hooks/{hook.key}/", body, content_type=kwargs.pop("content_type", "application/json"), **kwargs
    )


def ann(who: Actor) -> Contact:
    with tenant_context(who.workspace.pk):
        found: Contact = Contact.objects.get(email="ann@example.com")
    return found


def told(who: Actor) -> list[tuple[str, str]]:
    with tenant_context(who.workspace.pk):
        events = Event.objects.filter(kind="message").order_by("pk")
        return [(e.properties["status"], e.properties.get("message", "")) for e in events]


@pytest.mark.parametrize(
    ("kind", "more", "said", "status"),
    [
        ("Delivery", {}, "delivered", "active"),
        ("Open", {}, "read", "active"),
        ("Click", {"OriginalLink": "https://shop.example.com/"}, "clicked", "active"),
        ("Bounce", {"Type": "HardBounce"}, "undelivered", "blacklisted"),
        ("SpamComplaint", {}, "spam report", "spam"),
        ("SubscriptionChange", GONE, "unsubscribed", "unsubscribed"),
    ],
)  # fmt: skip
def test_what_is_told_is_activity_and_status(
    hook: tuple[Actor, MailHook], kind: str, more: dict[str, Any], said: str, status: str
) -> None:
    alice, address = hook
    answer = post(address, postmark(kind, **more))
    assert (answer.status_code, answer.content) == (200, b"1 new, 0 known, 0 for unknown contacts")
    assert [s for s, _message in told(alice)] == [said]
    contact = ann(alice)
    assert contact.email_status == status
    assert (contact.email_status_reason is None) == (status == "active")
    page = alice.get(f"activity/of-contact/{contact.pk}/").content.decode()
    assert said in page


def test_the_same_event_twice_is_one(hook: tuple[Actor, MailHook]) -> None:
    alice, address = hook
    for _ in range(3):
        answer = post(address, postmark("Delivery"))
    assert answer.content == b"0 new, 1 known, 0 for unknown contacts"
    assert told(alice) == [("delivered", "Spring letter")]
    with tenant_context(alice.workspace.pk):
        assert MailHook.objects.get().told == 1


def test_statuses_never_become_milder(hook: tuple[Actor, MailHook]) -> None:
    alice, address = hook
    post(address, postmark("SpamComplaint"))
    post(address, postmark("SubscriptionChange", **GONE))
    post(address, postmark("Bounce", Type="HardBounce"))
    post(address, postmark("Delivery"))
    assert ann(alice).email_status == "spam"


def test_a_bounced_address_is_blacklisted_for_all_who_come(hook: tuple[Actor, MailHook]) -> None:
    alice, address = hook
    post(address, postmark("Bounce", Type="HardBounce"))
    with tenant_context(alice.workspace.pk):
        assert BlacklistEntry.objects.get().value == "ann@example.com"
    bring(alice.workspace, "external_id,email\nC-7,ann@example.com\n")
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.get(external_id="C-7").email_status == "blacklisted"


def test_nobody_whom_we_know(hook: tuple[Actor, MailHook]) -> None:
    alice, address = hook
    assert (
        post(address, postmark("Delivery", Recipient="x@example.com")).content
        == b"0 new, 0 known, 1 for unknown contacts"
    )
    assert told(alice) == []


def test_mailjet_in_batches(hook: tuple[Actor, MailHook]) -> None:
    alice, _address = hook
    base = {"time": int(timezone.now().timestamp()), "MessageID": 7, "customcampaign": "Newsletter"}
    events = [
        {**base, "email": "ann@example.com", "event": "sent"},
        {**base, "email": "ann@example.com", "event": "open"},
        {**base, "email": "bob@example.com", "event": "click", "url": "https://example.com/"},
        {**base, "email": "bob@example.com", "event": "nonsense"},
    ]
    answer = post(add(alice, "mailjet"), json.dumps([*events, events[0]]))
    assert answer.status_code == 200
    assert told(alice) == [("delivered", "Newsletter"), ("read", "Newsletter"), ("clicked", "Newsletter")]


@pytest.mark.parametrize("provider", webhooks.PROVIDERS)
@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"a": 1}', "\x00\xff", '{"RecordType": "Bounce"}', "[1, 2]"])
def test_what_no_provider_posts(hook: tuple[Actor, MailHook], provider: str, body: str) -> None:
    alice, _address = hook
    answer = post(add(alice, provider), body)
    assert answer.status_code in (200, 400)
    assert told(alice) == []
    assert ann(alice).email_status == "active"


def test_too_much_is_refused(hook: tuple[Actor, MailHook]) -> None:
    _alice, address = hook
    assert post(address, b" " * (webhooks.MAX_BYTES + 1)).status_code == 413


@pytest.mark.parametrize("key", ["x", "1-", "zz-" + "0" * 40, "1-" + "0" * 40, "999999999-" + "0" * 40])
def test_keys_that_are_none(hook: tuple[Actor, MailHook], key: str) -> None:
    assert Client().post(f"/hooks/{key}/", "{}", content_type="application/json").status_code == 404


def test_an_address_of_another_workspace_reaches_only_its_own(hook: tuple[Actor, MailHook], charlie: Actor) -> None:
    alice, _address = hook
    bring(charlie.workspace, ROWS)
    post(add(charlie, "postmark"), postmark("SpamComplaint"))
    assert ann(alice).email_status == "active"
    assert ann(charlie).email_status == "spam"


def test_addresses_are_made_and_closed(alice: Actor) -> None:
    assert "No providers yet" in alice.get("settings/providers/").content.decode()
    alice.post("settings/providers/add/", {"provider": "mailgun"})
    alice.post("settings/providers/add/", {"provider": "nonsense"})
    with tenant_context(alice.workspace.pk):
        made = MailHook.objects.get()
    assert made.key in alice.get("settings/providers/").content.decode()
    alice.post(f"settings/providers/{made.pk}/remove/")
    assert post(made, "{}").status_code == 404


# --- the rating -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "wanted"),
    [
        ([], None), (["undelivered"], None), (["delivered"], 1), (["read"], 3), (["clicked"], 5), (["sent", "read"], 2),
        (["clicked", "delivered"], 3), (["clicked", "read"], 4), (["delivered"] * 9 + ["clicked"], 1),
        (["read", "spam report"], 3),
    ],
)  # fmt: skip
def test_the_rating_follows_the_formula(alice: Actor, messages: list[str], wanted: int | None) -> None:
    bring(alice.workspace, ROWS)
    who = ann(alice)
    with tenant_context(alice.workspace.pk):
        now = timezone.now()
        for number, status in enumerate(messages):
            for said in {"clicked": ("delivered", "read", "clicked")}.get(status, (status,)):
                about = {"channel": "email", "id": f"m{number}", "status": said}
                Event.objects.create(
                    tenant_id=alice.workspace.pk, at=now, kind="message", contact_id=who.pk, properties=about
                )
    rating.run_for_all_workspaces()
    assert ann(alice).rating == wanted


def test_what_is_old_counts_no_more_and_sms_never_did(alice: Actor) -> None:
    bring(alice.workspace, ROWS)
    who = ann(alice)
    with tenant_context(alice.workspace.pk):
        Contact.objects.filter(pk=who.pk).update(rating=5)
        for days, channel in ((61, "email"), (1, "sms")):
            at = timezone.now() - timedelta(days=days)
            about = {"channel": channel, "id": "m", "status": "clicked"}
            Event.objects.create(
                tenant_id=alice.workspace.pk, at=at, kind="message", contact_id=who.pk, properties=about
            )
    rating.run_for_all_workspaces()
    assert ann(alice).rating is None


def test_a_webhook_rates_at_once(hook: tuple[Actor, MailHook]) -> None:
    alice, address = hook
    today = {"ReceivedAt": timezone.now().isoformat()}
    post(address, postmark("Open", **today))
    assert ann(alice).rating == 3
    post(address, postmark("Click", OriginalLink="https://example.com/", **today))
    assert ann(alice).rating == 5
    assert "e-mail rating 5 of 5" in alice.get(f"contacts/{ann(alice).pk}/").content.decode()
