"""Keyset paging: the rows that come behind a place in an order, as a condition at which an index can begin.

A page costs the same however far it is from the first one, and no row is shown twice or left out while others are added.
"""

from typing import Any

from django.db.models import Q


def beyond(column: str | None, value: Any, number: int | None, *, key: str = "pk", down: bool = True) -> Q:
    """The rows behind (value, number) in the order of `column` and, among equals, of `key`.

    Without a column, `key` alone is the order. Without a number all rows of the same value are behind. `down`: the largest
    come first.
    """
    side = "lt" if down else "gt"
    if column is None:
        return Q((f"{key}__{side}", number))
    # The edge says nothing new: it is the condition that an index can begin at.
    edge = Q((f"{column}__{side}e", value))
    return edge if number is None else edge & (Q((f"{column}__{side}", value)) | Q((f"{key}__{side}", number)))
