"""The policy `members`: a person reads imports of their own workspaces from outside, and nothing more of anything."""

import os

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction

from tenants.isolation import checks, rls
from tenants.isolation.context import tenant_context, user_context
from tenants.models import Membership
from tests.cast import Actor
from tests.insights.operations.test_page import make
from tests.tenants.isolation.test_isolation import granted_tables


def seen(table: str, tenant_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{table}" WHERE tenant_id = %s', [tenant_id])
        return int(cursor.fetchone()[0])


def test_only_workspaces_of_the_person_are_read(alice: Actor, charlie: Actor) -> None:
    make(alice.workspace.pk)
    make(charlie.workspace.pk)
    with user_context(alice.user.pk):
        assert seen("import", alice.workspace.pk) == 1
        assert seen("import", charlie.workspace.pk) == 0
    assert seen("import", alice.workspace.pk) == 0
    with tenant_context(alice.workspace.pk):
        assert seen("import", charlie.workspace.pk) == 0


def test_who_leaves_reads_nothing_from_then_on(alice: Actor, bob: Actor) -> None:
    make(alice.workspace.pk)
    with user_context(bob.user.pk):
        assert seen("import", alice.workspace.pk) == 1
    with tenant_context(alice.workspace.pk):
        Membership.objects.filter(user=bob.user).delete()
    with user_context(bob.user.pk):
        assert seen("import", alice.workspace.pk) == 0


def test_nothing_is_written_by_it(alice: Actor) -> None:
    make(alice.workspace.pk)
    for statement in ('UPDATE "import" SET rows = 1', 'DELETE FROM "import"'):
        with user_context(alice.user.pk), connection.cursor() as cursor:
            cursor.execute(f"{statement} WHERE tenant_id = %s", [alice.workspace.pk])
            assert cursor.rowcount == 0


def test_no_other_table_is_read_by_it(alice: Actor) -> None:
    make(alice.workspace.pk)
    readable = {"membership", *rls.READABLE_BY_MEMBERS}
    with user_context(alice.user.pk), connection.cursor() as cursor:
        for table in sorted({*granted_tables()} - {*rls.GLOBAL_TABLES} - readable):
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            assert cursor.fetchone() == (0,), table


@pytest.mark.parametrize(
    "mutation",
    [
        "ALTER POLICY members ON import USING (true)",
        "ALTER POLICY members ON import USING (tenant_id = ANY (ARRAY(SELECT m.tenant_id FROM membership m)))",
        f"CREATE POLICY members ON contact FOR SELECT USING ({rls.OF_OWN_WORKSPACES})",
        f"DROP POLICY members ON import; CREATE POLICY members ON import USING ({rls.OF_OWN_WORKSPACES})",
        f"CREATE POLICY other ON import FOR SELECT USING ({rls.OF_OWN_WORKSPACES})",
    ],
)
def test_any_other_form_of_it_turns_the_audit_red(mutation: str) -> None:
    with (
        psycopg.connect(os.environ["OWNER_DATABASE_URL"], autocommit=True) as raw,
        raw.transaction(force_rollback=True),
    ):
        for statement in mutation.split("; "):
            raw.execute(statement.encode())
        rows = raw.execute(checks.TABLES, {"role": settings.APP_ROLE}).fetchall()
    assert [text for row in rows for text in checks.faults_of(checks.Table(*row))]


def test_the_policy_itself_is_accepted() -> None:
    with transaction.atomic():
        assert checks.findings() == []
