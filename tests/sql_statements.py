"""All SQL of the code, found and parsed.

A statement may have slots: `{row}` is a staging table, others are put in while the program runs. A slot is read as whatever
lets the statement be parsed: a name, nothing, a query, a WITH query or a keyword. What is put in is a text of its own in the
code, and is parsed by itself.
"""

import ast
import importlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from contacts.staging import SHAPES, UNDO_SHAPES

ROOT = Path(__file__).resolve().parent.parent
# They refuse to start as a role that could see everything, and say nothing in SQL.
NOT_IMPORTED = {"cdp.asgi", "cdp.wsgi"}
STAGING = {*SHAPES, *UNDO_SHAPES}
_BEGINS = re.compile(
    r"\s*(?:--[^\n]*\n\s*)*(?:\(\s*)?(SELECT|INSERT\s+INTO|UPDATE|DELETE\s+FROM|WITH|MERGE|COPY)\s", re.I
)
_GOES_ON = re.compile(r"\b(FROM|SET|VALUES|INTO|SELECT)\b")
_FRAGMENT = re.compile(r"\b(FROM|JOIN|USING)\s+\{?[a-z_]+\}?\s+(?:AS\s+)?[a-z]\w*\b", re.S)
_SLOT = re.compile(r"\{([^{}]*)\}")
# Ways to make a statement of a part of one.
_AROUND = (
    "{}", "{} SELECT 1", "SELECT 1 FROM zz_ {}", "SELECT 1 WHERE true {}", "SELECT {}", "WITH {} SELECT 1", "SELECT 1 {}",
    "SELECT 1 WHERE {}", "SELECT 1 FROM {}", "WITH {} zz AS (SELECT 1) SELECT 1", "UPDATE zz_ z SET {}",
    "WITH zz AS (SELECT 1{}",
)  # fmt: skip
# How slots are read first whose place says too little, by their file.
_FIRST = {
    "contacts/identity/match_query.py": {"found": "zz AS (SELECT 1)"},
    "contacts/identity/queries.py": {"set": "a = 1"},
    "imports/results/rule_list.py": {"whose": "", "listed": ""},
    "contacts/bulk/queries.py": {"before": "<"},
    "tracking/imported_events.py": {"said": "WITH zz AS (SELECT 1)"},
    "audiences/lookalikes/counts.py": {"seen": " SELECT 1 ", "people": "zz_p p", "such": "true"},
}
_READINGS = (
    "{name}",
    "",
    "SELECT 1 AS x",
    "zz AS (SELECT 1)",
    "UPDATE",
    ", zz AS (SELECT 1)",
    "zz AS (SELECT 1), ",
    "<",
)


@dataclass(frozen=True)
class Found:
    """A text of SQL and where it is."""

    where: str
    text: str
    whole: bool  # a statement, or part of one


def found(*, apps: tuple[str, ...]) -> list[Found]:
    """Every text of SQL in the code, once: constants of modules as they are when put together, and all others as written."""
    texts: dict[str, str] = {}
    for app in apps:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            place = path.relative_to(ROOT)
            name = ".".join(place.with_suffix("").parts).removesuffix(".__init__")
            if name not in NOT_IMPORTED and _has_sql(source := path.read_text()):
                for key, value in vars(importlib.import_module(name)).items():
                    for text in _texts(value) if not key.startswith("__") else ():
                        texts.setdefault(text, f"{place.as_posix()} {key}")
                for line, text in _written(ast.parse(source)):
                    texts.setdefault(text, f"{place.as_posix()}:{line}")
    return [Found(where, text, bool(_BEGINS.match(text))) for text, where in texts.items() if _is_sql(text)]


def _has_sql(source: str) -> bool:
    return bool(
        re.search(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|JOIN|select|insert into|update|delete from)\b", source)
    )


def _is_sql(text: str) -> bool:
    if match := _BEGINS.match(text):
        rest = text[match.end(1) :]
        return match[1] == "SELECT" or bool(_GOES_ON.search(rest if match[1].isupper() else rest.upper()))
    return bool(_FRAGMENT.search(text)) and ("tenant_id" in text or "SELECT" in text)


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, set, frozenset)) and depth < 3:
        for part in value:
            yield from _texts(part, depth + 1)
    elif isinstance(value, dict) and depth < 3:
        yield from _texts(list(value.values()), depth)


def _written(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, text) of constants; what an f-string puts in is a slot."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    notes = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            pieces = [p.value if isinstance(p, ast.Constant) else "{put_in}" for p in node.values]
            yield node.lineno, "".join(str(piece) for piece in pieces)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (parts | notes):
            yield node.lineno, node.value


@cache
def parsed(text: str, where: str = "") -> tuple[exp.Expr, ...]:
    """The statements of a text. Raises ParseError when no reading of its slots makes sense."""
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    problem: Exception | None = None
    for around in _AROUND:
        try:
            return _read(
                around.replace("{}", text.strip().rstrip(";"), 1), where.split()[0].split(":")[0] if where else ""
            )
        except (ParseError, TokenError) as this:
            problem = problem or this
    assert problem is not None
    raise problem


def _read(text: str, file: str) -> tuple[exp.Expr, ...]:
    """Parse with slots: the slot at which the parser stumbles is read in the next way."""
    pieces = _SLOT.split(text)
    names = [re.sub(r"\W+", "_", name) or "name" for name in pieces[1::2]]
    way = [0] * len(names)
    # What can be a name only: a staging table, a code, a column, part of a text.
    named = {
        number
        for number, name in enumerate(pieces[1::2])
        if not name or name in STAGING or "." in name or pieces[2 * number].endswith(".") or _quoted(pieces, number)
    }
    for _attempt in range(60):
        try:
            return tuple(
                s
                for s in sqlglot.parse(_sql(pieces, names, way, _FIRST.get(file, {})), read="postgres")
                if s is not None
            )
        except ParseError as problem:
            at = _stumbled(problem, len(names))
            while at is not None and (at in named or way[at] + 1 >= len(_READINGS)):
                at = at - 1 if at else None
            if at is None:
                raise
            way[at] += 1
    raise ParseError("no reading of the slots makes sense")


def _quoted(pieces: list[str], number: int) -> bool:
    return sum(piece.count("'") for piece in pieces[: 2 * number + 1]) % 2 == 1


def _sql(pieces: list[str], names: list[str], way: list[int], first: dict[str, str]) -> str:
    out = [pieces[0]]
    for number, (name, chosen) in enumerate(zip(names, way, strict=True)):
        reading = first[name] if not chosen and name in first else _READINGS[chosen].format(name=f"zz{number}zz_{name}")
        out += [
            reading,
            f"/*{number}*/" if not reading.startswith("zz") or " " in reading else "",
            pieces[2 * number + 2],
        ]
    text = re.sub(r"\(FORMAT csv, HEADER\)", "", "".join(out))
    text = re.sub(r"%\((\w+)\)s", r"$\1", text).replace("%s", "$value").replace("%%", "%")
    return re.sub(r"'([^'\n]*)zz\d+zz_\w+([^'\n]*)'", r"'\1x\2'", text)


def _stumbled(problem: ParseError, count: int) -> int | None:
    """The number of the slot at or before the place of the error."""
    for error in problem.errors:
        for part in (error.get("highlight"), error.get("start_context"), error.get("end_context")):
            seen = re.findall(r"zz(\d+)zz|/\*(\d+)\*/", part or "")
            if seen:
                return int(seen[-1][0] or seen[-1][1])
    return count - 1 if count else None
