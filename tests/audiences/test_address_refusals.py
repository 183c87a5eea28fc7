"""Whoever is in an audience and is not sent has a reason, and all reasons add up, in the funnel as in a data sync."""

from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiences import address_refusals, definition, funnel
from audiences.contact_lists import ContactList
from audiences.definition import Definition
from audiences.models import Use
from contacts.profile import quick_actions
from destinations.difference import Difference
from destinations.models import Destination, Sync
from segments.models import Segment
from tenants.isolation.context import tenant_context
from tests.audiences import scene
from tests.cast import Actor, person, workspace

# Few addresses, which people share: (e-mail, its status, phone, its status, ads consent, list, deleted).
PEOPLE = st.lists(
    st.tuples(
        st.sampled_from([None, "a@example.com", "b@example.com", "c@example.com"]),
        st.sampled_from(["active", "active", "active", "unsubscribed", "spam", "blacklisted"]),
        st.sampled_from([None, "+442079460011", "+442079460012"]), st.sampled_from(["active", "active", "blacklisted"]),
        st.sampled_from(["granted", "granted", "granted", "denied", None]), st.sampled_from(["in", "in", "in", "out", ""]),
        st.sampled_from([False, False, False, True]),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


def refused(one: tuple[Any, ...]) -> bool:
    """The model: whether a contact has refused ads for its addresses."""
    email, email_status, phone, phone_status, ads, _list, _deleted = one
    silent = email is not None and email_status in ("unsubscribed", "spam", "blacklisted")
    return ads == "denied" or silent or (phone is not None and phone_status == "blacklisted")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(people=PEOPLE, use=st.sampled_from([Use.GOOGLE, Use.META]))
def test_the_funnel_and_the_sync_add_up(people: Any, use: str) -> None:
    place = workspace(person("model"))
    with tenant_context(place.pk):
        ids = [
            scene.contact(email, ads, email_status=email_status, phone=phone, phone_status=phone_status)
            for email, email_status, phone, phone_status, ads, _list, _deleted in people
        ]
        inside = [pk for pk, one in zip(ids, people, strict=True) if one[5] == "in"]
        left = [pk for pk, one in zip(ids, people, strict=True) if one[5] == "out"]
        include = scene.source("Include", [*inside, *left])
        audience = scene.audience("Random", include=[include], exclude=[scene.segment("Exclude", left)], use=use)
        for pk, one in zip(ids, people, strict=True):
            if one[6]:
                quick_actions.delete(pk, reason="asked", user_id=None)  # type: ignore[arg-type]
    scene.run_all(place)
    shared = sum(
        any(refused(b) and ((a[0] and a[0] == b[0]) or (a[2] and a[2] == b[2])) for b in people)
        for a in people
        if a[5] == "in" and not a[6] and a[4] == "granted" and not refused(a)
    )
    with tenant_context(place.pk):
        said = definition.of_plain(audience.definition)
        permitted = address_refusals.permitted(said, use)
        found = funnel.of_cells(funnel.count(said), said, use, names={}, permitted=permitted)
        for before, after in pairwise([*found.steps, found.sent]):
            assert before is not None
            assert after is not None
            assert before.remain == after.remain + after.less
            assert sum(count for _why, count in after.reasons) == after.less
        assert found.sent is not None
        assert found.included == found.sent.remain + found.sent.less + sum(step.less for step in found.steps)
        assert found.sent.less == shared
        target = Destination.objects.create(kind=use, name="Ads")
        sync = Sync(pk=1, destination_id=target.pk, list_kind="audience", list_id=audience.pk, state="draft")
        account = Difference.of(sync, target).account()
        assert sum(account.values()) == found.size
        assert (account.get("address", 0), account.get("waiting", 0)) == (shared, found.sent.remain)
        assert account.keys() <= {"address", "waiting"}, "members have all other reasons behind them"


def test_no_other_use_has_the_step(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        one = scene.contact("a@example.com")
        scene.contact("a@example.com", "denied")
        said = Definition((ContactList("source", scene.source("Fair", [one]).pk),))
        assert [address_refusals.permitted(said, use) for use in Use.values] == [0, 0, None, None, None]
        assert address_refusals.permitted(Definition(), Use.GOOGLE) is None


def test_the_page_says_it(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        people = [scene.contact(f"p{n}@example.com") for n in range(3)]
        scene.contact("p0@example.com", "denied")
        audience = scene.audience("Fair", include=[scene.source("Fair", people)], use="google")
    scene.run_all(alice.workspace)
    page = " ".join(alice.get(f"audiences/{audience.pk}/remain/").text.split())
    assert "Sent by data syncs" in page
    assert "refused by another contact with the address 1" in page


def test_others_with_the_address_in_another_workspace_do_not_count(alice: Actor, charlie: Actor) -> None:
    with tenant_context(charlie.workspace.pk):
        scene.contact("a@example.com", "denied")
    with tenant_context(alice.workspace.pk):
        said = Definition((ContactList("source", scene.source("Fair", [scene.contact("a@example.com")]).pk),))
        assert address_refusals.permitted(said, Use.META) == 1


def test_a_list_that_no_longer_exists_leaves_the_step_out(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        people = [scene.contact(f"p{n}@example.com") for n in range(3)]
        club = scene.segment("Club", people)
        audience = scene.audience("Fair", include=[club], use="google")
        Segment.objects.filter(pk=club.pk).delete()
        assert address_refusals.permitted(definition.of_plain(audience.definition), "google") is None
    page = alice.get(f"audiences/{audience.pk}/remain/")
    assert page.status_code == 200
    assert "Sent by data syncs" not in page.text
