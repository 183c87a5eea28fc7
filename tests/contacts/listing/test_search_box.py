"""The search box: domains, digits inside of phones, names in any order; counts follow; indexes answer it."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.listing import contact_list, search_box
from contacts.listing.contact_list import ListQuery
from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import bring

PEOPLE = (
    "email,phone,external_id,first_name,last_name\n"
    "anna.berzina@example.com,+37126123456,C-1,Anna,Bērziņa\n"
    "zoe@shop.example.com,07911 123456,C-2,Zoë,Müller\n"
    "lukasz@example.org,+12127365000;ext=101,X-9,Łukasz,Van der Berg\n"
    "ivo@example.community,+390612345678,X-10,Ivo,Moe\n"
    "mia@bücher.example,,X-11,Berzina Mia,\n"
    ",+420601234567,X-12,Jean-Luc,\n"
)


@pytest.fixture(scope="module")
def people_of() -> Actor:
    from tests.cast import actor

    alice = actor("Alice")
    bring(alice.workspace, PEOPLE, user=alice.user)
    return alice


def found(who: Actor, query: str) -> set[str]:
    response = who.get("contacts/", data={"q": query})
    assert response.status_code == 200
    return {c.external_id for c in response.context["contacts"]}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        # Domains: a whole one is that one, a part of one all that begin so.
        ("@example.com", {"C-1"}),
        ("example.com", {"C-1"}),
        ("@EXAMPLE.com", {"C-1"}),
        (" @example.com ", {"C-1"}),
        ("*@example.com", {"C-1"}),
        ("%@example.com", {"C-1"}),
        ("@shop.example.com", {"C-2"}),
        ("shop.example.com", {"C-2"}),
        ("@example.", {"C-1", "X-9", "X-10"}),
        ("example.", {"C-1", "X-9", "X-10"}),
        ("example.co", {"C-1", "X-10"}),
        ("@exam", {"C-1", "X-9", "X-10"}),
        ("@bücher.example", {"X-11"}),
        ("@xn--bcher-kva.example", {"X-11"}),
        ("@BÜCHER.example", {"X-11"}),
        ("@example.net", set()),
        ("@com", set()),
        # Digits from anywhere inside of a phone.
        ("123456", {"C-1", "C-2", "X-10", "X-12"}),
        ("1234 56", {"C-1", "C-2", "X-10", "X-12"}),
        ("26 123 456", {"C-1"}),
        ("(26) 123-456", {"C-1"}),
        ("2612", {"C-1"}),
        ("7365", {"X-9"}),
        ("736-50", {"X-9"}),
        ("07911", {"C-2"}),
        ("911 1234", {"C-2"}),
        ("+44791", {"C-2"}),
        ("0044 7911", {"C-2"}),
        ("+7911", set()),
        ("601.234.567", {"X-12"}),
        ("61234567", {"X-10"}),
        ("9999999", set()),
        ("123", set()),
        # Names in any order, in parts, with commas.
        ("Berzina Anna", {"C-1"}),
        ("berzina, anna", {"C-1"}),
        ("BĒRZIŅA ANNA", {"C-1"}),
        ("Berz An", {"C-1"}),
        ("An Berz", {"C-1"}),
        ("Anna Berzina", {"C-1"}),
        ("mia berzina", {"X-11"}),
        ("van der berg, łukasz", {"X-9"}),
        ("lukasz van", {"X-9"}),
        ("Berzina", {"C-1", "X-11"}),
        ("Berzina Zoe", set()),
        (",", set()),
        ("a " * 90, set()),
    ],
)
def test_what_is_found(people_of: Actor, query: str, ids: set[str]) -> None:
    assert found(people_of, query) == ids


def test_nobody_of_another_workspace_is_found(people_of: Actor, charlie: Actor) -> None:
    bring(charlie.workspace, "email,phone\nmine@example.com,+37126123456\n")
    for query in ("@example.com", "612345"):
        assert [c.email for c in charlie.get("contacts/", data={"q": query}).context["contacts"]] == [
            "mine@example.com"
        ]


def test_digits_that_many_have(people_of: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_box, "FEW_NUMBERS", 1)
    assert found(people_of, "1234") == {"C-1", "C-2", "X-10", "X-12"}
    assert found(people_of, "12345") == {"C-1", "C-2", "X-10", "X-12"}


def test_a_changed_address_has_its_new_domain(alice: Actor) -> None:
    bring(alice.workspace, "external_id,email\nC-1,ann@old.example\n")
    bring(alice.workspace, "external_id,email\nC-1,ann@new.example\n")
    assert found(alice, "@new.example") == {"C-1"}
    assert found(alice, "@old.exam") == set()


def counts(who: Actor, query: str) -> dict[str, int]:
    rail = who.get(f"contacts/?{query}").context["rail"]
    return {f"{group['title']}: {f['label']}": f["count"] for group in rail for f in group["filters"]}


@pytest.fixture
def mixed(alice: Actor) -> Actor:
    rows = "".join(f"p{i}@{'one' if i % 2 else 'two'}.example,Anna{i}\n" for i in range(8))
    bring(alice.workspace, "email,first_name\n" + rows)
    with tenant_context(alice.workspace.pk):
        Contact.objects.filter(email__in=["p1@one.example", "p2@two.example"]).update(email_status="spam")
    alice.post("contacts/bulk/unsubscribe/", {"id": []})
    with tenant_context(alice.workspace.pk):
        gone = Contact.objects.get(email="p3@one.example")
    alice.post(f"contacts/{gone.pk}/delete/", {"reason": "Other"})
    return alice


RULE = '{"v":1,"all":[{"attribute":"first_name","op":"is","values":["Anna1","Anna2","Anna4"]}]}'


@pytest.mark.parametrize(
    ("query", "everybody", "deleted", "spam", "active"),
    [
        ("", 7, 1, 2, 5),
        ("q=@one.example", 3, 1, 1, 2),
        ("q=@two.example", 4, 0, 1, 3),
        ("q=@one.example&status=email.spam", 3, 1, 1, 2),
        ("q=@one.example&show=deleted", 3, 1, 0, 1),
        ("q=nobody", 0, 0, 0, 0),
    ],
)
def test_counts_follow_the_search(
    mixed: Actor, query: str, everybody: int, deleted: int, spam: int, active: int
) -> None:
    shown = counts(mixed, query)
    assert shown["Contacts: All"] == everybody
    assert shown["Contacts: Deleted only"] == deleted
    assert (shown["E-mail: Spam reports"], shown["E-mail: Active"]) == (spam, active)


def test_counts_follow_a_rule_and_each_count_is_what_its_link_shows(mixed: Actor) -> None:
    for given in ({"rule": RULE}, {"q": "@one.example"}, {"rule": RULE, "q": "@two.example"}):
        for group in mixed.get("contacts/", data=given).context["rail"]:
            for filter_ in group["filters"]:
                assert mixed.get(f"contacts/{filter_['url']}").context["total"] == filter_["count"], filter_


def test_counts_and_the_export_come_with_what_is_typed(mixed: Actor) -> None:
    answer = mixed.get("contacts/?q=@one.example", headers={"HX-Request": "true", "HX-Target": "contacts-list"})
    assert answer.text.count('hx-swap-oob="true"') == 3
    assert "q=%40one.example&amp;all=1" in answer.text
    whole = mixed.get("contacts/?q=@one.example").text
    assert "hx-swap-oob" not in whole


def test_of_very_many_the_counts_say_at_least(mixed: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_list, "COUNTED", 3)
    answer = mixed.get("contacts/?q=p")
    assert (answer.context["many"], answer.context["more"], answer.context["total"]) == (True, True, 3)
    assert "3+" in answer.text


def test_over_the_limit_is_counted_within_the_search(mixed: Actor) -> None:
    Tenant.objects.filter(pk=mixed.workspace.pk).update(contact_limit=5)
    over = [c.email for c in mixed.get("contacts/?status=email.over&q=@one.example").context["contacts"]]
    assert counts(mixed, "q=@one.example")["E-mail: Over the limit"] == len(over) == 1


@pytest.mark.parametrize("query", ["@one.example", "one.example", "12345", "Berzina Anna"])
def test_what_an_index_answers(alice: Actor, query: str) -> None:
    """Behind the policy, each part of a search is answered by an index: no plan reads the contacts one after another."""
    bring(alice.workspace, "email\n" + "".join(f"p{i}@d{i % 50}.example\n" for i in range(300)))
    with tenant_context(alice.workspace.pk), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        asked = ListQuery.of({"q": query}, region=None)
        with CaptureQueriesContext(connection) as captured:
            list(contact_list.matching(asked).order_by()[:50])
        plans = [_plan(cursor, str(done["sql"])) for done in captured if 'FROM "contact"' in str(done["sql"])]
    assert plans
    assert not any("Seq Scan" in plan for plan in plans)
    if query == "12345":  # one pass over the index of phones
        assert "contact_phone" in plans[0]
    elif "one.example" in query:
        assert any("contact_domain" in plan for plan in plans)


def _plan(cursor: Any, sql: str) -> str:
    cursor.execute("EXPLAIN " + sql)
    return "\n".join(row[0] for row in cursor.fetchall())
