"""The lines between lists and what is made of them, behind columns of equal width and lines of equal height. Pure."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

Place = tuple[int, int]
# The share of a column that its entries take; lines run in the rest.
FILLED = 0.84


def chain_svg(links: Sequence[tuple[Place, Place]], *, columns: int, rows: int) -> SafeString:
    """Curves from (column, place) to (column, place); both ends are in the middle of their line."""
    width, height = 100 / columns, 100 / rows
    paths = []
    for (from_column, from_row), (to_column, to_row) in links:
        x1, y1 = (from_column + FILLED) * width, (from_row + 0.5) * height
        x2, y2 = to_column * width, (to_row + 0.5) * height
        if to_column == from_column:  # around the right side of both
            x2 = x1
        elif to_column < from_column:  # the other way round
            x1, x2 = from_column * width, (to_column + FILLED) * width
        middle = (x1 + x2) / 2 if x2 != x1 else x1 + width * (1 - FILLED)
        paths.append((f"M{x1:.2f},{y1:.2f} C{middle:.2f},{y1:.2f} {middle:.2f},{y2:.2f} {x2:.2f},{y2:.2f}",))
    return format_html(
        '<svg class="chain-lines" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">{}</svg>',
        format_html_join("", '<path class="curve" d="{}"/>', paths),
    )
