"""Cells in, clean rows out: the hot loop of an import. Pure; nothing here knows the database.

A whole row (reading, cleaning, JSON, COPY text) has to cost some fifteen microseconds, so each column is compiled to one
function before the loop begins, and the loop does for a row only what its cells ask for.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from contacts import attributes, identifiers
from contacts.attributes import BadValue
from imports.problems import Problem
from imports.reader import Dialect

IDENTIFIERS = ("email", "phone", "external_id")
NAMES = ("first_name", "last_name")
MAX_NAME = 4096
# Characters that no cell of a customer's file means: they would be invisible, or turn the text around them.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]").search
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
NULL = "\\N"

Issue = tuple[int, int | None, str, str | None, str]


@dataclass(frozen=True)
class Column:
    """A column of the file and where its values go: a core field, `full_name`, an attribute key, or `skip`."""

    index: int
    name: str
    target: str
    type: str = "text"
    options: Mapping[str, str] | None = None
    formats: tuple[str, ...] = ()


@dataclass
class Clean:
    """A row that can be imported; `cleared` lists the keys that its blank cells empty."""

    values: dict[str, str | None]
    attributes: dict[str, Any]
    cleared: list[str]


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
    """The compiled way from cells to clean rows. One per span: its caches are bounded and die with it."""

    def __init__(
        self, columns: Sequence[Column], *, width: int, region: str | None, bad_value: str = "error", blank: str = "keep"
    ) -> None:
        self.width, self.region, self.drop = width, region, bad_value == "drop"
        self.at = {c.target: c.index for c in columns if c.target != "skip"}
        self.names = {c.index: c.name for c in columns}
        self.attributes = [(c.index, c.target, self._parser(c)) for c in columns if _is_attribute(c.target)]
        clearable = [c for c in columns if c.target in NAMES or _is_attribute(c.target)]
        self.clearable = [(c.index, c.target) for c in clearable] if blank == "clear" else []
        self.country = self._parser(Column(0, "", "country", "country")) if "country" in self.at else None

    def _parser(self, column: Column) -> Callable[[str], Any]:
        return attributes.parser(
            column.type, options=column.options, region=self.region, formats=column.formats
        )

    def row(self, cells: list[str]) -> tuple[Clean | None, list[Problem]]:
        """One row: what it becomes (None when it is in error) and what is to be said about its cells."""
        problems: list[Problem] = []
        if len(cells) != self.width and not self._fits(cells, problems):
            return None, problems
        cells = [c.strip() for c in cells]
        values = self._core(cells, problems)
        found = self._attributes(cells, problems)
        cleared = [key for index, key in self.clearable if not cells[index]]
        if not (values["email"] or values["phone"] or values["external_id"]):
            if not any(cells):
                return None, []
            problems.append(Problem(None, "no_identifier", None))
            return None, problems
        if problems and not self.drop:
            return None, problems
        return Clean(values, found, cleared), problems

    def _fits(self, cells: list[str], problems: list[Problem]) -> bool:
        """Whether a row of another width can be read: only when what it has too much is empty."""
        if len(cells) > self.width and not any(cells[self.width :]):
            return True
        code = "too_few_cells" if len(cells) < self.width else "too_many_cells"
        if any(cells):
            problems.append(Problem(None, code, str(len(cells)), {"found": len(cells), "expected": self.width}))
        return False

    def _core(self, cells: list[str], problems: list[Problem]) -> dict[str, str | None]:
        values: dict[str, str | None] = dict.fromkeys((*IDENTIFIERS, *NAMES, "email_written", "phone_written"))
        at = self.at
        if (i := at.get("email")) is not None and (text := cells[i]):
            values["email"] = normal = identifiers.normal_email(text)
            if normal is None:
                problems.append(Problem(i, identifiers.email_problem(text), text))
            elif normal != text:
                values["email_written"] = text
        if (i := at.get("phone")) is not None and (text := cells[i]):
            self._phone(i, _unquoted(text), cells, values, problems)
        if (i := at.get("external_id")) is not None and (text := _unquoted(cells[i])):
            values["external_id"] = identifiers.normal_external_id(text)
            if values["external_id"] is None:
                problems.append(Problem(i, identifiers.external_id_problem(text), text))
        self._name(cells, values, problems)
        return values

    def _phone(
        self, i: int, text: str, cells: list[str], values: dict[str, str | None], problems: list[Problem]
    ) -> None:
        region = self._region(cells)
        values["phone"] = normal = identifiers.normal_phone(text, region)
        if normal is None:
            problems.append(Problem(i, identifiers.phone_problem(text, region), text, {"region": region or ""}))
        elif normal != text:
            values["phone_written"] = text[:64]

    def _region(self, cells: list[str]) -> str | None:
        """The row's own country where it has one, else that of the import."""
        if self.country is None or not (text := cells[self.at["country"]]):
            return self.region
        try:
            return str(self.country(text))
        except BadValue:
            return self.region  # the country's own column says what is wrong with it

    def _name(self, cells: list[str], values: dict[str, str | None], problems: list[Problem]) -> None:
        for key in NAMES:
            if (i := self.at.get(key)) is not None and (text := cells[i]):
                values[key] = self._text(i, text, problems)
        i = self.at.get("full_name")
        if i is not None and cells[i] and not (values["first_name"] or values["last_name"]):
            text = self._text(i, cells[i], problems) or ""
            first, _space, last = text.partition(" ")
            values["first_name"], values["last_name"] = first or None, last.strip() or None

    def _text(self, i: int, text: str, problems: list[Problem]) -> str | None:
        if len(text) > MAX_NAME:
            problems.append(Problem(i, "field_too_long", text[:100], {"limit": MAX_NAME, "found": len(text)}))
            return None
        if not text.isprintable() and _CONTROL(text):
            problems.append(Problem(i, "control_character", text))
            return None
        return _unquoted(text)

    def _attributes(self, cells: list[str], problems: list[Problem]) -> dict[str, Any]:
        found = {}
        for i, key, parse in self.attributes:
            if text := cells[i]:
                try:
                    if not text.isprintable() and _CONTROL(text):
                        raise BadValue("control_character")
                    found[key] = parse(_unquoted(text) if text[0] == "'" else text)
                except BadValue as problem:
                    problems.append(Problem(i, problem.code, text, problem.facts))
        return found

    def block(self, text: str, *, first_line: int, prefix: str, dialect: Dialect) -> Block:
        """Clean a span of the file. `prefix` is put before each staged line: the tenant's column."""
        out, lines = Block(), []
        # A span without these characters needs no escaping, row by row.
        plain = "\\" not in text and "\t" not in text and '"' not in text
        reader = csv.reader(io.StringIO(text, newline="\n"), **dialect.csv())
        line, clean, stage = first_line, self.row, _staged_plain if plain else _staged
        while True:
            try:
                for cells in reader:
                    if cells:
                        found, problems = clean(cells)
                        if problems:
                            self._note(out, line, cells, problems, kept=found is not None)
                        if found is not None:
                            lines.append(f"{prefix}{line}{stage(found)}")
                        elif problems:
                            out.rejected.append((line, cells))
                        out.last_line = line
                    line = first_line + reader.line_num
                break
            except csv.Error:
                # The reader goes on with the next line by itself.
                self._bad_quotes(out, line, text, reader.line_num - 1)
                line = first_line + reader.line_num
        out.staged_count = len(lines)
        out.rows = len(lines) + len(out.rejected)
        out.staged = "".join(lines)
        return out

    def _note(self, out: Block, line: int, cells: list[str], problems: list[Problem], *, kept: bool) -> None:
        severity = "warning" if kept else "error"
        for p in problems:
            out.issues.append((line, p.column, p.code, _shown(p.value), severity))

    def _bad_quotes(self, out: Block, line: int, text: str, index: int) -> None:
        raw = text.split("\n", index + 1)[index] if index >= 0 else ""
        out.issues.append((line, None, "bad_quotes", _shown(raw[:400]), "error"))
        out.rejected.append((line, [raw.rstrip("\r")[:4000]]))
        out.last_line = line


def _is_attribute(target: str) -> bool:
    return target not in (*IDENTIFIERS, *NAMES, "full_name", "skip")


def _unquoted(text: str) -> str:
    """Without the apostrophe that our own downloads put before = + - @, so that they import back unchanged."""
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@") else text


def _shown(value: str | None) -> str | None:
    return None if value is None else value.replace("\x00", "␀").encode("utf-8", "replace").decode()[:400]


def _staged_plain(row: Clean) -> str:
    """The staged line of a row whose cells need no escaping."""
    v = row.values
    first, last = v["first_name"], v["last_name"]
    js = orjson.dumps(row.attributes).decode() if row.attributes else "{}"
    if "\\" in js:
        js = js.replace("\\", "\\\\")
    return (
        f"\t{v['email'] or NULL}\t{v['email_written'] or NULL}\t{v['phone'] or NULL}\t{v['phone_written'] or NULL}"
        f"\t{v['external_id'] or NULL}\t{first or NULL}\t{last or NULL}"
        f"\t{identifiers.name_key(first) if first else NULL}\t{identifiers.name_key(last) if last else NULL}"
        f"\t{js}\t{_array(row.cleared) if row.cleared else NULL}\n"
    )


def _staged(row: Clean) -> str:
    """The staged line of any row."""
    values = {k: v.translate(_ESCAPED) if v else v for k, v in row.values.items()}
    return _staged_plain(Clean(values, row.attributes, row.cleared))


def _array(keys: Sequence[str]) -> str:
    return "{" + ",".join(keys) + "}"
