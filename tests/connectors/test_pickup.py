"""Files in the folder of a connector become imports: once, whole, and with a result."""

import contextlib
import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from connectors import pickup
from connectors.models import Connector
from contacts.models import Contact
from imports.models import Import
from imports.pipeline import undo
from tenants.isolation.context import tenant_context
from tenants.models import Notice
from tests.cast import Actor
from tests.connectors import scene
from tests.connectors.scene import CSV, HEADER, names, pick_up, place_of
from tests.imports.helpers import work


def drop(actor: Actor, made: Connector, text: str = CSV, *, name: str = "customers.csv") -> Path:
    path = place_of(actor.workspace, made).incoming / name
    path.write_text(text)
    return path


def test_the_same_content_again_is_told_and_not_imported(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    drop(alice, made)
    pick_up(alice.workspace, made)
    drop(alice, made, name="again.csv")
    first, second = pick_up(alice.workspace, made)
    assert (first.state, second.state) == ("imported", "same")
    assert second.import_id == first.import_id
    assert "imported as customers.csv" in second.note
    assert len(scene.imports(alice.workspace)) == 1
    result = place_of(alice.workspace, made).jail / f"{second.archived_as}.result.json"
    assert json.loads(result.read_text())["status"] == "same"


def test_what_was_undone_can_come_again(alice: Actor) -> None:
    tenant = alice.workspace
    made = scene.connector(tenant)
    drop(alice, made)
    pick_up(tenant, made)
    [imp] = scene.imports(tenant)
    with tenant_context(tenant.pk):
        assert undo.request(imp, "undo", user=alice.user)
    work(tenant, imp)
    drop(alice, made)
    assert [file.state for file in pick_up(tenant, made)] == ["imported", "imported"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("email,surname\na@example.com,Ann\n", "different columns from this file"),
        ("email,first_name,city,age\na@example.com,Ann,York,4\n", "which has: email, first_name, city, age."),
        ("city,first_name,email\nYork,Ann,a@example.com\n", "different columns"),
        (HEADER, "no rows"),
        ("\x00\x01\x02\n" * 50, ""),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_words(alice: Actor, text: str, said: str) -> None:
    made = scene.connector(alice.workspace)
    drop(alice, made, text)
    [file] = pick_up(alice.workspace, made)
    assert file.state == "failed"
    assert said in file.note
    place = place_of(alice.workspace, made)
    archived = file.archived_as.removeprefix("failed/")
    assert names(place.jail / "failed") == [archived, f"{archived}.result.json"]
    assert json.loads((place.jail / "failed" / f"{archived}.result.json").read_text())["message"] == file.note
    assert scene.imports(alice.workspace) == []
    with tenant_context(alice.workspace.pk):
        assert not Contact.objects.exists()
        assert file.note in Connector.objects.get().error


def test_who_added_the_connector_is_told_of_a_file_that_is_refused_once(alice: Actor) -> None:
    made = scene.connector(alice.workspace, created_by=alice.user)
    drop(alice, made, "email,surname\na@example.com,Ann\n")
    pick_up(alice.workspace, made)
    pick_up(alice.workspace, made)
    with tenant_context(alice.workspace.pk):
        [notice] = Notice.objects.filter(user=alice.user)
        assert notice.text.startswith("customers.csv was not imported. The saved mapping")
    drop(alice, made)
    pick_up(alice.workspace, made)
    with tenant_context(alice.workspace.pk):
        assert Connector.objects.get().error == "", "the next one was good"


def test_without_its_mapping_nothing_is_imported_by_guess(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    with tenant_context(alice.workspace.pk):
        Connector.objects.update(mapping_id=999_999)
    drop(alice, made)
    [file] = pick_up(alice.workspace, made)
    assert file.state == "failed"
    assert "mapping of this connector was removed" in file.note


def test_a_file_waits_until_it_was_quiet(alice: Actor) -> None:
    made = scene.connector(alice.workspace, quiet_seconds=3_600)
    drop(alice, made)
    [file] = pick_up(alice.workspace, made)
    assert (file.state, file.note) == ("waiting", "")
    pickup.look(alice.workspace.pk, made.pk, hurry=True)
    [imp] = scene.imports(alice.workspace)
    assert imp.file_name == "customers.csv"


@pytest.mark.parametrize("name", ["a.csv.part", "a.csv.filepart", "a.tmp", ".a.csv", "a.csv~", "A.CSV.PART"])
def test_partial_names_wait_until_they_are_renamed(alice: Actor, name: str) -> None:
    made = scene.connector(alice.workspace)
    path = drop(alice, made, name=name)
    [file] = pick_up(alice.workspace, made)
    assert file.state == "waiting"
    assert "Rename" in file.note
    path.rename(path.with_name("a.csv"))
    [file] = pick_up(alice.workspace, made)
    assert (file.state, file.name) == ("imported", "a.csv")


def test_a_file_that_is_not_there_any_more_is_forgotten(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    path = drop(alice, made, 'email,first_name,city\n"open')
    assert [file.state for file in pick_up(alice.workspace, made)] == ["waiting"]
    path.unlink()
    assert pick_up(alice.workspace, made) == []


def test_a_file_that_an_older_database_does_not_know_is_found_anew(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    (place_of(alice.workspace, made).taken / "0123456789abcdef").write_text(CSV)
    assert pickup.waiting() == [(alice.workspace.pk, made.pk)]
    [file] = pick_up(alice.workspace, made)
    assert (file.state, file.name) == ("imported", "recovered-0123456789abcdef.csv")


def test_a_full_disk_is_told_and_tried_again(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    made = scene.connector(alice.workspace)
    drop(alice, made)

    def full(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("connectors.pickup.configuration.create", full)
        with pytest.raises(OSError, match="No space left"):
            pick_up(alice.workspace, made)
    with tenant_context(alice.workspace.pk):
        assert "No space left on device" in Connector.objects.get().error
    assert [file.state for file in pick_up(alice.workspace, made)] == ["imported"]


def test_links_and_folders_are_never_taken(alice: Actor, tmp_path: Path) -> None:
    made = scene.connector(alice.workspace)
    inner = place_of(alice.workspace, made).incoming
    (tmp_path / "secret.csv").write_text(CSV)
    (inner / "link.csv").symlink_to(tmp_path / "secret.csv")
    (inner / "folder.csv").mkdir()
    assert pick_up(alice.workspace, made) == []
    assert scene.imports(alice.workspace) == []


def test_a_disabled_connector_imports_nothing_new(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    drop(alice, made)
    alice.post(f"connectors/{made.pk}/disable/")
    assert pick_up(alice.workspace, made) == []
    alice.post(f"connectors/{made.pk}/enable/")
    assert [file.state for file in pick_up(alice.workspace, made)] == ["imported"]


def test_the_sweep_knows_connectors_with_files(alice: Actor) -> None:
    made = scene.connector(alice.workspace)
    assert pickup.waiting() == []
    drop(alice, made)
    assert pickup.waiting() == [(alice.workspace.pk, made.pk)]
    pick_up(alice.workspace, made)
    assert pickup.waiting() == []


def test_what_waits_for_its_user_is_passed_by_until_it_changes(alice: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    made = scene.connector(alice.workspace)
    place = place_of(alice.workspace, made)
    monkeypatch.setattr("connectors.folders.CLOCK_SECONDS", -0.05)  # a look right after the change
    path = drop(alice, made, CSV + "eve@example.com,E")
    here = (alice.workspace.pk, made.pk)
    assert pickup.waiting() == [here]
    pick_up(alice.workspace, made)
    assert pickup.waiting() == []
    os.utime(path)
    place.settle(path.stat().st_ctime - 10)
    assert pickup.waiting() == [here], "it was touched"
    pick_up(alice.workspace, made)
    monkeypatch.setattr("connectors.folders.CLOCK_SECONDS", 1.0)
    place.settle(path.stat().st_ctime + 10)
    assert pickup.waiting() == []
    alice.post(f"connectors/{made.pk}/disable/")
    assert pickup.waiting() == [here], "something was changed on the page"
    pickup.look(*here)
    place.settle(path.stat().st_ctime + 10)
    alice.post(f"connectors/{made.pk}/enable/")
    assert pickup.waiting() == [here]
    drop(alice, made)
    place.settle(place.incoming.stat().st_ctime - 1)
    assert pickup.waiting() == [here]
    assert {file.name: file.state for file in pick_up(alice.workspace, made)}["customers.csv"] == "imported"


@pytest.mark.parametrize("step", range(12))
def test_killed_between_any_two_steps_it_is_imported_once(
    alice: Actor, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Each write of the pick-up, to the disk or to the database, is in turn the last one that it lives to see."""
    tenant = alice.workspace
    made = scene.connector(tenant)
    drop(alice, made, CSV + "x,Eve,Hull\n")
    left = [step]

    class Killed(BaseException):
        pass

    def counting(real: Any) -> Any:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = real(*args, **kwargs)
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return result

        return wrapped

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", counting(os.rename))
        patch.setattr(Path, "rename", counting(Path.rename))
        patch.setattr(Path, "replace", counting(Path.replace))
        patch.setattr(transaction.Atomic, "__exit__", counting(transaction.Atomic.__exit__))
        with contextlib.suppress(Killed):
            pick_up(tenant, made)
    [file] = pick_up(tenant, made)
    assert (file.state, file.note) == ("imported", "")
    [imp] = scene.imports(tenant)
    assert (imp.created, imp.in_error) == (2, 1)
    with tenant_context(tenant.pk):
        assert Import.objects.filter(file_name="customers.csv").count() == 1
    place = place_of(tenant, made)
    assert [len(names(folder)) for folder in (place.incoming, place.taken, place.jail / "done")] == [0, 0, 3]
