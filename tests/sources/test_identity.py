"""The page of a contact's identity: what it is known by, which visitors it has and why, releases and tracked links."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import Alias
from sources.ambiguities import sweep
from sources.models import Ambiguity
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.imports.helpers import bring, flat
from tests.tracking.helpers import contact, device, hit, site_of, stored, visitor
from tracking import links
from tracking.models import Site, Visitor

ANNA, PHONE = "anna@example.com", "+442079460958"


@pytest.fixture
def site(alice: Actor) -> Site:
    return site_of(alice.workspace)


def page(alice: Actor, contact_id: int) -> str:
    return flat(alice.get(f"resolved/identity/{contact_id}/").text)


def test_a_contact_without_visitors_says_how_it_gets_them(alice: Actor) -> None:
    shown = page(alice, contact(alice.workspace, email=ANNA))
    assert "No visitors matched to this contact yet." in shown
    assert "added manually" in shown


def test_it_says_where_identifiers_came_from_and_how_each_visitor_was_matched(alice: Actor, site: Site) -> None:
    by_file, by_alias = device(), device()
    stored(site, hit(by_file), hit(by_file, "identify", email=ANNA))
    imp = bring(alice.workspace, f"external_id,email\nC-1,{ANNA}\n")
    pk = visitor(alice.workspace, by_file).contact_id
    assert pk is not None
    with tenant_context(alice.workspace.pk):
        Alias.objects.create(kind="email", value="old@example.com", contact_id=pk)
    stored(site, hit(by_alias, "identify", email="old@example.com"))
    shown = page(alice, pk)
    for words in (
        "C-1", f"import {imp.pk}</a>, line 2", "old@example.com", "former", "Browsers and visits",
        f"Visitor {visitor(alice.workspace, by_file).pk}", "No other contact had an identifier of this visitor.",
        "This contact had the identifier before, and no other contact has it.", "Entered on shop.example/",
    ):  # fmt: skip
        assert words in shown, words
    fragment = alice.get(f"visitors/of-contact/{pk}/").text
    assert f"resolved/identity/{pk}/" in fragment


def test_a_decision_is_told_with_who_made_it(alice: Actor, site: Site) -> None:
    anna, _bob, on = contact(alice.workspace, email=ANNA), contact(alice.workspace, phone=PHONE), device()
    stored(site, hit(on, "identify", email=ANNA, phone=PHONE))
    sweep.run(alice.workspace.pk)
    with tenant_context(alice.workspace.pk):
        one = Ambiguity.objects.get()
    alice.post(f"resolved/to-decide/{one.pk}/decide/", {"choice": str(anna)})
    shown = page(alice, anna)
    assert "decision of a member" in shown
    assert f"Decided by {alice.user.name}" in shown


def test_not_this_person_releases_the_visitor_and_can_be_undone(alice: Actor, site: Site) -> None:
    anna, on = contact(alice.workspace, email=ANNA), device()
    stored(site, hit(on, "identify", email=ANNA))
    pk = visitor(alice.workspace, on).pk
    assert "Not this person" in page(alice, anna)
    said = alice.post(f"resolved/identity/{anna}/{pk}/release/", follow=True)
    assert f"Visitor {pk} released." in said.text
    assert visitor(alice.workspace, on).contact_id is None
    assert "Nothing was changed" in alice.post(f"resolved/identity/{anna}/{pk}/release/", follow=True).text
    sweep.run(alice.workspace.pk)
    stored(site, hit(on, "identify", email=ANNA))
    assert visitor(alice.workspace, on).contact_id is None
    assert "The same identifiers do not match it again." in page(alice, anna)
    alice.post(f"resolved/identity/{anna}/{pk}/undo/")
    assert visitor(alice.workspace, on).contact_id == anna
    assert "Nothing was changed" in alice.post(f"resolved/identity/{anna}/{pk}/undo/", follow=True).text
    with tenant_context(alice.workspace.pk):
        verbs = AuditEntry.objects.filter(verb__startswith="visitor.").order_by("pk").values_list("verb", flat=True)
        assert list(verbs) == ["visitor.released", "visitor.returned"]


def test_a_tracked_link_is_made_and_leads_to_the_contact(alice: Actor) -> None:
    anna = contact(alice.workspace, email=ANNA)
    made = alice.post(f"resolved/identity/{anna}/link/", {"url": "https://shop.example/sale"}).context["made"]
    found = links.found_in(made)
    assert found is not None
    assert links.read(found, tenant_id=alice.workspace.pk) == anna
    bad = alice.post(f"resolved/identity/{anna}/link/", {"url": "javascript:alert(1)"})
    assert bad.status_code == 422
    assert "Enter a full address" in bad.text


def test_who_may_only_look_releases_nothing(alice: Actor, site: Site, member: object, charlie: Actor) -> None:
    anna, on = contact(alice.workspace, email=ANNA), device()
    stored(site, hit(on, "identify", email=ANNA))
    pk = visitor(alice.workspace, on).pk
    viewer = member("viewer")  # type: ignore[operator]
    assert "Not this person" not in page(viewer, anna)
    assert viewer.post(f"resolved/identity/{anna}/{pk}/release/").status_code == 404
    assert charlie.get(f"resolved/identity/{anna}/").status_code == 404
    assert visitor(alice.workspace, on).contact_id == anna


def test_of_many_visitors_the_last_seen_are_shown(alice: Actor, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from sources import identity

    monkeypatch.setattr(identity, "VISITORS", 2)
    anna = contact(alice.workspace, email=ANNA)
    for n in range(3):
        stored(site, hit(device(), "identify", email=ANNA), at=1_780_000_000.0 + n)
    assert "the last 2 of them, 1 more" in page(alice, anna)
    with tenant_context(alice.workspace.pk):
        assert Visitor.objects.filter(last_seen__lt=timezone.now() - timedelta(days=1)).count() == 3
