"""A workspace whose time of grace is over: nothing of it is left, whatever interrupts, and all of its neighbour's is."""

import itertools
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from psycopg import sql

from contacts import staging
from contacts.staging import Staging
from core import file_store
from core.broker import broker
from tenants.closing import erasure, lifecycle
from tenants.isolation import statements
from tenants.isolation.base import TenantModel
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, PendingWork, SignInDomain, Tenant
from tests.cast import Actor, actor
from tests.imports.helpers import bring
from tests.servers import SUPERUSER
from tests.tenants.isolation.test_isolation import CSV, fill
from tracking.pixel import inbox

TABLES = sorted(m._meta.db_table for m in apps.get_models() if issubclass(m, TenantModel))
# A day more, as it is counted from when the tests are collected, which may be hours before a workspace is closed.
LATER = datetime.now(UTC) + timedelta(days=lifecycle.GRACE_DAYS + 1)


def full(name: str) -> Actor:
    """Somebody with a workspace that has rows in every table, files, notes in Valkey and a staging table."""
    who = actor(name)
    bring(who.workspace, CSV, segment="Everybody", user=who.user)
    with tenant_context(who.workspace.pk):
        fill(who)
        staging.create(Staging(who.workspace.pk, 99))
    for folder in folders(who):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "x.csv").write_text("email\na@example.com\n")
    inbox.count_drop("limit", tenant_id=who.workspace.pk, site_id=1)
    return who


def folders(who: Actor) -> list[Path]:
    number = str(who.workspace.pk)
    stored = [file_store.path_of(name) for name in (number, f"exports/{number}", f"incoming/{number}")]
    return [*stored, Path(settings.CONNECTOR_DIR) / number / "1" / "taken"]


def counts(who: Actor) -> dict[str, int]:
    """Rows of the workspace in every table, past all policies."""
    union = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {name}, count(*) FROM {table} WHERE tenant_id = {tenant}").format(
            name=sql.Literal(table), table=sql.Identifier(table), tenant=sql.Literal(who.workspace.pk)
        )
        for table in TABLES
    )
    with psycopg.connect(os.environ[SUPERUSER]) as raw:
        return dict(raw.execute(union).fetchall())


def staged(who: Actor) -> int:
    with psycopg.connect(os.environ[SUPERUSER]) as raw:
        question = "SELECT count(*) FROM pg_class WHERE relname LIKE %s"
        found = raw.execute(question, [rf"t{who.workspace.pk}\_%"]).fetchone()
    assert found is not None
    return int(found[0])


def close(who: Actor) -> None:
    with tenant_context(who.workspace.pk):
        assert lifecycle.close(who.workspace, name=who.workspace.name, user=who.user)


@pytest.fixture
def neighbours() -> tuple[Actor, Actor]:
    return full("Alice"), full("Charlie")


def assert_gone(who: Actor) -> None:
    left = {table: n for table, n in counts(who).items() if n}
    assert left == {"audit_entry": 1}
    with tenant_context(who.workspace.pk):
        entry = AuditEntry.objects.get()
    assert (entry.verb, entry.user_id, entry.detail) == ("workspace.erased", None, {})
    assert entry.object == f"workspace {who.workspace.pk}"
    tenant = Tenant.objects.get(pk=who.workspace.pk)
    assert (tenant.name, tenant.slug, tenant.created_by) == ("", f"erased-{tenant.pk}", None)
    assert not PendingWork.objects.filter(tenant=tenant).exists()
    assert not SignInDomain.objects.filter(tenant=tenant).exists()
    assert staged(who) == 0
    assert [folder for folder in folders(who) if folder.exists()] == []
    assert not broker().exists(inbox.drops_key(who.workspace.pk, 1))


def test_nothing_is_left_and_the_neighbour_keeps_everything(neighbours: tuple[Actor, Actor]) -> None:
    alice, charlie = neighbours
    before = counts(charlie)
    assert [table for table, n in before.items() if not n] == []  # otherwise this could not fail
    close(alice)
    erasure.run(now=LATER)
    assert_gone(alice)
    assert counts(charlie) == before
    assert staged(charlie) > 0
    assert all((folder / "x.csv").exists() for folder in folders(charlie))
    assert broker().exists(inbox.drops_key(charlie.workspace.pk, 1))
    assert alice.get().status_code == 404
    assert charlie.get("contacts/").status_code == 200


def test_before_its_day_nothing_goes(alice: Actor) -> None:
    close(alice)
    before = counts(alice)
    erasure.run(now=LATER - timedelta(days=2))
    assert counts(alice) == before
    assert Tenant.objects.get(pk=alice.workspace.pk).erasing_since is None


def test_an_open_workspace_is_never_erased(alice: Actor) -> None:
    Tenant.objects.filter(pk=alice.workspace.pk).update(erase_at=LATER - timedelta(days=90))
    erasure.run(now=LATER)
    assert not erasure.step(alice.workspace.pk, now=LATER)
    assert alice.get("contacts/").status_code == 200


class Killed(BaseException):
    """What a process that dies in the middle of a step does: nothing of the transaction stays."""


def test_it_can_be_killed_at_every_point_and_goes_on(
    neighbours: tuple[Actor, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five rows a step; many die after a statement and before their commit, and the last one, too."""
    alice, charlie = neighbours
    before = counts(charlie)
    close(alice)
    removed, ends = statements.remove_some, erasure._end
    chance = random.Random(18)

    def dying(table: str, key: Any, *, count: int) -> int:
        n = removed(table, key, count=count)
        if n and chance.random() < 0.25:
            raise Killed
        return n

    def dying_end(tenant: Tenant, *, now: datetime) -> None:
        ends(tenant, now=now)
        if next(ended) == 0:
            raise Killed

    ended = itertools.count()
    monkeypatch.setattr(statements, "remove_some", dying)
    monkeypatch.setattr(erasure, "_end", dying_end)
    more, deaths = True, 0
    while more:
        try:
            more = erasure.step(alice.workspace.pk, now=LATER, rows=5)
        except Killed:
            deaths += 1
    assert deaths >= 5
    assert_gone(alice)
    assert counts(charlie) == before


def test_it_cannot_be_reopened_once_it_has_begun(alice: Actor) -> None:
    close(alice)
    Tenant.objects.filter(pk=alice.workspace.pk).update(erase_at=datetime.now(UTC))
    erasure._begin(alice.workspace.pk, now=LATER)
    assert alice.post("closed/reopen/").status_code == 404
    with tenant_context(alice.workspace.pk), pytest.raises(lifecycle.Gone):
        lifecycle.reopen(alice.workspace, user=alice.user)


def test_the_database_lets_few_rows_go_otherwise(alice: Actor) -> None:
    """Entries of the audit log, tokens and connections: only of a workspace that is being erased."""
    with tenant_context(alice.workspace.pk):
        fill(alice)
        for table in ("audit_entry", "api_token", "connector", "destination", "identity_provider"):
            assert statements.remove_some(table, ["id"], count=100) == 0, table
    assert {counts(alice)[table] for table in ("api_token", "connector", "destination")} == {1}
