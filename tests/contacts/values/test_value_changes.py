"""The JSON of changed values: what is written into an entry is read from the same position."""

from django.utils import timezone

from contacts.models import Contact
from contacts.values import value_changes
from contacts.values.value_changes import DELETED, Companion, DeletedPart, Side, StatusPart
from tenants.isolation.statements import fetch
from tenants.models import Tenant


def test_sides_in_python() -> None:
    entry = {"email": ["old@example.com", "new@example.com", "Old@example.com", None]}
    assert value_changes.sides(entry, "email") == ("old@example.com", "new@example.com")
    assert value_changes.sides(entry, "phone") == value_changes.sides(None, "phone") == (None, None)


def test_each_position_is_read_as_it_was_written(inside: Tenant) -> None:
    Contact.objects.create(
        email="old@example.com", email_written="Old@example.com", email_status="spam", email_status_reason="hook",
        deleted_at=timezone.now(), deleted_reason="Other",
    )  # fmt: skip
    written = " || ".join(
        [
            value_changes.entry("email", value_changes.column("email")),
            value_changes.entry("email_status", value_changes.status("email", "'active'", reason="'address'")),
            value_changes.entry(DELETED, value_changes.deletion()),
        ]
    )
    expected = {
        ("email", Side.BEFORE): "old@example.com",
        ("email", Side.AFTER): "new@example.com",
        ("email", Companion.BEFORE): "Old@example.com",
        ("email", Companion.AFTER): "New@example.com",
        ("email_status", Side.BEFORE): "spam",
        ("email_status", Side.AFTER): "active",
        ("email_status", StatusPart.REASON): "hook",
        ("email_status", StatusPart.NEW_REASON): "address",
        (DELETED, Side.AFTER): None,
        (DELETED, DeletedPart.REASON): "Other",
    }
    read = ", ".join(value_changes.read("x.changed", key, position) for key, position in expected)
    statement = f"""
SELECT {read} FROM (SELECT {written} AS changed FROM contact c
  CROSS JOIN (SELECT 'new@example.com' AS email, 'New@example.com' AS email_written) s
  WHERE c.tenant_id = %(tenant)s) x"""
    assert fetch(statement) == [tuple(expected.values())]


def test_the_current_values_have_the_keys_of_entries(inside: Tenant) -> None:
    Contact.objects.create(email="ann@example.com", attributes={"city": "Riga"})
    [(keys,)] = fetch(
        f"SELECT array(SELECT jsonb_object_keys({value_changes.current()})) FROM contact c WHERE c.tenant_id = %(tenant)s"
    )
    assert sorted(keys) == sorted([*value_changes.OWN_KEYS, "city"])
