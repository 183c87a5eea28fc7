"""What destinations were told, in large syncs: no statement may go through all members for each person."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from destinations import told
from destinations.models import SyncKey, SyncMember
from tenants.isolation.context import tenant_context
from tenants.isolation.statements import run
from tenants.models import Tenant
from tests import plans

SYNC, BATCH, PEOPLE = 1, 7, 40
MEMBERS_OF_SYNC = 20_000
MEMBERS = """
INSERT INTO sync_member (tenant_id, sync_id, contact_id, told)
SELECT %(tenant)s, %(sync)s, n, ARRAY['email:' || n] FROM generate_series(1, %(members)s) n"""
KEYS = """
INSERT INTO sync_key (tenant_id, sync_id, digest, contact_id)
SELECT %(tenant)s, %(sync)s, md5('email:' || n)::uuid, n FROM generate_series(1, %(members)s) n"""
TAKEN = """
UPDATE sync_member SET gives = told, batch_id = %(batch)s
WHERE tenant_id = %(tenant)s AND sync_id = %(sync)s AND contact_id <= %(people)s"""


@pytest.fixture(params=[plans.forget_statistics, plans.forget_all_statistics], ids=["known", "unknown"])
def large(tenant: Tenant, request: pytest.FixtureRequest) -> Tenant:
    """A large sync, of which the planner knows the members but not those that are about to be taken back, or nothing."""
    with tenant_context(tenant.pk):
        for statement in (MEMBERS, KEYS):
            run(statement, sync=SYNC, members=MEMBERS_OF_SYNC)
    request.param("sync_member", "sync_key")
    with tenant_context(tenant.pk):
        run(TAKEN, sync=SYNC, batch=BATCH, people=PEOPLE)
    return tenant


def conditions(plan: dict[str, Any]) -> Iterator[str]:
    """By what each scan of the keys looks them up."""
    if plan.get("Relation Name") == "sync_key" and "Scan" in plan["Node Type"]:
        yield str(plan.get("Index Cond"))
    for below in plan.get("Plans", ()):
        yield from conditions(below)


@pytest.mark.parametrize("statement", ["FORGET_KEYS", "ALONE"])
def test_keys_are_looked_up_by_what_was_sent(large: Tenant, statement: str) -> None:
    with tenant_context(large.pk), connection.cursor() as cursor:
        values: dict[str, Any] = {"tenant": large.pk, "sync": SYNC, "batch": BATCH, "ids": list(range(1, PEOPLE + 1))}
        cursor.execute("EXPLAIN (FORMAT json) " + getattr(told, statement), values)
        found = list(conditions(cursor.fetchone()[0][0]["Plan"]))
    assert found
    assert all("digest" in condition for condition in found), found


def test_what_was_taken_back_is_forgotten(large: Tenant) -> None:
    with tenant_context(large.pk):
        assert len(told.alone(SYNC, [1, 2], batch=BATCH)) == 2
        told.forget(SYNC, [1, 2], batch=BATCH)
        assert not SyncKey.objects.filter(contact_id__in=[1, 2]).exists()
        assert not SyncMember.objects.filter(contact_id__in=[1, 2], told__len__gt=0).exists()
        assert SyncKey.objects.count() == SyncMember.objects.exclude(told=[]).count() == MEMBERS_OF_SYNC - 2
