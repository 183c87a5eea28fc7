"""Statements that the ORM cannot say, run for the workspace of the context. They name it as %(tenant)s on every table."""

from typing import Any

from django.db import connection

from tenants.isolation.context import current_tenant


def run(statement: str, /, **values: Any) -> int:
    """Run a statement; returns the number of rows that it has touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": current_tenant(), **values})
        return int(cursor.rowcount)


def fetch(statement: str, /, **values: Any) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows; for small answers only."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": current_tenant(), **values})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
