"""Contacts as JSON objects on the road of a file: a value becomes the cell that means it, a set of keys a header. Pure.

A field has one reader, whoever sends the value (imports.cleaning.row_cleaner): a program and a file that say the same give
the same contact, or the same problem. Numbers keep their digits, a list is what a cell has with | between, null is a blank.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from contacts.values import texts
from contacts.values.parsers import BadValue
from imports.cleaning import copy_lines
from imports.cleaning.cells import JsonCell
from imports.cleaning.row_cleaner import Cleaner, collector_paused
from imports.cleaning.row_setting_cells import PROPERTIES
from imports.problems.catalogue import Problem
from segments import membership

# Values that are objects, or lists of them; their readers see what is inside.
_JSON = frozenset({PROPERTIES, "event.items"})
SEGMENTS = "row.segments"


class Note(NamedTuple):
    """A problem of an item: the key that it is about ("": the item), its code, the value, the facts of its sentence."""

    key: str
    code: str
    value: str | None
    facts: dict[str, Any]


@dataclass
class CleanedItems:
    """What became of items. `lines` is COPY text with the columns of contacts.staging.ROW_COLUMNS, the place of an item in
    the list as number of its row; `notes` are by that place; items that are in `refused` have no row."""

    lines: list[str] = field(default_factory=list)
    notes: dict[int, list[Note]] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)

    def note(self, place: int, *notes: Note) -> None:
        """Say something about an item."""
        self.notes.setdefault(place, []).extend(notes)

    def refuse(self, place: int, *notes: Note) -> None:
        """Keep an item out that has a row already."""
        self.refused.add(place)
        self.note(place, *notes)


# A header → the cleaner of its items, and those of its keys that are no field.
CleanerOf = Callable[[Sequence[str]], tuple[Cleaner, Sequence[str]]]


def clean(items: Sequence[Mapping[str, Any]], *, prefix: str, cleaner_of: CleanerOf) -> CleanedItems:
    """Clean items one by one; `prefix` is put before each line: the tenant's column."""
    out, cleaners = CleanedItems(), dict[tuple[str, ...], tuple[Cleaner, Sequence[str]]]()
    with collector_paused():
        for place, item in enumerate(items):
            header = tuple(item)
            known = cleaners.get(header)
            if known is None:
                known = cleaners[header] = cleaner_of(header)
            cleaner, unknown = known
            cells, notes = _cells(item)
            notes += [Note(key, "unknown_target", key[:100], {}) for key in unknown]
            line = None if notes else cleaner.line(cells)
            if line is None:
                line = _thorough(out, place, header, cleaner, cells, notes)
            if line:
                out.lines.append(f"{prefix}{place}{line}")
    return out


def _thorough(
    out: CleanedItems, place: int, header: Sequence[str], cleaner: Cleaner, cells: list[str], notes: list[Note]
) -> str:
    """The line of an item that needs a second look; "" when it is in error."""
    clean_row, problems = cleaner.row(cells)
    notes += [_note(header, problem) for problem in problems]
    if clean_row is None and not notes:
        notes.append(Note("", "no_identifier", None, {}))  # an item without a value is one that nobody means
    if notes:
        out.note(place, *notes)
    if clean_row is None or (notes and not cleaner.drop):
        out.refused.add(place)
        return ""
    return copy_lines.line_from_clean_row(clean_row)


def _note(header: Sequence[str], problem: Problem) -> Note:
    key = "" if problem.column is None else header[problem.column]
    return Note(key, problem.code, None if problem.value is None else problem.value[:400], problem.facts)


def _cells(item: Mapping[str, Any]) -> tuple[list[str], list[Note]]:
    """The cells of an item, and what cannot be a cell: its cell is blank."""
    cells, notes = list[str](), list[Note]()
    for key, value in item.items():
        if type(value) is str and value.isprintable():  # half of a surrogate pair is not
            cells.append(value)
            continue
        try:
            cells.append(cell(key, value))
        except BadValue as problem:
            cells.append("")
            notes.append(Note(key, problem.code, None, problem.facts))
    return cells, notes


def cell(key: str, value: Any) -> str:
    """The cell that means a value of JSON. Raises BadValue."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (int, float)):
        return str(value)
    if key in _JSON:
        return JsonCell(value)
    if isinstance(value, list):
        return _joined(value, escaped=key == SEGMENTS)
    raise BadValue("not_a_value")


def _text(value: str) -> str:
    if texts.is_storable(value):
        return value
    raise BadValue("control_character")


def _joined(values: Iterable[Any], *, escaped: bool) -> str:
    parts = []
    for value in values:
        if value is None or isinstance(value, (list, dict)):
            raise BadValue("not_a_value")
        text = cell("", value)
        if "|" in text and not escaped:
            raise BadValue("not_a_value")
        parts.append(membership.escaped(text) if escaped else text)
    return "|".join(parts)
