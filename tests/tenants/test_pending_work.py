"""Hints about waiting work: a mark that is newer than a look is not forgotten by it."""

import pytest
from django.db import transaction
from django.utils import timezone

from tenants import pending_work
from tenants.isolation.context import tenant_context
from tenants.models import PendingWork, Tenant


def test_a_mark_is_kept_until_somebody_has_looked_later(inside: Tenant) -> None:
    before = timezone.now()
    pending_work.mark_pending("test")
    pending_work.clear_pending("test", seen_at=before)
    assert inside.pk in pending_work.waiting("test")
    pending_work.clear_pending("test", seen_at=timezone.now())
    assert inside.pk not in pending_work.waiting("test")


def test_marking_again_makes_the_mark_newer(inside: Tenant) -> None:
    pending_work.mark_pending("test")
    between = timezone.now()
    pending_work.mark_pending("test")
    pending_work.clear_pending("test", seen_at=between)
    assert inside.pk in pending_work.waiting("test")


def test_what_happens_often_is_marked_once_the_transaction_has_committed(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        pending_work.mark_often("test")
        assert tenant.pk not in pending_work.waiting("test")
    assert tenant.pk in pending_work.waiting("test")


def test_what_happens_often_is_not_marked_again_at_once(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def marked() -> bool:
        PendingWork.objects.filter(kind="test").delete()
        with tenant_context(tenant.pk):
            pending_work.mark_often("test")
        return tenant.pk in pending_work.waiting("test")

    assert marked()
    assert not marked()
    monkeypatch.setattr(pending_work, "REPEAT_SECONDS", 0.0)
    assert marked()


def test_what_is_rolled_back_leaves_no_mark(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        pending_work.mark_often("test")
        transaction.set_rollback(True)
    assert tenant.pk not in pending_work.waiting("test")
    with tenant_context(tenant.pk):
        pending_work.mark_often("test")
    assert tenant.pk in pending_work.waiting("test")


def test_old_marks_are_forgotten_later_than_they_are_renewed(tenant: Tenant) -> None:
    assert pending_work.KEPT.total_seconds() > 2 * pending_work.REPEAT_SECONDS
    with tenant_context(tenant.pk):
        pending_work.mark_often("test")
    now = timezone.now()
    pending_work.clear_old("test", now=now)
    assert tenant.pk in pending_work.waiting("test")
    pending_work.clear_old("test", now=now + pending_work.KEPT)
    assert tenant.pk not in pending_work.waiting("test")


def test_a_mark_that_cannot_be_written_is_no_fault_of_the_work(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    with tenant_context(tenant.pk):
        pending_work.mark_often("x" * 21)  # too long for the table: any fault of the database after the commit
    assert "on_commit" in caplog.text
