"""Imports through the workers, beside one COPY of the contacts that came out of them."""

import io
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.core.management import call_command
from psycopg import sql

from benchmarks.stack import Stack, peak
from cdp.demo import people
from imports.models import Import, Unit
from tenants.isolation.context import tenant_context
from tenants.models import Tenant, User
from tenants.workspaces import create_workspace

SEED = 5
CHUNK = 1 << 20
# The same columns and indexes as `contact`, but for the policies, which refuse a COPY.
COPY_TABLE = """
DROP TABLE IF EXISTS contact_copy;
CREATE TABLE contact_copy (LIKE contact INCLUDING ALL);
ALTER TABLE contact_copy SET (fillfactor = {fillfactor})"""
FILLFACTOR = "SELECT coalesce(substring(array_to_string(reloptions, ',') from 'fillfactor=([0-9]+)'), '100') " \
    "FROM pg_class WHERE oid = 'contact'::regclass"  # fmt: skip


@dataclass
class Run:
    """One import: wall time from the command to the answer, and what a worker needed at most."""

    rows: int
    seconds: float
    memory: float
    result: dict[str, Any]
    phases: dict[str, float]

    @property
    def speed(self) -> float:
        return self.rows / self.seconds


def owner() -> User:
    return User.objects.filter(email="bench@example.com").first() or User.objects.create_user("bench@example.com")


def workspace(slug: str) -> Tenant:
    """A new workspace without limits that a benchmark would meet."""
    tenant = create_workspace(slug, name=slug, country="GB", owner=owner())
    Tenant.objects.filter(pk=tenant.pk).update(max_upload_bytes=4_000_000_000, max_rows=20_000_000)
    tenant.refresh_from_db()
    return tenant


def make_file(folder: Path, name: str, rows: int, **how: Any) -> Path:
    path = folder / name
    people.write(path, people.rows(rows, SEED, **how))
    return path


def settle(stack: Stack) -> None:
    """Do now what autovacuum does in the minutes after a large import, so that it does not fall into the next run."""
    with psycopg.connect(stack.info["owner_database_url"], autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def run(stack: Stack, tenant: Tenant, path: Path, *, rest: bool = True) -> Run:
    """Import a file as the command line does and wait for the end; at first the database comes to rest."""
    if rest:
        settle(stack)
    said = io.StringIO()
    maps = [f"--set=map.{name}={target}" for name, target in people.OWN_COLUMNS.items()]
    with peak(stack.workers) as memory:
        begun = time.perf_counter()
        call_command(
            "import_contacts",
            str(path),
            f"--workspace={tenant.slug}",
            "--json",
            *maps,
            "--set=segment=All",
            stdout=said,
        )
        seconds = time.perf_counter() - begun
    result = json.loads(said.getvalue())
    outcomes = sum(result[name] for name in Import.OUTCOMES)
    if result["status"] != "imported" or outcomes != result["rows"]:
        raise SystemExit(f"{path.name} did not import: {result}")
    return Run(result["rows"], seconds, memory.most, result, phases(tenant, result["id"]))


def phases(tenant: Tenant, import_id: int) -> dict[str, float]:
    """Seconds of work by kind of unit, summed over the workers."""
    by_phase: dict[str, float] = {}
    with tenant_context(tenant.pk):
        for unit in Unit.objects.filter(import_id=import_id):
            by_phase[unit.kind] = by_phase.get(unit.kind, 0.0) + unit.seconds
    return {kind: round(seconds, 1) for kind, seconds in by_phase.items()}


def export(stack: Stack, tenant: Tenant, path: Path) -> list[str]:
    """Write a workspace's contacts as COPY takes them, without generated columns; returns the names of the columns."""
    with psycopg.connect(stack.info["database_url"]) as connection, path.open("wb") as file:
        connection.execute(f"SET app.tenant_id = '{tenant.pk}'")
        columns = [
            row[0]
            for row in connection.execute(
                "SELECT attname::text FROM pg_attribute "
                "WHERE attrelid = 'contact'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
                " ORDER BY attnum"
            )
        ]
        wanted = sql.SQL(", ").join(map(sql.Identifier, columns))
        with connection.cursor().copy(
            sql.SQL("COPY (SELECT {} FROM contact WHERE tenant_id = {} ORDER BY id) TO STDOUT").format(
                wanted, sql.Literal(tenant.pk)
            )
        ) as copy:
            for block in copy:
                file.write(block)
    return columns


def copy(stack: Stack, path: Path, columns: list[str]) -> tuple[int, float]:
    """Load the exported contacts by one COPY in one connection into an empty table; (rows, seconds)."""
    with psycopg.connect(stack.info["owner_database_url"], autocommit=True) as connection:
        [[fillfactor]] = connection.execute(FILLFACTOR).fetchall()
        connection.execute(COPY_TABLE.format(fillfactor=int(fillfactor)))  # type: ignore[arg-type]
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        begun = time.perf_counter()
        cursor = connection.cursor()
        with cursor.copy(sql.SQL("COPY contact_copy ({}) FROM STDIN").format(names)) as load, path.open("rb") as file:
            while block := file.read(CHUNK):
                load.write(block)
        seconds = time.perf_counter() - begun
        rows = cursor.rowcount
        connection.execute("DROP TABLE contact_copy")
    return rows, seconds
