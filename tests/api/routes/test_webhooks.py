"""Webhooks by the API: made, changed, paused, deleted; deliveries sent again; the secret in one answer alone."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest

from api.models import StoredAnswer
from api.webhooks import deliveries
from api.webhooks.models import Delivery, DeliveryState, Webhook
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.api.helpers import Program, problem, program
from tests.api.webhooks.receiver import Receiver, receiving
from tests.cast import Actor


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.INSIDE_NETWORKS = ["127.0.0.0/8"]
    with receiving() as one:
        yield one


@pytest.fixture
def sync(alice: Actor) -> Program:
    return program(alice)


def make(sync: Program, receiver: Receiver, **more: Any) -> Any:
    return sync.post("webhooks", {"url": receiver.url, "events": ["import.ended"], **more})


def patch(sync: Program, pk: int, **changes: Any) -> Any:
    return sync.call("PATCH", f"webhooks/{pk}", data=json.dumps(changes), content_type="application/json")


def note(sync: Program, pk: int, *, send: bool = True) -> int:
    """A delivery, which a worker has sent or not."""
    with tenant_context(sync.workspace.pk):
        delivery = deliveries.ping(Webhook.objects.get(pk=pk))
    if send:
        deliveries.work(sync.workspace.pk, pk)
    return int(delivery.pk)


def verbs(sync: Program) -> list[str]:
    with tenant_context(sync.workspace.pk):
        found = AuditEntry.objects.filter(verb__startswith="webhook.", user_id=sync.user.pk).order_by("pk")
        return [entry.verb for entry in found]


def test_the_secret_is_in_one_answer_and_signs(sync: Program, receiver: Receiver) -> None:
    made = make(sync, receiver, description="Shop")
    assert made.status_code == 201, made.content
    said = made.json()
    pk, secret = said["id"], said["secret"]
    assert (said["events"], said["description"], said["enabled"]) == (["import.ended"], "Shop", True)
    note(sync, pk)
    _path, headers, body = receiver.requests[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() in headers["webhook-signature"]
    for path in ("webhooks", f"webhooks/{pk}", f"webhooks/{pk}/deliveries"):
        assert b"whsec_" not in sync.get(path).content
    other = sync.post(f"webhooks/{pk}/rotate").json()["secret"]
    assert other.startswith("whsec_")
    assert other != secret
    assert verbs(sync) == ["webhook.created", "webhook.rotated"]


def test_a_repeated_request_makes_one_webhook_and_does_not_show_the_secret_again(
    sync: Program, receiver: Receiver
) -> None:
    body = {"url": receiver.url, "events": ["contact.created"]}
    first, second = (sync.post("webhooks", body, Idempotency_Key="one") for _ in range(2))
    assert (second.status_code, second.headers["Idempotency-Replayed"]) == (201, "true")
    assert first.json()["secret"]
    assert second.json() == {**first.json(), "secret": None}
    with tenant_context(sync.workspace.pk):
        assert Webhook.objects.count() == 1
        assert b"whsec_" not in bytes(StoredAnswer.objects.get().content)


def test_it_is_changed_paused_resumed_and_deleted(sync: Program, receiver: Receiver) -> None:
    pk = make(sync, receiver, description="Shop").json()["id"]
    changed = patch(sync, pk, events=["contact.created", "import.ended"]).json()
    assert (changed["url"], changed["description"], changed["events"]) == (
        receiver.url, "Shop", ["import.ended", "contact.created"],
    )  # fmt: skip
    assert patch(sync, pk, description="").json()["description"] == ""
    paused = sync.post(f"webhooks/{pk}/pause").json()
    assert (paused["enabled"], paused["disabled_reason"]) == (False, f"Disabled by {sync.user.display_name}.")
    assert sync.post(f"webhooks/{pk}/pause").json() == paused
    note(sync, pk)
    assert receiver.requests == [], "nothing is sent while it is paused"
    assert sync.post(f"webhooks/{pk}/resume").json()["enabled"] is True
    deliveries.work(sync.workspace.pk, pk)
    assert len(receiver.requests) == 1
    gone = sync.call("DELETE", f"webhooks/{pk}")
    assert (gone.status_code, gone.json()["id"]) == (200, pk)
    assert problem(sync.get(f"webhooks/{pk}")) == (404, "not_found")
    assert sync.get("webhooks").json() == {"results": [], "next": None}
    assert verbs(sync) == [
        "webhook.created", "webhook.changed", "webhook.changed", "webhook.disabled", "webhook.enabled", "webhook.deleted",
    ]  # fmt: skip


def test_deliveries_are_listed_and_sent_again(sync: Program, receiver: Receiver) -> None:
    pk = make(sync, receiver).json()["id"]
    receiver.answers.append((400, {}, b"not now"))
    refused = note(sync, pk)
    waits = f"webhooks/{pk}/deliveries/{refused}/retry"
    assert problem(sync.post(waits)) == (409, "conflict"), "it is tried again by itself"
    with tenant_context(sync.workspace.pk):
        Delivery.objects.filter(pk=refused).update(state=DeliveryState.FAILED)
    again = sync.post(waits)
    assert (again.status_code, again.json()["replay"], again.json()["state"]) == (202, True, "waiting")
    deliveries.work(sync.workspace.pk, pk)
    said = sync.get(f"webhooks/{pk}/deliveries").json()["results"]
    assert [(one["state"], one["status"], one["answer"]) for one in said] == [
        ("sent", 200, "thanks"), ("failed", 400, "not now"),
    ]  # fmt: skip
    assert len({one["message_id"] for one in said}) == 1
    assert [one["id"] for one in sync.get(f"webhooks/{pk}/deliveries", state="failed").json()["results"]] == [refused]
    first = sync.get(f"webhooks/{pk}/deliveries", limit=1).json()
    rest = sync.get(f"webhooks/{pk}/deliveries", limit=1, cursor=first["next"]).json()
    assert [one["id"] for one in rest["results"]] == [refused]
    sync.post(f"webhooks/{pk}/pause")
    assert problem(sync.post(waits)) == (409, "conflict")
    other = make(sync, receiver).json()["id"]
    assert problem(sync.post(f"webhooks/{other}/deliveries/{refused}/retry")) == (404, "not_found")
    assert verbs(sync).count("webhook.replayed") == 1


@pytest.mark.parametrize(
    "changes",
    [{"url": "http://10.0.0.1/"}, {"url": "https://user:hush@example.com/"}, {"url": "ftp://example.com"}, {"events": []},
     {"events": ["ping"]}, {"segments": [999_999]}, {"description": "x" * 121}, {"surprise": 1}],
)  # fmt: skip
def test_bad_webhooks_are_refused(sync: Program, receiver: Receiver, changes: Any) -> None:
    assert make(sync, receiver, **changes).status_code == 422
    pk = make(sync, receiver).json()["id"]
    assert patch(sync, pk, **changes).status_code == 422
    assert sync.get(f"webhooks/{pk}").json()["url"] == receiver.url


def test_nobody_else_reads_or_changes_them(
    sync: Program, receiver: Receiver, alice: Actor, charlie: Actor, member: Any
) -> None:
    pk = make(sync, receiver).json()["id"]
    delivery = note(sync, pk)
    stranger = program(charlie)
    assert stranger.get("webhooks").json()["results"] == []
    own = make(stranger, receiver).json()["id"]
    for at in (f"webhooks/{pk}/deliveries/{delivery}/retry", f"webhooks/{own}/deliveries/{delivery}/retry"):
        assert problem(stranger.post(at)) == (404, "not_found")
    for act in ("pause", "resume", "rotate"):
        assert problem(stranger.post(f"webhooks/{pk}/{act}")) == (404, "not_found")
    assert problem(stranger.call("DELETE", f"webhooks/{pk}")) == (404, "not_found")
    assert problem(program(member("marketer")).get("webhooks")) == (403, "scope_missing")
    assert problem(program(alice, "contacts.view").get(f"webhooks/{pk}")) == (403, "scope_missing")
