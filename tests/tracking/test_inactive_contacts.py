"""Contacts without activity, by each kind of activity; they are deleted, restored by an undo, and segments are told."""

import itertools
import uuid
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.bulk import actions
from contacts.models import BulkAction, ConsentRecord, Contact, QueuedChange, WatchedCause
from tenants.isolation.context import tenant_context
from tenants.retention import job
from tests.cast import Actor
from tests.contacts.privacy.test_expiry import set_rule
from tracking.inactive_contacts import InactiveContacts, inactive
from tracking.models import ContactVisit, Event, Visitor

_numbers = itertools.count(1)


def contact(tenant_id: int, *, made: int = 400, changed: int = 400) -> int:
    """A contact made and changed so many days ago; in the context of its workspace."""
    now = timezone.now()
    days = [now - timedelta(days=age) for age in (made, changed)]
    one = Contact.objects.create(
        email=f"p{next(_numbers)}@example.com", origin="manual", created_at=days[0], changed_at=days[1]
    )
    return int(one.pk)


def does(tenant_id: int, pk: int, what: str, days: int) -> None:
    """Let a contact do something so many days ago."""
    at = timezone.now() - timedelta(days=days)
    if what == "visit":
        visitor = Visitor.objects.create(
            site_id=1, device=uuid.uuid4(), first_seen=at, last_seen=at, contact_id=pk, claimed_at=at
        )
        assert visitor.pk
        ContactVisit.objects.update_or_create(
            tenant_id=tenant_id, contact_id=pk, defaults={"first_seen": at, "last_seen": at}
        )
    elif what == "consent":
        ConsentRecord.objects.create(contact_id=pk, wording="yes", at=at)
    else:
        kind, _colon, status = what.partition(":")
        properties = {"status": status} if status else {}
        Event.objects.create(tenant_id=tenant_id, at=at, kind=kind, contact_id=pk, properties=properties)


def before(days: int = 365) -> datetime:
    return timezone.now() - timedelta(days=days)


CASES = [
    ({}, None, True), ({"made": 100, "changed": 100}, None, False), ({"changed": 100}, None, False),
    ({}, ("visit", 10), False), ({}, ("visit", 380), True), ({}, ("consent", 10), False), ({}, ("consent", 380), True),
    ({}, ("order", 10), False), ({}, ("order", 380), True), ({}, ("track", 10), False), ({}, ("message:sent", 10), True),
    ({}, ("message:delivered", 10), True), ({}, ("message:read", 10), False), ({}, ("message:clicked", 10), False),
    ({}, ("message:clicked", 380), True), ({}, ("message:undelivered", 10), True), ({}, ("message", 10), True),
]  # fmt: skip


@pytest.mark.parametrize(("made", "did", "is_inactive"), CASES, ids=str)
def test_what_counts_as_activity(
    alice: Actor, made: dict[str, int], did: tuple[str, int] | None, is_inactive: bool
) -> None:
    own = alice.workspace.pk
    with tenant_context(own):
        pk = contact(own, **made)
        if did:
            does(own, pk, *did)
        assert list(inactive(before()).values_list("pk", flat=True)) == ([pk] if is_inactive else [])
        found = InactiveContacts().find(before=before(), most=10)
        assert found.count == int(is_inactive)


@given(
    st.lists(
        st.tuples(st.integers(1, 900), st.integers(1, 900), st.lists(
            st.tuples(st.sampled_from(["visit", "consent", "order", "message:read", "message:sent"]), st.integers(1, 900)),
            max_size=3)),
        max_size=6),
    st.integers(90, 800),
)  # fmt: skip
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_run_deletes_exactly_those_of_a_model(
    people: list[tuple[int, int, list[tuple[str, int]]]], days: int
) -> None:
    from tests.cast import actor

    who = actor("Alice")
    own, expected, everybody = who.workspace.pk, set(), set()
    with tenant_context(own):
        for made, changed, did in people:
            pk = contact(own, made=max(made, changed), changed=changed)
            last: dict[str, int] = {}
            for what, age in did:
                last[what] = age if what == "visit" else min(age, last.get(what, 10_000))
                does(own, pk, what, age)
            newest = [age for what, age in last.items() if what != "message:sent"]
            everybody.add(pk)
            if min([changed, *newest]) >= days:
                expected.add(pk)
    set_rule(who, "inactive", days)
    run(who)
    with tenant_context(own):
        gone = set(Contact.objects.exclude(deleted_at=None).values_list("pk", flat=True))
        assert gone == expected
        assert set(Contact.objects.values_list("pk", flat=True)) == everybody, "nobody is erased by it"


def run(who: Actor) -> None:
    pk = who.workspace.pk
    for _turn in range(2):
        job.work(pk)
        with tenant_context(pk):
            begun = list(BulkAction.objects.filter(state__in=BulkAction.ACTIVE).values_list("pk", flat=True))
        for action_id in begun:
            actions.work(pk, action_id)


def test_it_is_off_until_somebody_sets_it(alice: Actor) -> None:
    own = alice.workspace.pk
    with tenant_context(own):
        contact(own, made=3_000, changed=3_000)
    run(alice)
    with tenant_context(own):
        assert Contact.objects.living().count() == 1
        assert not BulkAction.objects.exists()
    assert "Off" in alice.get("settings/retention/").content.decode()
    assert alice.get("settings/retention/inactive/?days=89").status_code == 422


def test_it_can_be_undone_and_segments_are_told(alice: Actor) -> None:
    own = alice.workspace.pk
    with tenant_context(own):
        gone, stays = contact(own), contact(own, changed=5)
        WatchedCause.objects.create(tenant_id=own, cause="contact")
    set_rule(alice, "inactive", 365)
    run(alice)
    with tenant_context(own):
        assert list(Contact.objects.living().values_list("pk", flat=True)) == [stays]
        assert set(QueuedChange.objects.values_list("contact_id", flat=True)) == {gone}
        action = BulkAction.objects.get(kind="inactive")
    assert "No activity" in alice.get(f"contacts/{gone}/").content.decode()
    assert alice.post(f"contacts/actions/{action.pk}/undo/").status_code == 302
    actions.work(own, action.pk)
    with tenant_context(own):
        assert Contact.objects.living().count() == 2
        assert not inactive(before()).exists(), "it was restored just now, which is a change"


def test_who_becomes_active_before_the_worker_comes_stays(alice: Actor) -> None:
    own = alice.workspace.pk
    with tenant_context(own):
        one, other = contact(own), contact(own)
    set_rule(alice, "inactive", 365)
    job.work(own)
    with tenant_context(own):
        action = BulkAction.objects.get(kind="inactive")
        actions.action_types()["inactive"].gather(action)
        BulkAction.objects.filter(pk=action.pk).update(state="working", total=2, started_at=timezone.now())
        does(own, one, "order", 0)
    actions.work(own, action.pk)
    with tenant_context(own):
        assert list(Contact.objects.living().values_list("pk", flat=True)) == [one]
        assert Contact.objects.get(pk=other).deleted_reason == "No activity"
