"""Files and cells made to break an importer, by the numbers of docs/hostile-inputs.md, and how far each of them comes."""

from pathlib import Path

import orjson

from contacts.attributes import SYSTEM
from imports import containers, mapping, reader
from imports.cleaning import Cleaner, Column
from imports.problems import PROBLEMS
from imports.reader import FileProblem

LIMIT = 5_000_000
MAX_COLUMNS = 100


def outcome(data: bytes, folder: Path) -> str:
    """What becomes of a file, without a database: the code that stops it, or "2 rows 3:not_an_email".

    The same steps in the same order as an import takes them; nothing but a FileProblem may come out of them.
    """
    try:
        return _read(data, folder)
    except FileProblem as problem:
        if problem.code not in PROBLEMS:
            raise
        return problem.code


def _read(data: bytes, folder: Path) -> str:
    path = folder / "file.csv"
    path.write_bytes(data)
    if len(data) > LIMIT:
        raise FileProblem("too_large", limit=LIMIT, found=len(data))
    if kind := containers.kind_of(path):
        original = path.rename(folder / "file.original")
        containers.unpack(original, path, kind=kind, limit=LIMIT)
    with path.open("rb") as file:
        dialect = reader.sniff(file.read(256 << 10), size=path.stat().st_size)
    look = reader.preview(path, dialect)
    if len(look.header) > MAX_COLUMNS:
        raise FileProblem("too_many_columns", limit=MAX_COLUMNS, found=len(look.header))
    if reader.needs_utf8_copy(path, dialect):
        reader.to_utf8(path, folder / "copy.csv", dialect)
        path = folder / "copy.csv"
    spans, cleaner = reader.plan_units(path, dialect, unit_bytes=64 << 10), _cleaner(look)
    raw, count, said = path.read_bytes(), 0, list[str]()
    for span in spans:
        text = raw[span.start : span.end].decode()
        block = cleaner.block(text, first_line=span.first_line, prefix="1\t", dialect=dialect)
        assert block.rows == block.staged_count + len(block.rejected)
        count += block.rows
        said += [f"{line}:{code}" for line, _column, code, _value, _severity, _facts in block.issues]
        assert all(word.split(":")[1] in PROBLEMS for word in said)
    return " ".join([f"{count} row{'' if count == 1 else 's'}", *said])


def _cleaner(look: reader.Preview) -> Cleaner:
    samples = [list(values) for values in zip(*look.rows, strict=False)] or [[] for _ in look.header]
    targets = [g.target or "skip" for g in mapping.guess(look.header, samples, attributes={})]
    taken: set[str] = set()
    columns = []
    for i, target in enumerate(targets):
        used = "skip" if target in taken or "." in target else target
        taken.add(target)
        columns.append(Column(i, look.header[i], used, SYSTEM[used].type if used in SYSTEM else "text"))
    return Cleaner(columns, width=len(columns), region=None)


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
