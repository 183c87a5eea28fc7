"""Heads of a table by which it can be sorted."""

from collections.abc import Callable, Iterable


def sortable(
    columns: Iterable[tuple[str, str, str]], *, order: str, link: Callable[[str], str]
) -> list[dict[str, str]]:  # fmt: skip
    """A head for each (key, label, class). `order` is the key that the table is sorted by, with a hyphen before it from the
    largest; `link` gives the address of the table in another order."""
    return [
        {
            "key": key,
            "label": label,
            "css": css,
            "url": link(next_order(order, key)),
            "sorted": {f"-{key}": "descending", key: "ascending"}.get(order, ""),
        }
        for key, label, css in columns
    ]


def next_order(order: str, key: str) -> str:
    """What a click on a head sorts by: names from A, figures from the largest; a second click the other way round."""
    usual, other = (key, f"-{key}") if key == "name" else (f"-{key}", key)
    return other if order == usual else usual
