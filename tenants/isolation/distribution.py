"""One database spread over the nodes of a cluster by tenant, with the extension Citus (docs/scale-out.md).

The plan comes from the catalogue: every table of the schema is distributed by its tenant, a reference table that each node
has a copy of, or local to the coordinator. What is done already is left out, so it can be run again after an interruption.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from tenants.isolation.rls import GLOBAL_TABLES, SETTING

# Global tables that the tables of tenants refer to or are read with, and what refers to those in turn.
REFERENCE = {
    "tenant": "workspaces; policies and statements read it beside tables of tenants",
    "user": "tables of tenants refer to it",
    "wake": "refers to workspaces",
    "sign_in_domain": "refers to workspaces",
    "account_emailaddress": "refers to users",
    "account_emailconfirmation": "refers to log-in addresses",
    "mfa_authenticator": "refers to users",
    "usersessions_usersession": "refers to users",
    "platform_block": "statements read it beside contacts",
}
LOCAL = {
    "django_session": "only the coordinator is asked for sessions, and often",
    "django_migrations": "the migrations run on the coordinator",
    "django_content_type": "names of models",
    "auth_permission": "empty rights of the framework, not used",
    "auth_group": "empty groups of the framework, not used",
    "auth_group_permissions": "empty groups of the framework, not used",
    "incident": "what died and what took over: nothing of tenants",
}
# All tables are placed like this one, so that a tenant's rows are together.
FIRST = "contact"
SHARDS = 128

_SUB_SELECT = re.compile(
    r"\( ?SELECT \(NULLIF\(current_setting\('app\.(\w+)'::text, true\), ''::text\)\)::bigint[^()]*\)"
)
# Nodes take no policy with a query in it. Who may remove is then said by this setting (tenants.closing.erasure).
BEING_ERASED = "current_setting('app.being_erased', true) = 'on'"
_TABLES = """
SELECT c.relname, EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'),
  c.relforcerowsecurity,
  coalesce(array_agg(DISTINCT r.relname) FILTER (WHERE r.relname IS NOT NULL AND r.oid <> c.oid), '{}')
FROM pg_class c LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f'
LEFT JOIN pg_class r ON r.oid = k.confrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
GROUP BY c.oid ORDER BY c.relname"""
_POLICIES = """
SELECT p.polname, p.polpermissive, CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
  coalesce(pg_get_expr(p.polqual, p.polrelid), ''), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
FROM pg_policy p WHERE p.polrelid = %s::regclass ORDER BY 1"""
# References to tables that are placed at the same time are taken off first and put back at the end.
_REFERENCES = """
SELECT k.conname, k.conrelid::regclass::text, pg_get_constraintdef(k.oid) FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid AND c.relnamespace = 'public'::regnamespace
WHERE k.contype = 'f' AND k.confrelid::regclass::text = ANY(%s) ORDER BY 1"""
# Otherwise every local table that a reference table refers to would become one of the cluster.
_NO_LOCAL_KEYS = "SET LOCAL citus.enable_local_reference_table_foreign_keys = off"


class NotPossible(Exception):
    """The database cannot be distributed; the text says why, and what to do."""


@dataclass(frozen=True)
class Table:
    """A table of the schema: its class, whether its policy binds the owner, and the tables that it refers to."""

    name: str
    kind: str  # "distributed", "reference", "local"
    forced: bool = False
    refers_to: tuple[str, ...] = ()
    placed: bool = False


@dataclass(frozen=True)
class Plan:
    """What is to be done, in this order, and what is done already."""

    tables: list[Table] = field(default_factory=list)

    @property
    def open(self) -> list[Table]:
        return [table for table in self.tables if table.kind != "local" and not table.placed]


def kind_of(name: str, *, has_tenant: bool) -> str:
    """The class of a table. Raises NotPossible for one that nobody has thought of."""
    if name in REFERENCE:
        return "reference"
    if name in LOCAL:
        return "local"
    if has_tenant and name not in GLOBAL_TABLES:
        return "distributed"
    raise NotPossible(
        f"The table {name} is in no class: name it in REFERENCE or LOCAL of tenants.isolation.distribution."
    )


def plan() -> Plan:
    """The tables of the database in the order in which they are placed. Raises NotPossible."""
    placed = _placed()
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        rows = cursor.fetchall()
    tables = [
        Table(name, kind_of(name, has_tenant=has_tenant), forced, tuple(sorted(refers_to)), name in placed)
        for name, has_tenant, forced, refers_to in rows
        if not name.startswith("pg_dist_") and name != "citus_tables"
    ]
    return Plan(list(ordered(tables)))


def ordered(tables: list[Table]) -> Iterator[Table]:
    """Reference tables, then FIRST, then all others; each behind the tables that it refers to."""
    left = sorted(tables, key=lambda t: (["reference", "distributed", "local"].index(t.kind), t.name != FIRST, t.name))
    done: set[str] = set()
    while left:
        known = {table.name for table in left}
        table = next((t for t in left if not (set(t.refers_to) & known - done - {t.name})), left[0])
        left.remove(table)
        done.add(table.name)
        yield table


def extension() -> str:
    """The version of the extension in this database; empty where it is absent."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'citus'")
        found = cursor.fetchone()
    return found[0] if found else ""


def refuse() -> None:
    """Raise NotPossible unless this database can be distributed now."""
    if not extension():
        raise NotPossible(
            "This PostgreSQL has no extension citus: it serves everything from one machine, which is fine up to about a "
            "billion events (docs/scale-out.md). To distribute, load citus on all nodes, and CREATE EXTENSION citus there."
        )
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        (version,) = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM pg_dist_node WHERE isactive AND shouldhaveshards AND noderole = 'primary'")
        (nodes,) = cursor.fetchone()
        cursor.execute(
            "SELECT pg_has_role(current_user, c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = 'contact'::regclass"
        )
        (owner,) = cursor.fetchone()
    if version < 17:
        raise NotPossible(f"PostgreSQL {version} refuses joins that the product needs; distribute on 17 or later.")
    if not nodes:
        raise NotPossible(
            "The cluster has no node for tables: run citus_set_coordinator_host and citus_add_node first."
        )
    if not owner:
        raise NotPossible("Only the owner of the tables can distribute them: use the DATABASE_URL that migrations use.")


def _placed() -> set[str]:
    """Tables that are distributed or reference tables already."""
    if not extension():
        return set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT c.relname FROM pg_dist_partition p JOIN pg_class c ON c.oid = p.logicalrelid")
        return {name for (name,) in cursor.fetchall()}


def counts(tables: list[str]) -> dict[str, int]:
    """How many rows each table has, over all tenants. As the owner, without FORCE."""
    found = {}
    for table in tables:
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608  names from the catalogue
            found[table] = int(cursor.fetchone()[0])
    return found


def policy_on_nodes(name: str, condition: str) -> str:
    """A condition of a policy without queries in it: '' where nodes cannot have it and it only lets more through."""
    plain = _SUB_SELECT.sub(lambda found: f"{_setting(found[1])}", condition)
    if "erasing_since" in plain:
        age = re.match(r"\(\((at < \(now\(\) - '\d+ days'::interval\))\)", plain)
        return f"{age[1]} OR {BEING_ERASED}" if age else BEING_ERASED
    if "SELECT" in plain.upper():
        if name != "members":
            raise NotPossible(f"The policy {name} has a query in it, which nodes refuse: {condition}")
        return ""
    return plain


def _setting(name: str) -> str:
    return SETTING.replace("app.tenant_id", f"app.{name}")


def policies(table: str) -> list[str]:
    """Statements that give a table the policies that nodes take."""
    with connection.cursor() as cursor:
        cursor.execute(_POLICIES, [f'public."{table}"'])
        rows = cursor.fetchall()
    out = []
    for name, permissive, command, using, check in rows:
        if "SELECT" not in (using + check).upper():
            continue
        out.append(f'DROP POLICY "{name}" ON "{table}"')
        plain, checked = policy_on_nodes(name, using), policy_on_nodes(name, check)
        if plain:
            way = "PERMISSIVE" if permissive else "RESTRICTIVE"
            also = f" WITH CHECK ({checked})" if checked else ""
            out.append(f'CREATE POLICY "{name}" ON "{table}" AS {way} FOR {command} USING ({plain}){also}')
    return out


def run(*, shards: int = SHARDS, say: Callable[[str], Any] = print) -> int:
    """Place every table that is not placed; returns how many. Raises NotPossible.

    In one transaction: nobody sees half of it, and an interruption leaves everything as it was. Nobody can write meanwhile.
    """
    refuse()
    todo = plan().open
    if not todo:
        return 0
    names = [table.name for table in todo]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_NO_LOCAL_KEYS)
        cursor.execute("SET LOCAL citus.multi_shard_modify_mode = 'sequential'")
        cursor.execute("SET LOCAL lock_timeout = 0")
        cursor.execute(_REFERENCES, [[f'"{n}"' if n == "user" else n for n in names]])
        references = cursor.fetchall()
        for constraint, table, _definition in references:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{constraint}"')
        for table in todo:
            if table.forced:
                cursor.execute(f'ALTER TABLE "{table.name}" NO FORCE ROW LEVEL SECURITY')
        before = counts(names)
        for table in todo:
            _place(cursor, table, shards=shards)
            say(f"{table.name}: {table.kind}, {before[table.name]} rows")
        for constraint, name, definition in references:
            cursor.execute(f'ALTER TABLE {name} ADD CONSTRAINT "{constraint}" {definition}')
        after = counts(names)
        if lost := [name for name in names if before[name] != after[name]]:
            raise NotPossible(f"Rows are missing after distributing, so nothing was changed: {', '.join(lost)}.")
        for table in todo:
            if table.forced:
                cursor.execute(f'ALTER TABLE "{table.name}" FORCE ROW LEVEL SECURITY')
    return len(todo)


def _place(cursor: Any, table: Table, *, shards: int) -> None:
    for statement in policies(table.name):
        cursor.execute(statement)
    name = f'public."{table.name}"'
    if table.kind == "reference":
        cursor.execute("SELECT create_reference_table(%s)", [name])
    elif table.name == FIRST:
        cursor.execute("SELECT create_distributed_table(%s, 'tenant_id', shard_count := %s)", [name, shards])
    else:
        cursor.execute(f"SELECT create_distributed_table(%s, 'tenant_id', colocate_with := 'public.{FIRST}')", [name])
    cursor.execute("SELECT truncate_local_data_after_distributing_table(%s)", [name])
