"""Rows in error as a person knows them from a spreadsheet: every cell in its column, with its reasons. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contacts.values.columns import SHOWN_IDENTIFIERS
from imports.files import reader
from imports.results.error_rows import CellError, SheetRow

_TOO_MANY, _TOO_FEW = "too_many_cells", "too_few_cells"
# Reasons about the row as a whole: any of its cells may be the one to correct.
_WHOLE = frozenset({_TOO_MANY, _TOO_FEW, "bad_quotes", "unclosed_quote", "record_too_long", "no_identifier"})


@dataclass
class DrawnCell:
    """A cell as it is drawn: `span` columns wide, marked when `bad`, with the reasons below its value, and the contacts
    that they name. `was` is the value before the correction; `edit`: it can be typed into.
    `proposal` (imports.results.suggestions) is a change that corrects the cell, which `same` cells of the column share; of a
    corrected cell it is the change that was made, and `same` the cells that still have the old value."""

    value: str
    bad: bool = False
    span: int = 1
    reasons: list[CellError] = field(default_factory=list)
    contacts: list[Any] = field(default_factory=list)
    was: str | None = None
    edit: bool = False
    proposal: Any = None
    same: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether nothing but its value is shown, as of most cells."""
        return not (self.edit or self.reasons or self.contacts or self.proposal or self.span > 1)


@dataclass
class Line:
    """A row as it is drawn."""

    number: int
    squares: list[DrawnCell]
    ready: bool = False
    chosen: int | None = None
    retried_in: int | None = None


@dataclass
class Column:
    """A column of the file: its letter and its name in a spreadsheet."""

    letter: str
    name: str

    def __str__(self) -> str:
        return self.name or f"column {self.letter}"


def columns(header: Sequence[str], rows: Sequence[SheetRow]) -> list[Column]:
    """The columns of the file, and nameless ones where a row has more cells than the header."""
    width = max([len(header), *(len(row.cells) for row in rows)])
    return [Column(reader.letter(i), header[i] if i < len(header) else "") for i in range(width)]


def lines(
    rows: Sequence[SheetRow], *, width: int, header: int, targets: Sequence[str], contacts: Mapping[int, Any]
) -> list[Line]:
    """Rows as squares. `width`: columns drawn; `header`: columns with a name; `targets`: fields by column; `contacts`:
    contacts that reasons name, by ID."""
    drawn = []
    for row in rows:
        squares = _squares(row, width, header, targets)
        named = [contacts[pk] for pk in dict.fromkeys(row.contacts) if pk in contacts]
        for square in ([s for s in squares if s.reasons] or squares)[:1]:
            square.contacts = named
        whole = any(mark.code in _WHOLE for mark in row.marks)
        for square in squares:
            square.edit = square.bad or square.was is not None or whole
        drawn.append(Line(row.line, squares, row.ready, row.chosen, row.retried_in))
    return drawn


def _squares(row: SheetRow, width: int, header: int, targets: Sequence[str]) -> list[DrawnCell]:
    squares = [DrawnCell(c.value, bool(c.marks), reasons=list(c.marks), was=c.was) for c in row.cells] or [
        DrawnCell("")
    ]
    codes = {mark.code for mark in row.marks}
    if _TOO_FEW in codes and len(squares) < width:
        squares[-1].span = width - len(squares) + 1
    else:
        squares += [DrawnCell("") for _ in range(width - len(squares))]
    if row.marks:
        places = _places(codes, squares, header, targets)
        for i in places:
            squares[i].bad = True
        squares[places[0]].reasons = row.marks + squares[places[0]].reasons
    return squares


def _places(codes: set[str], squares: list[DrawnCell], header: int, targets: Sequence[str]) -> list[int]:
    """The cells that a reason about the whole row is about: the one that is cut short, those that are too many, the
    identifiers, or all that are left."""
    if _TOO_FEW in codes:
        return [len(squares) - 1]
    if _TOO_MANY in codes:
        return list(range(header, len(squares))) or [len(squares) - 1]
    if "bad_quotes" in codes or "unclosed_quote" in codes or "record_too_long" in codes:
        return [i for i, square in enumerate(squares) if square.value] or [0]
    named = [i for i, target in enumerate(targets) if target in SHOWN_IDENTIFIERS and i < len(squares)]
    return [i for i in named if squares[i].value] or named or [0]
