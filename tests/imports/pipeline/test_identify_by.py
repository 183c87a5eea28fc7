"""Which identifiers say who a row is: the order of the workspace, and an import that narrows it."""

import pytest

from contacts.models import Contact
from imports.models import Import, RowIssue
from imports.wizard import column_choices
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.imports.helpers import bring, proved

KNOWN = (
    "email,phone,external_id,first_name\nann@example.com,+447400000001,C-1,Ann\nbob@example.com,+447400000002,C-2,Bob\n"
)


def names(tenant: Tenant) -> list[tuple[str, str | None, str | None]]:
    with tenant_context(tenant.pk):
        return sorted(Contact.objects.values_list("first_name", "email", "phone"))


def codes(tenant: Tenant, imp: Import) -> list[str]:
    with tenant_context(tenant.pk):
        return sorted(RowIssue.objects.filter(import_id=imp.pk).values_list("code", flat=True))


@pytest.mark.parametrize(
    ("identify_by", "outcome"),
    [
        # e-mail of Ann and phone of Bob: two people, unless only one of the two is asked
        ("all", {"in_error": 1}),
        ("email", {"updated": 1}),
        ("phone", {"updated": 1}),
        # nothing that counts
        ("external_id", {"in_error": 1}),
    ],
)
def test_an_import_narrows_it(tenant: Tenant, identify_by: str, outcome: dict[str, int]) -> None:
    bring(tenant, KNOWN)
    done = bring(tenant, "email,phone,external_id,city\nann@example.com,+447400000002,,Riga\n", identify_by=identify_by)
    assert {name: getattr(done, name) for name in outcome} == outcome
    proved(tenant, done)
    with tenant_context(tenant.pk):
        moved = list(Contact.objects.filter(attributes__city="Riga").values_list("first_name", flat=True))
    assert moved == {"email": ["Ann"], "phone": ["Bob"]}.get(identify_by, [])


def test_a_row_without_what_is_asked_is_in_error(tenant: Tenant) -> None:
    rows = "email,phone,external_id\n,+447400000009,\nnew@example.com,,\n,+447400000010,C-9\nx@example.com,bad,\n"
    done = bring(tenant, rows, identify_by="email")
    assert (done.created, done.in_error) == (2, 2)
    assert codes(tenant, done) == ["no_identifier", "not_a_phone"]
    proved(tenant, done)


def test_a_bad_value_is_left_out_and_the_rest_must_still_say_who(tenant: Tenant) -> None:
    done = bring(tenant, "email,phone\nnobody,+447400000009\n", identify_by="email", bad_value="drop")
    assert (done.created, done.in_error) == (0, 1)


def test_two_rows_of_one_phone_are_two_people_when_phones_do_not_count(tenant: Tenant) -> None:
    done = bring(tenant, "email,phone\na@example.com,+447400000009\nb@example.com,+447400000009\n", identify_by="email")
    assert (done.created, done.duplicates) == (2, 0)


def test_a_file_without_such_a_column_cannot_start(tenant: Tenant) -> None:
    with pytest.raises(column_choices.BadMapping, match="No column is mapped to E-mail or External ID"):
        bring(tenant, "phone,first_name\n+447400000009,Ann\n", identify_by="email")


@pytest.mark.parametrize("order", ["external_id,email,phone", "phone,external_id,email", "email,phone,external_id"])
def test_in_any_order_a_contradiction_is_told_and_never_guessed(tenant: Tenant, order: str) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(identifier_order=order)
    bring(tenant, "email,phone,first_name\nann@example.com,,Ann\n,+447400000002,Bob\n")
    done = bring(tenant, "email,phone,city\nann@example.com,+447400000002,Riga\n")
    assert (done.updated, done.in_error) == (0, 1)
    done = bring(tenant, "email,phone,city\nann@example.com,+447400000003,Riga\n")
    assert done.updated == 1
    assert names(tenant)[0] == ("Ann", "ann@example.com", "+447400000003")
