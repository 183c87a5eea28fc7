"""Whom a lookalike looks at, and at which moments."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from audiences.lookalikes import people, sample
from audiences.lookalikes.sample import draw_sample, drawn_moments
from audiences.models import Audience, Lookalike
from contacts.models import Contact
from segments.models import Member, Segment, SegmentState
from sources.models import Source
from tenants.isolation.context import current_tenant
from tenants.models import Tenant
from tracking.models import Event, Site, Visitor, VisitorIdentifier

NOW = datetime.fromisoformat("2026-06-01T12:00:00+00:00")


def contacts(n: int, **more: Any) -> list[int]:
    given = {"origin": "manual", "created_at": NOW - timedelta(days=100), **more}
    return [Contact.objects.create(first_name=f"P{i}", **given).pk for i in range(n)]


def listed(ids: list[int], *, at: datetime = NOW) -> Lookalike:
    segment = Segment.objects.create(name="Club")
    own: dict[str, Any] = {"tenant_id": current_tenant(), "segment_id": segment.pk, "added_at": at}
    Member.objects.bulk_create(Member(contact_id=pk, **own) for pk in ids)
    made: Lookalike = Lookalike.objects.create(name="L", seed_kind="segment", seed_id=segment.pk, size=3)
    return made


def test_the_deleted_are_neither_members_nor_others(inside: Tenant) -> None:
    ids = contacts(6)
    own = listed(ids[:3])
    Contact.objects.filter(pk__in=[ids[0], ids[5]]).update(deleted_at=NOW)
    assert people.sizes(own) == (2, 2)
    found = draw_sample(own, members=2, others=2, now=NOW)
    assert found.ids.tolist() == ids[1:5]
    assert found.members.tolist() == [True, True, False, False]
    assert people.next_ids(own, after=0, most=2) == ([], ids[2])
    assert people.next_ids(own, after=ids[2], most=9) == (ids[3:5], ids[4])
    assert people.next_ids(own, after=ids[4], most=9) == ([], None)


def test_moments_of_members_and_of_others(inside: Tenant) -> None:
    ids = contacts(4)
    own = listed(ids[:2], at=NOW - timedelta(days=7))
    assert draw_sample(own, members=2, others=2, now=NOW).moments == [NOW - timedelta(days=7)] * 4
    own.seed_moment = "now"
    assert draw_sample(own, members=2, others=2, now=NOW).moments == [NOW] * 4
    own.seed_moment = "first_order"
    for ago, pk in ((3, ids[0]), (9, ids[0]), (1, ids[3])):
        Event.objects.create(tenant_id=inside.pk, kind="order", at=NOW - timedelta(days=ago), contact_id=pk)
    found = draw_sample(own, members=2, others=2, now=NOW)
    assert found.ids.tolist() == [ids[0], ids[2], ids[3]], "whoever never ordered has no moment"
    assert found.moments == [NOW - timedelta(days=9)] * 3


def test_no_one_is_looked_at_before_the_contact_was_there() -> None:
    moments = [NOW - timedelta(days=n) for n in range(1, 101)]
    ids = np.arange(4_000, dtype=np.int64)
    created = [NOW - timedelta(days=int(n) % 120) for n in ids]
    drawn = drawn_moments(ids, created, moments, seed=1, now=NOW)
    assert all(born <= at <= NOW for born, at in zip(created, drawn, strict=True))
    assert drawn == drawn_moments(ids, created, moments, seed=1, now=NOW)
    assert drawn != drawn_moments(ids, created, moments, seed=2, now=NOW)
    old = [(NOW - at).days for at, n in zip(drawn, ids, strict=True) if n % 120 > 100]
    assert 45 < np.mean(old) < 56, "as old as those of the members"
    assert all(at == NOW for at, n in zip(drawn, ids, strict=True) if n % 120 == 0)


def test_of_very_many_a_part_is_taken_that_the_seed_decides(inside: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = contacts(400)
    own = listed(ids[:200])
    monkeypatch.setattr(sample, "MOST_SEEDS", 100)
    monkeypatch.setattr(sample, "MOST_OTHERS", 100)
    found = draw_sample(own, members=200, others=200, now=NOW)
    assert 60 < found.members.sum() < 140
    assert 60 < (~found.members).sum() < 140
    assert found.weight[found.members].sum() == pytest.approx(200)
    assert found.weight[~found.members].sum() == pytest.approx(200)
    assert found.ids.tolist() == draw_sample(own, members=200, others=200, now=NOW).ids.tolist()
    own.random_seed = 2
    assert found.ids.tolist() != draw_sample(own, members=200, others=200, now=NOW).ids.tolist()


def test_visitors_who_cannot_be_reached_are_counted(inside: Tenant) -> None:
    site = Site.objects.create(name="shop.example", key="x")
    (known,) = contacts(1)
    for n, (contact, kind) in enumerate([(None, "email"), (None, "external_id"), (known, "email")]):
        visitor = Visitor.objects.create(
            site_id=site.pk,
            device=f"00000000-0000-4000-8000-{n:012}",
            first_seen=NOW,
            last_seen=NOW,
            contact_id=contact,
        )
        VisitorIdentifier.objects.create(
            tenant_id=inside.pk, visitor_id=visitor.pk, kind=kind, value=f"x{n}", seen_at=NOW
        )
    assert people.unreachable() == 1


def test_a_list_that_is_still_being_built_is_waited_for(inside: Tenant) -> None:
    segment = Segment.objects.create(name="S", rule={"v": 1, "all": []}, state=SegmentState.BUILDING)
    audience = Audience.objects.create(name="A", use="google", definition={}, segment_id=segment.pk)
    source = Source.objects.create(name="Q", type="customers", origin="segments")
    kinds = (("segment", segment.pk), ("audience", audience.pk), ("source", source.pk))
    own = [Lookalike(name="L", seed_kind=kind, seed_id=pk, size=3) for kind, pk in kinds]
    assert [people.is_being_made(one) for one in own] == [True] * 3
    Segment.objects.update(state=SegmentState.READY)
    Source.objects.update(refreshed_at=timezone.now())
    assert [people.is_being_made(one) for one in own] == [False] * 3
    assert [people.seed_name(one) for one in own] == ["S", "A", "Q"]
    assert NOW.tzinfo == UTC
