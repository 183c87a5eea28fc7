"""Who may write contacts now (identity, rule 8): people beside an import, and what a plan must see of them."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from contacts.identity import resolver
from contacts.models import DELETION_REASONS, Contact, WriteLock
from contacts.profile import edit, quick_actions
from imports.models import Import, Unit
from tenants.isolation.context import tenant_context
from tenants.web import middleware
from tests.cast import Actor
from tests.imports.helpers import bring, proved

FILE = "email,first name\na@example.com,New\nb@example.com,New\n"


def during_resolve(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> list[int]:
    """Run `act` from another connection while the first resolve of an import works; returns how often it was resolved."""
    resolve, times = resolver.resolve, []

    def meanwhile(*args: Any, **values: Any) -> Any:
        times.append(1)
        found = resolve(*args, **values)
        if len(times) == 1:
            thread = threading.Thread(target=_closing(act))
            thread.start()
            thread.join(timeout=20)
            assert not thread.is_alive(), "whoever edits waits for the resolve"
        return found

    monkeypatch.setattr(resolver, "resolve", meanwhile)
    return times


def _closing(act: Callable[[], Any]) -> Callable[[], None]:
    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    return run


def test_an_edit_does_not_wait_for_a_resolve_and_a_stranger_costs_no_second_one(
    alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = alice.workspace
    with tenant_context(tenant.pk):
        Contact.objects.create(email="a@example.com", origin="manual")
        other = Contact.objects.create(email="other@example.com", origin="manual")

    def act() -> None:
        with tenant_context(tenant.pk):
            seen = Contact.objects.get(pk=other.pk).changed_at
            edit.change(other.pk, {"first_name": "By hand"}, seen=seen, user_id=alice.user.pk)

    times = during_resolve(monkeypatch, act)
    imp = bring(tenant, FILE)
    assert (len(times), imp.created, imp.updated) == (1, 1, 1)
    proved(tenant, imp)
    with tenant_context(tenant.pk):
        assert Contact.objects.get(pk=other.pk).first_name == "By hand"


def _take_id(alice: Actor, contact: Contact) -> None:
    edit.change(contact.pk, {"external_id": "C-9"}, seen=contact.changed_at, user_id=alice.user.pk)


def _take_address(alice: Actor, contact: Contact) -> None:
    new = "b@example.com"
    edit.change(contact.pk, {"email": (new, new)}, seen=contact.changed_at, user_id=alice.user.pk)


def _delete(alice: Actor, contact: Contact) -> None:
    quick_actions.delete(contact.pk, reason="asked", user_id=alice.user.pk)


@pytest.mark.parametrize(
    ("act", "email"), [(_take_address, "x@example.com"), (_delete, "a@example.com"), (_take_id, "a@example.com")]
)
def test_a_plan_sees_what_concerns_its_rows(
    alice: Actor, monkeypatch: pytest.MonkeyPatch, act: Callable[[Actor, Contact], None], email: str
) -> None:
    tenant = alice.workspace
    with tenant_context(tenant.pk):
        contact = Contact.objects.create(email=email, origin="manual")

    def meanwhile() -> None:
        with tenant_context(tenant.pk):
            act(alice, Contact.objects.get(pk=contact.pk))

    times = during_resolve(monkeypatch, meanwhile)
    imp = bring(tenant, FILE)
    assert len(times) == 2
    proved(tenant, imp)
    with tenant_context(tenant.pk):
        living = list(Contact.objects.living().order_by("email").values_list("email", flat=True))
    if act is _delete:
        assert (imp.skipped, living) == (1, ["b@example.com"])
    else:
        assert living == ["a@example.com", "b@example.com"]
        assert imp.created == 1


def test_a_new_contact_with_an_address_of_the_file(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = alice.workspace

    def meanwhile() -> None:
        with tenant_context(tenant.pk):
            edit.create({"email": ("b@example.com", "b@example.com")}, user_id=alice.user.pk)

    times = during_resolve(monkeypatch, meanwhile)
    imp = bring(tenant, FILE)
    assert (len(times), imp.created, imp.updated) == (2, 1, 1)


def test_a_page_that_writes_waits_two_seconds_at_most(alice: Actor) -> None:
    """Somebody holds the contact: 409 with words, and nothing is written."""
    tenant = alice.workspace
    with tenant_context(tenant.pk):
        contact = Contact.objects.create(email="a@example.com", origin="manual")
        WriteLock.objects.bulk_create([WriteLock()], ignore_conflicts=True)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with tenant_context(tenant.pk):
            Contact.objects.select_for_update().get(pk=contact.pk)
            held.set()
            done.wait(timeout=30)

    thread = threading.Thread(target=_closing(hold))
    thread.start()
    try:
        assert held.wait(timeout=10)
        answers = [
            alice.post(f"contacts/{contact.pk}/delete/", {"reason": DELETION_REASONS[0]}),
            alice.post(f"contacts/{contact.pk}/delete/", {"reason": DELETION_REASONS[0]}, HTTP_HX_REQUEST="true"),
        ]
    finally:
        done.set()
        thread.join(timeout=30)
    assert middleware.WAIT_SECONDS == 2
    for answer in answers:
        assert answer.status_code == 409
        assert "try again in a few seconds" in answer.content.decode().lower()
    with tenant_context(tenant.pk):
        contact.refresh_from_db()
        assert contact.deleted_at is None
    assert alice.post(f"contacts/{contact.pk}/delete/", {"reason": DELETION_REASONS[0]}).status_code in (200, 204, 302)


def test_many_rows_of_few_people_are_joined_without_looking_at_each_twice(alice: Actor) -> None:
    """Rows with one known e-mail go by their contact: their e-mails are not grouped as well."""
    people = "".join(f"p{i}@example.com,Old\n" for i in range(3))
    bring(alice.workspace, "email,first name\n" + people)
    rows = "".join(f"p{i % 3}@example.com,N{i}\n" for i in range(900))
    imp = bring(alice.workspace, "email,first name\n" + rows)
    assert (imp.updated, imp.duplicates) == (3, 897)
    with tenant_context(alice.workspace.pk):
        assert Unit.objects.filter(import_id=imp.pk, kind="resolve").count() == 1
        assert Import.objects.get(pk=imp.pk).contacts_version is not None
        assert Contact.objects.filter(changed_at__lte=timezone.now()).count() == 3
