"""One value of a contact changed where it stands: read by the rules of imports, kept with the way back, never over news."""

from typing import Any

import pytest

from contacts.models import Attribute, Contact
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.imports.helpers import bring

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def anna(alice: Actor) -> Contact:
    bring(alice.workspace, "email,first_name,city\nanna@example.com,Anna,Riga\n", user=alice.user)
    with tenant_context(alice.workspace.pk):
        Attribute.objects.create(key="size", label="Size", type="integer")
        found: Contact = Contact.objects.get(first_name="Anna")
    return found


def now(who: Actor, contact: Contact) -> Contact:
    with tenant_context(who.workspace.pk):
        found: Contact = Contact.objects.get(pk=contact.pk)
    return found


def send(who: Actor, contact: Contact, key: str, value: str, seen: str = "") -> Any:
    values = {key: value, "seen": seen or now(who, contact).changed_at.isoformat()}
    return who.post(f"contacts/{contact.pk}/value/{key}/", values, **HTMX)


def test_the_tabs_of_a_profile(alice: Actor, anna: Contact) -> None:
    for tab, words in (
        ("", "known-title"), ("activity", "of-contact"), ("attributes", "Postal code"),
        ("segments", "of-contact"), ("history", "history/"), ("nonsense", "known-title"),
    ):  # fmt: skip
        response = alice.get(f"contacts/{anna.pk}/?tab={tab}")
        assert response.status_code == 200, tab
        assert words in response.text, tab
        assert response.text.count('aria-current="page"') >= 1


@pytest.mark.parametrize(
    ("key", "typed", "stored"),
    [
        ("first_name", " Anne  Marie ", "Anne Marie"),
        ("city", "Oslo", "Oslo"),
        ("country", "Latvia", "LV"),
        ("size", "42", 42),
        ("city", "", None),
        ("phone", "07911 123456", "+447911123456"),
    ],
)
def test_a_value_is_changed_and_given_back(alice: Actor, anna: Contact, key: str, typed: str, stored: Any) -> None:
    def value() -> Any:
        contact = now(alice, anna)
        return getattr(contact, key) if hasattr(contact, key) else contact.attributes.get(key)

    before = value()
    response = send(alice, anna, key, typed)
    assert response.status_code == 200
    assert value() == stored
    with tenant_context(alice.workspace.pk):
        entry = AuditEntry.objects.get(verb="contact.edited")
    assert f"undo/{entry.pk}/" in response.text
    assert now(alice, anna).email == "anna@example.com"
    alice.post(f"contacts/undo/{entry.pk}/")
    assert value() == before


@pytest.mark.parametrize(
    ("key", "typed", "why"),
    [
        ("country", "Atlantis", "country"),
        ("size", "many", "not a whole number"),
        ("email", "nobody", "e-mail"),
        ("email", "", "A contact needs at least one of them"),
    ],
)
def test_a_bad_value_is_told_and_the_form_stays(alice: Actor, anna: Contact, key: str, typed: str, why: str) -> None:
    response = send(alice, anna, key, typed)
    assert response.status_code == 422
    assert why in response.text
    assert f'name="{key}"' in response.text
    assert now(alice, anna).changed_at == anna.changed_at


def test_news_is_not_written_over(alice: Actor, anna: Contact) -> None:
    old = anna.changed_at.isoformat()
    send(alice, anna, "city", "Oslo")
    response = send(alice, anna, "city", "Bergen", seen=old)
    assert response.status_code == 422
    assert "while you were editing it" in response.text
    assert send(alice, anna, "city", "Bergen", seen="yesterday").status_code == 422
    assert send(alice, anna, "city", "Bergen", seen="2024-13-99T00:00:00Z").status_code == 422
    assert now(alice, anna).attributes["city"] == "Oslo"


def test_the_line_and_its_form(alice: Actor, anna: Contact) -> None:
    line = alice.get(f"contacts/{anna.pk}/value/city/", **HTMX)
    assert "Riga" in line.text
    assert "<form" not in line.text
    assert 'value="Riga"' in alice.get(f"contacts/{anna.pk}/value/city/?edit", **HTMX).text
    assert alice.get(f"contacts/{anna.pk}/value/city/").status_code == 302
    assert alice.get(f"contacts/{anna.pk}/value/nothing/", **HTMX).status_code == 404
    assert alice.get(f"contacts/{anna.pk}/value/consent/", **HTMX).status_code == 404


def test_others_cannot(alice: Actor, anna: Contact, charlie: Actor, member: Any) -> None:
    assert charlie.post(f"contacts/{anna.pk}/value/city/", {"city": "x"}, **HTMX).status_code == 404
    viewer = member("viewer")
    assert viewer.post(f"contacts/{anna.pk}/value/city/", {"city": "x"}, **HTMX).status_code == 404
    assert "value/city/" not in viewer.get(f"contacts/{anna.pk}/?tab=attributes").text.replace("?edit", "")
