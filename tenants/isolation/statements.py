"""Statements that the ORM cannot express, run for the workspace of the context: %(tenant)s on every table of each."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, transaction
from psycopg import sql
from psycopg.errors import QueryCanceled

from tenants.isolation import replica
from tenants.isolation.context import current_tenant

SLOT = re.compile(r"\{([A-Za-z_][A-Za-z_.]*)\}")


def fill(statement: str, /, **fragments: str) -> str:
    """Put fragments of our own SQL into the slots of a statement: `{name}` becomes the fragment of that name.

    Slots without a fragment stay for a later `fill`, and so does every other brace: the empty object is '{}' on every level.
    Only constants of our own go in this way; values are parameters. Raises KeyError for a fragment without a slot.
    """
    unused = fragments.keys() - set(SLOT.findall(statement))
    if unused:
        raise KeyError(*unused)
    return SLOT.sub(lambda slot: fragments.get(slot[1], slot[0]), statement)


def run(statement: str, /, **values: Any) -> int:
    """Run a statement; returns the number of rows that it has affected."""
    with replica.database().cursor() as cursor:
        cursor.execute(statement, {"tenant": current_tenant(), **values})
        return int(cursor.rowcount)


def fetch(statement: str, /, **values: Any) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows; for small answers only."""
    with replica.database().cursor() as cursor:
        cursor.execute(statement, {"tenant": current_tenant(), **values})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def copy_out(table: str, columns: Sequence[str], *, order: Sequence[str]) -> Iterator[bytes]:
    """The rows of a table as CSV with a head, in parts as the database sends them: memory does not grow with them."""
    names, sorted_by = (sql.SQL(", ").join(sql.Identifier("x", name) for name in part) for part in (columns, order))
    statement = sql.SQL("COPY (SELECT {} FROM {} x WHERE x.tenant_id = {} ORDER BY {}) TO STDOUT (FORMAT csv, HEADER)")
    with replica.database().cursor() as cursor:
        found = statement.format(names, sql.Identifier(table), sql.Literal(current_tenant()), sorted_by)
        with cursor.copy(found) as rows:
            yield from map(bytes, rows)


def remove_some(table: str, key: Sequence[str], *, count: int) -> int:
    """Remove the first rows of a table by its key, which begins with the tenant; returns how many.

    By ranges of the key, since behind a policy nothing else finds rows by an index, whatever the key is made of.
    """
    of_tenant, values = sql.SQL("x.tenant_id = {}").format(sql.Literal(current_tenant())), {
        "table": sql.Identifier(table), "count": sql.Literal(count),
    }  # fmt: skip
    own = sql.SQL(", ").join(sql.Identifier("x", name) for name in key)
    last = sql.SQL("SELECT {own} FROM {table} x WHERE {tenant} ORDER BY {own} OFFSET {count} LIMIT 1")
    with replica.database().cursor() as cursor:
        cursor.execute(last.format(own=own, tenant=of_tenant, **values))
        place = cursor.fetchone()
        below = sql.SQL("({}) < ({})").format(own, sql.SQL(", ").join(map(sql.Literal, place))) if place else None
        condition = sql.SQL(" AND ").join([of_tenant, *([below] if below else [])])
        cursor.execute(sql.SQL("DELETE FROM {} x WHERE {}").format(values["table"], condition))
        return int(cursor.rowcount)


def keys() -> dict[str, list[str]]:
    """Of each table with a tenant: the columns of its primary key behind the tenant, in their order."""
    with replica.database().cursor() as cursor:
        cursor.execute(_KEYS)
        return {table: list(columns) for table, columns in cursor.fetchall()}


# Tables of the schema public whose key begins with the tenant; of partitioned ones, the table above its parts.
_KEYS = """
SELECT t.relname, array_agg(a.attname::text ORDER BY place.number)
FROM pg_constraint k
JOIN pg_class t ON t.oid = k.conrelid AND NOT t.relispartition
JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public'
CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY place (number_of, number)
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = place.number_of
WHERE k.contype = 'p' AND a.attname <> 'tenant_id'
  AND k.conkey[1] = (SELECT b.attnum FROM pg_attribute b WHERE b.attrelid = t.oid AND b.attname = 'tenant_id')
GROUP BY t.relname ORDER BY t.relname
"""


@contextmanager
def hash_joins() -> Iterator[None]:
    """Inside of it, statements join by hashing or sorting, each side read once, whatever the planner believes about sizes.

    For sets that may be large in a workspace of which the statistics know nothing yet. A LATERAL look-up by a key stays one.
    """
    with replica.database().cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield
        cursor.execute("SET LOCAL enable_nestloop = on")


@contextmanager
def merge_joins() -> Iterator[None]:
    """Inside of it, statements join in the order of keys, each table read once by its key, whatever the planner believes.

    For sets of contacts of which each may be most of a workspace: to hash them takes twice as long.
    """
    settings = ("enable_nestloop", "enable_hashjoin", "enable_sort")
    with replica.database().cursor() as cursor:
        for name in settings:
            cursor.execute(f"SET LOCAL {name} = off")
        yield
        for name in settings:
            cursor.execute(f"SET LOCAL {name} = on")


# After so many rows of one workspace a plan that is wrong takes seconds, and with more of them hours; learning better takes
# less than a second.
LARGE = 2_000


def analyze(*tables: str) -> None:
    """Tell the planner how large tables have become, each with the columns that statements ask for. Waits for nobody.

    Right after much was written it may still believe that a workspace has one row, and then joins all of its rows with all
    of something else, row by row. The application role may do this to tables with the grant MAINTAIN.
    """
    with replica.database().cursor() as cursor:
        cursor.execute(f"ANALYZE (SKIP_LOCKED) {', '.join(tables)}")


class TookTooLong(Exception):
    """A statement was given up because it took longer than `time_limit` allows. The transaction goes on without it."""


@contextmanager
def time_limit(milliseconds: int) -> Iterator[None]:
    """Inside of it, each statement may take so long. Raises TookTooLong."""
    try:
        with transaction.atomic(using=replica.alias()), replica.database().cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            before = cursor.fetchone()[0]
            cursor.execute(f"SET LOCAL statement_timeout = {int(milliseconds)}")
            yield
            cursor.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(before))
    except OperationalError as problem:
        if isinstance(problem.__cause__, QueryCanceled):
            raise TookTooLong from None
        raise
