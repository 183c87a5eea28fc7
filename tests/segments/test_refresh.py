"""Dynamic segments as a whole: built, edited, failed and tried again, one behind the other."""

import os
from datetime import timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.utils import timezone

from contacts.models import Contact, QueuedChange, WatchedCause
from segments import membership, refresh
from segments.models import Member, MemberChange, Segment, SegmentSize, SegmentState
from segments.rules.tree import FieldCondition, Group, InSegment
from tenants import pending_work
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import person, workspace
from tests.segments.members import edit, ids, make, meant, run_all, settle

RIGA = Group("all", (FieldCondition("city", "is", ("Riga",)),))
OSLO = Group("all", (FieldCondition("city", "is", ("Oslo",)),))


@pytest.fixture
def place() -> Tenant:
    made = workspace(person("refresh"), time_zone="Europe/Riga")
    with tenant_context(made.pk):
        for name, town in (("Anna", "Riga"), ("Bert", "Oslo"), ("Cara", "Riga")):
            Contact.objects.create(first_name=name, attributes={"city": town})
    return made


def test_a_new_segment_is_answered_from_its_rule_and_then_built(place: Tenant) -> None:
    segment = make(place, RIGA)
    with tenant_context(place.pk):
        assert segment.state == SegmentState.BUILDING
        assert membership.contacts(segment).count() == 2
        assert not Member.objects.exists()
        assert set(WatchedCause.objects.values_list("cause", flat=True)) == {"contact"}
    refresh.work(place.pk, segment.pk)
    with tenant_context(place.pk):
        segment.refresh_from_db()
        assert (segment.state, segment.size, segment.reason) == (SegmentState.READY, 2, "")
        assert segment.duration_ms is not None
        assert segment.refreshed_at is not None
        assert ids(segment) == set(Contact.objects.filter(attributes__city="Riga").values_list("pk", flat=True))
        assert not MemberChange.objects.exists(), "all were there from the beginning"
        assert list(SegmentSize.objects.values_list("size", "entered", "departed")) == [(2, 2, 0)]


def test_another_rule_moves_members_and_says_why(place: Tenant) -> None:
    segment = make(place, RIGA)
    run_all(place)
    edit(place, segment, OSLO)
    with tenant_context(place.pk):
        kept = Segment.objects.get()
        assert (kept.state, kept.refreshed_at) == (SegmentState.BUILDING, None)
        assert [c.first_name for c in membership.contacts(kept)] == ["Bert"], "answered by the new rule at once"
    run_all(place)
    with tenant_context(place.pk):
        assert ids(segment) == meant(segment)
        changes = list(MemberChange.objects.order_by("contact_id").values_list("entered", "cause", "why"))
        assert changes == [
            (False, "rule", "no longer: City is Oslo"), (True, "rule", "City is Oslo"),
            (False, "rule", "no longer: City is Oslo"),
        ]  # fmt: skip
        assert list(SegmentSize.objects.values_list("size", "entered", "departed")) == [(1, 3, 2)]


def test_a_segment_waits_for_the_one_that_its_rule_names(place: Tenant) -> None:
    inner = make(place, RIGA, "Riga")
    outer = make(place, Group("none", (InSegment(inner.pk),)), "Elsewhere")
    refresh.work(place.pk, outer.pk)
    with tenant_context(place.pk):
        outer.refresh_from_db()
        assert outer.state == SegmentState.BUILDING
    run_all(place)
    with tenant_context(place.pk):
        assert ids(outer) == meant(outer)
        assert [c.first_name for c in membership.contacts(Segment.objects.get(pk=outer.pk))] == ["Bert"]
    edit(place, inner, OSLO)
    run_all(place)
    with tenant_context(place.pk):
        assert ids(outer) == meant(outer)
        assert (
            Contact.objects.filter(pk__in=ids(outer)).order_by("pk").values_list("first_name", flat=True)[0] == "Anna"
        )
        why = MemberChange.objects.filter(segment_id=outer.pk, entered=False).values_list("why", flat=True)
        assert list(why) == ["in segment Riga"]


def test_a_rule_that_cannot_be_read_fails_says_why_and_is_tried_again_later(place: Tenant) -> None:
    inner = make(place, RIGA, "Riga")
    outer = make(place, Group("all", (InSegment(inner.pk),)), "Same")
    run_all(place)
    with tenant_context(place.pk):
        Segment.objects.filter(pk=inner.pk).update(archived_at=timezone.now())
        refresh.begin(Segment.objects.get(pk=outer.pk))
    run_all(place)
    with tenant_context(place.pk):
        outer.refresh_from_db()
        assert outer.state == SegmentState.FAILED
        assert outer.reason == "The segment Riga was deleted. Restore it or choose another one."
        assert len(ids(outer)) == 2, "the members stay"
        first = outer.due_at
        assert first is not None
        assert first > timezone.now()
        Segment.objects.filter(pk=inner.pk).update(archived_at=None)
        Segment.objects.filter(pk=outer.pk).update(due_at=timezone.now())
    run_all(place)
    with tenant_context(place.pk):
        outer.refresh_from_db()
        assert (outer.state, outer.reason, outer.failures) == (SegmentState.READY, "", 0)


def test_each_failure_in_a_row_waits_longer(place: Tenant) -> None:
    segment = make(place, RIGA)
    with tenant_context(place.pk):
        waits = []
        for _time in range(9):
            refresh.fail(segment, "no")
            assert segment.due_at is not None
            waits.append(round((segment.due_at - timezone.now()).total_seconds() / 30))
    assert waits == [1, 2, 4, 8, 16, 32, 64, 120, 120]


def test_what_a_transaction_from_before_writes_is_found_in_the_end(place: Tenant) -> None:
    """A writer that began before anybody asked about its changes does not queue them."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as slow:
        slow.execute("SELECT set_config('app.tenant_id', %s, false)", [str(place.pk)])
        slow.execute("UPDATE contact SET attributes = '{\"city\": \"Riga\"}' WHERE first_name = 'Bert'")
        segment = make(place, RIGA)
        run_all(place)
        with tenant_context(place.pk):
            segment.refresh_from_db()
            assert (segment.size, segment.state) == (2, SegmentState.READY)
            assert segment.fence is not None
        slow.commit()
    settle(place)
    with tenant_context(place.pk):
        segment.refresh_from_db()
        assert segment.size == 3
        assert ids(segment) == meant(segment)


def test_who_asks_for_a_refresh_does_not_take_back_an_edit(place: Tenant) -> None:
    segment = make(place, RIGA)
    run_all(place)
    with tenant_context(place.pk):
        read_before = Segment.objects.get()
    edit(place, segment, Group("all", (InSegment(make(place, OSLO, "Oslo").pk),)))
    with tenant_context(place.pk):
        refresh.begin(read_before)
        kept = Segment.objects.get(pk=segment.pk)
        assert kept.causes == ["contact", "segment"]
        assert kept.refreshed_at is None, "the members of the rule before are nobody's answer"
    run_all(place)
    with tenant_context(place.pk):
        assert ids(segment) == meant(segment)
        assert len(ids(segment)) == 1


def test_those_that_others_wait_for_are_woken_first(place: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = make(place, RIGA, "Inner")
    outer = make(place, Group("none", (InSegment(inner.pk),)), "Outer")
    edit(place, inner, Group("all", (InSegment(make(place, OSLO, "Named by inner").pk),)))
    sent: list[int] = []
    monkeypatch.setattr(refresh, "defer", lambda _task, **ids: sent.append(ids["segment_id"]))
    monkeypatch.setattr(refresh, "MOST_WOKEN", 2)
    refresh.wake_due(place.pk)
    assert sent == [outer.pk + 1, inner.pk], "not the two that were made first"


def test_the_last_dynamic_segment_ends_the_watch(place: Tenant) -> None:
    segment = make(place, RIGA)
    run_all(place)
    with tenant_context(place.pk):
        QueuedChange.objects.create(contact_id=1, cause="contact")
        Segment.objects.filter(pk=segment.pk).update(archived_at=timezone.now())
    refresh.wake_due(place.pk)
    with tenant_context(place.pk):
        assert not WatchedCause.objects.exists()
        assert not QueuedChange.objects.exists()
        assert place.pk not in pending_work.waiting(refresh.WAKE)


def test_a_new_day_is_a_reason_to_compare_the_whole(place: Tenant) -> None:
    with tenant_context(place.pk):
        Contact.objects.filter(first_name="Anna").update(created_at=timezone.now() - timedelta(days=6))
    segment = make(place, Group("all", (FieldCondition("created_at", "within", ("7",)),)))
    settle(place)
    with tenant_context(place.pk):
        segment.refresh_from_db()
        assert segment.size == 3
        midnight = segment.due_at
        assert midnight is not None
        assert midnight.astimezone(ZoneInfo("Europe/Riga")).hour == 0
        Contact.objects.filter(first_name="Anna").update(created_at=timezone.now() - timedelta(days=9))
        Segment.objects.filter(pk=segment.pk).update(due_at=timezone.now(), clock_at=timezone.now() - timedelta(days=2))
    run_all(place)
    with tenant_context(place.pk):
        segment.refresh_from_db()
        assert segment.size == 2
        [change] = MemberChange.objects.all()
        assert (change.entered, change.cause) == (False, "time")
        assert change.why == "no longer: Created in the last 7 days"
