"""Edits of the members of a static segment in transactions of their own: two at once, and what is stored to undo them."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from contacts import change_queue
from contacts.bulk import actions
from contacts.models import QueuedChange
from imports.pipeline import undo
from segments import member_edits, refresh
from segments.models import EditRow, MemberChange, SegmentEdit, SegmentSize
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import bring, work
from tests.segments.scene import contacts, members, ruled, static, within


def test_two_edits_at_once_both_count(alice: Actor) -> None:
    """The second waits for the first: no member is counted twice, and none is lost."""
    with tenant_context(alice.workspace.pk):
        ids = contacts("Ann", "Ben", "Cleo", "Dan")
        segment = static("VIP", ids[:2])
    done: list[int] = []
    barrier = threading.Barrier(2)

    def edit(chosen: list[int]) -> None:
        try:
            with tenant_context(alice.workspace.pk):
                barrier.wait()
                locked = member_edits.lock(segment.pk)
                assert locked is not None
                done.append(member_edits.add(locked, chosen, user_id=None).entered)
        finally:
            connection.close()

    threads = [threading.Thread(target=edit, args=(chosen,)) for chosen in (ids[1:4], ids[:3])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 2
    assert members(alice, segment) == ids


def test_what_undoes_an_edit_is_stored_for_some_days(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        segment = static("VIP")
        member_edits.add(segment, contacts("Ann"), user_id=None)
        now = timezone.now()
        member_edits.forget_old(now=now + timedelta(days=29))
        assert EditRow.objects.count() == 1
        member_edits.forget_old(now=now + timedelta(days=31))
        assert not EditRow.objects.exists()
        assert not SegmentEdit.objects.exists()


def test_the_size_of_the_hour_follows_each_edit(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        segment = static("VIP")
        ids = contacts("Ann", "Ben", "Cleo")
        member_edits.add(segment, ids, user_id=None)
        member_edits.undo(member_edits.remove(segment, ids[:1], user_id=None), user_id=None)
        sizes = SegmentSize.objects.filter(segment_id=segment.pk)
        assert sum(size.entered - size.departed for size in sizes) == 3
        assert sizes.order_by("-hour")[0].size == 3


def test_a_bulk_action_tells_the_history_and_the_sizes(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        change_queue.watch({"segment"})
        ids = contacts("Ann", "Ben", "Cleo")
        segment = static("VIP", ids[:1])
        action = actions.begin("segments", {"ids": ids}, user_id=alice.user.pk, segments=[segment.pk])
    actions.work(alice.workspace.pk, action.pk)
    assert members(alice, segment) == ids
    with tenant_context(alice.workspace.pk):
        told = MemberChange.objects.order_by("contact_id").values_list("contact_id", "entered", "cause")
        assert list(told) == [(pk, True, "added") for pk in ids[1:]]
        assert sorted(QueuedChange.objects.values_list("contact_id", flat=True)) == ids[1:]
        assert SegmentSize.objects.get(segment_id=segment.pk).size == 3
        actions.undo(action.pk, user_id=alice.user.pk)
    actions.work(alice.workspace.pk, action.pk)
    assert members(alice, segment) == ids[:1]
    with tenant_context(alice.workspace.pk):
        assert MemberChange.objects.filter(entered=False, cause="undo").count() == 2
        assert SegmentSize.objects.get(segment_id=segment.pk).size == 1


def test_an_import_notes_the_size_before_and_after_its_undo(alice: Actor) -> None:
    imp = bring(alice.workspace, "email\nann@example.com\nben@example.com\n", segment="VIP", user=alice.user)
    with tenant_context(alice.workspace.pk):
        size = SegmentSize.objects.get()
        assert (size.segment_id, size.size, size.entered, size.departed) == (imp.segments["VIP"], 2, 2, 0)
        assert undo.request(imp, "undo", user=alice.user)
    work(alice.workspace, imp)
    with tenant_context(alice.workspace.pk):
        assert SegmentSize.objects.get().size == 0


def test_many_contacts_refresh_what_asks_for_them_as_a_whole(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member_edits, "MOST_QUEUED", 1)
    with tenant_context(alice.workspace.pk):
        segment = static("VIP")
        asking = ruled("Asking", within(segment))
        refresh.step(asking)
        assert asking.state == "ready"
        member_edits.add(segment, contacts("Ann", "Ben"), user_id=None)
        asked = list(QueuedChange.objects.values_list("segment_id", "contact_id"))
        assert asked == [(asking.pk, change_queue.WHOLE)], "compared as a whole, and nobody one by one"
