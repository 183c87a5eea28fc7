"""Figures as a table: behind a chart, and as a file."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from contacts.values.formula_guard import safe_cell
from core.formatting import number


@dataclass(frozen=True)
class Table:
    """Columns and rows of plain values; `key` is its name in addresses. `charted`: the chart shows it already."""

    key: str
    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]] = field(default_factory=list)
    charted: bool = False

    @property
    def shown(self) -> list[list[str]]:
        """The rows as people read them."""
        return [[_words(cell) for cell in row] for row in self.rows]

    def lines(self) -> Iterator[str]:
        """The lines of a CSV file: figures as they are, texts that no spreadsheet runs."""
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        for row in (self.heads, *self.rows):
            writer.writerow(
                [safe_cell(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in row]
            )
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()


def _words(cell: Any) -> str:
    if cell is None or isinstance(cell, str):
        return cell or ""
    if hasattr(cell, "isoformat"):
        return f"{cell.day} {cell:%b %Y}"
    return number(cell, 0 if cell == int(cell) else 2)
