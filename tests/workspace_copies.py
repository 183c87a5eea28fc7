"""A workspace as one that was made before: its rows are copied where making them anew is not what a test is about.

An import takes some three hundred statements, a copy one. The key of every table begins with the tenant, so the rows keep
their IDs, and what refers to them stays right.
"""

import os
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db.models import ForeignKey
from psycopg import sql

from tenants.isolation.base import TenantModel
from tenants.models import Membership, User
from tests.cast import Actor, actor
from tests.servers import SUPERUSER

# Whose rows a workspace has by itself.
OWN = {Membership}
COPY = """
    DELETE FROM {table} WHERE tenant_id = {target};
    INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE tenant_id = {model}"""
COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"""

_models: dict[Hashable, tuple[Actor, list[type[TenantModel]]]] = {}
_columns: dict[str, list[str]] = {}
_connections: list["psycopg.Connection[Any]"] = []


def copy_workspace(who: Actor, make: Callable[..., object], *arguments: Hashable) -> None:
    """Let the fresh workspace of an owner have what `make(owner, *arguments)` makes: it is called once in each process, in
    a workspace that is its model from then on."""
    key = (make, *arguments)
    if key not in _models:
        model = actor("Model")
        make(model, *arguments)
        _models[key] = model, _filled(model.workspace.pk)
    model, tables = _models[key]
    with _superuser().transaction(), _superuser().cursor() as cursor:
        cursor.execute(sql.SQL("; ").join(_copy(table, model, who) for table in tables))


def _copy(table: type[TenantModel], model: Actor, who: Actor) -> sql.Composed:
    """The statement that copies the rows of one table; what the owner of the model did, the new owner did."""
    name = table._meta.db_table
    users = {f.column for f in table._meta.fields if isinstance(f, ForeignKey) and f.related_model is User}
    values: list[sql.Composable] = []
    for column in _columns_of(name):
        found: sql.Composable = sql.Identifier(column)
        if column == "tenant_id":
            found = sql.Literal(who.workspace.pk)
        elif column in users:
            found = sql.SQL("CASE {} WHEN {} THEN {} ELSE {} END").format(found, model.user.pk, who.user.pk, found)
        values.append(found)
    return sql.SQL(COPY).format(
        table=sql.Identifier(name), target=who.workspace.pk, model=model.workspace.pk,
        names=sql.SQL(", ").join(map(sql.Identifier, _columns_of(name))), values=sql.SQL(", ").join(values),
    )  # fmt: skip


def _filled(tenant_id: int) -> list[type[TenantModel]]:
    """The tables in which the workspace has rows."""
    tables = [m for m in apps.get_models() if issubclass(m, TenantModel) and m not in OWN]
    question = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE tenant_id = {})")
    with _superuser().cursor() as cursor:
        return [
            table
            for table in tables
            if cursor.execute(question.format(sql.Identifier(table._meta.db_table), tenant_id)).fetchone() == (True,)
        ]


def _columns_of(table: str) -> list[str]:
    if table not in _columns:
        with _superuser().cursor() as cursor:
            _columns[table] = [name for (name,) in cursor.execute(COLUMNS, [f'"{table}"'])]
    return _columns[table]


def _superuser() -> "psycopg.Connection[Any]":
    """One connection for all: row-level security lets nobody else see two workspaces. No reference is checked once more."""
    if not _connections:
        options = "-c session_replication_role=replica"
        _connections.append(psycopg.connect(os.environ[SUPERUSER], autocommit=True, options=options))
    return _connections[0]


@pytest.fixture(scope="session", autouse=True)
def one_connection() -> Iterator[None]:
    """It is closed with the tests, and with it goes what is known of the models."""
    yield
    while _connections:
        _connections.pop().close()
    _models.clear()
