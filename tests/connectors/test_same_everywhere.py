"""A file gives the same contacts, problems and counts, whichever way it comes: upload, command, API, SFTP, FTPS."""

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from connectors.servers import ftps
from contacts.models import Contact
from imports.models import Import, RejectedRow, RowIssue, SavedMapping
from imports.wizard import configuration
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.api.helpers import program
from tests.cast import Actor, actor
from tests.connectors import scene
from tests.connectors.scene import Sftp, asyncssh_client, pick_up, user_name
from tests.connectors.servers.test_ftps import connect
from tests.connectors.servers.test_ftps import server as server  # the fixture
from tests.imports.helpers import work

HEADER = "E-mail;Vorname;Stadt;Geburtstag;Telefon;Schuhgröße\n"
ROWS = [
    "ann@example.com;Ann;Köln;1980-05-31;+49 170 1234567;38",
    "ANN@example.com;Anna;München;;;",
    "not-an-address;Bob;Graz;;;41",
    'carl@example.com;"Carl; genannt ""Charly""";Zürich;1999-13-40;;44',
    "dora@example.com;Dora",
    ";;;;;",
    "eve@example.com;=HYPERLINK(1);Tromsø;2001-02-03;12;abc",
    'fritz@example.com;"Fritz\nMax";Bern;;;39',
]
CONTENT = (HEADER + "\r\n".join(ROWS) + "\r\n").encode("cp1252")
OPTIONS = {"segment": ["Dropped"], "bad_value": "drop", "country": "DE"}


def save(tenant: Tenant, **more: Any) -> str:
    """The mapping that all ways use."""
    return scene.save_mapping(
        tenant, name="Layout", sample=HEADER + ROWS[0] + "\n",
        maps={"Schuhgröße": "new:integer:shoe_size"}, **OPTIONS,
    ).name  # fmt: skip


def by_upload(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        imp = configuration.create(
            [CONTENT], file_name="kunden.csv", tenant=tenant, user=None, origin="browser",
            wanted={"saved": "Layout", "encoding": "cp1252"}, review=False,
        )  # fmt: skip
    work(tenant, imp)


def by_command(tenant: Tenant, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(CONTENT)
    # The command waits for workers: here it works itself.
    sleep = "imports.management.commands.import_contacts.time.sleep"
    monkeypatch.setattr(sleep, lambda _seconds: [work(tenant, imp) for imp in unfinished(tenant)])
    out = io.StringIO()
    call_command(
        "import_contacts",
        str(path),
        workspace=tenant.slug,
        pairs=["saved=Layout", "encoding=cp1252"],
        json=True,
        stdout=out,
    )
    assert json.loads(out.getvalue())["status"] == "imported"


def by_api(alice: Actor) -> None:
    file = SimpleUploadedFile("kunden.csv", CONTENT, content_type="text/csv")
    made = program(alice).form("imports", {"file": file, "saved": "Layout", "encoding": "cp1252"})
    assert made.status_code == 201
    for imp in unfinished(alice.workspace):
        work(alice.workspace, imp)


def unfinished(tenant: Tenant) -> list[Import]:
    with tenant_context(tenant.pk):
        return [imp for imp in Import.objects.all() if not imp.ended and imp.phase != "draft"]


def outcome(tenant: Tenant) -> dict[str, Any]:
    """All that may not depend on the way."""
    columns = ("email", "phone", "first_name", "last_name", "attributes", "email_status", "origin")
    with tenant_context(tenant.pk):
        imp = Import.objects.exclude(phase="draft").get()
        return {
            "counts": imp.counts | {"status": imp.status, "matched": imp.matched_visitors},
            "contacts": list(Contact.objects.order_by("email", "pk").values_list(*columns)),
            "issues": list(
                RowIssue.objects.filter(import_id=imp.pk)
                .order_by("row_no", "column", "code")
                .values_list("row_no", "column", "code", "value", "severity")
            ),
            "rejected": list(
                RejectedRow.objects.filter(import_id=imp.pk).order_by("row_no").values_list("row_no", "cells")
            ),
            "segments": sorted(imp.segments),
            "dialect": imp.dialect,
        }


@pytest.fixture
def tenants() -> Callable[[], Actor]:
    cache.clear()

    def fresh() -> Actor:
        made = actor("Alice")
        save(made.workspace)
        return made

    return fresh


def test_every_way_is_the_same(
    tenants: Callable[[], Actor], sftp: Sftp, server: ftps.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded, commanded = tenants().workspace, tenants().workspace
    by_upload(uploaded)
    by_command(commanded, tmp_path / "kunden.csv", monkeypatch)
    expected = outcome(uploaded)
    assert expected["counts"]["rows"] == 7
    assert expected["counts"]["in_error"] > 0
    assert len(expected["contacts"]) >= 4
    assert outcome(commanded) == expected
    sender = tenants()
    by_api(sender)
    assert outcome(sender.workspace) == expected
    for protocol in ("sftp", "ftps"):
        tenant = tenants().workspace
        with tenant_context(tenant.pk):
            layout = SavedMapping.objects.get(name="Layout")
        made = scene.connector(tenant, protocol=protocol, mapping_id=layout.pk, login="shop", encoding="cp1252")
        if protocol == "sftp":
            asyncio.run(by_sftp(sftp, user_name(tenant, made)))
        else:
            client = connect(server, user_name(tenant, made))
            client.storbinary("STOR kunden.csv", io.BytesIO(CONTENT))
            client.close()
        [file] = pick_up(tenant, made)
        assert (file.state, file.note) == ("imported", "")
        assert outcome(tenant) == expected, protocol


async def by_sftp(sftp: Sftp, user: str) -> None:
    async with (
        asyncssh_client(sftp, user) as client,
        client.start_sftp_client() as files,
        files.open("in/kunden.csv", "wb") as file,
    ):
        await file.write(CONTENT)
