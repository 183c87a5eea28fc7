"""Cells as other programs and people leave them: read, or refused with the reason that is true."""

import importlib
from typing import Any

import pytest
from django.db import connection

from contacts.listing.search_box import condition
from contacts.models import BlacklistEntry, Contact
from imports.models import Import, RowIssue
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.contacts.bulk.test_actions import exported
from tests.imports.helpers import bring, proved


def contacts(tenant: Tenant, *fields: str) -> list[Any]:
    with tenant_context(tenant.pk):
        return list(Contact.objects.living().order_by("pk").values_list(*fields, flat=len(fields) == 1))


def codes(tenant: Tenant, imp: Import) -> list[str]:
    with tenant_context(tenant.pk):
        return list(RowIssue.objects.filter(import_id=imp.pk).order_by("row_no").values_list("code", flat=True))


def cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


@pytest.mark.parametrize(
    ("text", "normal", "written"),
    [
        ("'jane@example.com'", "jane@example.com", None),
        ("'Jane@example.com", "jane@example.com", "Jane@example.com"),
        ("a4@example.com;", "a4@example.com", None),
        ("Jane <Jane@Example.com>", "jane@example.com", "Jane@Example.com"),
        ("mailto:jane@example.com?subject=x", "jane@example.com", None),
        ("'+jane@example.com", "+jane@example.com", None),
    ],
)
def test_addresses(tenant: Tenant, text: str, normal: str, written: str | None) -> None:
    imp = bring(tenant, f"email,city\n{cell(text)},Riga\n")
    proved(tenant, imp)
    assert contacts(tenant, "email", "email_written") == [(normal, written)]


@pytest.mark.parametrize(
    ("text", "normal", "written"),
    [
        ("442079460018.0", "+442079460018", "442079460018"),
        ("'02079460018", "+442079460018", "02079460018"),
        ("+44 20 7946 0018 (home)", "+442079460018", "+44 20 7946 0018 (home)"),
        ("020 7946 0018 (Anna)", "+442079460018", "020 7946 0018 (Anna)"),
        ("tel:+442079460018", "+442079460018", "tel:+442079460018"),
        ("'+442079460018'", "+442079460018", None),
        ("020 7946 0018 x12", "+442079460018;ext=12", "020 7946 0018 x12"),
    ],
)
def test_phones(tenant: Tenant, text: str, normal: str, written: str | None) -> None:
    imp = bring(tenant, f"phone,city\n{cell(text)},Riga\n")
    proved(tenant, imp)
    assert contacts(tenant, "phone", "phone_written") == [(normal, written)]


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("phone", "1-800-FLOWERS", "phone_with_letters"),
        ("phone", "020 7946 0018 / 020 7946 0019", "several_phones"),
        ("phone", "4.4E+11", "phone_damaged_by_spreadsheet"),
        ("phone", "Anna", "not_a_phone"),
        ("email", "a@example.com; b@example.com", "several_emails"),
        ("email", "a4@example", "email_domain_incomplete"),
    ],
)
def test_reasons(tenant: Tenant, column: str, text: str, code: str) -> None:
    imp = bring(tenant, f"{column},city\n{cell(text)},Riga\n", country="GB")
    assert codes(tenant, imp) == [code]


def test_digits_that_a_spreadsheet_has_marked_as_text(tenant: Tenant) -> None:
    maps = {"code": "new:text:code", "day": "new:date:day", "n": "new:integer:n"}
    bring(tenant, "email,code,day,n\na@example.com,'0123,'2024-05-31,'42\nb@example.com,'t Hooft,,\n", maps=maps)
    assert contacts(tenant, "attributes") == [{"code": "0123", "day": "2024-05-31", "n": 42}, {"code": "'t Hooft"}]


def test_two_people_behind_one_number(alice: Actor) -> None:
    rows = "first name,phone\nAnna,+1 212 736 5000 x101\nBob,+1 212 736 5000 x102\nCarl,+1 212 736 5000\n"
    imp = bring(alice.workspace, rows, country="US")
    proved(alice.workspace, imp)
    assert imp.created == 3
    assert bring(alice.workspace, rows, country="US").unchanged == 3
    with tenant_context(alice.workspace.pk):
        anna, bob, _carl = Contact.objects.order_by("pk")
        assert list(
            Contact.objects.filter(condition("+1 212 736 5000 ext 101", region="US")).values_list("pk", flat=True)
        ) == [anna.pk]
        assert Contact.objects.filter(condition("2127365000", region="US")).count() == 3
        Contact.objects.filter(pk=bob.pk).update(phone_written=None)
        bob.refresh_from_db()
        assert bob.phone_display == "+12127365000 ext. 102"
    page = alice.get(f"contacts/{anna.pk}/").content.decode()
    assert "+1 212 736 5000 x101" in page
    assert "Extension: cannot receive text messages" in page
    _action, out = exported(alice)
    again = bring(alice.workspace, "\n".join(",".join(map(cell, row)) for row in out))
    assert (again.unchanged, again.in_error) == (3, 0)


def test_one_line_has_one_form(tenant: Tenant) -> None:
    numbers = ["+52 1 55 1234 5678", "+52 55 1234 5678", "+54 9 11 2345-6789", "+54 11 2345-6789"]
    imp = bring(tenant, "first name,phone\n" + "".join(f"P{i},{n}\n" for i, n in enumerate(numbers)))
    proved(tenant, imp)
    assert (imp.created, imp.duplicates, imp.in_error) == (2, 2, 0)
    assert contacts(tenant, "phone") == ["+525512345678", "+5491123456789"]
    with tenant_context(tenant.pk):
        for number in numbers:
            assert Contact.objects.filter(condition(number, region=None)).count() == 1


def test_what_is_stored_already_takes_the_forms_of_today(inside: Tenant) -> None:
    migration = importlib.import_module("imports.migrations.0009_forms_of_today")
    Contact.objects.create(phone="+541123456789", origin="manual", first_name="Jose\u0301",
                           attributes={"city": "Zu\u0308rich", "n": 12})  # fmt: skip
    Contact.objects.create(phone="+5491123456789", origin="manual", attributes={})
    Contact.objects.create(phone="+548008881234", origin="manual", attributes={})
    for value in ("+541123456789", "+5491123456789", "+541143211234", "+442079460018"):
        BlacklistEntry.objects.create(kind="phone", value=value)
    with connection.cursor() as cursor:
        migration.renew(cursor, inside.pk)
        migration.renew(cursor, inside.pk)
    first, second, third = Contact.objects.order_by("pk")
    assert (first.phone, first.phone_written, first.first_name) == ("+5491123456789", "+541123456789", "José")
    assert first.attributes == {"city": "Zürich", "n": 12}
    assert (second.phone, second.phone_written) == ("+5491123456789", None)
    assert third.phone == "+548008881234"
    listed = BlacklistEntry.objects.order_by("value").values_list("value", flat=True)
    assert list(listed) == ["+442079460018", "+5491123456789", "+5491143211234"]
