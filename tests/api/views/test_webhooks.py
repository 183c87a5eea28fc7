"""Pages of webhooks: made, tried, looked at, changed, disabled and deleted by people."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.webhooks import deliveries
from api.webhooks.models import Delivery, Webhook
from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.api.webhooks.receiver import Receiver, receiving
from tests.cast import Actor
from tests.segments.scene import static


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.INSIDE_NETWORKS = ["127.0.0.0/8"]
    with receiving() as one:
        yield one


def only(actor: Actor) -> Webhook:
    with tenant_context(actor.workspace.pk):
        webhook: Webhook = Webhook.objects.get()
        return webhook


def make(actor: Actor, receiver: Receiver, **more: Any) -> Any:
    given = {"url": receiver.url, "event": ["import.ended", "contact.created"], "description": "Shop", **more}
    return actor.post("webhooks/new/", given)


def test_from_the_form_to_a_delivery(alice: Actor, receiver: Receiver) -> None:
    assert "No webhooks yet" in alice.get("webhooks/").text
    answer = make(alice, receiver)
    webhook = only(alice)
    assert answer.headers["Location"].endswith(f"/webhooks/{webhook.pk}/")
    page = alice.get(f"webhooks/{webhook.pk}/").text
    assert "whsec_" in page
    assert "Nothing was sent yet" in page
    assert alice.post(f"webhooks/{webhook.pk}/ping/").status_code == 302
    assert 'hx-trigger="every 2s"' in alice.get(f"webhooks/{webhook.pk}/live/").text
    deliveries.work(alice.workspace.pk, webhook.pk)
    live = alice.get(f"webhooks/{webhook.pk}/live/")
    assert live.status_code == 286
    assert "Delivered" in live.text
    with tenant_context(alice.workspace.pk):
        delivery = Delivery.objects.get()
    shown = alice.get(f"webhooks/{webhook.pk}/deliveries/{delivery.pk}/").text
    assert delivery.message_id in shown
    assert "thanks" in shown
    alice.post(f"webhooks/{webhook.pk}/deliveries/{delivery.pk}/replay/")
    deliveries.work(alice.workspace.pk, webhook.pk)
    assert [body["id"] for body in receiver.bodies()] == [delivery.message_id] * 2
    with tenant_context(alice.workspace.pk):
        verbs = set(AuditEntry.objects.filter(object=f"webhook {webhook.pk}").values_list("verb", flat=True))
    assert verbs == {"webhook.created", "webhook.replayed"}
    assert receiver.url in alice.get("webhooks/").text.replace("&amp;", "&")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"url": "http://10.0.0.1/"}, "inside a private network"),
        ({"url": "https://user:hush@example.com/"}, "Leave out the name"),
        ({"event": []}, "Choose at least one event"), ({"event": ["ping"]}, "Choose at least one event"),
        ({"segment": ["999999"]}, "One of these segments no longer exists"),
        ({"description": "x" * 121}, "up to 120 characters"),
    ],
)  # fmt: skip
def test_what_cannot_be(alice: Actor, receiver: Receiver, given: dict[str, Any], why: str) -> None:
    answer = make(alice, receiver, **given)
    assert answer.status_code == 422
    assert why in answer.text
    with tenant_context(alice.workspace.pk):
        assert not Webhook.objects.exists()


def test_a_segment_of_others_cannot_be_chosen(alice: Actor, charlie: Actor, receiver: Receiver) -> None:
    with tenant_context(charlie.workspace.pk):
        foreign = static("Secret", [])
    assert make(alice, receiver, segment=[str(foreign.pk)]).status_code == 422


def test_change_disable_enable_rotate_delete(alice: Actor, receiver: Receiver) -> None:
    make(alice, receiver)
    webhook = only(alice)
    at = f"webhooks/{webhook.pk}/"
    assert 'value="contact.created" checked' in alice.get(f"{at}edit/").text
    alice.post(f"{at}edit/", {"url": receiver.url, "event": ["contact.erased"]})
    assert only(alice).event_types == ["contact.erased"]
    for _twice in range(2):
        alice.post(f"{at}secret/", {"salt": webhook.salt[:8]})
    assert only(alice).former_salt == webhook.salt, "a second click does not make yet another secret"
    alice.post(f"{at}disable/")
    assert "Disabled by" in alice.get(at).text
    alice.post(f"{at}enable/")
    assert only(alice).is_enabled
    alice.post(f"{at}ping/")
    assert "1 delivery that" in " ".join(alice.get(f"{at}delete/").text.split())
    alice.post(f"{at}delete/")
    with tenant_context(alice.workspace.pk):
        assert not Webhook.objects.exists()
        assert not Delivery.objects.exists()
        verbs = list(
            AuditEntry.objects.filter(verb__startswith="webhook.").order_by("pk").values_list("verb", flat=True)
        )
    names = ("created", "changed", "rotated", "disabled", "enabled", "deleted")
    assert verbs == [f"webhook.{name}" for name in names]


def test_a_delivery_of_another_webhook_is_not_found(alice: Actor, receiver: Receiver) -> None:
    make(alice, receiver)
    make(alice, receiver)
    with tenant_context(alice.workspace.pk):
        first, second = Webhook.objects.order_by("pk")
        delivery = deliveries.ping(first)
    assert alice.get(f"webhooks/{second.pk}/deliveries/{delivery.pk}/").status_code == 404
    assert alice.post(f"webhooks/{second.pk}/deliveries/{delivery.pk}/replay/").status_code == 404


def test_nothing_of_a_person_is_stored_with_a_delivery(alice: Actor, receiver: Receiver) -> None:
    make(alice, receiver)
    with tenant_context(alice.workspace.pk):
        deliveries.note(only_in(), [{"type": "contact.created", "at": "2026-11-28T10:00:00+00:00", "contact_id": 1}])
        contact = Contact.objects.create(email="secret@example.com", external_id="C-77")
        deliveries.note(
            only_in(), [{"type": "contact.created", "at": "2026-11-28T10:00:00+00:00", "contact_id": contact.pk}]
        )
        stored = str(list(Delivery.objects.values()))
        delivery = Delivery.objects.order_by("-pk")[0]
    assert "secret" not in stored
    assert "C-77" not in stored
    page = alice.get(f"webhooks/{delivery.webhook_id}/deliveries/{delivery.pk}/").text
    assert "C-77" in page
    assert "secret" not in page


def only_in() -> Webhook:
    webhook: Webhook = Webhook.objects.get()
    return webhook
