"""The audit log: everything in words, by subject, person and object, page by page; and nobody changes it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from tenants import audit
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor


def entry(who: Actor, verb: str, target: str = "", **detail: Any) -> AuditEntry:
    with tenant_context(who.workspace.pk):
        return audit.record(verb, user_id=who.user.pk, target=target, **detail)


@pytest.mark.parametrize(
    ("verb", "detail", "what", "changes", "facts"),
    [
        (
            "contact.edited",
            {"contact": 4, "values": {"city": [["Leeds"], ["York"]], "last_name": [[None, None], ["X", "x"]]}},
            "Contact edited",
            [("city", "Leeds", "York"), ("last name", "empty", "X")],
            [("contact", "4")],
        ),
        (
            "contact.unsubscribed",
            {"channel": "email", "before": {"status": "active", "at": None}, "after": {"status": "unsubscribed"}},
            "Contact unsubscribed",
            [("email", "active", "unsubscribed")],
            [],
        ),
        ("import.checked", {"without_review": False}, "Import checked", [], [("without review", "no")]),
        ("blacklist.added", {"values": 3, "reason": ""}, "Blacklist added", [], [("values", "3")]),
        ("bulk.delete", {"asked": {"status": "email.spam"}}, "Bulk delete", [], [("asked", "status email.spam")]),
    ],
)  # fmt: skip
def test_entries_in_words(
    alice: Actor, verb: str, detail: dict[str, Any], what: str, changes: list[Any], facts: list[Any]
) -> None:
    found = audit.format_entry(entry(alice, verb, **detail))
    assert found.what == what
    assert [(c.name, c.before, c.after) for c in found.changes] == changes
    assert found.facts == facts


def test_filters_and_pages(alice: Actor, bob: Actor, charlie: Actor) -> None:
    for i in range(60):
        entry(alice, "contact.edited", f"contact {i:03}")
    entry(bob, "import.started", "import 7")
    entry(charlie, "import.started", "import 8")
    first = alice.get("audit/").content.decode()
    assert "import 7" in first
    assert "import 8" not in first
    assert "contact 059" in first
    assert "contact 005" not in first
    with tenant_context(alice.workspace.pk):
        before = AuditEntry.objects.order_by("-pk")[49].pk
    assert "contact 005" in alice.get(f"audit/?before={before}").content.decode()
    assert "contact 059" not in alice.get("audit/?subject=import").content.decode()
    assert "contact 059" not in alice.get(f"audit/?user={bob.user.pk}").content.decode()
    found = alice.get("audit/?about=contact 01").content.decode()
    assert "contact 012" in found
    assert "contact 020" not in found
    assert "No entries match" in alice.get("audit/?about=zzz").content.decode()


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("marketer", 404), ("ops", 404), ("viewer", 404)])
def test_who_sees_it(member: Any, role: str, status: int) -> None:
    assert member(role).get("audit/").status_code == status


def test_nobody_changes_it(alice: Actor) -> None:
    entry(alice, "contact.edited")
    refused = pytest.raises(ProgrammingError, match="permission denied")
    with tenant_context(alice.workspace.pk), refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE audit_entry SET verb = 'x'")


def test_nobody_removes_what_is_younger_than_a_year(alice: Actor) -> None:
    """The database itself holds them: what an old rule of retention lets go is only what is old."""
    entry(alice, "contact.edited")
    with tenant_context(alice.workspace.pk), connection.cursor() as cursor:
        old = timezone.now() - timedelta(days=366)
        AuditEntry.objects.create(verb="contact.old", at=old)
        AuditEntry.objects.create(verb="contact.young", at=old + timedelta(days=2))
        cursor.execute("DELETE FROM audit_entry")
        assert sorted(AuditEntry.objects.values_list("verb", flat=True)) == ["contact.edited", "contact.young"]


def test_the_owners_function_reaches_no_other_workspace(alice: Actor, charlie: Actor) -> None:
    entry(alice, "contact.edited", contact=5, name="canary")
    entry(charlie, "contact.edited", contact=5, name="canary")
    with tenant_context(charlie.workspace.pk), connection.cursor() as cursor:
        cursor.execute("SELECT erase_from_audit(ARRAY[5], ARRAY['canary'], ARRAY['canary'])")
        assert cursor.fetchone() == (1,)
    with tenant_context(alice.workspace.pk):
        assert AuditEntry.objects.latest("pk").detail == {"contact": 5, "name": "canary"}
