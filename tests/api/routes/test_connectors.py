"""Connectors by the API: listed and run; their files and imports; never a secret."""

from typing import Any

import pytest

from connectors.models import Connector, ConnectorFile
from imports.models import Import
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.api.helpers import Program, problem, program
from tests.cast import Actor
from tests.connectors import scene

HUSH = {"secret_hash": "hush1", "remote_secret": "hush2", "remote": {"host": "hush3.example.com"},
        "remote_host_key": "hush4", "public_keys": "hush5", "networks": "hush6"}  # fmt: skip


@pytest.fixture
def sync(alice: Actor) -> Program:
    return program(alice)


@pytest.fixture
def shop(sync: Program) -> int:
    mapping = scene.save_mapping(sync.workspace, name="Customers")
    with tenant_context(sync.workspace.pk):
        made = Connector.objects.create(name="Shop", login="shop", protocol="sftp", mapping_id=mapping.pk, **HUSH)
        imp = Import.objects.first()
        for n, state in enumerate(("imported", "failed", "waiting")):
            ConnectorFile.objects.create(
                connector_id=made.pk, name=f"{n}.csv", size=n, fingerprint=str(n), state=state, note=f"note {n}",
                import_id=(imp.pk if imp else 1) if n == 0 else None, archived_as="hush7", taken_as="hush8",
            )  # fmt: skip
        return int(made.pk)


def test_connectors_and_their_files_are_read_without_a_secret(sync: Program, shop: int) -> None:
    said = sync.get(f"connectors/{shop}")
    assert said.status_code == 200, said.content
    assert (said.json()["name"], said.json()["mapping"], said.json()["enabled"]) == ("Shop", "Customers", True)
    listed = sync.get("connectors")
    assert listed.json()["results"] == [said.json()]
    first = sync.get(f"connectors/{shop}/files", limit=2)
    rest = sync.get(f"connectors/{shop}/files", limit=2, cursor=first.json()["next"])
    files = first.json()["results"] + rest.json()["results"]
    assert [(one["name"], one["state"], one["import_id"] is None) for one in files] == [
        ("2.csv", "waiting", True), ("1.csv", "failed", True), ("0.csv", "imported", False),
    ]  # fmt: skip
    assert [one["name"] for one in sync.get(f"connectors/{shop}/files", state="failed").json()["results"]] == ["1.csv"]
    for answer in (said, listed, first, rest):
        assert b"hush" not in answer.content


@pytest.mark.parametrize(("protocol", "task"), [("sftp", "connectors.look"), ("fetch_s3", "connectors.fetch")])
def test_a_connector_is_run_now(
    sync: Program, shop: int, protocol: str, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr("connectors.manual_runs.defer", lambda name, **facts: asked.append((name, facts)))
    with tenant_context(sync.workspace.pk):
        Connector.objects.filter(pk=shop).update(protocol=protocol)
    answer = sync.post(f"connectors/{shop}/run")
    assert (answer.status_code, answer.json()["id"]) == (202, shop)
    assert [(name, facts["connector_id"]) for name, facts in asked] == [(task, shop)]
    with tenant_context(sync.workspace.pk):
        assert AuditEntry.objects.get(verb="connector.looked").user_id == sync.user.pk
        Connector.objects.filter(pk=shop).update(disabled_at="2026-05-31T10:00:00Z")
    assert problem(sync.post(f"connectors/{shop}/run")) == (409, "conflict")
    assert sync.get(f"connectors/{shop}").json()["enabled"] is False
    assert len(asked) == 1


def test_others_do_not_see_them(sync: Program, shop: int, alice: Actor, charlie: Actor) -> None:
    stranger = program(charlie)
    assert stranger.get("connectors").json()["results"] == []
    for path in (f"connectors/{shop}", f"connectors/{shop}/files"):
        assert problem(stranger.get(path)) == (404, "not_found")
    assert problem(stranger.post(f"connectors/{shop}/run")) == (404, "not_found")
    assert problem(program(alice, "connectors.view").post(f"connectors/{shop}/run")) == (403, "scope_missing")
    with tenant_context(sync.workspace.pk):
        Connector.objects.filter(pk=shop).update(deleted_at="2026-05-31T10:00:00Z")
    assert problem(sync.get(f"connectors/{shop}")) == (404, "not_found")
    assert sync.get("connectors").json()["results"] == []
