"""Edits of the members of a static segment in transactions of their own: two at once, and what is stored to undo them."""

import threading
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from segments import member_edits
from segments.models import EditRow, SegmentEdit, SegmentSize
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.segments.scene import contacts, members, static


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
