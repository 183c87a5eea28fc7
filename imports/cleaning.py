"""Cells in, clean rows out: the hot loop of an import. Pure; nothing here knows the database.

A whole row (reading, cleaning, JSON, COPY text) has to cost some fifteen microseconds. Each column is compiled to one
function from a cell to what is stored, and a span remembers its answers, as most columns repeat their values. `fast`
writes the line of a row without a problem straight from those answers; any other row goes through `row`, which uses the
same functions and says everything that is wrong.
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
MAX_NAME, MAX_PHONE = 4096, 64
# Characters that no cell of a customer's file means: they would be invisible, or turn the text around them.
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]").search
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
NULL = "\\N"
_NO_NAME = (NULL, NULL)
REMEMBERED = 20_000

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


class _Answers(dict[str, Any]):
    """Cell as it is in the file → what it becomes, worked out once while it is remembered. Raises BadValue."""

    def __init__(self, answer: Callable[[str], Any], blank: Any) -> None:
        super().__init__()
        self.answer, self.blank = answer, blank

    def __missing__(self, cell: str) -> Any:
        text = cell.strip()
        found = self.answer(text) if text else self.blank
        if len(self) >= REMEMBERED:
            self.clear()
        self[cell] = found
        return found


class Cleaner:
    """The compiled way from cells to clean rows. One per span: what it remembers is bounded and dies with it."""

    def __init__(
        self, columns: Sequence[Column], *, width: int, region: str | None, bad_value: str = "error", blank: str = "keep"
    ) -> None:
        self.width, self.region, self.drop = width, region, bad_value == "drop"
        self.at = {c.target: c.index for c in columns if c.target != "skip"}
        self.attributes = [(c.index, c.target, self._reader(c)) for c in columns if _is_attribute(c.target)]
        self.identifying = {self.at[name] for name in IDENTIFIERS if name in self.at}
        clearable = [c for c in columns if c.target in NAMES or _is_attribute(c.target)]
        self.clearable = [(c.index, c.target) for c in clearable] if blank == "clear" else []
        self.country = self._reader(Column(0, "", "country", "country")) if "country" in self.at else None
        self.fast = self._compiled()

    def _reader(self, column: Column) -> Callable[[str], Any]:
        """A function from the trimmed text of an attribute's cell to its value. It raises BadValue."""
        parse = attributes.parser(
            column.type, options=column.options, region=self.region, formats=column.formats
        )

        def read(text: str) -> Any:
            if not text.isprintable() and _CONTROL(text):
                raise BadValue("control_character")
            return parse(_unquoted(text) if text[0] == "'" else text)

        return read

    # --- a row with all that can be said about it ---

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
            # An identifier that cannot be read is reason enough.
            if not any(p.column in self.identifying for p in problems):
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
        region = self._region(cells[self.at["country"]]) if self.country else self.region
        values["phone"] = normal = identifiers.normal_phone(text, region)
        if normal is None:
            problems.append(Problem(i, identifiers.phone_problem(text, region), text, {"region": region or ""}))
        elif normal != text:
            values["phone_written"] = text[:MAX_PHONE]

    def _region(self, text: str) -> str | None:
        """The row's own country where it has one, else that of the import."""
        try:
            return str(self.country(text)) if text and self.country else self.region
        except BadValue:
            return self.region  # the country's own column says what is wrong with it

    def _name(self, cells: list[str], values: dict[str, str | None], problems: list[Problem]) -> None:
        for key in NAMES:
            if (i := self.at.get(key)) is not None and (text := cells[i]):
                try:
                    values[key] = _name_text(text)
                except BadValue as problem:
                    problems.append(Problem(i, problem.code, text[:100], problem.facts))
        i = self.at.get("full_name")
        if i is not None and cells[i] and not (values["first_name"] or values["last_name"]):
            try:
                values["first_name"], values["last_name"] = _halves(_name_text(cells[i]))
            except BadValue as problem:
                problems.append(Problem(i, problem.code, cells[i][:100], problem.facts))

    def _attributes(self, cells: list[str], problems: list[Problem]) -> dict[str, Any]:
        found = {}
        for i, key, read in self.attributes:
            if text := cells[i]:
                try:
                    found[key] = read(text)
                except BadValue as problem:
                    problems.append(Problem(i, problem.code, text, problem.facts))
        return found

    # --- a row without a problem ---

    def _compiled(self) -> Callable[[list[str]], str | None]:
        """A function from cells to what follows the line number in the COPY text; None sends the row to `row`."""
        normal_email, normal_phone, external = (
            identifiers.normal_email, identifiers.normal_phone, identifiers.normal_external_id
        )  # fmt: skip
        width, at, region, clearable = self.width, self.at.get, self.region, self.clearable
        email_at, phone_at, external_at, country_at = at("email"), at("phone"), at("external_id"), at("country")
        first_at, last_at, full_at = at("first_name"), at("last_name"), at("full_name")
        regions = _Answers(self._region, region)
        names, halves = _Answers(_staged_name, _NO_NAME), _Answers(_staged_halves, (_NO_NAME, _NO_NAME))
        places = [i for i, _key, _read in self.attributes]
        answers = [_Answers(_fragment(key, read), "") for _i, key, read in self.attributes]
        look_up, join = dict.__getitem__, ",".join

        # Long because it is the inside of the loop: a call costs as much as the work of a cell.
        def fast(cells: list[str]) -> str | None:
            if len(cells) != width:
                return None
            email = written = phone = phone_written = external_id = NULL
            if email_at is not None and (text := cells[email_at].strip()):
                normal = normal_email(text)
                if normal is None:
                    return None
                email = normal
                if normal != text:
                    written = _escaped(text)
            if phone_at is not None and (text := cells[phone_at].strip()):
                if text[0] == "'":
                    text = _unquoted(text)
                normal = normal_phone(text, region if country_at is None else regions[cells[country_at]])
                if normal is None:
                    return None
                phone = normal
                if normal != text:
                    phone_written = _escaped(text[:MAX_PHONE])
            if external_at is not None and (text := cells[external_at].strip()):
                normal = external(_unquoted(text) if text[0] == "'" else text)
                if normal is None:
                    return None
                external_id = _escaped(normal)
            elif email is NULL and phone is NULL:
                return None
            try:
                json = join(filter(None, map(look_up, answers, map(cells.__getitem__, places))))
                first = _NO_NAME if first_at is None else names[cells[first_at]]
                last = _NO_NAME if last_at is None else names[cells[last_at]]
                if full_at is not None and first is _NO_NAME and last is _NO_NAME:
                    first, last = halves[cells[full_at]]
            except BadValue:
                return None
            cleared = NULL
            if clearable:
                cleared = _array([key for i, key in clearable if not cells[i].strip()])
            return (
                f"\t{email}\t{written}\t{phone}\t{phone_written}\t{external_id}"
                f"\t{first[0]}\t{last[0]}\t{first[1]}\t{last[1]}\t{{{json}}}\t{cleared}\n"
            )

        return fast

    # --- a span ---

    def block(self, text: str, *, first_line: int, prefix: str, dialect: Dialect) -> Block:
        """Clean a span of the file. `prefix` is put before each staged line: the tenant's column."""
        out, lines = Block(), []
        reader = csv.reader(io.StringIO(text, newline="\n"), **dialect.csv())
        line, fast, add = first_line, self.fast, lines.append
        while True:
            try:
                for cells in reader:
                    if cells:
                        staged = fast(cells)
                        if staged is None:
                            staged = self._thorough(out, line, cells)
                        if staged is not None:
                            add(f"{prefix}{line}{staged}")
                        out.last_line = line
                    line = first_line + reader.line_num
                break
            except csv.Error:
                # The reader goes on with the next line by itself.
                _bad_quotes(out, line, text, reader.line_num - 1)
                line = first_line + reader.line_num
        out.staged_count = len(lines)
        out.rows = len(lines) + len(out.rejected)
        out.staged = "".join(lines)
        return out

    def _thorough(self, out: Block, line: int, cells: list[str]) -> str | None:
        clean, problems = self.row(cells)
        severity = "error" if clean is None else "warning"
        out.issues.extend((line, p.column, p.code, _shown(p.value), severity) for p in problems)
        if clean is None and problems:
            out.rejected.append((line, cells))
        return None if clean is None else staged(clean)


def _bad_quotes(out: Block, line: int, text: str, index: int) -> None:
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


# --- names ----------------------------------------------------------------------------------------------------------------


def _name_text(text: str) -> str:
    if len(text) > MAX_NAME:
        raise BadValue("field_too_long", limit=MAX_NAME, found=len(text))
    if not text.isprintable() and _CONTROL(text):
        raise BadValue("control_character")
    return _unquoted(text)


def _halves(name: str) -> tuple[str | None, str | None]:
    """First and last name of a whole name: the first word, and the rest."""
    first, _space, last = name.partition(" ")
    return first or None, last.strip() or None


def _name_pair(name: str | None) -> tuple[str, str]:
    """A name as it is staged, and the form in which it is searched."""
    return (_escaped(name), _escaped(identifiers.name_key(name))) if name else _NO_NAME


def _staged_name(text: str) -> tuple[str, str]:
    return _name_pair(_name_text(text))


def _staged_halves(text: str) -> tuple[tuple[str, str], tuple[str, str]]:
    first, last = _halves(_name_text(text))
    return _name_pair(first), _name_pair(last)


# --- COPY text ------------------------------------------------------------------------------------------------------------


def staged(row: Clean) -> str:
    """What follows the line number in the COPY text of a row."""
    v = row.values
    core = (_escaped(v[key]) for key in ("email", "email_written", "phone", "phone_written", "external_id"))
    first, last = _name_pair(v["first_name"]), _name_pair(v["last_name"])
    json = _escaped(orjson.dumps(row.attributes).decode())
    cleared = _array(row.cleared)
    return "\t" + "\t".join((*core, first[0], last[0], first[1], last[1], json, cleared)) + "\n"


def _fragment(key: str, read: Callable[[str], Any]) -> Callable[[str], str]:
    """A function from a cell to its part of the JSON of attributes."""
    name = orjson.dumps(key).decode() + ":"
    return lambda text: name + _escaped(orjson.dumps(read(text)).decode())


def _escaped(text: str | None) -> str:
    if not text:
        return NULL
    return text if text.isprintable() and "\\" not in text else text.translate(_ESCAPED)


def _array(keys: Sequence[str]) -> str:
    return "{" + ",".join(keys) + "}" if keys else NULL
