"""Statements on the staging tables of one import: {row}, {hit}, {map} … become their names (contacts.staging says what each
holds), %(tenant)s and %(import_id)s whose they are. All run in the caller's transaction."""

from typing import Any

from django.db import connection
from psycopg import sql

from contacts.staging import Staging


def run(statement: str, staging: Staging, /, **values: Any) -> int:
    """Run one statement; returns the number of rows that it has touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(**staging.names()), _values(staging, values))
        return int(cursor.rowcount)


def fetch(statement: str, staging: Staging, /, **values: Any) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows; for small answers only."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(**staging.names()), _values(staging, values))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _values(staging: Staging, values: dict[str, Any]) -> dict[str, Any]:
    return {"tenant": staging.tenant_id, "import_id": staging.import_id, **values}
