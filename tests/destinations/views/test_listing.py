"""The list of data syncs: what each sends, how it is, and what to do when there is none."""

from typing import Any

from destinations.models import Sync
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.destinations import scene


def test_an_empty_list_says_what_to_do_next(alice: Actor, member: Any) -> None:
    assert "Add destination" in alice.get("syncs/").content.decode()
    assert "Admins and owners can connect" in member("marketer").get("syncs/").content.decode()
    with tenant_context(alice.workspace.pk):
        sync = scene.sync_of(scene.segment_of())
        Sync.objects.filter(pk=sync.pk).delete()
    assert "New data sync" in alice.get("syncs/").content.decode()
    assert "New data sync" not in member("viewer").get("syncs/").content.decode()


def test_syncs_are_found_by_name_and_status(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        one = scene.sync_of(scene.segment_of())
        two = scene.sync_of(scene.segment_of())
        Sync.objects.filter(pk=two.pk).update(state="failed", error="Connect again.")

    def found(query: str) -> set[int]:
        text = alice.get(f"syncs/{query}").content.decode()
        return {sync.pk for sync in (one, two) if f"syncs/{sync.pk}/" in text}

    assert found("") == {one.pk, two.pk}
    assert found(f"?q={one.name}") == {one.pk}
    assert found("?status=failed") == {two.pk}
    assert "Connect again." in alice.get("syncs/").content.decode()
    assert "No data syncs match" in alice.get("syncs/?q=moon").content.decode()


def test_the_table_asks_again_only_while_a_sync_runs(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        sync = scene.sync_of(scene.segment_of())
    assert alice.get("syncs/live/").status_code == 200
    with tenant_context(alice.workspace.pk):
        Sync.objects.filter(pk=sync.pk).update(state="healthy")
    assert alice.get("syncs/live/").status_code == 286
