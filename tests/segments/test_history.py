"""Who entered and left, and sizes by hour and day."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from segments import history
from segments.models import MemberChange, SegmentSize
from segments.retention import History
from tenants.isolation.context import tenant_context
from tenants.models import Tenant

NOON = datetime(2026, 3, 10, 12, 20, tzinfo=UTC)


def test_who_entered_and_left_is_kept_with_the_reason(inside: Tenant) -> None:
    history.record(7, entered=[1, 2], left=[3], cause="contact", why={1: "City is Riga"}, now=NOON)
    rows = MemberChange.objects.order_by("contact_id").values_list("contact_id", "entered", "cause", "why")
    assert list(rows) == [(1, True, "contact", "City is Riga"), (2, True, "contact", None), (3, False, "contact", None)]


def test_the_sizes_of_an_hour_are_one_entry(inside: Tenant) -> None:
    history.record_size(7, 10, entered=10, left=0, now=NOON)
    history.record_size(7, 8, entered=1, left=3, now=NOON + timedelta(minutes=30))
    history.record_size(7, 9, entered=1, left=0, now=NOON + timedelta(minutes=50))
    rows = SegmentSize.objects.order_by("hour").values_list("hour", "size", "entered", "departed")
    assert list(rows) == [
        (NOON.replace(minute=0), 8, 11, 3), (NOON.replace(hour=13, minute=0), 9, 1, 0),
    ]  # fmt: skip


def test_old_history_is_deleted(tenant: Tenant) -> None:
    now = timezone.now()
    with tenant_context(tenant.pk):
        for age in (1, history.KEPT_DAYS + 1):
            history.record(7, entered=[1], left=[], cause="contact", now=now - timedelta(days=age))
            history.record_size(7, 1, entered=1, left=0, now=now - timedelta(days=age))
        before = now - timedelta(days=history.KEPT_DAYS)
        assert History().find(before=None, most=9).count == 2
        assert History().find(before=before, most=9).count == 1
        assert History().remove(before=before, most=9) == 1
        assert MemberChange.objects.count() == SegmentSize.objects.count() == 1


def test_every_cause_of_the_queue_has_words() -> None:
    from typing import get_args

    from contacts.change_queue import Cause

    assert set(get_args(Cause)) <= set(history.CAUSES)
