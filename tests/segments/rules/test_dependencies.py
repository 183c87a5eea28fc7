"""What a rule depends on, of each kind of condition and below each kind of group."""

import pytest

from segments.rules.activity_conditions import ACTIVITIES
from segments.rules.dependencies import causes, depends_on, leaves
from segments.rules.tree import ActivityCondition, FieldCondition, Group, InSegment, Node

CITY, ORDER = FieldCondition("city", "filled"), ActivityCondition("order", "at_least", "1")


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (CITY, {"contact"}),
        (ORDER, {"event:order"}),
        (ActivityCondition("page", "at_least", "1"), {"visit"}),
        (ActivityCondition("track", "at_least", "1"), {"event"}),
        (ActivityCondition("action", "at_least", "1"), {"event:action"}),
        (ActivityCondition("read", "at_least", "1"), {"message"}),
        (InSegment(3), {"segment"}),
        (Group("none", (CITY, Group("any", (ORDER, InSegment(3))))), {"contact", "event:order", "segment"}),
        (Group("all", ()), set()),
    ],
)
def test_each_condition_has_its_cause(node: Node, expected: set[str]) -> None:
    assert causes(node) == expected


def test_every_activity_has_a_cause_of_its_kind() -> None:
    found = {key: next(iter(causes(ActivityCondition(key, "at_least", "1")))) for key in ACTIVITIES}
    for key, activity in ACTIVITIES.items():
        expected = {"page": "visit", "message": "message", "track": "event"}.get(
            activity.kind, f"event:{activity.kind}"
        )
        assert found[key] == expected


def test_the_segments_that_a_rule_names() -> None:
    rule = Group("all", (InSegment(3), Group("none", (InSegment(7, "not_in"), CITY))))
    assert depends_on(rule) == {3, 7}
    assert depends_on(Group("all", (CITY,))) == frozenset()


def test_conditions_below_none_are_negative_and_twice_below_it_positive() -> None:
    rule = Group("all", (CITY, Group("none", (ORDER, Group("any", (CITY, Group("none", (InSegment(1),))))))))
    assert leaves(rule) == [
        ((0,), CITY, True), ((1, 0), ORDER, False), ((1, 1, 0), CITY, False), ((1, 1, 1, 0), InSegment(1), True),
    ]  # fmt: skip
