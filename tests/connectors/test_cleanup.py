"""Archived files, folders of deleted connectors and old history go after a time, and nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from connectors import cleanup
from connectors.models import Connector, ConnectorFile
from tenants.isolation.context import tenant_context
from tenants.retention import job
from tests.cast import Actor
from tests.connectors import scene
from tests.connectors.scene import names, place_of


def test_archived_files_go_and_waiting_ones_stay(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    made = scene.connector(alice.workspace)
    place = place_of(alice.workspace, made)
    (place.incoming / "a.csv").write_text(scene.CSV)
    scene.pick_up(alice.workspace, made)
    (place.incoming / "b.csv.part").write_text("x")
    cleanup.run(alice.workspace)
    assert len(names(place.jail / "done")) == 2
    later = timezone.now() + timedelta(days=alice.workspace.keep_files_days, hours=1)
    monkeypatch.setattr("connectors.cleanup.timezone.now", lambda: later)
    cleanup.run(alice.workspace)
    assert names(place.jail / "done") == []
    assert names(place.incoming) == ["b.csv.part"]
    with tenant_context(alice.workspace.pk):
        assert ConnectorFile.objects.filter(state="imported").count() == 1
    job.work(alice.workspace.pk, now=later + timedelta(days=365))
    with tenant_context(alice.workspace.pk):
        assert ConnectorFile.objects.exclude(archived_at=None).count() == 1
    job.work(alice.workspace.pk, now=later + timedelta(days=401))
    with tenant_context(alice.workspace.pk):
        assert not ConnectorFile.objects.exclude(archived_at=None).exists()


def test_the_folder_of_a_deleted_connector_goes_later(alice: Actor, charlie: Actor) -> None:
    made, other = scene.connector(alice.workspace), scene.connector(charlie.workspace)
    with tenant_context(alice.workspace.pk):
        Connector.objects.update(deleted_at=timezone.now() - timedelta(days=1))
    cleanup.run_for_all_workspaces()
    assert place_of(alice.workspace, made).incoming.is_dir()
    with tenant_context(alice.workspace.pk):
        Connector.objects.update(deleted_at=timezone.now() - timedelta(days=alice.workspace.keep_files_days + 1))
    cleanup.run_for_all_workspaces()
    assert not place_of(alice.workspace, made).root.exists()
    assert place_of(charlie.workspace, other).incoming.is_dir()
