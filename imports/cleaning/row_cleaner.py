"""Cells in, clean rows out: the hot loop of an import. Pure; nothing here knows the database.

A whole row (reading, cleaning, JSON, COPY text) has to cost some fifteen microseconds. A row without a problem becomes
its line in one step (`lines.compiled`); any other goes through `row`, which says everything that is wrong with it. Both
use the same functions for a cell.
"""

import gc
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from contacts.values import identifiers
from contacts.values.columns import SHOWN_IDENTIFIERS
from contacts.values.formula_guard import strip_guard
from contacts.values.texts import trimmed
from contacts.values.types import BadValue
from imports.cleaning import cells as cell_readers
from imports.cleaning import copy_lines
from imports.cleaning.cells import NAMES, CleanRow, Column
from imports.cleaning.row_settings import RowSettings
from imports.files import csv_records
from imports.files.reader import Dialect
from imports.problems.catalogue import Problem
from imports.workbooks.workbook_cells import NO_VALUE

__all__ = ["Block", "CleanRow", "Cleaner", "Column", "Issue"]

# (line, index of the column or None for the row, code, value, "error" or "warning", facts)
Issue = tuple[int, int | None, str, str | None, str, dict[str, Any]]

_NOTHING: dict[str, str | None] = dict.fromkeys((*SHOWN_IDENTIFIERS, *NAMES, "email_written", "phone_written"))


@dataclass
class Block:
    """What became of a span of the file. `staged` is COPY text with the columns of contacts.staging.ROW_COLUMNS."""

    rows: int = 0
    staged_count: int = 0
    staged: str = ""
    issues: list[Issue] = field(default_factory=list)
    rejected: list[tuple[int, list[str]]] = field(default_factory=list)
    last_line: int = 0


class Cleaner:
    """The compiled way from cells to clean rows, for one mapping. What it remembers of earlier spans is bounded."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        width: int,
        region: str | None,
        bad_value: str = "error",
        blank: str = "keep",
        extras: RowSettings | None = None,
        identifiers_used: Collection[str] = SHOWN_IDENTIFIERS,
    ) -> None:
        self.width, self.region, self.drop = width, region, bad_value == "drop"
        self.at = {c.target: c.index for c in columns if c.target != "skip"}
        self.identifying = {self.at[name] for name in (*SHOWN_IDENTIFIERS, "contact_id") if name in self.at}
        self.taken = [c.index for c in columns if c.target != "skip"]
        self.used = [name for name in SHOWN_IDENTIFIERS if name in identifiers_used]
        self.named = not self.at.keys().isdisjoint((*NAMES, "full_name"))
        self.full_name = next((c.name for c in columns if c.target == "full_name"), "")
        readers = [(c, cell_readers.reader(c, region=region)) for c in columns if c.is_attribute]
        self.attributes = [(c, copy_lines.remembered(read) if c.repeats else read) for c, read in readers]
        self.name = copy_lines.remembered(cell_readers.name)
        clearable = [(c.index, c.target) for c in columns if c.target in NAMES or c.is_attribute]
        self.clearable = clearable if blank == "clear" else []
        self.country = (
            cell_readers.reader(Column(0, "", "country", "country"), region=None) if "country" in self.at else None
        )
        self.extras = extras or RowSettings(columns)
        self.line = copy_lines.compiled(
            self.attributes,
            at=self.at,
            full_name=self.full_name,
            width=width,
            region=self._region if self.country else region,
            clearable=self.clearable,
            extras=self.extras,
            identifiers_used=self.used,
        )

    def row(self, cells: list[str]) -> tuple[CleanRow | None, list[Problem]]:
        """One row: what it becomes (None when it is in error) and what is to be said about its cells."""
        problems: list[Problem] = []
        if len(cells) != self.width and not self._fits(cells, problems):
            return None, problems
        blank = not any(map(str.strip, cells))
        cells = [c.strip() if c.isascii() else trimmed(c) for c in cells]
        self._without_value(cells, problems)
        values = self._identifiers(cells, problems)
        if self.named:
            self._names(cells, values, problems)
        cleaned = {}
        for column, read in self.attributes:
            if text := cells[column.index]:
                try:
                    if (value := read(text)) is not None:
                        cleaned[column.target] = value
                except BadValue as problem:
                    problems.append(Problem(column.index, problem.code, text, problem.facts))
            elif column.required:
                problems.append(Problem(column.index, "required_empty", None))
        settings, event = self.extras.read(cells, problems) if self.extras else ({}, {})
        if not any(values[name] for name in self.used) and "contact_id" not in settings:
            # An identifier that cannot be read is reason enough.
            if not blank and self.identifying.isdisjoint(p.column for p in problems):
                problems.append(Problem(None, "no_identifier", None))
            return None, problems
        if problems and (not self.drop or any(p.code == "required_empty" for p in problems)):
            return None, problems
        return CleanRow(values, cleaned, [key for i, key in self.clearable if not cells[i]], settings, event), problems

    def _fits(self, cells: list[str], problems: list[Problem]) -> bool:
        """Whether a row of another width can be read: only when what it has too much is empty."""
        if len(cells) > self.width and not any(c.strip() for c in cells[self.width :]):
            return True
        code = "too_few_cells" if len(cells) < self.width else "too_many_cells"
        if any(c.strip() for c in cells):
            problems.append(Problem(None, code, str(len(cells)), {"found": len(cells), "expected": self.width}))
        return False

    def _without_value(self, cells: list[str], problems: list[Problem]) -> None:
        """Name the formulas of a workbook whose value it does not hold, and empty their cells."""
        if NO_VALUE in "".join(cells):
            for i in self.taken:
                if cells[i].startswith(NO_VALUE):
                    problems.append(Problem(i, "formula_without_value", cells[i]))
                    cells[i] = ""

    def _line_of_workbook(self, cells: list[str]) -> str | None:
        """As `line`, for a file that may hold formulas without a value."""
        return None if any(cell.startswith(NO_VALUE) for cell in cells) else self.line(cells)

    def _identifiers(self, cells: list[str], problems: list[Problem]) -> dict[str, str | None]:
        values, at = _NOTHING.copy(), self.at
        if (i := at.get("email")) is not None and (text := strip_guard(cells[i])):
            values["email"], bare = cell_readers.address(text)
            if values["email"] is None:
                problems.append(Problem(i, identifiers.email_problem(text), text))
            elif values["email"] != bare:
                values["email_written"] = bare
        if (i := at.get("phone")) is not None and (text := strip_guard(cells[i])):
            region = self._region(cells[at["country"]]) if self.country else self.region
            values["phone"] = normal = identifiers.normal_phone(text, region)
            if normal is None:
                problems.append(Problem(i, identifiers.phone_problem(text, region), text, {"region": region or ""}))
            elif normal != text and normal != (text := cell_readers.as_written(text)):
                values["phone_written"] = text
        if (i := at.get("external_id")) is not None and (text := strip_guard(cells[i])):
            values["external_id"] = identifiers.normal_external_id(text)
            if values["external_id"] is None:
                problems.append(Problem(i, identifiers.external_id_problem(text), text))
        return values

    def _region(self, cell: str) -> str | None:
        """The row's own country where it has one, else that of the import."""
        text = trimmed(cell)
        try:
            return str(self.country(text)) if text and self.country else self.region
        except BadValue:
            return (
                None  # the country's own column says what is wrong with it; the number is not read by another country
            )

    def _names(self, cells: list[str], values: dict[str, str | None], problems: list[Problem]) -> None:
        for key in (*NAMES, "full_name"):
            i = self.at.get(key)
            if i is None or not (text := cells[i]):
                continue
            try:
                if key in NAMES:
                    values[key] = self.name(text)
                elif not (values["first_name"] or values["last_name"]):
                    values["first_name"], values["last_name"] = cell_readers.split_full_name(text, self.full_name)
            except BadValue as problem:
                problems.append(Problem(i, problem.code, text[:100], problem.facts))

    def block(self, text: str, *, first_line: int, prefix: str, dialect: Dialect) -> Block:
        """Clean a span of the file. `prefix` is put before each staged line: the tenant's column."""
        out, staged = Block(), list[str]()
        staged_line, add = self._line_of_workbook if dialect.workbook else self.line, staged.append
        with collector_paused():
            for line, cells, problem in csv_records.read(
                csv_records.split_lines(text, dialect), dialect, first_line=first_line
            ):
                out.last_line = line
                if problem:
                    _unreadable(out, line, cells, problem)
                    continue
                rest = staged_line(cells) or self._thorough(out, line, cells)
                if rest:
                    add(f"{prefix}{line}{rest}")
        out.staged_count = len(staged)
        out.rows = len(staged) + len(out.rejected)
        out.staged = "".join(staged)
        return out

    def _thorough(self, out: Block, line: int, cells: list[str]) -> str:
        """The line of a row that needs a second look; "" when it is in error, or empty."""
        clean, problems = self.row(cells)
        severity = "error" if clean is None else "warning"
        for column, code, value, facts in problems:
            out.issues.append((line, column, code, _shown(value), severity, facts))
        if clean is None and problems:
            out.rejected.append((line, cells))
        return copy_lines.line_from_clean_row(clean) if clean else ""


@contextmanager
def collector_paused() -> Iterator[None]:
    """Nothing in a span refers to itself; to look for what does takes half of the time of a span full of errors."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _unreadable(out: Block, line: int, cells: list[str], code: str) -> None:
    """A record whose quotes cannot be read: an error of its first line; reading has gone on with the next one."""
    if code == "unclosed_quote":
        # A file in which a quote stays open is refused by the plan. Here the quote closes wrongly, behind the span.
        code = "bad_quotes"
    out.issues.append((line, None, code, _shown(" ".join(cells)), "error", {}))
    out.rejected.append((line, [cell[:4000] for cell in cells]))


def _shown(value: str | None) -> str | None:
    if value is None or (len(value) <= 400 and value.isprintable()):
        return value
    return value.replace("\x00", "␀").encode("utf-8", "replace").decode()[:400]
