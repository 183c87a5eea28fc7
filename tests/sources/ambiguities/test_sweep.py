"""What points at two people is found, closed when it is clear, and found again with new evidence (identity, rule 7)."""

import time
from typing import Any

import pytest
from django.utils import timezone

from contacts.duplicates import merge
from contacts.models import Alias, Change, Contact
from imports.models import Import
from sources.ambiguities import sweep
from sources.models import Ambiguity, AmbiguityState
from tenants import pending_work
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.imports.helpers import bring
from tests.tracking.helpers import contact, device, hit, site_of, stored, visitor
from tracking.models import Site

ANNA, BOB, PHONE = "anna@example.com", "bob@example.com", "+442079460958"


@pytest.fixture
def site(tenant: Tenant) -> Site:
    return site_of(tenant)


def found(tenant: Tenant, state: str = AmbiguityState.OPEN) -> list[Ambiguity]:
    sweep.run(tenant.pk)
    with tenant_context(tenant.pk):
        return list(Ambiguity.objects.filter(state=state).order_by("pk"))


def changed(tenant: Tenant, contact_id: int, **values: Any) -> None:
    """Change a contact as the product does: with its place in the order of changes."""
    with tenant_context(tenant.pk):
        now = timezone.now()
        Contact.objects.filter(pk=contact_id).update(changed_at=now, **values)
        Change.objects.create(tenant_id=tenant.pk, at=now, contact_id=contact_id)


def test_a_visitor_of_two_contacts_is_found_with_both_and_their_identifiers(tenant: Tenant, site: Site) -> None:
    anna, bob, on = contact(tenant, email=ANNA), contact(tenant, phone=PHONE), device()
    stored(site, hit(on, "identify", email=ANNA, phone=PHONE))
    [one] = found(tenant)
    assert one.visitor_id == visitor(tenant, on).pk
    assert one.candidates == [
        {"contact": anna, "kind": "email", "value": ANNA},
        {"contact": bob, "kind": "phone", "value": PHONE},
    ]
    assert [again.pk for again in found(tenant)] == [one.pk], "the next sweep finds it known"


def test_who_is_clear_is_not_listed(tenant: Tenant, site: Site) -> None:
    contact(tenant, email=ANNA)
    stored(site, hit(device(), "identify", email=ANNA), hit(device(), "identify", email=BOB), hit(device()))
    assert found(tenant) == []


def test_a_sweep_looks_only_where_something_has_changed(tenant: Tenant, site: Site) -> None:
    assert tenant.pk not in pending_work.waiting(sweep.WAKE)
    stored(site, hit(device()))
    assert tenant.pk not in pending_work.waiting(sweep.WAKE), "a page view tells nothing about who is who"
    stored(site, hit(device(), "identify", email=ANNA))
    assert tenant.pk in pending_work.waiting(sweep.WAKE)
    sweep.run(tenant.pk)
    assert tenant.pk not in pending_work.waiting(sweep.WAKE)


def test_a_contact_that_is_added_later_meets_the_visitor_that_waits(tenant: Tenant, site: Site) -> None:
    on = device()
    stored(site, hit(on, "identify", email=ANNA))
    assert found(tenant) == []
    anna = contact(tenant, email=ANNA)
    changed(tenant, anna)
    assert found(tenant) == []
    assert (visitor(tenant, on).contact_id, visitor(tenant, on).matched_by) == (anna, "email")


def test_a_second_contact_with_the_address_makes_a_waiting_visitor_ambiguous(tenant: Tenant, site: Site) -> None:
    on, first = device(), contact(tenant, email=ANNA, external_id="C-1")
    second = contact(tenant, email=ANNA, external_id="C-2")
    stored(site, hit(on, "identify", email=ANNA))
    [one] = found(tenant)
    assert [c["contact"] for c in one.candidates] == [first, second]
    changed(tenant, second, deleted_at=timezone.now())
    assert found(tenant) == []
    [closed] = found(tenant, AmbiguityState.DECIDED)
    assert (closed.contact_id, closed.undo) == (first, {"why": "matched"})
    assert visitor(tenant, on).contact_id == first


def test_merging_the_two_closes_it_and_matches_the_visitor(tenant: Tenant, site: Site) -> None:
    anna, bob, on = contact(tenant, email=ANNA), contact(tenant, phone=PHONE), device()
    stored(site, hit(on, "identify", email=ANNA, phone=PHONE))
    assert len(found(tenant)) == 1
    with tenant_context(tenant.pk):
        made = merge.merge([anna, bob], user_id=None)
    assert made is not None
    assert found(tenant) == []
    assert visitor(tenant, on).contact_id == made.contact_id


def test_what_is_left_opens_again_with_new_evidence_only(tenant: Tenant, site: Site) -> None:
    contact(tenant, email=ANNA)
    carl, on = contact(tenant, external_id="C-3", email="carl@example.com"), device()
    contact(tenant, phone=PHONE)
    stored(site, hit(on, "identify", email=ANNA, phone=PHONE))
    [one] = found(tenant)
    with tenant_context(tenant.pk):
        Ambiguity.objects.filter(pk=one.pk).update(state=AmbiguityState.LEFT)
    stored(site, hit(on, "identify", email=ANNA))
    assert found(tenant) == []
    stored(site, hit(on, "identify", external_id="C-3", email=ANNA), at=time.time())
    [again] = found(tenant)
    assert again.pk == one.pk
    assert carl in {c["contact"] for c in again.candidates}


def test_a_visitor_that_an_import_matches_in_the_meantime_is_closed(tenant: Tenant, site: Site) -> None:
    anna, on = contact(tenant, email=ANNA), device()
    contact(tenant, phone=PHONE)
    stored(site, hit(on, "identify", email=ANNA, phone=PHONE))
    [one] = found(tenant)
    with tenant_context(tenant.pk):
        from tracking import claims

        claims.decide(one.visitor_id or 0, anna, now=timezone.now())
        pending_work.mark_pending(sweep.WAKE)
    assert found(tenant) == []
    [closed] = found(tenant, AmbiguityState.DECIDED)
    assert (closed.contact_id, closed.undo) == (anna, {"why": "matched"})


def test_a_quarantined_identifier_makes_no_ambiguity(tenant: Tenant, site: Site) -> None:
    from tracking.models import Quarantine

    contact(tenant, email=ANNA)
    contact(tenant, phone=PHONE)
    with tenant_context(tenant.pk):
        Quarantine.objects.create(kind="phone", value=PHONE, devices=11, others=0, at=timezone.now())
    on = device()
    stored(site, hit(on, "identify", email=ANNA, phone=PHONE))
    assert found(tenant) == []
    assert visitor(tenant, on).contact_id is not None


def test_an_alias_counts_where_nobody_has_the_value_now(tenant: Tenant, site: Site) -> None:
    anna, bob, on = contact(tenant, email="new@example.com"), contact(tenant, phone=PHONE), device()
    with tenant_context(tenant.pk):
        Alias.objects.create(kind="email", value=ANNA, contact_id=anna)
    stored(site, hit(on, "identify", email=ANNA, phone=PHONE))
    [one] = found(tenant)
    assert {c["contact"] for c in one.candidates} == {anna, bob}


def rows_in_error(tenant: Tenant) -> tuple[int, int, Import]:
    """A contact by e-mail, one by phone, and an import whose only row has both."""
    anna, bob = contact(tenant, email=ANNA), contact(tenant, phone=PHONE)
    return anna, bob, bring(tenant, f"email,phone,first_name\n{ANNA},{PHONE},Anna\n")


def test_a_row_that_matches_two_contacts_is_found(tenant: Tenant) -> None:
    anna, bob, imp = rows_in_error(tenant)
    [one] = found(tenant)
    assert (one.import_id, one.row_no, one.visitor_id) == (imp.pk, 2, None)
    assert [(c["contact"], c["kind"]) for c in one.candidates] == [(anna, "email"), (bob, "phone")]


def test_a_row_whose_address_two_contacts_share_is_found(tenant: Tenant) -> None:
    first, second = contact(tenant, email=ANNA, external_id="C-1"), contact(tenant, email=ANNA, external_id="C-2")
    bring(tenant, f"email,first_name\n{ANNA},Anna\n")
    [one] = found(tenant)
    assert [c["contact"] for c in one.candidates] == [first, second]


def test_rows_in_error_for_another_reason_are_not_listed(tenant: Tenant) -> None:
    bring(tenant, "email,first_name\nnot-an-address,Anna\n")
    assert found(tenant) == []


def test_a_row_is_closed_when_one_contact_is_left(tenant: Tenant) -> None:
    _anna, bob, _imp = rows_in_error(tenant)
    assert len(found(tenant)) == 1
    changed(tenant, bob, deleted_at=timezone.now())
    assert found(tenant) == []


def test_many_visitors_are_looked_at_in_pages(tenant: Tenant, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "NAMES", 4)
    monkeypatch.setattr(sweep, "VISITORS", 3)
    contact(tenant, email=ANNA)
    contact(tenant, phone=PHONE)
    for n in range(9):
        stored(site, hit(device(), "identify", email=ANNA, phone=PHONE), at=1_780_000_000.0 + n)
    assert len(found(tenant)) == 9


def test_a_workspace_whose_contacts_are_being_written_waits(tenant: Tenant, site: Site) -> None:
    from contacts import write_lock

    contact(tenant, email=ANNA)
    contact(tenant, phone=PHONE)
    stored(site, hit(device(), "identify", email=ANNA, phone=PHONE))
    with tenant_context(tenant.pk):
        assert write_lock.acquire(write_lock.lock(), 77)
    assert found(tenant) == []
    assert tenant.pk in pending_work.waiting(sweep.WAKE)
    with tenant_context(tenant.pk):
        write_lock.release(77, written=True)
    assert len(found(tenant)) == 1
