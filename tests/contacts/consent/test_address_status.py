"""Consent belongs to the address (identity, rule 9): every way in which a contact comes to one that it did not have."""

from typing import Any

import pytest
from django.utils import timezone

from contacts.bulk import actions
from contacts.consent import address_status
from contacts.duplicates import merge
from contacts.models import Alias, BulkAction, Contact, SignupForm
from contacts.profile import edit, quick_actions
from contacts.profile import undo as profile_undo
from contacts.subscriptions import signup
from contacts.values import channel_status
from imports.models import Import, RowIssue
from imports.pipeline import undo
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Tenant
from tests.cast import Actor
from tests.imports.helpers import bring, proved, work

BEA = "bea@example.com"
STATUSES = channel_status.EMAIL_ORDER[1:]


def known(status: str, *, deleted: bool = False, email: str | None = BEA, **values: Any) -> Contact:
    """A contact that has the address with a status."""
    gone = {"deleted_at": timezone.now(), "deleted_reason": "asked"} if deleted else {}
    made: Contact = Contact.objects.create(
        email=email, email_status=status, email_status_at=timezone.now(), origin="manual", **values, **gone
    )
    return made


def status(tenant: Tenant, **wanted: Any) -> str:
    with tenant_context(tenant.pk):
        return str(Contact.objects.living().get(**wanted).email_status)


def warnings(tenant: Tenant, imp: Import) -> list[tuple[int, str]]:
    with tenant_context(tenant.pk):
        found = RowIssue.objects.filter(import_id=imp.pk, code="status_of_address").order_by("row_no")
        return [(issue.row_no, issue.facts["status"]) for issue in found]


# --- imports ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deleted", [False, True])
@pytest.mark.parametrize("before", STATUSES)
def test_a_created_contact(tenant: Tenant, before: str, deleted: bool) -> None:
    with tenant_context(tenant.pk):
        known(before, deleted=deleted, external_id="C-1")
    imp = bring(tenant, f"external id,email\nC-9,{BEA}\n")
    if deleted:
        # Rule 6 keeps the person away altogether.
        assert imp.skipped == 1
        return
    assert status(tenant, external_id="C-9") == before
    assert warnings(tenant, imp) == [(2, before)]
    assert imp.review["statuses"] == [{"key": "email_status", "status": before, "contacts": 1}]
    proved(tenant, imp)


@pytest.mark.parametrize("before", STATUSES)
def test_a_contact_that_is_given_the_address_and_its_undo(tenant: Tenant, before: str) -> None:
    with tenant_context(tenant.pk):
        known(before, deleted=True, external_id="C-1")
        taker = known("active", email="other@example.com", external_id="C-9")
    imp = bring(tenant, f"external id,email\nC-9,{BEA}\n")
    assert (imp.updated, status(tenant, pk=taker.pk), warnings(tenant, imp)) == (1, before, [(2, before)])
    with tenant_context(tenant.pk):
        assert Contact.objects.get(pk=taker.pk).email_status_reason == "known for this address"
        undo.request(imp, "undo", user=None)
    work(tenant, imp)
    with tenant_context(tenant.pk):
        taker.refresh_from_db()
        assert (taker.email, taker.email_status, taker.email_status_reason) == ("other@example.com", "active", None)
        undo.request(imp, "redo", user=None)
    work(tenant, imp)
    with tenant_context(tenant.pk):
        taker.refresh_from_db()
        assert (taker.email, taker.email_status) == (BEA, before)


def test_the_file_may_be_stricter_and_only_the_switch_makes_it_milder(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        known("unsubscribed", external_id="C-1")
    maps = {"Status": "email_status"}
    bring(tenant, f"external id,email,Status\nC-2,{BEA},spam\n", maps=maps)
    assert status(tenant, external_id="C-2") == "spam"
    bring(tenant, f"external id,email,Status\nC-3,{BEA},active\n", maps=maps)
    assert status(tenant, external_id="C-3") == "spam"
    bring(tenant, f"external id,email,Status\nC-4,{BEA},active\nC-5,{BEA},\n", maps=maps, consent="file")
    assert (status(tenant, external_id="C-4"), status(tenant, external_id="C-5")) == ("active", "spam")


def test_phones_as_well(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        gone = {"deleted_at": timezone.now(), "deleted_reason": "asked"}
        Contact.objects.create(
            phone="+447911123456", phone_status="blacklisted", external_id="C-1", origin="manual", **gone
        )
        Contact.objects.create(phone="+447911123457", external_id="C-2", origin="manual")
    bring(tenant, "external id,phone\nC-2,+447911123456\nC-3,+447911123456\nC-4,+447911123458\n")
    with tenant_context(tenant.pk):
        found = dict(Contact.objects.values_list("external_id", "phone_status"))
    assert found == {"C-1": "blacklisted", "C-2": "blacklisted", "C-3": "blacklisted", "C-4": "active"}


def test_an_address_keeps_its_status_when_it_leaves_its_contact(tenant: Tenant) -> None:
    """C-1 unsubscribes as bea@, is changed to new@, and bea@ comes back with somebody else."""
    with tenant_context(tenant.pk):
        known("unsubscribed", external_id="C-1")
    bring(tenant, "external id,email\nC-1,new@example.com\n")
    with tenant_context(tenant.pk):
        Contact.objects.update(email_status="active")
    bring(tenant, f"external id,email\nC-9,{BEA}\n")
    assert (status(tenant, external_id="C-9"), status(tenant, external_id="C-1")) == ("unsubscribed", "active")


def test_a_status_set_while_an_import_writes(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    from contacts.identity import upsert

    with tenant_context(tenant.pk):
        known("active", external_id="C-1")
    insert = upsert.insert_contacts

    def meanwhile(*args: Any, **values: Any) -> int:
        made = insert(*args, **values)
        address_status.set_email(BEA, "spam", instead_of=["active"], reason="complaint", now=timezone.now())
        return made

    monkeypatch.setattr(upsert, "insert_contacts", meanwhile)
    bring(tenant, f"external id,email\nC-9,{BEA}\n")
    assert status(tenant, external_id="C-9") == "spam"


def test_a_status_set_between_the_last_rows_and_the_end(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    from imports.pipeline import queries

    with tenant_context(tenant.pk):
        known("active", external_id="C-1")
    touch = queries.touch

    def afterwards(*args: Any, **values: Any) -> None:
        touch(*args, **values)
        address_status.set_email(
            BEA,
            "unsubscribed",
            instead_of=["active"],
            reason="asked",
            now=timezone.now(),
            but=Contact.objects.get(external_id="C-9").pk,
        )

    monkeypatch.setattr(queries, "touch", afterwards)
    bring(tenant, f"external id,email\nC-9,{BEA}\n")
    assert status(tenant, external_id="C-9") == "unsubscribed"


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("apart", [1, 3])
def test_rows_of_one_file_share_what_it_says_of_their_address(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, first: bool, apart: int
) -> None:
    """Whichever row comes first, and also where another unit of work writes it."""
    monkeypatch.setattr("imports.pipeline.transitions.LEAST_ROWS", 1)
    monkeypatch.setattr("imports.pipeline.transitions.WRITE_ROWS", 2)
    rows = [f"C-{n},x{n}@example.com,," for n in range(6)]
    rows[0] = f"C-0,{BEA},{'unsubscribed' if first else ''},"
    rows[apart] = f"C-{apart},{BEA},{'' if first else 'unsubscribed'},"
    bring(
        tenant, "external id,email,Status\n" + "".join(f"{row[:-1]}\n" for row in rows), maps={"Status": "email_status"}
    )
    with tenant_context(tenant.pk):
        found = set(Contact.objects.living().filter(email=BEA).values_list("email_status", flat=True))
        assert (found, Contact.objects.exclude(email_status="active").count()) == ({"unsubscribed"}, 2)


def test_a_contact_that_keeps_its_address_keeps_its_status(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        known("unsubscribed", external_id="C-1")
        known("active", external_id="C-2")
    imp = bring(tenant, f"external id,email,city\nC-2,{BEA},Riga\n")
    assert (imp.updated, status(tenant, external_id="C-2"), warnings(tenant, imp)) == (1, "active", [])


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_new_and_edited_contacts_and_the_undo_of_an_edit(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        known("spam", external_id="C-1")
        made = edit.create({"email": (BEA, BEA)}, user_id=alice.user.pk)
        assert Contact.objects.get(pk=made.pk).email_status == "spam"
        other = known("active", email="other@example.com")
        entry = edit.change(other.pk, {"email": (BEA, BEA)}, seen=other.changed_at, user_id=alice.user.pk)
        other.refresh_from_db()
        assert (other.email, other.email_status) == (BEA, "spam")
        assert entry is not None
        profile_undo.undo(entry.pk, user_id=alice.user.pk)
        other.refresh_from_db()
        assert (other.email, other.email_status) == ("other@example.com", "active")
        assert AuditEntry.objects.filter(verb="contact.edited").exists()


def test_a_merge_that_brings_an_address_and_its_undo(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        known("unsubscribed", external_id="C-1")
        stays = known("active", email="other@example.com", external_id="C-2")
        loser = known("active", external_id="C-3")
        made = merge.merge([stays.pk, loser.pk], chosen={"email": loser.pk}, user_id=alice.user.pk)
        assert made is not None
        one = Contact.objects.living().get(pk=made.contact_id)
        assert (one.email, one.email_status) == (BEA, "unsubscribed")
        merge.undo(made.pk, user_id=alice.user.pk)
        found = dict(Contact.objects.living().values_list("external_id", "email_status"))
        # Who comes back with the address takes what is known for it; the other one is as before.
        assert found == {"C-1": "unsubscribed", "C-2": "active", "C-3": "unsubscribed"}


@pytest.mark.parametrize("way", ["one", "many"])
def test_a_restored_contact(alice: Actor, way: str) -> None:
    with tenant_context(alice.workspace.pk):
        gone = known("active", deleted=True, external_id="C-2")
        known("unsubscribed", external_id="C-1")
        action: BulkAction | None = None
        if way == "one":
            quick_actions.restore(gone.pk, user_id=alice.user.pk)
        else:
            action = actions.begin("restore", {"ids": [gone.pk], "show": "deleted"}, user_id=alice.user.pk)
    if action is not None:
        actions.work(alice.workspace.pk, action.pk)
    assert status(alice.workspace, pk=gone.pk) == "unsubscribed"


def test_an_undo_that_brings_an_address_back(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        known("active", external_id="C-1")
    imp = bring(tenant, "external id,email\nC-1,new@example.com\n")
    with tenant_context(tenant.pk):
        known("unsubscribed", external_id="C-2")
        undo.request(imp, "undo", user=None)
    work(tenant, imp)
    with tenant_context(tenant.pk):
        back = Contact.objects.get(external_id="C-1")
        assert (back.email, back.email_status) == (BEA, "unsubscribed")


# --- by the owner of the address --------------------------------------------------------------------------------------


@pytest.fixture
def form(inside: Tenant) -> SignupForm:
    made: SignupForm = SignupForm.objects.create(key=signup.new_key(inside.pk), title="News", wording="I agree.")
    return made


@pytest.mark.parametrize(
    ("before", "after"), [("unsubscribed", "active"), ("not_confirmed", "active"), ("spam", "spam")]
)
def test_a_confirmation_counts_for_the_address(form: SignupForm, inside: Tenant, before: str, after: str) -> None:
    first, second = known(before, external_id="C-1"), known(before, external_id="C-2")
    Alias.objects.create(kind="email", value=BEA, contact_id=second.pk, status=before)
    signup.confirm(signup.SignupRequest(inside.pk, form.pk, BEA, ""))
    for contact in (first, second):
        contact.refresh_from_db()
        assert contact.email_status == after
    assert Alias.objects.get().status == (None if after == "active" else before)


def test_unsubscribing_counts_for_the_address(inside: Tenant) -> None:
    first, second, third = known("active"), known("active", external_id="C-2"), known("spam", external_id="C-3")
    signup.leave(first, keep=None)
    for contact, wanted in ((first, "unsubscribed"), (second, "unsubscribed"), (third, "spam")):
        contact.refresh_from_db()
        assert contact.email_status == wanted


def test_a_form_does_not_make_somebody_active(form: SignupForm, inside: Tenant) -> None:
    known("unsubscribed", email="old@example.com", external_id="C-1")
    Contact.objects.filter(external_id="C-1").update(email="new@example.com")
    Alias.objects.create(kind="email", value=BEA, contact_id=Contact.objects.get().pk, status="unsubscribed")
    signup.ask(form, email=BEA, name="Bea")
    assert Contact.objects.get(email=BEA).email_status == "unsubscribed"


@pytest.mark.parametrize("keep", ["earlier", "later"])
def test_who_stays_of_duplicates(alice: Actor, keep: str) -> None:
    tenant = alice.workspace
    with tenant_context(tenant.pk):
        for number, before in enumerate(["active", "unsubscribed", "active"]):
            known(before, external_id=f"C-{number}")
        action = actions.begin("duplicates", {}, user_id=alice.user.pk, by="email", keep=keep)
    actions.work(tenant.pk, action.pk)
    assert status(tenant, email=BEA) == "unsubscribed"
    with tenant_context(tenant.pk):
        actions.undo(action.pk, user_id=alice.user.pk)
    actions.work(tenant.pk, action.pk)
    with tenant_context(tenant.pk):
        assert set(Contact.objects.living().values_list("email_status", flat=True)) == {"unsubscribed"}
