"""What every statement has to keep so that the same text runs on one machine and on a cluster (docs/scale-out.md)."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlglot import exp

from tenants.isolation.rls import GLOBAL_TABLES
from tests.sql_statements import ROOT, STAGING, parsed

# Functions whose value depends on when or where they are called.
CHANGING = {
    "now", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "timeofday", "random", "nextval",
    "gen_random_uuid", "uuidv7", "currval", "lastval", "current_setting", "age", "pg_current_xact_id",
}  # fmt: skip


@cache
def tenant_tables() -> frozenset[str]:
    """Tables of the schema that have a tenant, and those of staging."""
    schema = (ROOT / "docs" / "schema.sql").read_text()
    made = re.findall(r"^CREATE TABLE \"?(\w+)\"? \((.*?)^\)", schema, re.M | re.S)
    return (
        frozenset(name for name, body in made if re.search(r"^ +tenant_id ", body, re.M)) - GLOBAL_TABLES.keys()
        | STAGING
    )


@cache
def drawn_ids() -> frozenset[str]:
    """Tables with a tenant whose ids come from a sequence unless they are given."""
    schema = (ROOT / "docs" / "schema.sql").read_text()
    made = re.findall(r"^CREATE TABLE \"?(\w+)\"? \((.*?)^\)", schema, re.M | re.S)
    return frozenset(name for name, body in made if re.search(r"^ +id .*nextval", body, re.M)) & tenant_tables()


def faults(text: str, where: str = "") -> list[str]:
    """What is wrong with a statement or a part of one, one sentence each. Raises ParseError."""
    out: list[str] = []
    for statement in parsed(text, where):
        out += [f"{name} has no tenant" for name in _without_tenant(statement)]
        for node in statement.walk():
            out += _fault_of(node)
    return list(dict.fromkeys(out))


def _fault_of(node: exp.Expr) -> list[str]:
    if isinstance(node, (exp.Func, exp.Anonymous)):
        name = _function(node)
        if name == "set_config":
            return ["set_config does not reach the nodes of a cluster: SET LOCAL does"]
        if "advisory" in name:
            return ["advisory locks are of one node: lock a row"]
    if isinstance(node, exp.OnConflict) and node.args.get("expressions"):
        changing = sorted({_function(f) for f in node.find_all(exp.Func)} & CHANGING)
        return [f"{name} in ON CONFLICT DO UPDATE: give the value" for name in changing]
    if isinstance(node, exp.Update):
        written = {e.this.name for e in node.expressions if isinstance(e, exp.EQ) and isinstance(e.this, exp.Column)}
        return ["the tenant of a row never changes"] if "tenant_id" in written else []
    if isinstance(node, exp.Merge):
        return ["MERGE is not for all tables of a cluster"]
    if (
        isinstance(node, exp.EQ)
        and {"tenant_id"} == {c.name for c in node.find_all(exp.Column)}
        and ("current_setting" in map(_function, node.find_all(exp.Func)))
    ):
        return ["the tenant as a setting asks all nodes: give the number"]
    return _fault_of_insert(node) if isinstance(node, exp.Insert) else []


def _fault_of_insert(node: exp.Insert) -> list[str]:
    target = node.this
    if not isinstance(target, exp.Schema):
        return ["INSERT without columns"] if _shape(target) in tenant_tables() else []
    table, columns = _shape(target.this), [column.name for column in target.expressions]
    source = node.args.get("expression")
    # Staging tables have no policy on a cluster, so that rows may come to them in any way.
    if table not in tenant_tables() - STAGING or not isinstance(source, (exp.Select, exp.SetOperation, exp.Subquery)):
        return []
    return _fault_of_copying(node, table, columns, source)


def _fault_of_copying(node: exp.Insert, table: str, columns: list[str], source: Any) -> list[str]:
    """INSERT … SELECT: a cluster runs it where the rows are, or pulls them up, which policies refuse without ON CONFLICT."""
    if "tenant_id" not in columns:
        return [f"INSERT … SELECT into {table} does not give the tenant"]
    if node.args.get("conflict") is not None:
        return []
    selects = source.selects
    given = selects[columns.index("tenant_id")].unalias() if len(selects) > columns.index("tenant_id") else None
    out = []
    if not isinstance(given, exp.Column) or given.name != "tenant_id":
        out.append(f"INSERT … SELECT into {table} gives the tenant as a number and has no ON CONFLICT")
    if table in drawn_ids() and "id" not in columns:
        out.append(f"INSERT … SELECT into {table} gives no id and has no ON CONFLICT")
    if node.args.get("with_") or source.args.get("with_") or node.find_ancestor(exp.CTE) or node.args.get("returning"):
        out.append(f"INSERT … SELECT into {table} is part of WITH or RETURNING and has no ON CONFLICT")
    return out


def _function(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return node.name.lower()
    if isinstance(node, (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.Localtimestamp)):
        return "now"
    return node.sql_name().lower() if isinstance(node, exp.Func) else ""


def _shape(table: exp.Expr) -> str:
    """The name of a table; that of a staging table is its slot."""
    return re.sub(r"^zz\d+zz_", "", table.name)


def _without_tenant(statement: exp.Expr) -> list[str]:
    """Tables of tenants that no condition of their part of the statement binds to a tenant."""
    out = []
    named = {cte.alias for cte in statement.find_all(exp.CTE)}
    for table in statement.find_all(exp.Table):
        name = _shape(table)
        if name not in tenant_tables() or (name in named and not table.name.startswith("zz")) or _is_target(table):
            continue
        scope = table.find_ancestor(exp.Select, exp.Update, exp.Delete)
        alias = table.alias_or_name
        if scope is None or not any(_binds(condition, alias) for condition in _conditions(scope, table)):
            out.append(f"{name} {alias}".strip())
    return out


def _is_target(table: exp.Table) -> bool:
    """The table that an INSERT writes: its tenant is a column of the row."""
    above = table.parent
    return isinstance(above, exp.Insert) or (isinstance(above, exp.Schema) and isinstance(above.parent, exp.Insert))


def _conditions(scope: exp.Expr, table: exp.Table) -> Iterator[exp.Expr]:
    """What has to be true of each row of this part: WHERE, and ON of its joins."""
    if scope.args.get("where"):
        yield scope.args["where"].this
    for join in scope.find_all(exp.Join):
        # The ON of an outer join binds what is joined, not what is there already.
        here = join.find_ancestor(exp.Select, exp.Update, exp.Delete) is scope
        if here and join.args.get("on") and (not join.side or join.this is table):
            yield join.args["on"]


def _binds(condition: exp.Expr, alias: str) -> bool:
    """Whether a condition, all of whose parts are true, names the tenant of the table: as a value or by another table."""
    for part in condition.flatten() if isinstance(condition, exp.And) else [condition]:
        part = part.unnest()
        if isinstance(part, exp.And) and _binds(part, alias):
            return True
        if isinstance(part, exp.EQ):
            for one in (part.this, part.expression):
                if isinstance(one, exp.Column) and one.name == "tenant_id" and one.table in (alias, ""):
                    return bool(one.table) or _is_alone(one)
    return False


def _is_alone(column: exp.Column) -> bool:
    """A column without the name of its table is clear where there is one table only."""
    scope = column.find_ancestor(exp.Select, exp.Update, exp.Delete)
    return scope is not None and sum(1 for _ in scope.find_all(exp.Table)) == 1
