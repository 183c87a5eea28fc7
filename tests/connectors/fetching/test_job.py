"""Files of a client's server or bucket are fetched once, checked, and imported like dropped ones."""

import json
import os
import time as clock
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from connectors import folders, pickup
from connectors.fetching import job, schedule, sftp_place
from connectors.fetching.remote import NotFetched
from connectors.models import Connector, FetchedFile
from core import encryption
from tenants import pending_work
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.connectors import scene
from tests.connectors.scene import CSV, PASSWORD, Sftp, place_of, user_name
from tests.imports.helpers import flat
from tests.s3_server import S3Server

OLD = clock.time() - 3_600


@pytest.fixture(autouse=True)
def loopback(settings: Any) -> None:
    settings.INSIDE_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def there(charlie: Actor) -> tuple[str, Path]:
    """A server of somebody else: the user, and the folder with files to be fetched."""
    made = scene.connector(charlie.workspace)
    return user_name(charlie.workspace, made), place_of(charlie.workspace, made).jail / "done"


def put(folder: Path, text: str = CSV, *, name: str = "customers.csv", at: float = OLD) -> Path:
    path = folder / name
    path.write_text(text)
    os.utime(path, (at, at))
    return path


def remote_of(sftp: Sftp, user: str) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": sftp.port, "user": user, "folder": "done"}


def fetching(actor: Actor, sftp: Sftp, user: str, **fields: Any) -> Connector:
    mapping = scene.save_mapping(actor.workspace)
    secret = encryption.encrypt(json.dumps({"password": PASSWORD, "private_key": ""}), purpose=job.PURPOSE)
    with tenant_context(actor.workspace.pk):
        connector: Connector = Connector.objects.create(
            name="Shop", login="shop", protocol="fetch_sftp", mapping_id=mapping.pk, pattern="*.csv",
            remote_secret=secret, next_at=timezone.now(),
            **{"quiet_seconds": 0, "remote": remote_of(sftp, user)} | fields,
        )  # fmt: skip
    return connector


def again(actor: Actor, connector: Connector) -> Connector:
    with tenant_context(actor.workspace.pk):
        found: Connector = Connector.objects.get(pk=connector.pk)
        return found


def fetch(actor: Actor, connector: Connector) -> int:
    return job.run(actor.workspace.pk, connector.pk)


def test_new_files_are_fetched_once_and_imported(alice: Actor, sftp: Sftp, there: tuple[str, Path]) -> None:
    user, folder = there
    made = fetching(alice, sftp, user)
    put(folder)
    put(folder, name="report.pdf")
    put(folder, name="later.csv.part")
    assert fetch(alice, made) == 1
    assert [file.state for file in scene.pick_up(alice.workspace, made)] == ["imported"]
    assert fetch(alice, made) == 0
    put(folder, CSV + "eve@example.com,Eve,Hull\n", at=OLD + 60)
    assert fetch(alice, made) == 1
    assert [file.state for file in scene.pick_up(alice.workspace, made)] == ["imported", "imported"]
    seen = again(alice, made)
    assert (seen.error, seen.last_seen_at is not None) == ("", True)
    with tenant_context(alice.workspace.pk):
        assert FetchedFile.objects.filter(name="customers.csv").count() == 2


def test_the_host_key_is_pinned_shown_and_another_one_refused(
    alice: Actor, sftp: Sftp, there: tuple[str, Path]
) -> None:
    user, folder = there
    made = fetching(alice, sftp, user)
    put(folder)
    assert fetch(alice, made) == 1
    assert again(alice, made).remote_host_key.split()[:2] == sftp.key.export_public_key().decode().split()[:2]
    scene.pick_up(alice.workspace, made)
    assert sftp.key.get_fingerprint() in alice.get(f"connectors/{made.pk}/").content.decode()
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    with tenant_context(alice.workspace.pk):
        Connector.objects.update(remote_host_key=other)
    put(folder, CSV + "x@example.com,X,Y\n", at=OLD + 60)
    assert fetch(alice, made) == 0
    assert "is not the one that was seen first" in again(alice, made).error
    assert alice.post(f"connectors/{made.pk}/forget-key/").status_code == 302
    assert fetch(alice, made) == 1


def test_killed_between_fetching_and_remembering_it_is_imported_once(
    alice: Actor, sftp: Sftp, there: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    user, folder = there
    made = fetching(alice, sftp, user)
    put(folder)

    def killed(*_args: Any, **_kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("django.db.models.query.QuerySet.get_or_create", killed)
        with pytest.raises(KeyboardInterrupt):
            fetch(alice, made)
    assert [file.state for file in scene.pick_up(alice.workspace, made)] == ["imported"]
    assert fetch(alice, made) == 1
    assert [file.state for file in scene.pick_up(alice.workspace, made)] == ["imported", "same"]
    assert len(scene.imports(alice.workspace)) == 1


def test_a_file_that_is_still_written_there_waits(alice: Actor, sftp: Sftp, there: tuple[str, Path]) -> None:
    user, folder = there
    made = fetching(alice, sftp, user, quiet_seconds=600)
    put(folder, at=clock.time())
    assert fetch(alice, made) == 0
    put(folder)
    assert fetch(alice, made) == 1


def test_a_file_that_changes_while_it_is_read_is_left(
    alice: Actor, sftp: Sftp, there: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    user, folder = there
    made = fetching(alice, sftp, user)
    path = put(folder)
    real = sftp_place.SftpPlace._block

    async def growing(self: Any, file: Any, at: int) -> bytes:
        read = await real(self, file, at)
        if at == 0:
            put(folder, CSV + CSV, at=OLD + 5)
        return read

    monkeypatch.setattr(sftp_place.SftpPlace, "_block", growing)
    assert fetch(alice, made) == 0
    assert "changes while it is fetched" in again(alice, made).error
    place = place_of(alice.workspace, made)
    assert scene.names(place.incoming) == scene.names(place.taken) == []
    assert path.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"user": "nobody.x"}, "refuses the user"),
        ({"folder": "nowhere"}, "cannot be listed"),
        ({"host": "10.0.0.1"}, "private network"),
        ({"host": "localhost.invalid"}, "There is no host"),
        ({"port": 1}, "does not answer"),
    ],
)
def test_what_goes_wrong_is_told_in_words(
    alice: Actor, sftp: Sftp, there: tuple[str, Path], change: dict[str, Any], said: str
) -> None:
    user, _folder = there
    made = fetching(alice, sftp, user, remote=remote_of(sftp, user) | change)
    assert fetch(alice, made) == 0
    assert said in again(alice, made).error


def test_a_turn_that_takes_too_long_is_told(
    alice: Actor, sftp: Sftp, there: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    user, folder = there
    made = fetching(alice, sftp, user)
    put(folder)

    def endless(*_args: Any) -> None:
        raise SoftTimeLimitExceeded

    with monkeypatch.context() as patch:
        patch.setattr(sftp_place.SftpPlace, "read", endless)
        assert fetch(alice, made) == 0
    assert "took too long" in again(alice, made).error
    assert fetch(alice, made) == 1


def test_with_another_key_of_the_platform_the_secret_is_asked_for(
    alice: Actor, sftp: Sftp, there: tuple[str, Path], settings: Any
) -> None:
    made = fetching(alice, sftp, there[0])
    settings.SECRET_KEY = "another"
    assert fetch(alice, made) == 0
    assert "Enter it again" in again(alice, made).error


def test_the_sweep_starts_each_turn_once(
    alice: Actor, sftp: Sftp, there: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fetching(alice, sftp, there[0])
    started: list[int] = []
    monkeypatch.setattr(job, "defer", lambda _task, *, tenant_id, connector_id: started.append(connector_id))
    with tenant_context(alice.workspace.pk):
        pending_work.mark_pending(job.WAKE)
    assert alice.workspace.pk in pending_work.waiting(job.WAKE)
    job.sweep(alice.workspace.pk)
    job.sweep(alice.workspace.pk)
    assert started == [made.pk]
    assert (again(alice, made).next_at or timezone.now()) > timezone.now() + timedelta(minutes=14)
    with tenant_context(alice.workspace.pk):
        Connector.objects.update(deleted_at=timezone.now())
    job.sweep(alice.workspace.pk)
    assert alice.workspace.pk not in pending_work.waiting(job.WAKE)


def test_times_of_a_schedule() -> None:
    now = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    assert schedule.following(now, every_minutes=5, daily_at=None, zone="UTC") == now + timedelta(minutes=5)
    usual = {"every_minutes": 0, "zone": "Europe/Riga"}
    # The night in which 03:30 does not exist in Riga.
    assert schedule.following(now, daily_at=time(3, 30), **usual) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # type: ignore[arg-type]
    assert schedule.following(now, daily_at=time(1, 0), **usual) == datetime(2026, 3, 29, 22, 0, tzinfo=UTC)  # type: ignore[arg-type]
    assert schedule.words(every_minutes=60, daily_at=None) == "hourly"
    assert schedule.words(every_minutes=0, daily_at=time(4, 5)) == "daily at 04:05"


# --- buckets ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    server = S3Server()
    yield server
    server.stop()


def bucket(actor: Actor, server: S3Server, name: str, **fields: Any) -> Connector:
    mapping = scene.save_mapping(actor.workspace)
    secret = encryption.encrypt(json.dumps({"secret_key": "test"}), purpose=job.PURPOSE)
    remote = {
        "endpoint": f"http://127.0.0.1:{server.port}", "region": "us-east-1", "bucket": name, "prefix": "out/",
        "access_key": "test",
    }  # fmt: skip
    with tenant_context(actor.workspace.pk):
        connector: Connector = Connector.objects.create(
            name="Bucket", login="bucket", protocol="fetch_s3", mapping_id=mapping.pk, quiet_seconds=0, pattern="*.csv",
            remote_secret=secret, next_at=timezone.now(), remote=remote | fields,
        )  # fmt: skip
    return connector


def test_new_objects_are_fetched_once_and_imported(alice: Actor, s3: S3Server) -> None:
    client = s3.client
    client.create_bucket(Bucket="shop")
    for key in ("out/customers.csv", "out/sub/x.csv", "out/ünï côde+1.csv", "in/other.csv"):
        text = CSV if key != "out/ünï côde+1.csv" else CSV + "eve@example.com,Eve,Hull\n"
        client.put_object(Bucket="shop", Key=key, Body=text.encode())
    made = bucket(alice, s3, "shop")
    assert fetch(alice, made) == 2
    assert {(file.name, file.state) for file in scene.pick_up(alice.workspace, made)} == {
        ("customers.csv", "imported"), ("ünï côde+1.csv", "imported")
    }  # fmt: skip
    assert fetch(alice, made) == 0
    client.put_object(Bucket="shop", Key="out/customers.csv", Body=CSV.encode() * 2)
    assert fetch(alice, made) == 1


def test_long_lists_come_in_pages(alice: Actor, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    client = s3.client
    client.create_bucket(Bucket="many")
    monkeypatch.setattr("connectors.fetching.s3_place.PAGE", 3)
    for number in range(10):
        client.put_object(Bucket="many", Key=f"out/{number:05}.txt", Body=b"x")
    made = bucket(alice, s3, "many")
    with job.opened(alice.workspace.pk, made) as place:
        assert len(place.files()) == 10
    monkeypatch.setattr("connectors.fetching.s3_place.MOST_FILES", 8)
    with job.opened(alice.workspace.pk, made) as place, pytest.raises(NotFetched, match="more than 8"):
        place.files()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bucket": "nothing"}, "404"),
        ({"endpoint": "http://10.0.0.1:9000"}, "private network"),
        ({"endpoint": "http://127.0.0.1:1"}, "does not answer"),
    ],
)
def test_what_goes_wrong_with_a_bucket_is_told(alice: Actor, s3: S3Server, change: dict[str, Any], said: str) -> None:
    made = bucket(alice, s3, "nothing", **change)
    assert fetch(alice, made) == 0
    assert said in again(alice, made).error


# --- pages -----------------------------------------------------------------------------------------------------------------


def form(actor: Actor, sftp: Sftp, **changes: Any) -> dict[str, Any]:
    return {
        "protocol": "fetch_sftp", "name": "Shop export", "host": "127.0.0.1", "port": sftp.port, "user": "shop",
        "folder": "/export", "password": "top secret", "private_key": "", "pattern": "*.csv", "every": "60",
        "daily_at": "03:00", "quiet_seconds": "30", "token": "t1", "mapping": scene.save_mapping(actor.workspace).pk,
    } | changes  # fmt: skip


def test_a_connector_is_added_and_its_secret_is_never_shown(alice: Actor, sftp: Sftp) -> None:
    fields = form(alice, sftp)
    assert alice.post("connectors/new/fetch/", fields).status_code == 302
    assert alice.post("connectors/new/fetch/", fields).status_code == 302
    with tenant_context(alice.workspace.pk):
        made = Connector.objects.get()
    assert "top secret" not in made.remote_secret
    assert json.loads(encryption.decrypt(made.remote_secret, purpose=job.PURPOSE))["password"] == "top secret"
    for path in ("", "fetch/edit/"):
        page = alice.get(f"connectors/{made.pk}/{path}")
        assert page.status_code == 200
        assert "top secret" not in page.content.decode()
    assert alice.get(f"connectors/{made.pk}/edit/").status_code == 404
    assert alice.post(f"connectors/{made.pk}/renew/").status_code == 404
    assert "fetched hourly" in flat(alice.get(f"connectors/{made.pk}/").content.decode())
    stored = made.remote_secret
    changed = form(alice, sftp, password="", every="0", daily_at="04:15")
    assert alice.post(f"connectors/{made.pk}/fetch/edit/", changed).status_code == 302
    now = again(alice, made)
    assert (now.remote_secret, now.every_minutes, now.daily_at) == (stored, 0, time(4, 15))
    assert folders.of(alice.workspace.pk, made.pk).incoming.is_dir()
    assert pickup.waiting() == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("host", "10.0.0.1", "private network"),
        ("host", "", "Host: enter a value"),
        ("port", "0", "port from 1"),
        ("password", "", "Enter the secret"),
        ("private_key", "nonsense", "not a private key"),
        ("every", "7", "Choose how often"),
        ("daily_at", "25:00", "Enter a time"),
        ("quiet_seconds", "x", "whole number"),
        ("mapping", "", "Choose the saved mapping"),
        ("name", "", "Enter a name"),
    ],
)
def test_what_cannot_be_fetched_from_is_told(alice: Actor, sftp: Sftp, field: str, value: str, said: str) -> None:
    page = alice.post("connectors/new/fetch/", form(alice, sftp) | {field: value})
    assert page.status_code == 422
    assert said in flat(page.content.decode())


@pytest.mark.parametrize(
    "endpoint", ["http://example.com", "ftp://example.com", "https://", "https://a/b", "https://u:p@h", "https://[x"]
)
def test_endpoints_are_addresses_with_tls(alice: Actor, endpoint: str) -> None:
    fields = {
        "protocol": "fetch_s3", "name": "Bucket", "endpoint": endpoint, "region": "eu-west-1", "bucket": "b",
        "access_key": "a", "secret_key": "s", "every": "15", "daily_at": "03:00", "quiet_seconds": "0", "pattern": "*",
        "mapping": scene.save_mapping(alice.workspace).pk,
    }  # fmt: skip
    page = alice.post("connectors/new/fetch/", fields)
    assert page.status_code == 422
    assert 'id="endpoint"' in page.content.decode()
