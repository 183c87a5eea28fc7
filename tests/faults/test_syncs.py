"""Workers are killed with SIGKILL while they tell a network of people who come, change, leave and refuse: in the end its
list is exactly who may be in it.

A few kills in the usual suite, `CDP_FAULTS=50 make faults` does fifty.
"""

import os
import random
import subprocess
import sys
from typing import Any

import pytest
from django.utils import timezone

from cdp.stack.supervisor import wait_until
from contacts import change_log
from contacts.models import Contact
from destinations import runs, sweep
from destinations.models import RunState, Sync, SyncRun
from destinations.normal_forms import sha256
from segments.models import Member
from tenants.isolation.context import tenant_context
from tests.cast import actor
from tests.destinations import scene
from tests.destinations.networks.meta import Meta

pytestmark = pytest.mark.faults
KILLS = max(3, int(os.environ.get("CDP_FAULTS", "3")))
PEOPLE = 600
WORKER = """
import sys, django
django.setup()
from dataclasses import replace
from destinations import difference, kinds, runs
from destinations.kinds import Limits
from destinations.meta import client, kind
kind.KIND = replace(kind.KIND, limits=Limits(members=20))
print("ready", flush=True)
runs.work(int(sys.argv[1]), int(sys.argv[2]))
print("done", flush=True)
"""


def test_killed_workers_leave_the_list_as_it_should_be(settings: Any) -> None:
    alice, chance = actor("Alice"), random.Random(17)
    tenant = alice.workspace.pk
    with scene.meta(settings) as network:
        with tenant_context(tenant):
            everybody = scene.people(*(f"p{n}@example.com" for n in range(PEOPLE)))
            segment = scene.segment_of(*everybody)
            sync = scene.sync_of(segment)
        for _kill in range(KILLS):
            with tenant_context(tenant):
                sweep.begin(Sync.objects.get(pk=sync.pk))
            _work(tenant, sync.pk, network, requests=chance.randint(1, 8))
            scene.later(tenant, sync)
            _change(tenant, segment, chance)
        _finish(tenant, sync)
        assert network.list_of(scene.LIST) == _expected(tenant, segment)
        assert network.requests > KILLS
        print(f"{KILLS} kills, {network.requests} requests")


def _work(tenant_id: int, sync_id: int, network: Meta, *, requests: int) -> None:
    """A worker that dies when so many requests have arrived, or has done all."""
    until = network.requests + requests
    command = [sys.executable, "-W", "ignore", "-c", WORKER, str(tenant_id), str(sync_id)]
    environ = {**os.environ, "META_GRAPH_URL": network.url}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        wait_until(lambda: network.requests >= until or worker.poll() is not None, seconds=30, pause=0.001)
        worker.kill()


def _change(tenant_id: int, segment: Any, chance: random.Random) -> None:
    """Some get another address, some refuse ads, some leave, and one is gone for good."""
    with tenant_context(tenant_id):
        ids = list(Contact.objects.values_list("pk", flat=True))
        now = timezone.now()
        for pk in chance.sample(ids, 10):
            Contact.objects.filter(pk=pk).update(email=f"new{pk}.{chance.random()}@example.com", changed_at=now)
            change_log.note([pk], now=now)
        for pk in chance.sample(ids, 10):
            Contact.objects.filter(pk=pk).update(attributes={"ads_consent": "denied"}, changed_at=now)
            change_log.note([pk], now=now)
        Member.objects.filter(segment_id=segment.pk, contact_id__in=chance.sample(ids, 10)).delete()
        Contact.objects.filter(pk=chance.choice(ids)).delete()


def _finish(tenant_id: int, sync: Sync) -> None:
    for _turn in range(3):
        with tenant_context(tenant_id):
            sweep.begin(Sync.objects.get(pk=sync.pk))
        runs.work(tenant_id, sync.pk)
        scene.later(tenant_id, sync)
    with tenant_context(tenant_id):
        assert SyncRun.objects.order_by("-pk")[0].state == RunState.ENDED


def _expected(tenant_id: int, segment: Any) -> set[str]:
    with tenant_context(tenant_id):
        listed = Member.objects.filter(segment_id=segment.pk).values_list("contact_id", flat=True)
        there = Contact.objects.filter(pk__in=list(listed), attributes__ads_consent="granted")
        return {f"EMAIL:{sha256(email)}" for email in there.values_list("email", flat=True)}
