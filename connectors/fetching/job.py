"""A turn of a connector that fetches: look at the place, take what is new, and let the pick-up do the rest.

A file goes into the incoming folder first and is remembered then: killed in between, it comes twice, and the second time its
content is known (connectors.pickup). What is remembered (name, size, version) is not fetched again.
"""

import asyncio
import fnmatch
import json
import logging
import os
import uuid
from contextlib import AbstractContextManager
from datetime import datetime
from importlib import import_module
from typing import Any, cast

from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from connectors import completeness, folders, jail
from connectors.fetching import schedule
from connectors.fetching.remote import NotFetched, Place, RemoteFile
from connectors.folders import Folders
from connectors.models import FETCHING, Connector, FetchedFile, Protocol
from core import encryption
from tenants import pending_work
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tenants.tasks import defer

log = logging.getLogger(__name__)
Opened = AbstractContextManager[Place]
WAKE, TASK = "connectors", "connectors.fetch"
PURPOSE = "connector"
ENDS = ".fetch"
# The longest that a turn may take; below the time after which the broker would give the message to another worker.
TURN_SECONDS = 780
# So many new files in one turn; the others follow in the next.
MOST_IN_A_TURN = 200


def sweep(tenant_id: int) -> None:
    """Start the turns of a workspace that are due, each once."""
    seen_at = now = timezone.now()
    tenant = Tenant.objects.get(pk=tenant_id)
    with tenant_context(tenant_id):
        fetching = Connector.objects.filter(protocol__in=FETCHING, deleted_at=None)
        if not fetching.exists():
            pending_work.clear_pending(WAKE, seen_at=seen_at)
            return
        for connector in fetching.filter(disabled_at=None, next_at__lte=now).select_for_update(skip_locked=True):
            connector.next_at = next_time(tenant, connector, now=now)
            connector.save(update_fields=["next_at"])
            defer(TASK, tenant_id=tenant_id, connector_id=connector.pk)


def next_time(tenant: Tenant, connector: Connector, *, now: datetime) -> datetime:
    """When the place is looked at next."""
    return schedule.following(
        now, every_minutes=connector.every_minutes, daily_at=connector.daily_at, zone=tenant.time_zone
    )


def run(tenant_id: int, connector_id: int) -> int:
    """One turn; how many files have come. What goes wrong is kept with the connector, in words."""
    with tenant_context(tenant_id, read_only=True):
        connector = Connector.objects.filter(pk=connector_id, protocol__in=FETCHING).first()
    if connector is None or not connector.active:
        return 0
    place = folders.of(tenant_id, connector_id)
    place.make()
    lock = os.open(place.root / "fetch", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        return _turn(tenant_id, connector, place) if jail.lock(lock) else 0
    finally:
        os.close(lock)


def _turn(tenant_id: int, connector: Connector, place: Folders) -> int:
    for left in place.taken.glob(f"*{ENDS}"):
        left.unlink()
    error, count = "", 0
    try:
        with opened(tenant_id, connector) as remote:
            for file in _new_ones(tenant_id, connector, remote):
                count += _fetch(tenant_id, connector, place, remote, file)
    except (NotFetched, encryption.Unreadable) as problem:
        error = str(problem)
    except SoftTimeLimitExceeded:
        error = f"Fetching took too long: more than {TURN_SECONDS // 60} minutes. What is left follows the next time."
    except OSError as problem:
        error = f"Files cannot be written: {problem.strerror or problem}."
    now = timezone.now()
    with tenant_context(tenant_id):
        values: dict[str, Any] = (
            {"last_seen_at": now, "error": ""} if not error else {"error": error[:400], "error_at": now}
        )
        Connector.objects.filter(pk=connector.pk).update(**values)
    return count


def opened(tenant_id: int, connector: Connector) -> Opened:
    """The place of a connector, to be entered. At the first time the host key of a server is pinned. Raises NotFetched."""
    secret = json.loads(encryption.decrypt(connector.remote_secret, purpose=PURPOSE))
    if connector.protocol == Protocol.FETCH_S3:
        s3 = _load("s3_place")
        return cast(Opened, s3.S3Place(s3.Bucket(**connector.remote, secret_key=secret["secret_key"])))
    sftp = _load("sftp_place")
    address = sftp.Address(**connector.remote, **secret)
    if not connector.remote_host_key:
        key = asyncio.run(sftp.host_key(address)).export_public_key().decode().strip()
        connector.remote_host_key = key
        with tenant_context(tenant_id):
            Connector.objects.filter(pk=connector.pk, remote_host_key="").update(remote_host_key=key)
    return cast(Opened, sftp.SftpPlace(address, key=connector.remote_host_key))


def _load(name: str) -> Any:
    """A module of this room, loaded by who needs it: what speaks these protocols costs every process fifteen megabytes."""
    return import_module(f"connectors.fetching.{name}")


def _new_ones(tenant_id: int, connector: Connector, remote: Place) -> list[RemoteFile]:
    """Files that match, are quiet, and were not fetched before; the oldest first."""
    quiet = timezone.now().timestamp() - connector.quiet_seconds
    listed = [
        file for file in remote.files()
        if fnmatch.fnmatchcase(file.name, connector.pattern or "*")
        and not completeness.partial_name(file.name)
        and file.changed_at <= quiet
    ]  # fmt: skip
    with tenant_context(tenant_id, read_only=True):
        known = FetchedFile.objects.filter(connector_id=connector.pk, name__in=[file.name for file in listed])
        before = set(known.values_list("name", "size", "version"))
    return [file for file in listed if (file.name, file.size, file.version) not in before][:MOST_IN_A_TURN]


def _fetch(tenant_id: int, connector: Connector, place: Folders, remote: Place, file: RemoteFile) -> int:
    """Fetch one file: 1, or 0 when one of its name is still waiting."""
    with tenant_context(tenant_id, read_only=True):
        limit = Tenant.objects.get(pk=tenant_id).max_upload_bytes
    try:
        jail.check_name(file.name)
    except jail.Refused as refused:
        raise NotFetched(f"A file has a name that cannot be used: {refused.sentence}") from None
    if file.size > limit:
        raise NotFetched(f"{file.name} has {file.size:,} bytes. The limit of this workspace is {limit:,}.")
    to = place.incoming / file.name
    if to.exists():
        return 0
    draft = place.taken / f"{uuid.uuid4().hex}{ENDS}"
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as writer:
            for block in remote.read(file):
                writer.write(block)
        with place.locked(exclusive=False):
            place.mark(draft.stat().st_ino).unlink(missing_ok=True)
            draft.rename(to)
    finally:
        draft.unlink(missing_ok=True)
    with tenant_context(tenant_id):
        FetchedFile.objects.get_or_create(
            connector_id=connector.pk, name=file.name, size=file.size, version=file.version,
            defaults={"fetched_at": timezone.now()},
        )  # fmt: skip
    return 1
