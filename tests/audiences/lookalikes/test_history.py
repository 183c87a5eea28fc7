"""Who came into a lookalike and who left it, by refresh: written by the job, read page by page, bounded, removed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audiences import contact_data
from audiences.lookalikes import history, schedule
from audiences.lookalikes.history import Changes
from audiences.models import Lookalike, LookalikeChange, LookalikeMember
from tenants.isolation.context import current_tenant, tenant_context
from tenants.models import Tenant
from tests.audiences.lookalikes.scene import World
from tests.cast import Actor


def inside_of(lookalike: Lookalike) -> set[int]:
    found = LookalikeMember.objects.filter(lookalike_id=lookalike.pk, place__lte=lookalike.size * 10)
    return set(found.values_list("contact_id", flat=True))


def change(lookalike_id: int, contact_id: int, *, days: int = 0, entered: bool = True) -> LookalikeChange:
    """An entry; inside a context."""
    made: LookalikeChange = LookalikeChange.objects.create(
        tenant_id=current_tenant(), lookalike_id=lookalike_id, contact_id=contact_id, entered=entered,
        at=timezone.now() - timedelta(days=days),
    )  # fmt: skip
    return made


def test_a_refresh_lists_who_came_and_who_went(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(alice.workspace, people=1_500, cause=1.6)
    first = world.work(world.lookalike())
    with tenant_context(alice.workspace.pk):
        assert not LookalikeChange.objects.exists(), "the first time all enter"
        before = inside_of(first)
        # Somebody stands where nobody would be placed, and some of the closest do not.
        closest = sorted(before)[:5]
        LookalikeMember.objects.filter(lookalike_id=first.pk, contact_id__in=closest).update(place=200)
        before = inside_of(first)
        schedule.begin(first)
    second = world.work(first)
    with tenant_context(alice.workspace.pk):
        after = inside_of(second)
        told = {(one.contact_id, one.entered) for one in LookalikeChange.objects.all()}
        assert told == {(pk, True) for pk in after - before} | {(pk, False) for pk in before - after}
        assert set(closest) <= after - before
        assert (second.entered, second.departed) == (len(after - before), len(before - after))
        LookalikeMember.objects.filter(lookalike_id=first.pk, contact_id__in=closest).update(place=200)
        LookalikeChange.objects.all().delete()
        schedule.begin(second)
    monkeypatch.setattr(history, "MOST", 3)
    third = world.work(second)
    with tenant_context(alice.workspace.pk):
        listed = LookalikeChange.objects.order_by("contact_id").values_list("contact_id", flat=True)
        assert (third.entered, list(listed)) == (5, closest[:3]), "all are counted, so many are listed"


def test_pages_go_on_behind_each_other(inside: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PAGE", 3)
    now = timezone.now()
    own = {"tenant_id": current_tenant(), "lookalike_id": 7}
    LookalikeChange.objects.bulk_create(
        LookalikeChange(**own, contact_id=pk, at=now - timedelta(days=pk % 3), entered=pk % 2 == 0)
        for pk in range(1, 12)
    )
    change(8, 1)
    seen, behind = [], None
    while True:
        rows, more = history.page(7, behind=behind)
        seen += [(row.at, row.contact_id) for row in rows]
        if not more:
            break
        behind = seen[-1]
    assert len(seen) == 11
    assert seen == sorted(seen, reverse=True)
    assert {row.contact_id for row in history.page(7, entered=False)[0]} <= {1, 3, 5, 7, 9, 11}


def test_the_page_shows_them_to_members_alone(alice: Actor, charlie: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        one = Lookalike.objects.create(name="Like", seed_kind="source", seed_id=1, size=3, state="ready")
        assert "No contact has entered or left yet" in alice.get(f"lookalikes/{one.pk}/history/").text
        for pk in range(1, 60):
            change(one.pk, pk, entered=pk != 59)
    page = alice.get(f"lookalikes/{one.pk}/history/").text
    assert page.count("deleted for good") == 50
    assert "after=" in page
    assert alice.get(f"lookalikes/{one.pk}/history/", data={"show": "left"}).text.count("deleted for good") == 1
    for after in ("x", "2026-01-01T00:00:00Z", "2026-13-01,1", "2026-01-01T00:00:00,1", "\x00,1"):
        assert alice.get(f"lookalikes/{one.pk}/history/", data={"after": after}).status_code in (200, 400, 404)
    assert charlie.client.get(alice.url(f"lookalikes/{one.pk}/history/")).status_code == 404


def test_old_entries_go_and_so_do_those_of_erased_people_and_forgotten_lookalikes(inside: Tenant) -> None:
    old = change(1, 1, days=40)
    for pk, days in ((2, 50), (3, 10)):
        change(1, pk, days=days)
    kind, before = Changes(), timezone.now() - timedelta(days=30)
    assert (kind.find(before=None, most=9).count, kind.find(before=before, most=9).count) == (3, 2)
    assert kind.remove(before=before, most=1) == 1
    assert kind.remove(before=before, most=9) == 1
    assert not LookalikeChange.objects.filter(contact_id=old.contact_id).exists()
    contact_data.erase([3], [])
    assert not LookalikeChange.objects.exists()
    gone = Lookalike.objects.create(
        name="Gone", seed_kind="source", seed_id=1, size=3, archived_at=timezone.now() - timedelta(days=31)
    )
    change(gone.pk, 4)
    kept = change(gone.pk + 1, 5)
    schedule.forget_deleted(now=timezone.now())
    assert [one.contact_id for one in LookalikeChange.objects.all()] == [kept.contact_id]
