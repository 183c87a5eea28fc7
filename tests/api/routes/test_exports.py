"""Exports by the API: begun, followed, fetched; the file of the page, for whom the page would give it."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from contacts.bulk import actions, export
from contacts.models import BulkAction, BulkState, Contact
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Outbox
from tests.api.helpers import Program, problem, program
from tests.api.routes.test_contacts import furnish, id_of
from tests.cast import Actor
from tests.segments.scene import static
from tests.workspace_copies import copy_workspace

RIGA = {"v": 1, "all": [{"attribute": "city", "op": "is", "values": ["Riga"]}]}


@pytest.fixture
def sync(alice: Actor) -> Program:
    copy_workspace(alice, furnish)
    return program(alice)


@pytest.fixture
def vip(sync: Program) -> int:
    ids = [id_of(sync, name) for name in ("Ann", "Ben")]
    with tenant_context(sync.workspace.pk):
        return int(static("VIP", ids).pk)


def exported(sync: Program, body: Any) -> list[str]:
    """The first names in the file of an export, worked off as a worker does."""
    begun = sync.post("exports", body)
    assert begun.status_code == 202, begun.content
    said = begun.json()
    assert (said["state"], said["bytes"], said["until"]) == ("gathering", None, None)
    assert problem(sync.get(f"exports/{said['id']}/file")) == (409, "conflict")
    actions.work(sync.workspace.pk, said["id"])
    done = sync.get(f"exports/{said['id']}").json()
    assert done["state"] == "done"
    answer = sync.get(f"exports/{said['id']}/file")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    content = b"".join(answer.streaming_content)
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert (done["contacts"], done["bytes"]) == (len(rows), len(content))
    return [row["First name"] for row in rows]


def test_everybody_or_a_part_is_exported(sync: Program, vip: int) -> None:
    assert exported(sync, {}) == ["Ann", "Ben", "Cay"]
    assert exported(sync, {"segment": vip}) == ["Ann", "Ben"]
    assert exported(sync, {"segment": vip, "rule": RIGA}) == ["Ann"]
    assert exported(sync, {"q": "cay@example.com", "mode": "safe"}) == ["Cay"]
    sync.call("DELETE", f"contacts/{id_of(sync, 'Ann')}")
    assert exported(sync, {"rule": RIGA}) == ["Cay"]
    assert exported(sync, {"deleted": True}) == ["Ann"]
    listed = [one["contacts"] for one in sync.get("exports", limit=2).json()["results"]]
    assert listed == [1, 1]
    with tenant_context(sync.workspace.pk):
        assert AuditEntry.objects.filter(verb="bulk.export", user_id=sync.user.pk).count() == 6
        assert not Outbox.objects.filter(key__startswith="export").exists()


def test_the_file_is_the_one_of_the_page(sync: Program, alice: Actor) -> None:
    begun = sync.post("exports", {"mode": "safe"}).json()
    alice.post("contacts/bulk/export/", {"all": "1", "mode": "safe"})
    with tenant_context(sync.workspace.pk):
        other = BulkAction.objects.exclude(pk=begun["id"]).get(kind="export")
    with time_machine.travel(timezone.now(), tick=False):  # links carry the second in which they are made
        for pk in (begun["id"], other.pk):
            actions.work(sync.workspace.pk, pk)
    first, second = (b"".join(sync.get(f"exports/{pk}/file").streaming_content) for pk in (begun["id"], other.pk))
    assert first == second


def test_a_rule_that_cannot_be_read_exports_nobody(sync: Program) -> None:
    bad: list[Any] = [
        {"segment": 999_999}, {"rule": {"v": 1, "all": []}}, {"rule": {"v": 1, "all": [{"attribute": "no", "op": "is"}]}},
    ]  # fmt: skip
    for body in bad:
        assert problem(sync.post("exports", body)) == (422, "rule_invalid"), body
    for body in ({"mode": "xml"}, {"surprise": 1}, {"q": "x" * 201}, {"status": "rich"}):
        assert sync.post("exports", body).status_code == 422, body
    long = {"v": 1, "all": [{"attribute": "city", "op": "is", "values": [f"City {n:0>100}" for n in range(80)]}]}
    assert problem(sync.post("exports", {"rule": long})) == (422, "rule_invalid")
    with tenant_context(sync.workspace.pk):
        assert not BulkAction.objects.filter(kind="export").exists()


def test_a_few_run_at_once_and_a_key_begins_one(sync: Program) -> None:
    first = sync.post("exports", {}, Idempotency_Key="nightly").json()
    assert sync.post("exports", {}, Idempotency_Key="nightly").json() == first
    for _ in range(4):
        assert sync.post("exports", {}).status_code == 202
    assert problem(sync.post("exports", {})) == (409, "conflict")
    actions.work(sync.workspace.pk, first["id"])
    assert sync.post("exports", {}).status_code == 202


@pytest.mark.parametrize("how", ["time", "erasure", "lost"])
def test_a_file_ends(sync: Program, how: str) -> None:
    pk = sync.post("exports", {}).json()["id"]
    actions.work(sync.workspace.pk, pk)
    with tenant_context(sync.workspace.pk):
        action = BulkAction.objects.get(pk=pk)
        if how == "time":
            BulkAction.objects.filter(pk=pk).update(finished_at=timezone.now() - timedelta(days=8))
        elif how == "erasure":
            export.forget_all()
        else:
            (export.folder() / action.result["file"]).unlink()
    assert problem(sync.get(f"exports/{pk}/file")) == (410, "file_gone")
    with tenant_context(sync.workspace.pk):
        BulkAction.objects.filter(pk=pk).update(state=BulkState.FAILED)
    assert problem(sync.get(f"exports/{pk}/file")) == (409, "conflict")


def test_nobody_else_gets_it(sync: Program, vip: int, alice: Actor, charlie: Actor) -> None:
    pk = sync.post("exports", {}).json()["id"]
    actions.work(sync.workspace.pk, pk)
    with tenant_context(sync.workspace.pk):
        other = BulkAction.objects.create(kind="delete").pk
    stranger = program(charlie)
    for path in (f"exports/{pk}", f"exports/{pk}/file"):
        assert problem(stranger.get(path)) == (404, "not_found")
    assert problem(sync.get(f"exports/{other}")) == (404, "not_found"), "no export"
    assert problem(stranger.post("exports", {"segment": vip})) == (422, "rule_invalid")
    assert stranger.get("exports").json()["results"] == []
    narrow = program(alice, "contacts.view", "segments.view")
    for refused in (narrow.get("exports"), narrow.get(f"exports/{pk}/file"), narrow.post("exports", {})):
        assert problem(refused) == (403, "scope_missing")
    with tenant_context(sync.workspace.pk):
        assert Contact.objects.living().count() == 3
