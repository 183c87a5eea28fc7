"""A lookalike from the button to its members: in steps, stopped and begun again, refused, refreshed, deleted."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audiences.lookalikes import job, schedule
from audiences.models import Lookalike, LookalikeMember
from contacts.models import Contact
from segments.models import Member, Segment, SegmentState
from segments.rules.tree import Group, InList
from tenants.isolation.context import tenant_context
from tests.audiences.lookalikes.scene import World, run
from tests.cast import Actor
from tests.segments import members as segment_members


def placed(world: World, lookalike: Lookalike) -> dict[int, tuple[int, float]]:
    with tenant_context(world.tenant.pk):
        found = LookalikeMember.objects.filter(lookalike_id=lookalike.pk)
        return {one.contact_id: (one.place, one.score) for one in found}


@pytest.fixture
def world(alice: Actor) -> World:
    return World(alice.workspace, people=1_500, cause=1.6)


def test_the_closest_fifth_is_placed_and_no_member_is_among_them(world: World) -> None:
    found = world.work(world.lookalike())
    assert (found.state, found.reason, found.entered, found.departed) == ("ready", "", found.judged // 10, 0)
    assert found.judged == 1_500 - len(world.members)
    places = placed(world, found)
    assert not places.keys() & set(world.members)
    assert len(places) == found.judged // 5
    by_place = sorted(places.values())
    assert [place for place, _score in by_place] == sorted(
        -(-1000 * n // found.judged) for n in range(1, len(places) + 1)
    )
    scores = [score for _place, score in by_place]
    assert all(a[1] >= b[1] for a, b in itertools.pairwise(by_place) if a[0] < b[0])
    chances = [world.chance[pk] for pk in places]
    assert sum(chances) / len(chances) > 1.5 * sum(world.chance.values()) / len(world.chance)
    assert 0 < scores[-1] <= scores[0] < 1
    with tenant_context(world.tenant.pk):
        assert not LookalikeMember.objects.filter(lookalike_id=-found.pk).exists()


def test_steps_that_are_stopped_and_begun_again_give_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "STEP", 400)
    own = world.lookalike()
    first = placed(world, world.work(own))
    with tenant_context(world.tenant.pk):
        schedule.begin(Lookalike.objects.get(pk=own.pk))
    for _ in range(30):  # each step once and then again from where it was, as after a kill
        with tenant_context(world.tenant.pk):
            one = Lookalike.objects.get(pk=own.pk)
            if not one.active:
                break
            before = (one.state, one.cursor)
        with pytest.raises(_Killed):
            _step_and_die(world, own.pk)
        with tenant_context(world.tenant.pk):
            one = Lookalike.objects.select_for_update().get(pk=own.pk)
            assert (one.state, one.cursor) == before
            job.step(one)
    assert first.keys() == placed(world, own).keys()
    monkeypatch.setattr(job, "STEP", 10_000)
    again = world.work(own)
    assert placed(world, again).keys() == first.keys()
    assert (again.entered, again.departed) == (0, 0)


class _Killed(Exception):
    """The worker is gone."""


def _step_and_die(world: World, pk: int) -> None:
    with tenant_context(world.tenant.pk):
        job.step(Lookalike.objects.select_for_update().get(pk=pk))
        raise _Killed


def test_members_stay_until_others_take_their_places(world: World) -> None:
    own = world.work(world.lookalike())
    before = placed(world, own)
    with tenant_context(world.tenant.pk):
        best = [pk for pk, (place, _score) in before.items() if place <= 100][:20]
        Contact.objects.filter(pk__in=best).update(deleted_at=timezone.now())
        schedule.begin(Lookalike.objects.get(pk=own.pk))
        job.step(Lookalike.objects.get(pk=own.pk))
        job.step(Lookalike.objects.get(pk=own.pk))
        job.step(Lookalike.objects.get(pk=own.pk))
        assert Lookalike.objects.get(pk=own.pk).state == "scoring"
        assert LookalikeMember.objects.filter(lookalike_id=own.pk).count() == len(before)
    run(world.tenant, own)
    with tenant_context(world.tenant.pk):
        found = Lookalike.objects.get(pk=own.pk)
    after = placed(world, found)
    assert not after.keys() & set(best)
    inside = {pk for pk, (place, _s) in after.items() if place <= 100}
    was = {pk for pk, (place, _s) in before.items() if place <= 100}
    assert (found.entered, found.departed) == (len(inside - was), len(was - inside))
    assert found.departed >= 20


def test_segments_that_ask_follow_a_refresh(world: World) -> None:
    own = world.lookalike()
    segment = segment_members.make(world.tenant, Group("all", (InList("lookalike", own.pk),)), "Alike")
    segment_members.run_all(world.tenant)
    world.work(own)
    segment_members.run_all(world.tenant)
    inside = {pk for pk, (place, _score) in placed(world, own).items() if place <= 100}
    with tenant_context(world.tenant.pk):
        members = set(Member.objects.filter(segment_id=segment.pk).values_list("contact_id", flat=True))
    assert members == inside != set()


def test_a_refused_refresh_keeps_whom_the_last_one_proved(world: World) -> None:
    own = world.work(world.lookalike())
    before = placed(world, own)
    with tenant_context(world.tenant.pk):
        Member.objects.filter(segment_id=world.segment.pk, contact_id__gt=world.members[50]).delete()
    again = world.work(own)
    assert (again.state, again.reason) == ("refused", "The list has 51 contacts. A lookalike needs at least 100.")
    assert placed(world, own) == before


@pytest.mark.parametrize(
    ("change", "state", "reason"),
    [
        ({"seed_kind": "segment", "seed_id": 1}, "failed", "The segment that it resembles no longer exists."),
        ({"archived_at": timezone.now()}, "failed", "It was deleted while it was being worked out."),
    ],
)
def test_without_a_list_there_is_nothing_to_do(alice: Actor, change: dict[str, Any], state: str, reason: str) -> None:
    tenant = alice.workspace
    with tenant_context(tenant.pk):
        segment = Segment.objects.create(name="Few")
        own = Lookalike.objects.create(name="L", **{"seed_kind": "segment", "seed_id": segment.pk, "size": 3, **change})
        schedule.begin(own)
    run(tenant, own)
    with tenant_context(tenant.pk):
        own.refresh_from_db()
        assert (own.state, own.reason) == (state, reason)


def test_a_list_that_is_being_built_is_waited_for(alice: Actor) -> None:
    tenant = alice.workspace
    with tenant_context(tenant.pk):
        segment = Segment.objects.create(name="S", rule={"v": 1, "all": []}, state=SegmentState.BUILDING)
        own = Lookalike.objects.create(name="L", seed_kind="segment", seed_id=segment.pk, size=3)
        schedule.begin(own)
    for _ in range(4):
        job.work(tenant.pk, own.pk)
    with tenant_context(tenant.pk):
        own.refresh_from_db()
        assert (own.state, own.attempts) == ("counting", 0)
        Segment.objects.update(state=SegmentState.READY)
    run(tenant, own)
    with tenant_context(tenant.pk):
        own.refresh_from_db()
        assert own.state == "refused"


def test_the_sweep_finds_what_is_due_once_a_day(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(schedule, "defer", lambda _task, **ids: sent.append(ids["lookalike_id"]))
    now = timezone.now()
    given: dict[str, Any] = {"seed_kind": "segment", "seed_id": 1, "size": 3}
    with tenant_context(alice.workspace.pk):
        old, fresh, busy, gone = (
            Lookalike.objects.create(name=name, state=state, refreshed_at=now - timedelta(hours=hours), **more, **given)
            for name, state, hours, more in (
                ("old", "refused", 25, {}), ("fresh", "ready", 23, {}), ("busy", "scoring", 40, {}),
                ("gone", "ready", 99, {"archived_at": now}),
            )
        )  # fmt: skip
    schedule.wake_due(alice.workspace.pk)
    assert sorted(sent) == [old.pk, busy.pk]
    with tenant_context(alice.workspace.pk):
        assert Lookalike.objects.get(pk=old.pk).state == "counting"
        assert Lookalike.objects.get(pk=fresh.pk).state == "ready"
        Lookalike.objects.filter(pk=gone.pk).update(archived_at=now - timedelta(days=31))
        for number in (gone.pk, -gone.pk, old.pk):
            LookalikeMember.objects.create(
                tenant_id=alice.workspace.pk, lookalike_id=number, contact_id=1, place=1, score=0.1
            )
        schedule.forget_deleted(now=now)
        assert not Lookalike.objects.filter(pk=gone.pk).exists()
        assert list(LookalikeMember.objects.values_list("lookalike_id", flat=True)) == [old.pk]
