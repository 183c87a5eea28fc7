"""Dynamic segments after each change: whoever enters or leaves does so within one look at the queue, with the reason."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts import change_queue
from contacts.linkage import queries
from contacts.models import Contact, QueuedChange
from segments import incremental, refresh, tasks
from segments.models import Member, MemberChange, Segment, SegmentState
from segments.rules.tree import ActivityCondition, FieldCondition, Group, InSegment, Period
from tenants.isolation.context import current_tenant, tenant_context
from tenants.models import PendingWork, Tenant
from tests.cast import person, workspace
from tests.segments.members import edit, ids, make, meant, move, run_all, settle
from tracking.models import Event

RIGA = Group("all", (FieldCondition("city", "is", ("Riga",)),))
BOUGHT = Group("all", (ActivityCondition("order", "at_least", "2", Period("last", 30, "days")),))


@pytest.fixture
def place() -> Tenant:
    made = workspace(person("incremental"), time_zone="Europe/Riga")
    with tenant_context(made.pk):
        for name, town in (("Anna", "Riga"), ("Bert", "Oslo"), ("Cara", "Riga")):
            Contact.objects.create(first_name=name, attributes={"city": town})
    return made


def named(name: str) -> Contact:
    contact: Contact = Contact.objects.get(first_name=name)
    return contact


def order(contact: Contact, *, days_ago: float = 0) -> None:
    """An order as a provider or an import stores one."""
    at = timezone.now() - timedelta(days=days_ago)
    own = {"tenant_id": current_tenant(), "properties": {"amount": 10}}
    Event.objects.create(**own, at=at, contact_id=contact.pk, kind="order")
    change_queue.add([contact.pk], "event")


def changes(segment: Segment) -> list[tuple[str, bool, str, str]]:
    names = dict(Contact.objects.values_list("pk", "first_name"))
    rows = MemberChange.objects.filter(segment_id=segment.pk).order_by("at", "contact_id")
    return [(names[row.contact_id], row.entered, row.cause, row.why or "") for row in rows]


def test_a_change_of_a_contact_is_seen_with_its_reason(place: Tenant) -> None:
    segment = make(place, RIGA)
    run_all(place)
    with tenant_context(place.pk):
        move(named("Bert"), city="Riga")
    with tenant_context(place.pk):
        move(named("Anna"), city="Oslo")
    incremental.follow(place.pk)
    with tenant_context(place.pk):
        assert ids(segment) == meant(segment)
        assert changes(segment) == [
            ("Anna", False, "contact", "no longer: City is Riga"), ("Bert", True, "contact", "City is Riga"),
        ]  # fmt: skip
        assert Segment.objects.get().size == 2
        assert not QueuedChange.objects.exists()


def test_deleted_and_restored_contacts_leave_and_enter(place: Tenant) -> None:
    segment = make(place, RIGA)
    run_all(place)
    with tenant_context(place.pk):
        anna = named("Anna")
        anna.deleted_at = timezone.now()
        move(anna)
    incremental.follow(place.pk)
    with tenant_context(place.pk):
        anna = named("Anna")
        anna.deleted_at = None
        move(anna)
    incremental.follow(place.pk)
    with tenant_context(place.pk):
        assert changes(segment) == [
            ("Anna", False, "contact", "The contact was deleted"), ("Anna", True, "contact", "City is Riga"),
        ]  # fmt: skip


def test_of_several_conditions_the_one_that_the_change_can_have_touched_is_named(place: Tenant) -> None:
    segment = make(place, Group("all", (*RIGA.parts, *BOUGHT.parts)))
    run_all(place)
    with tenant_context(place.pk):
        order(named("Anna"))
        order(named("Anna"))
        order(named("Bert"))
    incremental.follow(place.pk)
    with tenant_context(place.pk):
        assert changes(segment) == [("Anna", True, "event", "ordered at least 2 times in the last 30 days")]
        move(named("Anna"), city="Oslo")
    incremental.follow(place.pk)
    with tenant_context(place.pk):
        assert changes(segment)[1:] == [("Anna", False, "contact", "no longer: City is Riga")]


def test_a_new_contact_enters_what_asks_for_nothing_done(place: Tenant) -> None:
    segment = make(place, Group("none", BOUGHT.parts))
    run_all(place)
    with tenant_context(place.pk):
        move(Contact(first_name="Dora"))
    incremental.follow(place.pk)
    with tenant_context(place.pk):
        assert changes(segment) == [
            ("Dora", True, "contact", "no longer: ordered at least 2 times in the last 30 days")
        ]  # fmt: skip


def test_a_chain_of_segments_follows_in_one_look(place: Tenant) -> None:
    first = make(place, RIGA, "First")
    second = make(place, Group("all", (InSegment(first.pk),)), "Second")
    third = make(place, Group("none", (InSegment(second.pk),)), "Third")
    run_all(place)
    with tenant_context(place.pk):
        move(named("Bert"), city="Riga")
    incremental.follow(place.pk)
    with tenant_context(place.pk):
        for segment in (first, second, third):
            assert ids(segment) == meant(segment), segment.name
        assert changes(third) == [("Bert", False, "segment", "in segment Second")]
        assert not QueuedChange.objects.exists()


def test_an_event_that_leaves_a_window_takes_its_contact_along(place: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = make(place, BOUGHT)
    with tenant_context(place.pk):
        order(named("Anna"))
        order(named("Anna"), days_ago=29.99)
    run_all(place)
    with tenant_context(place.pk):
        segment.refresh_from_db()
        assert segment.size == 1
        assert segment.due_at is not None
        assert segment.due_at - timezone.now() < timedelta(minutes=16), "when the older order comes of age"
    later = timezone.now() + timedelta(minutes=20)
    monkeypatch.setattr(timezone, "now", lambda: later)
    run_all(place)
    with tenant_context(place.pk):
        [left] = changes(segment)
        assert left == ("Anna", False, "time", "no longer: ordered at least 2 times in the last 30 days")
        segment.refresh_from_db()
        assert segment.size == 0


def test_a_segment_that_is_being_refreshed_looks_at_its_contacts_afterwards(place: Tenant) -> None:
    held, other = make(place, RIGA, "Held"), make(place, RIGA, "Other")
    run_all(place)
    with tenant_context(place.pk):
        move(named("Bert"), city="Riga")

    def look() -> None:
        incremental.follow(place.pk)
        with tenant_context(place.pk):
            assert len(ids(other)) == 3
            assert len(ids(held)) == 2
            assert [(q.segment_id, q.cause) for q in QueuedChange.objects.all()] == [(held.pk, "contact")]

    held_while(place, held, look)
    incremental.follow(place.pk)
    with tenant_context(place.pk):
        assert len(ids(held)) == 3


def held_while(place: Tenant, held: Segment, act: Callable[[], None]) -> None:
    """Somebody refreshes a segment all the while: its row is locked."""
    locked, done = threading.Event(), threading.Event()

    def refreshing() -> None:
        with tenant_context(place.pk):
            Segment.objects.select_for_update().get(pk=held.pk)
            locked.set()
            done.wait(20)
        connections.close_all()

    thread = threading.Thread(target=refreshing)
    thread.start()
    try:
        assert locked.wait(20)
        act()
    finally:
        done.set()
        thread.join()


def test_a_refreshed_segment_hears_of_members_of_another_one_that_it_names(place: Tenant) -> None:
    named = make(place, BOUGHT, "Named")
    held = make(place, Group("none", (InSegment(named.pk),)), "Held")
    run_all(place)
    with tenant_context(place.pk):
        anna = Contact.objects.get(first_name="Anna")
        order(anna)
        order(anna)
    held_while(place, held, lambda: incremental.follow(place.pk))
    incremental.follow(place.pk)
    with tenant_context(place.pk):
        assert ids(named) == {anna.pk}
        assert ids(held) == meant(held)


def test_a_refreshed_segment_hears_of_the_duplicates_of_a_deleted_contact(place: Tenant) -> None:
    held = make(place, Group("all", (FieldCondition("probable_duplicate", "yes"),)))
    make(place, RIGA, "Not held")
    with tenant_context(place.pk):
        low, high = sorted([named("Anna").pk, named("Cara").pk])
        pair = {"low": low, "high": high, "group": low, "strength": 9.0, "bits": 9.0, "head": True, "detail": {}}
        queries.replace_pairs([{**pair, "print": "x"}])
    run_all(place)
    with tenant_context(place.pk):
        assert ids(held) == {low, high}
        anna = named("Anna")
        anna.deleted_at = timezone.now()
        move(anna)
    held_while(place, held, lambda: incremental.follow(place.pk))
    incremental.follow(place.pk)
    with tenant_context(place.pk):
        assert ids(held) == meant(held) == set()


def test_a_failed_segment_is_not_guessed_and_catches_up(place: Tenant) -> None:
    segment = make(place, RIGA)
    run_all(place)
    with tenant_context(place.pk):
        refresh.fail(Segment.objects.get(), "no")
        move(named("Bert"), city="Riga")
    incremental.follow(place.pk)
    with tenant_context(place.pk):
        assert len(ids(segment)) == 2
        Segment.objects.update(due_at=timezone.now())
    run_all(place)
    with tenant_context(place.pk):
        assert len(ids(segment)) == 3
        assert Segment.objects.get().state == SegmentState.READY


def test_more_changes_than_can_be_looked_at_one_by_one(place: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incremental, "MOST_ONE_BY_ONE", 1)
    segment = make(place, RIGA)
    run_all(place)
    with tenant_context(place.pk):
        for name in ("Anna", "Bert", "Cara"):
            move(named(name), city="Riga" if name == "Bert" else "Oslo")
    incremental.follow(place.pk)
    with tenant_context(place.pk):
        assert Segment.objects.get().state == SegmentState.REFRESHING
        assert not QueuedChange.objects.exists()
    run_all(place)
    with tenant_context(place.pk):
        assert ids(segment) == meant(segment)
        assert {cause for _name, _entered, cause, _why in changes(segment)} == {"contact"}


def test_a_condition_of_many_segments_is_asked_once(place: Tenant) -> None:
    for i in range(6):
        make(
            place, Group("all", (*RIGA.parts, FieldCondition("country", "is", ("LV",) if i % 2 else ("DE",)))), f"S{i}"
        )
    run_all(place)
    with tenant_context(place.pk):
        move(named("Bert"), city="Riga")
    with tenant_context(place.pk), CaptureQueriesContext(connection) as asked:
        incremental.batch()
    contacts = [q for q in asked.captured_queries if 'FROM "contact"' in q["sql"]]
    assert len(contacts) == 4, "who lives, and three conditions"


def _act(place: Tenant, segments: list[Segment], rules: list[Any], random: Random) -> None:
    """What people, providers and members do."""
    kind = random.randrange(7)
    if kind == 5:
        edit(place, random.choice(segments[:4]), random.choice(rules))
        return
    with tenant_context(place.pk):
        one = random.choice(list(Contact.objects.order_by("pk")))
        if kind == 6:
            refresh.begin(Segment.objects.get(pk=random.choice(segments).pk))
        elif kind in (3, 4):
            order(one, days_ago=random.choice([0, 10, 40]))
        else:
            if kind == 2:
                one.deleted_at = None if one.deleted_at else timezone.now()
            move(one, city=random.choice(["Riga", "Oslo"]))


def _work(place: Tenant, segments: list[Segment], _rules: list[Any], random: Random) -> None:
    """What workers do, or one that is killed."""
    kind = random.randrange(4)
    if kind == 0:
        incremental.follow(place.pk)
    elif kind == 1:
        refresh.work(place.pk, random.choice(segments).pk)
    elif kind == 2:
        refresh.wake_due(place.pk)
        incremental.sweep_workspace(place.pk)
    else:
        with suppress(InterruptedError), tenant_context(place.pk):
            incremental.batch()
            raise InterruptedError


def test_a_long_queue_leaves_others_their_turn(place: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = make(place, RIGA)
    run_all(place)
    with tenant_context(place.pk):
        for name in ("Bert", "Anna"):
            move(named(name), city="Riga" if name == "Bert" else "Oslo")
    monkeypatch.setattr(incremental, "BATCH", 1)
    monkeypatch.setattr(incremental, "FOLLOW_SECONDS", 0.0)
    incremental.sweep_workspace(place.pk, until=0.0)
    with tenant_context(place.pk):
        assert QueuedChange.objects.count() == 2, "the time of the sweep was over"
    PendingWork.objects.filter(kind=change_queue.WAKE, tenant_id=place.pk).delete()
    incremental.sweep_workspace(place.pk, until=incremental.sweep_end())
    assert PendingWork.objects.filter(kind=change_queue.WAKE, tenant_id=place.pk).exists(), "the next sweep goes on"
    with tenant_context(place.pk):
        assert QueuedChange.objects.count() == 1, "one batch"
    incremental.sweep_workspace(place.pk, until=incremental.sweep_end())
    with tenant_context(place.pk):
        assert not QueuedChange.objects.exists()
        assert ids(segment) == meant(segment)


def test_a_change_whose_mark_was_lost_is_seen_by_the_seldom_sweep(
    place: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incremental, "SWEEP_SECONDS", 60.0)  # workspaces of other tests are looked at, too
    segment = make(place, RIGA)
    run_all(place)
    with tenant_context(place.pk):
        move(named("Bert"), city="Riga")
    PendingWork.objects.filter(kind=change_queue.WAKE).delete()
    tasks.sweep()
    with tenant_context(place.pk):
        assert len(ids(segment)) == 2
    tasks.wake()
    with tenant_context(place.pk):
        assert len(ids(segment)) == 3


def test_a_sweep_of_a_workspace_at_rest_only_asks(place: Tenant) -> None:
    """It comes every two seconds, to every workspace with a dynamic segment."""
    make(place, RIGA)
    run_all(place)
    with CaptureQueriesContext(connection) as seen:
        incremental.sweep_workspace(place.pk)
    words = [q["sql"] for q in seen]
    assert sum("app.tenant_id" in sql for sql in words) == 1, "one transaction"
    assert not [sql for sql in words if "FOR UPDATE" in sql or "DELETE" in sql]


@pytest.mark.parametrize("seed", range(50))
def test_whatever_happens_members_end_as_the_rules_say(seed: int) -> None:
    """Contacts, orders, rules and other segments change in any order, with refreshes, looks at the queue and an abandoned
    transaction in between: 50 rounds."""
    random = Random(seed)
    place = workspace(person("rounds"), time_zone="Europe/Riga")
    with tenant_context(place.pk):
        for i in range(12):
            Contact.objects.create(first_name=f"P{i}", attributes={"city": random.choice(["Riga", "Oslo"])})
    rules: list[Any] = [
        RIGA, BOUGHT, Group("none", RIGA.parts), Group("any", (*RIGA.parts, *BOUGHT.parts)),
        Group("all", (Group("none", RIGA.parts), ActivityCondition("order", "at_most", "1", None))),
    ]  # fmt: skip
    segments = [make(place, random.choice(rules), f"S{i}") for i in range(4)]
    segments.append(make(place, Group("none", (InSegment(segments[0].pk),)), "Not S0"))

    for _step in range(25):
        random.choice([_act, _act, _work])(place, segments, rules, random)
    run_all(place)
    with tenant_context(place.pk):
        for segment in segments:
            assert ids(segment) == meant(segment), (seed, segment.name)
            kept = Segment.objects.get(pk=segment.pk)
            assert kept.size == len(ids(segment))
            balance = MemberChange.objects.filter(segment_id=segment.pk)
            assert all(row.why for row in balance)


def _write(place: Tenant, segments: list[Segment], random: Random) -> None:
    for i in range(60):
        with tenant_context(place.pk):
            one = named(random.choice(["Anna", "Bert", "Cara"]))
            move(one, city=random.choice(["Riga", "Oslo"]))
            if i % 5 == 0:
                order(one)
            if i % 7 == 0:
                refresh.begin(Segment.objects.select_for_update().get(pk=random.choice(segments).pk))


def test_two_at_once_end_right(place: Tenant) -> None:
    """Two workers and a writer side by side."""
    segments = [make(place, rule, f"S{i}") for i, rule in enumerate((RIGA, Group("none", RIGA.parts), BOUGHT))]
    run_all(place)
    stop, problems = threading.Event(), list[BaseException]()

    def guarded(work: Any) -> None:
        try:
            while not stop.is_set():
                work()
        except BaseException as problem:
            problems.append(problem)
            raise
        finally:
            connections.close_all()

    def refresh_all() -> None:
        for segment in segments:
            refresh.work(place.pk, segment.pk)

    threads = [
        threading.Thread(target=guarded, args=(lambda: incremental.follow(place.pk),)),
        threading.Thread(target=guarded, args=(lambda: incremental.sweep_workspace(place.pk),)),
        threading.Thread(target=guarded, args=(refresh_all,)),
    ]
    for thread in threads:
        thread.start()
    try:
        _write(place, segments, Random(7))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not problems
    settle(place)
    with tenant_context(place.pk):
        for segment in segments:
            assert ids(segment) == meant(segment), segment.name
        assert Member.objects.count() == sum(Segment.objects.values_list("size", flat=True))
