"""The fields of a line about an activity, both ways."""

import pytest

from segments.rules import activity_form
from segments.rules.activity_conditions import ACTIVITIES
from segments.rules.tree import MAX_FILTERS, ActivityCondition, Period, PropertyFilter, RuleError

ORDER = ACTIVITIES["order"]


@pytest.mark.parametrize(
    "did",
    [
        ActivityCondition("order", "at_least", "2"),
        ActivityCondition("order", "never", "", Period("last", 6, "months")),
        ActivityCondition("order", "between", "2", Period("ago", 36, "hours"), until="5"),
        ActivityCondition("order", "first", "", Period("this", unit="quarter")),
        ActivityCondition("order", "last", "", Period("previous", unit="year")),
        ActivityCondition("order", "exactly", "1", Period("between", start="2026-01-01", stop="2026-01-31")),
        ActivityCondition("order", "at_most", "1", Period("before", start="2026-01-01")),
        ActivityCondition("order", "at_most", "1", Period("since", start="2026-01-01"), currency="EUR"),
        ActivityCondition(
            "order", "at_least", "1", where=(PropertyFilter("items", "contains", "tent"), PropertyFilter("coupon", "empty")),
            joined="any",
        ),
    ],
)  # fmt: skip
def test_a_condition_is_typed_and_read_back(did: ActivityCondition) -> None:
    typed, filters = activity_form.typed(did)
    assert activity_form.node(ORDER, typed, filters) == did


def test_a_number_of_days_alone_is_a_window() -> None:
    assert activity_form.node(ORDER, {"count": "1", "days": "7"}, ()).period == Period("last", 7)
    assert activity_form.node(ORDER, {"count": "1"}, ()).period is None


@pytest.mark.parametrize(
    "typed", [{"period": "last"}, {"period": "ago", "days": "0"}, {"days": "x"}, {"days": "121", "unit": "months"}]
)
def test_a_window_without_its_number_is_refused(typed: dict[str, str]) -> None:
    with pytest.raises(RuleError, match="Enter a number of"):
        activity_form.node(ORDER, typed, ())


def test_rows_of_filters_stay_together() -> None:
    rows = activity_form.filters(["a", " ", "c", "d"], ["is", "more", "less"], ["1", "2", "3"])
    assert rows == (("a", "is", "1"), ("c", "less", "3"), ("d", "is", ""))
    assert len(activity_form.filters(["x"] * 50, [], [])) == MAX_FILTERS
    # A forged operator is none.
    assert activity_form.node(ORDER, {}, (("a", "near", "1"),)).where == (PropertyFilter("a", "is", "1"),)
