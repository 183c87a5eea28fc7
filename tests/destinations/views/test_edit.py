"""A data sync made, changed, started, stopped and deleted by people."""

from typing import Any

import pytest

from destinations.models import Destination, Sync, SyncMember, SyncRun
from destinations.views.edit import SAID
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.destinations import scene

GOOD = {"name": "Club to Meta", "schedule": "daily", "daily_at": "04:30", "field-audience_id": "600999"}


def place(alice: Actor) -> tuple[int, str]:
    """A destination without a sync, and a list as the form names it."""
    with tenant_context(alice.workspace.pk):
        sync = scene.sync_of(scene.segment_of(*scene.people("a@example.com")))
        Sync.objects.filter(pk=sync.pk).delete()
        return sync.destination_id, f"segment.{sync.list_id}"


def made(alice: Actor) -> list[Sync]:
    with tenant_context(alice.workspace.pk):
        return list(Sync.objects.filter(archived_at=None).order_by("pk"))


def test_a_new_sync_is_a_draft_and_sends_nothing(alice: Actor) -> None:
    destination, of_list = place(alice)
    assert "Audience ID" in alice.get("syncs/new/").content.decode()
    answer = alice.post(f"syncs/new/?destination={destination}", {**GOOD, "list": of_list, "token": "t1"})
    (sync,) = made(alice)
    assert answer.status_code == 302
    assert (sync.name, sync.state, sync.schedule, str(sync.daily_at)) == ("Club to Meta", "draft", "daily", "04:30:00")
    assert sync.settings == {"audience_id": "600999"}
    with tenant_context(alice.workspace.pk):
        assert not SyncRun.objects.filter(sync_id=sync.pk).exists()
    assert "nothing has left this workspace" in alice.get(f"syncs/{sync.pk}/").content.decode()


def test_a_second_click_makes_no_second_sync(alice: Actor) -> None:
    destination, of_list = place(alice)
    for _click in range(2):
        alice.post(f"syncs/new/?destination={destination}", {**GOOD, "list": of_list, "token": "t1"})
    assert len(made(alice)) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"list": ""}, "Choose a list."),
        ({"list": "segment.999999999"}, "Choose a list"),
        ({"list": "moon.1"}, "Choose a list."),
        ({"field-audience_id": ""}, "Audience ID"),
        ({"field-audience_id": "abc"}, "digits"),
        ({"schedule": "never"}, "Choose a schedule."),
        ({"daily_at": "25:61"}, "Enter a time such as 03:00."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(alice: Actor, wrong: dict[str, str], said: str) -> None:
    destination, of_list = place(alice)
    answer = alice.post(f"syncs/new/?destination={destination}", {**GOOD, "list": of_list, **wrong})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert made(alice) == []


def test_name_and_schedule_can_change(alice: Actor) -> None:
    destination, of_list = place(alice)
    alice.post(f"syncs/new/?destination={destination}", {**GOOD, "list": of_list})
    (sync,) = made(alice)
    assert "04:30" in alice.get(f"syncs/{sync.pk}/edit/").content.decode()
    alice.post(f"syncs/{sync.pk}/edit/", {"name": "Other", "schedule": "hourly", "daily_at": ""})
    (sync,) = made(alice)
    assert (sync.name, sync.schedule, sync.daily_at) == ("Other", "hourly", None)


def test_every_button_is_answered_by_a_sentence(alice: Actor) -> None:
    destination, of_list = place(alice)
    alice.post(f"syncs/new/?destination={destination}", {**GOOD, "list": of_list})
    (sync,) = made(alice)
    for path, verb in (
        ("start", "start"), ("run", "run_now"), ("full-resync", "full_resync"), ("dry-run", "dry_run"),
        ("disable", "disable"), ("enable", "enable"),
    ):  # fmt: skip
        answer = alice.post(f"syncs/{sync.pk}/{path}/", follow=True)
        assert SAID[verb] in answer.content.decode(), path
    # Not possible now: said, and nothing changes.
    assert "not possible" in alice.post(f"syncs/{sync.pk}/repair/", follow=True).content.decode()
    assert "started already" in alice.post(f"syncs/{sync.pk}/start/", follow=True).content.decode()


def test_a_draft_is_deleted_at_once_and_one_that_sent_takes_all_out_first(alice: Actor, settings: Any) -> None:
    destination, of_list = place(alice)
    alice.post(f"syncs/new/?destination={destination}", {**GOOD, "list": of_list})
    (sync,) = made(alice)
    assert "Delete Club to Meta?" in alice.get(f"syncs/{sync.pk}/delete/").content.decode()
    alice.post(f"syncs/{sync.pk}/delete/")
    assert made(alice) == []
    with tenant_context(alice.workspace.pk):
        sync = scene.sync_of(scene.segment_of(*scene.people("b@example.com")))
    with scene.meta(settings):
        scene.run(alice.workspace.pk, sync)
        assert "Stop and remove" in alice.get(f"syncs/{sync.pk}/delete/").content.decode()
        alice.post(f"syncs/{sync.pk}/delete/")
        (sync,) = made(alice)
        assert sync.state == "removing"
        assert "Being removed" in alice.get(f"syncs/{sync.pk}/").content.decode()
    with tenant_context(alice.workspace.pk):
        assert SyncMember.objects.filter(sync_id=sync.pk).exists()


def test_who_only_looks_changes_nothing(alice: Actor, member: Any) -> None:
    with tenant_context(alice.workspace.pk):
        sync = scene.sync_of(scene.segment_of(*scene.people("a@example.com")))
    for role in ("viewer", "ops"):
        other = member(role)
        assert other.get("syncs/").status_code == 200
        for path in ("start", "run", "dry-run", "full-resync", "disable", "enable", "repair", "delete"):
            assert other.post(f"syncs/{sync.pk}/{path}/").status_code == 404
        assert other.get("syncs/new/").status_code == 404
    with tenant_context(alice.workspace.pk):
        assert Destination.objects.count() == 1
