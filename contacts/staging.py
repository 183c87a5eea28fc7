"""The table shape that both roads into the contacts fill: one set of tables an import, in the schema `staging`.

Real, logged tables with a key that begins with the tenant: a crash of the server loses nothing, and a cluster can
place them beside the contacts. They are under the same forced policy as all tables of tenants, and are dropped when the
import ends.

PostgreSQL refuses COPY into a table with a policy. So the one table that a COPY fills is closed in another way for as long
as it is being filled: nobody may read or change it, only add rows, and a constraint refuses those of other tenants. `settle`
puts it under the policy before the first statement reads it (docs/decisions/0013-staging-under-policies.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import connection
from psycopg import sql

from tenants.isolation.rls import POLICY

# Rows that one statement adds.
ADDED = 50_000

# Columns that a COPY of cleaned rows fills, in this order (imports.cleaning.row_cleaner writes them).
ROW_COLUMNS = (
    "tenant_id",
    "row_no",
    "email",
    "email_written",
    "phone",
    "phone_written",
    "external_id",
    "first_name",
    "last_name",
    "first_key",
    "last_key",
    "attributes",
    "cleared",
    "settings",
    "event",
)

# row: cleaned rows; `settings` are what the row says about itself (segments, consent, where it came from; NULL: nothing),
# `event` is what its contact did, `led` what it said where an alias was replaced (contacts.identity.queries).
# hit: rows that point at a contact which they may change, or at trouble. repeat: rows that
# share an identifier with another row. loser: rows joined into another row. map: what each winning row does, with each value
# before and after, and when the contact had changed before. visitor: visitors that rows will claim.
SHAPES = {
    "row": (
        "tenant_id bigint NOT NULL, row_no integer NOT NULL, "
        'email text COLLATE "C", email_written text, phone text COLLATE "C", phone_written text, '
        'external_id text COLLATE "C", first_name text, last_name text, first_key text COLLATE "C", '
        'last_key text COLLATE "C", attributes jsonb NOT NULL, cleared text[], settings jsonb, event jsonb, led jsonb, '
        "PRIMARY KEY (tenant_id, row_no)"
    ),
    "hit": (
        "tenant_id bigint NOT NULL, row_no integer NOT NULL, contact_id bigint, strength smallint, code text, "
        "other_id bigint, PRIMARY KEY (tenant_id, row_no)"
    ),
    "repeat": (
        "tenant_id bigint NOT NULL, kind text NOT NULL, row_no integer NOT NULL, key text NOT NULL, "
        "PRIMARY KEY (tenant_id, kind, row_no)"
    ),
    "loser": (
        "tenant_id bigint NOT NULL, row_no integer NOT NULL, winner integer NOT NULL, PRIMARY KEY (tenant_id, row_no)"
    ),
    "map": (
        "tenant_id bigint NOT NULL, row_no integer NOT NULL, contact_id bigint NOT NULL, "
        'outcome "char" NOT NULL, changed jsonb, was_at timestamptz, PRIMARY KEY (tenant_id, row_no)'
    ),
    "visitor": (
        "tenant_id bigint NOT NULL, visitor_id bigint NOT NULL, row_no integer NOT NULL, kind text NOT NULL, "
        "PRIMARY KEY (tenant_id, visitor_id)"
    ),
}
# What an undo fills. undone: what came of each row. turned: values of changed contacts that go back, by row. back: created
# contacts that may come back. used: contacts that others use. listed:
# contacts that later files name, with the keys of what they say.
UNDO_SHAPES = {
    "undone": (
        'tenant_id bigint NOT NULL, row_no integer NOT NULL, result "char" NOT NULL, reversed integer NOT NULL, '
        "kept integer NOT NULL, PRIMARY KEY (tenant_id, row_no)"
    ),
    "turned": (
        "tenant_id bigint NOT NULL, row_no integer NOT NULL, contact_id bigint NOT NULL, keys text[] NOT NULL, "
        "kept integer NOT NULL, changed jsonb NOT NULL, at timestamptz NOT NULL, was_at timestamptz, "
        "PRIMARY KEY (tenant_id, row_no)"
    ),
    "back": (
        "tenant_id bigint NOT NULL, row_no integer NOT NULL, contact_id bigint NOT NULL, data jsonb NOT NULL, "
        "PRIMARY KEY (tenant_id, row_no)"
    ),
    "listed": (
        "tenant_id bigint NOT NULL, contact_id bigint NOT NULL, keys text[] NOT NULL, PRIMARY KEY (tenant_id, contact_id)"
    ),
    "used": "tenant_id bigint NOT NULL, contact_id bigint NOT NULL, PRIMARY KEY (tenant_id, contact_id)",
}
# The table that a COPY fills.
FILLED = "row"
# What a second resolve throws away; the rows themselves stay.
WORKED_OUT = ("hit", "repeat", "loser", "map", "visitor")


class Reverted(StrEnum):
    """What an undo did to what a row has written."""

    FULLY = "r"
    IN_PART = "p"
    KEPT = "k"
    IMPOSSIBLE = "x"


class RowOutcome(StrEnum):
    """What a row does to its contact, as {map} and `touched` have it."""

    CREATED = "c"
    UPDATED = "u"
    UNCHANGED = "n"


@dataclass(frozen=True)
class Staging:
    """Names of the staging tables of one import of one tenant; without an import they are those of contacts that come
    directly (imports.direct_upsert), which live and die in one transaction that holds the write lock."""

    tenant_id: int
    import_id: int | None

    def name(self, shape: str) -> str:
        """The name of one of the tables in SHAPES, without its schema."""
        return f"{self._prefix}_{shape}"

    @property
    def _prefix(self) -> str:
        return f"t{self.tenant_id}_" + ("direct" if self.import_id is None else f"i{self.import_id}")

    def table(self, shape: str) -> sql.Identifier:
        """The qualified name of one of the tables in SHAPES."""
        return sql.Identifier("staging", self.name(shape))

    def names(self) -> dict[str, sql.Composable]:
        """All tables by their shape, as contacts.statements puts them into a statement."""
        return {shape: self.table(shape) for shape in (*SHAPES, *UNDO_SHAPES)}


def create(staging: Staging, *, undo: bool = False) -> None:
    """Make the tables of an import, or those of its undo. Harmless when they exist."""
    shapes = UNDO_SHAPES if undo else SHAPES
    statements = [
        # Autovacuum would only come between the phases; each phase analyzes what it has filled.
        sql.SQL(
            "CREATE TABLE {table} ({columns}) WITH (autovacuum_enabled = off); "
            + (_FILLING if shape == FILLED else _POLICY)
        ).format(
            table=staging.table(shape),
            columns=sql.SQL(shapes[shape]),
            tenant=sql.Literal(staging.tenant_id),
        )
        for shape in sorted(shapes.keys() - _existing(staging))
    ]
    if statements:  # all in one round trip
        _run("{statements}", statements=sql.SQL("; ").join(statements))


# The owner of a table is the role that works here, hence FORCE.
_POLICY = (
    "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; "
    f"CREATE POLICY tenant ON {{table}} USING ({POLICY}) WITH CHECK ({POLICY})"
)
_FILLING = (
    "ALTER TABLE {table} ADD CONSTRAINT of_tenant CHECK (tenant_id = {tenant}); "
    "REVOKE ALL ON {table} FROM CURRENT_USER; GRANT INSERT ON {table} TO CURRENT_USER"
)


def _existing(staging: Staging) -> set[str]:
    """The shapes whose tables are there."""
    names = {table: shape for shape in (*SHAPES, *UNDO_SHAPES) for table in [staging.name(shape)]}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'staging'::regnamespace AND relname = ANY(%s)",
            [list(names)],
        )
        return {names[name] for (name,) in cursor.fetchall()}


def settle(staging: Staging) -> None:
    """All rows are loaded: from now on they can be read, behind the policy. Harmless when it is so already."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", [f"staging.{staging.name(FILLED)}"]
        )
        (settled,) = cursor.fetchone()
    if not settled:
        _run(f"{_POLICY}; GRANT ALL ON {{table}} TO CURRENT_USER", table=staging.table(FILLED))


def clear(staging: Staging) -> None:
    """Empty what was worked out, before it is worked out again. The tables are ours: TRUNCATE is allowed."""
    _run("TRUNCATE {tables}", tables=sql.SQL(", ").join(staging.table(shape) for shape in WORKED_OUT))


def drop(staging: Staging) -> None:
    """Remove the tables."""
    _run("DROP TABLE IF EXISTS {tables}", tables=sql.SQL(", ").join(staging.names().values()))


def drop_all(tenant_id: int) -> None:
    """Drop what imports of a workspace have left here: those that had not ended when it was closed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'staging' AND c.relkind = 'r' AND starts_with(c.relname, %s)",
            [f"t{tenant_id}_"],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier("staging", table)))


def index_losers(staging: Staging) -> None:
    """Make joined rows findable by the row that they were joined into; for imports that need it, once they are known."""
    name = sql.Identifier(staging.name("winner"))
    _run("CREATE INDEX IF NOT EXISTS {name} ON {table} (tenant_id, winner)", name=name, table=staging.table("loser"))


# Of rows only what joins and filters ask for: statistics of JSON cost more than all the others.
_ANALYZED = {
    "row": sql.SQL("(tenant_id, row_no, email, phone, external_id, settings)"),
    "map": sql.SQL("(tenant_id, row_no, contact_id, outcome)"),
    "turned": sql.SQL("(tenant_id, row_no, contact_id)"),
    "back": sql.SQL("(tenant_id, row_no, contact_id)"),
}


def analyze(staging: Staging, *shapes: str) -> None:
    """Tell the planner what the tables hold; without it a join of a million rows may not end."""
    for shape in shapes:
        _run("ANALYZE {table} {columns}", table=staging.table(shape), columns=_ANALYZED.get(shape, sql.SQL("")))


def copy_rows(staging: Staging, lines: str) -> None:
    """Load cleaned rows: text in COPY format with the columns of ROW_COLUMNS, each line ended by a newline."""
    _copy(staging.table("row"), ROW_COLUMNS, lines)


def add(staging: Staging, shape: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """Add rows of few, short values to a staging table; `columns` are names with their types, in the order of a row."""
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {}, * FROM unnest({})").format(
        staging.table(shape),
        sql.SQL(", ").join(map(sql.Identifier, ("tenant_id", *columns))),
        sql.Literal(staging.tenant_id),
        sql.SQL(", ").join(sql.SQL(f"%s::{kind}[]") for kind in columns.values()),
    )
    with connection.cursor() as cursor:
        for begin in range(0, len(rows), ADDED):
            cursor.execute(statement, [list(column) for column in zip(*rows[begin : begin + ADDED], strict=True)])


def _copy(table: sql.Identifier, columns: Sequence[str], lines: str) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(table, sql.SQL(", ").join(map(sql.Identifier, columns)))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(lines)


def _run(statement: str, **names: sql.Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(**names))
