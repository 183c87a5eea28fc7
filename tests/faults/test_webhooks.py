"""Workers are killed with SIGKILL while they tell a receiver what happens: it is told everything.

A few kills in the usual suite, `CDP_FAULTS=50 make faults` does fifty.
"""

import os
import random
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from api.webhooks import deliveries, subscriptions
from api.webhooks.models import Delivery, Webhook
from cdp.stack.supervisor import wait_until
from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tests.api.webhooks.receiver import receiving
from tests.cast import actor
from tests.imports.helpers import bring

pytestmark = pytest.mark.faults
KILLS = max(3, int(os.environ.get("CDP_FAULTS", "3")))
WORKER = """
import sys, django
django.setup()
from api.webhooks import deliveries
print("ready", flush=True)
while True:
    deliveries.work(int(sys.argv[1]), int(sys.argv[2]))
"""


def test_everything_is_told_whoever_is_killed(settings: Any) -> None:
    settings.INSIDE_NETWORKS = ["127.0.0.0/8"]
    alice, rng = actor("Alice"), random.Random(os.environ.get("CDP_FAULTS_SEED", "1"))
    with receiving() as receiver:
        receiver.before = lambda _handler: time.sleep(0.02)
        with tenant_context(alice.workspace.pk):
            webhook = subscriptions.create(
                receiver.url, event_types=["contact.created", "import.ended"], user=alice.user
            )
        stop = threading.Event()
        writer = threading.Thread(target=_write, args=(alice, stop))
        writer.start()
        try:
            for _kill in range(KILLS):
                _work(alice.workspace.pk, webhook.pk, kill_after=rng.uniform(0, 1))
        finally:
            stop.set()
            writer.join()
        _finish(alice.workspace.pk, webhook.pk)
        told = receiver.events()
    with tenant_context(alice.workspace.pk):
        everybody = set(Contact.objects.values_list("pk", flat=True))
        noted = [event for events in Delivery.objects.values_list("events", flat=True) for event in events]
    made = [event["contact_id"] for event in noted if event["type"] == "contact.created"]
    assert len(made) == len(set(made)), "nothing is noted twice"
    assert {event["contact"]["id"] for event in told if event["type"] == "contact.created"} == everybody == set(made)
    print(f"{KILLS} kills: {len(everybody):,} contacts told by {len(receiver.requests)} requests")


def _write(alice: Any, stop: threading.Event) -> None:
    """One import after the other."""
    try:
        for number in range(10_000):
            if stop.is_set():
                return
            rows = "".join(f"p{number}.{i}@example.com\n" for i in range(30))
            assert bring(alice.workspace, f"email\n{rows}", user=alice.user).status == "imported"
    finally:
        connection.close()


def _work(tenant_id: int, webhook_id: int, *, kill_after: float) -> None:
    command = [sys.executable, "-W", "ignore", "-c", WORKER, str(tenant_id), str(webhook_id)]
    environ = {**os.environ, "INSIDE_NETWORKS": "127.0.0.0/8"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        time.sleep(kill_after)
        worker.kill()


def _finish(tenant_id: int, webhook_id: int) -> None:
    """Let everything arrive: what a killed worker had taken is free again at once."""

    def is_told() -> bool:
        with tenant_context(tenant_id):
            Delivery.objects.filter(state="waiting").update(next_at=timezone.now())
            Webhook.objects.update(paused_until=None)
        deliveries.work(tenant_id, webhook_id)
        with tenant_context(tenant_id):
            noted = [event for events in Delivery.objects.values_list("events", flat=True) for event in events]
            made = {event["contact_id"] for event in noted if event["type"] == "contact.created"}
            waits = Delivery.objects.filter(state="waiting").exists()
            return not waits and len(made) == Contact.objects.count()

    assert wait_until(is_told, seconds=120, pause=0.2)
