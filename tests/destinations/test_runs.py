"""Runs of syncs against stand-in networks: the real clients of the networks, over real connections."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts import change_log
from contacts.models import Contact
from contacts.privacy import data_providers
from destinations import endings, kinds, runs, sweep, syncs
from destinations.kinds import Limits
from destinations.models import (
    BatchState,
    Destination,
    DestinationState,
    RunState,
    Sync,
    SyncBatch,
    SyncKey,
    SyncMember,
    SyncRun,
    SyncState,
)
from destinations.normal_forms import sha256
from segments.models import Segment
from tenants.isolation.context import tenant_context
from tenants.models import Notice, Outbox, Tenant
from tests.cast import Actor
from tests.destinations import scene
from tests.destinations.networks.google import FAILED, PARTIAL, Google
from tests.destinations.networks.meta import Meta

ANN, BOB, CARL = "ann@example.com", "bob@example.com", "carl@example.com"


def emails(*values: str, prefix: str = "EMAIL") -> set[str]:
    return {f"{prefix}:{sha256(value)}" for value in values}


def changed(contact: Contact, **values: Any) -> None:
    """Change a contact as the product does."""
    now = timezone.now()
    Contact.objects.filter(pk=contact.pk).update(changed_at=now, **values)
    change_log.note([contact.pk], now=now)


def again(tenant: Tenant, sync: Sync) -> None:
    """The time that it waits for is over: what a sweep and a worker do then."""
    scene.later(tenant.pk, sync)
    sweep.run(tenant.pk)
    runs.work(tenant.pk, sync.pk)


def now(tenant: Tenant, sync: Sync) -> Sync:
    with tenant_context(tenant.pk):
        found: Sync = Sync.objects.get(pk=sync.pk)
        return found


def started(tenant: Tenant, *addresses: str, kind: str = "meta") -> tuple[Segment, list[Contact], Sync]:
    """A list of people that is to be kept at a network."""
    with tenant_context(tenant.pk):
        people = scene.people(*addresses)
        segment = scene.segment_of(*people)
        return segment, people, scene.sync_of(segment, kind)


@pytest.fixture
def meta(settings: Any) -> Any:
    with scene.meta(settings) as network:
        yield network


@pytest.fixture
def google(settings: Any) -> Any:
    with scene.google(settings) as network:
        yield network


@pytest.mark.parametrize("kind", ["meta", "google"])
def test_a_list_comes_changes_and_goes(tenant: Tenant, settings: Any, kind: str) -> None:
    prefix = {"meta": "EMAIL", "google": "email"}[kind]
    with getattr(scene, kind)(settings) as network:
        segment, (ann, bob), sync = started(tenant, ANN, BOB, kind=kind)
        with tenant_context(tenant.pk):
            (carl,) = scene.people(CARL)
        first = scene.run(tenant.pk, sync)
        assert first.state == "ended", first.error
        assert (first.processed, first.read, first.added, first.removed) == (2, 2, 2, 0)
        assert network.list_of(scene.LIST) == emails(ANN, BOB, prefix=prefix)
        again(tenant, sync)
        with tenant_context(tenant.pk):
            scene.join(segment, carl)
            scene.leave(segment, ann)
            changed(bob, email="bobby@example.com")
        told = network.people
        second = scene.run(tenant.pk, sync)
        assert (second.processed, second.read, second.added, second.changed) == (2, 4, 1, 1)
        assert network.people - told == 4, "one who goes, one address that goes, two who come"
        again(tenant, sync)
        assert network.list_of(scene.LIST) == emails("bobby@example.com", CARL, prefix=prefix)
        with tenant_context(tenant.pk):
            assert Sync.objects.get(pk=sync.pk).state == SyncState.HEALTHY
            assert SyncRun.objects.get(pk=second.pk).removed == 1
            assert SyncMember.objects.count() == SyncKey.objects.count() == 2


def test_nothing_is_sent_when_nothing_is_different(tenant: Tenant, meta: Meta) -> None:
    _segment, (ann, _bob), sync = started(tenant, ANN, BOB)
    scene.run(tenant.pk, sync)
    told = meta.people
    with tenant_context(tenant.pk):
        changed(ann, rating=3)  # nothing that is sent
    run = scene.run(tenant.pk, sync)
    assert (run.read, run.added, run.changed, meta.people) == (1, 0, 0, told)
    assert scene.run(tenant.pk, sync).read == 0, "it is not looked at again"


def test_who_is_left_out_is_counted_by_reason_and_adds_up(tenant: Tenant, meta: Meta) -> None:
    with tenant_context(tenant.pk):
        people = [
            scene.person(email=ANN),
            scene.person(email="no@example.com", attributes={"ads_consent": "denied"}),
            scene.person(email="silent@example.com", attributes={"ads_consent": None}),
            scene.person(email="gone@example.com", deleted_at=timezone.now()),
            scene.person(email="off@example.com", email_status="unsubscribed"),
            scene.person(email="no@example.com"),
            scene.person(external_id="C-1"),
        ]
        sync = scene.sync_of(scene.segment_of(*people))
    run = scene.run(tenant.pk, sync)
    one_each = ("refused", "never_asked", "deleted", "unsubscribed", "address", "no_identifier")
    assert (run.processed, run.left_out) == (7, dict.fromkeys(sorted(one_each), 1))
    assert meta.list_of(scene.LIST) == emails(ANN)


def test_an_identifier_of_two_stays_while_one_of_them_does(tenant: Tenant, google: Google) -> None:
    """Two addresses that are one to Google, and a phone."""
    with tenant_context(tenant.pk):
        one = scene.person(email="a.nn@gmail.com", phone="+491701234567")
        two = scene.person(email="ann@gmail.com", phone="+491701234567")
        segment = scene.segment_of(one, two)
        sync = scene.sync_of(segment, "google")
    scene.run(tenant.pk, sync)
    there = set(google.list_of(scene.LIST))
    assert len(there) == 2
    with tenant_context(tenant.pk):
        scene.leave(segment, one)
    scene.run(tenant.pk, sync)
    again(tenant, sync)
    assert google.list_of(scene.LIST) == there
    with tenant_context(tenant.pk):
        scene.leave(segment, two)
    scene.run(tenant.pk, sync)
    assert google.list_of(scene.LIST) == set()


# --- whoever may no longer be there ---------------------------------------------------------------------------------------


def unsubscribe(contact: Contact) -> None:
    changed(contact, email_status="unsubscribed")


def refuse(contact: Contact) -> None:
    changed(contact, attributes={"ads_consent": "denied"})


def forget_consent(contact: Contact) -> None:
    changed(contact, attributes={})


def delete(contact: Contact) -> None:
    changed(contact, deleted_at=timezone.now())


def erase(contact: Contact) -> None:
    data_providers.erase([contact.pk], [])
    change_log.note_erased([contact.pk], now=timezone.now())


def refuse_elsewhere(contact: Contact) -> None:
    """Somebody who is in no list has the same address."""
    changed(scene.person(email=contact.email, attributes={"ads_consent": "denied"}))


@pytest.mark.parametrize("what", [unsubscribe, refuse, forget_consent, delete, erase, refuse_elsewhere])
@pytest.mark.parametrize("state", [SyncState.HEALTHY, SyncState.DISABLED, SyncState.FAILED])
def test_they_are_taken_out_at_once(tenant: Tenant, meta: Meta, what: Any, state: str) -> None:
    _segment, (ann, _bob), sync = started(tenant, ANN, BOB)
    scene.run(tenant.pk, sync)
    sweep.run(tenant.pk)
    with tenant_context(tenant.pk):
        Sync.objects.filter(pk=sync.pk).update(state=state, schedule="manual", next_run_at=None)
        what(ann)
    sweep.run(tenant.pk)
    runs.work(tenant.pk, sync.pk)
    assert meta.list_of(scene.LIST) == emails(BOB)
    with tenant_context(tenant.pk):
        found = Sync.objects.get(pk=sync.pk)
        assert (found.state, found.removal_since) == (state, None)
        assert list(SyncMember.objects.values_list("contact_id", flat=True)) == [_bob.pk]
        assert SyncRun.objects.order_by("-pk")[0].kind == "removal"


def test_nobody_is_looked_for_twice(tenant: Tenant, meta: Meta) -> None:
    _segment, _people, sync = started(tenant, ANN)
    scene.run(tenant.pk, sync)
    for _turn in range(3):
        sweep.run(tenant.pk)
    with tenant_context(tenant.pk):
        assert SyncRun.objects.count() == 1


def test_with_a_connection_that_has_expired_they_wait_and_are_taken_out_afterwards(tenant: Tenant, meta: Meta) -> None:
    _segment, (ann, _bob), sync = started(tenant, ANN, BOB)
    scene.run(tenant.pk, sync)
    meta.tokens.clear()
    with tenant_context(tenant.pk):
        refuse(ann)
    sweep.run(tenant.pk)
    runs.work(tenant.pk, sync.pk)
    assert now(tenant, sync).removal_since is not None
    meta.tokens.add("EAAB-a-token-that-works")
    with tenant_context(tenant.pk):
        Destination.objects.update(state=DestinationState.CONNECTED)
    again(tenant, sync)
    assert meta.list_of(scene.LIST) == emails(BOB)
    assert now(tenant, sync).removal_since is None


def test_what_was_sent_of_an_erased_person_is_kept_until_it_was_taken_back(tenant: Tenant, meta: Meta) -> None:
    _segment, (ann, _bob), sync = started(tenant, ANN, BOB)
    scene.run(tenant.pk, sync)
    with tenant_context(tenant.pk):
        erase(ann)
        kept = SyncMember.objects.get(contact_id=ann.pk)
        assert kept.told == [f"email:{sha256(ANN)}"]
    again(tenant, sync)
    with tenant_context(tenant.pk):
        assert not SyncMember.objects.filter(contact_id=ann.pk).exists()
        assert not SyncKey.objects.filter(contact_id=ann.pk).exists()
        assert not SyncBatch.objects.exclude(contact_ids=[], keys=[]).exists()


# --- errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["429", "17", "80003", "2", "html", "drop"])
@pytest.mark.parametrize("done", [True, False])
def test_what_passes_is_waited_for(tenant: Tenant, meta: Meta, fault: str, done: bool) -> None:
    _segment, _people, sync = started(tenant, ANN, BOB)
    meta.faults.append((fault, done))
    assert scene.run(tenant.pk, sync).state == "running"
    waits = now(tenant, sync)
    assert waits.retry_at is not None
    assert waits.attempts == 1
    if fault == "80003":
        assert waits.retry_at - timezone.now() > timedelta(seconds=170), "Meta has said three minutes"
    runs.work(tenant.pk, sync.pk)
    with tenant_context(tenant.pk):
        assert SyncRun.objects.get().state == RunState.RUNNING, "not before its time"
    again(tenant, sync)
    assert meta.list_of(scene.LIST) == emails(ANN, BOB)
    assert max(meta.counted.values()) <= 2
    assert len(meta.counted) == 1, "a repeated request is the same one to Meta"
    with tenant_context(tenant.pk):
        run = SyncRun.objects.get()
        assert (run.state, run.added, run.batches) == ("ended", 2, 1)


def test_a_token_that_has_ended_is_said_and_repaired(alice: Actor, meta: Meta) -> None:
    tenant = alice.workspace
    _segment, _people, sync = started(tenant, ANN)
    token = meta.tokens.pop()
    assert scene.run(tenant.pk, sync).state == "failed"
    with tenant_context(tenant.pk):
        assert Sync.objects.get().state == SyncState.FAILED
        assert Destination.objects.get().state == DestinationState.EXPIRED
        assert "Connect again" in Sync.objects.get().error
        assert Notice.objects.count() == Outbox.objects.count() == 1
    meta.tokens.add(token)
    with tenant_context(tenant.pk):
        syncs.repair(Sync.objects.get(), user=alice.user)
    again(tenant, sync)
    assert meta.list_of(scene.LIST) == emails(ANN)
    assert now(tenant, sync).state == SyncState.HEALTHY


@pytest.mark.parametrize("fault", ["471", "1713230"])
def test_an_audience_that_meta_does_not_want_fails_in_words(tenant: Tenant, meta: Meta, fault: str) -> None:
    _segment, _people, sync = started(tenant, ANN)
    meta.faults.append((fault, False))
    run = scene.run(tenant.pk, sync)
    assert run.state == "failed"
    assert "Audience Manager" in run.error
    with tenant_context(tenant.pk):
        batch = SyncBatch.objects.get()
        assert (batch.state, batch.contact_ids) == (BatchState.FAILED, [])
        assert "Audience Manager" in batch.error
        Sync.objects.update(state=SyncState.PENDING)
    scene.later(tenant.pk, sync)
    scene.run(tenant.pk, sync)
    assert meta.list_of(scene.LIST) == emails(ANN)


def test_a_flagged_audience_is_found_before_anything_is_sent(tenant: Tenant, meta: Meta) -> None:
    _segment, _people, sync = started(tenant, ANN)
    meta.flagged = True
    assert "flagged" in scene.run(tenant.pk, sync).error
    assert meta.people == 0


def test_invalid_entries_are_counted(tenant: Tenant, meta: Meta) -> None:
    _segment, _people, sync = started(tenant, ANN, BOB)
    meta.invalid = 1
    assert scene.run(tenant.pk, sync).rejected == {"Invalid entry": 1}


@pytest.mark.parametrize(
    ("fault", "state"), [("429", "running"), ("503", "running"), ("401", "failed"), ("403", "failed")]
)
def test_errors_of_google(tenant: Tenant, google: Google, fault: str, state: str) -> None:
    _segment, _people, sync = started(tenant, ANN, kind="google")
    # The check comes first; after a 401 the client signs in again, twice.
    google.faults.extend([("", True), *[(fault, False)] * (3 if fault == "401" else 1)])
    assert scene.run(tenant.pk, sync).state == state
    assert google.people == 0


def test_a_sign_in_that_google_has_ended(tenant: Tenant, google: Google) -> None:
    _segment, _people, sync = started(tenant, ANN, kind="google")
    google.refresh_tokens.clear()
    assert "Connect again" in scene.run(tenant.pk, sync).error


def test_terms_that_were_not_accepted_are_named(tenant: Tenant, google: Google) -> None:
    google.terms = False
    _segment, _people, sync = started(tenant, ANN, kind="google")
    assert "terms" in scene.run(tenant.pk, sync).error


def test_what_google_says_later_counts(tenant: Tenant, settings: Any) -> None:
    with scene.google(settings, patience=1) as google:
        _segment, _people, sync = started(tenant, ANN, BOB, kind="google")
        google.results = [PARTIAL]
        run = scene.run(tenant.pk, sync)
        assert (run.state, run.unconfirmed, run.rejected) == ("ended", 1, {})
        again(tenant, sync)
        again(tenant, sync)
        with tenant_context(tenant.pk):
            later = SyncRun.objects.get()
        assert (later.unconfirmed, later.rejected) == (0, {"Internal error": 1})


def test_a_removal_that_google_did_not_do_is_done_again(tenant: Tenant, google: Google) -> None:
    segment, (ann, _bob), sync = started(tenant, ANN, BOB, kind="google")
    scene.run(tenant.pk, sync)
    again(tenant, sync)
    google.results = [FAILED]
    with tenant_context(tenant.pk):
        scene.leave(segment, ann)
    scene.run(tenant.pk, sync)
    again(tenant, sync)
    assert now(tenant, sync).state == SyncState.FAILED
    with tenant_context(tenant.pk):
        Sync.objects.update(state=SyncState.PENDING)
    scene.later(tenant.pk, sync)
    scene.run(tenant.pk, sync)
    assert google.list_of(scene.LIST) == emails(BOB, prefix="email")


def test_after_too_many_failures_somebody_has_to_look(tenant: Tenant, meta: Meta) -> None:
    _segment, _people, sync = started(tenant, ANN)
    meta.faults.extend([("2", False)] * (endings.MOST_ATTEMPTS + 1))
    scene.run(tenant.pk, sync)
    for _turn in range(endings.MOST_ATTEMPTS):
        again(tenant, sync)
    assert now(tenant, sync).state == SyncState.FAILED


def test_our_own_limits_are_kept(tenant: Tenant, meta: Meta, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(members=1, minute=2)
    monkeypatch.setattr("destinations.meta.kind.KIND", replace(kinds.of("meta"), limits=limits))
    _segment, _people, sync = started(tenant, ANN, BOB, CARL)
    scene.run(tenant.pk, sync)
    waits = now(tenant, sync)
    assert len(meta.list_of(scene.LIST)) == 2
    assert waits.retry_at is not None
    assert waits.attempts == 0, "which is no failure"
    with tenant_context(tenant.pk):
        SyncBatch.objects.update(sent_at=timezone.now() - timedelta(minutes=2))
    again(tenant, sync)
    assert len(meta.list_of(scene.LIST)) == 3


# --- what people do -----------------------------------------------------------------------------------------------------


def test_a_full_resync_tells_everybody_again(tenant: Tenant, meta: Meta) -> None:
    _segment, _people, sync = started(tenant, ANN, BOB)
    scene.run(tenant.pk, sync)
    meta.list_of(scene.LIST).clear()
    assert scene.run(tenant.pk, sync, "full").changed == 2
    assert meta.list_of(scene.LIST) == emails(ANN, BOB)


def test_a_dry_run_says_what_would_be_done_and_sends_nothing(tenant: Tenant, meta: Meta) -> None:
    segment, (ann, _bob), sync = started(tenant, ANN, BOB)
    scene.run(tenant.pk, sync)
    told = meta.people
    with tenant_context(tenant.pk):
        scene.join(segment, scene.person(email=CARL))
        scene.leave(segment, ann)
    run = scene.run(tenant.pk, sync, "dry")
    assert (run.state, run.processed, run.added, run.removed, run.left_out) == ("ended", 2, 1, 1, {})
    assert meta.people == told


def test_who_disables_a_sync_stops_it(alice: Actor, meta: Meta) -> None:
    _segment, _people, sync = started(alice.workspace, ANN)
    with tenant_context(alice.workspace.pk):
        sweep.begin(Sync.objects.get())
        syncs.disable(Sync.objects.get(), user=alice.user)
    again(alice.workspace, sync)
    assert meta.people == 0
    with tenant_context(alice.workspace.pk):
        syncs.enable(Sync.objects.get(), user=alice.user)
    again(alice.workspace, sync)
    assert meta.list_of(scene.LIST) == emails(ANN)


def test_two_workers_are_one(tenant: Tenant, meta: Meta) -> None:
    _segment, _people, sync = started(tenant, ANN)
    with tenant_context(tenant.pk):
        sweep.begin(Sync.objects.get())
        Sync.objects.update(lease="another", lease_until=timezone.now() + timedelta(minutes=1))
    runs.work(tenant.pk, sync.pk)
    assert meta.requests == 0


def test_a_list_that_is_gone_empties_nothing(tenant: Tenant, meta: Meta) -> None:
    segment, _people, sync = started(tenant, ANN)
    scene.run(tenant.pk, sync)
    with tenant_context(tenant.pk):
        Segment.objects.filter(pk=segment.pk).delete()
    assert "no longer exists" in scene.run(tenant.pk, sync).error
    assert meta.list_of(scene.LIST) == emails(ANN)
