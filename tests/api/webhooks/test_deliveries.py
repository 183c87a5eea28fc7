"""What happens reaches the receiver: everything, signed, and again until it is taken."""

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.utils import timezone

from api.webhooks import deliveries, signatures, subscriptions
from api.webhooks.event_types import EVENT_TYPES
from api.webhooks.models import Delivery, Webhook
from contacts.bulk import actions
from contacts.duplicates import merge
from contacts.models import Contact
from contacts.profile import quick_actions
from core import outside_post, watermark
from imports.models import UndoDirection
from imports.pipeline import undo
from segments import member_edits
from tenants import pending_work
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Notice, Outbox
from tests.api.webhooks.receiver import Receiver, is_signed, receiving
from tests.cast import Actor
from tests.destinations import scene
from tests.imports.helpers import bring, work
from tests.segments.scene import contacts, static


@pytest.fixture
def receiver(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    settings.INSIDE_NETWORKS = ["127.0.0.0/8"]
    # What was written a moment ago may be told now: the clock of this machine is that of the database.
    monkeypatch.setattr(watermark, "SKEW", timedelta())
    with receiving() as one:
        yield one


def hook(actor: Actor, receiver: Receiver, *event_types: str, **more: Any) -> Webhook:
    with tenant_context(actor.workspace.pk):
        return subscriptions.create(receiver.url, event_types=event_types or list(EVENT_TYPES), user=actor.user, **more)


def told(actor: Actor, webhook: Webhook) -> Webhook:
    """Let a worker look at it; the webhook as it is then."""
    deliveries.work(actor.workspace.pk, webhook.pk)
    return again(actor, webhook)


def again(actor: Actor, webhook: Webhook) -> Webhook:
    with tenant_context(actor.workspace.pk):
        found: Webhook = Webhook.objects.get(pk=webhook.pk)
        return found


def one(actor: Actor, **wanted: Any) -> Delivery:
    with tenant_context(actor.workspace.pk):
        found: Delivery = Delivery.objects.get(**wanted)
        return found


def test_an_import_is_told(alice: Actor, receiver: Receiver) -> None:
    webhook = hook(alice, receiver)
    imp = bring(alice.workspace, "email,external_id\na@example.com,C-1\nb@example.com,C-2\nnothing,\n", user=alice.user)
    told(alice, webhook)
    events = receiver.events()
    assert {event["type"] for event in events} == {"contact.created", "import.ended"}
    assert {event["contact"]["external_id"] for event in events if "contact" in event} == {"C-1", "C-2"}
    ended = next(event["import"] for event in events if "import" in event)
    assert (ended["id"], ended["status"], ended["created"], ended["in_error"]) == (imp.pk, "imported", 2, 1)
    for (_path, headers, body), said in zip(receiver.requests, receiver.bodies(), strict=True):
        assert is_signed(signatures_of(alice, webhook), headers, body)
        assert (said["workspace"], said["id"]) == (alice.workspace.slug, headers["webhook-id"])
    count = len(receiver.requests)
    told(alice, webhook)
    assert len(receiver.requests) == count, "nothing is told twice"


def test_what_becomes_of_contacts(alice: Actor, receiver: Receiver) -> None:
    with tenant_context(alice.workspace.pk):
        ids = contacts("Ann", "Ben", "Cleo", "Dan")
    webhook = hook(alice, receiver)
    with tenant_context(alice.workspace.pk):
        quick_actions.delete(ids[0], reason="Other", user_id=alice.user.pk)
        merge.merge([ids[1], ids[2]], user_id=alice.user.pk)
    told(alice, webhook)
    kinds = {(event["type"], event["contact"]["id"]) for event in receiver.events()}
    assert ("contact.deleted", ids[0]) in kinds
    merged = [event for event in receiver.events() if event["type"] == "contact.merged"]
    assert len(merged) == 1
    assert {merged[0]["contact"]["id"], merged[0]["merged_into"]} == {ids[1], ids[2]}
    with tenant_context(alice.workspace.pk):
        action = actions.begin("erase", {"ids": [ids[0]]}, user_id=alice.user.pk)
    actions.work(alice.workspace.pk, action.pk)
    told(alice, webhook)
    assert receiver.events()[-1]["type"] == "contact.erased"
    assert receiver.events()[-1]["contact"] == {"id": ids[0]}


def test_a_run_of_a_data_sync_is_told_and_a_dry_one_is_not(alice: Actor, receiver: Receiver, settings: Any) -> None:
    webhook = hook(alice, receiver, "sync.ended")
    with tenant_context(alice.workspace.pk):
        sync = scene.sync_of(scene.segment_of(*scene.people("a@example.com", "b@example.com")))
    with scene.meta(settings):
        scene.run(alice.workspace.pk, sync, kind="dry")
        run = scene.run(alice.workspace.pk, sync)
    told(alice, webhook)
    (event,) = receiver.events()
    assert (event["type"], event["sync"]["id"], event["sync"]["run"]) == ("sync.ended", sync.pk, run.pk)
    assert (event["sync"]["status"], event["sync"]["added"], event["sync"]["rejected"]) == ("ended", 2, 0)


def test_segments_that_somebody_asks_about(alice: Actor, receiver: Receiver) -> None:
    with tenant_context(alice.workspace.pk):
        ids = contacts("Ann", "Ben")
        vip, other = static("VIP", []), static("Other", [])
    webhook = hook(alice, receiver, "segment.entered", "segment.left", segment_ids=[vip.pk])
    with tenant_context(alice.workspace.pk):
        edit = member_edits.add(vip, ids, user_id=None)
        member_edits.add(other, ids, user_id=None)
    told(alice, webhook)
    entered = [event for event in receiver.events() if event["type"] == "segment.entered"]
    assert [(e["contact"]["id"], e["segment"], e["cause"]) for e in entered] == [
        (pk, {"id": vip.pk, "name": "VIP"}, "added") for pk in sorted(ids)
    ]
    with tenant_context(alice.workspace.pk):
        member_edits.undo(edit, user_id=None)
    told(alice, webhook)
    assert [event["type"] for event in receiver.events()[2:]] == ["segment.left"] * 2


def test_what_commits_late_is_told_all_the_same(alice: Actor, receiver: Receiver) -> None:
    """A change whose time lies before the last look, and whose transaction ended after it."""
    with tenant_context(alice.workspace.pk):
        (ann,) = contacts("Ann")
        vip = static("VIP", [])
    webhook = hook(alice, receiver, "segment.entered")
    with psycopg.connect(os.environ["DATABASE_URL"]) as slow:
        slow.execute("SELECT set_config('app.tenant_id', %s, false)", [str(alice.workspace.pk)])
        slow.execute(
            "INSERT INTO segment_change (tenant_id, segment_id, at, contact_id, entered, cause)"
            " VALUES (%s, %s, clock_timestamp(), %s, true, 'added')",
            [alice.workspace.pk, vip.pk, ann],
        )
        for _look in range(3):
            told(alice, webhook)
        assert receiver.requests == []
        slow.commit()
    told(alice, webhook)
    assert [event["contact"]["id"] for event in receiver.events()] == [ann]


def test_many_come_in_pages(alice: Actor, receiver: Receiver) -> None:
    webhook = hook(alice, receiver, "contact.created", "segment.entered")
    rows = "email\n" + "".join(f"p{i}@example.com\n" for i in range(1_200))
    bring(alice.workspace, rows, segments=["VIP"], user=alice.user)
    with tenant_context(alice.workspace.pk):
        vip = static("Other", [])
        member_edits.add(vip, Contact.objects.values_list("pk", flat=True), user_id=None)
    told(alice, webhook)
    for kind in ("contact.created", "segment.entered"):
        found = [event["contact"]["id"] for event in receiver.events() if event["type"] == kind]
        assert len(found) == len(set(found)) == 1_200, kind
    assert all(len(body["events"]) <= 500 for body in receiver.bodies())


def test_again_until_it_is_taken(alice: Actor, receiver: Receiver) -> None:
    webhook = hook(alice, receiver)
    receiver.answers = [(503, {"Retry-After": "33"}, b"maintenance")]
    with tenant_context(alice.workspace.pk):
        deliveries.ping(webhook)
    now = told(alice, webhook)
    waiting = one(alice)
    assert (waiting.state, waiting.attempts, waiting.status, waiting.answer) == ("waiting", 1, 503, "maintenance")
    assert timedelta(seconds=25) < waiting.next_at - timezone.now() <= timedelta(seconds=33)
    assert now.failures == 1
    assert now.paused_until is not None
    assert told(alice, webhook).failures == 1, "it is left alone"
    later(alice)
    done = told(alice, webhook)
    assert (one(alice).state, done.failures, done.failing_since, done.paused_until) == ("sent", 0, None, None)
    first, second = receiver.requests
    assert first[1]["webhook-id"] == second[1]["webhook-id"]
    assert receiver.events()[0]["type"] == "ping"


def later(actor: Actor) -> None:
    """As if enough time had passed for everything that waits."""
    with tenant_context(actor.workspace.pk):
        Delivery.objects.filter(state="waiting").update(next_at=timezone.now())
        Webhook.objects.update(paused_until=None)


def test_one_that_is_refused_does_not_hold_up_others(alice: Actor, receiver: Receiver) -> None:
    webhook = hook(alice, receiver)
    receiver.answers = [(400, {}, b"what is that?")]
    with tenant_context(alice.workspace.pk):
        deliveries.ping(webhook)
        deliveries.ping(webhook)
    told(alice, webhook)
    with tenant_context(alice.workspace.pk):
        assert sorted(Delivery.objects.values_list("state", flat=True)) == ["sent", "waiting"]


def test_in_the_end_it_is_given_up(alice: Actor, receiver: Receiver) -> None:
    webhook = hook(alice, receiver)
    receiver.answers = [(400, {}, b"no")] * (len(deliveries.BACK_OFF) + 1)
    with tenant_context(alice.workspace.pk):
        deliveries.ping(webhook)
    for _attempt in range(len(deliveries.BACK_OFF) + 1):
        assert one(alice).state == "waiting"
        later(alice)
        told(alice, webhook)
    assert (one(alice).state, one(alice).attempts) == ("failed", len(deliveries.BACK_OFF) + 1)
    with tenant_context(alice.workspace.pk):
        deliveries.replay(Delivery.objects.get(), webhook)
    told(alice, webhook)
    assert one(alice, is_replay=True).state == "sent"
    assert len({headers["webhook-id"] for _path, headers, _body in receiver.requests}) == 1


@pytest.mark.parametrize("gone", [True, False])
def test_it_is_disabled_and_people_are_told(alice: Actor, receiver: Receiver, gone: bool) -> None:
    webhook = hook(alice, receiver)
    receiver.answers = [(410 if gone else 500, {}, b"")]
    with tenant_context(alice.workspace.pk):
        deliveries.ping(webhook)
        Webhook.objects.update(failing_since=None if gone else timezone.now() - timedelta(days=4))
    now = told(alice, webhook)
    assert not now.is_enabled
    assert ("410 Gone" in now.disabled_reason) == gone
    with tenant_context(alice.workspace.pk):
        assert Outbox.objects.filter(subject="A webhook was disabled", to=alice.user.email).count() == 1
        assert Notice.objects.filter(user=alice.user, text__endswith="was disabled").count() == 1
        assert AuditEntry.objects.filter(verb="webhook.disabled").count() == 1
        (ann,) = contacts("Ann")
        vip = static("VIP", [])
        member_edits.add(vip, [ann], user_id=None)
    deliveries.wake_active(alice.workspace.pk)
    assert alice.workspace.pk not in pending_work.waiting(deliveries.WAKE)
    told(alice, webhook)
    assert len(receiver.requests) == 1
    with tenant_context(alice.workspace.pk):
        deliveries.enable(Webhook.objects.get(), user_id=alice.user.pk)
    later(alice)
    told(alice, webhook)
    assert {event["type"] for event in receiver.events()} == {"ping", "segment.entered"}, "what happened meanwhile, too"


def test_after_a_rotation_both_secrets_are_good_for_a_day(alice: Actor, receiver: Receiver) -> None:
    webhook = hook(alice, receiver)
    before = signatures_of(alice, webhook)
    with tenant_context(alice.workspace.pk):
        after = subscriptions.rotate(Webhook.objects.get(), user=alice.user)
        deliveries.ping(webhook)
    told(alice, webhook)
    _path, headers, body = receiver.requests[-1]
    assert before != after == signatures_of(alice, webhook)
    assert all(is_signed(secret, headers, body) for secret in (before, after))
    assert not is_signed("whsec_" + "A" * 43 + "=", headers, body)
    with tenant_context(alice.workspace.pk):
        Webhook.objects.update(rotated_at=timezone.now() - signatures.FORMER_FOR)
        deliveries.ping(webhook)
    told(alice, webhook)
    _path, headers, body = receiver.requests[-1]
    assert (is_signed(before, headers, body), is_signed(after, headers, body)) == (False, True)


def signatures_of(actor: Actor, webhook: Webhook) -> str:
    with tenant_context(actor.workspace.pk):
        return signatures.secret_of(Webhook.objects.get(pk=webhook.pk))


def test_who_dies_on_the_way_leaves_it_to_others(
    alice: Actor, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = hook(alice, receiver)
    with tenant_context(alice.workspace.pk):
        deliveries.ping(webhook)

    def die(*_args: Any) -> Any:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(outside_post, "post", die)
        with pytest.raises(SystemExit):
            told(alice, webhook)
    taken = one(alice)
    assert (taken.state, taken.attempts) == ("waiting", 1)
    assert taken.next_at > timezone.now() + timedelta(seconds=30), "nobody else takes it at once"
    later(alice)
    told(alice, webhook)
    assert one(alice).state == "sent"


def test_workspaces_know_nothing_of_each_other(alice: Actor, charlie: Actor, receiver: Receiver) -> None:
    webhook = hook(alice, receiver)
    bring(charlie.workspace, "email\nsecret@example.com\n", user=charlie.user)
    told(alice, webhook)
    deliveries.work(charlie.workspace.pk, webhook.pk)
    assert receiver.requests == []


def test_an_undo_of_an_import_is_told(alice: Actor, receiver: Receiver) -> None:
    imp = bring(alice.workspace, "email\na@example.com\n", user=alice.user)
    webhook = hook(alice, receiver)
    with tenant_context(alice.workspace.pk):
        assert undo.request(imp, UndoDirection.UNDO, user=alice.user)
    work(alice.workspace, imp)
    told(alice, webhook)
    assert "contact.deleted" in {event["type"] for event in receiver.events()}
