"""Files by SFTP: what a user can do there, with real clients, and what becomes of the files."""

import asyncio
import json
from typing import Any

import asyncssh
import pytest

from contacts.models import Contact
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.connectors import scene
from tests.connectors.scene import CSV, Sftp, asyncssh_client, names, pick_up, place_of, user_name


def test_a_file_is_uploaded_and_imported_and_its_result_is_beside_it(alice: Actor, sftp: Sftp) -> None:
    tenant = alice.workspace
    made = scene.connector(tenant)

    async def upload() -> None:
        async with asyncssh_client(sftp, user_name(tenant, made)) as client, client.start_sftp_client() as files:
            async with files.open("in/customers.csv", "wb") as file:
                await file.write(CSV.encode() + b"not-an-address,Eve,Hull\n")
            assert await files.listdir("/") == ["in", "done", "failed"]

    asyncio.run(upload())
    [file] = pick_up(tenant, made)
    assert (file.state, file.name, file.note) == ("imported", "customers.csv", "")
    with tenant_context(tenant.pk):
        assert Contact.objects.count() == 2
    done = place_of(tenant, made).jail / "done"
    archived = file.archived_as.removeprefix("done/")
    assert names(done) == [archived, f"{archived}.errors.csv", f"{archived}.result.json"]
    told: dict[str, Any] = json.loads((done / f"{archived}.result.json").read_text())
    assert (told["status"], told["import"]["created"], told["import"]["in_error"]) == ("imported", 2, 1)
    assert '"not-an-address","Eve","Hull","4"' in (done / f"{archived}.errors.csv").read_text()
    assert {oct(path.stat().st_mode & 0o777) for path in done.iterdir()} == {"0o600"}
    assert names(place_of(tenant, made).incoming) == names(place_of(tenant, made).taken) == []


def test_a_wrong_password_and_an_unknown_user_are_refused(alice: Actor, sftp: Sftp) -> None:
    made = scene.connector(alice.workspace)
    good = user_name(alice.workspace, made)

    async def sign_in(name: str, password: str) -> None:
        async with asyncssh_client(sftp, name, password=password):
            raise AssertionError("came in")

    for name, password in ((good, "wrong"), ("nobody.orders", scene.PASSWORD), (made.login, scene.PASSWORD)):
        with pytest.raises(asyncssh.PermissionDenied):
            asyncio.run(sign_in(name, password))
