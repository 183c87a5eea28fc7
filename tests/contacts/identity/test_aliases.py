"""What a person was known by before stays theirs (identity, rules 2 and 6): found by it, and kept away once deleted."""

from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from contacts.bulk import actions
from contacts.consent import suppression
from contacts.duplicates import merge
from contacts.errors import NotAllowed
from contacts.models import Alias, BulkAction, Contact, SignupForm
from contacts.profile import edit, quick_actions
from contacts.profile import undo as profile_undo
from contacts.subscriptions import signup
from imports.models import Import, RowIssue
from imports.pipeline import undo
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor, actor
from tests.imports.helpers import bring, proved, work
from tests.workspace_copies import copy_workspace
from tracking import queries as hits
from tracking.models import Site, Visitor, VisitorIdentifier

HEAD = "external id,email,phone\n"
OLD, NEW, P1, P2 = "old@example.com", "new@example.com", "+447911123456", "+447911123457"


def people(tenant: Tenant) -> list[tuple[str | None, str | None, str | None]]:
    with tenant_context(tenant.pk):
        return list(Contact.objects.living().order_by("pk").values_list("external_id", "email", "phone"))


def aliases(tenant: Tenant) -> set[tuple[str, str]]:
    with tenant_context(tenant.pk):
        return set(Alias.objects.values_list("kind", "value"))


def codes(tenant: Tenant, imp: Import) -> list[str]:
    with tenant_context(tenant.pk):
        return sorted(
            RowIssue.objects.filter(import_id=imp.pk, severity__in=("error", "skipped")).values_list("code", flat=True)
        )


def _changed(alice: Actor) -> None:
    bring(alice.workspace, f"{HEAD}C-1,{OLD},{P1}\n")
    bring(alice.workspace, f"{HEAD}C-1,{NEW},{P2}\n")


@pytest.fixture
def changed() -> Tenant:
    """C-1 with an e-mail and a phone that an import has replaced."""
    owner = actor("Owner")
    copy_workspace(owner, _changed)
    return owner.workspace


# --- found by what they were ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "after"),
    [
        (f",{OLD},", ("C-1", NEW, P2)),
        (f",,{P1}", ("C-1", NEW, P2)),
        (f",{OLD},{P1}", ("C-1", NEW, P2)),
        (f",{NEW},", ("C-1", NEW, P2)),
        # A row that names the contact by its ID says what is so now: the old values may come back.
        (f"C-1,{OLD},", ("C-1", OLD, P2)),
        (f"C-1,,{P1}", ("C-1", NEW, P1)),
        (f",{NEW},{P1}", ("C-1", NEW, P1)),
    ],
)
def test_one_person(changed: Tenant, row: str, after: tuple[str, str, str]) -> None:
    imp = bring(changed, f"{HEAD}{row}\n")
    assert (imp.in_error, imp.created, people(changed)) == (0, 0, [after])
    proved(changed, imp)


@pytest.mark.parametrize(
    ("row", "other"),
    [
        # A stronger identifier that differs makes another person (rule 3), with the values of the row and nobody else's.
        (f"C-9,{OLD},", ("C-9", OLD, None)),
        (f"C-9,,{P1}", ("C-9", None, P1)),
        (f",x@example.com,{P1}", (None, "x@example.com", P1)),
    ],
)
def test_another_person(changed: Tenant, row: str, other: tuple[str | None, ...]) -> None:
    bring(changed, f"{HEAD}{row}\n")
    assert people(changed) == [("C-1", NEW, P2), other]
    # Now the old value is somebody's own, and leads nowhere else.
    again = bring(changed, f"{HEAD}{row}\n")
    assert (again.unchanged, len(people(changed))) == (1, 2)


def test_a_row_with_an_id_for_a_contact_that_has_none(tenant: Tenant) -> None:
    bring(tenant, f"{HEAD},{OLD},{P1}\n")
    bring(tenant, f"{HEAD},{NEW},{P1}\n")
    assert len(people(tenant)) == 2, "a different e-mail is another person"
    with tenant_context(tenant.pk):
        first = Contact.objects.get(email=OLD)
        Alias.objects.create(kind="email", value="older@example.com", contact_id=first.pk)
    bring(tenant, f"{HEAD}C-7,older@example.com,\n")
    assert people(tenant)[0] == ("C-7", OLD, P1)


def test_both_values_of_one_file(tenant: Tenant) -> None:
    bring(tenant, f"{HEAD}C-1,{OLD},{P1}\nC-1,{NEW},{P2}\n")
    assert people(tenant) == [("C-1", NEW, P2)]
    assert aliases(tenant) == {("email", OLD), ("phone", P1)}
    bring(tenant, f"{HEAD},{OLD},\n")
    assert people(tenant) == [("C-1", NEW, P2)]


def test_a_chain_of_changes(tenant: Tenant) -> None:
    for n in range(4):
        bring(tenant, f"{HEAD}C-1,a{n}@example.com,\n")
    for n in range(4):
        bring(tenant, f"external id,email,city\n,a{n}@example.com,Riga\n")
    assert people(tenant) == [("C-1", "a3@example.com", None)]


def test_an_edit_remembers_and_its_undo_gives_back(alice: Actor) -> None:
    tenant = alice.workspace
    bring(tenant, f"{HEAD}C-1,{OLD},{P1}\n")
    with tenant_context(tenant.pk):
        contact = Contact.objects.get()
        values = {"external_id": "C-2", "email": (NEW, NEW), "phone": (P2, P2)}
        entry = edit.change(contact.pk, values, seen=contact.changed_at, user_id=alice.user.pk)
    assert aliases(tenant) == {("external_id", "C-1"), ("email", OLD), ("phone", P1)}
    bring(tenant, f"external id,email,phone,city\nC-1,,,Riga\n,{OLD},,Riga\n,,{P1},Riga\n")
    assert people(tenant) == [("C-2", NEW, P2)]
    with tenant_context(tenant.pk):
        assert entry is not None
        profile_undo.undo(entry.pk, user_id=alice.user.pk)
    assert people(tenant) == [("C-1", OLD, P1)]


def test_a_value_that_was_removed_still_names_its_person(alice: Actor) -> None:
    tenant = alice.workspace
    bring(tenant, f"{HEAD}C-1,{OLD},{P1}\n")
    with tenant_context(tenant.pk):
        contact = Contact.objects.get()
        edit.change(contact.pk, {"email": None}, seen=contact.changed_at, user_id=alice.user.pk)
    imp = bring(tenant, f"external id,email,city\n,{OLD},Riga\n")
    assert (imp.updated, people(tenant)) == (1, [("C-1", None, P1)])


def test_two_who_had_it(tenant: Tenant) -> None:
    """An address that two contacts have had leads to neither."""
    bring(tenant, f"{HEAD}C-1,{OLD},\nC-2,{OLD},\n")
    bring(tenant, f"{HEAD}C-1,a@example.com,\nC-2,b@example.com,\n")
    imp = bring(tenant, f"{HEAD},{OLD},\n")
    assert (imp.created, len(people(tenant))) == (1, 3)


def test_a_plan_that_is_made_again_reads_the_rows_as_they_came(alice: Actor) -> None:
    """A merge that is undone between review and start: its alias leads nowhere any more."""
    tenant = alice.workspace
    bring(tenant, f"{HEAD}C-1,{NEW},\nC-2,{OLD},\n")
    with tenant_context(tenant.pk):
        made = merge.merge(list(Contact.objects.values_list("pk", flat=True)), user_id=alice.user.pk)
        assert made is not None
    imp = bring(tenant, "external id,email,city\nC-2,,Riga\nC-1,,Oslo\n", review=True)
    with tenant_context(tenant.pk):
        merge.undo(made.pk, user_id=alice.user.pk)
    alice.post(f"imports/{imp.pk}/confirm/")
    imp = work(tenant, imp)
    if not imp.ended:  # the figures differ from those that were agreed to
        alice.post(f"imports/{imp.pk}/confirm/")
        imp = work(tenant, imp)
    with tenant_context(tenant.pk):
        cities = {c.external_id: c.attributes.get("city") for c in Contact.objects.living()}
    assert (imp.status, cities) == ("imported", {"C-1": "Oslo", "C-2": "Riga"})


def test_merging_people_with_the_same_alias(alice: Actor) -> None:
    tenant = alice.workspace
    bring(tenant, f"{HEAD}C-1,{OLD},\nC-2,{OLD},\n")
    bring(tenant, f"{HEAD}C-1,a@example.com,\nC-2,b@example.com,\n")
    with tenant_context(tenant.pk):
        made = merge.merge(list(Contact.objects.values_list("pk", flat=True)), user_id=alice.user.pk)
        assert made is not None
    imp = bring(tenant, f"{HEAD},{OLD},\n")
    assert (imp.created, len(people(tenant))) == (0, 1)
    with tenant_context(tenant.pk):
        merge.undo(made.pk, user_id=alice.user.pk)
        assert Alias.objects.filter(kind="email", value=OLD).count() == 2


def test_the_visitor_with_the_old_address_is_tied(changed: Tenant) -> None:
    with tenant_context(changed.pk):
        contact = Contact.objects.get()
        assert hits.contacts_named(changed.pk, [("email", OLD), ("phone", P1)]) == {
            ("email", OLD): [contact.pk],
            ("phone", P1): [contact.pk],
        }
        other = Contact.objects.create(email=OLD, origin="manual")
        assert hits.contacts_named(changed.pk, [("email", OLD)]) == {("email", OLD): [other.pk]}


def test_a_visitor_that_waits_is_tied_by_an_alias(changed: Tenant) -> None:
    with tenant_context(changed.pk):
        now = timezone.now()
        site = Site.objects.create(name="shop", key=f"k{changed.pk}")
        visitor = Visitor.objects.create(
            site_id=site.pk, device=f"00000000-0000-4000-8000-{changed.pk:012}", first_seen=now, last_seen=now
        )
        VisitorIdentifier.objects.create(
            tenant_id=changed.pk, visitor_id=visitor.pk, kind="email", value=OLD, seen_at=now
        )
    bring(changed, "external id,city\nC-1,Riga\n")
    with tenant_context(changed.pk):
        visitor.refresh_from_db()
        assert visitor.contact_id == Contact.objects.get().pk


# --- kept away by what they were --------------------------------------------------------------------------------------

GONE = [f"C-1,{OLD},", f",{OLD},", f",{NEW},", f",,{P1}", f",,{P2}", "C-1,other@example.com,"]


@pytest.mark.parametrize("row", GONE)
def test_deleted_after_changes(changed: Tenant, row: str) -> None:
    with tenant_context(changed.pk):
        Contact.objects.update(deleted_at=timezone.now(), deleted_reason="asked")
    imp = bring(changed, f"{HEAD}{row}\n")
    assert (imp.skipped, codes(changed, imp), people(changed)) == (1, ["contact_deleted"], [])


@pytest.mark.parametrize("row", [f"C-1,{NEW},", f"C-2,{OLD},", f",{NEW},", f",{OLD},", "C-1,,", "C-2,,"])
@pytest.mark.parametrize("erased", [False, True])
def test_deleted_after_a_merge(alice: Actor, row: str, erased: bool) -> None:
    tenant = alice.workspace
    bring(tenant, f"{HEAD}C-1,{NEW},\nC-2,{OLD},\n")
    with tenant_context(tenant.pk):
        made = merge.merge(list(Contact.objects.values_list("pk", flat=True)), user_id=alice.user.pk)
        assert made is not None
        quick_actions.delete(made.contact_id, reason="asked", user_id=alice.user.pk)
        if erased:
            action = actions.begin("erase", {"ids": [made.contact_id], "show": "deleted"}, user_id=alice.user.pk)
    if erased:
        actions.work(tenant.pk, action.pk)
    imp = bring(tenant, f"{HEAD}{row}\n")
    assert (imp.skipped, people(tenant)) == (1, [])
    assert codes(tenant, imp) == ["contact_suppressed" if erased else "contact_deleted"]


@pytest.mark.parametrize("row", GONE)
def test_erased_after_changes(changed: Tenant, alice: Actor, row: str) -> None:
    _erase_all(changed, alice.user.pk)
    imp = bring(changed, f"{HEAD}{row}\n")
    assert (imp.skipped, codes(changed, imp), people(changed)) == (1, ["contact_suppressed"], [])


def _erase_all(tenant: Tenant, user_id: int) -> None:
    with tenant_context(tenant.pk):
        Contact.objects.update(deleted_at=timezone.now(), deleted_reason="asked")
        ids = list(Contact.objects.values_list("pk", flat=True))
        action: BulkAction = actions.begin("erase", {"ids": ids, "show": "deleted"}, user_id=user_id)
    actions.work(tenant.pk, action.pk)


def test_an_erased_address_does_not_come_back_with_somebody_else(changed: Tenant, alice: Actor) -> None:
    _erase_all(changed, alice.user.pk)
    bring(changed, f"{HEAD}C-5,five@example.com,\n")
    imp = bring(changed, f"{HEAD}C-5,{OLD},\n")
    assert (imp.skipped, codes(changed, imp)) == (1, ["contact_suppressed"])
    assert people(changed) == [("C-5", "five@example.com", None)]


def test_who_had_the_address_of_an_erased_person_keeps_it(tenant: Tenant, alice: Actor) -> None:
    bring(tenant, f"{HEAD}C-1,{OLD},\nC-2,{OLD},\n")
    with tenant_context(tenant.pk):
        Contact.objects.filter(external_id="C-1").update(deleted_at=timezone.now(), deleted_reason="asked")
        ids = list(Contact.objects.filter(external_id="C-1").values_list("pk", flat=True))
        action = actions.begin("erase", {"ids": ids, "show": "deleted"}, user_id=alice.user.pk)
    actions.work(tenant.pk, action.pk)
    imp = bring(tenant, f"external id,email,city\nC-2,{OLD},Riga\n")
    assert (imp.updated, people(tenant)) == (1, [("C-2", OLD, None)])


def test_nobody_enters_them_by_hand(changed: Tenant, alice: Actor) -> None:
    with tenant_context(changed.pk):
        Contact.objects.update(deleted_at=timezone.now(), deleted_reason="asked")
        for values in ({"email": (OLD, OLD)}, {"email": (NEW, NEW)}, {"phone": (P1, P1)}, {"external_id": "C-1"}):
            with pytest.raises(NotAllowed, match="was deleted"):
                edit.create(values, user_id=alice.user.pk)
        # A phone alone does not say who somebody is.
        assert edit.create({"email": ("x@example.com",) * 2, "phone": (P1, P1)}, user_id=alice.user.pk).pk


def test_an_erased_address_is_not_given_by_hand(changed: Tenant, alice: Actor) -> None:
    _erase_all(changed, alice.user.pk)
    with tenant_context(changed.pk):
        other = Contact.objects.create(email="x@example.com", origin="manual")
        values: dict[str, Any]
        for values in ({"email": (OLD, OLD)}, {"phone": (P2, P2)}, {"external_id": "C-1"}):
            with pytest.raises(NotAllowed, match="erased"):
                edit.change(other.pk, values, seen=other.changed_at, user_id=alice.user.pk)


@pytest.mark.parametrize("way", ["one", "many", "undo of a deletion"])
def test_a_restore_does_not_bring_back_an_erased_address(alice: Actor, way: str) -> None:
    tenant, by = alice.workspace, alice.user.pk
    with tenant_context(tenant.pk):
        gone = Contact.objects.create(email=OLD, origin="manual", email_status="unsubscribed", external_id="C-8")
        action = actions.begin("delete", {"ids": [gone.pk]}, user_id=by, reason="asked")
    actions.work(tenant.pk, action.pk)
    with tenant_context(tenant.pk):
        suppression.add([("email", OLD)])
        if way == "one":
            with pytest.raises(NotAllowed, match="erased"):
                quick_actions.restore(gone.pk, user_id=by)
        elif way == "many":
            action = actions.begin("restore", {"ids": [gone.pk], "show": "deleted"}, user_id=by)
        else:
            actions.undo(action.pk, user_id=by)
    actions.work(tenant.pk, action.pk)
    assert people(tenant) == []


@pytest.mark.parametrize("email", [OLD, NEW])
def test_a_form_brings_nobody_back_before_the_press(changed: Tenant, email: str) -> None:
    with tenant_context(changed.pk):
        Contact.objects.update(deleted_at=timezone.now(), deleted_reason="asked")
        form = SignupForm.objects.create(key=signup.new_key(changed.pk), title="News", wording="I agree.")
        signup.ask(form, email=email, name="")
        assert Contact.objects.living().count() == 0
        signup.confirm(signup.SignupRequest(changed.pk, form.pk, email, ""))
        assert Contact.objects.living().get().email == email


def test_a_restored_person_is_found_by_an_alias(changed: Tenant) -> None:
    with tenant_context(changed.pk):
        Contact.objects.update(deleted_at=timezone.now(), deleted_reason="asked")
    imp = bring(changed, f"{HEAD},{OLD},\n", deleted="restore")
    assert (imp.updated, people(changed)) == (1, [("C-1", NEW, P2)])


def test_an_undone_import_leaves_no_alias_to_nobody(tenant: Tenant) -> None:
    imp = bring(tenant, f"{HEAD}C-1,{OLD},{P1}\nC-1,{NEW},{P2}\n")
    with tenant_context(tenant.pk):
        undo.request(imp, "undo", user=None)
    work(tenant, imp)
    assert people(tenant) == []
    again = bring(tenant, f"{HEAD},{OLD},\n")
    assert (again.created, people(tenant)) == (1, [(None, OLD, None)])


def test_what_was_replaced_before_there_were_aliases_becomes_one(changed: Tenant, alice: Actor) -> None:
    with tenant_context(changed.pk):
        contact = Contact.objects.get()
        edit.change(contact.pk, {"external_id": "C-2"}, seen=contact.changed_at, user_id=alice.user.pk)
        Alias.objects.all().delete()
        migration = import_module("imports.migrations.0007_aliases_of_before")
        with connection.cursor() as cursor:
            for statement in (migration.FROM_IMPORTS, migration.FROM_EDITS, migration.FROM_IMPORTS):
                cursor.execute(statement, {"tenant": changed.pk})
    assert aliases(changed) == {("email", OLD), ("phone", P1), ("external_id", "C-1")}
