"""What can be entered into a line: values of contacts, names and properties of events, most frequent first, bounded."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from contacts.models import Attribute, Contact
from segments.rules import compiler, contact_sample, suggestions
from segments.rules.rule_form import RuleFormLine
from tenants.isolation import statements
from tenants.isolation.context import tenant_context
from tenants.isolation.statements import TookTooLong, time_limit
from tenants.models import Tenant
from tests.cast import Actor
from tracking.models import Event

CITIES = ["Rīga", "Rīga", "Rīga", "Rio", "Oslo", "Oslo", "Bergen", "Port Rican"]


@pytest.fixture
def people(inside: Tenant) -> Tenant:
    Attribute.objects.create(key="tier", label="Tier", type="choice", options={"g": "Gold", "s": "Silver"})
    for i, city in enumerate(CITIES):
        tier = {"tier": "g"} if i < 2 else {}
        Contact.objects.create(first_name="Ēva", first_key="eva", origin="manual", attributes={"city": city, **tier})
    Contact.objects.create(origin="manual", deleted_at=timezone.now(), attributes={"city": "Nowhere"})
    return inside


def of(
    about: str, part: str = "value", typed: str = "", property: str = "", **others: str
) -> list[tuple[str, str, str]] | None:
    line = RuleFormLine("0", about, others)
    known = compiler.context().subjects.get(about.partition(":")[2])
    found = suggestions.suggest(replace(line, subject=known), part, typed, property)
    return None if found is None else [(s.value, s.label, s.count) for s in found]


def test_values_are_those_of_living_contacts_the_most_frequent_first(people: Tenant) -> None:
    assert [(value, count) for value, _label, count in of("attribute:city") or []] == [
        ("Rīga", "3"), ("Oslo", "2"), ("Bergen", "1"), ("Port Rican", "1"), ("Rio", "1"),
    ]  # fmt: skip


def test_what_is_typed_is_found_at_the_beginning_first_without_case_and_accents(people: Tenant) -> None:
    assert [s[0] for s in of("attribute:city", typed="RI") or []] == ["Rīga", "Rio", "Port Rican"]
    assert of("attribute:city", typed="zzz") == []
    assert of("attribute:first_name", typed="e") == [("Ēva", "Ēva", "8")]


def test_a_further_value_is_added_to_those_before(people: Tenant) -> None:
    assert [s[0] for s in of("attribute:city", typed="Oslo|ri", op="is") or []][:2] == ["Oslo | Rīga", "Oslo | Rio"]
    assert [s[0] for s in of("attribute:city", typed="Rīga | ri", op="is") or []] == ["Rīga | Rio", "Rīga | Port Rican"]
    # An operator with one value has no list.
    assert of("attribute:city", typed="Oslo|ri", op="contains") == []


def test_options_are_shown_by_their_labels_and_all_of_them(people: Tenant) -> None:
    assert of("attribute:tier") == [("g", "Gold", "2"), ("s", "Silver", "")]
    assert of("attribute:tier", typed="sil") == [("s", "Silver", "")]
    assert of("attribute:country", typed="latv") == [("LV", "Latvia (LV)", "")]


@pytest.mark.parametrize("about", ["attribute:email", "attribute:birthday", "attribute:nothing", "segment", ""])
def test_what_hardly_two_contacts_share_is_not_suggested(people: Tenant, about: str) -> None:
    assert of(about) is None


def test_of_many_contacts_a_sample_is_asked(people: Tenant) -> None:
    # Of twenty in a row one has an ID that eleven divides, whichever they have.
    Contact.objects.bulk_create(Contact(first_name="More") for _ in range(20 - Contact.objects.count()))
    with patch.object(contact_sample, "SIZE", 2):
        sample = contact_sample.sample()
        assert sample is not None
        assert sample.step == 11
        assert set(sample.ids) == {pk for pk in Contact.objects.values_list("pk", flat=True) if pk % 11 == 0}
        assert all(count.startswith("about ") for _value, _label, count in of("attribute:city") or [])
    assert contact_sample.sample() is None


def test_an_estimate_has_two_digits() -> None:
    assert [contact_sample.rounded(n) for n in (0, 7, 94, 95, 123, 1_550, 98_765)] == [0, 7, 94, 95, 120, 1600, 99_000]


def _events(kind: str, *events: tuple[str | None, dict[str, Any]], tenant: Tenant) -> None:
    for name, properties in events:
        Event.objects.create(tenant_id=tenant.pk, at=timezone.now(), kind=kind, name=name, properties=properties)


def test_names_properties_and_values_of_events(people: Tenant) -> None:
    viewed: list[tuple[str | None, dict[str, Any]]] = [("Viewed", {"category": c, "$signed": True}) for c in "aab"]
    _events("track", *viewed, ("Carted", {"price": 5}), tenant=people)
    _events("order", (None, {"amount": 7}), tenant=people)
    assert of("activity:track", "name") == [("Viewed", "Viewed", "3"), ("Carted", "Carted", "1")]
    assert of("activity:track", "name", typed="ca") == [("Carted", "Carted", "1")]
    assert of("activity:track", "property") == [("category", "category", "3"), ("price", "price", "1")]
    assert of("activity:track", "property", "pr") == [("price", "price", "1")]
    assert of("activity:track", "property", name="carted") == [("price", "price", "1")]
    assert of("activity:track", "against", property="category") == [("a", "a", "2"), ("b", "b", "1")]
    # What every order may have is suggested, too.
    assert (of("activity:order", "property") or [])[:2] == [("amount", "amount", "1"), ("items", "items", "")]
    assert of("activity:order", "value") is None
    assert of("activity:order", "else") is None


def test_of_rare_events_among_very_many_nothing_is_suggested(people: Tenant) -> None:
    with patch.object(suggestions, "NAMES", "SELECT 'x', 1 FROM pg_sleep(2)"), patch.dict(
        suggestions._EVENTS, {"name": "SELECT 'x', 1 FROM pg_sleep(2)"}
    ), patch.object(suggestions, "MILLISECONDS", 1):  # fmt: skip
        assert of("activity:track", "name") == []
    # The transaction goes on.
    assert Contact.objects.count() == len(CITIES) + 1


def test_a_time_limit_holds_inside_of_it_only(inside: Tenant) -> None:
    with pytest.raises(TookTooLong), time_limit(1):
        statements.fetch("SELECT pg_sleep(2) WHERE %(tenant)s > 0")
    with time_limit(60_000):
        assert statements.fetch("SELECT current_setting('statement_timeout') WHERE %(tenant)s > 0") == [("1min",)]
    assert statements.fetch("SELECT current_setting('statement_timeout') WHERE %(tenant)s > 0") != [("1min",)]


def test_the_page_asks_for_them(alice: Actor, member: Any) -> None:
    with tenant_context(alice.workspace.pk):
        Contact.objects.create(origin="manual", attributes={"city": "<b>Riga"})
    asked = urlencode({"of": "value", "path": "0.1", "about:0.1": "attribute:city", "op:0.1": "is", "typed": "b"})
    for actor in (alice, member("viewer")):
        response = actor.get(f"segments/suggestions/?{asked}")
        assert response.status_code == 200
        assert 'data-value="&lt;b&gt;Riga"' in response.text
    refused = alice.get("segments/suggestions/?of=value&path=0&about:0=attribute:nothing")
    assert (refused.status_code, refused.text) == (400, "There are no suggestions for this field.")
