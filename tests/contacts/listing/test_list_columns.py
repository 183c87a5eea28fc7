"""The columns of the list: chosen by each member, remembered, bounded; the rating among them."""

from collections.abc import Callable

import pytest

from contacts.listing import list_columns
from contacts.models import Attribute, Contact
from tenants.isolation.context import tenant_context
from tenants.models import Membership
from tests.cast import Actor, actor
from tests.imports.helpers import bring


@pytest.fixture
def people(alice: Actor) -> Actor:
    bring(
        alice.workspace, "email,first_name,city,tier,score\nann@example.com,Ann,Riga,Gold,12.10\nbob@example.com,Bob,,,\n",
        maps={"tier": "new:text:tier", "score": "new:decimal:score"},
    )  # fmt: skip
    with tenant_context(alice.workspace.pk):
        Contact.objects.filter(first_name="Ann").update(rating=4)
    return alice


def heads(who: Actor, path: str = "contacts/") -> list[str]:
    return [column.label for column in who.get(path).context["shown"]]


def test_the_usual_ones(people: Actor) -> None:
    assert heads(people) == ["E-mail", "Phone", "Changed, created"]


def test_chosen_ones_are_remembered_for_the_member_alone(people: Actor, member: Callable[[str], Actor]) -> None:
    vera = actor("Vera", people.workspace, "viewer")
    back = people.url("contacts/?status=email.active")
    chosen = ["rating", "field:city", "field:tier", "field:score", "email"]
    answer = people.post("contacts/columns/", {"column": chosen, "next": back})
    assert answer.headers["Location"] == back
    assert heads(people) == ["E-mail", "E-mail rating", "City", "score", "tier"]
    page = people.get("contacts/").text
    for words in ("4 of 5", "not rated", "Riga", "Gold", "12.10"):
        assert words in page
    assert heads(vera) == ["E-mail", "Phone", "Changed, created"]
    vera.post("contacts/columns/", {"column": ["phone"]})
    assert (heads(vera), len(heads(people))) == (["Phone"], 5)
    people.post("contacts/columns/", {"usual": "1", "column": ["rating"]})
    assert heads(people) == ["E-mail", "Phone", "Changed, created"]


def test_none_is_a_choice_and_the_name_stays(people: Actor) -> None:
    people.post("contacts/columns/", {})
    assert heads(people) == []
    assert "Ann" in people.get("contacts/").text
    assert "Ann" in people.get("contacts/?show=deleted").text or heads(people, "contacts/?show=deleted") == []


def test_what_is_no_column_is_left_out(people: Actor) -> None:
    keys = ["email", "password", "field:nothing", "field:", "<script>", "email", *(f"field:x{i}" for i in range(200))]
    people.post("contacts/columns/", {"column": keys})
    assert heads(people) == ["E-mail"]
    with tenant_context(people.workspace.pk):
        assert Membership.objects.get(user=people.user).list_columns == ["email"]


def test_no_more_than_have_room(people: Actor) -> None:
    with tenant_context(people.workspace.pk):
        everything = [column.key for column in list_columns.columns(None)]
    people.post("contacts/columns/", {"column": everything})
    assert len(heads(people)) == list_columns.MOST
    assert 'role="region"' in people.get("contacts/").text


def test_a_field_that_is_put_away_leaves_the_list(people: Actor) -> None:
    people.post("contacts/columns/", {"column": ["field:tier", "email"]})
    with tenant_context(people.workspace.pk):
        field = Attribute.objects.get(key="tier")
    people.post(f"contacts/fields/{field.pk}/archive/")
    assert heads(people) == ["E-mail"]


def test_who_sees_no_contacts_chooses_nothing(people: Actor, member: Callable[[str], Actor]) -> None:
    assert member("ops").post("contacts/columns/", {"column": ["email"]}).status_code == 404
