"""A contact made or changed by hand: read as imports read, agreed to, and taken back."""

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from contacts.consent import suppression
from contacts.models import Attribute, Category, Change, ConsentRecord, Contact, WriteLock
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor

ANN = {
    "first_name": " Ann  Marie ", "last_name": "O'Hara", "email": "Ann.OHara@Example.com", "phone": "07911 123456",
    "external_id": "C-1", "city": "Leeds", "country": "Germany", "birthday": "1980-05-31", "consent": "on",
}  # fmt: skip


def add(who: Actor, **values: Any) -> Any:
    return who.post("contacts/new/", {**ANN, **values})


def only(who: Actor) -> Contact:
    with tenant_context(who.workspace.pk):
        found: Contact = Contact.objects.get()
    return found


def edit(who: Actor, contact: Contact, **values: Any) -> Any:
    return who.post(f"contacts/{contact.pk}/edit/", {**ANN, "seen": contact.changed_at.isoformat(), **values})


def test_a_new_contact_is_read_as_an_import_reads(alice: Actor) -> None:
    answer = add(alice)
    ann = only(alice)
    assert answer.status_code == 302
    assert answer.url == alice.url(f"contacts/{ann.pk}/")
    assert (ann.first_name, ann.last_name, ann.last_key) == ("Ann Marie", "O'Hara", "o'hara")
    assert (ann.email, ann.email_written) == ("ann.ohara@example.com", "Ann.OHara@Example.com")
    assert (ann.phone, ann.phone_written) == ("+447911123456", "07911 123456")
    assert ann.attributes == {"city": "Leeds", "country": "DE", "birthday": "1980-05-31"}
    assert (ann.origin, ann.email_status) == ("manual", "active")
    with tenant_context(alice.workspace.pk):
        consent = ConsentRecord.objects.get()
        assert (consent.contact_id, consent.said_by_id) == (ann.pk, alice.user.pk)
        assert "owner's consent" in consent.wording
        assert Change.objects.get().at == ann.changed_at
        assert WriteLock.objects.get().version == 1
        assert AuditEntry.objects.filter(verb="contact.created").count() == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"consent": ""}, "Confirm that you have consent, or do not add the contact."),
        ({"email": "ann@@example.com"}, "E-mail"),
        ({"phone": "12"}, "Phone"),
        ({"external_id": "n/a"}, "External ID"),
        ({"birthday": "1980-13-01"}, "Birthday"),
        ({"country": "Atlantis"}, "Country"),
        ({"email": "", "phone": "", "external_id": ""}, "A contact needs at least one of them"),
        ({"first_name": "x" * 5000}, "First name"),
        ({"website": "javascript:alert(1)"}, "Website"),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_is_written(alice: Actor, values: dict[str, str], said: str) -> None:
    answer = add(alice, **values)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said.replace("'", "&#x27;") in page
    assert "Ann.OHara" in page or "email" in values
    with tenant_context(alice.workspace.pk):
        assert not Contact.objects.exists()
        assert not ConsentRecord.objects.exists()


def test_an_id_that_somebody_has_is_refused(alice: Actor) -> None:
    add(alice)
    answer = add(alice, email="other@example.com")
    assert answer.status_code == 422
    assert "has the external ID C-1" in answer.content.decode()


def test_who_was_erased_is_not_entered_again(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        suppression.add([("email", "ann.ohara@example.com")])
    assert "was erased for good" in add(alice).content.decode()


def test_fields_of_the_workspace_and_categories(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        Attribute.objects.create(key="tier", label="Tier", type="choice", options={"g": "Gold", "s": "Silver"})
        Attribute.objects.create(key="score", label="Score", type="decimal")
        Attribute.objects.create(key="member", label="Member", type="boolean")
        Category.objects.create(name="News")
        Category.objects.create(name="Offers")
    page = alice.get("contacts/new/").content.decode()
    assert "Custom fields" in page
    add(alice, tier="g", score="12.5", member="no", subscriptions=["News"])
    assert (
        only(alice).attributes | {"tier": "g", "score": 12.5, "member": False, "subscriptions": ["News"]}
        == only(alice).attributes
    )
    shown = alice.get(f"contacts/{only(alice).pk}/edit/").content.decode()
    assert 'value="12.5"' in shown
    assert '<option value="no" selected>' in shown
    assert 'value="News" id="id_subscriptions_0" checked' in shown
    answer = add(alice, external_id="C-2", tier="bronze")
    assert answer.status_code == 422


def test_only_what_is_different_is_written_and_can_be_undone(alice: Actor) -> None:
    add(alice)
    ann = only(alice)
    answer = edit(alice, ann, city="York", last_name="", phone="07911 123456")
    assert answer.status_code == 302
    changed = only(alice)
    assert (changed.attributes["city"], changed.last_name, changed.last_key) == ("York", None, None)
    assert changed.email_written == ann.email_written
    with tenant_context(alice.workspace.pk):
        entry = AuditEntry.objects.get(verb="contact.edited")
        assert entry.detail["values"] == {
            "city": [["Leeds"], ["York"]],
            "last_name": [["O'Hara", "o'hara"], [None, None]],
        }
    alice.post(f"contacts/undo/{entry.pk}/")
    back = only(alice)
    assert (back.attributes, back.last_name, back.last_key) == (ann.attributes, "O'Hara", "o'hara")
    assert edit(alice, back, last_name="O'Hara").status_code == 302
    assert only(alice).changed_at == back.changed_at


def test_an_undo_leaves_what_has_changed_since(alice: Actor) -> None:
    add(alice)
    edit(alice, only(alice), city="York")
    with tenant_context(alice.workspace.pk):
        entry = AuditEntry.objects.get(verb="contact.edited")
    edit(alice, only(alice), city="Hull")
    alice.post(f"contacts/undo/{entry.pk}/")
    assert only(alice).attributes["city"] == "Hull"


def test_two_who_edit_at_once(alice: Actor) -> None:
    add(alice)
    seen = only(alice)
    edit(alice, seen, city="York")
    answer = edit(alice, seen, city="Hull")
    assert answer.status_code == 422
    assert "changed this contact while you were editing it" in answer.content.decode()
    assert only(alice).attributes["city"] == "York"


def test_a_deleted_contact_is_not_edited(alice: Actor) -> None:
    add(alice)
    ann = only(alice)
    with tenant_context(alice.workspace.pk):
        Contact.objects.update(deleted_at=timezone.now())
    assert edit(alice, ann, city="York").status_code == 404


def test_numbers_that_stay_keep_their_digits(alice: Actor) -> None:
    add(alice)
    with tenant_context(alice.workspace.pk), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contact SET attributes = attributes || '{\"ltv\": 12.10}' WHERE tenant_id = %s",
            [alice.workspace.pk],
        )
    edit(alice, only(alice), last_name="Smith")
    with tenant_context(alice.workspace.pk), connection.cursor() as cursor:
        cursor.execute("SELECT attributes ->> 'ltv' FROM contact WHERE tenant_id = %s", [alice.workspace.pk])
        assert cursor.fetchone() == ("12.10",)


def test_likes_are_shown_while_typing(alice: Actor, charlie: Actor) -> None:
    add(alice)
    found = alice.get("contacts/new/likes/?email=ann.ohara@example.com").content.decode()
    assert "You may already have this contact" in found
    assert "has the same e-mail, phone or external ID" in found
    ann = only(alice)
    assert "Perhaps" not in alice.get(f"contacts/new/likes/?but={ann.pk}&email=ann.ohara@example.com").content.decode()
    assert "Perhaps" not in charlie.get("contacts/new/likes/?email=ann.ohara@example.com").content.decode()
    assert "Perhaps" not in alice.get("contacts/new/likes/?email=@@&phone=x").content.decode()
