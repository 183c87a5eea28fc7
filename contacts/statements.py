"""Statements on the staging tables of one import, and how all statements are put together.

A statement is a constant text. `{row}`, `{hit}`, `{map}` … in it are the staging tables (contacts.staging says what each
holds); %(tenant)s and %(import_id)s say whose they are. Codes and positions are named by
their enums: `{RowOutcome.CREATED}`, `{Side.BEFORE}`. What else varies in a text is a slot, too: `fill` puts a fragment
into it, before `run` and `fetch` put in the tables and the codes. A slot that is then still empty is an error. Nothing is
escaped: `'{}'` is the empty object, whatever the text goes through. Names that are not constants (DDL, COPY) are composed
with psycopg.sql, in contacts.staging alone.

All statements run in the caller's transaction.
"""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from contacts.staging import Reverted, RowOutcome, Staging
from contacts.values.value_changes import Side, StatusPart
from tenants.isolation.statements import SLOT, fill

__all__ = ["fetch", "fill", "once", "run", "stream"]

_CODES = {f"{type(code).__name__}.{code.name}": f"'{code}'" for codes in (RowOutcome, Reverted) for code in codes}
_CODES |= {f"{type(part).__name__}.{part.name}": str(part.value) for parts in (Side, StatusPart) for part in parts}


def once(statement: str, *, careful: bool) -> str:
    """An INSERT that ends with the slot {once}. The careful way passes over rows whose keys are taken: it looks into every
    unique index first and writes a second record of WAL for each row, which costs half as much again. The plain way raises.
    """
    return fill(statement, once="ON CONFLICT DO NOTHING" if careful else "")


def run(statement: str, staging: Staging, /, **values: Any) -> int:
    """Run one statement; returns the number of rows that it has affected."""
    with connection.cursor() as cursor:
        cursor.execute(*_complete(statement, staging, values))
        return int(cursor.rowcount)


def fetch(statement: str, staging: Staging, /, **values: Any) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows; for small answers only."""
    with connection.cursor() as cursor:
        cursor.execute(*_complete(statement, staging, values))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def stream(statement: str, staging: Staging, /, **values: Any) -> Iterator[tuple[Any, ...]]:
    """Run one statement and yield its rows."""
    with connection.cursor() as cursor:
        cursor.execute(*_complete(statement, staging, values))
        yield from cursor


def _complete(statement: str, staging: Staging, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The text with the names of the tables and the codes, and its values."""
    tables = staging.names()
    text = SLOT.sub(lambda slot: _CODES.get(slot[1]) or tables[slot[1]].as_string(), statement)
    return text, {"tenant": staging.tenant_id, "import_id": staging.import_id, **values}
