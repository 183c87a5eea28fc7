"""Everything of a workspace as a ZIP: which tables and columns are in it, and that it is right."""

import csv
import io
import json
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from contacts.models import Contact
from core import file_store
from core.file_store import StoreUnavailable
from tenants import file_removals
from tenants.closing import archive, export_job, lifecycle
from tenants.isolation.base import TenantModel
from tenants.isolation.context import tenant_context
from tenants.models import Tenant, WorkspaceExport
from tests.cast import Actor
from tests.imports.helpers import bring
from tests.tenants.isolation.test_isolation import fill
from tests.tenants.simultaneous import together

MODELS: dict[str, Any] = {m._meta.db_table: m for m in apps.get_models() if issubclass(m, TenantModel)}
CSV = "email,first_name,phone\nann@example.com,=Ann,+447911123456\nnot-an-address,Bob,\nzoë@example.com,Zoë,\n"


def test_every_table_is_in_the_file_or_left_out_with_a_reason() -> None:
    assert set(archive.FILES) | set(archive.LEFT_OUT) == set(MODELS)
    assert not set(archive.FILES) & set(archive.LEFT_OUT)


# Columns whose names sound like secrets and that are none.
HARMLESS = {
    "attribute.key", "lookalike_field.key", "signup_form.key", "site.key", "suppression.digest",
    "saved_mapping.header_digest", "segment_upload.sha256", "import.sha256", "connector_file.sha256", "connector.secret_at",
    "site.secret_at", "contact.first_key", "contact.last_key", "connector.public_keys", "connector.remote_host_key",
}  # fmt: skip


def test_no_secret_is_in_the_file() -> None:
    suspicious = re.compile(r"secret|key|digest|hash|salt|password|token|sha")
    found = {
        f"{table}.{field.column}"
        for table in archive.FILES
        for field in MODELS[table]._meta.fields
        if suspicious.search(field.column) and field.column not in archive.MARKS | archive.HIDDEN.get(table, set())
    }
    assert found == HARMLESS


def exported(who: Actor) -> zipfile.ZipFile:
    with tenant_context(who.workspace.pk):
        made, _is_new = export_job.ask(who.user)
    export_job.work(who.workspace.pk, made.pk)
    answer = who.get(f"settings/workspace/export/{made.pk}/file/")
    content = b"".join(answer.streaming_content)
    answer.close()
    return zipfile.ZipFile(io.BytesIO(content))


def rows_of(file: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read(name).decode("utf-8-sig"))))


def test_the_file_has_every_row(alice: Actor, charlie: Actor) -> None:
    for who in (alice, charlie):
        bring(who.workspace, CSV, segment="Everybody", user=who.user)
        with tenant_context(who.workspace.pk):
            fill(who)
    file = exported(alice)
    assert file.testzip() is None
    with tenant_context(alice.workspace.pk):
        for table, name in archive.FILES.items():
            rows = rows_of(file, f"{name}.csv")
            assert len(rows) == MODELS[table]._base_manager.count(), table
        emails = set(Contact.objects.living().exclude(email=None).values_list("email_written", flat=True))
        settings_ = json.loads(file.read("settings/workspace.json"))
    assert settings_["name"] == alice.workspace.name
    (members,) = rows_of(file, "settings/members.csv")
    assert members == {"user_id": str(alice.user.pk), "email": alice.user.email, "name": "Alice", "role": "owner"}
    assert emails is not None
    people = rows_of(file, "contacts.csv")
    assert {row["First name"] for row in people} >= {"'=Ann", "Zoë"}
    about = file.read("README.txt").decode()
    assert f"contacts.csv, {len(people):,}" in about
    assert charlie.user.email not in about


def test_the_file_goes_back_in(alice: Actor, charlie: Actor) -> None:
    bring(alice.workspace, CSV, user=alice.user)
    text = exported(alice).read("contacts.csv").decode("utf-8-sig")
    bring(charlie.workspace, text, user=charlie.user)
    values = ("email", "phone", "first_name")
    found = []
    for who in (alice, charlie):
        with tenant_context(who.workspace.pk):
            found.append(sorted(Contact.objects.values_list(*values), key=str))
    assert found[0] == found[1]
    assert found[0]


def test_only_owners_fetch_it_and_only_in_time(alice: Actor, bob: Actor, charlie: Actor) -> None:
    exported(alice).close()
    with tenant_context(alice.workspace.pk):
        made = WorkspaceExport.objects.get()
        stored = f"exports/{alice.workspace.pk}/{made.file}"
    path = f"settings/workspace/export/{made.pk}/file/"
    assert bob.get(path).status_code == 404
    assert charlie.get(path).status_code == 404
    assert charlie.client.get(alice.url(path)).status_code == 404
    assert file_store.exists(stored)
    with tenant_context(alice.workspace.pk):
        WorkspaceExport.objects.update(finished_at=timezone.now() - timedelta(days=8))
    assert alice.get(path).status_code == 404
    assert export_job.waiting(alice.workspace.pk) == []
    file_removals.work(alice.workspace.pk)
    assert not file_store.exists(stored)


def test_two_clicks_are_one_export(alice: Actor) -> None:
    def act() -> int:
        with tenant_context(alice.workspace.pk):
            return int(export_job.ask(alice.user)[0].pk)

    first, second = together([act, act])
    assert first == second


def test_a_worker_that_dies_leaves_nothing_and_the_third_death_ends_it(
    alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_args: object, **_more: object) -> int:
        raise MemoryError

    with tenant_context(alice.workspace.pk):
        made, _is_new = export_job.ask(alice.user)
    with monkeypatch.context() as patched:
        patched.setattr(archive, "write", die)
        for _ in range(2):
            with pytest.raises(MemoryError):
                export_job.work(alice.workspace.pk, made.pk)
    folder = file_store.path_of(f"exports/{alice.workspace.pk}")
    assert list(folder.iterdir()) == []
    export_job.work(alice.workspace.pk, made.pk)
    assert len(list(folder.iterdir())) == 1
    with tenant_context(alice.workspace.pk):
        assert WorkspaceExport.objects.get().state == "done"
        WorkspaceExport.objects.update(state="running", attempts=3, file="")
    export_job.work(alice.workspace.pk, made.pk)
    with tenant_context(alice.workspace.pk):
        assert WorkspaceExport.objects.get().state == "failed"
    assert "failed three times" in alice.get("settings/workspace/").content.decode()


def test_two_workers_make_one_file(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        made, _is_new = export_job.ask(alice.user)
    together([lambda: export_job.work(alice.workspace.pk, made.pk)] * 3)
    assert len(list(file_store.path_of(f"exports/{alice.workspace.pk}").iterdir())) == 1


def test_nobody_begins_anew_while_a_slow_store_is_given_the_file(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep asks every 15 seconds, and the file is larger than that."""
    own = alice.workspace.pk
    with tenant_context(own):
        made, _is_new = export_job.ask(alice.user)
    names: list[str] = []

    def slowly(name: str) -> None:
        names.append(name)
        assert not connection.in_atomic_block
        for _sweep in range(4):
            export_job.work(own, made.pk)

    monkeypatch.setattr(file_store, "keep", slowly)
    export_job.work(own, made.pk)
    with tenant_context(own):
        found = WorkspaceExport.objects.get()
    assert (found.state, found.attempts, [f"exports/{own}/{found.file}"]) == ("done", 1, names)
    assert len(list(file_store.path_of(f"exports/{own}").iterdir())) == 1


def test_a_store_that_fails_is_asked_again_at_once(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    with tenant_context(alice.workspace.pk):
        made, _is_new = export_job.ask(alice.user)

    def away(_name: str) -> None:
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(file_store, "keep", away)
        with pytest.raises(StoreUnavailable):
            export_job.work(alice.workspace.pk, made.pk)
    export_job.work(alice.workspace.pk, made.pk)
    with tenant_context(alice.workspace.pk):
        assert WorkspaceExport.objects.get().state == "done"


def test_a_closed_workspace_is_exported_by_its_owner(alice: Actor) -> None:
    with tenant_context(alice.workspace.pk):
        lifecycle.close(alice.workspace, name=alice.workspace.name, user=alice.user)
    assert alice.post("settings/workspace/export/")["Location"] == alice.url("closed/")
    (export_id,) = export_job.waiting(alice.workspace.pk)
    export_job.work(alice.workspace.pk, export_id)
    assert "Download file" in alice.get("settings/workspace/export/progress/").content.decode()
    answer = alice.get(f"settings/workspace/export/{export_id}/file/")
    assert answer.status_code == 200
    answer.close()
    assert Tenant.objects.get(pk=alice.workspace.pk).closed_at is not None
