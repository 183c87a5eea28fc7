"""Files and cells made to break an importer, by the numbers of docs/hostile-inputs.md, and how far each of them comes."""

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from contacts.staging import ROW_COLUMNS
from contacts.values.types import SYSTEM, TYPES
from imports.cleaning.row_cleaner import Block, Cleaner, Column
from imports.files import archives, reader
from imports.files.reader import Dialect, FileProblem
from imports.mapping import guess as mapping_guess
from imports.mapping.guess import known_name
from imports.mapping.value_formats import DATES, NUMBERS, STRICT, expanded, kind_of
from imports.problems.catalogue import PROBLEMS

LIMIT = 5_000_000
MAX_COLUMNS = 100
SHOWN = ("email", "phone", "external_id", "first_name", "last_name")


def outcome(data: bytes, folder: Path) -> str:
    """What becomes of a file, without a database: the code that stops it, with the lines it names; or of every row what is
    stored, or its line and what is wrong: "a@example.com Ann / 3:not_an_email".

    The same steps in the same order as an import takes them; nothing but a FileProblem may come out of them.
    """
    try:
        path, dialect, look = opened(data, folder)
        blocks = cleaned(path, dialect, cleaner(look.header, look.rows))
        check(path, dialect, blocks)
        return " / ".join(_told(blocks))
    except FileProblem as problem:
        return told(problem)


def told(problem: FileProblem) -> str:
    """A code with the lines that it names."""
    if problem.code not in PROBLEMS:
        raise problem
    lines = problem.facts.get("lines") or problem.facts.get("line")
    return f"{problem.code} {lines}" if lines else problem.code


def opened(data: bytes, folder: Path) -> tuple[Path, Dialect, reader.Preview]:
    """A file as far as an upload brings it: unpacked, its dialect and header known, as UTF-8."""
    path = folder / "file.csv"
    path.write_bytes(data)
    if len(data) > LIMIT:
        raise FileProblem("too_large", limit=LIMIT, found=len(data))
    kind = archives.kind_of(path)
    if kind:
        original = path.rename(folder / "file.original")
        archives.unpack(original, path, kind=kind, limit=LIMIT)
    with path.open("rb") as file:
        dialect = reader.sniff(
            file.read(256 << 10), size=path.stat().st_size, workbook=kind == "xlsx", known=known_name
        )
    look = reader.preview(path, dialect)
    if len(look.header) > MAX_COLUMNS:
        raise FileProblem("too_many_columns", limit=MAX_COLUMNS, found=len(look.header))
    if reader.needs_utf8_copy(path, dialect):
        reader.to_utf8(path, folder / "copy.csv", dialect)
        path = folder / "copy.csv"
    return path, dialect, look


def cleaned(path: Path, dialect: Dialect, clean: Cleaner, *, unit_bytes: int = reader.UNIT_BYTES) -> list[Block]:
    """What becomes of the rows, span by span."""
    raw = path.read_bytes()
    return [
        clean.block(raw[s.start : s.end].decode(), first_line=s.first_line, prefix="1\t", dialect=dialect)
        for s in reader.plan_units(path, dialect, unit_bytes=unit_bytes)
    ]


def check(path: Path, dialect: Dialect, blocks: Sequence[Block]) -> None:
    """Every row has exactly one outcome, `records` finds the same rows, and staged text is fit for COPY."""
    found = 0
    raw = path.read_bytes()
    for span in reader.plan_units(path, dialect):
        text = raw[span.start : span.end].decode()
        rows = reader.records(text, first_line=span.first_line, dialect=dialect)
        found += sum(1 for row in rows if row.problem or any(map(str.strip, row.cells)))
    assert found == sum(block.staged_count + len(block.rejected) for block in blocks)
    for block in blocks:
        assert block.rows == block.staged_count + len(block.rejected)
        assert block.staged.count("\n") == block.staged_count
        assert "\x00" not in block.staged
        block.staged.encode()
        assert {issue[2] for issue in block.issues} <= PROBLEMS.keys()


def _told(blocks: Sequence[Block]) -> list[str]:
    rows: dict[int, str] = {}
    for block in blocks:
        for line, _column, code, _value, _severity, _facts in block.issues:
            rows[line] = f"{rows[line]}+{code}" if line in rows else f"{line}:{code}"
        for staged in block.staged.split("\n")[:-1]:
            cells = dict(zip(ROW_COLUMNS, map(_unescaped, staged.split("\t")), strict=True))
            values = [cells[name] for name in SHOWN if cells[name] != "\\N"]
            values += map(str, orjson.loads(cells["attributes"]).values())
            rows[int(cells["row_no"])] = " ".join(values)
    return [rows[line] for line in sorted(rows)]


def _unescaped(cell: str) -> str:
    """As PostgreSQL reads a cell of COPY text; \\N stays."""
    return re.sub(r"\\([^N])", lambda m: {"t": "\t", "n": "\n", "r": "\r"}.get(m[1], m[1]), cell)


def cleaner(header: Sequence[str], rows: Sequence[Sequence[str]], *, chance: random.Random | None = None) -> Cleaner:
    """By the guessed mapping; with a `chance`, what would be skipped becomes fields of any type, and settings differ."""
    samples = [list(values) for values in zip(*rows, strict=False)] or [[] for _ in header]
    taken: set[str] = set()
    columns = []
    for guess in mapping_guess.guess(header, samples, attributes={}):
        target = guess.target or "skip"
        used = "skip" if target in taken or "." in target else target
        taken.add(target)
        columns.append(
            Column(guess.column, header[guess.column], used, SYSTEM[used].type if used in SYSTEM else "text")
        )
    if chance is None:
        return Cleaner(columns, width=len(columns), region=None)
    return Cleaner(
        [_any_type(column, chance) for column in columns],
        width=len(columns),
        region=chance.choice([None, "ES"]),
        bad_value=chance.choice(["error", "drop"]),
        blank=chance.choice(["keep", "clear"]),
    )


def _any_type(column: Column, chance: random.Random) -> Column:
    if column.target != "skip" or chance.random() < 0.3:
        return column
    kind = chance.choice(list(TYPES))
    ways = {"date": list(DATES), "number": list(NUMBERS)}.get(kind_of(kind), [])
    return replace(
        column,
        target=f"field_{column.index}",
        type=kind,
        options={"a": "a", "x": "x"},
        formats=tuple(expanded(chance.choice([STRICT, *ways]))),
        strict=chance.random() < 0.2,
    )


def cell(target: str, text: str, *, kind: str = "text", region: str | None = None, options: str = "") -> str:
    """What becomes of one cell of a row that has an external ID: its stored value, or the code of its problem."""
    choices = {option: option for option in options.split("|")} if options else None
    columns = [Column(0, "ID", "external_id"), Column(1, "value", target, kind, choices)]
    at = [Column(0, "value", target)] if target == "external_id" else columns
    clean, problems = Cleaner(at, width=len(at), region=region).row(
        [text] if target == "external_id" else ["C-1", text]
    )
    if problems:
        return problems[0].code
    assert clean
    value = clean.attributes.get(target, clean.values.get(target))
    return "" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()
