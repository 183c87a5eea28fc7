"""The plan for a cluster: every table in one class, references first, and policies that nodes take."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tenants.isolation import distribution
from tenants.isolation.checks import Table as Audited
from tenants.isolation.checks import faults_of
from tenants.isolation.distribution import LOCAL, REFERENCE, NotPossible, Table, kind_of, ordered, policy_on_nodes
from tenants.isolation.rls import GLOBAL_TABLES

pytestmark = pytest.mark.django_db


def tables() -> dict[str, bool]:
    """Every table of the schema that is not a partition, and whether it has a tenant."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, count(a.attname) = 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
            "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition GROUP BY c.oid"
        )
        return dict(cursor.fetchall())


def policies() -> list[tuple[str, str]]:
    """Every condition of every policy, with its name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.polname, pg_get_expr(p.polqual, p.polrelid) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid "
            "WHERE c.relnamespace = 'public'::regnamespace"
        )
        return list(cursor.fetchall())


def test_where_the_extension_is_absent_that_is_said() -> None:
    with pytest.raises(CommandError, match=r"no extension citus.*CREATE EXTENSION"):
        call_command("distribute")
    with pytest.raises(NotPossible):
        distribution.run()


def test_every_table_is_in_one_class() -> None:
    found = tables()
    planned = distribution.plan().tables
    assert sorted(table.name for table in planned) == sorted(found)
    assert REFERENCE.keys() | LOCAL.keys() <= found.keys()
    assert not REFERENCE.keys() & LOCAL.keys()
    for table in planned:
        assert (table.kind == "distributed") == (found[table.name] and table.name not in GLOBAL_TABLES), table
    assert sum(table.kind == "distributed" for table in planned) > 80
    assert all(table.forced for table in planned if table.kind == "distributed")


def test_a_table_that_nobody_thought_of_stops_the_plan() -> None:
    with pytest.raises(NotPossible, match="newcomer"):
        kind_of("newcomer", has_tenant=False)
    assert kind_of("newcomer", has_tenant=True) == "distributed"


def test_what_is_referred_to_comes_first() -> None:
    planned = distribution.plan().tables
    place = {table.name: number for number, table in enumerate(planned)}
    for table in planned:
        for other in table.refers_to:
            assert place[other] < place[table.name], (table, other)
        if table.kind == "distributed":
            # A table on the nodes may refer to what each node has.
            kinds = {p.kind for p in planned if p.name in table.refers_to}
            assert kinds <= {"reference", "distributed"}, table
    first = next(table for table in planned if table.kind == "distributed")
    assert first.name == "contact"


def test_references_in_a_circle_end() -> None:
    circle = [Table("a", "reference", refers_to=("b",)), Table("b", "reference", refers_to=("a", "b"))]
    assert {table.name for table in ordered(circle)} == {"a", "b"}


def test_the_plan_is_the_same_again_and_leaves_out_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    once, again = distribution.plan(), distribution.plan()
    assert once == again
    names = [table.name for table in once.open]
    assert "contact" in names
    assert "django_session" not in names
    monkeypatch.setattr(distribution, "_placed", lambda: set(names[:40]))
    assert [table.name for table in distribution.plan().open] == names[40:]
    monkeypatch.setattr(distribution, "_placed", lambda: set(names))
    monkeypatch.setattr(distribution, "refuse", lambda: None)
    assert distribution.plan().open == []
    assert distribution.run() == 0


def test_dry_run_shows_every_table_and_changes_nothing() -> None:
    out = io.StringIO()
    call_command("distribute", "--dry-run", stdout=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == len(tables()) + 1
    assert "distributed  to do  contact" in lines
    assert "extension citus: absent" in lines[-1]


def test_policies_have_no_query_in_them_on_nodes() -> None:
    found = policies()
    assert len(found) > 80
    for name, condition in found:
        plain = policy_on_nodes(name, condition)
        assert "SELECT" not in plain.upper()
        assert bool(plain) == (name != "members")
        if name == "tenant":
            assert plain == "(tenant_id = nullif(current_setting('app.tenant_id', true), '')::bigint)"
        elif name == "readable":
            assert "app.user_id" in plain
    assert policy_on_nodes("removal", next(c for n, c in found if n == "removal" and "365 days" in c)).startswith(
        "at < "
    )
    with pytest.raises(NotPossible):
        policy_on_nodes("tenant", "tenant_id IN (SELECT m.tenant_id FROM membership m)")


def test_the_audit_takes_the_policies_of_nodes_and_no_looser_ones() -> None:
    plain = "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::bigint)"

    def faults(*policies: str) -> list[str]:
        return faults_of(
            Audited("public", "alias", "r", False, True, True, True, False, list(policies), ["SELECT", "INSERT"])
        )

    assert faults(f"tenant * {plain} / {plain}") == []
    for looser in (
        plain.replace("app.tenant_id", "app.other"),
        plain.replace("tenant_id =", "tenant_id <>"),
        f"({plain} OR true)",
        "true",
    ):
        assert faults(f"tenant * {looser} / {looser}")
