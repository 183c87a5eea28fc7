"""Pages of connectors: add, look, change, password, disable, delete, import as it is."""

import re
from typing import Any

import asyncssh
import pytest

from connectors import credentials, folders
from connectors.connector_form import ConnectorForm, free_login, read_keys, read_networks
from connectors.models import Connector, ConnectorFile
from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry
from tests.cast import Actor
from tests.connectors import scene
from tests.imports.helpers import flat

KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()


def form(actor: Actor, **changes: Any) -> dict[str, Any]:
    mapping = scene.save_mapping(actor.workspace, name="Customers")
    return {
        "name": "Shop customers", "protocol": "sftp", "mapping": mapping.pk, "quiet_seconds": "10", "max_gb": "5",
        "max_files": "1000", "token": "t1",
    } | changes  # fmt: skip


def only(actor: Actor) -> Connector:
    with tenant_context(actor.workspace.pk):
        found: Connector = Connector.objects.get()
        return found


def verbs(actor: Actor) -> list[str]:
    with tenant_context(actor.workspace.pk):
        entries = AuditEntry.objects.filter(verb__startswith="connector.").order_by("pk")
        return [entry.verb for entry in entries]


def secret_on(page: str) -> str:
    found = re.search(r'<pre id="secret"[^>]*>(\w+)</pre>', page)
    assert found, "no password on the page"
    return found[1]


def test_a_connector_is_added_and_its_password_is_shown_once(alice: Actor) -> None:
    page = alice.post("connectors/new/", form(alice, public_keys=KEY, networks="203.0.113.7\n2001:db8::/32"))
    assert page.status_code == 200
    made = only(alice)
    secret = secret_on(page.content.decode())
    assert credentials.is_right(secret, made.secret_hash)
    assert (made.login, made.networks, made.max_bytes) == (
        "shop-customers", "203.0.113.7/32\n2001:db8::/32", 5_000_000_000
    )  # fmt: skip
    later = alice.get(f"connectors/{made.pk}/").content.decode()
    assert secret not in later
    assert f"{alice.workspace.slug}.shop-customers" in later
    assert folders.of(alice.workspace.pk, made.pk).incoming.is_dir()
    assert "Shop customers" in alice.get("connectors/").content.decode()
    assert verbs(alice) == ["connector.added"]


def test_the_same_form_twice_is_one_connector(alice: Actor) -> None:
    fields = form(alice)
    alice.post("connectors/new/", fields)
    again = alice.post("connectors/new/", fields)
    assert again.status_code == 302
    assert only(alice).login == "shop-customers"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", " ", "Enter a name"),
        ("protocol", "ftp", "Choose how files come"),
        ("mapping", "999999", "Choose the saved mapping"),
        ("mapping", "", "Choose the saved mapping"),
        ("quiet_seconds", "-1", "whole number from 0 to 3,600"),
        ("encoding", "klingon", "Choose an encoding"),
        ("max_gb", "0", "whole number from 1 to 1,000"),
        ("max_files", "many", "whole number from 1 to 10,000"),
        ("networks", "203.0.113.0/99", "is not an address or a network"),
        ("public_keys", "ssh-ed25519 nonsense", "is not a public key"),
    ],
)
def test_what_cannot_be_is_told(alice: Actor, field: str, value: str, said: str) -> None:
    page = alice.post("connectors/new/", form(alice) | {field: value})
    assert page.status_code == 422
    assert said in flat(page.content.decode())
    with tenant_context(alice.workspace.pk):
        assert not Connector.objects.exists()


def test_ftps_has_no_keys(alice: Actor) -> None:
    assert alice.post("connectors/new/", form(alice, protocol="ftps", public_keys=KEY)).status_code == 422


def test_weak_keys_are_refused() -> None:
    short = asyncssh.generate_private_key("ssh-rsa", key_size=1024).export_public_key().decode()
    with pytest.raises(ValueError, match="1024 bits"):
        read_keys(short)
    assert read_keys(f"{KEY} shop\n\n{KEY} shop\n") == [f"{KEY} shop"]


def test_networks_are_read_in_their_normal_form() -> None:
    assert read_networks(" 10.0.0.7/8, 10.0.0.0/8\n::1") == ["10.0.0.0/8", "::1/128"]
    with pytest.raises(ValueError, match="too many"):
        read_networks(" ".join(f"203.0.113.{n}" for n in range(60)))


def test_user_names_are_made_of_the_name_and_never_used_again(alice: Actor) -> None:
    scene.connector(alice.workspace, login="bestellungen")
    with tenant_context(alice.workspace.pk):
        assert free_login("Bestellungen!") == "bestellungen-2"
        Connector.objects.create(name="x", login="bestellungen-2", protocol="sftp")
        assert free_login("Bestellungen") == "bestellungen-3"
        assert free_login("Заказы") != ""
        assert free_login("…") == "files"


def test_a_connector_is_changed_and_sessions_end(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    fields = form(alice) | {"name": "New name", "max_files": "7", "mapping": made.mapping_id}
    assert alice.post(f"connectors/{made.pk}/edit/", fields).status_code == 302
    changed = only(alice)
    assert (changed.name, changed.max_files, changed.login) == ("New name", 7, made.login)
    assert changed.changed_at > made.changed_at
    assert verbs(alice) == ["connector.changed"]
    with tenant_context(alice.workspace.pk):
        assert ConnectorForm.of(changed).max_files == "7"
    assert alice.post(f"connectors/{made.pk}/edit/", fields).status_code == 302
    assert verbs(alice) == ["connector.changed"]


def test_a_new_password_is_made_once_by_one_form(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    page = alice.get(f"connectors/{made.pk}/").content.decode()
    salt = re.search(r'name="salt" value="(\w+)"', page)
    assert salt
    answer = alice.post(f"connectors/{made.pk}/renew/", {"salt": salt[1]})
    secret = secret_on(answer.content.decode())
    assert credentials.is_right(secret, only(alice).secret_hash)
    assert not credentials.is_right(scene.PASSWORD, only(alice).secret_hash)
    assert alice.post(f"connectors/{made.pk}/renew/", {"salt": salt[1]}).status_code == 302
    assert credentials.is_right(secret, only(alice).secret_hash)


def test_disable_enable_and_delete(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    alice.post(f"connectors/{made.pk}/disable/")
    assert not only(alice).active
    alice.post(f"connectors/{made.pk}/enable/")
    assert only(alice).active
    assert "cannot be undone" in alice.get(f"connectors/{made.pk}/delete/").content.decode()
    assert alice.post(f"connectors/{made.pk}/delete/").status_code == 302
    assert alice.get(f"connectors/{made.pk}/").status_code == 404
    assert verbs(alice) == ["connector.disabled", "connector.enabled", "connector.deleted"]


def test_marketers_look_and_change_nothing(alice: Actor, bob: Actor) -> None:
    made = scene.connector(alice.workspace)
    page = bob.get(f"connectors/{made.pk}/")
    assert page.status_code == 200
    assert "Import now" not in page.content.decode()
    for path in ("new/", f"{made.pk}/edit/", f"{made.pk}/delete/"):
        assert bob.get(f"connectors/{path}").status_code == 404
    assert bob.post(f"connectors/{made.pk}/renew/").status_code == 404


def test_a_file_that_waits_is_imported_as_it_is_after_a_question(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    path = scene.place_of(alice.workspace, made).incoming / "cut.csv"
    path.write_text(scene.CSV + "eve@example.com,E")
    [file] = scene.pick_up(alice.workspace, made)
    assert file.state == "waiting"
    page = alice.get(f"connectors/{made.pk}/").content.decode()
    assert f"connectors/{made.pk}/files/{file.pk}/force/" in page
    assert "2 of 3 cells" in flat(alice.get(f"connectors/{made.pk}/files/{file.pk}/force/").content.decode())
    alice.post(f"connectors/{made.pk}/files/{file.pk}/force/", {"print": "of another file"})
    [file] = scene.pick_up(alice.workspace, made)
    assert file.state == "waiting"
    alice.post(f"connectors/{made.pk}/files/{file.pk}/force/", {"print": file.fingerprint})
    [file] = scene.pick_up(alice.workspace, made)
    assert (file.state, file.forced) == ("imported", True)
    with tenant_context(alice.workspace.pk):
        assert ConnectorFile.objects.count() == 1
