"""An import meets the visitors that the pixel has seen, before, beside and after (identity, rule 7)."""

import time

import pytest

from imports.models import Import, Phase, Status
from imports.pipeline import worker
from imports.wizard import upload
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.imports.helpers import again, bring, work_until
from tests.tracking.helpers import contact, device, hit, site_of, stored, visitor, visitors
from tracking.models import Site

ANNA, BOB = "anna@example.com", "bob@example.com"
PHONE = "+442079460958"


@pytest.fixture
def site(tenant: Tenant) -> Site:
    return site_of(tenant)


def test_an_import_meets_the_visitors_that_wait_and_says_by_what(tenant: Tenant, site: Site) -> None:
    by_email, by_phone, by_id, nobody = (device() for _ in range(4))
    stored(
        site,
        hit(by_email, "identify", email=ANNA),
        hit(by_phone, "identify", phone=PHONE),
        hit(by_id, "identify", external_id="C-3", email="other@example.com"),
        hit(nobody, "identify", email="nobody@example.com"),
    )
    imp = bring(tenant, f"email,phone,external_id\n{ANNA},,\n,{PHONE},\ncarl@example.com,,C-3\n")
    assert (imp.status, imp.matched_visitors) == (Status.IMPORTED, 3)
    for on, reason, row in ((by_email, "email", 2), (by_phone, "phone", 3), (by_id, "external_id", 4)):
        found = visitor(tenant, on)
        assert (found.matched_by, found.import_id, found.row_no) == (reason, imp.pk, row)
        assert found.contact_id is not None
    assert visitor(tenant, nobody).contact_id is None


def test_the_review_says_whom_it_will_meet(tenant: Tenant, site: Site) -> None:
    stored(site, hit(device(), "identify", email=ANNA), hit(device(), "identify", phone=PHONE))
    imp = bring(tenant, f"email,phone\n{ANNA},\n,{PHONE}\n", review=True)
    assert imp.review["visitors"] == {"email": 1, "phone": 1}
    assert all(v.contact_id is None for v in visitors(tenant))


def test_all_visitors_of_a_person_are_met_also_by_a_row_joined_into_another(tenant: Tenant, site: Site) -> None:
    one, two = device(), device()
    stored(site, hit(one, "identify", email=ANNA), hit(two, "identify", phone=PHONE))
    imp = bring(tenant, f"email,phone,external_id\n{ANNA},{PHONE},C-1\n{ANNA},,C-1\n")
    assert (imp.duplicates, imp.matched_visitors) == (1, 2)
    assert visitor(tenant, one).contact_id == visitor(tenant, two).contact_id


def test_a_visitor_of_two_people_is_left_alone(tenant: Tenant, site: Site) -> None:
    on = device()
    stored(site, hit(on, "identify", email=ANNA, phone=PHONE))
    imp = bring(tenant, f"email,phone\n{ANNA},\n{BOB},{PHONE}\n", review=True)
    assert imp.review["visitors"] == {"ambiguous": 1}
    assert visitor(tenant, on).contact_id is None


def test_the_second_person_need_not_be_in_the_file(tenant: Tenant, site: Site) -> None:
    contact(tenant, email=BOB, phone=PHONE)
    contact(tenant, email="bert@example.com", phone=PHONE)
    on = device()
    stored(site, hit(on, "identify", email=ANNA, phone=PHONE))
    imp = bring(tenant, f"email\n{ANNA}\n", review=True)
    assert imp.review["visitors"] == {"ambiguous": 1}
    finish(tenant, imp)
    assert visitor(tenant, on).contact_id is None


def test_a_visitor_that_two_existing_contacts_share_is_not_taken_by_the_one_in_the_file(
    tenant: Tenant, site: Site
) -> None:
    contact(tenant, email=ANNA)
    contact(tenant, email=BOB, phone=PHONE)
    on = device()
    stored(site, hit(on, "identify", email=ANNA, phone=PHONE), at=time.time())
    bring(tenant, f"email,first_name\n{ANNA},Anna\n")
    assert visitor(tenant, on).contact_id is None


def test_an_import_does_not_take_a_claimed_visitor(tenant: Tenant, site: Site) -> None:
    anna, on = contact(tenant, email=ANNA), device()
    stored(site, hit(on, "identify", email=ANNA, phone=PHONE))
    bring(tenant, f"email,phone\n{BOB},{PHONE}\n")
    assert visitor(tenant, on).contact_id == anna


def finish(tenant: Tenant, imp: Import) -> Import:
    with tenant_context(tenant.pk):
        assert upload.confirm(imp)
    worker.work(tenant.pk, imp.pk)
    return again(tenant, imp)


@pytest.mark.parametrize("phase", [Phase.APPLY, Phase.FINISH])
def test_a_visitor_that_identifies_while_the_import_runs_is_met_at_its_end(
    tenant: Tenant, site: Site, phase: Phase
) -> None:
    stored(site, hit(device(), "identify", email="waiting@example.com"))  # otherwise there is nothing to match
    imp = bring(tenant, f"email,phone,external_id\n{ANNA},{PHONE},C-1\n{BOB},,\n", review=True)
    with tenant_context(tenant.pk):
        upload.confirm(imp)
    work_until(tenant, imp, Phase.APPLY)
    late, two_people = device(), device()
    # What is stored in the middle of an apply sees the contacts of before.
    stored(site, hit(late, "identify", external_id="C-1", email=ANNA), at=time.time())
    stored(site, hit(two_people, "identify", email=BOB, phone=PHONE), at=time.time())
    assert visitor(tenant, late).contact_id is None
    work_until(tenant, imp, phase)
    worker.work(tenant.pk, imp.pk)
    imp = again(tenant, imp)
    found = visitor(tenant, late)
    assert (imp.status, imp.matched_visitors) == (Status.IMPORTED, 1)
    assert (found.matched_by, found.import_id, found.row_no) == ("external_id", imp.pk, 2)
    assert visitor(tenant, two_people).contact_id is None


def test_a_visitor_that_identifies_during_the_review_is_met(tenant: Tenant, site: Site) -> None:
    imp = bring(tenant, f"email\n{ANNA}\n", review=True)
    on = device()
    stored(site, hit(on, "identify", email=ANNA), at=time.time())
    assert finish(tenant, imp).matched_visitors == 1
    assert visitor(tenant, on).contact_id is not None


def test_an_identifier_that_the_contact_will_not_have_matches_nobody(tenant: Tenant, site: Site) -> None:
    anna = contact(tenant, external_id="C-1", email=ANNA)
    on, other = device(), device()
    stored(site, hit(on, "identify", email="second@example.com"), hit(other, "identify", phone=PHONE))
    bring(tenant, f"external_id,email,phone\nC-1,second@example.com,{PHONE}\n", existing="only_empty")
    assert visitor(tenant, on).contact_id is None, "the contact keeps its own address"
    assert visitor(tenant, other).contact_id == anna, "and takes the phone that it did not have"


def test_an_external_id_that_is_not_taken_over_matches_nobody(tenant: Tenant, site: Site) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(identifier_order="email,external_id,phone")
    contact(tenant, external_id="C-1", email=ANNA)
    on = device()
    stored(site, hit(on, "identify", external_id="C-2"))
    imp = bring(tenant, f"external_id,email,first_name\nC-2,{ANNA},Anna\n")
    assert imp.updated == 1
    assert visitor(tenant, on).contact_id is None
