"""Heads of a table: where a click leads, and by which the table is sorted now."""

import pytest

from core.table_heads import next_order, sortable


@pytest.mark.parametrize(
    ("order", "key", "then"),
    [
        ("-size", "size", "size"),
        ("size", "size", "-size"),
        ("name", "size", "-size"),
        ("-size", "name", "name"),
        ("name", "name", "-name"),
        ("-name", "name", "name"),
        ("", "name", "name"),
    ],
)
def test_where_a_click_leads(order: str, key: str, then: str) -> None:
    assert next_order(order, key) == then


def test_the_head_that_sorts_says_so() -> None:
    heads = sortable([("name", "Name", ""), ("size", "Size", "num")], order="-size", link=lambda to: f"?order={to}")
    assert [(h["key"], h["sorted"], h["url"]) for h in heads] == [
        ("name", "", "?order=name"),
        ("size", "descending", "?order=size"),
    ]
