"""The tables of an import on its way are as closed as all others, at each step, and the audit would see one that is not."""

import os
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction

from contacts import staging as tables
from contacts.staging import SHAPES, UNDO_SHAPES, Staging
from imports.models import Import
from imports.pipeline import worker
from tenants.isolation import checks
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import Actor
from tests.imports.helpers import again, bring

CSV = "email,first_name\nann@example.com,Ann\nbob@example.com,Bob\n"


def relations(tenant: Tenant) -> dict[str, checks.Table]:
    """The staging tables of a workspace as the audit sees them."""
    with connection.cursor() as cursor:
        cursor.execute(checks.TABLES, {"role": settings.APP_ROLE})
        found = [checks.Table(*row) for row in cursor.fetchall()]
    return {t.name: t for t in found if t.schema == "staging" and t.name.startswith(f"t{tenant.pk}_")}


def run(statement: str) -> Any:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else cursor.rowcount


@pytest.fixture
def filled(alice: Actor) -> Staging:
    """The tables of an import that waits for its review."""
    imp = bring(alice.workspace, CSV, review=True)
    return Staging(alice.workspace.pk, imp.pk)


def test_every_table_has_the_policy_of_all_others(alice: Actor, filled: Staging) -> None:
    found = relations(alice.workspace)
    assert set(found) == {filled.name(shape) for shape in SHAPES}
    for table in found.values():
        assert (table.enabled, table.forced, checks.faults_of(table)) == (True, True, []), table
        assert table.policies


@pytest.mark.parametrize("shape", SHAPES)
def test_without_the_tenant_there_is_nothing(alice: Actor, charlie: Actor, filled: Staging, shape: str) -> None:
    name = f"staging.{filled.name(shape)}"
    with tenant_context(alice.workspace.pk):
        mine = run(f"SELECT count(*) FROM {name}")[0][0]
    assert mine > 0 or shape not in ("row", "map")
    assert run(f"SELECT count(*) FROM {name}") == [(0,)]
    with tenant_context(charlie.workspace.pk):
        assert run(f"SELECT count(*) FROM {name}") == [(0,)]
        assert run(f"DELETE FROM {name}") == 0
        assert run(f"UPDATE {name} SET tenant_id = tenant_id") == 0
    with tenant_context(alice.workspace.pk):
        assert run(f"SELECT count(*) FROM {name}") == [(mine,)]


def test_rows_of_another_workspace_are_not_written(alice: Actor, charlie: Actor, filled: Staging) -> None:
    name = f"staging.{filled.name('loser')}"
    for inside in (alice, charlie):
        other = charlie if inside is alice else alice
        with pytest.raises(DatabaseError, match="row-level security"), tenant_context(inside.workspace.pk):
            run(f"INSERT INTO {name} VALUES ({other.workspace.pk}, 1, 2)")


def test_while_it_is_filled_a_table_takes_rows_of_its_tenant_and_shows_none(alice: Actor, charlie: Actor) -> None:
    staging = Staging(alice.workspace.pk, 999_999_999)
    name = f"staging.{staging.name('row')}"
    with tenant_context(alice.workspace.pk):
        tables.create(staging)
        tables.create(staging)  # harmless
    try:
        assert all(checks.faults_of(t) == [] for t in relations(alice.workspace).values())
        for statement in (
            f"SELECT * FROM {name}",
            f"UPDATE {name} SET row_no = 1",
            f"DELETE FROM {name}",
            f"TRUNCATE {name}",
        ):
            with pytest.raises(DatabaseError, match="permission denied"), tenant_context(alice.workspace.pk):
                run(statement)
        with pytest.raises(IntegrityError, match="of_tenant"), tenant_context(charlie.workspace.pk):
            run(f"INSERT INTO {name} (tenant_id, row_no, attributes) VALUES ({charlie.workspace.pk}, 1, '{{}}')")
        with tenant_context(alice.workspace.pk):
            run(f"INSERT INTO {name} (tenant_id, row_no, attributes) VALUES ({alice.workspace.pk}, 1, '{{}}')")
            tables.settle(staging)
            tables.settle(staging)
            assert run(f"SELECT row_no FROM {name}") == [(1,)]
        assert run(f"SELECT count(*) FROM {name}") == [(0,)]
        with pytest.raises(psycopg.Error, match="row-level security"), tenant_context(alice.workspace.pk):
            tables.copy_rows(staging, "")
    finally:
        with tenant_context(alice.workspace.pk):
            tables.drop(staging)
    assert relations(alice.workspace) == {}


def test_at_every_step_of_an_import_and_its_undo_the_audit_is_clean(
    alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    step = worker.step

    def looked(tenant_id: int, import_id: int) -> bool:
        more = step(tenant_id, import_id)
        assert checks.findings() == []
        seen.update(name.rpartition("_")[2] for name in relations(alice.workspace))
        return more

    monkeypatch.setattr(worker, "step", looked)
    imp = bring(alice.workspace, CSV)
    alice.post(f"imports/{imp.pk}/undo/")
    while not again(alice.workspace, imp).ended:
        worker.work(alice.workspace.pk, imp.pk)
    with tenant_context(alice.workspace.pk):
        assert Import.objects.get(pk=imp.pk).status == "undone"
    assert seen == {*SHAPES, *UNDO_SHAPES}
    assert relations(alice.workspace) == {}


MUTATIONS = [
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY tenant ON {table}",
    "ALTER POLICY tenant ON {table} USING (true)",
    "ALTER POLICY tenant ON {table} WITH CHECK (true)",
    "CREATE POLICY more ON {table} USING (true)",
]
STRAYS = [
    "CREATE TABLE staging.stray (tenant_id bigint); GRANT SELECT ON staging.stray TO {role}",
    "CREATE TABLE staging.stray (tenant_id bigint); GRANT INSERT ON staging.stray TO {role}",
    "CREATE TABLE staging.stray (tenant_id bigint); GRANT SELECT (tenant_id) ON staging.stray TO {role}",
    "CREATE TABLE staging.stray (tenant_id bigint); GRANT SELECT ON staging.stray TO PUBLIC",
    "CREATE TABLE staging.tenant (id bigint); GRANT SELECT ON staging.tenant TO {role}",
    "CREATE VIEW staging.stray AS SELECT * FROM contact; GRANT SELECT ON staging.stray TO {role}",
    "CREATE MATERIALIZED VIEW staging.stray AS SELECT * FROM contact; GRANT SELECT ON staging.stray TO {role}",
    "CREATE SCHEMA other; GRANT USAGE ON SCHEMA other TO {role}; CREATE TABLE other.stray (id bigint); "
    "GRANT SELECT ON other.stray TO {role}",
    "CREATE SCHEMA other; GRANT CREATE ON SCHEMA other TO {role}",
    "CREATE FUNCTION stray() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM contact'",
]


def audit(raw: "psycopg.Connection[Any]") -> list[Any]:
    """What the audit finds on a connection; the functions that are known left out."""
    role = {"role": settings.APP_ROLE}
    found: list[Any] = [t for row in raw.execute(checks.TABLES, role) if checks.faults_of(t := checks.Table(*row))]
    return found + [what for what, _why in raw.execute(checks.ROADS, role) if what.split()[1] not in checks.FUNCTIONS]


@pytest.mark.parametrize("shape", SHAPES)
def test_loosening_a_table_turns_the_audit_red(filled: Staging, shape: str) -> None:
    """The application role owns these tables, so it is the one that could do so."""
    for mutation in MUTATIONS:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as raw, raw.transaction(force_rollback=True):
            raw.execute(mutation.format(table=f"staging.{filled.name(shape)}"))
            assert audit(raw), mutation


@pytest.mark.parametrize("stray", STRAYS)
def test_what_lies_in_any_schema_is_seen(stray: str) -> None:
    with psycopg.connect(os.environ["OWNER_DATABASE_URL"], autocommit=True) as raw:
        assert audit(raw) == []
        with raw.transaction(force_rollback=True):
            raw.execute(stray.format(role=settings.APP_ROLE))
            assert audit(raw), stray
