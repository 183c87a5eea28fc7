"""The sentence above the rule builder: what it fills, what is underlined, and that nothing is lost where it says nothing."""

from html.parser import HTMLParser
from typing import Any

import pytest

from segments.models import Segment
from segments.rules import rule_form
from segments.rules.tree import ActivityCondition, FieldCondition
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.imports.helpers import bring

PAGES = ["segments/search/", "segments/new/"]


@pytest.fixture
def people(alice: Actor) -> Actor:
    bring(alice.workspace, "email,city\na@example.com,Riga\nb@example.com,Oslo\n", user=alice.user)
    return alice


@pytest.mark.parametrize("page", PAGES)
def test_a_sentence_fills_the_builder(people: Actor, page: str) -> None:
    assert 'name="sentence"' in people.get(page).text
    response = people.post(page, {"do": "sentence", "sentence": "people from  Riga who never ordered", "name": "Mine"})
    assert response.status_code == 200
    form = response.context["form"]
    assert [line.node for line in form.lines] == [
        FieldCondition("city", "is", ("Riga",)), ActivityCondition("order", "never", ""),
    ]  # fmt: skip
    assert response.context["counts"].total.number == 1
    assert "All of the sentence was understood" in response.text
    assert 'value="people from Riga who never ordered"' in response.text
    assert response.context["name"] == "Mine"


def test_what_is_not_understood_is_underlined_and_said(people: Actor) -> None:
    response = people.post(PAGES[0], {"do": "sentence", "sentence": "from Riga who <b>frobnicated</b>"})
    assert [line.node for line in response.context["form"].lines] == [FieldCondition("city", "is", ("Riga",))]
    shown = " ".join(response.text.split())
    assert "not understood: </span>&lt;b&gt;frobnicated&lt;/b&gt;</mark>" in shown
    assert "The underlined words were not understood" in shown


def test_a_sentence_that_says_nothing_changes_nothing(people: Actor) -> None:
    lines = {"match:": "all", "about:0": "attribute:city", "op:0": "is", "value:0": "Oslo"}
    for text, why in (("", "Enter a sentence"), ("frobnicated xyzzy", "Nothing in this sentence was understood")):
        response = people.post(PAGES[0], {**lines, "do": "sentence", "sentence": text})
        assert [line.node for line in response.context["form"].lines] == [FieldCondition("city", "is", ("Oslo",))]
        assert why in response.text


def test_without_script_a_segment_stays_as_it_was(people: Actor) -> None:
    """Then the sentence comes alone, without the lines of the other form."""
    rule = {"match:": "all", "about:0": "attribute:city", "op:0": "is", "value:0": "Oslo", "name": "Oslo", "do": "save"}
    page = people.post(PAGES[1], rule).headers["Location"].partition(people.workspace.slug)[2].strip("/") + "/edit/"
    response = people.post(page, {"do": "sentence", "sentence": "frobnicated"})
    assert [line.node for line in response.context["form"].lines] == [FieldCondition("city", "is", ("Oslo",))]


RIGA = {"match:": "all", "about:0": "attribute:city", "op:0": "is", "value:0": "Riga", "name": "Mine", "do": "save"}
OSLO = {**RIGA, "value:0": "Oslo"}


def saved(actor: Actor) -> list[tuple[str, Any]]:
    with tenant_context(actor.workspace.pk):
        return [(s.name, s.rule["all"][0]["values"]) for s in Segment.objects.order_by("pk")]


def test_a_second_click_finds_the_segment_of_the_first(people: Actor) -> None:
    first, second = people.post(PAGES[1], RIGA), people.post(PAGES[1], RIGA)
    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"]
    other = people.post(PAGES[1], OSLO)
    assert other.status_code == 422
    assert "The segment Mine already exists" in other.text
    assert saved(people) == [("Mine", ["Riga"])]


def test_of_two_tabs_the_second_is_told_before_it_replaces_a_rule(people: Actor) -> None:
    page = people.post(PAGES[1], RIGA)["Location"].partition(people.workspace.slug)[2].strip("/") + "/edit/"
    seen = people.get(page).context["seen"]
    assert f'name="seen" value="{seen}"' in people.get(page).text
    assert people.post(page, {**OSLO, "do": "add:", "seen": seen}).context["seen"] == seen
    assert people.post(page, {**OSLO, "seen": seen}).status_code == 302
    late = people.post(page, {**RIGA, "name": "Ours", "seen": seen})
    assert late.status_code == 422
    assert "A member changed this segment while you were editing it" in late.text
    assert saved(people) == [("Mine", ["Oslo"])]
    assert late.context["seen"] != seen
    assert late.context["name"] == "Ours"
    assert people.post(page, {**RIGA, "name": "Ours", "seen": late.context["seen"]}).status_code == 302
    assert saved(people) == [("Ours", ["Riga"])]


def test_only_the_builder_is_sent_to_a_page_that_has_it(people: Actor) -> None:
    sent = {"do": "sentence", "sentence": "from Oslo"}
    response = people.post(PAGES[1], sent, headers={"HX-Request": "true", "HX-Target": "segments-builder"})
    assert "<html" not in response.text
    assert 'id="segments-builder"' in response.text
    assert isinstance(response.context["form"], rule_form.RuleForm)


class _Focusable(HTMLParser):
    """What can have the focus inside of the builder, and has no ID."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.seen, self.nameless = False, 0, list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.inside |= said.get("id") == "segments-builder"
        can = tag in ("a", "button", "input", "select", "textarea", "summary")
        if self.inside and can and said.get("type") != "hidden" and said.get("tabindex") != "-1":
            self.seen += 1
            if "id" not in said:
                self.nameless.append(self.get_starttag_text() or tag)

    def handle_endtag(self, tag: str) -> None:
        self.inside &= tag != "form"


@pytest.mark.parametrize("page", PAGES)
def test_what_can_have_the_focus_keeps_it(people: Actor, page: str) -> None:
    """The form renews itself after every change, and the focus finds its way back by an ID."""
    rule = {
        "match:": "all", "about:0": "attribute:city", "op:0": "is", "value:0": "Riga", "kind:1": "block", "match:1": "any",
        "about:1.0": "event:order", "op:1.0": "ever", "property:1.0": "total", "compare:1.0": "is", "against:1.0": "5",
        "about:1.1": "field:email_status", "op:1.1": "any_of",
    }  # fmt: skip
    found = _Focusable()
    found.feed(people.post(page, rule).text)
    assert found.seen > 20
    assert found.nameless == []
