"""Destinations made by forms: what is secret is never shown again, and what is wrong is said beside its field."""

import re
from typing import Any

from destinations import kinds
from destinations.models import Destination
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.destinations import scene

META = {"name": "Our Meta", "field-access_token": "EAAB0123456789", "token": "t1"}


def made(alice: Actor) -> list[Destination]:
    with tenant_context(alice.workspace.pk):
        return list(Destination.objects.filter(archived_at=None))


def test_every_kind_can_be_chosen_and_has_a_form(alice: Actor) -> None:
    page = alice.get("destinations/new/").content.decode()
    for kind, label in kinds.choices():
        assert label in page
        form = alice.get(f"destinations/new/{kind}/").content.decode()
        for field in kinds.asked(kind, {}):
            assert f'name="field-{field.key}"' in form
    assert alice.get("destinations/new/moon/").status_code == 404


def test_a_file_is_asked_only_about_the_place_that_was_chosen(alice: Actor) -> None:
    assert "?field-place=sftp" in alice.get("destinations/new/").content.decode()
    bucket = alice.get("destinations/new/file/").content.decode()
    server = alice.get("destinations/new/file/?field-place=sftp").content.decode()
    assert ("field-bucket" in bucket, "field-host" in bucket) == (True, False)
    assert ("field-bucket" in server, "field-host" in server) == (False, True)
    given = {
        "name": "Server",
        "field-place": "sftp",
        "field-host": "sftp.example.com",
        "field-user": "cdp",
        "token": "t9",
    }
    answer = alice.post("destinations/new/file/", given)
    assert (answer.status_code, "Fill in “Host key”." in answer.content.decode()) == (422, True)
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDL0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    alice.post("destinations/new/file/", {**given, "field-host_key": key, "field-password": "hush"})
    (destination,) = made(alice)
    assert (destination.settings["place"], destination.settings["port"]) == ("sftp", "22")
    assert "bucket" not in destination.settings


def test_a_secret_is_stored_encrypted_and_never_shown(alice: Actor) -> None:
    answer = alice.post("destinations/new/meta/", META, follow=True)
    (destination,) = made(alice)
    assert "EAAB0123456789" not in answer.content.decode()
    assert "EAAB0123456789" not in destination.secret
    for path in (f"destinations/{destination.pk}/", f"destinations/{destination.pk}/reconnect/", "audit/"):
        assert "EAAB0123456789" not in alice.get(path).content.decode()
    alice.post("destinations/new/meta/", META)
    assert len(made(alice)) == 1


def test_a_secret_that_was_made_here_is_shown_once(alice: Actor, settings: Any) -> None:
    settings.INSIDE_NETWORKS = ["127.0.0.0/8"]
    form = {"name": "Our hook", "field-url": "http://127.0.0.1:9/people", "token": "t2"}
    page = alice.post("destinations/new/webhook/", form).content.decode()
    (destination,) = made(alice)
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]{40,}", page)
    assert secret not in alice.get(f"destinations/{destination.pk}/").content.decode()
    given = alice.post(
        "destinations/new/webhook/", {**form, "name": "Other", "field-signing_secret": secret, "token": "t3"}
    )
    assert secret not in given.content.decode()


def test_what_is_wrong_is_said_and_the_secret_not_repeated(alice: Actor) -> None:
    answer = alice.post("destinations/new/meta/", {**META, "field-access_token": "not a token"})
    assert answer.status_code == 422
    assert "one long word" in answer.content.decode()
    assert "not a token" not in answer.content.decode()
    answer = alice.post("destinations/new/meta/", {**META, "name": ""})
    assert answer.status_code == 422
    assert made(alice) == []


def test_disconnect_connect_again_and_remove(alice: Actor) -> None:
    alice.post("destinations/new/meta/", META)
    (destination,) = made(alice)
    alice.post(f"destinations/{destination.pk}/disconnect/")
    assert made(alice)[0].secret == ""
    assert "Not connected" in alice.get("destinations/").content.decode()
    answer = alice.post(f"destinations/{destination.pk}/reconnect/", {"field-access_token": "EAAB9876543210"})
    assert answer.status_code == 302
    assert made(alice)[0].state == "connected"
    alice.post(f"destinations/{destination.pk}/remove/")
    assert made(alice) == []


def test_a_destination_that_a_sync_uses_is_not_removed(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        sync = scene.sync_of(scene.segment_of())
    page = alice.post(f"destinations/{sync.destination_id}/remove/", follow=True).content.decode()
    assert "uses this destination" in page
    assert len(made(alice)) == 1


def test_only_admins_touch_destinations(alice: Actor, member: Any, charlie: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        sync = scene.sync_of(scene.segment_of())
    path = f"destinations/{sync.destination_id}/"
    marketer = member("marketer")
    assert marketer.get(path).status_code == 200
    assert marketer.get("destinations/new/").status_code == 404
    for verb in ("disconnect", "remove", "reconnect"):
        assert marketer.post(f"{path}{verb}/").status_code == 404
        assert charlie.post(f"{path}{verb}/").status_code == 404
    assert charlie.get(path).status_code == 404
