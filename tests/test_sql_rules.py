"""The rules of statements that run on a cluster, held against all SQL of the code; and that the check can fail."""

import re

import pytest

from tests import sql_rules, sql_statements
from tests.sql_statements import Found
from tests.test_architecture import APPS, ROOT

FOUND = sql_statements.found(apps=APPS)
# What does not keep to the rules, by where it is: the fault, and why it is right.
RIGHT_SO: dict[str, tuple[str, str]] = {
    "tenants/isolation/rls.py _OWN": ("membership m has no tenant", "policy: a person's workspaces, over all of them"),
    "tenants/isolation/rls.py OF_OWN_WORKSPACES": ("membership m has no tenant", "the same policy"),
    "tenants/isolation/rls.py:15": ("membership m has no tenant", "the same policy"),
    "tracking/imported_events.py BRING_BACK": ("INSERT without columns", "whole rows that an undo has archived"),
    "segments/membership.py BRING_BACK": ("INSERT without columns", "whole rows that an undo has archived"),
    "contacts/identity/revert.py BRING_BACK": (
        "INSERT … SELECT into contact does not give the tenant",
        "its columns are a slot: all columns of a contact, the tenant first",
    ),
}


@pytest.mark.parametrize("found", FOUND, ids=lambda f: re.sub(r"\W+", "-", f.where))
def test_statements_keep_to_the_rules(found: Found) -> None:
    faults = sql_rules.faults(found.text, found.where)
    expected, _reason = RIGHT_SO.get(found.where, ("", ""))
    assert faults == ([expected] if expected else []), found.text


def test_statements_were_found() -> None:
    assert len(FOUND) > 400
    assert sum(found.whole for found in FOUND) > 380


def test_exceptions_are_still_there() -> None:
    assert RIGHT_SO.keys() <= {found.where for found in FOUND}


BAD = [
    ("SELECT c.id FROM contact c", "contact c has no tenant"),
    ("SELECT id FROM contact WHERE id = 1", "contact contact has no tenant"),
    ("SELECT c.id FROM contact c WHERE c.tenant_id = %(tenant)s OR c.id = 1", "contact c has no tenant"),
    ("SELECT c.id FROM contact c WHERE NOT c.tenant_id = %(tenant)s", "contact c has no tenant"),
    ("SELECT c.id FROM contact c WHERE c.tenant_id > %(tenant)s", "contact c has no tenant"),
    ("SELECT 1 FROM visitor v JOIN contact c ON c.id = v.contact_id WHERE v.tenant_id = 1", "contact c has no tenant"),
    ("SELECT 1 FROM contact c LEFT JOIN visitor v ON c.tenant_id = 1 AND v.tenant_id = 1 AND v.id = c.id", "contact c has"),
    ("SELECT 1 FROM contact c WHERE c.tenant_id = 1 AND EXISTS (SELECT 1 FROM alias a WHERE a.contact_id = c.id)",
     "alias a has"),
    ("WITH x AS (SELECT c.id FROM contact c) SELECT 1 FROM x", "contact c has no tenant"),
    ("WITH contact AS (SELECT a.id FROM alias a) SELECT 1 FROM contact", "alias a has no tenant"),
    ("UPDATE contact c SET rating = 1 FROM {map} m WHERE c.tenant_id = 1 AND m.contact_id = c.id", "map m has no tenant"),
    ("UPDATE contact c SET rating = 1 FROM {map} m WHERE m.tenant_id = 1 AND m.contact_id = c.id",
     "contact c has no tenant"),
    ("DELETE FROM alias a USING contact c WHERE a.tenant_id = 1 AND c.id = a.contact_id", "contact c has no tenant"),
    ("DELETE FROM alias WHERE id = 1", "alias alias has no tenant"),
    ("SELECT 1 UNION ALL SELECT 2 FROM touched t", "touched t has no tenant"),
    ("JOIN contact c ON c.id = v.contact_id", "contact c has no tenant"),
    ("AND NOT EXISTS (SELECT 1 FROM alias a WHERE a.contact_id = c.id)", "alias a has no tenant"),
    ("COPY (SELECT c.id FROM contact c) TO STDOUT", "contact c has no tenant"),
    ("SELECT c.id FROM contact c WHERE c.tenant_id = current_setting('app.tenant_id')::bigint", "the tenant as a setting"),
    ("SELECT set_config('app.tenant_id', %s, true)", "set_config"),
    ("SELECT pg_advisory_xact_lock(%(tenant)s)", "advisory locks"),
    ("SELECT pg_try_advisory_lock(1, 2)", "advisory locks"),
    ("INSERT INTO turn (tenant_id) VALUES (1) ON CONFLICT (tenant_id) DO UPDATE SET at = now()", "now in ON CONFLICT"),
    ("INSERT INTO turn (tenant_id) VALUES (1) ON CONFLICT (tenant_id) DO UPDATE SET at = CURRENT_TIMESTAMP",
     "now in ON CONF"),
    ("INSERT INTO turn (tenant_id) VALUES (1) ON CONFLICT (tenant_id) DO UPDATE SET n = 1 WHERE turn.at < clock_timestamp()",
     "clock_timestamp in ON CONFLICT"),
    ("UPDATE contact c SET tenant_id = 2 WHERE c.tenant_id = 1", "never changes"),
    ("INSERT INTO contact SELECT * FROM withdrawn w WHERE w.tenant_id = 1", "INSERT without columns"),
    ("INSERT INTO alias (kind) SELECT t.kind FROM touched t WHERE t.tenant_id = 1 ON CONFLICT DO NOTHING",
     "not give the tenant"),
    ("INSERT INTO page (tenant_id, id, host) SELECT %(tenant)s, s.row_no, 'x' FROM {row} s WHERE s.tenant_id = %(tenant)s",
     "gives the tenant as a number"),
    ("INSERT INTO alias (tenant_id, kind) SELECT t.tenant_id, 'x' FROM touched t WHERE t.tenant_id = 1", "gives no id"),
    ("WITH x AS (SELECT c.tenant_id FROM contact c WHERE c.tenant_id = 1) "
     "INSERT INTO touched (tenant_id) SELECT x.tenant_id FROM x",
     "part of WITH"),
    ("MERGE INTO contact c USING alias a ON a.tenant_id = c.tenant_id WHEN MATCHED THEN DO NOTHING", "MERGE"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "fault"), BAD)
def test_bad_statements_are_told(text: str, fault: str) -> None:
    assert [said for said in sql_rules.faults(text) if said.startswith(fault) or fault in said], sql_rules.faults(text)


GOOD = [
    "SELECT c.id FROM contact c WHERE c.tenant_id = %(tenant)s AND (c.email = 'a' OR c.phone = 'b')",
    "SELECT id FROM contact WHERE tenant_id = %s AND id = ANY(%s)",
    "SELECT 1 FROM contact c JOIN alias a ON a.tenant_id = c.tenant_id AND a.contact_id = c.id WHERE c.tenant_id = 1",
    "SELECT 1 FROM contact c LEFT JOIN alias a ON a.tenant_id = 1 AND a.contact_id = c.id WHERE c.tenant_id = 1",
    "WITH x AS (SELECT c.id FROM contact c WHERE c.tenant_id = 1) SELECT 1 FROM x",
    "SELECT 1 FROM unnest(%(ids)s::bigint[]) u(id), generate_series(1, 3) s(n)",
    "SELECT t.name FROM tenant t",
    "INSERT INTO turn (tenant_id) VALUES (1) ON CONFLICT (tenant_id) DO UPDATE SET at = excluded.at, n = %(now)s",
    "INSERT INTO alias (tenant_id, id, kind) SELECT t.tenant_id, t.id, 'x' FROM touched t WHERE t.tenant_id = 1",
    "INSERT INTO alias (tenant_id, kind) SELECT %(tenant)s, u.k FROM unnest(%(k)s::text[]) u(k) ON CONFLICT DO NOTHING",
    "UPDATE contact c SET {columns} FROM {map} m WHERE m.tenant_id = %(tenant)s AND c.tenant_id = %(tenant)s {whose}",
]


@pytest.mark.parametrize("text", GOOD)
def test_good_statements_are_not_told(text: str) -> None:
    assert sql_rules.faults(text) == []


def made_tables() -> list[tuple[str, str]]:
    schema = (ROOT / "docs" / "schema.sql").read_text()
    made = re.findall(r'^CREATE TABLE "?(\w+)"? \((.*?)^\)', schema, re.M | re.S)
    return [(name, body) for name, body in made if name in sql_rules.tenant_tables()]


def test_keys_and_references_of_tables_hold_on_a_cluster() -> None:
    """Each key has the tenant; references go to what every node has, or carry the tenant; no identity."""
    schema, wrong = (ROOT / "docs" / "schema.sql").read_text(), []
    for name, body in made_tables():
        for line in body.splitlines():
            if ("UNIQUE" in line or "PRIMARY KEY" in line) and "tenant_id" not in line:
                wrong.append(f"{name}: {line.strip()}")
            if (
                (to := re.search(r'REFERENCES "?(\w+)', line))
                and to[1] not in {"user", "tenant"}
                and "(tenant_id, " not in line
            ):
                wrong.append(f"{name}: {line.strip()}")
            if "GENERATED" in line and "IDENTITY" in line:
                wrong.append(f"{name}: {line.strip()}")
    for index, table, columns in re.findall(r'^CREATE UNIQUE INDEX (\w+) ON "?(\w+)"? \(([^)]*)', schema, re.M):
        if table in sql_rules.tenant_tables() and "tenant_id" not in columns:
            wrong.append(index)
    assert wrong == []
    assert "CREATE TRIGGER" not in schema
    assert len(made_tables()) > 80
