"""The commands beside the import itself (tests of `import_contacts` are with what it imports)."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from contacts.models import Contact
from imports.management.commands import undo_import
from imports.models import Import
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.imports.helpers import bring, work

FILE = "email,first name\nann@example.com,Ann\nben@example.com,Ben\n"


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command waits for is done here, as there are no workers."""

    def wait(tenant: Tenant, import_id: int) -> Any:
        with tenant_context(tenant.pk):
            imp = Import.objects.get(pk=import_id)
        return work(tenant, imp)

    monkeypatch.setattr(undo_import, "_wait", wait)


@pytest.mark.usefixtures("in_process")
def test_an_import_is_undone_and_redone(tenant: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    imp = bring(tenant, FILE)
    for back, living, status in ((False, 0, "undone"), (True, 2, "imported")):
        call_command("undo_import", imp.pk, workspace=tenant.slug, back=back, json=True)
        said = json.loads(capsys.readouterr().out)
        with tenant_context(tenant.pk):
            assert (said["status"], said["reversed"], Contact.objects.living().count()) == (status, 2, living)


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("back", [False, True])
def test_what_cannot_be_undone_is_said(tenant: Tenant, back: bool) -> None:
    imp = bring(tenant, FILE)
    if not back:
        call_command("undo_import", imp.pk, workspace=tenant.slug, json=True)
    with pytest.raises(CommandError, match="cannot be undone or redone"):
        call_command("undo_import", imp.pk, workspace=tenant.slug, back=back)


def test_unknown_workspaces_and_imports_are_said(tenant: Tenant) -> None:
    with pytest.raises(CommandError, match="no workspace nowhere"):
        call_command("undo_import", 1, workspace="nowhere")
    with pytest.raises(CommandError, match=f"no import 999999999 in {tenant.slug}"):
        call_command("undo_import", 999999999, workspace=tenant.slug)


def test_orphans_are_counted(tenant: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    bring(tenant, FILE)
    call_command("check_integrity", workspace=tenant.slug)
    counts = json.loads(capsys.readouterr().out)[tenant.slug]
    assert "touched" in counts
    assert set(counts.values()) == {0}
    with tenant_context(tenant.pk), connection.cursor() as cursor:
        cursor.execute("UPDATE touched SET contact_id = -1 WHERE tenant_id = %s", [tenant.pk])
    with pytest.raises(SystemExit):
        call_command("check_integrity", workspace=tenant.slug)
    assert json.loads(capsys.readouterr().out)[tenant.slug]["touched"] == 2
