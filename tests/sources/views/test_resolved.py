"""The page of resolved contacts: filters as chips, the fragment that a filter loads, empty pages."""

import pytest

from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.tracking.helpers import device, hit, site_of, stored


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def visited(alice: Actor) -> Actor:
    with tenant_context(alice.workspace.pk):
        Contact.objects.create(origin="manual", first_name="Anna", email="anna@example.com")
    stored(site_of(alice.workspace), hit(device()), hit(device(), "identify", email="anna@example.com"))
    return alice


def test_it_says_what_to_do_first(alice: Actor) -> None:
    assert "No visitors yet" in alice.get("resolved/").text
    stored(site_of(alice.workspace), hit(device()))
    assert "No visitors matched yet" in alice.get("resolved/").text


def test_a_person_leads_to_the_profile(visited: Actor) -> None:
    page = flat(visited.get("resolved/").text)
    assert "<b>1</b> contact." in page
    with tenant_context(visited.workspace.pk):
        anna = Contact.objects.get()
    assert f'href="{visited.url(f"contacts/{anna.pk}/")}">Anna</a>' in page


def test_filters_are_chips_that_can_be_removed(visited: Actor) -> None:
    page = flat(visited.get("resolved/?stage=0&seen=range&since=2020-01-01&until=2020-02-01&page=/x").text)
    assert "No contacts match" in page
    for words in ("Funnel stage <b>Visitor</b>", "Last visit <b>2020-01-01 to 2020-02-01</b>", "Page <b>/x</b>"):
        assert words in page
    assert 'href="?stage=0&amp;page=%2Fx"' in page or 'href="?page=%2Fx&amp;stage=0"' in page
    assert '<option value="0" selected>' in page


def test_a_filter_loads_only_the_list(visited: Actor) -> None:
    answer = visited.get("resolved/?kind=new", headers={"HX-Request": "true", "HX-Target": "resolved-list"})
    assert "<h1>" not in answer.text
    assert "Anna" in answer.text
    assert 'name="kind" value="new"' in answer.text, "the file has the filters that are set"


@pytest.mark.parametrize("damaged", ["?source=x&site=-1", "?after=1_x", "?since=2026-99-99&seen=range"])
def test_a_damaged_address_is_the_list(visited: Actor, damaged: str) -> None:
    assert "Anna" in visited.get(f"resolved/{damaged}").text
