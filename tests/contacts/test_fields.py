"""Fields and subscriptions of a workspace: added, renamed, put away, and used by forms and files."""

from typing import Any

import pytest

from contacts import fields
from contacts.models import Attribute, Category, Contact
from tenants.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.contacts.test_editing import ANN
from tests.imports.helpers import bring


def add(who: Actor, **values: str) -> Any:
    return who.post("contacts/fields/add/", {"label": "Shoe size", "type": "decimal", **values})


def only(who: Actor) -> Attribute:
    with tenant_context(who.workspace.pk):
        found: Attribute = Attribute.objects.get()
    return found


def test_a_field_is_added_and_used(alice: Actor) -> None:
    assert add(alice, label="  Größe des Schuhs ").status_code == 302
    assert (only(alice).key, only(alice).label) == ("grosse_des_schuhs", "Größe des Schuhs")
    bring(alice.workspace, "email,grosse_des_schuhs\nann@example.com,41.5\nbob@example.com,\n")
    page = alice.get("contacts/fields/").content.decode()
    assert "Größe des Schuhs" in page
    with tenant_context(alice.workspace.pk):
        assert [field.used for field in fields.own()] == [1]
        assert AuditEntry.objects.filter(verb="attribute.added").count() == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"label": "!!!"}, "needs a letter"),
        ({"label": "City"}, "There is a field city already"),
        ({"label": "E-mail", "type": "nonsense"}, "Choose a type"),
        ({"type": "choice", "options": "a\na"}, "is there twice"),
        ({"type": "choice", "options": "a|b"}, "no bar"),
        ({"type": "choice", "options": "\n".join(map(str, range(201)))}, "at most 200 options"),
    ],
)
def test_what_cannot_be_a_field(alice: Actor, values: dict[str, str], said: str) -> None:
    answer = add(alice, **values)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    with tenant_context(alice.workspace.pk):
        assert not Attribute.objects.exists()


def test_another_name_and_other_options(alice: Actor) -> None:
    add(alice, type="choice", options="g: Gold\nSilver")
    row = only(alice)
    assert row.options == {"g": "Gold", "Silver": "Silver"}
    page = alice.get(f"contacts/fields/{row.pk}/").content.decode()
    assert "g: Gold\nSilver</textarea>" in page
    alice.post(f"contacts/fields/{row.pk}/", {"label": "Level", "type": "choice", "options": "g: Gold"})
    assert (only(alice).label, only(alice).options, only(alice).key) == ("Level", {"g": "Gold"}, "shoe_size")
    with tenant_context(alice.workspace.pk):
        assert AuditEntry.objects.get(verb="attribute.changed").detail["values"]["label"] == [["Shoe size"], ["Level"]]


def test_another_type_only_while_nobody_has_a_value(alice: Actor) -> None:
    add(alice)
    row = only(alice)
    alice.post(f"contacts/fields/{row.pk}/", {"label": "Shoe size", "type": "text"})
    assert only(alice).type == "text"
    bring(alice.workspace, "email,shoe_size\nann@example.com,41\n")
    answer = alice.post(f"contacts/fields/{row.pk}/", {"label": "Shoe size", "type": "date"})
    assert answer.status_code == 422
    assert "1 contact has a value of the type Text" in answer.content.decode()
    assert only(alice).type == "text"


def test_put_away_and_back(alice: Actor) -> None:
    add(alice)
    row = only(alice)
    alice.post(f"contacts/fields/{row.pk}/archive/")
    alice.get("contacts/fields/")  # where the answer is said
    assert "Shoe size" not in alice.get("contacts/new/").content.decode()
    assert "Bring back" in alice.get("contacts/fields/").content.decode()
    alice.post(f"contacts/fields/{row.pk}/archive/", {"back": "1"})
    assert "Shoe size" in alice.get("contacts/new/").content.decode()


def test_subscriptions(alice: Actor) -> None:
    assert "No categories" in alice.get("contacts/categories/").content.decode()
    alice.post("contacts/categories/", {"name": " Big  news ", "about": "Once a month"})
    assert alice.post("contacts/categories/", {"name": "Big news"}).status_code == 422
    assert alice.post("contacts/categories/", {"name": "a|b"}).status_code == 422
    alice.post("contacts/new/", {**ANN, "subscriptions": ["Big news"]})
    bring(alice.workspace, "external_id,subscriptions\nC-1,Big news|Offers\n")
    with tenant_context(alice.workspace.pk):
        assert Contact.objects.get().attributes["subscriptions"] == ["Big news", "Offers"]
        category = Category.objects.get()
    alice.post(f"contacts/categories/{category.pk}/archive/")
    with tenant_context(alice.workspace.pk):
        contact = Contact.objects.get()
    page = alice.get(f"contacts/{contact.pk}/edit/").content.decode()
    assert 'value="Big news"' in page
    assert 'value="Big news"' not in alice.get("contacts/new/").content.decode()


@pytest.mark.parametrize("path", ["contacts/fields/", "contacts/categories/"])
def test_marketers_do_not_see_settings(bob: Actor, path: str) -> None:
    assert bob.get(path).status_code == 404
