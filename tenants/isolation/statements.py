"""Statements that the ORM cannot express, run for the workspace of the context: %(tenant)s on every table of each."""

import re
from typing import Any

from django.db import connection

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
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": current_tenant(), **values})
        return int(cursor.rowcount)


def fetch(statement: str, /, **values: Any) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows; for small answers only."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": current_tenant(), **values})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
