"""The page of who entered and left, the state of a dynamic segment, and asking for a refresh."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import Contact
from segments import history, refresh
from segments.models import MemberChange, Segment, SegmentState
from segments.rules.tree import FieldCondition, Group
from tenants.isolation.context import tenant_context
from tests.cast import Actor, actor
from tests.segments.members import edit, make, move, run_all, settle

RIGA = Group("all", (FieldCondition("city", "is", ("Riga",)),))


@pytest.fixture
def segment(alice: Actor) -> Segment:
    with tenant_context(alice.workspace.pk):
        for name, town in (("Anna", "Riga"), ("Bert", "Oslo")):
            Contact.objects.create(first_name=name, attributes={"city": town})
    return make(alice.workspace, RIGA, "People of Riga")


def page(who: Actor, path: str) -> str:
    response = who.get(path)
    assert response.status_code == 200
    return " ".join(response.text.split())


def test_the_state_says_what_is_going_on_and_asks_again_only_then(alice: Actor, segment: Segment) -> None:
    shown = page(alice, f"segments/{segment.pk}/")
    assert "Being built." in shown
    assert "every 2s" in shown
    assert "Anna" in shown, "found by the rule meanwhile"
    run_all(alice.workspace)
    shown = page(alice, f"segments/{segment.pk}/state/")
    assert "Up to date" in shown
    assert "1 contact: show them" in shown
    assert "every 2s" not in shown
    with tenant_context(alice.workspace.pk):
        refresh.fail(Segment.objects.get(), "This segment no longer exists.")
    shown = page(alice, f"segments/{segment.pk}/state/")
    assert "The last refresh failed.</b> This segment no longer exists." in shown
    assert "The next attempt is" in shown


def test_history_names_who_when_and_why(alice: Actor, segment: Segment) -> None:
    settle(alice.workspace)
    assert "No contact has entered or left yet" in page(alice, f"segments/{segment.pk}/history/")
    with tenant_context(alice.workspace.pk):
        move(Contact.objects.get(first_name="Bert"), city="Riga")
        move(Contact.objects.get(first_name="Anna"), city="Oslo")
    run_all(alice.workspace)
    shown = page(alice, f"segments/{segment.pk}/history/")
    assert "City is Riga" in shown
    assert "no longer: City is Riga" in shown
    assert "Contact changed" in shown
    entered = page(alice, f"segments/{segment.pk}/history/?show=entered")
    assert "Bert" in entered
    assert "Anna" not in entered
    assert "Anna" in page(alice, f"segments/{segment.pk}/history/?show=left")


def test_history_is_paged_without_repeats(alice: Actor, segment: Segment) -> None:
    now = timezone.now()
    with tenant_context(alice.workspace.pk):
        for i in range(12):
            history.record(
                segment.pk, entered=range(i * 10, i * 10 + 10), left=[], cause="added", now=now - timedelta(hours=i)
            )
        assert MemberChange.objects.count() == 120
    seen: list[str] = []
    path = f"segments/{segment.pk}/history/"
    for _page in range(3):
        response = alice.get(path)
        seen += [f"{row.at} {row.contact_id}" for row, _contact, _cause in response.context["changes"]]
        path = f"segments/{segment.pk}/history/{response.context['older_url']}"
    assert response.context["older_url"] is None
    assert len(seen) == len(set(seen)) == 120


@pytest.mark.parametrize(
    "place", ["x", "2026-01-01", "2026-13-01T00:00:00Z,1", "2026-01-01T00:00:00,1", "2026-01-01T00:00:00Z,x"]
)
def test_a_damaged_place_is_the_first_page(alice: Actor, segment: Segment, place: str) -> None:
    run_all(alice.workspace)
    assert alice.get(f"segments/{segment.pk}/history/?after={place}&show=all").status_code == 200


def test_a_refresh_can_be_asked_for_by_those_who_may_edit(alice: Actor, segment: Segment) -> None:
    run_all(alice.workspace)
    assert alice.post(f"segments/{segment.pk}/refresh/").status_code == 302
    with tenant_context(alice.workspace.pk):
        assert Segment.objects.get().state == SegmentState.REFRESHING
    viewer = actor("Viewer", alice.workspace, "viewer")
    assert viewer.post(f"segments/{segment.pk}/refresh/").status_code == 404


def test_the_size_over_time_is_a_chart_after_two_days(alice: Actor, segment: Segment) -> None:
    run_all(alice.workspace)
    with tenant_context(alice.workspace.pk):
        history.record_size(segment.pk, 4, entered=4, left=0, now=timezone.now() - timedelta(days=3))
    edit(alice.workspace, segment, Group("any", RIGA.parts))
    run_all(alice.workspace)
    assert "1 contacts on" in page(alice, f"segments/{segment.pk}/history/")
