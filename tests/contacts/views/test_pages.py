"""The list of contacts and the profile: what is found, in what order, and with how many queries."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import bring
from tests.workspace_copies import copy_workspace

PEOPLE = (
    "email,phone,external_id,first_name,last_name,city\n"
    "anna.berzina@example.com,+37126123456,C-1,Anna,Bērziņa,Rīga\n"
    "zoe@example.com,07911 123456,C-2,Zoë,Müller,London\n"
    "lukasz@example.org,,X-9,Łukasz,Van der Berg,Łódź\n"
)


def _people(alice: Actor) -> None:
    bring(alice.workspace, PEOPLE, user=alice.user)


@pytest.fixture
def people(alice: Actor) -> Actor:
    copy_workspace(alice, _people)
    return alice


def found(actor: Actor, query: str) -> set[str]:
    response = actor.get("contacts/", data={"q": query})
    assert response.status_code == 200
    return {c.first_name for c in response.context["contacts"]}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"Anna", "Zoë", "Łukasz"}),
        ("anna.b", {"Anna"}),
        ("ANNA.BERZINA@Example.COM", {"Anna"}),
        ("zoe", {"Zoë"}),
        ("berz", {"Anna"}),
        ("BĒRZ", {"Anna"}),
        ("muller", {"Zoë"}),
        ("zoe mul", {"Zoë"}),
        ("muller zo", {"Zoë"}),
        ("lukasz van der", {"Łukasz"}),
        ("+3712612", {"Anna"}),
        ("07911 123456", {"Zoë"}),
        ("+44 7911 123456", {"Zoë"}),
        ("C-2", {"Zoë"}),
        ("X-", {"Łukasz"}),
        ("nobody", set()),
        ("'; DROP TABLE contact; --", set()),
        ("%", set()),
    ],
)
def test_search(people: Actor, query: str, names: set[str]) -> None:
    assert found(people, query) == names


def test_a_contact_id_finds_its_contact(people: Actor) -> None:
    with tenant_context(people.workspace.pk):
        contact = Contact.objects.get(external_id="C-2")
    assert "Zoë" in found(people, str(contact.pk))


def _many(alice: Actor) -> None:
    bring(alice.workspace, "email\n" + "".join(f"p{i:03}@example.com\n" for i in range(120)))


@pytest.mark.parametrize("order", ["-created", "created", "-changed", "changed"])
def test_pages_by_key_show_everybody_once(alice: Actor, order: str) -> None:
    copy_workspace(alice, _many)
    url, seen = f"contacts/?order={order}", []
    while url:
        context = alice.get(url).context
        seen += [c.email for c in context["contacts"]]
        url = f"contacts/{context['older_url']}" if context["older_url"] else ""
    assert len(seen) == 120
    assert len(set(seen)) == 120
    assert context["total"] == 120


def test_a_contact_that_changed_again_stands_in_its_new_place_only(people: Actor) -> None:
    bring(people.workspace, "email,city\nanna.berzina@example.com,Oslo\n")
    newest = [c.first_name for c in people.get("contacts/?order=-changed").context["contacts"]]
    assert newest[0] == "Anna"
    assert sorted(newest) == ["Anna", "Zoë", "Łukasz"]
    oldest = [c.first_name for c in people.get("contacts/?order=changed").context["contacts"]]
    assert oldest[-1] == "Anna"


@pytest.mark.parametrize("after", ["x", "1_", "_", "99999999999999999999", "1_not-a-time"])
def test_a_key_that_cannot_be_read_is_the_first_page(people: Actor, after: str) -> None:
    assert people.get("contacts/", data={"after": after, "order": "-changed"}).status_code == 200


def queries(actor: Actor, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert actor.get(path).status_code == 200
    return len(captured)


def _imports(alice: Actor, number: int) -> None:
    for i in range(number):
        bring(alice.workspace, f"email\np{i}@example.com\n", segment=f"S{i}")


@pytest.mark.parametrize("path", ["contacts/", "contacts/?q=p", "imports/", "segments/", "resolved/"])
def test_as_many_queries_for_twenty_rows_as_for_ten(alice: Actor, path: str) -> None:
    counts = []
    for number in (10, 20):
        copy_workspace(alice, _imports, number)
        with tenant_context(alice.workspace.pk):
            assert Contact.objects.count() == number
        queries(alice, path)
        counts.append(queries(alice, path))
    assert counts[0] == counts[1]


def test_a_profile_shows_values_and_where_they_came_from(people: Actor) -> None:
    bring(people.workspace, "email,city\nanna.berzina@example.com,Oslo\n", user=people.user)
    with tenant_context(people.workspace.pk):
        contact = Contact.objects.get(external_id="C-1")
    page = people.get(f"contacts/{contact.pk}/").content.decode()
    assert "Anna Bērziņa" in page
    origins: Any = people.get(f"imports/origins/{contact.pk}/").context["facts"]
    by_key = {fact["key"]: fact["origin"].line for fact in origins}
    assert by_key["city"] == 2
    assert len({fact["origin"].import_id for fact in origins}) == 2


def test_values_are_escaped(alice: Actor) -> None:
    bad = "<script>alert(1)</script>"
    bring(
        alice.workspace,
        f'email,first_name,{bad}\nann@example.com,"{bad}",x\nbad,"{bad}",x\n',
        maps={bad: "new:text:tier"},
    )
    with tenant_context(alice.workspace.pk):
        contact = Contact.objects.get()
    for path in ("contacts/", f"contacts/{contact.pk}/", f"imports/origins/{contact.pk}/", "imports/", "imports/1/"):
        assert bad not in alice.get(path).content.decode()


def test_ops_watch_imports_and_see_no_contact(alice: Actor, member: Callable[[str], Actor]) -> None:
    bring(alice.workspace, PEOPLE)
    ops = member("ops")
    assert ops.get("imports/").status_code == 200
    assert ops.get("contacts/").status_code == 404
