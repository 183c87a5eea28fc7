"""A data sync at scale: a list that a network does not know yet, and one of which one person in a hundred has changed.

The client is the network's own. The network is a program of its own on this machine (tests.destinations.networks), which
reads every request and keeps what it was told.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg

from benchmarks.stack import ROOT, peak
from core import encryption
from destinations import connections, sweep
from destinations.models import Destination, Sync, SyncRun, SyncState
from segments.models import Segment
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.destinations.scene import ACCOUNTS

# Of a hundred one changes between the runs: half of them their address, a quarter leave and a quarter refuse ads.
CHANGED = 100
CONTACTS = """
INSERT INTO contact (tenant_id, id, external_id, email, phone, first_name, last_name, attributes, origin, created_at,
                     changed_at)
SELECT %(tenant)s, %(base)s + n, 'S-' || n, 's' || n || '@sync.example', '+49170' || (1000000 + n), 'First' || n %% 5000,
  'Last' || n %% 20000, '{"country": "DE", "postal_code": "10115", "ads_consent": "granted"}', 'import', now(), now()
FROM generate_series(1, %(people)s) n"""
MEMBERS = """
INSERT INTO segment_member (tenant_id, segment_id, contact_id, added_at)
SELECT %(tenant)s, %(segment)s, %(base)s + n, now() FROM generate_series(1, %(people)s) n"""
ADDRESSES = """
UPDATE contact SET email = 'new-' || email, changed_at = clock_timestamp()
WHERE tenant_id = %(tenant)s AND id > %(base)s AND (id - %(base)s) %% (2 * %(changed)s) = 0"""
REFUSALS = """
UPDATE contact SET attributes = attributes || '{"ads_consent": "denied"}', changed_at = clock_timestamp()
WHERE tenant_id = %(tenant)s AND id > %(base)s AND (id - %(base)s) %% (4 * %(changed)s) = 1"""
LEAVERS = """
DELETE FROM segment_member WHERE tenant_id = %(tenant)s AND segment_id = %(segment)s
  AND (contact_id - %(base)s) %% (4 * %(changed)s) = 3"""


@dataclass
class Sent:
    """A run: its figures, seconds, the worker's memory before and at most (MiB), and people the network was told of."""

    run: SyncRun
    seconds: float
    before: float
    most: float
    told: int


def measure(owner_url: str, tenant: Tenant, people: int, kind: str) -> list[Sent]:
    """The first run, and one after changes."""
    network = _program("tests.destinations.networks", kind)
    try:
        assert network.stdout is not None
        url = network.stdout.readline().strip()
        sync, given = _fill(owner_url, tenant, people, kind)
        first = _run(tenant, sync, kind, url, network)
        with psycopg.connect(owner_url, autocommit=True) as connection:
            connection.execute(f"SET app.tenant_id = '{int(tenant.pk)}'")
            for statement in (ADDRESSES, REFUSALS, LEAVERS):
                connection.execute(statement, given)
        return [first, _run(tenant, sync, kind, url, network)]
    finally:
        network.terminate()
        network.wait(30)


def _program(*words: str, **environ: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", *words]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environ}
    )


def _fill(owner_url: str, tenant: Tenant, people: int, kind: str) -> tuple[Sync, dict[str, Any]]:
    account, secret, target = ACCOUNTS[kind]
    with tenant_context(tenant.pk):
        segment = Segment.objects.create(name=f"Everybody for {kind}")
        destination = Destination.objects.create(
            kind=kind, name=kind, settings=account,
            secret=encryption.encrypt(json.dumps(secret), purpose=connections.PURPOSE),
        )  # fmt: skip
        sync = Sync.objects.create(
            destination_id=destination.pk, name=kind, list_kind="segment", list_id=segment.pk, settings=target,
            state=SyncState.PENDING, schedule="manual",
        )  # fmt: skip
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(f"SET app.tenant_id = '{int(tenant.pk)}'")
        base = connection.execute("SELECT nextval('contact_id_seq')").fetchone()[0]
        given = {"tenant": tenant.pk, "base": base, "people": people, "segment": segment.pk, "changed": CHANGED}
        connection.execute(CONTACTS, given)
        connection.execute(MEMBERS, given)
        connection.execute(f"SELECT setval('contact_id_seq', {base + people + 1})")
        connection.execute("ANALYZE contact, segment_member")
    return sync, given


def _run(tenant: Tenant, sync: Sync, kind: str, url: str, network: "subprocess.Popen[str]") -> Sent:
    with tenant_context(tenant.pk):
        sweep.begin(Sync.objects.get(pk=sync.pk))
    before = _told(network)
    environ = {
        "META_GRAPH_URL": url, "GOOGLE_DATA_MANAGER_URL": url, "GOOGLE_TOKEN_URL": f"{url}/token",
        "GOOGLE_CLIENT_ID": "bench", "GOOGLE_CLIENT_SECRET": "bench",
    }  # fmt: skip
    worker = _program("benchmarks.sync_worker", str(tenant.pk), str(sync.pk), **environ)
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdout.readline()  # everything is loaded
    with peak(lambda: [psutil.Process(worker.pid)]) as memory:
        begun = time.perf_counter()
        worker.stdin.write("go\n")
        worker.stdin.flush()
        worker.stdout.readline()
        taken = time.perf_counter() - begun
    worker.terminate()
    worker.wait(30)
    with tenant_context(tenant.pk):
        run = SyncRun.objects.filter(sync_id=sync.pk, kind="run").order_by("-pk")[0]
    return Sent(run, taken, memory.before, memory.most, _told(network) - before)


def _told(network: "subprocess.Popen[str]") -> int:
    assert network.stdin is not None
    assert network.stdout is not None
    network.stdin.write("?\n")
    network.stdin.flush()
    return int(json.loads(network.stdout.readline())["people"])
