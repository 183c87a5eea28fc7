"""People, lists, destinations and syncs for tests."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.utils import timezone

from contacts.models import Contact
from core import encryption
from destinations import connections, runs, sweep
from destinations.models import Destination, Sync, SyncBatch, SyncRun, SyncState
from segments.models import Member, Segment
from tenants import pending_work
from tenants.isolation.context import current_tenant, tenant_context
from tests.destinations.networks.google import REFRESH, Google
from tests.destinations.networks.meta import TOKEN, Meta
from tests.destinations.networks.server import serving

LIST = "600123"


@contextmanager
def meta(settings: Any) -> Iterator[Meta]:
    network = Meta()
    with serving(network):
        settings.META_GRAPH_URL = network.url
        yield network


@contextmanager
def google(settings: Any, **options: Any) -> Iterator[Google]:
    network = Google(**options)
    with serving(network):
        settings.GOOGLE_DATA_MANAGER_URL, settings.GOOGLE_TOKEN_URL = network.url, f"{network.url}/token"
        settings.GOOGLE_CLIENT_ID, settings.GOOGLE_CLIENT_SECRET = "client", "secret"
        yield network


ACCOUNTS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "meta": ({}, {"access_token": TOKEN}, {"audience_id": LIST}),
    "google": (
        {"customer_id": "1234567890", "login_customer_id": "", "terms": "accepted"}, {"refresh_token": REFRESH},
        {"list_id": LIST},
    ),
}  # fmt: skip


def person(**fields: Any) -> Contact:
    """A contact who has agreed to ads, unless it is said otherwise."""
    attributes = {"ads_consent": "granted", **fields.pop("attributes", {})}
    contact: Contact = Contact.objects.create(origin="manual", attributes=attributes, **fields)
    return contact


def people(*emails: str) -> list[Contact]:
    return [person(email=email) for email in emails]


def segment_of(*contacts: Contact) -> Segment:
    """A list with these contacts."""
    segment: Segment = Segment.objects.create(name=f"List {Segment.objects.count() + 1}")
    join(segment, *contacts)
    return segment


def join(segment: Segment, *contacts: Contact) -> None:
    now = timezone.now()
    Member.objects.bulk_create(
        [Member(tenant_id=current_tenant(), segment_id=segment.pk, contact_id=c.pk, added_at=now) for c in contacts],
        ignore_conflicts=True,
    )


def leave(segment: Segment, *contacts: Contact) -> None:
    Member.objects.filter(segment_id=segment.pk, contact_id__in=[c.pk for c in contacts]).delete()


def sync_of(segment: Segment, kind: str = "meta", **fields: Any) -> Sync:
    """A sync of a list that has been started; nothing was sent yet."""
    account, secret, target = ACCOUNTS[kind]
    destination = Destination.objects.create(
        kind=kind, name=f"{kind} {Destination.objects.count() + 1}", settings=account,
        secret=encryption.encrypt(json.dumps(secret), purpose=connections.PURPOSE),
    )  # fmt: skip
    sync: Sync = Sync.objects.create(
        destination_id=destination.pk, name=f"Sync {Sync.objects.count() + 1}", list_kind="segment", list_id=segment.pk,
        settings=target, state=SyncState.PENDING, **fields,
    )  # fmt: skip
    pending_work.mark_pending(sweep.WAKE)
    return sync


def run(tenant_id: int, sync: Sync, kind: str = "run") -> SyncRun:
    """A whole run, as a worker does it."""
    with tenant_context(tenant_id):
        sweep.begin(Sync.objects.get(pk=sync.pk), kind=kind)
    runs.work(tenant_id, sync.pk)
    with tenant_context(tenant_id):
        found: SyncRun = SyncRun.objects.filter(sync_id=sync.pk).order_by("-pk")[0]
        return found


def later(tenant_id: int, sync: Sync) -> None:
    """The time for which a sync waits is over, and who worked on it is dead."""
    past = timezone.now() - timedelta(seconds=1)
    with tenant_context(tenant_id):
        Sync.objects.filter(pk=sync.pk).update(retry_at=None, lease="", lease_until=None)
        SyncBatch.objects.filter(sync_id=sync.pk, next_look_at__isnull=False).update(next_look_at=past)
