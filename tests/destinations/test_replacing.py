"""Files and addresses of one's own: whole lists in a bucket or on a server, and signed requests."""

import asyncio
import csv
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import orjson
import pytest
from django.utils import timezone

from core import encryption
from destinations import connections, runs, sweep
from destinations.models import Destination, Sync, SyncBatch, SyncMember, SyncState
from segments.models import Segment
from tenants import pending_work
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.api.webhooks.receiver import Receiver, is_signed, receiving
from tests.destinations import scene
from tests.s3_server import S3Server

ANN, BOB = "ann@example.com", "bob@example.com"
PASSWORD = "let me in"
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="


@pytest.fixture(autouse=True)
def loopback(settings: Any) -> None:
    settings.INSIDE_NETWORKS = ["127.0.0.0/8"]


def sync_to(
    kind: str, segment: Segment, account: dict[str, Any], secret: dict[str, Any], target: dict[str, Any]
) -> Sync:
    sealed = encryption.encrypt(json.dumps(secret), purpose=connections.PURPOSE)
    destination = Destination.objects.create(kind=kind, name=kind, settings=account, secret=sealed)
    sync: Sync = Sync.objects.create(
        destination_id=destination.pk, name="VIP", list_kind="segment", list_id=segment.pk, settings=target,
        state=SyncState.PENDING,
    )  # fmt: skip
    return sync


def listed(text: str) -> list[tuple[str, str]]:
    return [(row["contact_id"], row["email"]) for row in csv.DictReader(io.StringIO(text))]


@pytest.fixture
def bucket() -> Iterator[S3Server]:
    server = S3Server()
    yield server
    server.stop()


def in_bucket(server: S3Server) -> dict[str, Any]:
    return {
        "place": "s3", "endpoint": f"http://127.0.0.1:{server.port}", "region": "us-east-1", "bucket": server.bucket,
        "access_key": "key",
        "folder": "ads",
    }  # fmt: skip


def read(server: S3Server) -> str:
    assert server.names() == {"ads/vip.csv"}
    text: bytes = server.client.get_object(Bucket=server.bucket, Key="ads/vip.csv")["Body"].read()
    return text.decode()


def test_a_file_in_a_bucket_is_always_complete(tenant: Tenant, bucket: S3Server) -> None:
    with tenant_context(tenant.pk):
        ann, bob = scene.people(ANN, BOB)
        gone = scene.person(email="gone@example.com", attributes={"ads_consent": None})
        segment = scene.segment_of(ann, bob, gone)
        account = in_bucket(bucket)
        sync = sync_to("file", segment, account, {"secret_key": "secret"}, {"file_name": "vip.csv"})
    first = scene.run(tenant.pk, sync)
    assert (first.state, first.added, first.processed) == ("ended", 3, 3), first.error
    assert listed(read(bucket)) == [(str(p.pk), p.email) for p in (ann, bob, gone)]
    assert scene.run(tenant.pk, sync).batches == 0, "nothing is different"
    with tenant_context(tenant.pk):
        scene.leave(segment, ann)
        type(gone).objects.filter(pk=gone.pk).delete()
    second = scene.run(tenant.pk, sync)
    assert (second.removed, second.added) == (2, 0)
    assert listed(read(bucket)) == [(str(bob.pk), BOB)]
    with tenant_context(tenant.pk):
        assert SyncMember.objects.count() == 1


def test_a_bucket_that_is_away_gets_the_file_later(tenant: Tenant, bucket: S3Server) -> None:
    with tenant_context(tenant.pk):
        segment = scene.segment_of(*scene.people(ANN))
        account = in_bucket(bucket)
        sync = sync_to("file", segment, account, {"secret_key": "secret"}, {"file_name": "vip.csv"})
    with bucket.away():
        assert scene.run(tenant.pk, sync).state == "running"
    scene.later(tenant.pk, sync)
    runs.work(tenant.pk, sync.pk)
    assert len(listed(read(bucket))) == 1
    with tenant_context(tenant.pk):
        assert SyncBatch.objects.get().attempts == 2


class Server(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("ads", PASSWORD)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, str]]:
    """An SFTP server for the folder of the test: its port and its host key."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    key = asyncssh.generate_private_key("ssh-ed25519")

    def files(channel: Any) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(tmp_path).encode())

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[key], server_factory=Server, sftp_factory=files, config=None
        )

    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result(30)
    yield acceptor.get_port(), key.export_public_key().decode()

    async def close() -> None:
        acceptor.close()
        await acceptor.wait_closed()

    asyncio.run_coroutine_threadsafe(close(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)
    loop.close()


def on_server(tenant: Tenant, server: tuple[int, str], *, password: str = PASSWORD, key: str = "") -> Sync:
    account = {"place": "sftp", "host": "127.0.0.1", "port": server[0], "user": "ads", "host_key": key or server[1]}
    with tenant_context(tenant.pk):
        segment = scene.segment_of(*scene.people(ANN))
        return sync_to("file", segment, account, {"password": password}, {"file_name": "vip.csv"})


def test_a_file_on_a_server_is_renamed_into_its_place(tenant: Tenant, server: tuple[int, str], tmp_path: Path) -> None:
    (tmp_path / "vip.csv").write_text("of yesterday")
    run = scene.run(tenant.pk, on_server(tenant, server))
    assert run.state == "ended", run.error
    assert [path.name for path in tmp_path.iterdir()] == ["vip.csv"]
    assert [email for _pk, email in listed((tmp_path / "vip.csv").read_text())] == [ANN]


def test_a_server_that_is_another_one_or_refuses_is_said(tenant: Tenant, server: tuple[int, str]) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    assert "another host key" in scene.run(tenant.pk, on_server(tenant, server, key=other)).error
    with tenant_context(tenant.pk):
        Sync.objects.all().delete()
        Destination.objects.update(archived_at=timezone.now())
    assert "refuses the user" in scene.run(tenant.pk, on_server(tenant, server, password="no")).error


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def to_address(tenant: Tenant, receiver: Receiver, *emails: str) -> tuple[Sync, Segment, list[Any]]:
    with tenant_context(tenant.pk):
        people = scene.people(*emails)
        segment = scene.segment_of(*people)
        account = {"url": receiver.url}
        return sync_to("webhook", segment, account, {"signing_secret": SECRET}, {"list": "VIP"}), segment, people


def test_an_address_is_told_who_comes_and_goes(tenant: Tenant, receiver: Receiver) -> None:
    sync, segment, (ann, _bob) = to_address(tenant, receiver, ANN, BOB)
    scene.run(tenant.pk, sync)
    with tenant_context(tenant.pk):
        scene.leave(segment, ann)
    scene.run(tenant.pk, sync)
    first, second = receiver.bodies()
    assert (first["type"], first["list"], [one["email"] for one in first["people"]]) == (
        "people.added",
        "VIP",
        [ANN, BOB],
    )
    assert (second["type"], second["people"]) == ("people.removed", [{"contact": str(ann.pk)}])
    for _path, headers, body in receiver.requests:
        assert is_signed(SECRET, headers, body)
        assert orjson.loads(body)["id"] == headers["webhook-id"]


def test_a_repeated_request_has_the_same_id_and_body(tenant: Tenant, receiver: Receiver) -> None:
    sync, _segment, _people = to_address(tenant, receiver, ANN)
    receiver.answers = [(503, {"Retry-After": "1"}, b"")]
    assert scene.run(tenant.pk, sync).state == "running"
    scene.later(tenant.pk, sync)
    runs.work(tenant.pk, sync.pk)
    (_p1, one, first), (_p2, other, second) = receiver.requests
    assert (one["webhook-id"], first) == (other["webhook-id"], second)


def test_an_address_that_says_no_fails_the_sync(tenant: Tenant, receiver: Receiver) -> None:
    sync, _segment, _people = to_address(tenant, receiver, ANN)
    receiver.answers = [(400, {}, b"")]
    assert "answered 400" in scene.run(tenant.pk, sync).error


def test_an_address_inside_is_refused(tenant: Tenant, receiver: Receiver, settings: Any) -> None:
    settings.INSIDE_NETWORKS = []
    sync, _segment, _people = to_address(tenant, receiver, ANN)
    assert "private network" in scene.run(tenant.pk, sync).error
    assert receiver.requests == []


def test_who_is_deleted_leaves_an_address_at_once(tenant: Tenant, receiver: Receiver) -> None:
    sync, _segment, (ann,) = to_address(tenant, receiver, ANN)
    scene.run(tenant.pk, sync)
    with tenant_context(tenant.pk):
        type(ann).objects.filter(pk=ann.pk).delete()
        pending_work.mark_pending(sweep.WAKE)
    sweep.run(tenant.pk)
    runs.work(tenant.pk, sync.pk)
    assert receiver.bodies()[-1]["people"] == [{"contact": str(ann.pk)}]
