"""Definitions: JSON there and back, what is refused, the rule, and the sentence."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiences import definition
from audiences.contact_lists import ContactList
from audiences.definition import CONDITIONS, FORCED, KINDS, PROPOSED, Definition, DefinitionError, State
from audiences.models import Use
from segments.rules import tree
from segments.rules.tree import FieldCondition, Group, InList, InSegment

CLUB, BOOTS, ALIKE = ContactList("source", 3), ContactList("segment", 7), ContactList("lookalike", 2)
LISTS = st.builds(ContactList, st.sampled_from(KINDS), st.integers(1, 9))


@given(st.lists(LISTS, max_size=6), st.lists(LISTS, max_size=6), st.sets(st.sampled_from(sorted(CONDITIONS))))
def test_json_says_the_same_there_and_back(include: Any, exclude: Any, conditions: set[str]) -> None:
    said = Definition(
        tuple(dict.fromkeys(include)),
        tuple(dict.fromkeys(exclude)),
        tuple(key for key in CONDITIONS if key in conditions),
    )
    assert definition.of_plain(definition.plain(said)) == said


@pytest.mark.parametrize(
    "data",
    [
        None, [], "x", {"include": "source"}, {"include": [["source"]]}, {"include": [["audience", 1]]},
        {"include": [["source", "1"]]}, {"include": [["source", True]]}, {"exclude": [[1, "source"]]},
        {"conditions": "ads"}, {"conditions": [1]},
    ],
)  # fmt: skip
def test_damaged_json_is_refused(data: Any) -> None:
    with pytest.raises(DefinitionError):
        definition.of_plain(data)


def test_unknown_conditions_are_not_taken() -> None:
    assert definition.of_plain({"include": [["source", 1]], "conditions": ["ads", "other"]}).conditions == ("ads",)


@pytest.mark.parametrize(
    ("said", "known", "field"),
    [
        (Definition(), (), "include"),
        (Definition((CLUB,)), (), "include"),
        (Definition((CLUB,), (BOOTS,)), (CLUB,), "exclude"),
        (Definition((CLUB,), (CLUB,)), (CLUB,), "exclude"),
        (Definition(tuple(ContactList("source", i) for i in range(1, 22))), None, "include"),
    ],
)
def test_what_cannot_be_an_audience_is_refused(said: Definition, known: Any, field: str) -> None:
    with pytest.raises(DefinitionError) as problem:
        definition.check(said, said.lists if known is None else known)
    assert problem.value.field == field
    assert problem.value.why


def test_the_rule_of_a_definition() -> None:
    said = Definition((CLUB, BOOTS), (ALIKE,), ("email",))
    rule = definition.rule_of(said, Use.GOOGLE)
    assert rule.parts[0] == Group("any", (InList("source", 3), InSegment(7)))
    assert rule.parts[1] == Group("none", (InList("lookalike", 2),))
    assert rule.parts[2:4] == (
        FieldCondition("email_status", "is", ("active",)),
        FieldCondition("ads_consent", "is", ("granted",)),
    )
    assert tree.parse(tree.plain(rule)) == rule


def test_the_largest_definition_is_a_rule() -> None:
    lists = [ContactList("lookalike", 10**12 + i) for i in range(definition.MOST_LISTS)]
    said = Definition(tuple(lists[:10]), tuple(lists[10:]), tuple(CONDITIONS))
    tree.check_size(definition.rule_of(said, Use.META))


@pytest.mark.parametrize("use", Use.values)
def test_each_use_proposes_what_it_needs(use: str) -> None:
    assert set(PROPOSED[use]) <= set(CONDITIONS)
    active = [one.key for one in Definition((CLUB,)).active(use)]
    assert active[-1] == definition.SUPPRESSED
    assert ("ads" in active) == (use in (Use.GOOGLE, Use.META))
    assert FORCED.get(use, frozenset()) <= set(PROPOSED[use])


@pytest.mark.parametrize(("use", "silent"), [
    ("google", {"blacklisted", "unsubscribed", "spam"}), ("meta", {"blacklisted", "unsubscribed", "spam"}),
    ("email", {"blacklisted", "spam"}), ("file", {"blacklisted", "spam"}), ("phone", set()),
])  # fmt: skip
def test_who_is_suppressed(use: str, silent: set[str]) -> None:
    reason = definition.suppressed(use).reason
    statuses = ("active", "not_confirmed", "blacklisted", "unsubscribed", "spam")
    assert {status for status in statuses if reason(State(status, None, None))} == silent
    assert bool(reason(State(None, "blacklisted", None))) == (use != "email")
    assert reason(State(None, None, None)) == ""


def test_reasons_are_said_of_every_state() -> None:
    emails = (None, "active", "not_confirmed", "blacklisted", "unsubscribed", "spam")
    for state in (State(*one) for one in product(emails, (None, "active", "blacklisted"), (None, "granted", "denied"))):
        assert (CONDITIONS["email"].reason(state) == "") == (state.email == "active")
        assert (CONDITIONS["phone"].reason(state) == "") == (state.phone == "active")
        assert (CONDITIONS["ads"].reason(state) == "") == (state.ads == "granted")
    assert CONDITIONS["ads"].reason(State(None, None, "denied")) == "said no"
    assert CONDITIONS["ads"].reason(State(None, None, None)) == "never asked"
    assert CONDITIONS["ads"].reason(State(None, None, "other")) == "never asked"


@pytest.mark.parametrize(
    ("said", "use", "sentence"),
    [
        (Definition(), "file", ""),
        (Definition((CLUB,)), "file", "Contacts in Club, who are not suppressed."),
        (
            Definition((CLUB, BOOTS, ALIKE), (ContactList("segment", 8), ContactList("source", 9)), ("email",)), "google",
            "Contacts in Club, Boots or a lookalike that no longer exists but not in Buyers or Staff, who may be e-mailed, "
            "agreed to ads and are not suppressed.",
        ),
    ],
)  # fmt: skip
def test_words(said: Definition, use: str, sentence: str) -> None:
    names = {CLUB: "Club", BOOTS: "Boots", ContactList("segment", 8): "Buyers", ContactList("source", 9): "Staff"}
    assert "".join(piece.text for piece in definition.words(said, use, names)) == sentence
