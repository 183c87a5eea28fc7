"""Ads consent of contacts: how it comes to them, that it becomes stricter only, and who may be used for ads."""

from typing import Any

import pytest

from contacts.consent import ads_consent, consent_records
from contacts.duplicates import merge
from contacts.models import Attribute, ConsentPurpose, ConsentRecord, Contact
from contacts.profile import quick_actions
from imports.cleaning import consent_columns
from imports.wizard.column_choices import BadMapping
from segments.rules import compiler
from segments.rules.tree import FieldCondition, Group
from tenants.isolation.context import tenant_context
from tenants.isolation.statements import fetch
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import bring, flat


def consents(tenant: Tenant) -> dict[str, str | None]:
    with tenant_context(tenant.pk):
        return {c.email: c.attributes.get("ads_consent") for c in Contact.objects.living()}


def made(email: str | None, consent: str | None = None, **values: Any) -> Contact:
    own = {"attributes": {"ads_consent": consent} if consent else {}, "origin": "manual"}
    contact: Contact = Contact.objects.create(email=email, **own | values)
    return contact


# --- imports ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Ads consent", "ads_consent", "ad_user_data", "ads opt-in", "Personalised ads"])
def test_a_file_brings_it(tenant: Tenant, name: str) -> None:
    bring(tenant, f"email,{name}\na@example.com,granted\nb@example.com,no\nc@example.com,\n")
    assert consents(tenant) == {"a@example.com": "granted", "b@example.com": "denied", "c@example.com": None}


@pytest.mark.parametrize("name", ["Ads opt-out", "Do not sell"])
def test_a_column_of_refusals_is_not_read_as_agreement(tenant: Tenant, name: str) -> None:
    bring(tenant, f"email,{name}\na@example.com,yes\nb@example.com,no\n")
    assert consents(tenant) == {"a@example.com": "denied", "b@example.com": None}


def test_such_a_column_is_not_passed_over_without_a_word(tenant: Tenant) -> None:
    with pytest.raises(BadMapping, match="consent"):
        bring(tenant, "email,ad_user_data,ad_personalization\na@example.com,granted,denied\n")
    assert consent_columns.looks_like("ad_personalization", ["granted"])
    assert consent_columns.meaning("ads consent date") is None


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        ("granted", "denied", "denied"),
        ("denied", "granted", "denied"),
        ("denied", "", "denied"),
        ("granted", "", "granted"),
    ],
)
@pytest.mark.parametrize("existing", ["overwrite", "only_empty"])
def test_a_file_makes_it_stricter_only(tenant: Tenant, before: str, said: str, after: str, existing: str) -> None:
    bring(tenant, f"email,Ads consent\na@example.com,{before}\n")
    bring(tenant, f"email,Ads consent,City\na@example.com,{said},Riga\n", existing=existing)
    assert consents(tenant) == {"a@example.com": after}
    with tenant_context(tenant.pk):
        assert Contact.objects.get().attributes["city"] == "Riga"


def test_a_blank_clears_an_agreement_and_no_refusal(tenant: Tenant) -> None:
    bring(tenant, "email,Ads consent\na@example.com,granted\nb@example.com,denied\n")
    bring(tenant, "email,Ads consent\na@example.com,\nb@example.com,\n", blank="clear")
    assert consents(tenant) == {"a@example.com": None, "b@example.com": "denied"}


def test_only_who_says_so_lets_a_file_be_milder(tenant: Tenant) -> None:
    bring(tenant, "email,Ads consent\na@example.com,denied\n")
    bring(tenant, "email,Ads consent\na@example.com,granted\n", consent="file")
    assert consents(tenant) == {"a@example.com": "granted"}


@pytest.mark.parametrize("rows", [("granted", "denied"), ("denied", "granted"), ("denied", "")])
@pytest.mark.parametrize("duplicates", ["first", "last"])
def test_rows_of_one_person_say_no_if_one_of_them_does(tenant: Tenant, rows: tuple[str, str], duplicates: str) -> None:
    lines = "".join(f"a@example.com,{value}\n" for value in rows)
    bring(tenant, f"email,Ads consent\n{lines}", duplicates=duplicates)
    assert consents(tenant) == {"a@example.com": "denied"}


def test_no_field_of_a_workspace_can_be_of_that_type(alice: Actor) -> None:
    response = alice.post("contacts/fields/new/", {"label": "Mine", "type": "consent", "options": ""})
    assert response.status_code in (200, 404, 405, 422)
    with tenant_context(alice.workspace.pk):
        assert not Attribute.objects.exists()


# --- pages, merges, records ---------------------------------------------------------------------------------------------


def test_a_form_asks_and_a_profile_says(alice: Actor) -> None:
    page = alice.get("contacts/new/").content.decode()
    assert "Agreed to ads" in page
    assert "Never asked" in page
    alice.post("contacts/new/", {"email": "a@example.com", "ads_consent": "denied", "consent": "on"})
    assert consents(alice.workspace) == {"a@example.com": "denied"}
    with tenant_context(alice.workspace.pk):
        pk = Contact.objects.get().pk
    assert "Refused ads" in flat(alice.get(f"contacts/{pk}/?tab=attributes").content.decode())


@pytest.mark.parametrize("rule", ["newest", "oldest", "fullest"])
@pytest.mark.parametrize(("mine", "theirs"), [("granted", "denied"), ("denied", "granted"), ("denied", None)])
def test_a_merge_keeps_the_strictest_answer(inside: Tenant, rule: str, mine: str, theirs: str | None) -> None:
    a, b = made("a@example.com", mine), made("b@example.com", theirs, first_name="Bea")
    merge.merge([a.pk, b.pk], rule=rule, chosen={"ads_consent": a.pk if mine == "granted" else b.pk}, user_id=None)
    assert Contact.objects.living().get().attributes["ads_consent"] == "denied"


def test_a_record_of_ads_consent_sets_the_field(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        a = made("a@example.com", "denied")
        now = a.created_at
        consent_records.add(a.pk, wording="Show me letters.", at=now, user_id=alice.user.pk)
        assert Contact.objects.get().attributes["ads_consent"] == "denied"
        consent_records.add(a.pk, wording="Show me ads.", at=now, user_id=alice.user.pk, purpose=ConsentPurpose.ADS)
        assert Contact.objects.get().attributes["ads_consent"] == "granted"
        assert list(ConsentRecord.objects.order_by("pk").values_list("purpose", flat=True)) == ["email", "ads"]
    assert "Ads consent given" in flat(alice.get(f"contacts/{a.pk}/history/").content.decode())


def test_a_rule_asks_for_it(inside: Tenant) -> None:
    a, b, c = made("a@example.com", "granted"), made("b@example.com", "denied"), made("c@example.com")

    def found(*condition: Any) -> set[int]:
        rule = Group("all", (FieldCondition(*condition),))
        return set(Contact.objects.filter(compiler.compile_rule(rule)).values_list("pk", flat=True))

    assert found("ads_consent", "is", ("granted",)) == {a.pk}
    assert found("ads_consent", "is_not", ("granted",)) == {b.pk, c.pk}
    assert found("ads_consent", "empty") == {c.pk}


# --- who may be used for ads --------------------------------------------------------------------------------------------


def may_be_used() -> set[str]:
    rows = fetch(f"SELECT c.first_name FROM contact c WHERE c.tenant_id = %(tenant)s AND {ads_consent.permitted('c')}")
    return {name for (name,) in rows}


def test_who_may_be_used_for_ads(inside: Tenant) -> None:
    made("a@example.com", "granted", first_name="agreed")
    made("b@example.com", "denied", first_name="refused")
    made("c@example.com", first_name="never asked")
    for status in ("unsubscribed", "spam", "blacklisted"):
        made(f"{status}@example.com", "granted", first_name=status, email_status=status)
    made("d@example.com", "granted", first_name="not confirmed", email_status="not_confirmed")
    made(None, "granted", first_name="phone", phone="+4420794600")
    made(None, "granted", first_name="silent phone", phone="+4420794601", phone_status="blacklisted")
    made("e@example.com", "granted", first_name="phone of a refuser", phone="+4420794602")
    made(None, "denied", first_name="refuser", phone="+4420794602")
    made("f@example.com", "granted", first_name="address of a refuser")
    made("f@example.com", "denied", first_name="the refuser", external_id="2")
    made("g@example.com", "granted", first_name="address of someone deleted")
    deleted = made("g@example.com", "denied", first_name="deleted", external_id="3")
    quick_actions.delete(deleted.pk, reason="asked", user_id=None)  # type: ignore[arg-type]
    assert may_be_used() == {"agreed", "not confirmed", "phone"}


def test_who_agrees_after_a_merge_is_not_bound_by_what_was_merged_into_it(inside: Tenant) -> None:
    one = made("h@example.com", "granted", first_name="merged")
    two = made("h@example.com", "denied", first_name="the same person", external_id="4")
    merge.merge([one.pk, two.pk], user_id=None, survivor=one.pk)
    assert may_be_used() == set()
    one.refresh_from_db()
    one.attributes = {**one.attributes, "ads_consent": "granted"}
    one.save(update_fields=["attributes"])
    assert may_be_used() == {one.first_name}


def test_refusals_of_another_workspace_do_not_count(tenant: Tenant, charlie: Actor) -> None:
    with tenant_context(charlie.workspace.pk):
        made("a@example.com", "denied")
    with tenant_context(tenant.pk):
        made("a@example.com", "granted", first_name="mine")
        assert may_be_used() == {"mine"}
