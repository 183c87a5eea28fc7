"""Rules as they are stored: what is read, what is refused, and that nothing is lost on the way."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.rules import tree
from segments.rules.tree import (
    ActivityCondition,
    FieldCondition,
    Group,
    InList,
    InSegment,
    Period,
    PropertyFilter,
    RuleError,
)

# So short that the largest rule of these, with all its signs escaped, is still within what a rule may have (MAX_BYTES).
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
PERIODS = st.one_of(
    st.builds(Period, st.sampled_from(["last", "ago"]), st.integers(1, 120), st.sampled_from(list(tree.UNITS))),
    st.builds(Period, st.sampled_from(["this", "previous"]), unit=st.sampled_from(tree.CALENDAR)),
    st.builds(Period, st.sampled_from(["before", "after", "since"]), start=TEXT),
    st.builds(Period, st.just("between"), start=TEXT, stop=TEXT),
)
FILTERS = st.lists(st.builds(PropertyFilter, TEXT, TEXT, TEXT), max_size=2).map(tuple)
LINES = st.one_of(
    st.builds(FieldCondition, TEXT, TEXT, st.lists(TEXT, max_size=3).map(tuple)),
    st.builds(ActivityCondition, TEXT, TEXT, TEXT, st.none() | PERIODS, TEXT, FILTERS, until=TEXT, currency=TEXT),
    st.builds(
        ActivityCondition,
        TEXT,
        TEXT,
        TEXT,
        where=st.tuples(st.builds(PropertyFilter, TEXT, TEXT, TEXT)),
        joined=st.just("any"),
    ),
    st.builds(InSegment, st.integers(0, 2**50), st.sampled_from(["in", "not_in"])),
    st.builds(InList, st.sampled_from(tree.LISTS), st.integers(0, 2**50), st.sampled_from(["in", "not_in"])),
)
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
        ({"v": 1, "all": [{"activity": "order", "times": 3, "count": "1"}]}, "a text"),
        ({"v": 1, "all": [{"activity": "order", "times": "never", "period": 3}]}, "a period"),
        ({"v": 1, "all": [{"activity": "order", "times": "never", "period": {}}]}, "a period"),
        ({"v": 1, "all": [{"activity": "order", "times": "never", "period": {"this": "decade"}}]}, "a period"),
        ({"v": 1, "all": [{"activity": "order", "times": "never", "period": {"this": ["month"]}}]}, "a period"),
        ({"v": 1, "all": [{"activity": "order", "times": "never", "period": {"between": ["2026-01-01"]}}]}, "a period"),
        ({"v": 1, "all": [{"activity": "order", "times": "never", "period": {"since": 3}}]}, "a text"),
        ({"v": 1, "all": [{"activity": "order", "times": "never", "period": {"last": 3, "unit": "years"}}]}, "months"),
        ({"v": 1, "all": [{"activity": "order", "times": "never", "period": {"last": 3, "unit": []}}]}, "months"),
        ({"v": 1, "all": [{"activity": "order", "times": "never", "period": {"ago": 121, "unit": "months"}}]}, "120"),
        ({"v": 1, "all": [{"activity": "order", "times": "never", "where": {"all": []}}]}, "up to 10"),
        ({"v": 1, "all": [{"activity": "order", "times": "never", "where": {"any": [3]}}]}, "not a condition"),
        ({"v": 1, "all": [{"import": "7"}]}, "Choose one import"),
        ({"v": 1, "all": [{"source": 7, "op": "near"}]}, "Choose one source"),
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


def test_rules_of_the_first_version_are_read_as_they_are() -> None:
    """What was stored before periods, several filters and currencies existed, word by word."""
    stored = {
        "v": 1,
        "all": [
            {"activity": "order", "times": "at_least", "count": "2", "days": 30},
            {
                "activity": "order_total", "times": "at_most", "count": "12.50",
                "where": {"property": "coupon", "op": "is", "value": "Spring"},
            },
            {"activity": "track", "times": "at_least", "count": "1", "name": "Signed up"},
        ],
    }  # fmt: skip
    rule = tree.parse(stored)
    assert rule.parts == (
        ActivityCondition("order", "at_least", "2", Period("last", 30)),
        ActivityCondition("order_total", "at_most", "12.50", where=(PropertyFilter("coupon", "is", "Spring"),)),
        ActivityCondition("track", "at_least", "1", name="Signed up"),
    )
    assert tree.plain(rule) == stored


def test_a_refused_condition_is_named_by_its_path() -> None:
    with pytest.raises(RuleError) as caught:
        tree.parse({"v": 1, "all": [{"segment": 1}, {"any": [{"segment": 2}, {"nothing": 0}]}]})
    assert caught.value.path == (1, 1)


@pytest.mark.parametrize("text", ["", "{", "null", "x" * 6001, orjson.dumps({"v": 1, "all": [{}]}).decode()])
def test_texts_that_are_no_rule(text: str) -> None:
    with pytest.raises(RuleError):
        tree.loads(text)
