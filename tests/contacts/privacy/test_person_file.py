"""Everything about one person as a file: complete, of nobody else, and only for who may."""

import json
from collections.abc import Callable
from typing import Any

from contacts.extensions import contact_data
from contacts.models import Contact
from contacts.privacy import person_file
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.imports.helpers import bring
from tests.tenants.isolation.test_isolation import fill

FILE = "email,first_name,phone\nann@example.com,Ann,+447911123456\nben@example.com,Ben,+447911123457\n"


def contact(who: Actor, email: str) -> int:
    with tenant_context(who.workspace.pk):
        return int(Contact.objects.get(email=email).pk)


def made(who: Actor, pk: int) -> dict[str, Any]:
    answer = who.post(f"contacts/{pk}/file/")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="contact-{pk}.json"'
    found: dict[str, Any] = json.loads(answer.content)
    return found


def test_every_table_with_data_about_people_is_in_the_file_or_says_why_not() -> None:
    tables = {table for provider in contact_data().values() for table in provider.TABLES}
    assert set(person_file.NOT_IN_FILE) <= tables
    assert all(person_file.NOT_IN_FILE.values())


def test_it_says_each_value_with_the_file_and_the_row_it_came_from(alice: Actor) -> None:
    bring(alice.workspace, FILE, segment="Everybody", user=alice.user)
    bring(alice.workspace, FILE.replace("Ann", "Anna"), user=alice.user)
    ann = contact(alice, "ann@example.com")
    alice.post(f"contacts/{ann}/edit/", {"first_name": "Anne", "email": "ann@example.com", "phone": "+447911123456"})
    tables = made(alice, ann)["tables"]
    assert [row["email"] for row in tables["contact"]] == ["ann@example.com"]
    assert {row["segment"] for row in tables["segment_member"]} == {"Everybody"}
    assert [(row["row_no"], bool(row["import"])) for row in tables["touched"]] == [(2, True)] * 2, (
        "line 2 of both files"
    )
    assert any("Anna" in str(row["changed"]) for row in tables["touched"])


def test_it_has_nothing_of_anybody_else(alice: Actor, charlie: Actor) -> None:
    for who in (alice, charlie):
        bring(who.workspace, FILE, segment="Everybody", user=who.user)
    with tenant_context(alice.workspace.pk):
        fill(alice)
    text = json.dumps(made(alice, contact(alice, "ann@example.com")))
    assert "ben@example.com" not in text
    assert "447911123457" not in text
    assert "tenant_id" not in text
    assert alice.post(f"contacts/{contact(charlie, 'ann@example.com')}/file/").status_code == 404


def test_it_is_for_admins_and_noted(alice: Actor, member: Callable[[str], Actor]) -> None:
    bring(alice.workspace, FILE, user=alice.user)
    ann = contact(alice, "ann@example.com")
    for role, status in (("viewer", 404), ("ops", 404), ("marketer", 404), ("admin", 200)):
        assert member(role).post(f"contacts/{ann}/file/").status_code == status, role
    assert alice.get(f"contacts/{ann}/file/").status_code == 405
    with tenant_context(alice.workspace.pk):
        assert AuditEntry.objects.filter(verb="contact.disclosed", object=f"contact {ann}").count() == 1
    assert "Data file" in alice.get(f"contacts/{ann}/").content.decode()
    assert "Data file" not in member("viewer").get(f"contacts/{ann}/").content.decode()
