"""Writes docs/rules.md from the tables of the rule language: `make rules`."""

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import django

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rules.md"
HEAD = """\
# Rules: reference

Everything that a condition of a rule can say. [Segments](segments.md) explains how it works. This page is written by
`make rules` from the tables that the form, the check, the words and the compiler read.
"""
FIELDS = """
## Fields

Every workspace has these; custom fields are of a kind by their [type](attributes.md).

| Kind | Fields |
| --- | --- |
"""
OPERATORS = """
## Operators on fields

Days are those of the workspace's time zone. “Today” and the days around it change at midnight there. Sums of visits are 0
for contacts without a visitor.

| Operator | Takes | For | Without a value |
| --- | --- | --- | --- |
"""
ACTIVITIES = """
## Activity

Events of a contact and of its visitors. Messages that several events tell of are one message where the table says so.
Orders that only a browser tells of count where the workspace has said so.

| Activity | Key | What is compared | Properties that are suggested |
| --- | --- | --- | --- |
"""
COMPARISONS = """
## How often, or how much

Amounts are those of one currency, or of any without converting them.

| Comparison | Of | Without such an event |
| --- | --- | --- |
"""
PERIODS = """
## Periods

Without a period it is ever. An hour is 60 minutes and a day 24 hours, whatever the clocks do; weeks begin on Monday. A
month ago is the same day of the month before, or its last one.

| Period | Means | Time alone changes it |
| --- | --- | --- |
"""
FILTERS = """
## Properties of an event

Up to ten, joined by *and* or *or*. `items`: the name, product, title, SKU or ID of any item of an order.

| Operator | Takes | Without the property |
| --- | --- | --- |
"""
LISTS = """
## Segments and lists

| Condition | JSON |
| --- | --- |
| In segment, or not | `{"segment": 12, "op": "in"}`, `"not_in"` |
"""
TAIL = """
## As JSON

    {"attribute": "birthday", "op": "comes", "values": ["7"]}
    {"activity": "order", "times": "between", "count": "2", "until": "5", "days": 90}
    {"activity": "order_total", "times": "more", "count": "100", "currency": "EUR", "period": {"this": "quarter"}}
    {"activity": "page", "times": "last", "count": "", "period": {"ago": 6, "unit": "months"},
     "where": {"any": [{"property": "url", "op": "contains", "value": "/boots"},
                       {"property": "utm_source", "op": "is", "value": "news"}]}}

Other periods: `{"last": 36, "unit": "hours"}`, `{"between": ["2026-01-01", "2026-03-31"]}`, `{"before": "2026-01-01"}`.
"""
TAKES = {
    "nothing": "–",
    "one": "a value",
    "many": "one or more values",
    "days": "a number of days",
    "two": "two values",
}
MEASURES = {"count": "how often", "sum": "their total", "average": "their average", "latest": "the last amount"}


def page() -> str:
    """The whole page."""
    from contacts.extensions import rule_lists
    from segments.rules import activity_conditions, operators, periods, property_filters, rule_fields

    fields: dict[str, list[str]] = defaultdict(list)
    for one in rule_fields.standard().values():
        fields[one.kind].append(one.label)
    activities = activity_conditions.ACTIVITIES.values()
    parts = (
        FIELDS, _rows((rule_fields.KINDS[kind], ", ".join(labels)) for kind, labels in fields.items()),
        OPERATORS, _rows(_operator(one, rule_fields.KINDS) for one in operators.OPERATORS.values()),
        ACTIVITIES, _rows(
            (one.label, f"`{one.key}`", "messages" if one.messages else MEASURES[one.measure],
             ", ".join(f"`{name}`" for name in one.properties) or "–")
            for one in activities
        ),
        COMPARISONS, _rows(
            (one.label, _of(one.measures), one.missing) for one in activity_conditions.COMPARISONS.values()
        ),
        PERIODS, _rows((label, *periods.MEANS[key]) for key, label in periods.KINDS.items()),
        FILTERS, _rows(
            (one.label, {"text": "a text", "number": "a number", "nothing": "–"}[one.takes], one.missing)
            for one in property_filters.FILTERS.values()
        ),
        LISTS, _rows((f"{known.LABEL}, or not", f'`{{"{kind}": 12, "op": "in"}}`') for kind, known in rule_lists().items()),
    )  # fmt: skip
    return HEAD + "".join(parts) + TAIL


def _operator(one: object, kinds: dict[str, str]) -> tuple[str, ...]:
    from segments.rules.operators import Operator

    assert isinstance(one, Operator)
    return (
        one.label,
        TAKES[one.takes],
        ", ".join(words for kind, words in kinds.items() if kind in one.kinds),
        one.missing,
    )


def _of(measures: frozenset[str]) -> str:
    return " and ".join(word for word, key in (("numbers", "count"), ("amounts", "sum")) if key in measures)


def _rows(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in rows)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdp.settings")
    django.setup()
    PAGE.write_text(page(), encoding="utf-8")
