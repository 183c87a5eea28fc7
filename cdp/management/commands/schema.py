"""The database schema that the migrations add up to, read from the catalogue and kept as one page of SQL."""

import difflib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from psycopg.rows import DictRow, dict_row

PAGE = Path(settings.BASE_DIR) / "docs" / "schema.sql"
HEAD = """\
-- The schema `public` as the migrations leave it, read from the catalogue. Written by `make schema`: do not edit.
-- The migrations, not this page, make a database. Staging tables of imports: contacts/staging.py.
"""
# Every statement below is run with the role that serves as %(role)s. A partition is told by its parent alone.
TABLES = """
SELECT c.oid, quote_ident(c.relname) AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
       array_to_string(c.reloptions, ', ') AS options, pg_get_partkeydef(c.oid) AS partitioned
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname COLLATE "C\""""
COLUMNS = """
SELECT quote_ident(a.attname) AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
       a.attidentity <> '' AS identity, pg_get_expr(d.adbin, d.adrelid) AS fallback,
       CASE WHEN a.attcollation <> t.typcollation THEN quote_ident(l.collname) END AS collation
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE a.attrelid = %(table)s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
CONSTRAINTS = """
SELECT quote_ident(k.conname) AS name, pg_get_constraintdef(k.oid) AS text FROM pg_constraint k
WHERE k.conrelid = %(table)s AND k.contype <> 'n'
ORDER BY array_position(ARRAY['p', 'u', 'f', 'c'], k.contype::text), k.conname COLLATE "C\""""
INDEXES = """
SELECT pg_get_indexdef(i.indexrelid) AS text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %(table)s AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)
ORDER BY c.relname COLLATE "C\""""
POLICIES = """
SELECT quote_ident(p.polname) AS name, p.polcmd::text AS command, p.polpermissive AS permissive,
  pg_get_expr(p.polqual, p.polrelid) AS reads,
       pg_get_expr(p.polwithcheck, p.polrelid) AS writes
FROM pg_policy p WHERE p.polrelid = %(table)s ORDER BY p.polname COLLATE "C\""""
GRANTS = """
SELECT string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type COLLATE "C") AS rights
FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x JOIN pg_roles r ON r.oid = x.grantee
WHERE c.oid = %(table)s AND r.rolname = %(role)s"""
PARTITIONS = """
SELECT count(*) AS n, min(c.relname COLLATE "C") AS first, max(c.relname COLLATE "C") AS last FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %(table)s"""
SEQUENCES = """
SELECT c.oid, quote_ident(c.relname) AS name FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S' ORDER BY c.relname COLLATE "C\""""
COMMANDS = {"*": "ALL", "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}


class Command(BaseCommand):
    """Write or compare docs/schema.sql."""

    help = "Write the resulting schema to docs/schema.sql; with --check only compare, and exit with 1 if it differs."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="compare instead of writing")

    def handle(self, *_args: Any, **options: Any) -> None:
        address = os.environ.get("OWNER_DATABASE_URL") or os.environ["DATABASE_URL"]
        text = Schema(address, role=settings.APP_ROLE).text()
        if not options["check"]:
            PAGE.write_text(text, encoding="utf-8")
            return
        kept = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        if kept != text:
            self.stderr.write("".join(difference(kept, text)))
            self.stderr.write("docs/schema.sql is not what the migrations make: run `make schema`.")
            raise SystemExit(1)


def difference(kept: str, current: str) -> Iterator[str]:
    """A unified diff from the page to the database."""
    return difflib.unified_diff(
        kept.splitlines(keepends=True), current.splitlines(keepends=True), "docs/schema.sql", "the database"
    )


class Schema:
    """One database, described. `role` is the one whose grants are told."""

    def __init__(self, address: str, *, role: str) -> None:
        self.address, self.role = address, role

    def text(self) -> str:
        """The whole page; the same database gives the same text."""
        with psycopg.connect(self.address, row_factory=dict_row) as connection:
            # Names in expressions are then written as they are in the migrations, without `public.` before them.
            connection.execute("SET search_path = public")
            self.connection = connection
            parts = [HEAD, *(self.table(row) for row in self.rows(TABLES)), self.sequences()]
        return "\n\n".join(part.strip("\n") for part in parts) + "\n"

    def rows(self, question: str, table: int = 0) -> list[DictRow]:
        """The answer to one of the questions above."""
        return self.connection.execute(question.encode(), {"table": table, "role": self.role}).fetchall()

    def table(self, row: DictRow) -> str:
        """A table with everything that hangs on it."""
        oid, name = int(row["oid"]), str(row["name"])
        inside = [column(c) for c in self.rows(COLUMNS, oid)]
        inside += [f"CONSTRAINT {c['name']} {c['text']}" for c in self.rows(CONSTRAINTS, oid)]
        body = ",\n".join(f"    {line}" for line in inside)
        options = f" WITH ({row['options']})" if row["options"] else ""
        partitioned = f" PARTITION BY {row['partitioned']}" if row["partitioned"] else ""
        lines = [f"CREATE TABLE {name} (\n{body}\n){partitioned}{options};", *self.partitions(row)]
        lines += [short(i["text"]) + ";" for i in self.rows(INDEXES, oid)]
        return "\n".join([*lines, *self.protection(row), *self.grants(oid, name)])

    def partitions(self, row: DictRow) -> Iterator[str]:
        """How many partitions there are, and which: their columns and indexes are those of the table."""
        for partition in self.rows(PARTITIONS, int(row["oid"])):
            if row["partitioned"]:
                yield f"-- {partition['n']} partitions, {partition['first']} to {partition['last']}."

    def protection(self, row: DictRow) -> Iterator[str]:
        """Row-level security: whether it is on, whether it binds the owner, and its policies."""
        for on, verb in ((row["enabled"], "ENABLE"), (row["forced"], "FORCE")):
            if on:
                yield f"ALTER TABLE {row['name']} {verb} ROW LEVEL SECURITY;"
        for policy in self.rows(POLICIES, int(row["oid"])):
            using = f"\n    USING ({policy['reads']})" if policy["reads"] else ""
            check = f"\n    WITH CHECK ({policy['writes']})" if policy["writes"] else ""
            kind = "" if policy["permissive"] else " AS RESTRICTIVE"
            yield f"CREATE POLICY {policy['name']} ON {row['name']}{kind} FOR {COMMANDS[policy['command']]}{using}{check};"

    def grants(self, oid: int, name: str, kind: str = "") -> Iterator[str]:
        """What the role that serves may do."""
        for grant in self.rows(GRANTS, oid):
            if grant["rights"]:
                yield f"GRANT {grant['rights']} ON {kind}{name} TO {self.role};"

    def sequences(self) -> str:
        """Sequences that are not part of an identity column's definition, with their grants."""
        lines: list[str] = []
        for row in self.rows(SEQUENCES):
            lines += [f"CREATE SEQUENCE {row['name']};", *self.grants(int(row["oid"]), row["name"], "SEQUENCE ")]
        return "\n".join(lines)


def column(row: DictRow) -> str:
    """One column: name, type, collation, default, whether it must be filled."""
    words: Sequence[str | None] = (
        row["name"],
        row["type"],
        f"COLLATE {row['collation']}" if row["collation"] else None,
        f"DEFAULT {row['fallback']}" if row["fallback"] else None,
        "GENERATED BY DEFAULT AS IDENTITY" if row["identity"] else None,
        "NOT NULL" if row["required"] else None,
    )
    return " ".join(word for word in words if word)


def short(text: str) -> str:
    """An index without what goes without saying."""
    return text.replace(" USING btree", "").replace(" ON ONLY ", " ON ").replace(" ON public.", " ON ")
