"""Hints about waiting work: a mark that is newer than a look is not forgotten by it."""

from django.utils import timezone

from tenants import pending_work
from tenants.models import Tenant


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
