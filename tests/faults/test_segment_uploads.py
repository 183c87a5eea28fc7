"""Workers are killed with SIGKILL while a file changes a static segment: its members end exactly right.

A few kills in the usual suite, `CDP_FAULTS=50 make faults` does fifty.
"""

import os
import random
import subprocess
import sys
import time
import uuid
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from contacts.models import Contact
from imports import segment_upload
from imports.models import SegmentUpload
from segments import member_edits
from segments.models import Member, MemberChange, Segment, SegmentEdit
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import person, workspace

pytestmark = pytest.mark.faults
KILLS = max(3, int(os.environ.get("CDP_FAULTS", "3")))
CONTACTS = 12_000
WORKER = """
import sys, django
django.setup()
from imports import segment_upload
print("ready", flush=True)
segment_upload.work(int(sys.argv[1]), int(sys.argv[2]))
"""


@pytest.fixture
def town() -> tuple[Tenant, Segment, list[int]]:
    """A segment with every second of the contacts."""
    owner = person("Faults")
    tenant = workspace(owner)
    with tenant_context(tenant.pk):
        made = Contact.objects.bulk_create(Contact(email=f"p{i}@example.com") for i in range(CONTACTS))
        ids = [contact.pk for contact in made]
        segment = Segment.objects.create(name="VIP")
        own: dict[str, Any] = {"tenant_id": tenant.pk, "segment_id": segment.pk, "added_at": timezone.now()}
        Member.objects.bulk_create(Member(contact_id=pk, **own) for pk in ids[::2])
    return tenant, segment, ids


def upload_of(tenant: Tenant, segment: Segment) -> int:
    """A file that replaces the members by every third contact, ready to be read."""
    rows = "email\n" + "".join(f"p{i}@example.com\n" for i in range(0, CONTACTS, 3))
    with tenant_context(tenant.pk):
        upload = segment_upload.receive(
            [rows.encode()], segment=segment, mode="replace", file_name="list.csv", tenant=tenant, user=None,
            once=uuid.uuid4().hex,
        )  # fmt: skip
        segment_upload.begin(upload)
        return int(upload.pk)


def now(tenant: Tenant, pk: int) -> SegmentUpload:
    with tenant_context(tenant.pk):
        upload: SegmentUpload = SegmentUpload.objects.get(pk=pk)
        return upload


def run(tenant: Tenant, pk: int, *, kill_after: float | None) -> bool:
    """Let a worker process work; whether it was killed before it had ended."""
    command = [sys.executable, "-W", "ignore", "-c", WORKER, str(tenant.pk), str(pk)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        if kill_after is None:
            assert worker.wait() == 0
            return False
        time.sleep(kill_after)
        killed = worker.poll() is None
        worker.kill()
    return killed


def members(tenant: Tenant, segment: Segment) -> list[int]:
    with tenant_context(tenant.pk):
        rows = Member.objects.filter(segment_id=segment.pk).order_by("contact_id")
        return list(rows.values_list("contact_id", flat=True))


def test_the_members_are_those_of_the_file_whatever_is_killed(town: tuple[Tenant, Segment, list[int]]) -> None:
    tenant, segment, ids = town
    rng, kills, rounds = random.Random(os.environ.get("CDP_FAULTS_SEED", "1")), 0, 0

    def work_until(pk: int, state: str) -> int:
        killed = 0
        while (upload := now(tenant, pk)).state != state:
            assert upload.state != "failed", upload.reason
            # A step that fails three times ends the work, as it should: the third attempt is left alone.
            alone = upload.attempts >= 2 or kills + killed >= KILLS
            killed += run(tenant, pk, kill_after=None if alone else rng.uniform(0, 0.4))
        return killed

    while kills < KILLS and rounds < 3 * KILLS:
        rounds += 1
        pk = upload_of(tenant, segment)
        kills += work_until(pk, "review")
        assert members(tenant, segment) == ids[::2]
        with tenant_context(tenant.pk):
            assert segment_upload.confirm(SegmentUpload.objects.select_for_update().get(pk=pk))
        kills += work_until(pk, "done")
        assert members(tenant, segment) == ids[::3]
        with tenant_context(tenant.pk):
            edit = SegmentEdit.objects.order_by("-pk")[0]
            assert SegmentEdit.objects.count() == rounds
            told = MemberChange.objects.filter(segment_id=segment.pk, at=edit.at)
            assert told.count() == edit.entered + edit.departed == len(set(ids[::2]) ^ set(ids[::3]))
            member_edits.undo(edit, user_id=None)
        assert members(tenant, segment) == ids[::2]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'staging' AND tablename LIKE %s",
                       [f"t{tenant.pk}\\_%"])  # fmt: skip
        assert cursor.fetchone() == (0,)
    print(f"{kills} kills over {rounds} uploads: members exactly right each time")
    assert kills >= KILLS
