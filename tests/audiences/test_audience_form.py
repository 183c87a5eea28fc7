"""The form of an audience: what it reads, and what its buttons do."""

import pytest
from django.http import QueryDict

from audiences import audience_form
from audiences.audience_form import AudienceForm, ListRow
from audiences.contact_lists import ContactList
from audiences.definition import PROPOSED

ROWS = [ListRow("source", 1), ListRow("segment", None), ListRow("segment", 2)]


def form(text: str) -> AudienceForm:
    return audience_form.read(QueryDict(text))


def test_what_is_read() -> None:
    read = form(
        "name=+A%00++b&use=email&proposed_for=email&include=source:1&include=source:1&include=segment:&include=audience:1"
        "&include=x&exclude=lookalike:7&condition=valid&condition=email&condition=nope"
    )
    assert (read.name, read.use) == ("A b", "email")
    assert read.include == [ListRow("source", 1), ListRow("source", 1), ListRow("segment", None)]
    assert read.definition.include == (ContactList("source", 1),)
    assert read.definition.exclude == (ContactList("lookalike", 7),)
    assert read.definition.conditions == ("email", "valid")


@pytest.mark.parametrize(
    "text", ["", "use=", "use=twitter", "include=source:99999999999999999999999999", "use=google&use="]
)
def test_what_makes_no_sense_does_no_harm(text: str) -> None:
    assert form(text).definition.include == ()
    assert form(text).use in PROPOSED


def test_another_use_proposes_its_conditions_once() -> None:
    assert form("use=email&proposed_for=google&condition=ads").conditions == ["email"]
    assert form("use=email&proposed_for=email&condition=valid").conditions == ["valid"]


@pytest.mark.parametrize(
    ("do", "left", "focus"),
    [
        ("add:include:lookalike", [*ROWS, ListRow("lookalike", None)], "include-3"),
        ("remove:include:0", ROWS[1:], "include-0"),
        ("remove:include:2", ROWS[:2], "include-1"),
        ("remove:include:3", ROWS, ""),
        ("remove:include:-1", ROWS, ""),
        ("add:include:audience", ROWS, ""),
        ("add:both:source", ROWS, ""),
        ("save", ROWS, ""),
        ("", ROWS, ""),
    ],
)
def test_buttons(do: str, left: list[ListRow], focus: str) -> None:
    own = AudienceForm(include=list(ROWS))
    assert audience_form.edit(own, do) == focus
    assert own.include == left


def test_the_last_row_that_is_removed_leaves_the_focus_where_one_is_added() -> None:
    own = AudienceForm(exclude=[ListRow("lookalike", 1)])
    assert audience_form.edit(own, "remove:exclude:0") == "add-exclude-lookalike"


def test_a_form_has_no_more_rows_than_can_be_shown() -> None:
    own = AudienceForm(include=[ListRow("source", None)] * audience_form.MOST_ROWS)
    assert audience_form.edit(own, "add:include:source") == ""
    assert len(own.include) == audience_form.MOST_ROWS


def test_a_new_form_begins_with_the_lists_of_the_address() -> None:
    assert audience_form.empty(["segment:7", "nope:1"]).include == [ListRow("segment", 7)]
    assert audience_form.empty().include == [ListRow("source", None)]
    assert set(audience_form.empty().conditions) == set(PROPOSED["google"])
