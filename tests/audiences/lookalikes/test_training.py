"""Training through the database: a known cause is found, noise and leaks are not, the same again gives the same."""

import numpy as np
import pytest

from audiences.lookalikes import people, training
from audiences.lookalikes.sample import Sample
from audiences.lookalikes.training import Refused, Trained
from audiences.models import Lookalike
from tenants.isolation.context import tenant_context
from tests.audiences.lookalikes.scene import World
from tests.cast import Actor
from tracking.models import Event


def trained(world: World, lookalike: Lookalike) -> Trained:
    with tenant_context(world.tenant.pk):
        members, others = people.sizes(lookalike)
        return training.train(lookalike, members=members, others=others, now=world.now)


def test_a_known_cause_is_found_and_explained(alice: Actor) -> None:
    world = World(alice.workspace, people=2_500, cause=1.4)
    own = world.lookalike(size=10)
    found = trained(world, own)
    report = found.report
    assert next(one for one in report["lifts"] if one["percent"] == 10)["lift"] > 0.7 * world.best(10)
    assert next(one for one in report["lifts"] if one["percent"] == 3)["hidden"] >= 70
    words = [one["words"] for one in report["mattered"]]
    assert "Looked at /boots in the last 30 days" in words[:3]
    assert not [one for one in words if "/tents" in one or "Gender" in one]
    assert "Gender" in report["forbidden"]
    assert "gender" not in found.model["fields"]
    assert trained(world, own) == found, "the same rows and the same random seed give the same"
    own.random_seed = 2
    assert trained(world, own).model != found.model


@pytest.fixture
def noise(alice: Actor) -> World:
    return World(alice.workspace, people=1_200, cause=0, base=-1.6)


def test_noise_is_refused_with_the_reason(noise: World) -> None:
    reasons = []
    for seed in range(10):
        try:
            trained(noise, noise.lookalike(name=f"L{seed}", random_seed=seed))
        except Refused as problem:
            reasons.append(problem.why)
    assert len(reasons) >= 9
    assert all("can be luck" in why for why in reasons)


def test_what_members_did_after_they_entered_does_not_help(noise: World) -> None:
    own = noise.lookalike()
    with tenant_context(noise.tenant.pk):
        Event.objects.bulk_create(
            Event(
                tenant_id=noise.tenant.pk,
                contact_id=pk,
                kind="page",
                at=noise.entered,
                url="https://shop.example/club/1",
            )
            for pk in noise.members
            for _ in range(3)
        )
    with pytest.raises(Refused) as refused:
        trained(noise, own)
    assert "/club" not in str(refused.value.report)
    with tenant_context(noise.tenant.pk):
        Lookalike.objects.filter(pk=own.pk).update(seed_moment="now")
        own.refresh_from_db()
    report = trained(
        noise, own
    ).report  # with the eyes of today it is there, and says so much that it can find no one else
    assert report["left_out"] == ["Looked at /club in the last 30 days"]


def test_a_short_list_is_refused(noise: World) -> None:
    own = noise.lookalike(seed_moment="first_order")
    with tenant_context(noise.tenant.pk):
        Event.objects.filter(kind="order").delete()
    with pytest.raises(Refused, match="0 members of the list have an order"):
        trained(noise, own)


@pytest.mark.parametrize(("members", "share"), [(100, 0.5), (200, 0.5), (400, 0.25), (500, 0.2), (10_000, 0.2)])
def test_of_few_members_more_are_hidden(members: int, share: float) -> None:
    assert training.hidden_share(members) == share


def test_people_are_hidden_by_person_and_never_calibrate() -> None:
    ids = np.arange(10_000)
    sample = Sample(ids, [], ids < 1_000, np.ones(10_000))
    hidden, calibration = training.split(sample, seed=1)
    assert not (hidden & calibration).any()
    assert 0.18 < hidden.mean() < 0.22
    assert 0.14 < calibration.mean() < 0.18
    again, _calibration = training.split(Sample(ids[::-1], [], (ids < 1_000)[::-1], np.ones(10_000)), seed=1)
    assert (again[::-1] == hidden).all()
