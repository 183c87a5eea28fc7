"""What members say of visitors: whose one is, and whose it is not; the same evidence does not match it again."""

import pytest
from django.utils import timezone

from contacts.duplicates import merge
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import person
from tests.imports.helpers import bring
from tests.tracking.helpers import contact, device, hit, site_of, stored, visitor
from tracking import claims
from tracking.models import Site, VisitorRefusal

ANNA, PHONE = "anna@example.com", "+442079460958"


@pytest.fixture
def site(tenant: Tenant) -> Site:
    return site_of(tenant)


def released(tenant: Tenant, on: str, contact_id: int) -> int:
    """Release the visitor of a device; returns its number."""
    pk = int(visitor(tenant, on).pk)
    with tenant_context(tenant.pk):
        assert claims.release(pk, contact_id, user_id=person("Ida").pk, now=timezone.now())
    return pk


def look(tenant: Tenant, pk: int) -> None:
    with tenant_context(tenant.pk):
        claims.tie([pk], now=timezone.now())


def test_a_released_visitor_is_not_matched_again_by_the_same_evidence(tenant: Tenant, site: Site) -> None:
    anna, on = contact(tenant, email=ANNA, external_id="C-1"), device()
    stored(site, hit(on, "identify", email=ANNA))
    pk = released(tenant, on, anna)
    assert visitor(tenant, on).contact_id is None
    stored(site, hit(on, "identify", email=ANNA))
    bring(tenant, f"external_id,email,first_name\nC-1,{ANNA},Anna\n")
    look(tenant, pk)
    assert visitor(tenant, on).contact_id is None
    stored(site, hit(on, "identify", external_id="C-1", email=ANNA))
    assert visitor(tenant, on).contact_id == anna, "a sign-in with the ID is new evidence"


def test_new_evidence_in_a_file_matches_it(tenant: Tenant, site: Site) -> None:
    anna, on = contact(tenant, email=ANNA), device()
    stored(site, hit(on, "identify", email=ANNA, phone=PHONE))
    released(tenant, on, anna)
    bring(tenant, f"email,phone\n{ANNA},{PHONE}\n")
    assert visitor(tenant, on).contact_id == anna


def test_a_released_visitor_may_be_somebody_else(tenant: Tenant, site: Site) -> None:
    anna, bob, on = contact(tenant, email=ANNA), contact(tenant, phone=PHONE), device()
    stored(site, hit(on, "identify", email=ANNA))
    pk = released(tenant, on, anna)
    stored(site, hit(on, "identify", phone=PHONE))
    assert visitor(tenant, on).contact_id == bob
    with tenant_context(tenant.pk):
        assert not claims.undo_release(pk, anna), "it is somebody's now"


def test_another_browser_with_the_same_evidence_is_matched(tenant: Tenant, site: Site) -> None:
    anna, on, other = contact(tenant, email=ANNA), device(), device()
    stored(site, hit(on, "identify", email=ANNA))
    released(tenant, on, anna)
    stored(site, hit(other, "identify", email=ANNA))
    assert visitor(tenant, other).contact_id == anna


def test_a_release_is_undone_with_the_claim_as_it_was(tenant: Tenant, site: Site) -> None:
    on = device()
    stored(site, hit(on, "identify", email=ANNA))
    imp = bring(tenant, f"email\n{ANNA}\n")
    before = visitor(tenant, on)
    assert before.import_id == imp.pk
    assert before.contact_id is not None
    pk = released(tenant, on, before.contact_id)
    with tenant_context(tenant.pk):
        assert [said.visitor_id for said in claims.releases(before.contact_id)] == [pk]
        assert claims.undo_release(pk, before.contact_id)
        assert not claims.undo_release(pk, before.contact_id)
        assert not VisitorRefusal.objects.exists()
    after = visitor(tenant, on)
    for name in ("contact_id", "claimed_at", "matched_by", "import_id", "row_no", "page"):
        assert getattr(after, name) == getattr(before, name)


def test_who_is_nobodys_cannot_be_released(tenant: Tenant, site: Site) -> None:
    anna, on = contact(tenant, email=ANNA), device()
    stored(site, hit(on))
    pk = visitor(tenant, on).pk
    with tenant_context(tenant.pk):
        assert claims.release(pk, anna, user_id=1, now=timezone.now()) is None


def test_a_decision_claims_only_who_is_nobodys(tenant: Tenant, site: Site) -> None:
    anna, bob, on = contact(tenant, email=ANNA), contact(tenant, phone=PHONE), device()
    stored(site, hit(on))
    pk = visitor(tenant, on).pk
    with tenant_context(tenant.pk):
        assert claims.decide(pk, anna, now=timezone.now())
        assert not claims.decide(pk, bob, now=timezone.now())
        assert not claims.undo_decision(pk, bob)
        assert claims.undo_decision(pk, anna)
    assert visitor(tenant, on).contact_id is None


def test_a_release_counts_for_the_contact_that_a_merge_makes_and_goes_with_its_undo(tenant: Tenant, site: Site) -> None:
    anna, on = contact(tenant, email=ANNA), device()
    other = contact(tenant, email="anna.berg@example.com", external_id="C-1")
    stored(site, hit(on, "identify", email=ANNA))
    pk = released(tenant, on, anna)
    with tenant_context(tenant.pk):
        made = merge.merge([anna, other], user_id=None)
    assert made is not None
    look(tenant, pk)
    stored(site, hit(on, "identify", email=ANNA))
    assert visitor(tenant, on).contact_id is None
    with tenant_context(tenant.pk):
        merge.undo(made.pk, user_id=None)
        assert set(VisitorRefusal.objects.values_list("contact_id", flat=True)) == {anna}
