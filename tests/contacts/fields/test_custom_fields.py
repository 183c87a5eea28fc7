"""Fields and subscriptions of a workspace: added, renamed, put away, and used by forms and files."""

from typing import Any

import pytest

from contacts.bulk import actions
from contacts.fields import change_type, custom_fields
from contacts.models import Attribute, BulkAction, Category, Contact
from imports.models import RowIssue
from imports.wizard import column_choices
from segments import dynamic
from segments.rules.tree import FieldCondition, Group
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.contacts.bulk.test_actions import work
from tests.contacts.profile.test_edit import ANN
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
        assert [field.used for field in custom_fields.own()] == [1]
        assert AuditEntry.objects.filter(verb="attribute.added").count() == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"label": "!!!"}, "at least one letter or digit"),
        ({"label": "City"}, "The field city already exists"),
        ({"label": "E-mail", "type": "nonsense"}, "Choose a type"),
        ({"type": "choice", "options": "a\na"}, "is listed twice"),
        ({"type": "choice", "options": "a|b"}, "no |"),
        ({"type": "choice", "options": "\n".join(map(str, range(201)))}, "up to 200 options"),
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


def test_another_type_while_nobody_has_a_value(alice: Actor) -> None:
    add(alice)
    row = only(alice)
    alice.post(f"contacts/fields/{row.pk}/", {"label": "Shoe size", "type": "text"})
    assert only(alice).type == "text"
    with tenant_context(alice.workspace.pk):
        assert not BulkAction.objects.exists()


def retyped(who: Actor, type_key: str, **values: str) -> BulkAction:
    """Change the type of the only field, and do the work."""
    row = only(who)
    answer = who.post(f"contacts/fields/{row.pk}/", {"label": row.label, "type": type_key, **values})
    assert answer.status_code == 302
    with tenant_context(who.workspace.pk):
        action = BulkAction.objects.latest("pk")
    return work(who, action)


def values_of(who: Actor, key: str = "shoe_size") -> list[Any]:
    with tenant_context(who.workspace.pk):
        return [contact.attributes.get(key) for contact in Contact.objects.order_by("pk")]


@pytest.mark.parametrize(
    ("was", "cells", "type_key", "after"),
    [
        ("text", ["41", "42.5", ""], "decimal", [41, 42.5, None]),
        ("decimal", ["41", "42.5", ""], "text", ["41", "42.5", None]),
        ("text", ["yes", "No", ""], "boolean", [True, False, None]),
        ("text", ["red|green", "red", ""], "choices", [["red", "green"], ["red"], None]),
        ("text", ["Latvia", "no", ""], "country", ["LV", "NO", None]),
        ("text", ["2024-05-31", "2024-01-02", ""], "date", ["2024-05-31", "2024-01-02", None]),
    ],
)
def test_values_follow_another_type_and_come_back(
    alice: Actor, was: str, cells: list[str], type_key: str, after: list[Any]
) -> None:
    add(alice, type=was)
    rows = "".join(f"p{i}@example.com,{cell}\n" for i, cell in enumerate(cells))
    bring(alice.workspace, "email,shoe_size\n" + rows)
    before = values_of(alice)
    action = retyped(alice, type_key)
    assert (action.state, action.done, action.error) == ("done", 2, "")
    assert values_of(alice) == after
    assert only(alice).type == type_key
    alice.post(f"contacts/actions/{action.pk}/undo/")
    assert work(alice, action).state == "undone"
    assert values_of(alice) == before
    assert only(alice).type == was


def test_one_value_that_cannot_be_read_keeps_all_as_they_are(alice: Actor) -> None:
    add(alice, type="text")
    bring(alice.workspace, "email,shoe_size\na@example.com,41\nb@example.com,large\nc@example.com,small\n")
    action = retyped(alice, "integer")
    assert action.state == "failed"
    assert "2 values cannot be converted to Integer: “large” of contact" in action.error
    assert values_of(alice) == ["41", "large", "small"]
    assert only(alice).type == "text"
    assert "cannot be converted to Integer" in alice.get(f"contacts/actions/{action.pk}/").text


def test_what_somebody_has_changed_since_stays(alice: Actor) -> None:
    add(alice, type="text")
    bring(alice.workspace, "email,shoe_size\na@example.com,41\nb@example.com,42\n")
    action = retyped(alice, "integer")
    bring(alice.workspace, "email,shoe_size\nb@example.com,50\n")
    alice.post(f"contacts/actions/{action.pk}/undo/")
    undone = work(alice, action)
    assert (undone.state, undone.undone, undone.kept) == ("undone", 1, 1)
    assert values_of(alice) == ["41", "50"]


def test_what_an_import_writes_meanwhile_is_skipped(alice: Actor) -> None:
    """An import that had begun before the change still writes values of the old type."""
    add(alice, type="text")
    bring(alice.workspace, "email,shoe_size\na@example.com,41\nb@example.com,42\n")
    with tenant_context(alice.workspace.pk):
        action = change_type.begin(only_row(), "integer", {}, user_id=alice.user.pk)
    bulk_step(alice, action)  # the check, and the new type
    with tenant_context(alice.workspace.pk):
        Contact.objects.filter(email="b@example.com").update(attributes={"shoe_size": "large"})
    done = work(alice, action)
    assert (done.state, done.done, done.skipped) == ("done", 1, 1)
    assert values_of(alice) == [41, "large"]


def test_a_change_of_type_is_not_stopped_half_way(alice: Actor) -> None:
    add(alice, type="text")
    bring(alice.workspace, "email,shoe_size\na@example.com,41\n")
    with tenant_context(alice.workspace.pk):
        action = change_type.begin(only_row(), "integer", {}, user_id=alice.user.pk)
    assert "Cancel action</button>" not in alice.get(f"contacts/actions/{action.pk}/").text
    alice.post(f"contacts/actions/{action.pk}/cancel/")
    assert work(alice, action).state == "done"


def test_a_type_that_has_changed_again_is_not_taken_back(alice: Actor) -> None:
    add(alice, type="text")
    bring(alice.workspace, "email,shoe_size\na@example.com,41\n")
    first = retyped(alice, "integer")
    retyped(alice, "decimal")
    alice.post(f"contacts/actions/{first.pk}/undo/")
    assert "now has another type" in work(alice, first).error
    assert (only(alice).type, values_of(alice)) == ("decimal", [41])


def test_marketers_take_no_change_of_settings_back(alice: Actor, bob: Actor) -> None:
    add(alice, type="text")
    bring(alice.workspace, "email,shoe_size\na@example.com,41\n")
    action = retyped(alice, "integer")
    assert bob.post(f"contacts/actions/{action.pk}/undo/").status_code == 404
    assert bob.post(f"contacts/actions/{action.pk}/cancel/").status_code == 404
    assert only(alice).type == "integer"


def only_row() -> Attribute:
    found: Attribute = Attribute.objects.get()
    return found


def bulk_step(who: Actor, action: BulkAction) -> None:
    """One step of an action, and no more."""
    with tenant_context(who.workspace.pk):
        actions._step(BulkAction.objects.get(pk=action.pk))


def test_options_can_come_with_the_type(alice: Actor) -> None:
    add(alice, type="text")
    bring(alice.workspace, "email,shoe_size\na@example.com,Large\nb@example.com,s\n")
    assert retyped(alice, "choice", options="l: Large").state == "failed"
    assert retyped(alice, "choice", options="l: Large\ns: Small").state == "done"
    assert values_of(alice) == ["l", "s"]


def test_a_required_field(alice: Actor) -> None:
    add(alice, type="integer", required="1")
    answer = alice.post("contacts/new/", {**ANN, "shoe_size": ""})
    assert answer.status_code == 422
    assert "This field is required" in answer.text
    with pytest.raises(column_choices.BadMapping, match="Shoe size"):
        bring(alice.workspace, "email\na@example.com\n")
    done = bring(alice.workspace, "email,shoe_size\na@example.com,41\nb@example.com,\nc@example.com, 42\n")
    assert (done.created, done.in_error) == (2, 1)
    with tenant_context(alice.workspace.pk):
        assert list(RowIssue.objects.values_list("code", "row_no")) == [("required_empty", 3)]
    dropped = bring(alice.workspace, "email,shoe_size\nd@example.com,\ne@example.com,x\n", bad_value="drop")
    assert (dropped.created, dropped.in_error) == (1, 1)
    known = bring(alice.workspace, "email,First name\na@example.com,Ann\n", mode="update_only")
    assert known.updated == 1


def test_phones_of_a_field_have_a_country_of_their_own(alice: Actor) -> None:
    add(alice, label="Office", type="phone", region="de")
    bring(alice.workspace, "email,office\na@example.com,030 901820\n")
    assert values_of(alice, "office") == ["+4930901820"]
    assert add(alice, label="Other", type="phone", region="XX").status_code == 422


def test_where_a_field_is_used(alice: Actor, charlie: Actor) -> None:
    add(alice, type="integer")
    row = only(alice)
    bring(alice.workspace, "email,shoe_size\na@example.com,41\n")
    assert "file.csv" in alice.get("imports/of-field/shoe_size/").text
    assert "Not used in any dynamic segment" in alice.get("segments/of-field/shoe_size/").text
    with tenant_context(alice.workspace.pk):
        rule = Group("all", (Group("any", (FieldCondition("shoe_size", "at_least", ("40",)),)),))
        dynamic.save_dynamic_segment(rule, "Large feet", user_id=alice.user.pk)
    assert "Large feet" in alice.get("segments/of-field/shoe_size/").text
    assert "of-field/shoe_size" in alice.get(f"contacts/fields/{row.pk}/").text
    assert "Large feet" not in charlie.get("segments/of-field/shoe_size/").text
    assert "No import" in charlie.get("imports/of-field/shoe_size/").text


def test_put_away_and_back(alice: Actor) -> None:
    add(alice)
    row = only(alice)
    alice.post(f"contacts/fields/{row.pk}/archive/")
    alice.get("contacts/fields/")  # where the answer is said
    assert "Shoe size" not in alice.get("contacts/new/").content.decode()
    assert "Restore" in alice.get("contacts/fields/").content.decode()
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
