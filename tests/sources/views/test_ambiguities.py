"""The inbox of ambiguities: the evidence side by side, the four choices, and their undo."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts import write_lock
from contacts.models import Contact
from imports.models import RejectedRow
from imports.results import corrections
from sources.ambiguities import counts, sweep
from sources.models import Ambiguity, AmbiguityState
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.imports.helpers import bring, flat, work
from tests.tracking.helpers import contact, device, hit, site_of, stored, visitor
from tracking.models import Site, Visitor

ANNA, BOB, PHONE = "anna@example.com", "bob@example.com", "+442079460958"
TO_DECIDE = "resolved/to-decide/"


@pytest.fixture
def case(alice: Actor) -> tuple[Ambiguity, int, int, str]:
    """A visitor that could be Anna, who has the address, or Bob, who has the phone."""
    anna = contact(alice.workspace, email=ANNA, first_name="Anna", last_name="Berg")
    bob = contact(alice.workspace, phone=PHONE, first_name="Bob", last_name="Falk")
    on = device()
    site = site_of(alice.workspace)
    stored(site, hit(on), hit(on, "identify", email=ANNA, phone=PHONE), hit(on))
    return open_one(alice), anna, bob, on


def open_one(alice: Actor) -> Ambiguity:
    sweep.run(alice.workspace.pk)
    with tenant_context(alice.workspace.pk):
        found: Ambiguity = Ambiguity.objects.get(state=AmbiguityState.OPEN)
        return found


def state(alice: Actor, one: Ambiguity) -> Ambiguity:
    with tenant_context(alice.workspace.pk):
        found: Ambiguity = Ambiguity.objects.get(pk=one.pk)
        return found


def choose(alice: Actor, one: Ambiguity, choice: object) -> str:
    answer = alice.post(f"{TO_DECIDE}{one.pk}/decide/", {"choice": str(choice)}, follow=True)
    assert answer.status_code == 200
    return flat(answer.text)


def test_nothing_to_decide_says_what_belongs_there(alice: Actor) -> None:
    for path, words in (
        (TO_DECIDE, "Nothing to decide"),
        ("resolved/left/", "Nothing left"),
        ("resolved/decided/", "Nothing decided"),
    ):
        assert words in alice.get(path).text


def test_the_page_shows_both_with_their_evidence(alice: Actor, case: tuple[Ambiguity, int, int, str]) -> None:
    one, anna, bob, _on = case
    page = flat(alice.get(TO_DECIDE).text)
    for words in (
        "1 to decide", "Anna Berg or Bob Falk", f"Visitor {one.visitor_id}",
        "an e-mail address and a phone number of different contacts",
        "entered on shop.example/", "Who was on this browser", "This is Anna Berg", "This is Bob Falk", "Merge 2 contacts",
        "Leave undecided", f"contacts/{anna}/", f"contacts/{bob}/",
    ):  # fmt: skip
        assert words in page, words


def test_this_one_claims_the_visitor_says_by_whom_and_can_be_undone(
    alice: Actor, case: tuple[Ambiguity, int, int, str]
) -> None:
    one, anna, _bob, on = case
    assert f"Visitor {one.visitor_id} is contact {anna}." in choose(alice, one, anna)
    seen = visitor(alice.workspace, on)
    assert (seen.contact_id, seen.matched_by) == (anna, "decision")
    decided = state(alice, one)
    assert (decided.state, decided.contact_id, decided.decided_by_id) == ("decided", anna, alice.user.pk)
    page = flat(alice.get("resolved/decided/").text)
    assert f"decided by {alice.user.name}" in page
    assert "You can undo this until" in page
    sweep.run(alice.workspace.pk)
    assert state(alice, one).state == "decided", "no sweep opens what a member has decided"
    alice.post(f"{TO_DECIDE}{one.pk}/undo/")
    assert visitor(alice.workspace, on).contact_id is None
    assert (state(alice, one).state, state(alice, one).contact_id) == ("open", None)
    alice.post(f"{TO_DECIDE}{one.pk}/undo/")
    with tenant_context(alice.workspace.pk):
        verbs = list(
            AuditEntry.objects.filter(verb__startswith="ambiguity.").order_by("pk").values_list("verb", flat=True)
        )
    assert verbs == ["ambiguity.decided", "ambiguity.undone"]


def test_the_other_one_that_comes_again_begins_a_new_visitor(
    alice: Actor, case: tuple[Ambiguity, int, int, str]
) -> None:
    one, anna, bob, on = case
    choose(alice, one, anna)
    with tenant_context(alice.workspace.pk):
        site = Site.objects.get()
    stored(site, hit(on, "identify", phone=PHONE))
    assert visitor(alice.workspace, on).contact_id == anna
    assert visitor(alice.workspace, on, 1).contact_id == bob


def test_merging_makes_them_one_and_undo_takes_them_apart(alice: Actor, case: tuple[Ambiguity, int, int, str]) -> None:
    one, anna, bob, on = case
    choose(alice, one, "merge")
    merged = state(alice, one)
    assert merged.merge_id is not None
    assert visitor(alice.workspace, on).contact_id == merged.contact_id
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.living().count() == 1
    alice.post(f"{TO_DECIDE}{one.pk}/undo/")
    with tenant_context(alice.workspace.pk):
        assert set(Contact.objects.living().values_list("pk", flat=True)) == {anna, bob}
    assert visitor(alice.workspace, on).contact_id is None
    sweep.run(alice.workspace.pk)
    assert state(alice, one).state == "open"


def test_leaving_it_changes_nothing(alice: Actor, case: tuple[Ambiguity, int, int, str]) -> None:
    one, _anna, _bob, on = case
    choose(alice, one, "leave")
    assert state(alice, one).state == "left"
    assert visitor(alice.workspace, on).contact_id is None
    assert "Anna Berg or Bob Falk" in alice.get("resolved/left/").text
    alice.post(f"{TO_DECIDE}{one.pk}/undo/")
    assert state(alice, one).state == "open"


@pytest.mark.parametrize("choice", ["", "0", "999999999", "x" * 400])
def test_a_choice_that_is_none_decides_nothing(
    alice: Actor, case: tuple[Ambiguity, int, int, str], choice: str
) -> None:
    assert "Choose one of these contacts" in choose(alice, case[0], choice)
    assert state(alice, case[0]).state == "open"


def test_a_second_click_changes_nothing(alice: Actor, case: tuple[Ambiguity, int, int, str]) -> None:
    one, anna, bob, on = case
    choose(alice, one, anna)
    choose(alice, one, bob)
    assert visitor(alice.workspace, on).contact_id == anna


def test_nothing_is_decided_while_an_import_writes(alice: Actor, case: tuple[Ambiguity, int, int, str]) -> None:
    with tenant_context(alice.workspace.pk):
        write_lock.acquire(write_lock.lock(), 5)
    assert "An import is changing contacts" in choose(alice, case[0], case[1])
    assert state(alice, case[0]).state == "open"


def test_a_visitor_that_was_matched_since_is_not_taken_over(
    alice: Actor, case: tuple[Ambiguity, int, int, str]
) -> None:
    one, anna, bob, on = case
    with tenant_context(alice.workspace.pk):
        Visitor.objects.filter(pk=one.visitor_id).update(contact_id=bob)
    assert "matched with another contact" in choose(alice, one, anna)
    assert visitor(alice.workspace, on).contact_id == bob


def test_after_thirty_days_a_decision_stays(alice: Actor, case: tuple[Ambiguity, int, int, str]) -> None:
    one, anna, _bob, on = case
    choose(alice, one, anna)
    with tenant_context(alice.workspace.pk):
        Ambiguity.objects.filter(pk=one.pk).update(decided_at=timezone.now() - timedelta(days=31))
    answer = alice.post(f"{TO_DECIDE}{one.pk}/undo/", follow=True)
    assert "more than 30 days old" in answer.text
    assert visitor(alice.workspace, on).contact_id == anna


def test_a_row_gets_its_contact_and_is_imported_with_the_corrected_rows(alice: Actor) -> None:
    anna, _bob = contact(alice.workspace, email=ANNA), contact(alice.workspace, phone=PHONE)
    imp = bring(alice.workspace, f"email,phone,first_name\n{ANNA},{PHONE},Anna\n")
    one = open_one(alice)
    page = flat(alice.get(TO_DECIDE).text)
    assert "Line 2 of import" in page
    assert "The row in the file" in page
    assert "Import the corrected rows" in choose(alice, one, anna)
    with tenant_context(alice.workspace.pk):
        assert RejectedRow.objects.get(import_id=imp.pk).chosen_id == anna
        assert corrections.ready_lines(imp) == [2]
        again = corrections.import_corrections(imp, tenant=alice.workspace, user=None)
    assert again is not None
    work(alice.workspace, again)
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.get(pk=anna).first_name == "Anna"
        assert Contact.objects.living().count() == 2
    answer = alice.post(f"{TO_DECIDE}{one.pk}/undo/", follow=True)
    assert "Undo that import first" in flat(answer.text)


def test_a_decision_about_a_row_that_was_not_imported_yet_is_undone(alice: Actor) -> None:
    anna, _bob = contact(alice.workspace, email=ANNA), contact(alice.workspace, phone=PHONE)
    imp = bring(alice.workspace, f"email,phone,first_name\n{ANNA},{PHONE},Anna\n")
    one = open_one(alice)
    choose(alice, one, anna)
    alice.post(f"{TO_DECIDE}{one.pk}/undo/")
    with tenant_context(alice.workspace.pk):
        assert RejectedRow.objects.get(import_id=imp.pk).chosen_id is None
    assert state(alice, one).state == "open"


def test_the_navigation_says_how_many_wait(alice: Actor, case: tuple[Ambiguity, int, int, str]) -> None:
    with tenant_context(alice.workspace.pk):
        counts.forget()
        assert counts.still_open() == 1
    assert '<span class="count">1</span>' in alice.get(TO_DECIDE).text
    choose(alice, case[0], "leave")
    assert '<span class="count">1</span>' not in alice.get(TO_DECIDE).text


def test_a_viewer_sees_and_does_not_decide(
    alice: Actor, case: tuple[Ambiguity, int, int, str], member: object, charlie: Actor
) -> None:
    viewer = member("viewer")  # type: ignore[operator]
    page = viewer.get(TO_DECIDE).text
    assert "Anna Berg" in page
    assert "Save decision" not in page
    assert viewer.post(f"{TO_DECIDE}{case[0].pk}/decide/", {"choice": "leave"}).status_code == 404
    assert charlie.get(f"{TO_DECIDE}?item={case[0].pk}").status_code == 404


def test_skipping_goes_through_the_list_and_begins_again(alice: Actor, case: tuple[Ambiguity, int, int, str]) -> None:
    site = site_of(alice.workspace)
    stored(site, hit(device(), "identify", email=ANNA, phone=PHONE))
    sweep.run(alice.workspace.pk)
    first = alice.get(TO_DECIDE)
    older = case[0].pk
    assert first.context["skip_url"] == f"?item={older}"
    newer = first.context["one"].pk
    assert alice.get(f"{TO_DECIDE}?item={older}").context["skip_url"] == f"?item={newer}"


def test_the_addresses() -> None:
    assert reverse("sources:ambiguities", urlconf="cdp.workspace_urls").endswith("resolved/to-decide/")
