"""Rules as they are stored: what is read, what is refused, and that nothing is lost on the way."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.rules import tree
from segments.rules.tree import ActivityCondition, FieldCondition, Group, InSegment, PropertyFilter, RuleError

# So short that the largest rule of these, with all its signs escaped, is still within what a rule may have (MAX_BYTES).
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
LINES = st.one_of(
    st.builds(FieldCondition, TEXT, TEXT, st.lists(TEXT, max_size=3).map(tuple)),
    st.builds(
        ActivityCondition, TEXT, st.sampled_from(["at_least", "at_most"]), TEXT, st.none() | st.integers(1, 3660), TEXT,
        st.none() | st.builds(PropertyFilter, TEXT, TEXT, TEXT),
    ),
    st.builds(InSegment, st.integers(0, 2**50), st.sampled_from(["in", "not_in"])),
)  # fmt: skip
GROUPS = st.recursive(
    st.builds(Group, st.sampled_from(tree.MATCHES), st.lists(LINES, max_size=4).map(tuple)),
    lambda inner: st.builds(Group, st.sampled_from(tree.MATCHES), st.lists(LINES | inner, max_size=3).map(tuple)),
    max_leaves=2,
)


@given(GROUPS)
def test_what_is_written_is_read_back(rule: Group) -> None:
    assert tree.loads(tree.dumps(rule)) == rule


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ([], "not a rule"),
        ({"all": []}, "not a rule"),
        ({"v": 2, "all": []}, "not a rule"),
        ({"v": 1, "attribute": "city", "op": "is", "values": ["Riga"]}, "must start with"),
        ({"v": 1, "some": []}, "not a condition"),
        ({"v": 1, "all": [], "any": []}, "deep"),
        ({"v": 1, "all": [3]}, "not a condition"),
        ({"v": 1, "all": [{}]}, "not a condition"),
        ({"v": 1, "all": [{"attribute": "city"}]}, "a text"),
        ({"v": 1, "all": [{"attribute": 1, "op": "is"}]}, "a text"),
        ({"v": 1, "all": [{"attribute": "city", "op": "is", "values": "Riga"}]}, "up to 50 values"),
        ({"v": 1, "all": [{"attribute": "city", "op": "is", "values": ["x" * 201]}]}, "at most 200"),
        ({"v": 1, "all": [{"attribute": "city", "op": "is", "values": ["a\x00"]}]}, "a text"),
        ({"v": 1, "all": [{"activity": "order", "times": "often", "count": "1"}]}, "at least"),
        ({"v": 1, "all": [{"activity": "order", "times": "at_least", "count": "1", "days": 0}]}, "number of days"),
        ({"v": 1, "all": [{"activity": "order", "times": "at_least", "count": "1", "days": True}]}, "number of days"),
        ({"v": 1, "all": [{"activity": "order", "times": "at_least", "count": "1", "where": 3}]}, "not a condition"),
        ({"v": 1, "all": [{"segment": "12"}]}, "Choose a segment"),
        ({"v": 1, "all": [{"segment": 12, "op": "near"}]}, "Choose a segment"),
        ({"v": 1, "all": [{"all": [{"all": [{"all": [{"all": []}]}]}]}]}, "deep"),
        ({"v": 1, "all": [{"segment": i} for i in range(51)]}, "up to 50 conditions"),
    ],
)
def test_what_is_no_rule_is_refused(data: Any, why: str) -> None:
    with pytest.raises(RuleError, match=why):
        tree.parse(data)


def test_a_refused_condition_is_named_by_its_path() -> None:
    with pytest.raises(RuleError) as caught:
        tree.parse({"v": 1, "all": [{"segment": 1}, {"any": [{"segment": 2}, {"nothing": 0}]}]})
    assert caught.value.path == (1, 1)


@pytest.mark.parametrize("text", ["", "{", "null", "x" * 6001, orjson.dumps({"v": 1, "all": [{}]}).decode()])
def test_texts_that_are_no_rule(text: str) -> None:
    with pytest.raises(RuleError):
        tree.loads(text)
