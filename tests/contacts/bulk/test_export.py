"""What the database writes into a file of contacts is what Python would write."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from contacts.bulk import export
from contacts.models import BulkAction, Contact
from tenants.isolation.context import tenant_context
from tests.cast import Actor

MOMENTS = (
    datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    datetime(2026, 1, 2, 3, 4, 5, 1, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC),
    datetime(999, 1, 1, tzinfo=UTC),
)


def written(who: Actor, **selection: object) -> list[dict[str, str]]:
    file = io.StringIO()
    action = BulkAction(kind="export", selection=selection, options={"mode": "raw", "mark": False})
    with tenant_context(who.workspace.pk):
        export.write(file, action)
    return list(csv.DictReader(io.StringIO(file.getvalue())))


@pytest.mark.parametrize("moment", MOMENTS)
def test_times_are_written_as_python_does(alice: Actor, moment: datetime) -> None:
    with tenant_context(alice.workspace.pk):
        contact = Contact.objects.create(origin="manual", created_at=moment, changed_at=moment)
    (line,) = [line for line in written(alice, all=True) if line["Contact ID"] == str(contact.pk)]
    assert (line["Created at"], line["Changed at"]) == (moment.isoformat(), moment.isoformat())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"), (Decimal("12.10"), "12.10"), (Decimal("12345678901234567890.12"), "12345678901234567890.12"),
        (12345678901234567890123, "12345678901234567890123"), (True, "yes"), (["a", "b"], "a|b"), ("", ""), (None, ""),
        ({"deep": [Decimal("0.10")]}, "{'deep': [Decimal('0.10')]}"),
    ],
)  # fmt: skip
def test_values_keep_their_digits(alice: Actor, value: object, text: str) -> None:
    with tenant_context(alice.workspace.pk):
        contact = Contact.objects.create(origin="manual", attributes={"city": value})
    (line,) = written(alice, ids=[contact.pk])
    assert line["City"] == text


def test_a_form_as_written_is_shown_before_the_one_for_matching(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        written_forms = {"email": "anna@example.com", "email_written": "Anna@Example.com", "phone": "+442079460018"}
        contact = Contact.objects.create(origin="manual", **written_forms)
    (line,) = written(alice, ids=[contact.pk])
    assert (line["E-mail"], line["Phone"]) == ("Anna@Example.com", "+442079460018")
